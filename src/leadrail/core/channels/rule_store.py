"""The SQL of a channel's rules."""

from uuid import UUID

import msgspec

from leadrail.core.channels.model import Rule
from leadrail.db.database import Connection

# Whatever changes, the leads that wait in the status are placed anew; a purchase has none that wait.
_PUT = """
INSERT INTO channel_rules (company_id, channel_id, id, name, cause, from_status_id, to_status_id, after_days, reason,
    state, created_at, placed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now(), CASE WHEN $5 = 'purchase' THEN now() END)
ON CONFLICT (company_id, channel_id, id) DO UPDATE SET
    name = excluded.name, to_status_id = excluded.to_status_id, after_days = excluded.after_days,
    reason = excluded.reason, state = excluded.state, placed_at = excluded.placed_at
"""


async def put(connection: Connection, company_id: UUID, channel_id: UUID, rule: Rule) -> None:
    """Writes the rule as it is, new or not; the cause and the status that an old one starts from stay."""
    await connection.execute(_PUT, company_id, channel_id, *msgspec.structs.astuple(rule))


async def archive(connection: Connection, company_id: UUID, channel_id: UUID, id: UUID) -> None:
    statement = """
        UPDATE channel_rules SET archived_at = now(), placed_at = CASE WHEN cause = 'purchase' THEN placed_at END
        WHERE company_id = $1 AND channel_id = $2 AND id = $3
    """
    await connection.execute(statement, company_id, channel_id, id)


async def rename_reason(connection: Connection, company_id: UUID, before: str, after: str) -> None:
    """The company's rules that give the reason by its former text give it by the new one."""
    statement = """
        UPDATE channel_rules SET reason = $3
        WHERE company_id = $1 AND lower(btrim(reason)) = lower($2) AND archived_at IS NULL
    """
    await connection.execute(statement, company_id, before, after)


async def giving(connection: Connection, company_id: UUID, reason: str) -> str | None:
    """The name of a rule of the company that gives the reason, if one does."""
    statement = """
        SELECT name FROM channel_rules
        WHERE company_id = $1 AND lower(btrim(reason)) = lower($2) AND archived_at IS NULL LIMIT 1
    """
    name: str | None = await connection.fetchval(statement, company_id, reason)
    return name


class Unplaced(msgspec.Struct, frozen=True):
    """A status whose leads are not yet due by its rule as it is now; `config_version` is the channel's."""

    company_id: UUID
    channel_id: UUID
    status_id: UUID
    config_version: int


_UNPLACED = """
SELECT w.company_id, w.channel_id, w.status_id, c.config_version
FROM (
    SELECT company_id, channel_id, from_status_id AS status_id FROM channel_rules WHERE placed_at IS NULL
    UNION SELECT company_id, channel_id, status_id FROM retention_places
) AS w
JOIN channels c ON c.company_id = w.company_id AND c.id = w.channel_id LIMIT $1
"""


async def unplaced(connection: Connection, limit: int) -> list[Unplaced]:
    return [Unplaced(*row) for row in await connection.fetch(_UNPLACED, limit)]


# The chunk is found along leads_board, and its rows are locked in key order, as every batch locks them. The days are
# read in the statement that writes them: a lead is placed by the rule that is in force now, or by none.
_PLACE = """
WITH chunk AS MATERIALIZED (
    SELECT id, number FROM leads
    WHERE company_id = $1 AND channel_id = $2 AND status_id = $3 AND number > $4
    ORDER BY number LIMIT $5),
held AS MATERIALIZED (
    SELECT l.company_id, l.id, least(
        l.updated_at + make_interval(secs => 86400.0 * (
            SELECT r.after_days FROM channel_rules r
            WHERE r.company_id = $1 AND r.channel_id = $2 AND r.from_status_id = $3 AND r.cause = 'untouched'
              AND r.state = 'active' AND r.archived_at IS NULL)),
        (SELECT min(CASE r.since WHEN 'closed' THEN l.closed_at ELSE l.updated_at END
            + make_interval(secs => 86400.0 * r.after_days))
        FROM retention_rules r
        JOIN statuses s ON s.company_id = r.company_id AND s.channel_id = r.channel_id AND s.id = $3
        WHERE r.company_id = $1 AND r.channel_id = $2 AND r.state = 'active' AND r.archived_at IS NULL
          AND coalesce(r.status_id = s.id, r.category = s.category, true))) AS due_at
    FROM leads l
    WHERE l.company_id = $1 AND l.id = ANY (SELECT id FROM chunk) AND l.channel_id = $2 AND l.status_id = $3
      AND l.erased_at IS NULL
    ORDER BY l.company_id, l.id FOR UPDATE),
placed AS (
    UPDATE leads l SET rule_due_at = h.due_at FROM held h
    WHERE l.company_id = h.company_id AND l.id = h.id AND l.rule_due_at IS DISTINCT FROM h.due_at)
SELECT max(number) FROM chunk
"""


async def place(connection: Connection, status: Unplaced, after_number: int, limit: int) -> int | None:
    """Makes the next leads of the status due by its rule, or by none; answers where to go on, None at the end."""
    key = (status.company_id, status.channel_id, status.status_id)
    last: int | None = await connection.fetchval(_PLACE, *key, after_number, limit)
    return last


async def set_placed(connection: Connection, status: Unplaced) -> None:
    """All leads of the status are placed, unless the channel's configuration has changed meanwhile."""
    statement = """
        WITH same AS (SELECT FROM channels WHERE company_id = $1 AND id = $2 AND config_version = $4),
        placed AS (
            DELETE FROM retention_places
            WHERE company_id = $1 AND channel_id = $2 AND status_id = $3 AND EXISTS (SELECT FROM same))
        UPDATE channel_rules SET placed_at = now()
        WHERE company_id = $1 AND channel_id = $2 AND from_status_id = $3 AND placed_at IS NULL
          AND EXISTS (SELECT FROM same)
    """
    await connection.execute(statement, status.company_id, status.channel_id, status.status_id, status.config_version)
