"""One person's right to know and to be forgotten: all leads under an address, a number or a profile."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.naming import named
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Cursor, cursor_of, number_at
from leadrail.api.writes import write
from leadrail.core.actor import Scope
from leadrail.core.blocks import commands as blocks
from leadrail.core.blocks.model import Block, BlockCause, personal
from leadrail.core.companies import store as companies
from leadrail.core.consents import store as consents
from leadrail.core.engine import Done
from leadrail.core.errors import Refusal, Refused
from leadrail.core.events import store as events
from leadrail.core.events.model import Event
from leadrail.core.followups import store as followups
from leadrail.core.followups.store import FollowUpRow
from leadrail.core.identity import KeyKind
from leadrail.core.imports import store as imports
from leadrail.core.imports.store import Key, RefusedRow
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import EraseLead
from leadrail.core.leads.decisions import Consent, Note, Purchase
from leadrail.core.leads.model import LeadDocument, document
from leadrail.core.notes import store as notes
from leadrail.core.purchases import store as purchases
from leadrail.core.queries import Seen
from leadrail.core.rewards import store as rewards
from leadrail.core.rewards.filters import Filter
from leadrail.core.rewards.model import Reward
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response

SHOWN = 20
"""Leads of one answer: each comes with all that was recorded of it."""

ERASED_AT_ONCE = 500
"""Leads of one call; the answer says when there are more."""

MOST_ROWS = 100
_PART = 1_000
Row = TypeVar("Row")


class PersonBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is meant: one of these. They are in the body, so that they stand in no log of addresses."""

    email: Annotated[str, Meta(max_length=320)] | None = None
    phone: Annotated[str, Meta(max_length=100)] | None = None
    linkedin_url: Annotated[str, Meta(max_length=500)] | None = None


