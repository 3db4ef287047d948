"""The SQL of how claims ended: the attempts, what becomes of the deliveries, and which endpoints fail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.webhooks.queue import Claim, DeliveryState
from leadrail.db.database import Connection

NOT_IN_FORMAT = "not_in_format"
"""The outcome of a delivery whose endpoint's format has no message for such an event."""

OK = "ok"


class Attempt(msgspec.Struct, frozen=True):
    """One HTTP try."""

    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    response: bytes


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a claim ended. Without an attempt nothing was sent, and the attempt that the claim counted is taken back.

    `speaks_of_endpoint`: a failure that the endpoint's other deliveries would meet as well. `is_gone`: its endpoint
    wants no more of anything.
    """

    claim: Claim
    ended_at: datetime
    state: DeliveryState
    due_at: datetime | None = None
    attempt: Attempt | None = None
    outcome: str | None = None
    speaks_of_endpoint: bool = False
    is_gone: bool = False


# A result counts while the claim is still the last one made; that a receiver has taken it in counts in any case.
# What was answered is kept when the result counts and the lead is not erased, which only a row that this statement has
# locked can tell. An endpoint that takes something does not fail any more.
#
# What is known of all endpoints concerned is locked here in key order, whether they took something or are to fail: two
# processes whose results cross would else wait for each other in a circle.
_RECORD = """
WITH result AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::timestamptz[], $5::text[], $6::timestamptz[],
        $7::text[], $8::timestamptz[], $9::integer[], $10::integer[], $11::bytea[])
    AS r(company_id, delivery_id, number, ended_at, state, due_at,
        outcome, started_at, duration_ms, status_code, response)
), held AS (
    SELECT f.company_id, f.endpoint_id, e.takes
    FROM unnest($12::uuid[], $13::uuid[], $14::boolean[]) AS e(company_id, endpoint_id, takes)
    JOIN endpoint_failures f ON f.company_id = e.company_id AND f.endpoint_id = e.endpoint_id
    ORDER BY f.company_id, f.endpoint_id FOR UPDATE OF f
), healed AS (
    DELETE FROM endpoint_failures f USING held h
    WHERE h.takes AND f.company_id = h.company_id AND f.endpoint_id = h.endpoint_id
), written AS (
    UPDATE deliveries d SET
        state = r.state,
        due_at = coalesce(r.due_at, d.due_at),
        attempts = d.attempts - CASE WHEN r.started_at IS NULL THEN 1 ELSE 0 END,
        last_outcome = coalesce(r.outcome, d.last_outcome),
        finished_at = CASE WHEN r.state <> 'due' THEN r.ended_at END
    FROM result r
    WHERE d.company_id = r.company_id AND d.id = r.delivery_id
        AND (d.state = 'due' AND d.attempts = r.number OR r.state = 'delivered' AND d.state <> 'delivered')
    RETURNING d.company_id, d.id, d.erased
)
INSERT INTO attempts (company_id, delivery_id, number, started_at, duration_ms, outcome, status_code, response)
SELECT r.company_id, r.delivery_id, r.number, r.started_at, r.duration_ms, r.outcome, r.status_code,
    CASE WHEN NOT w.erased THEN r.response END
FROM result r LEFT JOIN written w ON w.company_id = r.company_id AND w.id = r.delivery_id
WHERE r.started_at IS NOT NULL
ON CONFLICT DO NOTHING
"""

# After the results are in: the next delivery of a lead that is sent in order has waited for the one before to end.
_WAKE = """
UPDATE deliveries n SET due_at = $3
FROM (
    SELECT following.* FROM unnest($1::uuid[], $2::uuid[]) AS ended(company_id, delivery_id)
    JOIN deliveries d ON d.company_id = ended.company_id AND d.id = ended.delivery_id AND d.state <> 'due'
    CROSS JOIN LATERAL (
        SELECT f.company_id, f.id FROM deliveries f
        WHERE f.company_id = d.company_id AND f.endpoint_id = d.endpoint_id AND f.lead_id = d.lead_id
            AND f.state = 'due' AND f.ordered
        ORDER BY f.event_seq LIMIT 1
    ) AS following
) AS next
WHERE n.company_id = next.company_id AND n.id = next.id AND n.attempts = n.attempts_before
"""

# What was to try an endpoint that fails was not sent: whoever comes next may try it at once.
_LET_TRY = """
UPDATE endpoint_failures f SET resting_until = u.ended_at
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[])
    AS u(company_id, endpoint_id, trial_until, ended_at)
