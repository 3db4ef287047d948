"""A database of the worker's own, emptied for every test: a worker takes whatever is due in it."""

from collections.abc import AsyncIterator
from graphlib import TopologicalSorter
from urllib.parse import urlsplit

import asyncpg
import pytest

from leadrail.core.core import Core
from leadrail.db.database import Database
from leadrail.db.migrate import migrate
from tests.conftest import LOOPBACK
from tests.people import People, three_people
from tests.worker.stage import FakeClock

NAME = "worker"
POINTING = """SELECT conrelid::regclass::text AS one, confrelid::regclass::text AS other FROM pg_constraint
    WHERE contype = 'f' AND conrelid <> confrelid"""


@pytest.fixture(scope="session")
async def own_url(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"CREATE DATABASE {NAME}")
    await connection.close()
    url = urlsplit(database_url)._replace(path=f"/{NAME}").geturl()
    await migrate(url)
    return url


@pytest.fixture(scope="session")
async def emptying(own_url: str) -> str:
    """Statements that delete all rows, from each table before those it points at.

    There are few, and TRUNCATE would take a quarter of a second for the new files of all tables and indexes.
    """
    connection = await asyncpg.connect(own_url)
    order: TopologicalSorter[str] = TopologicalSorter()
    for row in await connection.fetch(POINTING):
        order.add(row["other"], row["one"])
    await connection.close()
    return "; ".join(f"DELETE FROM {table}" for table in order.static_order())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def core(own_url: str, emptying: str, clock: FakeClock) -> AsyncIterator[Core]:
    core = Core(await Database.open(own_url), clock=clock, webhook_allow=LOOPBACK)
    async with core.database.connection() as connection:
        await connection.execute(emptying)
    yield core
    await core.close()


@pytest.fixture
async def other_core(own_url: str, core: Core) -> AsyncIterator[Core]:
    """The same database, as another process would have it."""
    other = Core(await Database.open(own_url), clock=core.clock, webhook_allow=core.webhook_allow)
    yield other
    await other.close()


@pytest.fixture
async def people(core: Core) -> AsyncIterator[People]:
    async with three_people(core, "http://nobody-listens.invalid") as people:
        yield people
