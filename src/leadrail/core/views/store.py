"""The SQL of saved views."""

from typing import Any
from uuid import UUID

from leadrail.core.views.model import Eyes, View
from leadrail.db.database import Connection

_COLUMNS = "id, name, shared, user_id, filter, sort, fields, created_at, updated_at"

_SEEN = """
company_id = $1 AND CASE WHEN cardinality($3::uuid[]) = 0 THEN shared OR user_id = $2
    ELSE user_id = $2 AND NOT shared AND cardinality(bound_to) > 0 AND bound_to <@ $3 END
"""


def _view(row: Any) -> View:
    id, name, shared, user_id, filter, sort, fields, created_at, updated_at = row
    return View(
        id=id,
        name=name,
        shared=shared,
        user_id=user_id,
        filter=filter,
        sort=tuple(sort),
        fields=tuple(fields),
        created_at=created_at,
        updated_at=updated_at,
    )


async def views(connection: Connection, eyes: Eyes, *, after: UUID | None, limit: int) -> list[View]:
    """Those that may be seen, in the order in which they were made."""
    statement = f"""
        SELECT {_COLUMNS} FROM views WHERE {_SEEN} AND ($4::uuid IS NULL OR id > $4) ORDER BY id LIMIT $5
    """
    rows = await connection.fetch(statement, eyes.company_id, eyes.user_id, eyes.channel_ids, after, limit)
    return [_view(row) for row in rows]


async def view(connection: Connection, eyes: Eyes, id: UUID, *, lock: bool = False) -> View | None:
    statement = f"SELECT {_COLUMNS} FROM views WHERE {_SEEN} AND id = $4{' FOR UPDATE' if lock else ''}"
    row = await connection.fetchrow(statement, eyes.company_id, eyes.user_id, eyes.channel_ids, id)
    return _view(row) if row else None


async def put(connection: Connection, eyes: Eyes, view: View) -> None:
    """Adds a view, or writes it anew, as one that was saved through a key of these channels."""
    await connection.execute(
        f"""INSERT INTO views (company_id, bound_to, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (company_id, id) DO UPDATE SET bound_to = $2, name = $4, shared = $5, filter = $7, sort = $8,
            fields = $9, updated_at = $11""",
        eyes.company_id,
        eyes.channel_ids,
        view.id,
        view.name,
        view.shared,
        view.user_id,
        view.filter,
        view.sort,
        view.fields,
        view.created_at,
        view.updated_at,
    )


async def delete(connection: Connection, eyes: Eyes, id: UUID) -> bool:
    """Answers whether it was there to be seen."""
    statement = f"DELETE FROM views WHERE {_SEEN} AND id = $4"
    deleted = await connection.execute(statement, eyes.company_id, eyes.user_id, eyes.channel_ids, id)
    return bool(deleted == "DELETE 1")
