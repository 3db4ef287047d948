"""The SQL of what this dialect keeps itself: who its customers are, by e-mail address or mobile number."""

from uuid import UUID

from leadrail.core.erasure import Erased
from leadrail.core.identity import KeyKind
from leadrail.db.database import Connection


async def customer(connection: Connection, company_id: UUID, id_type: str, key: str) -> int | None:
    """The number of the customer with this folded identifier."""
    statement = """
        SELECT number FROM capillary_customers WHERE company_id = $1 AND id_type = $2 AND identifier_key = $3
    """
    number: int | None = await connection.fetchval(statement, company_id, id_type, key)
    return number


async def add_customer(connection: Connection, company_id: UUID, id_type: str, key: str) -> int:
    """The same for one who may be new; two callers at once get the same number."""
    await connection.execute(
        """INSERT INTO capillary_customers (company_id, id_type, identifier_key) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING""",
        company_id,
        id_type,
        key,
    )
    number = await customer(connection, company_id, id_type, key)
    assert number is not None
    return number


_ID_TYPES = {KeyKind.EMAIL: "EMAIL", KeyKind.PHONE: "MOBILE"}

_FORGET = """
DELETE FROM capillary_customers c USING unnest($2::text[], $3::text[]) AS gone(id_type, key)
WHERE c.company_id = ANY($1) AND c.id_type = gone.id_type AND c.identifier_key = gone.key
"""


async def forget_customer(connection: Connection, erased: Erased) -> None:
    """Drops the customer behind an erased lead."""
    gone = [(_ID_TYPES[kind], key) for kind, key in erased.keys if kind in _ID_TYPES]
    if gone:
        await connection.execute(_FORGET, list(erased.companies), *map(list, zip(*gone, strict=True)))
