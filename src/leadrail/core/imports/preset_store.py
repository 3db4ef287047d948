"""The SQL of presets: ways of reading files, kept under a name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.imports.model import Options
from leadrail.db.database import Connection

_COLUMNS = "id, name, options, updated_at"


class Preset(msgspec.Struct, frozen=True):
    """Options under a name. Of its mapping those columns count that a file has."""

    id: UUID
    name: str
    options: Options
    updated_at: datetime


def _presets(rows: Sequence[Any]) -> list[Preset]:
    return [Preset(row[0], row[1], msgspec.convert(row[2], Options), row[3]) for row in rows]


async def put(connection: Connection, company_id: UUID, preset: Preset) -> None:
    """Under a name that is taken the options are replaced."""
    statement = """
        INSERT INTO import_presets (company_id, id, name, options, updated_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (company_id, name) DO UPDATE SET options = excluded.options, updated_at = excluded.updated_at
    """
    options = msgspec.to_builtins(preset.options)
    await connection.execute(statement, company_id, preset.id, preset.name, options, preset.updated_at)


async def listed(connection: Connection, company_id: UUID, before: UUID | None, limit: int) -> list[Preset]:
    """Newest first."""
    statement = f"""
        SELECT {_COLUMNS} FROM import_presets WHERE company_id = $1 AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3
    """
    return _presets(await connection.fetch(statement, company_id, before, limit))


async def named(connection: Connection, company_id: UUID, name: str) -> Preset | None:
    statement = f"SELECT {_COLUMNS} FROM import_presets WHERE company_id = $1 AND name = $2"
    return next(iter(_presets(await connection.fetch(statement, company_id, name))), None)


async def drop(connection: Connection, company_id: UUID, id: UUID) -> bool:
    statement = "DELETE FROM import_presets WHERE company_id = $1 AND id = $2 RETURNING 1"
    return await connection.fetchval(statement, company_id, id) is not None
