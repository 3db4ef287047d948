"""The feed: every event that a caller may see, oldest first, each exactly once, from one cursor to the next."""

import heapq
from collections.abc import Sequence
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels import store as channels
from leadrail.core.errors import Code, refuse
from leadrail.core.events import store as events
from leadrail.core.events.model import Entry, EventType
from leadrail.core.events.places import Places
from leadrail.core.events.store import Stretch
from leadrail.db.database import Connection

LOOKED_AT = 4000
"""How many events one reading looks at, whatever it may show of them."""


class Choice(msgspec.Struct, frozen=True):
    """Which events are wanted; no type means all."""

    types: tuple[EventType, ...] = ()
    channel_id: UUID | None = None


class Placed(msgspec.Struct, frozen=True):
    """An event with the company in whose feed it has its place."""

    company_id: UUID
    entry: Entry


class Reading(msgspec.Struct, frozen=True):
    """What lies after a cursor. `places` is where to go on, `has_more` whether there is more at this moment."""

    found: tuple[Placed, ...]
    places: dict[UUID, int]
    has_more: bool


async def latest(connection: Connection, actor: Actor) -> dict[UUID, int]:
    """The places after everything that is there."""
    return await events.last_seqs(connection, actor.companies)


async def read(connection: Connection, actor: Actor, after: Places, choice: Choice, limit: int) -> Reading:
    """The next events after these places. Raises Refused (`channel_not_found`)."""
    shown = await _channels(connection, actor, choice)
    # Events up to a counter that is committed are committed: what is read after it has them all.
    last = await events.last_seqs(connection, actor.companies)
    behind = {id: seq for id, seq in last.items() if seq > after.get(id, 0)}
    if not behind:
        return Reading((), dict(after), has_more=False)
    stretches = _stretches(actor, after, behind, everything=not actor.channel_ids and choice.channel_id is None)
    rows = await events.within(connection, stretches, shown, choice.types, limit)
    return _reading(after, stretches, rows, behind, limit)


async def _channels(connection: Connection, actor: Actor, choice: Choice) -> list[UUID]:
    usable = set(await channels.accessible(connection, actor.company_id))
    if actor.channel_ids:
        usable &= actor.channel_ids
    if choice.channel_id is None:
        return list(usable)
    if choice.channel_id not in usable:
        raise refuse(Code.CHANNEL_NOT_FOUND, "Channel not found", "?channel")
    return [choice.channel_id]


def _stretches(actor: Actor, after: Places, behind: Places, *, everything: bool) -> list[Stretch]:
    share = max(LOOKED_AT // len(behind), 1)
    # Those that lie furthest behind in number come in turn when there are more companies than a reading looks at.
    chosen = sorted(behind, key=lambda id: after.get(id, 0) - behind[id])[:LOOKED_AT]
    return [
        Stretch(id, start, min(behind[id], start + share), everything and id == actor.company_id)
        for id in chosen
        for start in [after.get(id, 0)]
    ]


def _reading(
    after: Places, stretches: Sequence[Stretch], rows: Sequence[tuple[UUID, Entry]], behind: Places, limit: int
) -> Reading:
    by_company: dict[UUID, list[Placed]] = {one.company_id: [] for one in stretches}
    for company_id, entry in rows:
        by_company[company_id].append(Placed(company_id, entry))
    # A merge, not a sort: a clock that was set back may not change the order within a company.
    merged = heapq.merge(*by_company.values(), key=lambda one: one.entry.event.recorded_at)
    found = tuple(one for one, _ in zip(merged, range(limit), strict=False))
    places = dict(after)
    for one in found:
        places[one.company_id] = one.entry.seq
    taken = {id: sum(one.company_id == id for one in found) for id in {one.company_id for one in found}}
    for stretch in stretches:
        id = stretch.company_id
        if len(by_company[id]) < limit and taken.get(id, 0) == len(by_company[id]):
            places[id] = stretch.end  # nothing of it is left to show
    return Reading(found, places, any(places.get(id, 0) < seq for id, seq in behind.items()))
