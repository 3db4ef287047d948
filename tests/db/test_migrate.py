"""Migrations: all of them once, in order, whole or not at all."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from leadrail.db import migrate as migrations
from leadrail.db.migrate import MigrationError, migrate, shipped

# What belongs to no company: the companies themselves, and the journal of migrations.
SHARED = {"companies", "schema_migrations"}

# A primary key's columns in the key's order.
KEYS = """
SELECT c.relname, array_agg(a.attname::text ORDER BY k.place)
FROM pg_class c
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
LEFT JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k(number, place) ON true
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
GROUP BY c.relname
"""


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"migrate_{uuid4().hex}"
    admin = await asyncpg.connect(database_url)
    await admin.execute(f"CREATE DATABASE {name}")
    yield urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def ask(url: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(statement)]
    finally:
        await connection.close()


JOURNAL = "SELECT name FROM schema_migrations ORDER BY applied_at, name"


def ship(monkeypatch: pytest.MonkeyPatch, **texts: str) -> None:
    """Makes these the migrations of this release."""
    monkeypatch.setattr(migrations, "shipped", lambda: {f"{name}.sql": text for name, text in texts.items()})


def test_the_shipped_files_are_numbered_without_a_gap() -> None:
    assert [name[:5] for name in shipped()] == [f"{number:04}_" for number in range(1, len(shipped()) + 1)]


async def test_all_are_applied_once_and_a_repeat_does_nothing(empty: str) -> None:
    assert await migrate(empty) == list(shipped())
    assert await migrate(empty) == []
    assert await ask(empty, JOURNAL) == list(shipped())


async def test_servers_that_start_together_apply_each_once(empty: str) -> None:
    applied = await asyncio.gather(*(migrate(empty) for _ in range(4)))

    assert sorted(map(len, applied)) == [0, 0, 0, len(shipped())]


async def test_only_what_is_missing_is_applied_and_in_order(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch, **{"0001_a": "CREATE TABLE a ()"})
    await migrate(empty)

    later = {"0002_b": "CREATE TABLE b (x text)", "0003_c": "ALTER TABLE b ADD y text"}
    ship(monkeypatch, **{"0001_a": "CREATE TABLE a ()"}, **later)

    assert await migrate(empty) == ["0002_b.sql", "0003_c.sql"]


async def test_one_that_fails_leaves_nothing_and_may_be_mended(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"0001_a": "CREATE TABLE a ()"}
    ship(monkeypatch, **good, **{"0002_b": "CREATE TABLE b (); SELECT 1 / 0"})

    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty)

    assert await ask(empty, "SELECT to_regclass('b') IS NULL") == [True]
    assert await ask(empty, JOURNAL) == ["0001_a.sql"]
    ship(monkeypatch, **good, **{"0002_b": "CREATE TABLE b ()"})
    assert await migrate(empty) == ["0002_b.sql"]


async def test_a_database_of_a_newer_release_is_left_alone(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch, **{"0001_a": "CREATE TABLE a ()", "0002_b": "CREATE TABLE b ()"})
    await migrate(empty)
    ship(monkeypatch, **{"0001_a": "CREATE TABLE a ()"})

    with pytest.raises(MigrationError, match=r"0002_b\.sql.*upgrade"):
        await migrate(empty)


async def test_a_file_that_was_changed_after_it_was_applied_is_refused(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(monkeypatch, **{"0001_a": "CREATE TABLE a ()"})
    await migrate(empty)
    ship(monkeypatch, **{"0001_a": "CREATE TABLE a (x text)", "0002_b": "CREATE TABLE b ()"})

    with pytest.raises(MigrationError, match=r"0001_a\.sql differs"):
        await migrate(empty)

    assert await ask(empty, "SELECT to_regclass('b') IS NULL") == [True]


async def test_a_migration_does_not_wait_long_for_a_lock(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch, **{"0001_a": "CREATE TABLE a AS SELECT current_setting('lock_timeout') AS waits"})

    await migrate(empty)

    assert await ask(empty, "SELECT waits FROM a") == ["10s"]


async def test_every_table_of_a_company_has_the_company_first_in_its_key(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    keys = {row[0]: row[1] for row in await connection.fetch(KEYS)}
    await connection.close()

    without = {table for table, columns in keys.items() if columns[0] != "company_id"}

    assert {"leads", "events", "rewards", "deliveries"} <= set(keys)
    assert without == SHARED


async def test_leads_that_had_a_sub_status_name_it_by_its_id(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: text for name, text in shipped().items() if name < "0008"}
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "shipped", lambda: before)
        await migrate(empty)
    connection = await asyncpg.connect(empty)
    await connection.execute("""
        INSERT INTO companies (id, name)
            SELECT lpad(n::text, 32, '0')::uuid, 'company ' || n FROM generate_series(1, 2) n;
        INSERT INTO channels (company_id, id, public_id, title, template) SELECT id, id, id, 'x', 'x' FROM companies;
        INSERT INTO statuses (company_id, channel_id, id, name, category, position, color)
            SELECT c.id, c.id, s.id, s.category, s.category, 1, '' FROM companies c CROSS JOIN LATERAL (VALUES
                (c.id, 'lost'), (lpad('9', 32, '0')::uuid, 'on_hold')) s(id, category);
        INSERT INTO sub_statuses (company_id, id, category, name)
            SELECT s.company_id, gen_random_uuid(), s.category, 'Later' FROM statuses s;
        INSERT INTO leads (company_id, id, number, channel_id, status_id, sub_status, status_changed_at, created_at,
            updated_at, version)
            SELECT s.company_id, gen_random_uuid(), row_number() OVER (), s.channel_id, s.id, t.said, now(), now(),
                now(), 1
            FROM statuses s CROSS JOIN (VALUES ('LATER'), ('gone'), (NULL)) t(said);
    """)

    await migrate(empty)

    rows = await connection.fetch("""
        SELECT l.sub_status, u.name, u.company_id = l.company_id AND u.category = s.category AS is_own
        FROM leads l JOIN statuses s ON s.company_id = l.company_id AND s.id = l.status_id
        LEFT JOIN sub_statuses u ON u.id = l.sub_status_id ORDER BY l.sub_status
    """)
    await connection.close()
    assert list(map(tuple, rows)) == [("LATER", "Later", True)] * 4 + [("gone", None, None)] * 4 + [(None,) * 3] * 4
