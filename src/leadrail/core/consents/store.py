"""The SQL of consents."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.core.leads.decisions import Basis, Consent, ConsentState
from leadrail.db.database import Connection
from leadrail.db.statement import Section

MOST_PURPOSES = 200


class ConsentRow(msgspec.Struct, frozen=True):
    """A consent to be recorded."""

    company_id: UUID
    lead_id: UUID
    id: UUID
    purpose: str
    basis: Basis
    state: ConsentState
    at: datetime
    source: str | None
    proof: str | None
    recorded_at: datetime


INSERT = Section("consented", ConsentRow, "INSERT INTO consents ({columns}) SELECT {columns} FROM {rows}")

_COLUMNS = "id, purpose, basis, state, at, source, proof, recorded_at"

_OF_LEAD = f"""
SELECT {_COLUMNS} FROM consents
WHERE company_id = $1 AND lead_id = $2 AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""

# What happened last counts, whenever it was recorded.
_CURRENT = f"""
SELECT DISTINCT ON (purpose) {_COLUMNS} FROM consents WHERE company_id = $1 AND lead_id = $2
ORDER BY purpose, at DESC, id DESC LIMIT $3
"""


async def of_lead(
    connection: Connection, company_id: UUID, lead_id: UUID, *, before: UUID | None, limit: int
) -> list[Consent]:
    """A lead's ledger, what was recorded last first; `before` is the last one of the page before."""
    return [_consent(row) for row in await connection.fetch(_OF_LEAD, company_id, lead_id, before, limit)]


async def current(connection: Connection, company_id: UUID, lead_id: UUID) -> list[Consent]:
    """How it stands with each purpose of a lead, by purpose."""
    return [_consent(row) for row in await connection.fetch(_CURRENT, company_id, lead_id, MOST_PURPOSES)]


def _consent(row: Sequence[object]) -> Consent:
    return msgspec.convert(dict(zip(Consent.__struct_fields__, row, strict=True)), Consent)
