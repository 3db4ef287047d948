"""Counting on: the feed of a company folded into its sums, a bounded stretch at a time.

Whoever counts holds the company's place, and touches nothing that a write of a lead holds.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from leadrail.core.counts.deltas import DELTAS
from leadrail.db.database import Connection
from leadrail.db.statement import Section

MOST_WORDS = 1_000
"""How many sources, assignees, campaigns and partners of a company are told apart, of each kind."""

WORD_LIMIT = 200


class QuietEdit(msgspec.Struct, frozen=True):
    """A lead that was changed without an event."""

    company_id: UUID
    lead_id: UUID


QUIET = Section("quietly", QuietEdit, "INSERT INTO quiet_edits ({columns}) SELECT {columns} FROM {rows}")

_BEHIND = """
SELECT e.company_id FROM event_counters e LEFT JOIN count_places p USING (company_id)
WHERE e.last_seq > coalesce(p.seq, 0)
UNION SELECT company_id FROM quiet_edits
"""

_BEGIN = "INSERT INTO count_places (company_id, seq) SELECT unnest($1::uuid[]), 0 ON CONFLICT DO NOTHING"

_HOLD = "SELECT FROM count_places WHERE company_id = ANY($1) ORDER BY company_id FOR UPDATE"

# A step's sums are sorted in memory; the planner takes them for many more than they are.
_WORK_MEM = "SET LOCAL work_mem = '64MB'"

_TRY = "SELECT seq FROM count_places WHERE company_id = $1 FOR UPDATE SKIP LOCKED"

# When the place is held: somebody may have counted on since, beyond what was the end before.
_END = "SELECT last_seq FROM event_counters WHERE company_id = $1"

_FOLD = f"""
WITH {DELTAS},
written AS (
    INSERT INTO counts AS c (company_id, measure, kind, status_id, day, word, from_id, detail, n, value)
    SELECT $1, measure, kind, status_id, day, word, from_id, detail, n, value FROM deltas
    ON CONFLICT (company_id, measure, kind, status_id, day, word, from_id, detail)
        DO UPDATE SET n = c.n + excluded.n, value = c.value + excluded.value
    RETURNING measure, kind, status_id, day, word, from_id, detail, n),
kept AS (
    INSERT INTO counted_leads
    SELECT $1, lead_id, status_id, value, currency, words, created_on, since_on, closed_on, passed
    FROM sides WHERE sign = 1
    ON CONFLICT (company_id, lead_id) DO UPDATE SET status_id = excluded.status_id, value = excluded.value,
        currency = excluded.currency, words = excluded.words, created_on = excluded.created_on,
        since_on = excluded.since_on, closed_on = excluded.closed_on, passed = excluded.passed),
spoken AS (
    INSERT INTO count_words AS w (company_id, kind, id, word, leads)
    SELECT $1, s.kind, s.word, min(n.word), sum(s.sign) FROM spread s JOIN named n ON n.kind = s.kind AND n.id = s.word
    GROUP BY s.kind, s.word
    ON CONFLICT (company_id, kind, id) DO UPDATE SET leads = w.leads + excluded.leads WHERE excluded.leads <> 0),
forgotten AS (DELETE FROM quiet_edits WHERE company_id = $1),
placed AS (UPDATE count_places SET seq = $3 WHERE company_id = $1)
SELECT measure, kind, status_id, day, word, from_id, detail FROM written WHERE n = 0
"""

_EMPTY = """
DELETE FROM counts c USING unnest($2::text[], $3::text[], $4::uuid[], $5::date[], $6::int[], $7::uuid[], $8::text[])
    AS q(measure, kind, status_id, day, word, from_id, detail)
WHERE c.company_id = $1 AND c.measure = q.measure AND c.kind = q.kind AND c.status_id = q.status_id AND c.day = q.day
    AND c.word = q.word AND c.from_id = q.from_id AND c.detail = q.detail
"""

_UNSAY = "UPDATE count_words SET word = NULL WHERE company_id = $1 AND leads = 0 AND word IS NOT NULL"


async def behind(connection: Connection) -> list[UUID]:
    """The companies of which something is not counted yet."""
    return [row[0] for row in await connection.fetch(_BEHIND)]


async def begin(connection: Connection, company_ids: Sequence[UUID]) -> None:
    """Gives a place to those that have none."""
    await connection.execute(_BEGIN, company_ids)


async def hold(connection: Connection, company_ids: Sequence[UUID]) -> None:
    """Keeps everybody else from counting until the transaction ends."""
    await connection.execute(_HOLD, company_ids)


async def fold(connection: Connection, company_id: UUID, limit: int, *, most_words: int = MOST_WORDS) -> bool:
    """Counts the next `limit` events; whether more are left. Leaves it to another who is at it."""
    seq = await connection.fetchval(_TRY, company_id)
    if seq is None:
        return False
    last = await connection.fetchval(_END, company_id)
    upto = min(seq + limit, last)
    await _count(connection, company_id, seq, upto, (), most_words)
    return bool(upto < last)


async def recount(connection: Connection, company_id: UUID, lead_ids: Sequence[UUID]) -> None:
    """Counts these leads as they are now, if they are counted at all. The company's place must be held."""
    seq = await connection.fetchval("SELECT seq FROM count_places WHERE company_id = $1", company_id)
    if seq is not None:
        await _count(connection, company_id, seq, seq, lead_ids, MOST_WORDS)


async def _count(
    connection: Connection, company_id: UUID, after: int, upto: int, lead_ids: Sequence[UUID], most_words: int
) -> None:
    await connection.execute(_WORK_MEM)
    rows = await connection.fetch(_FOLD, company_id, after, upto, lead_ids, most_words, WORD_LIMIT)
    if rows:
        await connection.execute(_EMPTY, company_id, *(list(column) for column in zip(*rows, strict=True)))
    await connection.execute(_UNSAY, company_id)
