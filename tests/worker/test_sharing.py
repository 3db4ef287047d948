"""Fairness between endpoints and companies, and several workers on one queue."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from leadrail.core.core import Core
from leadrail.db.database import Database
from leadrail.kit.outgoing import Outgoing
from leadrail.worker.deliverer import Deliverer
from tests.people import People
from tests.receivers import Answer, Hang, Receiver
from tests.worker.stage import (
    POLL_S,
    FakeClock,
    deliveries,
    multiply,
    one_due,
    pass_by,
    the_delivery,
    until_none_due,
    working,
)


@pytest.fixture
async def other_core(own_url: str, core: Core) -> AsyncIterator[Core]:
    """The same database, as another process would have it."""
    other = Core(await Database.open(own_url), clock=core.clock, webhook_allow=core.webhook_allow)
    yield other
    await other.close()


async def test_a_hanging_backlog_does_not_keep_another_company_waiting(core: Core, people: People) -> None:
    async with Receiver(Hang()) as hanging, Receiver() as receiver:
        await one_due(people.owner, hanging.url)
        await multiply(people.owner, 3000)
        async with working(core):
            await hanging.wait_for(16)
            await one_due(people.stranger, receiver.url)
            await receiver.wait_for(1)
            await until_none_due(people.stranger)

            assert len(hanging.requests) == 16
            assert {row["state"] for row in await deliveries(people.owner)} == {"due"}


async def test_a_hanging_backlog_does_not_keep_the_companys_other_endpoint_waiting(core: Core, people: People) -> None:
    async with Receiver(Hang()) as hanging, working(core):
        await one_due(people.owner, hanging.url)
        await multiply(people.owner, 3000)
        await hanging.wait_for(16)
        await pass_by(people.owner)


async def test_an_endpoint_that_fails_for_all_its_backlog_does_not_keep_others_waiting(
    core: Core, people: People
) -> None:
    async with Receiver(Answer(500, delay_s=0.05)) as failing, working(core, slots=16):
        await one_due(people.owner, failing.url)
        await multiply(people.owner, 3000)
        await failing.wait_for(1)
        await pass_by(people.stranger)

        assert len(failing.requests) < 3001


async def test_a_few_places_go_round_among_many_companies(core: Core, people: People) -> None:
    everybody = (people.owner, people.partner, people.stranger)
    async with Receiver() as receiver, working(core, slots=1, poll_s=3600) as deliverer:
        for person in everybody:
            await one_due(person, receiver.url)
            await multiply(person, 30)
        deliverer.wake()
        await receiver.wait_for(93)
        for person in everybody:
            await until_none_due(person)

    paths = [(await deliveries(person)) for person in everybody]
    assert all(row["attempts"] == 1 for rows in paths for row in rows)


async def test_two_workers_send_nothing_twice(core: Core, other_core: Core, people: People) -> None:
    async with Receiver() as receiver:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, 400)
        async with working(core), working(other_core):
            await until_none_due(people.owner)

    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(ids) == len(set(ids)) == 401
    assert await people.owner.count("attempts") == 401


async def test_what_a_dead_worker_was_sending_arrives_after_its_lease(
    core: Core, other_core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver([Hang(), Answer()]) as receiver, Outgoing(core.webhook_allow) as outgoing:
        await one_due(people.owner, receiver.url)
        dead = asyncio.create_task(Deliverer(core, outgoing, poll_s=POLL_S).run())
        (first,) = await receiver.wait_for(1)
        dead.cancel()
        async with working(other_core):
            clock.advance(seconds=29)
            await pass_by(people.partner)
            assert len(receiver.requests) == 1
            clock.advance(seconds=2)
            _, second = await receiver.wait_for(2)
            await until_none_due(people.owner)

    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    delivery = await the_delivery(people.owner)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)


async def test_a_clock_that_jumps_past_the_lease_does_not_send_twice_at_once(
    core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver(Hang()) as hanging, working(core):
        await one_due(people.owner, hanging.url)
        await hanging.wait_for(1)
        clock.advance(minutes=1)
        await pass_by(people.partner)

        assert len(hanging.requests) == 1
