"""The SQL of the delivery log, as the company of an endpoint sees it, and of replaying what stands in it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from leadrail.core.webhooks.queue import DeliveryState
from leadrail.db.database import Connection
from leadrail.kit.ids import first_id_of, new_id

REPLAYED_AT_ONCE = 5_000
COUNTED = 1_000
WALKED = 20_000
CLOCKS_DIFFER_S = 3600
_ENDED = (DeliveryState.PARKED, DeliveryState.DELIVERED, DeliveryState.CANCELLED)
_FIRST, _LAST = UUID(int=0), UUID(int=(1 << 128) - 1)
_BEFORE_ALL, _AFTER_ALL = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


class Delivery(msgspec.Struct, frozen=True):
    """A delivery in the log; `lead_id` is None where the event is not of a lead."""

    id: UUID
    event_id: UUID
    event_type: str | None
    lead_id: UUID | None
    state: DeliveryState
    due_at: datetime
    attempts: int
    last_outcome: str | None
    created_at: datetime
    finished_at: datetime | None


class Try(msgspec.Struct, frozen=True):
    """One HTTP try; `response` is the first of what was answered, None when nothing was."""

    number: int
    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    response: str | None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which of an endpoint's deliveries; None leaves one open. `since` is included, `until` is not."""

    state: DeliveryState | None = None
    type: str | None = None
    lead: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class Whole(msgspec.Struct, frozen=True):
    """A delivery with its payload, as JSON text, while that is kept, and its attempts."""

    delivery: Delivery
    payload: str | None
    tries: list[Try]


_COLUMNS = (
    "d.id, d.event_id, d.event_type, d.lead_id, d.state, d.due_at, d.attempts, d.last_outcome, d.created_at,"
    " d.finished_at"
)
_OF_ENDPOINT = "d.endpoint_company_id = $1 AND d.endpoint_id = $2"

_WITHIN = "d.id > $3 AND d.id < $4 AND d.created_at >= $5 AND d.created_at < $6"

# How far one call walks through the log for a state or a type that hardly stands in it.
_EDGE = f"""
SELECT d.id FROM deliveries d WHERE {_OF_ENDPOINT} AND {_WITHIN}{{state}}
ORDER BY d.endpoint_company_id DESC, d.endpoint_id DESC, d.id DESC OFFSET $7 LIMIT 1
"""

_LIST = f"""
SELECT {_COLUMNS} FROM deliveries d
WHERE {_OF_ENDPOINT} AND {_WITHIN}{{state}} AND ($7::text IS NULL OR d.state = $7)
    AND ($8::text IS NULL OR d.event_type = $8)
ORDER BY d.endpoint_company_id DESC, d.endpoint_id DESC, d.id DESC LIMIT $9
"""

_LIST_OF_LEAD = f"""
SELECT {_COLUMNS} FROM deliveries d
WHERE {_OF_ENDPOINT} AND {_WITHIN} AND ($7::text IS NULL OR d.state = $7) AND ($8::text IS NULL OR d.event_type = $8)
    AND d.lead_id = $10
ORDER BY d.id DESC LIMIT $9
"""


class Listed(msgspec.Struct, frozen=True):
    """Deliveries, newest first, and where the next page goes on: before this id; None when there is no more."""

    deliveries: list[Delivery]
    next_before: UUID | None


async def deliveries(
    connection: Connection, company_id: UUID, endpoint_id: UUID, wanted: Wanted, *, before: UUID | None, limit: int
) -> Listed:
    """A page of the endpoint's deliveries. It may hold fewer than `limit`, or none, although more follow."""
    first, last, since, until = _bounds(wanted.since, wanted.until)
    last = min(last, before) if before is not None else last
    chosen = (wanted.state, wanted.type, limit + 1)
    within = (company_id, endpoint_id, first, last, since, until)
    edge = None
    if wanted.lead is not None:
        rows = await connection.fetch(_LIST_OF_LEAD, *within, *chosen, wanted.lead)
    else:
        # What is parked has an index of its own, which serves when the statement says the word.
        is_parked = wanted.state is DeliveryState.PARKED
        state = " AND d.state = 'parked'" if is_parked else ""
        if wanted.type is not None or (wanted.state is not None and not is_parked):
            edge = await connection.fetchval(_EDGE.format(state=state), *within, WALKED)
        listing = _LIST.format(state=state)
        rows = await connection.fetch(listing, company_id, endpoint_id, edge or first, *within[3:], *chosen)
    found = [_delivery(tuple(row)) for row in rows]
    if len(found) > limit:
        return Listed(found[:limit], found[limit - 1].id)
    # What stands at the edge itself is the first that the next page looks at.
    return Listed(found, UUID(int=edge.int + 1) if edge is not None else None)


