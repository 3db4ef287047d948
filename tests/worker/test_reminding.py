"""Notices of contacts that have come due: each once, whoever looks and however often."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from leadrail.core.channels.model import Category, StatusRef
from leadrail.core.core import Core
from leadrail.core.leads.commands import ChangeStatus
from leadrail.core.leads.model import Lead
from leadrail.db.database import Database
from leadrail.worker.reminding import remind
from tests.people import People, Person
from tests.worker.stage import FakeClock


@pytest.fixture
async def other(own_url: str, clock: FakeClock) -> AsyncIterator[Core]:
    """A second process, as far as the database can tell."""
    core = Core(await Database.open(own_url), clock=clock)
    yield core
    await core.close()


async def told(person: Person) -> list[str]:
    statement = "SELECT type FROM events WHERE company_id = $1 AND type LIKE 'follow_up.%' ORDER BY seq"
    return [row["type"] for row in await person.rows(statement, person.company_id)]


async def planned(person: Person, clock: FakeClock, times: int = 1) -> Lead:
    """The last of so many leads to be contacted in an hour."""
    channel = await person.channel()
    at = clock() + timedelta(hours=1)
    leads = await asyncio.gather(*(person.lead(channel, next_follow_up_at=at) for _ in range(times)))
    return leads[-1]


async def test_a_contact_is_told_when_it_is_due_and_when_it_is_a_day_late(
    core: Core, people: People, clock: FakeClock
) -> None:
    await planned(people.owner, clock)
    await remind(core)
    assert await told(people.owner) == []

    clock.advance(hours=1)
    await remind(core)
    await remind(core)
    assert await told(people.owner) == ["follow_up.due"]

    clock.advance(hours=24)
    await remind(core)
    await remind(core)
    assert await told(people.owner) == ["follow_up.due", "follow_up.overdue"]


async def test_two_processes_and_a_third_after_a_restart_tell_once(
    core: Core, other: Core, people: People, clock: FakeClock
) -> None:
    await planned(people.owner, clock, times=300)
    clock.advance(hours=1)

    await asyncio.gather(remind(core), remind(other), remind(core))
    await remind(other)

    assert await told(people.owner) == ["follow_up.due"] * 300


async def test_a_notice_is_delivered_and_is_nobodys_touch(core: Core, people: People, clock: FakeClock) -> None:
    owner = people.owner
    await owner.endpoint("https://example.com/hook", events=("follow_up.due",))
    lead = await planned(owner, clock)
    clock.advance(hours=1)

    await remind(core)

    (after,) = await owner.rows("SELECT version, updated_at, follow_up_notice FROM leads WHERE id = $1", lead.id)
    assert after == {"version": 1, "updated_at": lead.updated_at, "follow_up_notice": "due"}
    (event,) = await owner.rows("SELECT notice, actor_kind FROM events WHERE type = 'follow_up.due'")
    assert event == {"notice": True, "actor_kind": "system"}
    assert await owner.count("deliveries") == 1


async def test_what_is_closed_is_marked_and_not_looked_at_again(core: Core, people: People, clock: FakeClock) -> None:
    owner = people.owner
    lead = await planned(owner, clock)
    actor = await core.doors.admit_key(owner.key, "api")
    lost = StatusRef(category=Category.LOST)
    await core.engine.execute_one(ChangeStatus(actor=actor, lead_id=lead.id, status=lost))
    clock.advance(hours=1)

    await remind(core)

    (after,) = await owner.rows("SELECT follow_up_notice, version FROM leads WHERE id = $1", lead.id)
    assert after["follow_up_notice"] == "overdue"
    assert await told(owner) == []
