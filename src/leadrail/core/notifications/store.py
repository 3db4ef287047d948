"""The SQL of notifications: the notices that a view shows, how many are unread, and the marks of what is read.

A notice is read when its number is not above the user's `notices_read_to`, or lies in a stretch of `notice_reads` that
is the company's or its channel's.
"""

from collections.abc import Sequence
from uuid import UUID

from leadrail.core.events.model import EventType
from leadrail.core.events.store import COLUMNS, entry_of
from leadrail.core.notifications.model import COUNTED, LOOKED_AT, Notice, Reading, Unread, UserSettings, View
from leadrail.db.database import Connection

NEWEST = 1 << 62
"""Above the number of every notice."""

LOOKED_BACK = 100
"""Behind how many muted notices a mark finds the one that is read before it."""

# What is unread lies in the gaps of what is read whatever its channel: of the company's stretches, and for a key that
# is bound to channels of what is read in each of them. The index enters a gap from above: what is read costs nothing.
# (The sum with nothing unpacks the stretches once, and not for each notice.)
_LOOKED = """
WITH marks AS MATERIALIZED (
    SELECT place, seqs + '{{}}' AS seqs FROM notice_reads WHERE company_id = $1 AND user_id = $2
), done AS (
    SELECT coalesce((SELECT m.seqs FROM marks m WHERE m.place = $1), '{{}}') + coalesce((
        SELECT range_intersect_agg(coalesce(m.seqs, '{{}}'))
        FROM unnest($3::uuid[]) AS bound(id) LEFT JOIN marks m ON m.place = bound.id), '{{}}') AS seqs
), gaps AS (
    SELECT lower(gap) AS low, upper(gap) AS high
    FROM done, unnest(int8multirange(int8range($5::bigint, greatest($5, $6::bigint))) - {read}) AS gap
    ORDER BY low DESC LIMIT $7
), looked AS (
    SELECT found.* FROM gaps CROSS JOIN LATERAL (
        SELECT e.seq, e.type, e.channel_id FROM events e
        WHERE e.company_id = $1 AND e.notice AND e.seq >= gaps.low AND e.seq < gaps.high
        ORDER BY e.seq DESC LIMIT $7
    ) AS found
    {by_gap} LIMIT $7
), shown AS (
    SELECT l.seq AS number FROM looked l
    WHERE l.type = ANY($4::text[]) AND (cardinality($3) = 0 OR l.channel_id = ANY($3)) {unread}
    {by_number} LIMIT $8
)
"""
_MARKED = "EXISTS (SELECT 1 FROM marks m WHERE m.place IN ($1, {0}.channel_id) AND m.seqs @> {0}.seq)"
_UNREAD = {"read": "done.seqs", "unread": f"AND NOT {_MARKED.format('l')}"}
_EITHER = {"read": "'{}'", "unread": ""}

_FOUND = f"""
SELECT whole.ended, found.* FROM (
    SELECT CASE WHEN count(*) = $7 THEN min(seq) WHEN (SELECT count(*) FROM gaps) = $7 THEN (SELECT min(low) FROM gaps)
        END AS ended
    FROM looked
) AS whole LEFT JOIN (
    SELECT {COLUMNS}, seq <= $9 OR {_MARKED.format("e")}
    FROM shown JOIN events e ON e.company_id = $1 AND e.seq = number
) AS found ON true
ORDER BY found.seq DESC
"""
# By gap first, as they come: so the sort needs one gap at a time, and those behind it are not entered.
_IN_ORDER = {"by_gap": "ORDER BY gaps.low DESC, found.seq DESC", "by_number": "ORDER BY seq DESC"}
_LIST = {unread: _LOOKED.format(**_IN_ORDER, **(_UNREAD if unread else _EITHER)) + _FOUND for unread in (False, True)}

# What was looked at is counted only when there were not enough to count.
_COUNT = f"""
{_LOOKED.format(by_gap="", by_number="", **_UNREAD)}
SELECT n, CASE WHEN n = $8 THEN true ELSE $7 IN ((SELECT count(*) FROM looked), (SELECT count(*) FROM gaps)) END
FROM (SELECT count(*) AS n FROM shown) AS counted
"""


async def listed(connection: Connection, view: View, *, before: int, limit: int, unread: bool) -> Reading:
    """The notices of the view with numbers below `before`, newest first; all of them, or the unread ones.

    Of a view that leaves notices out, or of the unread ones, it may be fewer than `limit` though more follow.
    """
    looked_at = limit + 1 if view.is_whole and not unread else LOOKED_AT
    low = view.read_to + 1 if unread else 1
    rows = await connection.fetch(_LIST[unread], *_seen(view), low, before, looked_at, limit + 1, view.read_to)
    found = [_notice(view, *row[1:]) for row in rows if row[1] is not None]
    if len(found) > limit:
        return Reading(found[:limit], found[limit - 1].entry.seq)
    return Reading(found, rows[0][0])