def _bounds(since: datetime | None, until: datetime | None) -> tuple[UUID, UUID, datetime, datetime]:
    """Between which ids, both left out, and times. An id tells when it was made as well as the clocks agree."""
    first = first_id_of(since, -CLOCKS_DIFFER_S) if since is not None else _FIRST
    last = first_id_of(until, CLOCKS_DIFFER_S) if until is not None else _LAST
    return first, last, since or _BEFORE_ALL, until or _AFTER_ALL


def _delivery(row: Sequence[object]) -> Delivery:
    return msgspec.convert(dict(zip(Delivery.__struct_fields__, row, strict=True)), Delivery)


_ONE = f"SELECT {_COLUMNS}, d.company_id, d.payload FROM deliveries d WHERE {_OF_ENDPOINT} AND d.id = $3"

_TRIES = """
SELECT number, started_at, duration_ms, outcome, status_code, response FROM attempts
WHERE company_id = $1 AND delivery_id = $2 ORDER BY number
"""


async def delivery(connection: Connection, company_id: UUID, endpoint_id: UUID, id: UUID) -> Whole | None:
    row = await connection.fetchrow(_ONE, company_id, endpoint_id, id)
    if row is None:
        return None
    *shown, owner_id, payload = row
    tries = [_try(*one) for one in await connection.fetch(_TRIES, owner_id, id)]
    return Whole(_delivery(shown), payload, tries)


def _try(
    number: int, started_at: datetime, duration_ms: int, outcome: str, status: int | None, response: bytes | None
) -> Try:
    text = response.decode("utf-8", "replace") if response is not None else None
    return Try(number, started_at, duration_ms, outcome, status, text)


_PARKED = f"""
SELECT count(*) FROM (
    SELECT FROM deliveries d WHERE {_OF_ENDPOINT} AND d.state = 'parked' LIMIT {COUNTED}
) AS parked
"""


async def parked(connection: Connection, company_id: UUID, endpoint_id: UUID) -> int:
    """How many are parked; exact below COUNTED."""
    return int(await connection.fetchval(_PARKED, company_id, endpoint_id))


_TEST = f"""
INSERT INTO deliveries AS d (company_id, id, event_id, endpoint_company_id, endpoint_id, event_type, payload, due_at,
    created_at)
VALUES ($1, $3, $4, $1, $2, $5, $6, $7, $7) RETURNING {_COLUMNS}
"""


async def insert_test(
    connection: Connection, company_id: UUID, endpoint_id: UUID, event_id: UUID, type: str, payload: str, now: datetime
) -> Delivery:
    """A delivery, due now, of an event that is in no feed."""
    row = await connection.fetchrow(_TEST, company_id, endpoint_id, new_id(), event_id, type, payload, now)
    return _delivery(tuple(row))


class Portion(msgspec.Struct, frozen=True):
    """What one statement of a replay came to; `last` is where the next goes on, None when none was left."""

    last: UUID | None
    replayed: int
    without_payload: int


# The states stand in the statement as words, so that the index of what is parked serves.
_REPLAY = f"""
WITH found AS (
    SELECT d.company_id, d.id, d.payload IS NOT NULL AS is_kept FROM deliveries d
    WHERE {_OF_ENDPOINT} AND {_WITHIN} AND d.state IN ({{states}}) AND d.finished_at <= $7
    ORDER BY d.endpoint_company_id, d.endpoint_id, d.id LIMIT {REPLAYED_AT_ONCE}
), replayed AS (
    UPDATE deliveries d SET state = 'due', due_at = $7, attempts_before = d.attempts, finished_at = NULL
    FROM found f WHERE d.company_id = f.company_id AND d.id = f.id AND d.payload IS NOT NULL
        AND d.state IN ({{states}})
    RETURNING 1
)
SELECT (SELECT id FROM found ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM replayed),
    (SELECT count(*) FROM found WHERE NOT is_kept)
"""


def replay_statement(states: Sequence[DeliveryState]) -> str:
    return _REPLAY.format(states=", ".join(f"'{DeliveryState(state)}'" for state in states))


async def replay(
    connection: Connection,
    company_id: UUID,
    endpoint_id: UUID,
    states: Sequence[DeliveryState],
    *,
    after: UUID | None,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Portion:
    """Makes a first part of what was finished by `now` due again, beginning after a delivery's id."""
    first, last, since, until = _bounds(since, until)
    first = max(first, after) if after is not None else first
    within = (company_id, endpoint_id, first, last, since, until)
    return Portion(*await connection.fetchrow(replay_statement(states), *within, now))


async def replay_one(connection: Connection, company_id: UUID, endpoint_id: UUID, id: UUID, now: datetime) -> Portion:
    """Makes one delivery, if it has ended, due again."""
    within = (company_id, endpoint_id, UUID(int=id.int - 1), UUID(int=id.int + 1), _BEFORE_ALL, _AFTER_ALL)
    return Portion(*await connection.fetchrow(replay_statement(_ENDED), *within, now))
