"""Every test has a database to itself: a worker takes whatever is due in its own."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from leadrail.core.core import Core
from leadrail.db.database import Database
from leadrail.db.migrate import migrate
from tests.conftest import LOOPBACK
from tests.people import People, three_people
from tests.worker.stage import FakeClock

TEMPLATE = "worker_template"


def beside(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@pytest.fixture(scope="session")
async def server(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to make databases with; a migrated template is there."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    await migrate(beside(database_url, TEMPLATE))
    yield connection
    await connection.execute(f"DROP DATABASE {TEMPLATE}")
    await connection.close()


@pytest.fixture
async def own_url(database_url: str, server: asyncpg.Connection) -> AsyncIterator[str]:
    name = f"worker_{uuid4().hex}"
    await server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield beside(database_url, name)
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def core(own_url: str, clock: FakeClock) -> AsyncIterator[Core]:
    core = Core(await Database.open(own_url), clock=clock, webhook_allow=LOOPBACK)
    yield core
    await core.close()


@pytest.fixture
async def people(core: Core) -> AsyncIterator[People]:
    async with three_people(core, "http://nobody-listens.invalid") as people:
        yield people
