"""The SQL of the delivery queue: who has work, claiming it for a while, and clearing what nobody is to get.

The deliveries that one company's leads owe to one endpoint are a lane. Work is looked for lane by lane, so the
length of a backlog costs nothing and a lane that cannot be served is stepped over.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.webhooks.model import EventNames, Format
from leadrail.db.database import Connection

CLEARED_AT_ONCE = 1_000


class DeliveryState(StrEnum):
    DUE = "due"
    DELIVERED = "delivered"
    PARKED = "parked"
    CANCELLED = "cancelled"


class LaneState(StrEnum):
    """`held`: what is due waits, for the endpoint is paused. `closed`: nothing of it is to be sent any more."""

    OPEN = "open"
    HELD = "held"
    CLOSED = "closed"


class Lane(msgspec.Struct, frozen=True):
    """`due_at` is the earliest of its deliveries'.

    While its endpoint fails, nothing is tried before `resting_until`, and after it one delivery at a time, by one
    worker of all.
    """

    company_id: UUID
    endpoint_id: UUID
    due_at: datetime
    state: LaneState = LaneState.OPEN
    resting_until: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        return self.state is LaneState.OPEN and max(self.due_at, self.resting_until or self.due_at) <= now


class Destination(msgspec.Struct, frozen=True):
    """What sending has to know of an endpoint. Two `secrets` hold while one is rotated, the newest first."""

    id: UUID
    company_id: UUID
    url: str
    format: Format
    secrets: tuple[str, ...]
    event_names: EventNames = EventNames.FIRST
    headers: dict[str, str] = {}
    ordered: bool = False


class Claim(msgspec.Struct, frozen=True):
    """A delivery that is ours to send until its lease ends. `number` counts its attempts, this one included.

    `attempts_before` were made before it was last replayed. `channel_called` is what the vendor of the endpoint's
    format called the event's channel, if it came from there. `trial_until` is set when it tries an endpoint that fails:
    until then nobody else does.
    """

    company_id: UUID
    delivery_id: UUID
    number: int
    event_id: UUID
    payload: str | None
    endpoint: Destination
    channel_called: str | None = None
    attempts_before: int = 0
    trial_until: datetime | None = None


class Taken(msgspec.Struct, frozen=True):
    """`has_put_off`: some of what was looked at waits for earlier ones now, so others may be due behind them."""

    claims: Sequence[Claim]
    has_put_off: bool


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
SELECT l.company_id, l.endpoint_id, l.due_at,
    CASE e.state WHEN 'active' THEN 'open' WHEN 'paused' THEN 'held' ELSE 'closed' END, f.resting_until
FROM looked_at l LEFT JOIN endpoints e ON e.company_id = l.endpoint_company_id AND e.id = l.endpoint_id
LEFT JOIN endpoint_failures f ON f.company_id = l.endpoint_company_id AND f.endpoint_id = l.endpoint_id
ORDER BY l.company_id, l.endpoint_id
"""


async def lanes(connection: Connection, after: tuple[UUID, UUID], limit: int) -> list[Lane]:
    """The lanes that follow the (company, endpoint) given, in that order, due or not."""
    rows = await connection.fetch(_LANES, *after, limit)
    return [Lane(company, endpoint, at, LaneState(state), until) for company, endpoint, at, state, until in rows]


