"""The jobs that come round."""

import asyncio

import pytest

from leadrail.core import idempotency
from leadrail.core.core import Core
from leadrail.worker.periodic import run_jobs, run_periodic
from tests.people import People
from tests.worker.stage import FakeClock, until


async def keep(core: Core, people: People, key: str) -> None:
    async with core.database.transaction() as connection:
        await idempotency.claim(connection, people.owner.company_id, key, b"", core.clock())


async def test_idempotency_keys_are_forgotten_after_a_day(core: Core, people: People, clock: FakeClock) -> None:
    await keep(core, people, "old")
    clock.advance(hours=23)
    await keep(core, people, "young")
    await run_jobs(core)
    assert await people.owner.count("idempotency_keys") == 2

    clock.advance(hours=1)
    await asyncio.gather(run_jobs(core), run_jobs(core))

    kept = await people.owner.rows("SELECT key FROM idempotency_keys")
    assert kept == [{"key": "young"}]


async def test_a_job_that_fails_is_left_for_the_next_time(
    core: Core, people: People, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await keep(core, people, "old")
    clock.advance(hours=25)
    await people.owner.rows("ALTER TABLE idempotency_keys RENAME TO away")
    periodic = asyncio.create_task(run_periodic(core, every_s=0.01))

    async def has_failed() -> bool:
        return "could not forget old idempotency keys" in caplog.text

    async def is_forgotten() -> bool:
        return await people.owner.count("idempotency_keys") == 0

    await until(has_failed)
    await people.owner.rows("ALTER TABLE away RENAME TO idempotency_keys")
    await until(is_forgotten)
    periodic.cancel()
    await asyncio.gather(periodic, return_exceptions=True)
