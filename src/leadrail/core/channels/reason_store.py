"""The SQL of a company's reasons and sub-statuses. What is archived stays, for what names it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from leadrail.core.channels.model import Category, Reason, SubStatus
from leadrail.db.database import Connection

_REASON = "id, number, text, archived_at IS NOT NULL"
_SUB_STATUS = "id, category, name, archived_at IS NOT NULL"


def _reason(row: Any) -> Reason | None:
    return Reason(*row) if row is not None else None


def _sub_status(row: Any) -> SubStatus | None:
    return SubStatus(row[0], Category(row[1]), *tuple(row)[2:]) if row is not None else None


# Reasons


async def reasons(connection: Connection, company_id: UUID) -> list[Reason]:
    """Those that are on offer."""
    statement = f"SELECT {_REASON} FROM reasons WHERE company_id = $1 AND archived_at IS NULL ORDER BY number"
    return [Reason(*row) for row in await connection.fetch(statement, company_id)]


async def reason(connection: Connection, company_id: UUID, id: UUID) -> Reason | None:
    """The company's reason, archived or not; until the transaction ends nobody else changes it."""
    statement = f"SELECT {_REASON} FROM reasons WHERE company_id = $1 AND id = $2 FOR UPDATE"
    return _reason(await connection.fetchrow(statement, company_id, id))


async def reason_like(connection: Connection, company_id: UUID, text: str) -> Reason | None:
    """The company's reason with this text in any case, archived or not, by the database's own rule for it."""
    statement = f"SELECT {_REASON} FROM reasons WHERE company_id = $1 AND lower(text) = lower($2)"
    return _reason(await connection.fetchrow(statement, company_id, text))


async def offer_reason(connection: Connection, company_id: UUID, id: UUID, text: str) -> Reason | None:
    """Adds a reason, or takes the archived one of this text back, as it is written now; None when it is on offer."""
    statement = f"""
        INSERT INTO reasons (company_id, id, text) VALUES ($1, $2, $3)
        ON CONFLICT (company_id, lower(text)) DO UPDATE SET text = excluded.text, archived_at = NULL
            WHERE reasons.archived_at IS NOT NULL
        RETURNING {_REASON}
    """
    return _reason(await connection.fetchrow(statement, company_id, id, text))


async def insert_reasons(connection: Connection, company_id: UUID, texts: Sequence[tuple[UUID, str]]) -> None:
    """Adds reasons; a text that the company has already is left as it is."""
    await connection.executemany(
        "INSERT INTO reasons (company_id, id, text) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [(company_id, id, text) for id, text in texts],
    )


async def insert_numbered_reasons(
    connection: Connection, company_id: UUID, reasons: Sequence[tuple[UUID, int, str]]
) -> None:
    """Adds reasons under numbers that they had elsewhere; a number or text that the company has is left as it is.

    Later reasons are numbered above all of these.
    """
    statement = """
        INSERT INTO reasons (company_id, id, number, text) OVERRIDING SYSTEM VALUE
        SELECT $1, $2, $3::bigint, $4 WHERE NOT EXISTS (SELECT 1 FROM reasons WHERE company_id = $1 AND number = $3)
        ON CONFLICT DO NOTHING
    """
    await connection.executemany(statement, [(company_id, *reason) for reason in reasons])
    highest = max((number for _, number, _ in reasons), default=0)
    reserve = "SELECT setval('reasons_number_seq', $1) FROM reasons_number_seq WHERE last_value < $1"
    await connection.execute(reserve, highest)


async def rename_reason(connection: Connection, company_id: UUID, id: UUID, text: str) -> None:
    await connection.execute("UPDATE reasons SET text = $3 WHERE company_id = $1 AND id = $2", company_id, id, text)


async def archive_reason(connection: Connection, company_id: UUID, id: UUID) -> None:
    await connection.execute("UPDATE reasons SET archived_at = now() WHERE company_id = $1 AND id = $2", company_id, id)


# Sub-statuses


async def sub_statuses(connection: Connection, company_id: UUID) -> list[SubStatus]:
    """Those that are on offer."""
    statement = f"""
        SELECT {_SUB_STATUS} FROM sub_statuses WHERE company_id = $1 AND archived_at IS NULL ORDER BY category, name
    """
    rows = map(_sub_status, await connection.fetch(statement, company_id))
    return [one for one in rows if one is not None]


async def sub_status(connection: Connection, company_id: UUID, id: UUID) -> SubStatus | None:
    """The company's sub-status, archived or not; until the transaction ends nobody else changes it."""
    statement = f"SELECT {_SUB_STATUS} FROM sub_statuses WHERE company_id = $1 AND id = $2 FOR UPDATE"
    return _sub_status(await connection.fetchrow(statement, company_id, id))


async def sub_status_like(connection: Connection, company_id: UUID, category: Category, name: str) -> SubStatus | None:
    """The company's sub-status with this name in any case, archived or not, by the database's own rule for it."""
    statement = f"""
        SELECT {_SUB_STATUS} FROM sub_statuses WHERE company_id = $1 AND category = $2 AND lower(name) = lower($3)
    """
    return _sub_status(await connection.fetchrow(statement, company_id, category, name))


async def offer_sub_status(connection: Connection, company_id: UUID, new: SubStatus) -> SubStatus | None:
    """Adds a sub-status, or takes the archived one back, as it is written now; None when it is on offer."""
    statement = f"""
        INSERT INTO sub_statuses (company_id, id, category, name) VALUES ($1, $2, $3, $4)
        ON CONFLICT (company_id, category, lower(name)) DO UPDATE SET name = excluded.name, archived_at = NULL
            WHERE sub_statuses.archived_at IS NOT NULL
        RETURNING {_SUB_STATUS}
    """
    return _sub_status(await connection.fetchrow(statement, company_id, new.id, new.category, new.name))


async def insert_sub_status(connection: Connection, company_id: UUID, new: SubStatus) -> None:
    """Adds a sub-status; a name that the category has already is left as it is."""
    await connection.execute(
        "INSERT INTO sub_statuses (company_id, id, category, name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        company_id,
        new.id,
        new.category,
        new.name,
    )


async def rename_sub_status(connection: Connection, company_id: UUID, id: UUID, name: str) -> None:
    await connection.execute(
        "UPDATE sub_statuses SET name = $3 WHERE company_id = $1 AND id = $2", company_id, id, name
    )


async def archive_sub_status(connection: Connection, company_id: UUID, id: UUID) -> None:
    await connection.execute(
        "UPDATE sub_statuses SET archived_at = now() WHERE company_id = $1 AND id = $2", company_id, id
    )