def _seen(view: View) -> tuple[object, ...]:
    return view.company_id, view.user_id, list(view.channel_ids), list(view.kinds)


def _notice(view: View, *row: object) -> Notice:
    *columns, read = row
    return Notice(entry_of(columns), bool(read) if view.user_id is not None else None)


async def unread(connection: Connection, view: View) -> Unread:
    low, high = view.read_to + 1, NEWEST
    n, is_more = await connection.fetchrow(_COUNT, *_seen(view), low, high, LOOKED_AT, COUNTED + 1)
    return Unread(min(n, COUNTED), is_more)


# Marks


async def settings(connection: Connection, company_id: UUID, user_id: UUID, *, lock: bool = False) -> UserSettings:
    """`lock` lets one transaction at a time change what the user has read."""
    statement = "SELECT muted, notices_read_to FROM users WHERE company_id = $1 AND id = $2"
    muted, read_to = await connection.fetchrow(statement + (" FOR NO KEY UPDATE" if lock else ""), company_id, user_id)
    return UserSettings(frozenset(muted), read_to)


async def mute(connection: Connection, company_id: UUID, user_id: UUID, kinds: Sequence[EventType]) -> None:
    """Mutes these kinds and no others."""
    statement = "UPDATE users SET muted = $3 WHERE company_id = $1 AND id = $2"
    await connection.execute(statement, company_id, user_id, list(kinds))


async def numbers(connection: Connection, view: View, ids: Sequence[UUID]) -> dict[UUID, int]:
    """The numbers of those of these notices that the view's key may see, muted or not."""
    statement = """
        SELECT id, seq FROM events
        WHERE company_id = $1 AND id = ANY($2) AND notice AND (cardinality($3::uuid[]) = 0 OR channel_id = ANY($3))
    """
    return dict(map(tuple, await connection.fetch(statement, view.company_id, list(ids), list(view.channel_ids))))


async def last_number(connection: Connection, company_id: UUID) -> int:
    """The number of the company's last event."""
    statement = "SELECT last_seq FROM event_counters WHERE company_id = $1"
    return int(await connection.fetchval(statement, company_id))


_MARK = """
INSERT INTO notice_reads (company_id, user_id, place, seqs)
SELECT $1, $2, $1, range_agg(int8range(earlier.seq + 1, q.seq + 1))
FROM unnest($3::bigint[]) AS q(seq) CROSS JOIN LATERAL (
    SELECT coalesce(max(b.seq) FILTER (WHERE b.type = ANY($4::text[])), min(b.seq) - 1, q.seq - 1) AS seq
    FROM (
        SELECT e.seq, e.type FROM events e WHERE e.company_id = $1 AND e.notice AND e.seq < q.seq
        ORDER BY e.seq DESC LIMIT $5
    ) AS b
) AS earlier
HAVING count(*) > 0
ON CONFLICT (company_id, user_id, place) DO UPDATE SET seqs = notice_reads.seqs + excluded.seqs
"""


async def mark(connection: Connection, view: View, seqs: Sequence[int]) -> None:
    """Marks these notices. What is muted before each goes with it, so that neighbours become one stretch."""
    above = [seq for seq in seqs if seq > view.read_to]
    back = LOOKED_BACK if view.mutes else 1
    await connection.execute(_MARK, view.company_id, view.user_id, above, list(view.kinds), back)


_MARK_CHANNELS = """
INSERT INTO notice_reads (company_id, user_id, place, seqs)
SELECT $1, $2, c.id, int8multirange(int8range(1, $4 + 1)) FROM channels c WHERE c.company_id = $1 AND c.id = ANY($3)
ON CONFLICT (company_id, user_id, place) DO UPDATE SET seqs = notice_reads.seqs + excluded.seqs
"""

_MARK_ALL = """
UPDATE users SET notices_read_to = greatest(notices_read_to, $3) WHERE company_id = $1 AND id = $2
"""
_DROP = "DELETE FROM notice_reads WHERE company_id = $1 AND user_id = $2 AND upper(seqs) <= $3 + 1"
_TRIM = """
UPDATE notice_reads SET seqs = seqs - int8multirange(int8range(NULL, $3 + 1))
WHERE company_id = $1 AND user_id = $2 AND lower(seqs) <= $3
"""


async def mark_up_to(connection: Connection, view: View, seq: int) -> None:
    """Marks all notices of the view's channels up to this number."""
    if view.channel_ids:
        channels = list(view.channel_ids)
        await connection.execute(_MARK_CHANNELS, view.company_id, view.user_id, channels, seq)
        return
    for statement in (_MARK_ALL, _DROP, _TRIM):
        await connection.execute(statement, view.company_id, view.user_id, seq)
