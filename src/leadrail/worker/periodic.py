"""Jobs that come round every so often. Each is safe to run in several processes at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

import asyncpg

from leadrail.core import idempotency
from leadrail.core.core import Core
from leadrail.db.database import UNREACHABLE, Connection

EVERY_S = 600.0

JOBS: dict[str, Callable[[Connection, datetime], Awaitable[None]]] = {
    "forget old idempotency keys": idempotency.purge,
}

log = logging.getLogger(__name__)


async def run_periodic(core: Core, *, every_s: float = EVERY_S) -> None:
    """Runs every job now and then every `every_s`, until cancelled."""
    while True:
        await run_jobs(core)
        await asyncio.sleep(every_s)


async def run_jobs(core: Core) -> None:
    """Runs every job once; one that fails is left for the next time."""
    for name, job in JOBS.items():
        try:
            async with core.database.transaction() as connection:
                await job(connection, core.clock())
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            log.warning("could not %s this time: %r", name, error)
