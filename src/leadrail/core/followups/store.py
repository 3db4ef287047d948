"""Reading follow-ups."""

from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.db.database import Connection
from leadrail.db.statement import Section


class PlannedRow(msgspec.Struct, frozen=True):
    """A follow-up to be recorded."""

    company_id: UUID
    lead_id: UUID
    id: UUID
    scheduled_at: datetime | None
    followed_up_at: datetime | None
    followed_up_by: str | None
    notes: str | None
    created_by: str | None
    created_at: datetime


INSERT = Section("followed_up", PlannedRow, "INSERT INTO follow_ups ({columns}) SELECT {columns} FROM {rows}")


class FollowUpRow(msgspec.Struct, frozen=True):
    id: UUID
    number: int
    scheduled_at: datetime | None
    followed_up_at: datetime | None
    followed_up_by: str | None
    notes: str | None
    created_by: str | None
    created_at: datetime


_OF_LEAD = """
SELECT id, number, scheduled_at, followed_up_at, followed_up_by, notes, created_by, created_at
FROM follow_ups WHERE company_id = $1 AND lead_id = $2 ORDER BY number LIMIT 1000
"""


async def of_lead(connection: Connection, company_id: UUID, lead_id: UUID) -> list[FollowUpRow]:
    """A lead's follow-ups, oldest first."""
    return [FollowUpRow(*row) for row in await connection.fetch(_OF_LEAD, company_id, lead_id)]
