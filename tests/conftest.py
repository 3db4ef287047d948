"""One real PostgreSQL and one real HTTP server for the whole run; every test gets companies of its own."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import uvicorn
from hypothesis import settings

from leadrail.app import App
from leadrail.core.core import Core
from leadrail.db.database import Database
from leadrail.db.embedded import EmbeddedServer
from leadrail.db.migrate import migrate
from leadrail.dialects.registry import ERASERS
from tests.house import House
from tests.people import People, three_people

# A shared machine may stop for a moment; what is slow is for the bench to say.
settings.register_profile("leadrail", deadline=None)
settings.load_profile("leadrail")

THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}

# The HTTP client asks for it at every lock that it takes, and Python would search for what is not installed each time.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # None is how an import is told to fail at once

LOOPBACK = (ip_network("127.0.0.0/8"),)


@contextmanager
def _passable() -> Iterator[Path]:
    """A folder that other users may pass through: as root, PostgreSQL runs as one, and pytest's own are closed."""
    with TemporaryDirectory(prefix="leadrail-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def passable_folder() -> Iterator[Path]:
    with _passable() as folder:
        yield folder


@pytest.fixture
async def house(passable_folder: Path) -> AsyncIterator[House]:
    """A Leadrail that serves, as its users have it."""
    house = House(passable_folder / "data")
    await house.start()
    yield house
    await house.stop()


@pytest.fixture(scope="session")
def database_dir() -> Iterator[Path]:
    with _passable() as folder:
        yield folder / "data"


@pytest.fixture(scope="session")
async def database_url(database_dir: Path) -> AsyncIterator[str]:
    """A migrated database. Nothing here survives the run, so the disk need not be waited for."""
    server = await EmbeddedServer.start(database_dir, settings=THROWAWAY)
    await migrate(server.url)
    yield server.url
    await server.stop()


@pytest.fixture(scope="session")
async def core(database_url: str) -> AsyncIterator[Core]:
    core = Core(await Database.open(database_url), webhook_allow=LOOPBACK, erasers=ERASERS)
    yield core
    await core.close()


@pytest.fixture(scope="session")
async def server_url(core: Core) -> AsyncIterator[str]:
    async with serving(App(core)) as url:
        yield url


@pytest.fixture
async def people(core: Core, server_url: str) -> AsyncIterator[People]:
    async with three_people(core, server_url) as people:
        yield people


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[str]:
    """The application over a real socket of this loop."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task
