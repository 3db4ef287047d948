"""The SQL of leads that a rule is to move or to erase."""

from datetime import datetime
from uuid import UUID

from leadrail.db.database import Connection

_DUE = "SELECT company_id, id FROM leads WHERE rule_due_at <= $1 ORDER BY rule_due_at LIMIT $2"


async def due(connection: Connection, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """The leads of all companies whose time has come, the longest waiting first, by the index leads_rule."""
    return [(row[0], row[1]) for row in await connection.fetch(_DUE, now, limit)]
