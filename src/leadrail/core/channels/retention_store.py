"""The SQL of a channel's retention rules."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from leadrail.core.channels.model import Retention, Since
from leadrail.db.database import Connection

# What a rule covers and from when it counts stay.
_PUT = """
INSERT INTO retention_rules (company_id, channel_id, id, name, since, after_days, status_id, category, state,
    created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now())
ON CONFLICT (company_id, channel_id, id) DO UPDATE SET
    name = excluded.name, after_days = excluded.after_days, state = excluded.state
"""


async def put(connection: Connection, company_id: UUID, channel_id: UUID, rule: Retention) -> None:
    """Writes the rule as it is, new or not."""
    values = (rule.id, rule.name, rule.since, rule.after_days, rule.status_id, rule.category, rule.state)
    await connection.execute(_PUT, company_id, channel_id, *values)


async def archive(connection: Connection, company_id: UUID, channel_id: UUID, id: UUID) -> None:
    statement = """
        UPDATE retention_rules SET archived_at = now() WHERE company_id = $1 AND channel_id = $2 AND id = $3
    """
    await connection.execute(statement, company_id, channel_id, id)


async def place_anew(connection: Connection, company_id: UUID, channel_id: UUID, status_ids: Sequence[UUID]) -> None:
    """Has the worker make the leads of these statuses due anew."""
    statement = """
        INSERT INTO retention_places (company_id, channel_id, status_id)
        SELECT $1, $2, unnest($3::uuid[]) ON CONFLICT DO NOTHING
    """
    await connection.execute(statement, company_id, channel_id, status_ids)


# Along leads_board, and no further than the limit.
_OVER = """
SELECT count(*) FILTER (WHERE looked.erased_at IS NULL AND looked.since <= $5), count(*)
FROM (
    SELECT l.erased_at, CASE $4 WHEN 'closed' THEN l.closed_at ELSE l.updated_at END AS since
    FROM unnest($3::uuid[]) AS q(status_id)
    JOIN leads l ON l.company_id = $1 AND l.channel_id = $2 AND l.status_id = q.status_id
    LIMIT $6
) AS looked
"""


async def over(
    connection: Connection,
    company_id: UUID,
    channel_id: UUID,
    status_ids: Sequence[UUID],
    since: Since,
    until: datetime,
    *,
    limit: int,
) -> tuple[int, bool]:
    """How many leads of these statuses have stood since `until` or longer, and whether all were looked at."""
    row = await connection.fetchrow(_OVER, company_id, channel_id, status_ids, since, until, limit)
    return row[0], row[1] < limit