WHERE f.company_id = u.company_id AND f.endpoint_id = u.endpoint_id AND f.resting_until = u.trial_until
"""


async def record(connection: Connection, results: Sequence[Result]) -> None:
    """Writes down how claims ended. A result that is written a second time changes nothing."""
    taken = {_endpoint(result) for result in results if result.state is DeliveryState.DELIVERED}
    concerned = sorted({_endpoint(result) for result in results})
    endpoints = zip(*((*endpoint, endpoint in taken) for endpoint in concerned), strict=True)
    # In key order, so that this and an erase of leads never wait for each other in a circle.
    columns = zip(*sorted(map(_row, results), key=lambda row: row[:2]), strict=True)
    await connection.execute(_RECORD, *columns, *endpoints)
    if unsent := [one for one in results if one.attempt is None and one.claim.trial_until is not None]:
        rows = [(*_endpoint(one), one.claim.trial_until, one.ended_at) for one in unsent]
        await connection.execute(_LET_TRY, *zip(*rows, strict=True))
    ordered = [result for result in results if result.claim.endpoint.ordered and result.state is not DeliveryState.DUE]
    if ordered:
        ids = {(result.claim.company_id, result.claim.delivery_id) for result in ordered}
        await connection.execute(_WAKE, *_columns(ids), max(result.ended_at for result in ordered))


_UNTRIED = (None, None, None, None)


def _row(result: Result) -> tuple[Any, ...]:
    claim, attempt = result.claim, result.attempt
    end = (claim.company_id, claim.delivery_id, claim.number, result.ended_at, result.state, result.due_at)
    if attempt is None:
        return (*end, result.outcome, *_UNTRIED)
    return (*end, attempt.outcome, attempt.started_at, attempt.duration_ms, attempt.status_code, attempt.response)


def _endpoint(result: Result) -> tuple[UUID, UUID]:
    return result.claim.endpoint.company_id, result.claim.endpoint.id


def _columns(keys: set[tuple[UUID, UUID]]) -> tuple[list[UUID], list[UUID]]:
    ordered = sorted(keys)
    return [first for first, _ in ordered], [second for _, second in ordered]


class Failing(msgspec.Struct, frozen=True):
    """An endpoint that takes nothing, since when, and how often in a row it failed as a whole."""

    company_id: UUID
    endpoint_id: UUID
    failing_since: datetime
    failures: int
    trips: int


class Failure(msgspec.Struct, frozen=True):
    """What a batch of results says of an endpoint: how many failures in a row, the last of them when.

    `trial_until` is that of the claim among them that tried it while it failed.
    """

    company_id: UUID
    endpoint_id: UUID
    failures: int
    failed_at: datetime
    trial_until: datetime | None = None


_FAIL = """
INSERT INTO endpoint_failures AS f (company_id, endpoint_id, failing_since, failures)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::integer[])
ON CONFLICT (company_id, endpoint_id) DO UPDATE SET failures = f.failures + excluded.failures
RETURNING company_id, endpoint_id, failing_since, failures, trips
"""


async def fail(connection: Connection, failures: Sequence[Failure]) -> list[Failing]:
    """Counts failures; the endpoints as they stand after it, their rows locked until the transaction ends."""
    rows = sorted((f.company_id, f.endpoint_id, f.failed_at, f.failures) for f in failures)
    return [Failing(*row) for row in await connection.fetch(_FAIL, *zip(*rows, strict=True))]


_REST = """
UPDATE endpoint_failures f SET trips = f.trips + 1, resting_until = r.until
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
    AS r(company_id, endpoint_id, until, now, trial_until)
WHERE f.company_id = r.company_id AND f.endpoint_id = r.endpoint_id
    AND (f.resting_until IS NULL OR f.resting_until <= r.now OR f.resting_until = r.trial_until)
"""


async def rest(connection: Connection, rests: Sequence[tuple[Failure, datetime]]) -> None:
    """Lets endpoints rest until a time after a failure, unless they do already; a trial's own rest ends with it."""
    rows = [(one.company_id, one.endpoint_id, until, one.failed_at, one.trial_until) for one, until in rests]
    await connection.execute(_REST, *zip(*rows, strict=True))


_FORGET_PAYLOADS = """
WITH old AS (
    SELECT company_id, id FROM deliveries
    WHERE finished_at < $1 AND payload IS NOT NULL AND finished_at IS NOT NULL
    ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
), answers AS (
    UPDATE attempts a SET response = NULL FROM old
    WHERE a.company_id = old.company_id AND a.delivery_id = old.id AND a.response IS NOT NULL
)
UPDATE deliveries d SET payload = NULL FROM old WHERE d.company_id = old.company_id AND d.id = old.id
"""


async def forget_payloads(connection: Connection, finished_before: datetime, *, limit: int) -> int:
    """Drops what was sent, and what was answered, of deliveries that ended long ago; their log stays. How many."""
    done: str = await connection.execute(_FORGET_PAYLOADS, finished_before, limit)
    return int(done.removeprefix("UPDATE "))
