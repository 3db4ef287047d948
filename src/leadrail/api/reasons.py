"""The company's reasons and sub-statuses: the list of each, changes to it, and how often each reason was given."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.leads.shapes import Moment
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Page
from leadrail.api.writes import write
from leadrail.core.actor import Scope
from leadrail.core.channels import reason_store, reasons
from leadrail.core.channels.model import Category, Reason, SubStatus
from leadrail.core.errors import Code, refuse
from leadrail.core.leads import reason_counts
from leadrail.core.leads.fields import checked_time
from leadrail.core.leads.reason_counts import ReasonCount, Span
from leadrail.core.setup import Setup
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id

MOST_TEXTS = 100

Text = Annotated[str, Meta(min_length=1, max_length=300)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]


class ReasonBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Text


class ReasonPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Text


class SubStatusBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: Category
    name: Name


class SubStatusPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name


class ShownReason(msgspec.Struct, frozen=True):
    """Why a change was made. Its id and its number never change."""

    id: UUID
    number: int
    text: str


class ShownSubStatus(msgspec.Struct, frozen=True):
    """A finer word under the statuses of a category."""

    id: UUID
    category: Category
    name: str


class CountQuery(msgspec.Struct, frozen=True, kw_only=True):
    channel: UUID | None = None
    status: Annotated[str, Meta(description="Moves into a status of this name.")] | None = None
    category: Annotated[Category, Meta(description="Moves into a status of this category.")] | None = None
    since: Annotated[Moment, Meta(description="Moves at this time or later.")] | None = None
    until: Annotated[Moment, Meta(description="Moves before this time.")] | None = None


class Others(msgspec.Struct, frozen=True):
    """Texts beyond the most frequent ones."""

    leads: int
    moves: int


class Counts(msgspec.Struct, frozen=True):
    """Every reason that was given, the most frequent first; null when no text is beyond those that are listed."""

    data: list[ReasonCount]
    others: Others | None


def _reason(reason: Reason) -> ShownReason:
    return ShownReason(reason.id, reason.number, reason.text)


def _sub_status(sub_status: SubStatus) -> ShownSubStatus:
    return ShownSubStatus(sub_status.id, sub_status.category, sub_status.name)


def _id(call: Call[Any, Any], kind: str) -> UUID:
    if (id := parse_id(call.request.params["id"])) is None:
        raise refuse(Code.NOT_FOUND, f"The company has no such {kind} on offer")
    return id


# Reasons


async def list_reasons(call: Call[None, NoQuery]) -> Response:
    async with call.core.database.connection() as connection:
        rows = await reason_store.reasons(connection, call.actor.company_id)
    return json_response(200, Page([_reason(row) for row in rows], None))


async def add_reason(call: Call[ReasonBody, NoQuery]) -> Response:
    async def work(connection: Connection) -> Response:
        return json_response(201, _reason(await reasons.add_reason(connection, call.actor.company_id, call.body.text)))

    return await write(call, work)


async def edit_reason(call: Call[ReasonPatch, NoQuery]) -> Response:
    id = _id(call, "reason")

    async def work(connection: Connection) -> Response:
        renamed = await reasons.rename_reason(connection, call.actor.company_id, id, call.body.text)
        return json_response(200, _reason(renamed))

    return await write(call, work)


async def archive_reason(call: Call[None, NoQuery]) -> Response:
    id = _id(call, "reason")

    async def work(connection: Connection) -> Response:
        await reasons.archive_reason(connection, call.actor.company_id, id)
        return Response(204)

    return await write(call, work)


async def count_reasons(call: Call[None, CountQuery]) -> Response:
    query = call.query
    span = Span(
        query.since and checked_time("since", query.since),
        query.until and checked_time("until", query.until),
    )
    if span.since is not None and span.until is not None and span.since >= span.until:
        raise refuse(Code.INVALID, "until is later than since", "?until")
    async with call.core.database.connection() as connection:
        if query.channel is not None:
            setups = [await call.core.reader.channel(connection, call.actor, query.channel)]
        else:
            setups = await call.core.reader.channels(connection, call.actor)
        rows = await reason_counts.counts(
            connection,
            list({setup.channel.company_id for setup in setups}),
            [setup.channel.id for setup in setups],
            _status_ids(query, setups),
            span,
            most_texts=MOST_TEXTS,
        )
    named = [row for row in rows if row.reason is not None]
    others = next((Others(row.leads, row.moves) for row in rows if row.reason is None), None)
    return json_response(200, Counts(named, others))


def _status_ids(query: CountQuery, setups: list[Setup]) -> list[UUID] | None:
    """The statuses that moves are counted into, archived ones too; None for any."""
    if query.status is None and query.category is None:
        return None
    name = query.status.casefold() if query.status is not None else None
    return [
        status.id
        for setup in setups
        for status in setup.channel.statuses
        if (name is None or setup.channel.is_called(status, name)) and query.category in (None, status.category)
    ]


# Sub-statuses


async def list_sub_statuses(call: Call[None, NoQuery]) -> Response:
    async with call.core.database.connection() as connection:
        rows = await reason_store.sub_statuses(connection, call.actor.company_id)
    return json_response(200, Page([_sub_status(row) for row in rows], None))


async def add_sub_status(call: Call[SubStatusBody, NoQuery]) -> Response:
    async def work(connection: Connection) -> Response:
        body = call.body
        added = await reasons.add_sub_status(connection, call.actor.company_id, body.category, body.name)
        return json_response(201, _sub_status(added))

    return await write(call, work)


async def edit_sub_status(call: Call[SubStatusPatch, NoQuery]) -> Response:
    id = _id(call, "sub-status")

    async def work(connection: Connection) -> Response:
        renamed = await reasons.rename_sub_status(connection, call.actor.company_id, id, call.body.name)
        return json_response(200, _sub_status(renamed))

    return await write(call, work)


async def archive_sub_status(call: Call[None, NoQuery]) -> Response:
    id = _id(call, "sub-status")

    async def work(connection: Connection) -> Response:
        await reasons.archive_sub_status(connection, call.actor.company_id, id)
        return Response(204)

    return await write(call, work)


_BACK = "The same word that was archived comes back with its id. One that is on offer already is refused, in any case."
_RENAMED = "Leads that have it show the new word at once; their history says what was said."
_ARCHIVED = "It stays on the leads and in the history that name it, and no move can give it any more."

OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/reasons",
        summary="List reasons",
        description="Those that are on offer.",
        tag="Reasons",
        scope=Scope.READ,
        handler=list_reasons,
        answer=Page[ShownReason],
        answer_example={"data": [examples.REASON], "next_cursor": None},
    ),
    Operation(
        method="POST",
        path="/v1/reasons",
        summary="Add a reason",
        description=_BACK,
        tag="Reasons",
        scope=Scope.ADMIN,
        handler=add_reason,
        body=ReasonBody,
        answer=ShownReason,
        status=201,
        request_example={"text": "Best price at another store"},
        answer_example=examples.REASON,
    ),
    Operation(
        method="GET",
        path="/v1/reasons/counts",
        summary="Count moves by reason",
        description=(
            "`moves` is how often the reason was given in the time that is asked for: with a move into a status, or "
            "anew in the same status. `leads` is how many of those leads still stand there with it. Reasons that are "
            f"not in the list go by their text in any case: the {MOST_TEXTS} most frequent, the rest in `others`."
        ),
        tag="Reasons",
        scope=Scope.READ,
        handler=count_reasons,
        query=CountQuery,
        answer=Counts,
        answer_example={"data": examples.REASON_COUNTS, "others": None},
    ),
    Operation(
        method="PATCH",
        path="/v1/reasons/{id}",
        summary="Rename a reason",
        description=_RENAMED + " Rules that give it give the new word.",
        tag="Reasons",
        scope=Scope.ADMIN,
        handler=edit_reason,
        body=ReasonPatch,
        answer=ShownReason,
        request_example={"text": "Cheaper elsewhere"},
        answer_example=examples.REASON | {"text": "Cheaper elsewhere"},
    ),
    Operation(
        method="DELETE",
        path="/v1/reasons/{id}",
        summary="Archive a reason",
        description=_ARCHIVED + " One that a rule gives is refused.",
        tag="Reasons",
        scope=Scope.ADMIN,
        handler=archive_reason,
        status=204,
        refusals=(Code.CONFLICT,),
    ),
    Operation(
        method="GET",
        path="/v1/sub-statuses",
        summary="List sub-statuses",
        description="Those that are on offer.",
        tag="Reasons",
        scope=Scope.READ,
        handler=list_sub_statuses,
        answer=Page[ShownSubStatus],
        answer_example={"data": [examples.SUB_STATUS], "next_cursor": None},
    ),
    Operation(
        method="POST",
        path="/v1/sub-statuses",
        summary="Add a sub-status to a category",
        description=_BACK,
        tag="Reasons",
        scope=Scope.ADMIN,
        handler=add_sub_status,
        body=SubStatusBody,
        answer=ShownSubStatus,
        status=201,
        request_example={"category": "on_hold", "name": "YetToDecide"},
        answer_example=examples.SUB_STATUS,
    ),
    Operation(
        method="PATCH",
        path="/v1/sub-statuses/{id}",
        summary="Rename a sub-status",
        description=_RENAMED,
        tag="Reasons",
        scope=Scope.ADMIN,
        handler=edit_sub_status,
        body=SubStatusPatch,
        answer=ShownSubStatus,
        request_example={"name": "Undecided"},
        answer_example=examples.SUB_STATUS | {"name": "Undecided"},
    ),
    Operation(
        method="DELETE",
        path="/v1/sub-statuses/{id}",
        summary="Archive a sub-status",
        description=_ARCHIVED,
        tag="Reasons",
        scope=Scope.ADMIN,
        handler=archive_sub_status,
        status=204,
    ),
)
