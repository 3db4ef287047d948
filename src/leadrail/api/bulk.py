"""Bulk changes over the native API: one change of many leads, asked for, watched and ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.api import examples
from leadrail.api.leads.commands import patch_of
from leadrail.api.leads.reading import channels_of, filter_of
from leadrail.api.leads.shapes import FieldPatch, NestedFilter
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Page, Paging, id_at, number_at, page
from leadrail.api.writes import write
from leadrail.core.actor import Actor, Scope
from leadrail.core.bulk import commands, store
from leadrail.core.bulk.model import (
    MOST_IDS,
    Action,
    BulkAssign,
    BulkChange,
    BulkEdit,
    BulkErase,
    BulkMove,
    BulkOutcome,
    BulkRelocate,
    ItemOutcome,
)
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.leads.filters import Filter
from leadrail.core.queries import demand, demand_unbound
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id


class BulkEditBody(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="edit", forbid_unknown_fields=True):
    """The same new values for every lead: what is left out stays, null removes."""

    fields: FieldPatch = FieldPatch()
    properties: dict[str, Any] = {}


class BulkBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which leads, by `ids` or by `filter`, and what is done to each of them."""

    ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MOST_IDS)] | UnsetType = UNSET
    filter: NestedFilter | UnsetType = UNSET
    action: BulkMove | BulkRelocate | BulkAssign | BulkEditBody | BulkErase


class OutcomeQuery(Paging, frozen=True, kw_only=True):
    outcome: Annotated[BulkOutcome, Meta(description="Only those that ended so.")] | None = None


async def add(call: Call[BulkBody, NoQuery]) -> Response:
    body = call.body
    ids = body.ids or ()
    filter = body.filter or NestedFilter()
    wanted = _given(filter) if body.filter else None
    if bool(ids) == (wanted is not None):
        raise refuse(Code.INVALID, "Say which leads: by ids, or by a filter", "/ids")
    if wanted == {}:
        raise refuse(Code.INVALID, "A filter without a condition would be every lead; say which", "/filter")
    if isinstance(body.action, BulkErase):
        _demand_erasing(call.actor)
    action = _action(body)

    async def work(connection: Connection) -> Response:
        with _within("/filter/channel", is_whole=True):
            setups = await channels_of(call.core, connection, call.actor, filter)
        with _within("/filter"):
            filter_of(call.actor, filter, setups)
        with _within("/action"):
            target = await _target(call, connection, action)
            commands.check(action, [setup.channel for setup in setups], target)
        asked = await commands.ask(connection, call.actor, action, ids=ids, filter=wanted, now=call.core.clock())
        return json_response(202, asked)

    return await write(call, work)


async def _target(call: Call[Any, Any], connection: Connection, action: Action) -> Channel | None:
    """The channel to which the leads are to go. Raises Refused (`channel_not_found`)."""
    if not isinstance(action, BulkRelocate):
        return None
    return (await call.core.reader.channel(connection, call.actor, action.channel_id)).channel


def _given(filter: NestedFilter) -> dict[str, Any]:
    """The conditions, as they are written down."""
    whole: dict[str, Any] = msgspec.to_builtins(filter)
    return {name: value for name, value in whole.items() if value not in (None, {})}


def _demand_erasing(actor: Actor) -> None:
    """Raises Refused (`forbidden`) for a key that may not erase a single lead either."""
    demand(actor, Scope.ADMIN)
    demand_unbound(actor, " and may not erase leads")


def _action(body: BulkBody) -> Action:
    if isinstance(body.action, BulkEditBody):
        return BulkEdit(fields=patch_of(body.action.fields), properties=body.action.properties)
    return body.action


@contextmanager
def _within(at: str, *, is_whole: bool = False) -> Iterator[None]:
    """Refusals inside point into this member of the body, or at the whole of it."""
    try:
        yield
    except Refused as error:
        wrong = error.refusal
        field = f"/{wrong.field.lstrip('/?')}" if wrong.field and not is_whole else ""
        raise refuse(wrong.code, wrong.message, at + field, **wrong.details) from None


async def chosen(core: Core, connection: Connection, actor: Actor, stored: Any) -> Filter:
    """What a filter that was written down comes to now. Raises Refused (`invalid`, `channel_not_found`)."""
    filter = msgspec.convert(stored, NestedFilter)
    return filter_of(actor, filter, await channels_of(core, connection, actor, filter))


async def list_changes(call: Call[None, Paging]) -> Response:
    limit, before, actor = call.query.limit, id_at(call.query.cursor), call.actor
    async with call.core.database.connection() as connection:
        own = commands.own_key(actor)
        rows = await store.listed(connection, actor.company_id, own, before=before, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, lambda row: row))


async def read(call: Call[None, NoQuery]) -> Response:
    async with call.core.database.connection() as connection:
        return json_response(200, await commands.seen(connection, call.actor, _id(call)))


async def list_outcomes(call: Call[None, OutcomeQuery]) -> Response:
    query, after = call.query, number_at(call.query.cursor) or 0
    async with call.core.database.connection() as connection:
        found = await commands.seen(connection, call.actor, _id(call))
        rows = await store.outcomes(
            connection, call.actor.company_id, found.id, query.outcome, after=after, limit=query.limit + 1
        )
    return json_response(200, page(rows, query.limit, lambda row: row.n, lambda row: row))


async def cancel(call: Call[None, NoQuery]) -> Response:
    async def work(connection: Connection) -> Response:
        return json_response(200, await commands.cancel(connection, call.actor, _id(call), call.core.clock()))

    return await write(call, work)


def _id(call: Call[Any, Any]) -> UUID | None:
    return parse_id(call.request.params["id"])


def _row(method: str, path: str, summary: str, handler: Any, **rest: Any) -> Operation:
    scope = Scope.READ if method == "GET" else Scope.WRITE
    return Operation(method=method, path=path, summary=summary, tag="Bulk", scope=scope, handler=handler, **rest)


_ALL = "/v1/bulk-changes"
_ONE = "/v1/bulk-changes/{id}"

OPERATIONS = (
    _row(
        "POST",
        _ALL,
        "Change many leads",
        add,
        description="Up to 10,000 by their ids, or all that match a filter at this moment. It is done in the"
        " background, each lead by the same rules as a single change and as the key that asks; to erase needs the scope"
        " `admin`.",
        body=BulkBody,
        answer=BulkChange,
        status=202,
        request_example=examples.NEW_BULK_CHANGE,
        answer_example=examples.BULK_CHANGE,
    ),
    _row(
        "GET",
        _ALL,
        "List bulk changes, newest first",
        list_changes,
        description="They are kept for 30 days after their end. A key that is bound to channels sees its own.",
        query=Paging,
        answer=Page[BulkChange],
        answer_example={"data": [examples.DONE_BULK_CHANGE], "next_cursor": None},
    ),
    _row("GET", _ONE, "Read a bulk change", read, answer=BulkChange, answer_example=examples.DONE_BULK_CHANGE),
    _row(
        "GET",
        f"{_ONE}/outcomes",
        "List what became of each lead",
        list_outcomes,
        description="Of the leads that are done, in the order in which they were.",
        query=OutcomeQuery,
        answer=Page[ItemOutcome],
        answer_example={"data": [examples.BULK_OUTCOME], "next_cursor": None},
    ),
    _row(
        "POST",
        f"{_ONE}/cancel",
        "End a bulk change",
        cancel,
        description="What is done stays done. One that has ended stays as it is.",
        answer=BulkChange,
        answer_example=examples.BULK_CHANGE | {"state": "cancelled", "finished_at": examples.LATER},
    ),
)
