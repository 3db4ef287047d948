"""The SQL of the delivery log, as the company of an endpoint sees it, and of replaying what stands in it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.core.webhooks.queue import DeliveryState
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id

REPLAYED_AT_ONCE = 5_000
COUNTED = 1_000


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

_LIST = f"""
SELECT {_COLUMNS} FROM deliveries d
WHERE {_OF_ENDPOINT} AND ($3::uuid IS NULL OR d.id < $3) AND ($4::text IS NULL OR d.state = $4)
    AND ($5::text IS NULL OR d.event_type = $5) AND ($6::uuid IS NULL OR d.lead_id = $6)
    AND ($7::timestamptz IS NULL OR d.created_at >= $7) AND ($8::timestamptz IS NULL OR d.created_at < $8)
ORDER BY d.endpoint_company_id DESC, d.endpoint_id DESC, d.id DESC LIMIT $9
"""


async def deliveries(
    connection: Connection, company_id: UUID, endpoint_id: UUID, wanted: Wanted, *, before: UUID | None, limit: int
) -> list[Delivery]:
    """The endpoint's deliveries, newest first."""
    chosen = (wanted.state, wanted.type, wanted.lead, wanted.since, wanted.until)
    rows = await connection.fetch(_LIST, company_id, endpoint_id, before, *chosen, limit)
    return [_delivery(tuple(row)) for row in rows]


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
    WHERE {_OF_ENDPOINT} AND d.id > $3 AND d.state IN ({{states}}) AND d.finished_at <= $4
        AND ($5::timestamptz IS NULL OR d.created_at >= $5) AND ($6::timestamptz IS NULL OR d.created_at < $6)
        AND ($7::uuid IS NULL OR d.id = $7)
    ORDER BY d.endpoint_company_id, d.endpoint_id, d.id LIMIT {REPLAYED_AT_ONCE}
), replayed AS (
    UPDATE deliveries d SET state = 'due', due_at = $4, attempts_before = d.attempts, finished_at = NULL
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
    after: UUID,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    id: UUID | None = None,
) -> Portion:
    """Makes a first part of what was finished by `now` due again, beginning after a delivery's id."""
    row = await connection.fetchrow(replay_statement(states), company_id, endpoint_id, after, now, since, until, id)
    return Portion(*row)
