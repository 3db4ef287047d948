"""Fairness between endpoints and companies, and several workers on one queue."""

import asyncio

import pytest

from leadrail.core.core import Core
from leadrail.core.webhooks import queue
from leadrail.core.webhooks.queue import Lane
from leadrail.db.database import Connection
from leadrail.kit.outgoing import Outgoing
from leadrail.worker import claiming
from leadrail.worker.deliverer import Deliverer
from leadrail.worker.planning import Place
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
    until,
    until_none_due,
    working,
)


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


async def test_few_places_and_narrow_rounds_still_serve_everybody(
    core: Core, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "LANES_PER_ROUND", 2)
    everybody = (people.owner, people.partner, people.stranger)
    async with Receiver() as receiver:
        for person in everybody:
            await one_due(person, receiver.url)
            await multiply(person, 30)
        async with working(core, slots=1, poll_s=3600):
            await receiver.wait_for(3 * 31)
            for person in everybody:
                await until_none_due(person)

    assert len(receiver.requests) == 3 * 31


async def test_a_lane_whose_places_are_taken_is_not_asked_without_pause(
    core: Core, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, lanes, asked_s = asyncio.get_running_loop(), queue.lanes, list[float]()

    async def counted(connection: Connection, after: Place, limit: int) -> list[Lane]:
        asked_s.append(loop.time())
        return await lanes(connection, after, limit)

    async def asked_often() -> bool:
        return len(asked_s) >= 10

    monkeypatch.setattr(queue, "lanes", counted)
    async with Receiver(Hang()) as hanging, working(core, slots_per_endpoint=1, poll_s=0.1):
        await one_due(people.owner, hanging.url)
        await multiply(people.owner, 5)
        await hanging.wait_for(1)
        asked_s.clear()
        await until(asked_often)

    assert asked_s[9] - asked_s[0] >= 0.7


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
