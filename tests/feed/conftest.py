"""A database of the feed's own, in which a transaction that records events waits a little before it commits."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from leadrail.app import App
from leadrail.core.core import Core
from leadrail.db.database import Database
from leadrail.db.migrate import migrate
from tests.conftest import serving
from tests.people import People, three_people

NAME = "feed"

_DAWDLE = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(random() * 0.004); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle();
"""


@pytest.fixture(scope="session")
async def slow_url(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"CREATE DATABASE {NAME}")
    await connection.close()
    url = urlsplit(database_url)._replace(path=f"/{NAME}").geturl()
    await migrate(url)
    connection = await asyncpg.connect(url)
    await connection.execute(_DAWDLE)
    await connection.close()
    return url


@pytest.fixture
async def cores(slow_url: str) -> AsyncIterator[list[Core]]:
    """Two processes, as far as the database can tell."""
    cores = [Core(await Database.open(slow_url)) for _ in range(2)]
    yield cores
    for core in cores:
        await core.close()


@pytest.fixture
async def people(cores: list[Core]) -> AsyncIterator[People]:
    async with serving(App(cores[0])) as url, three_people(cores[0], url) as people:
        yield people
        cores[0].tail.stop()
