"""What a command needs under it: the database, own or embedded, migrated; and what ends with it."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from leadrail.core.core import Core
from leadrail.db.database import Database
from leadrail.db.embedded import EmbeddedServer, default_data_dir, running_url
from leadrail.db.migrate import migrate
from leadrail.settings import Settings

log = logging.getLogger(__name__)


@asynccontextmanager
async def database_url(settings: Settings, *, join: bool = False) -> AsyncIterator[str]:
    """The URL of a database that runs: the user's, or the embedded one, which is started and stopped here.

    With `join`, the embedded server of a Leadrail that is already serving is used as it is.
    """
    if settings.database_url:
        yield settings.database_url
        return
    data_dir = settings.data_folder or default_data_dir()
    if join and (url := await running_url(data_dir)) is not None:
        yield url
        return
    async with _kept_alive(await EmbeddedServer.start(data_dir), settings) as url:
        yield url


@asynccontextmanager
async def _kept_alive(server: EmbeddedServer, settings: Settings) -> AsyncIterator[str]:
    """Starts the embedded server again when it dies while it is needed."""
    current, url = server, server.url

    async def revive() -> None:
        nonlocal current
        while True:
            status = await current.wait_gone()
            log.error("PostgreSQL ended with status %d; starting it again", status)
            current = await EmbeddedServer.start(settings.data_folder or default_data_dir())
            if current.url != url:
                raise RuntimeError("PostgreSQL came back at another address; start Leadrail again")

    guard = asyncio.create_task(revive())
    try:
        yield url
    finally:
        guard.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await guard
        await current.stop()


@asynccontextmanager
async def open_core(
    settings: Settings, *, join: bool = False, on_due: Callable[[], None] = lambda: None
) -> AsyncIterator[Core]:
    """The product over a migrated database."""
    async with database_url(settings, join=join) as url:
        for name in await migrate(url):
            log.info("migrated: %s", name)
        core = Core(
            await Database.open(url),
            webhook_allow=settings.webhook_networks,
            payloads_kept_for=timedelta(days=settings.payload_days),
            on_due=on_due,
        )
        try:
            yield core
        finally:
            await core.close()


def stop_requested() -> asyncio.Event:
    """Set at the first SIGTERM or Ctrl-C; a second one ends the process as it would have without us."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        event.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    return event
