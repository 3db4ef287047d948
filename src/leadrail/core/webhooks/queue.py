"""The SQL of the delivery queue: who has work, claiming it for a while, and writing down how it went.

The deliveries that one company's leads owe to one endpoint are a lane. Work is looked for lane by lane, so the
length of a backlog costs nothing and a lane that cannot be served is stepped over.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.webhooks import store
from leadrail.core.webhooks.model import EventNames, Format
from leadrail.db.database import Connection

CLEARED_AT_ONCE = 1_000

NOT_IN_FORMAT = "not_in_format"
"""The outcome of a delivery whose endpoint's format has no message for such an event."""


class DeliveryState(StrEnum):
    DUE = "due"
    DELIVERED = "delivered"
    PARKED = "parked"
    CANCELLED = "cancelled"


class Lane(msgspec.Struct, frozen=True):
    """`due_at` is the earliest of its deliveries'; a lane is open while its endpoint is active."""

    company_id: UUID
    endpoint_id: UUID
    due_at: datetime
    is_open: bool


class Destination(msgspec.Struct, frozen=True):
    """What sending has to know of an endpoint."""

    id: UUID
    company_id: UUID
    url: str
    format: Format
    secret: str
    event_names: EventNames = EventNames.FIRST


class Claim(msgspec.Struct, frozen=True):
    """A delivery that is ours to send until its lease ends. `number` counts its attempts, this one included.

    `channel_called` is what the vendor of the endpoint's format called the event's channel, if it came from there.
    """

    company_id: UUID
    delivery_id: UUID
    number: int
    event_id: UUID
    payload: str | None
    endpoint: Destination
    channel_called: str | None = None


class Attempt(msgspec.Struct, frozen=True):
    """One HTTP try."""

    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    response: bytes


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a claim ended. Without an attempt nothing was sent, and the attempt that the claim counted is taken back."""

    claim: Claim
    ended_at: datetime
    state: DeliveryState
    due_at: datetime | None = None
    attempt: Attempt | None = None
    outcome: str | None = None
    disables_endpoint: bool = False


# A skip scan over the index deliveries_due: one probe per lane, whatever waits in it.
_LANES = """
WITH RECURSIVE lane AS (
    (SELECT company_id, endpoint_id, endpoint_company_id, due_at FROM deliveries
    WHERE state = 'due' AND (company_id, endpoint_id) > ($1, $2)
    ORDER BY company_id, endpoint_id, due_at LIMIT 1)
    UNION ALL
    SELECT following.* FROM lane CROSS JOIN LATERAL (
        SELECT d.company_id, d.endpoint_id, d.endpoint_company_id, d.due_at FROM deliveries d
        WHERE d.state = 'due' AND (d.company_id, d.endpoint_id) > (lane.company_id, lane.endpoint_id)
        ORDER BY d.company_id, d.endpoint_id, d.due_at LIMIT 1
    ) AS following
), looked_at AS (SELECT * FROM lane LIMIT $3)
SELECT l.company_id, l.endpoint_id, l.due_at, coalesce(e.state = 'active', false)
FROM looked_at l LEFT JOIN endpoints e ON e.company_id = l.endpoint_company_id AND e.id = l.endpoint_id
ORDER BY l.company_id, l.endpoint_id
"""


async def lanes(connection: Connection, after: tuple[UUID, UUID], limit: int) -> list[Lane]:
    """The lanes that follow the (company, endpoint) given, in that order, due or not."""
    return [Lane(*row) for row in await connection.fetch(_LANES, *after, limit)]


# The lease: due again at $5 unless a result is written before. A crash of the database may lose a commit that did
# not wait for the disk; what was claimed is then due at once, so nothing is lost, and a claim need not wait.
_CLAIM = """
WITH picked AS (
    SELECT next.company_id, next.id
    FROM set_config('synchronous_commit', 'off', true)
    CROSS JOIN unnest($1::uuid[], $2::uuid[], $3::integer[]) AS lane(company_id, endpoint_id, share)
    CROSS JOIN LATERAL (
        SELECT d.company_id, d.id FROM deliveries d
        WHERE d.company_id = lane.company_id AND d.endpoint_id = lane.endpoint_id
            AND d.state = 'due' AND d.due_at <= $4
        ORDER BY d.due_at LIMIT lane.share FOR UPDATE SKIP LOCKED
    ) AS next
)
UPDATE deliveries d SET due_at = $5, attempts = d.attempts + 1
FROM picked p, endpoints e
WHERE d.company_id = p.company_id AND d.id = p.id
    AND e.company_id = d.endpoint_company_id AND e.id = d.endpoint_id AND e.state = 'active'
RETURNING d.company_id, d.id, d.attempts, d.event_id, d.payload, e.id, e.company_id, e.url, e.format, e.secret,
    e.event_names, CASE WHEN e.format <> 'native' THEN (
        SELECT a.external_id FROM events v JOIN channel_aliases a
        ON a.company_id = v.company_id AND a.channel_id = v.channel_id AND a.system = e.format
        WHERE v.company_id = d.company_id AND v.seq = d.event_seq) END
