"""Migrations: plain SQL files, in order, forward only, each in a transaction, under one advisory lock."""

import hashlib
from importlib.resources import files

import asyncpg

LOCK = 0x1EAD_2A11

_JOURNAL = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
"""


class MigrationError(Exception):
    """The database and this release do not fit; the text says what to do."""


def shipped() -> dict[str, str]:
    """The migrations of this release, by file name in order."""
    folder = files("leadrail.db") / "migrations"
    found = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return {item.name: item.read_text(encoding="utf-8") for item in found}


async def migrate(url: str) -> list[str]:
    """Applies what is missing and answers the names applied. A second caller waits for the first.

    Raises MigrationError when the database was migrated by a newer release or a shipped file was changed.
    """
    connection = await asyncpg.connect(url, timeout=30)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await connection.execute(_JOURNAL)
        return [name for name in await _missing(connection) if await _apply(connection, name)]
    finally:
        await connection.close()


async def _missing(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch("SELECT name, digest FROM schema_migrations")
    applied = {row["name"]: row["digest"] for row in rows}
    known = shipped()
    if unknown := sorted(set(applied) - set(known)):
        raise MigrationError(f"The database was migrated by a newer Leadrail ({unknown[-1]}); upgrade this one.")
    for name, digest in applied.items():
        if _digest(known[name]) != digest:
            raise MigrationError(f"Migration {name} differs from the one applied; restore the released file.")
    return [name for name in known if name not in applied]


async def _apply(connection: asyncpg.Connection, name: str) -> bool:
    text = shipped()[name]
    async with connection.transaction():
        # A migration that cannot get its locks gives up instead of queueing every request behind it.
        await connection.execute("SET LOCAL lock_timeout = '10s'")
        await connection.execute(text)
        await connection.execute("INSERT INTO schema_migrations (name, digest) VALUES ($1, $2)", name, _digest(text))
    return True


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
