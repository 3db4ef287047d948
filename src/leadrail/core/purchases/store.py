"""The SQL of purchases."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from leadrail.core.leads.decisions import Purchase
from leadrail.db.database import Connection
from leadrail.db.statement import Section


class PurchaseRow(msgspec.Struct, frozen=True):
    """A purchase to be recorded."""

    company_id: UUID
    lead_id: UUID
    id: UUID
    name: str | None
    description: str | None
    amount: Decimal | None
    currency: str | None
    purchased_at: datetime
    created_at: datetime


INSERT = Section("purchased", PurchaseRow, "INSERT INTO purchases ({columns}) SELECT {columns} FROM {rows}")

_OF_LEAD = """
SELECT id, name, description, amount, currency, purchased_at, created_at
FROM purchases
WHERE company_id = $1 AND lead_id = ANY(lead_family($1, $2)) AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""


async def of_lead(
    connection: Connection, company_id: UUID, lead_id: UUID, *, before: UUID | None, limit: int
) -> list[Purchase]:
    """A lead's purchases, with those of the leads for which it stands, newest first.

    `before` is the last one of the page before.
    """
    return [Purchase(*row) for row in await connection.fetch(_OF_LEAD, company_id, lead_id, before, limit)]
