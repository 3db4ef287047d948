"""Reading events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.actor import ActorKind
from leadrail.core.events.model import Entry, Event, EventActor, EventType
from leadrail.db.database import Connection
from leadrail.db.statement import Section


class CountRow(msgspec.Struct, frozen=True):
    """How many events of a company a statement records."""

    company_id: UUID
    events: int


class Stretch(msgspec.Struct, frozen=True):
    """A part of a company's feed, from after `start` to `end`; `whole` when all that is in it may be seen."""

    company_id: UUID
    start: int
    end: int
    whole: bool


class EventRow(msgspec.Struct, frozen=True):
    """An event to be recorded; `place` is its position among its company's events of the statement, from 1."""

    company_id: UUID
    place: int
    id: UUID
    type: EventType
    lead_id: UUID | None
    channel_id: UUID | None
    from_status_id: UUID | None
    to_status_id: UUID | None
    occurred_at: datetime
    recorded_at: datetime
    actor_kind: ActorKind
    actor_id: UUID | None
    face: str
    notice: bool
    data: msgspec.Raw


# The counters are locked in key order and last in the transaction, so a company's numbers follow its commits.
COUNT = Section(
    "counted",
    CountRow,
    """UPDATE event_counters e SET last_seq = e.last_seq + r.events
    FROM {rows} JOIN (
        SELECT company_id FROM event_counters WHERE company_id IN (SELECT r.company_id FROM {rows})
        ORDER BY company_id FOR UPDATE
    ) AS locked USING (company_id)
    WHERE e.company_id = r.company_id
    RETURNING e.company_id, e.last_seq - r.events AS base""",
)

INSERT = Section(
    "recorded",
    EventRow,
    """INSERT INTO events (company_id, seq, id, type, lead_id, channel_id, from_status_id, to_status_id,
        occurred_at, recorded_at, actor_kind, actor_id, face, notice, data)
    SELECT r.company_id, counted.base + r.place, r.id, r.type, r.lead_id, r.channel_id, r.from_status_id,
        r.to_status_id, r.occurred_at, r.recorded_at, r.actor_kind, r.actor_id, r.face, r.notice, r.data
    FROM {rows} JOIN counted USING (company_id)""",
)

COLUMNS = """seq, id, type, lead_id, channel_id, occurred_at, recorded_at, actor_kind, actor_id, face, data"""

_OF_LEAD = f"""
SELECT {COLUMNS} FROM events
WHERE company_id = $1 AND lead_id = $2 AND seq > $3 AND ($4::text IS NULL OR type = $4)
ORDER BY seq LIMIT $5
"""

_NEWEST_OF_LEADS = f"""
SELECT newest.* FROM unnest($1::uuid[], $2::uuid[]) AS q(company_id, lead_id)
CROSS JOIN LATERAL (
    SELECT {COLUMNS} FROM events e WHERE e.company_id = q.company_id AND e.lead_id = q.lead_id
    ORDER BY e.seq DESC LIMIT $3
) AS newest
ORDER BY newest.seq
"""

_LAST = "SELECT company_id, last_seq FROM event_counters WHERE company_id = ANY($1)"

# The numbers are gapless: a stretch of them bounds what is looked at, whatever is shown of it.
_WITHIN = f"""
SELECT q.company_id, found.* FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bool[])
    AS q(company_id, start, "end", whole)
CROSS JOIN LATERAL (
    SELECT {COLUMNS} FROM events e
    WHERE e.company_id = q.company_id AND e.seq > q.start AND e.seq <= q."end"
        AND (q.whole OR e.channel_id = ANY($5::uuid[])) AND (cardinality($6::text[]) = 0 OR e.type = ANY($6))
    ORDER BY e.seq LIMIT $7
) AS found
ORDER BY q.company_id, found.seq
"""


async def last_seqs(connection: Connection, company_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The number of the last event of each company; all up to it are committed."""
    return dict(map(tuple, await connection.fetch(_LAST, list(company_ids))))


async def within(
    connection: Connection,
    stretches: Sequence[Stretch],
    channel_ids: Sequence[UUID],
    types: Sequence[EventType],
    limit: int,
) -> list[tuple[UUID, Entry]]:
    """The events of the channels in these stretches, by company and number, at most `limit` of each company."""
    columns = [list(column) for column in zip(*map(msgspec.structs.astuple, stretches), strict=True)]
    rows = await connection.fetch(_WITHIN, *columns, list(channel_ids), list(types), limit)
    return [(row[0], entry_of(tuple(row)[1:])) for row in rows]


async def of_lead(
    connection: Connection,
    company_id: UUID,
    lead_id: UUID,
    *,
    after: int = 0,
    limit: int = 1000,
    type: EventType | None = None,
) -> list[Entry]:
    """A lead's events, oldest first."""
    return [entry_of(row) for row in await connection.fetch(_OF_LEAD, company_id, lead_id, after, type, limit)]


async def of_leads(
    connection: Connection, keys: Sequence[tuple[UUID, UUID]], *, limit: int = 100
) -> dict[UUID, list[Entry]]:
    """The newest events, at most `limit` each, of these leads, named by (company, id); oldest first, by lead."""
    companies, ids = [company_id for company_id, _ in keys], [id for _, id in keys]
    found: dict[UUID, list[Entry]] = {id: [] for id in ids}
    for row in await connection.fetch(_NEWEST_OF_LEADS, companies, ids, limit):
        found[row["lead_id"]].append(entry_of(row))
    return found


_ALL_OF_LEADS = f"""
SELECT q.place, found.* FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS q(company_id, lead_id, place)
CROSS JOIN LATERAL (
    SELECT {COLUMNS} FROM events e WHERE e.company_id = q.company_id AND e.lead_id = q.lead_id
        AND e.seq > CASE WHEN q.place = $3 THEN $4::bigint ELSE 0 END
    ORDER BY e.seq LIMIT $5
) AS found
WHERE q.place >= $3
ORDER BY q.place, found.seq LIMIT $5
"""


async def all_of_leads(
    connection: Connection, keys: Sequence[tuple[UUID, UUID]], *, after: tuple[int, int], limit: int
) -> list[tuple[int, Entry]]:
    """The events of these leads, named by (company, id), each with its lead's place among them, from 1.

    They come lead by lead, oldest first; `after` is the place and the number behind which to go on.
    """
    companies, ids = [company_id for company_id, _ in keys], [id for _, id in keys]
    rows = await connection.fetch(_ALL_OF_LEADS, companies, ids, *after, limit)
    return [(row[0], entry_of(tuple(row)[1:])) for row in rows]


def entry_of(row: Sequence[Any]) -> Entry:
    """The event of a row of COLUMNS."""
    seq, id_, type_, lead_id, channel_id, occurred, recorded, kind, actor_id, face, data = row
    actor = EventActor(ActorKind(kind), actor_id, face)
    event = Event(id_, EventType(type_), lead_id, channel_id, occurred, recorded, actor, msgspec.json.decode(data))
    return Entry(seq, event)
