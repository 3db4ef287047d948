"""A database of the worker's own, emptied for every test: a worker takes whatever is due in it."""

from collections.abc import AsyncIterator
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


@pytest.fixture(scope="session")
async def own_url(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"CREATE DATABASE {NAME}")
    await connection.close()
    url = urlsplit(database_url)._replace(path=f"/{NAME}").geturl()
    await migrate(url)
    return url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def core(own_url: str, clock: FakeClock) -> AsyncIterator[Core]:
    core = Core(await Database.open(own_url), clock=clock, webhook_allow=LOOPBACK)
    async with core.database.connection() as connection:
        await connection.execute("TRUNCATE companies CASCADE")
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