class EraseBody(PersonBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    block: bool = False


class ReportBody(PersonBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    cursor: Cursor | None = None


class KnownLead(msgspec.Struct, frozen=True):
    """A lead of the person, with everything that is recorded of it."""

    lead: LeadDocument
    events: list[Event]
    follow_ups: list[FollowUpRow]
    notes: list[Note]
    consents: list[Consent]
    purchases: list[Purchase]
    rewards: list[Reward]


class Report(msgspec.Struct, frozen=True):
    """What the company knows of a person, newest leads first; `next_cursor` null: that is all.

    `refused_rows`: of imported files, at most 100; the last answer has them.
    """

    data: list[KnownLead]
    refused_rows: list[RefusedRow]
    next_cursor: str | None


class Forgotten(msgspec.Struct, frozen=True):
    """The leads that were erased by this call, and what is blocked since; `has_more`: call again for the rest."""

    erased: list[str]
    has_more: bool
    blocked: list[Block]


async def report(call: Call[ReportBody, NoQuery]) -> Response:
    below = number_at(call.body.cursor)
    async with call.core.database.connection() as connection:
        key = await _key(connection, call)
        found = await _leads(connection, call, key, SHOWN + 1, below)
        shown = [await _known(connection, call, seen) for seen in found[:SHOWN]]
        following = cursor_of(found[SHOWN - 1].lead.number) if len(found) > SHOWN else None
        rows = []
        if following is None:
            rows = await imports.refusals_of_person(connection, call.actor.company_id, key, MOST_ROWS)
    return json_response(200, Report(shown, rows, following))


async def forget(call: Call[EraseBody, NoQuery]) -> Response:
    async def work(connection: Connection) -> Response:
        key = await _key(connection, call)
        blocked = await _block(connection, call, key) if call.body.block else []
        found = await _leads(connection, call, key, ERASED_AT_ONCE + 1, None)
        await imports.drop_refusals_of_person(connection, call.actor.company_id, key)
        # An erased lead has no keys any more: calling again finds what is left, and in the end nothing.
        commands = [EraseLead(actor=call.actor, lead_id=seen.lead.id) for seen in found[:ERASED_AT_ONCE]]
        outcomes = await call.core.engine.execute(commands)
        done = [str(outcome.lead.id) for outcome in outcomes if isinstance(outcome, Done)]
        if not done and (refusals := [outcome for outcome in outcomes if isinstance(outcome, Refusal)]):
            raise Refused(refusals[0])
        return json_response(200, Forgotten(done, len(done) < len(found), blocked))

    return await write(call, work)


async def _block(connection: Connection, call: Call[EraseBody, NoQuery], key: Key) -> list[Block]:
    """Blocks the person by all keys of the leads that are to be erased, before they are looked for again: none comes in
    between. Committed by a connection of its own, since the engine, which erases by another one, must see it.
    """
    company_id = call.actor.company_id
    found = await _leads(connection, call, key, ERASED_AT_ONCE, None)
    keys = personal(frozenset({key}).union(*(seen.lead.keys(seen.setup.channel.country) for seen in found)))
    own = await call.core.database.dedicated()
    try:
        async with own.transaction():
            blocking = await blocks.block(own, company_id, keys, BlockCause.ERASURE, call.core.clock())
        await blocks.outwait(own, company_id, is_first=blocking.is_first)
    finally:
        await own.close()
    return blocking.blocks


async def _leads(
    connection: Connection, call: Call[Any, NoQuery], key: Key, limit: int, below: int | None
) -> list[Seen]:
    """Those of the company's own channels: what another company knows, it has to answer for itself."""
    ids = await leads.ids_by_key(connection, call.actor.company_id, *key, below=below, limit=limit)
    return await call.core.reader.leads_in_order(connection, call.actor, ids)


async def _key(connection: Connection, call: Call[Any, NoQuery]) -> Key:
    """Raises Refused (`invalid`) unless exactly one is given and can be read."""
    company = await companies.company(connection, call.actor.company_id)
    given = {"email": call.body.email, "phone": call.body.phone, "linkedin_url": call.body.linkedin_url}
    kind, key = named(given, company.country)
    return KeyKind(kind), key


async def _known(connection: Connection, call: Call[Any, NoQuery], seen: Seen) -> KnownLead:
    place = connection, seen.lead.company_id, seen.lead.id
    entries = await _whole(lambda last: events.of_lead(*place, after=last.seq if last else 0, limit=_PART))
    earned = Filter(company_id=call.actor.company_id, lead_id=seen.lead.id)
    return KnownLead(
        document(seen.lead, seen.setup.channel),
        [entry.event for entry in entries],
        await _whole(lambda last: followups.of_lead(*place, after=last.number if last else 0, limit=_PART)),
        await _whole(lambda last: notes.of_lead(*place, before=last.id if last else None, limit=_PART)),
        await _whole(lambda last: consents.of_lead(*place, before=last.id if last else None, limit=_PART)),
        await _whole(lambda last: purchases.of_lead(*place, before=last.id if last else None, limit=_PART)),
        await _whole(lambda last: rewards.listed(connection, earned, before=last.id if last else None, limit=_PART)),
    )


async def _whole(read: Callable[[Any], Awaitable[Sequence[Row]]]) -> list[Row]:
    """All rows of a list that is read part by part, each after the last row of the one before."""
    rows: list[Row] = []
    part: Sequence[Row] = ()
    while not rows or len(part) == _PART:
        part = await read(rows[-1] if rows else None)
        rows += part
        if not part:
            break
    return rows


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/persons/report",
        summary="Report all that is known of a person",
        description="Every lead of your own channels under the address, number or profile, with its whole history.",
        tag="Persons",
        scope=Scope.ADMIN,
        handler=report,
        only_asks=True,
        body=ReportBody,
        request_example={"email": "jane@example.com"},
        answer=Report,
        answer_example={"data": [], "refused_rows": [], "next_cursor": None},
    ),
    Operation(
        method="POST",
        path="/v1/persons/erase",
        summary="Erase a person from all leads",
        description=(
            "Erases every lead of your own channels under the address, number or profile, as deleting each would. "
            "Erasing again finds nothing more. It cannot be undone. With `block`, neither that nor any other address, "
            "number, profile or business id of the erased leads comes in again."
        ),
        tag="Persons",
        scope=Scope.ADMIN,
        handler=forget,
        body=EraseBody,
        request_example={"email": "jane@example.com", "block": True},
        answer=Forgotten,
        answer_example={"erased": [examples.LEAD_ID], "has_more": False, "blocked": [examples.BLOCK]},
    ),
)
