"""Jobs that come round, each in its own time. Each is safe to run in several processes at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec

from leadrail.core import idempotency
from leadrail.core.assigning import tell_left
from leadrail.core.automation import run_rules
from leadrail.core.bulk.running import forget_old
from leadrail.core.core import Core
from leadrail.core.errors import Refused
from leadrail.core.imports import jobs as imports
from leadrail.core.webhooks import results
from leadrail.db.database import UNREACHABLE
from leadrail.worker.counting import count
from leadrail.worker.reminding import remind

CHUNK = 2_000

log = logging.getLogger(__name__)


class Job(msgspec.Struct, frozen=True):
    """`name` goes on after "could not". `at_once`: so many of it, of which each takes what no other has in hand."""

    name: str
    every_s: float
    run: Callable[[Core], Awaitable[None]]
    at_once: int = 1


async def forget_keys(core: Core) -> None:
    async with core.database.transaction() as connection:
        await idempotency.purge(connection, core.clock())


async def forget_payloads(core: Core) -> None:
    """In chunks: years of them may be due when the setting is lowered."""
    done = CHUNK
    while done == CHUNK:
        async with core.database.transaction() as connection:
            done = await results.forget_payloads(connection, core.clock() - core.payloads_kept_for, limit=CHUNK)


JOBS = (
    Job("forget old idempotency keys", 600, forget_keys),
    Job("forget old payloads", 600, forget_payloads),
    Job("forget old bulk changes", 600, forget_old),
    Job("apply the rules of channels", 60, run_rules),
    Job("remind of planned contacts", 5, remind),
    Job("tell who got the leads of batches", 60, tell_left),
    Job("go on with imports", 1, imports.run_waiting, imports.AT_ONCE),
    Job("forget old imports", 600, imports.forget),
    Job("count leads and moves", 1, count),
)


async def run_periodic(core: Core, *, every_s: float | None = None) -> None:
    """Runs every job now and then again and again in its time, or every `every_s`, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for job in JOBS:
            for _ in range(job.at_once):
                group.create_task(_repeat(core, job, job.every_s if every_s is None else every_s))


async def _repeat(core: Core, job: Job, every_s: float) -> None:
    while True:
        await _run(core, job)
        await asyncio.sleep(every_s)


async def run_jobs(core: Core) -> None:
    """Runs every job once; one that fails is left for the next time."""
    for job in JOBS:
        await _run(core, job)


async def _run(core: Core, job: Job) -> None:
    try:
        await job.run(core)
    except (*UNREACHABLE, asyncpg.PostgresError, Refused) as error:
        log.warning("could not %s this time: %r", job.name, error)