# The lease: due again at $5 unless a result is written before. A crash of the database may lose a commit that did
# not wait for the disk; what was claimed is then due at once, so nothing is lost, and a claim need not wait.
#
# The endpoint is joined where the rows are picked: joined in the UPDATE, the planner may enter by it and read all
# that was ever sent to it.
#
# A delivery that keeps its place behind an earlier one of its lead is not sent: it takes the earlier one's time, so
# that a blocked backlog costs nothing until `results.record` wakes the next of it.
#
# An endpoint whose rest is over is tried by the worker that makes it rest anew, until the lease ends; the others find
# it resting. Nothing is waited for here: what records results locks the same rows in another order.
_CLAIM = """
WITH picked AS (
    SELECT lane.fails, next.*
    FROM set_config('synchronous_commit', 'off', true)
    CROSS JOIN unnest($1::uuid[], $2::uuid[], $3::integer[], $6::boolean[])
        AS lane(company_id, endpoint_id, share, fails)
    CROSS JOIN LATERAL (
        SELECT d.company_id AS owner_id, d.id AS delivery_id, d.event_seq, d.lead_id, d.ordered AS in_order, e.*
        FROM deliveries d
        JOIN endpoints e ON e.company_id = d.endpoint_company_id AND e.id = d.endpoint_id AND e.state = 'active'
        WHERE d.company_id = lane.company_id AND d.endpoint_id = lane.endpoint_id
            AND d.state = 'due' AND d.due_at <= $4
        ORDER BY d.due_at, d.event_seq LIMIT lane.share FOR UPDATE OF d SKIP LOCKED
    ) AS next
), judged AS (
    SELECT p.*, earlier.due_at AS waits_for
    FROM picked p LEFT JOIN LATERAL (
        SELECT b.due_at FROM deliveries b
        WHERE b.company_id = p.owner_id AND b.endpoint_id = p.id AND b.lead_id = p.lead_id
            AND b.state = 'due' AND b.ordered AND b.event_seq < p.event_seq
        ORDER BY b.event_seq LIMIT 1
    ) AS earlier ON p.in_order
), tried AS (
    UPDATE endpoint_failures f SET resting_until = $5
    FROM (
        SELECT r.company_id, r.endpoint_id FROM judged j
        JOIN endpoint_failures r ON r.company_id = j.company_id AND r.endpoint_id = j.id
        WHERE j.fails AND j.waits_for IS NULL AND r.resting_until <= $4 FOR UPDATE OF r SKIP LOCKED
    ) AS rested
    WHERE f.company_id = rested.company_id AND f.endpoint_id = rested.endpoint_id
    RETURNING f.company_id, f.endpoint_id
)
UPDATE deliveries d SET
    due_at = greatest($5, e.waits_for),
    attempts = d.attempts + CASE WHEN e.waits_for IS NULL THEN 1 ELSE 0 END
FROM judged e
WHERE d.company_id = e.owner_id AND d.id = e.delivery_id
    AND (NOT e.fails OR e.waits_for IS NOT NULL OR (e.company_id, e.id) IN (SELECT * FROM tried))
RETURNING e.waits_for IS NULL, d.company_id, d.id, d.attempts, d.event_id, d.payload, d.attempts_before,
    CASE WHEN e.fails THEN $5 END, e.id, e.company_id, e.url, e.format, e.secret,
    CASE WHEN e.previous_secret_until > $4 THEN e.previous_secret END, e.event_names, e.headers, e.ordered,
    CASE WHEN e.format <> 'native' THEN (
        SELECT a.external_id FROM events v JOIN channel_aliases a
        ON a.company_id = v.company_id AND a.channel_id = v.channel_id AND a.system = e.format
        WHERE v.company_id = d.company_id AND v.seq = d.event_seq) END
"""


async def claim(
    connection: Connection, shares: Sequence[tuple[Lane, int]], now: datetime, lease_until: datetime
) -> Taken:
    """Takes from each lane at most its share of what is due, passing over what another worker is taking.

    Fewer come than were looked at where some have to wait for earlier ones.
    """
    columns = zip(*((lane.company_id, lane.endpoint_id, share) for lane, share in shares), strict=True)
    fails = [lane.resting_until is not None for lane, _ in shares]
    rows = [tuple(row) for row in await connection.fetch(_CLAIM, *columns, now, lease_until, fails)]
    claims = [_claim(*row[1:]) for row in rows if row[0]]
    return Taken(claims, len(claims) < len(rows))


def _claim(
    company_id: UUID, id: UUID, number: int, event_id: UUID, payload: str | None, before: int, *rest: Any
) -> Claim:
    trial_until, *endpoint = rest
    endpoint_id, owner_id, url, format, secret, previous, event_names, headers, ordered, called = endpoint
    secrets = (secret, previous) if previous else (secret,)
    destination = Destination(
        endpoint_id, owner_id, url, Format(format), secrets, EventNames(event_names), headers, ordered
    )
    return Claim(company_id, id, number, event_id, payload, destination, called, before, trial_until)


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
    WHERE e.state IS NULL OR e.state IN ('disabled', 'deleted')
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
