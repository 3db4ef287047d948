"""The SQL of merges."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.db.database import Connection
from leadrail.db.statement import Section


class MergeRow(msgspec.Struct, frozen=True):
    """A merge to be written down. `kept` is what taking it back needs."""

    company_id: UUID
    id: UUID
    lead_id: UUID
    merged_ids: tuple[UUID, ...]
    merged_at: datetime
    kept: dict[str, Any]


class UndoneRow(msgspec.Struct, frozen=True):
    """A merge that is taken back."""

    company_id: UUID
    id: UUID
    undone_at: datetime


INSERT = Section(
    "merged",
    MergeRow,
    """INSERT INTO merges (company_id, id, lead_id, merged_ids, merged_at, kept)
    SELECT r.company_id, r.id, r.lead_id, r.merged_ids::uuid[], r.merged_at, r.kept FROM {rows}""",
)
# What was kept goes: the leads are apart, and an erasure of one would not look at the other.
UNDO = Section(
    "unmerged",
    UndoneRow,
    """UPDATE merges m SET undone_at = r.undone_at, kept = NULL
    FROM {rows} WHERE m.company_id = r.company_id AND m.id = r.id""",
)


class Merge(msgspec.Struct, frozen=True):
    """A merge as it was written down. `kept` None: it was taken back, or the person erased."""

    id: UUID
    lead_id: UUID
    merged_ids: list[UUID]
    merged_at: datetime
    undone_at: datetime | None
    kept: dict[str, Any] | None


_MERGE = "id, lead_id, merged_ids, merged_at, undone_at, kept"

_ONE = f"SELECT {_MERGE} FROM merges WHERE company_id = $1 AND lead_id = $2 AND id = $3"

_ONE_OF_LEAD = f"""
SELECT {_MERGE} FROM merges WHERE company_id = $1 AND lead_id = ANY(lead_family($1, $2)) AND id = $3
"""

_LATER = """
SELECT id FROM merges WHERE company_id = $1 AND lead_id = $2 AND id > $3 AND undone_at IS NULL ORDER BY id DESC LIMIT 1
"""

_OF_LEAD = f"""
SELECT {_MERGE} FROM merges
WHERE company_id = $1 AND lead_id = ANY(lead_family($1, $2)) AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""


async def one(connection: Connection, company_id: UUID, lead_id: UUID, id: UUID) -> Merge | None:
    """A merge into the lead."""
    row = await connection.fetchrow(_ONE, company_id, lead_id, id)
    return Merge(*row) if row else None


async def one_of_lead(connection: Connection, company_id: UUID, lead_id: UUID, id: UUID) -> Merge | None:
    """A merge into the lead or into one for which it stands."""
    row = await connection.fetchrow(_ONE_OF_LEAD, company_id, lead_id, id)
    return Merge(*row) if row else None


async def later(connection: Connection, company_id: UUID, lead_id: UUID, id: UUID) -> UUID | None:
    """The last merge into the same lead that came after this one and stands."""
    found: UUID | None = await connection.fetchval(_LATER, company_id, lead_id, id)
    return found


async def of_lead(
    connection: Connection, company_id: UUID, lead_id: UUID, *, before: UUID | None, limit: int
) -> list[Merge]:
    """The merges into a lead and into those for which it stands, newest first."""
    return [Merge(*row) for row in await connection.fetch(_OF_LEAD, company_id, lead_id, before, limit)]