"""


async def claim(
    connection: Connection, shares: Sequence[tuple[Lane, int]], now: datetime, lease_until: datetime
) -> list[Claim]:
    """Takes from each lane at most its share of what is due, passing over what another worker is taking."""
    columns = zip(*((lane.company_id, lane.endpoint_id, share) for lane, share in shares), strict=True)
    return [_claim(row) for row in await connection.fetch(_CLAIM, *columns, now, lease_until)]


def _claim(row: Any) -> Claim:
    company_id, id, number, event_id, payload, endpoint_id, owner_id, url, format, secret, event_names, called = row
    destination = Destination(endpoint_id, owner_id, url, Format(format), secret, EventNames(event_names))
    return Claim(company_id, id, number, event_id, payload, destination, called)


# Whoever deletes an endpoint wants no more of it. One that was disabled may come back, and its deliveries with it.
_CLEAR = f"""
WITH picked AS (
    SELECT waiting.* FROM unnest($1::uuid[], $2::uuid[]) AS lane(company_id, endpoint_id)
    CROSS JOIN LATERAL (
        SELECT d.company_id, d.id, d.endpoint_company_id, d.endpoint_id FROM deliveries d
        WHERE d.company_id = lane.company_id AND d.endpoint_id = lane.endpoint_id AND d.state = 'due'
        LIMIT {CLEARED_AT_ONCE} FOR UPDATE SKIP LOCKED
    ) AS waiting
), judged AS (
    SELECT p.company_id, p.id, coalesce(e.state = 'disabled', false) AS is_disabled
    FROM picked p LEFT JOIN endpoints e ON e.company_id = p.endpoint_company_id AND e.id = p.endpoint_id
    WHERE e.state IS DISTINCT FROM 'active'
)
UPDATE deliveries d SET finished_at = $3,
    state = CASE WHEN j.is_disabled THEN 'parked' ELSE 'cancelled' END,
    last_outcome = CASE WHEN j.is_disabled THEN 'endpoint_disabled' ELSE 'endpoint_deleted' END
FROM judged j WHERE d.company_id = j.company_id AND d.id = j.id
"""


async def clear(connection: Connection, closed: Sequence[Lane], now: datetime) -> bool:
    """Parks or cancels a first part of what waits for endpoints out of service; answers whether there was any."""
    companies, endpoints = zip(*((lane.company_id, lane.endpoint_id) for lane in closed), strict=True)
    return bool(await connection.execute(_CLEAR, companies, endpoints, now) != "UPDATE 0")


# A result counts while the claim is still the last one made; that a receiver has taken it in counts in any case.
_RECORD = """
WITH result AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::timestamptz[], $5::text[], $6::timestamptz[],
        $7::text[], $8::timestamptz[], $9::integer[], $10::integer[], $11::bytea[])
    AS r(company_id, delivery_id, number, ended_at, state, due_at,
        outcome, started_at, duration_ms, status_code, response)
), tried AS (
    INSERT INTO attempts (company_id, delivery_id, number, started_at, duration_ms, outcome, status_code, response)
    SELECT company_id, delivery_id, number, started_at, duration_ms, outcome, status_code, response
    FROM result WHERE started_at IS NOT NULL
    ON CONFLICT DO NOTHING
)
UPDATE deliveries d SET
    state = r.state,
    due_at = coalesce(r.due_at, d.due_at),
    attempts = d.attempts - CASE WHEN r.started_at IS NULL THEN 1 ELSE 0 END,
    last_outcome = coalesce(r.outcome, d.last_outcome),
    finished_at = CASE WHEN r.state <> 'due' THEN r.ended_at END
FROM result r
WHERE d.company_id = r.company_id AND d.id = r.delivery_id
    AND (d.state = 'due' AND d.attempts = r.number OR r.state = 'delivered' AND d.state <> 'delivered')
"""


async def record(connection: Connection, results: Sequence[Result]) -> None:
    """Writes down how claims ended. A result that is written a second time changes nothing."""
    await connection.execute(_RECORD, *zip(*map(_row, results), strict=True))


_UNTRIED = (None, None, None, None)


def _row(result: Result) -> tuple[Any, ...]:
    claim, attempt = result.claim, result.attempt
    end = (claim.company_id, claim.delivery_id, claim.number, result.ended_at, result.state, result.due_at)
    if attempt is None:
        return (*end, result.outcome, *_UNTRIED)
    return (*end, attempt.outcome, attempt.started_at, attempt.duration_ms, attempt.status_code, attempt.response)


async def disable(connection: Connection, endpoint: Destination) -> None:
    """Takes an endpoint out of service, so that new events make no deliveries for it."""
    statement = "UPDATE endpoints SET state = 'disabled' WHERE company_id = $1 AND id = $2 AND state = 'active'"
    if await connection.execute(statement, endpoint.company_id, endpoint.id) == "UPDATE 1":
        await store.renew_channels(connection, endpoint.company_id)
