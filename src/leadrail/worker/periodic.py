"""Jobs that come round every so often. Each is safe to run in several processes at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

import asyncpg

from leadrail.core import idempotency
from leadrail.core.automation import run_rules
from leadrail.core.core import Core
from leadrail.core.errors import Refused
from leadrail.db.database import UNREACHABLE, Connection

EVERY_S = 600.0

JOBS: dict[str, Callable[[Connection, datetime], Awaitable[None]]] = {
    "forget old idempotency keys": idempotency.purge,
}

RULES_EVERY_S = 60.0

log = logging.getLogger(__name__)


async def run_periodic(core: Core, *, every_s: float = EVERY_S) -> None:
    """Runs every job now and then every `every_s`, and the rules of channels every minute, until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_repeat(core, run_jobs, every_s))
        group.create_task(_repeat(core, run_rules_once, RULES_EVERY_S))


async def _repeat(core: Core, job: Callable[[Core], Awaitable[None]], every_s: float) -> None:
    while True:
        await job(core)
        await asyncio.sleep(every_s)


async def run_rules_once(core: Core) -> None:
    """Moves what is due by a rule; what fails is left for the next time."""
    try:
        await run_rules(core)
    except (*UNREACHABLE, asyncpg.PostgresError, Refused) as error:
        log.warning("could not apply the rules of channels this time: %r", error)


async def run_jobs(core: Core) -> None:
    """Runs every job once; one that fails is left for the next time."""
    for name, job in JOBS.items():
        try:
            async with core.database.transaction() as connection:
                await job(connection, core.clock())
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            log.warning("could not %s this time: %r", name, error)
