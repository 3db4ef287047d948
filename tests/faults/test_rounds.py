"""Kill workers with SIGKILL in the middle of a large round: each reminder and each move by a rule happens once."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from leadrail.core.automation import place_leads
from leadrail.core.channels import rules
from leadrail.core.channels.model import RuleCause
from leadrail.core.channels.rules import NewRule
from leadrail.core.core import Core
from leadrail.db.database import Database
from leadrail.db.migrate import migrate
from leadrail.worker.periodic import run_jobs
from tests.house import environment, eventually
from tests.people import Person, three_people

EACH = 750
"""So many leads have come due, so many are late, so many are late and `due` was told of them, so many are untouched."""

EXPECTED = {"follow_up.due": 2 * EACH, "follow_up.overdue": 2 * EACH, "lead.status_changed": EACH}

# What a round comes to when it is well under way, in the order in which the round goes.
UNTOLD = (
    "SELECT id FROM leads WHERE next_follow_up_at < now() AND follow_up_notice IS NULL ORDER BY next_follow_up_at, id"
)
TOLD = """SELECT id FROM leads WHERE follow_up_notice = 'due' AND next_follow_up_at < now() - interval '1 day'
    ORDER BY next_follow_up_at, id"""
TO_MOVE = "SELECT id FROM leads WHERE rule_due_at < now() ORDER BY rule_due_at"


@pytest.fixture(scope="module")
async def rounds_url(database_url: str) -> str:
    """A database of these tests' own: a worker takes whatever is due in it."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE DATABASE rounds")
    await connection.close()
    url = urlsplit(database_url)._replace(path="/rounds").geturl()
    await migrate(url)
    return url


@pytest.fixture
async def owner(rounds_url: str) -> AsyncIterator[Person]:
    """Somebody with all that is due, and with an endpoint that is owed every event but gets none: it is paused."""
    core = Core(await Database.open(rounds_url))
    async with core.database.connection() as connection:
        await connection.execute("TRUNCATE companies CASCADE")
    async with three_people(core, "http://nobody-listens.invalid") as people:
        await prepare(people.owner)
        yield people.owner
    await core.close()


async def prepare(owner: Person) -> None:
    now, channel, ruled = datetime.now(UTC), await owner.channel(), await owner.channel()
    for hours, told in ((1, None), (25, None), (25, "due")):
        at = now - timedelta(hours=hours)
        await multiply(owner, (await owner.lead(channel)).id, next_follow_up_at=at, follow_up_notice=told)
    await multiply(owner, (await owner.lead(ruled)).id, updated_at=now - timedelta(days=4))
    new = NewRule(name="Cold", cause=RuleCause.UNTOUCHED, from_status="New", to_status="Lost", after_days=3)
    async with owner.core.database.transaction() as connection:
        await rules.add_rule(connection, ruled, new)
    await place_leads(owner.core)
    await owner.endpoint("https://example.com/hook")
    await owner.rows("UPDATE endpoints SET state = 'paused' RETURNING 1")


async def multiply(owner: Person, lead_id: UUID, **columns: Any) -> None:
    """Many more of a lead, with other values in these columns."""
    await owner.rows(
        """INSERT INTO leads SELECT made.* FROM leads l, generate_series(1, $3) AS n,
            jsonb_populate_record(l, $4::jsonb || jsonb_build_object('id', gen_random_uuid(),
                'number', l.number * 1000000 + n)) AS made
        WHERE l.company_id = $1 AND l.id = $2 RETURNING 1""",
        owner.company_id,
        lead_id,
        EACH,
        columns,
    )


@asynccontextmanager
async def worker(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`leadrail worker` in a process of its own, killed at the end of the block if it still runs."""
    whole = environment() | {"LEADRAIL_DATABASE_URL": url, "LEADRAIL_LOG_LEVEL": "warning"}
    command = (sys.executable, "-m", "leadrail", "worker")
    process = await asyncio.create_subprocess_exec(*command, env=whole, stdout=subprocess.DEVNULL)
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


@asynccontextmanager
async def held(owner: Person, *leads: str) -> AsyncIterator[None]:
    """The five hundredth of each of these leads is locked, so that a round comes to it and no further."""
    async with owner.core.database.transaction() as connection:
        for lead in leads:
            id = await connection.fetchval(f"{lead} OFFSET 500 LIMIT 1")
            await connection.execute("SELECT 1 FROM leads WHERE id = $1 FOR UPDATE", id)
        yield


async def counts(owner: Person) -> dict[str, int]:
    rows = await owner.rows("SELECT type, count(*) AS n FROM events WHERE type <> 'lead.created' GROUP BY type")
    return {row["type"]: row["n"] for row in rows}


async def is_stuck(owner: Person, *, times: int = 1) -> bool:
    """Whether something was told or moved, and so many wait for a lock."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return bool(await counts(owner)) and len(await owner.rows(waiting)) >= times


async def finish(owner: Person) -> None:
    """Returns when all has been told and moved, and another round has found nothing more."""

    async def all_done() -> bool:
        return await counts(owner) == EXPECTED

    await eventually(all_done, f"the events are {EXPECTED}", timeout_s=60)
    await run_jobs(owner.core)


async def check_once(owner: Person) -> None:
    assert await counts(owner) == EXPECTED
    twice = "SELECT lead_id FROM events GROUP BY lead_id, type HAVING count(*) > 1"
    assert await owner.rows(twice) == []
    # `due` was told before `overdue` to whoever was told both; the feed has no gap, the endpoint is owed each event.
    late = """SELECT 1 FROM events d JOIN events o USING (company_id, lead_id)
        WHERE d.type = 'follow_up.due' AND o.type = 'follow_up.overdue' AND d.seq > o.seq"""
    assert await owner.rows(late) == []
    (feed,) = await owner.rows("SELECT count(*) AS n, max(seq) AS last FROM events")
    assert feed["n"] == feed["last"] == sum(EXPECTED.values()) + 4
    (owed,) = await owner.rows("SELECT count(*) AS n, count(DISTINCT event_seq) AS different FROM deliveries")
    assert owed["n"] == owed["different"] == sum(EXPECTED.values())
    left = (
        f"SELECT 1 FROM ({UNTOLD}) AS a UNION ALL SELECT 1 FROM ({TOLD}) AS b UNION ALL SELECT 1 FROM ({TO_MOVE}) AS c"
    )
    assert await owner.rows(left) == []


@pytest.mark.parametrize("places", [(UNTOLD, TO_MOVE), (TOLD,)], ids=["due", "late"])
async def test_what_a_killed_worker_left_another_finishes_and_nothing_happens_twice(
    owner: Person, rounds_url: str, places: tuple[str, ...]
) -> None:
    async with held(owner, *places), worker(rounds_url) as process:
        await eventually(lambda: is_stuck(owner), "the round is under way")
        process.kill()
        await process.wait()
        assert 0 < sum((await counts(owner)).values()) < sum(EXPECTED.values())

    async with worker(rounds_url):
        await finish(owner)
    await check_once(owner)


async def test_two_workers_in_one_round_do_nothing_twice(owner: Person, rounds_url: str) -> None:
    async with worker(rounds_url), worker(rounds_url):
        async with held(owner, UNTOLD):
            await eventually(lambda: is_stuck(owner, times=2), "both are in the round")
        await finish(owner)
    await check_once(owner)
