"""The SQL of follow-ups: those of a lead, and the contacts that are planned next."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from leadrail.core.channels.model import QUIET
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
SELECT {_COLUMNS} FROM follow_ups
WHERE company_id = $1 AND lead_id = ANY(lead_family($1, $2)) AND number > $3 ORDER BY number LIMIT $4
"""

_NEWEST_OF_LEADS = f"""
SELECT newest.* FROM unnest($1::uuid[], $2::uuid[]) AS q(company_id, lead_id)
CROSS JOIN LATERAL (
    SELECT q.lead_id, {_COLUMNS} FROM follow_ups f
    WHERE f.company_id = q.company_id AND f.lead_id = ANY(lead_family(q.company_id, q.lead_id))
    ORDER BY f.number DESC LIMIT $3
) AS newest
ORDER BY newest.number
"""


async def of_lead(
    connection: Connection, company_id: UUID, lead_id: UUID, *, after: int, limit: int
) -> list[FollowUpRow]:
    """A lead's follow-ups, and those of the leads for which it stands, oldest first, from above the number `after`."""
    return [FollowUpRow(*row) for row in await connection.fetch(_OF_LEAD, company_id, lead_id, after, limit)]


async def of_leads(
    connection: Connection, keys: Sequence[tuple[UUID, UUID]], *, limit: int = 100
) -> dict[UUID, list[FollowUpRow]]:
    """The newest follow-ups, at most `limit` each, of these leads, named by (company, id); oldest first, by lead."""
    companies, ids = [company_id for company_id, _ in keys], [id for _, id in keys]
    found: dict[UUID, list[FollowUpRow]] = {id: [] for id in ids}
    for lead_id, *row in await connection.fetch(_NEWEST_OF_LEADS, companies, ids, limit):
        found[lead_id].append(FollowUpRow(*row))
    return found


class Due(msgspec.Struct, frozen=True):
    """A lead whose next contact has come, in the order of their times."""

    at: datetime
    lead_id: UUID
    company_id: UUID


# Of all companies: the product's own work, which looks by time. The two conditions are those of two partial indexes.
_DUE = """
SELECT next_follow_up_at, id, company_id FROM leads
WHERE next_follow_up_at <= $1 AND {notice} AND (next_follow_up_at, id) > ($2, $3)
ORDER BY next_follow_up_at, id LIMIT $4
"""
_UNTOLD = _DUE.format(notice="next_follow_up_at IS NOT NULL AND follow_up_notice IS NULL")
_TOLD = _DUE.format(notice="follow_up_notice = 'due'")
_BEFORE_ALL = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


async def due(
    connection: Connection, notice: str | None, until: datetime, *, after: Due | None, limit: int
) -> list[Due]:
    """Leads whose contact was planned for `until` or before and of which `notice` (None or `due`) was told last."""
    statement = _UNTOLD if notice is None else _TOLD
    at, id = (after.at, after.lead_id) if after else _BEFORE_ALL
    return [Due(*row) for row in await connection.fetch(statement, until, at, id, limit)]


# Of each company apart, in the order of its index; what is closed, deleted or erased is nobody's work.
_PLANNED = """
SELECT one.next_follow_up_at, one.id FROM unnest($1::uuid[]) AS q(company_id)
CROSS JOIN LATERAL (
    SELECT l.id, l.next_follow_up_at FROM leads l
    JOIN statuses s ON s.company_id = l.company_id AND s.channel_id = l.channel_id AND s.id = l.status_id
    WHERE l.company_id = q.company_id AND l.channel_id = ANY($2)
      AND l.next_follow_up_at > $3 AND l.next_follow_up_at <= $4
      AND (l.next_follow_up_at, l.id) > ($5, $6)
      AND ($7::text IS NULL OR l.assignee = $7)
      AND s.category <> ALL ($8) AND l.erased_at IS NULL
    ORDER BY l.next_follow_up_at, l.id LIMIT $9
) AS one
ORDER BY one.next_follow_up_at, one.id LIMIT $9
"""


class Span(msgspec.Struct, frozen=True):
    """Contacts planned after one moment, up to and with another."""

    after: datetime
    until: datetime


async def planned(
    connection: Connection,
    companies: Sequence[UUID],
    channel_ids: Sequence[UUID],
    span: Span,
    *,
    assignee: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[tuple[datetime, UUID]]:
    """The leads with a contact planned in the span, and when, earliest first; `after` is the last one before."""
    at, id = after or _BEFORE_ALL
    rows = await connection.fetch(
        _PLANNED, companies, channel_ids, span.after, span.until, at, id, assignee, list(QUIET), limit
    )
    return [(at, id) for at, id in rows]
