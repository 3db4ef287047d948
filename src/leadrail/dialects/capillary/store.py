"""The SQL of what this dialect keeps itself: who its customers are, by e-mail address or mobile number."""

from uuid import UUID

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
