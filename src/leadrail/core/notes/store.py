"""The SQL of notes."""

from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.core.leads.decisions import Note
from leadrail.db.database import Connection
from leadrail.db.statement import Section


class NoteRow(msgspec.Struct, frozen=True):
    """A note to be recorded."""

    company_id: UUID
    lead_id: UUID
    id: UUID
    text: str
    author: str | None
    created_at: datetime


INSERT = Section("noted", NoteRow, "INSERT INTO notes ({columns}) SELECT {columns} FROM {rows}")

# The text of a note is gone when its lead was erased.
_OF_LEAD = """
SELECT id, coalesce(text, ''), author, created_at FROM notes
WHERE company_id = $1 AND lead_id = ANY(lead_family($1, $2)) AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""


async def of_lead(
    connection: Connection, company_id: UUID, lead_id: UUID, *, before: UUID | None, limit: int
) -> list[Note]:
    """A lead's notes, with those of the leads for which it stands, newest first.

    `before` is the last one of the page before.
    """
    return [Note(*row) for row in await connection.fetch(_OF_LEAD, company_id, lead_id, before, limit)]
