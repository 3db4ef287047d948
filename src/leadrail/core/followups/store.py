"""Reading follow-ups."""

from collections.abc import Sequence
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


_COLUMNS = "id, number, scheduled_at, followed_up_at, followed_up_by, notes, created_by, created_at"

_OF_LEAD = f"""
SELECT {_COLUMNS} FROM follow_ups WHERE company_id = $1 AND lead_id = $2 ORDER BY number LIMIT 1000
"""

_NEWEST_OF_LEADS = f"""
SELECT newest.* FROM unnest($1::uuid[], $2::uuid[]) AS q(company_id, lead_id)
CROSS JOIN LATERAL (
    SELECT lead_id, {_COLUMNS} FROM follow_ups f WHERE f.company_id = q.company_id AND f.lead_id = q.lead_id
    ORDER BY f.number DESC LIMIT $3
) AS newest
ORDER BY newest.number
"""


async def of_lead(connection: Connection, company_id: UUID, lead_id: UUID) -> list[FollowUpRow]:
    """A lead's follow-ups, oldest first."""
    return [FollowUpRow(*row) for row in await connection.fetch(_OF_LEAD, company_id, lead_id)]


async def of_leads(
    connection: Connection, keys: Sequence[tuple[UUID, UUID]], *, limit: int = 100
) -> dict[UUID, list[FollowUpRow]]:
    """The newest follow-ups, at most `limit` each, of these leads, named by (company, id); oldest first, by lead."""
    companies, ids = [company_id for company_id, _ in keys], [id for _, id in keys]
    found: dict[UUID, list[FollowUpRow]] = {id: [] for id in ids}
    for lead_id, *row in await connection.fetch(_NEWEST_OF_LEADS, companies, ids, limit):
        found[lead_id].append(FollowUpRow(*row))
    return found
