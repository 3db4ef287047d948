"""An endpoint that fails is tried by one of all workers when its rest is over."""

import asyncio
from datetime import timedelta
from typing import Any

from leadrail.core.channels.model import Category, StatusRef
from leadrail.core.core import Core
from leadrail.core.leads.commands import ChangeStatus, UpdateLead
from leadrail.core.webhooks import queue
from leadrail.core.webhooks.model import Format
from leadrail.core.webhooks.queue import Claim
from leadrail.kit.outgoing import Outgoing
from leadrail.worker.breaker import RESTS, THRESHOLD
from leadrail.worker.deliverer import LEASE, Deliverer
from leadrail.worker.planning import START
from tests.people import People, Person
from tests.receivers import Answer, Hang, Receiver
from tests.worker.stage import (
    POLL_S,
    FakeClock,
    deliveries,
    multiply,
    one_due,
    pass_by,
    until_attempted,
    until_none_due,
    working,
)


async def rested(person: Person, clock: FakeClock) -> None:
    """The person's endpoints have failed, and their first rest is just over."""
    of_all = "SELECT company_id, id, $2, $3, 1, $2 FROM endpoints WHERE company_id = $1"
    insert = f"INSERT INTO endpoint_failures {of_all} RETURNING 1"
    await person.rows(insert, person.company_id, clock.now, THRESHOLD)


async def failing(person: Person) -> dict[str, Any]:
    statement = "SELECT trips, resting_until FROM endpoint_failures WHERE company_id = $1"
    (row,) = await person.rows(statement, person.company_id)
    return row


async def claimed(core: Core) -> list[Claim]:
    async with core.database.connection() as connection:
        shares = [(lane, 1) for lane in await queue.lanes(connection, START, 10)]
        taken = await queue.claim(connection, shares, core.clock(), core.clock() + LEASE)
    return list(taken.claims)


async def test_of_two_workers_one_tries_and_the_other_leaves_the_endpoint_alone(
    core: Core, other_core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver(Hang()) as receiver:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, 20)
        await rested(people.owner, clock)
        async with working(core, slots=1):
            await receiver.wait_for(1)
            async with working(other_core):
                # The first worker has no place for it, so it is the second that goes by.
                await pass_by(people.partner)
                await pass_by(people.partner)

                assert len(receiver.requests) == 1


async def test_with_two_workers_each_rest_costs_one_attempt_until_the_receiver_is_back(
    core: Core, other_core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver(Answer(500)) as receiver:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, 20)
        await rested(people.owner, clock)
        async with working(core), working(other_core):
            for trips, rest in enumerate(RESTS[1:], 2):
                await until_attempted(people.owner, trips - 1)
                await pass_by(people.partner)
                assert await failing(people.owner) == {"trips": trips, "resting_until": clock.now + rest}
                clock.advance(seconds=rest.total_seconds())
            await until_attempted(people.owner, len(RESTS))
            assert len(receiver.requests) == len(RESTS)
            receiver.answer_with(Answer())
            clock.advance(days=1)
            await until_none_due(people.owner)

    assert {row["state"] for row in await deliveries(people.owner)} == {"delivered"}
    assert await people.owner.count("endpoint_failures") == 0


async def test_of_many_that_would_try_at_once_one_does(
    core: Core, other_core: Core, people: People, clock: FakeClock
) -> None:
    await one_due(people.owner, "https://example.com/hook")
    await multiply(people.owner, 20)
    await rested(people.owner, clock)

    rounds = await asyncio.gather(*(claimed(one) for one in (core, other_core) for _ in range(4)))

    (claim,) = [claim for round in rounds for claim in round]
    assert claim.trial_until == clock.now + LEASE == (await failing(people.owner))["resting_until"]
    assert sum(row["attempts"] for row in await deliveries(people.owner)) == 1


async def test_what_a_dead_worker_was_trying_is_tried_again_after_its_lease(
    core: Core, other_core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver([Hang(), Answer()]) as receiver, Outgoing(core.webhook_allow) as outgoing:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, 20)
        await rested(people.owner, clock)
        dead = asyncio.create_task(Deliverer(core, outgoing, poll_s=POLL_S).run())
        await receiver.wait_for(1)
        dead.cancel()
        async with working(other_core):
            clock.advance(seconds=LEASE.total_seconds() - 1)
            await pass_by(people.partner)
            assert len(receiver.requests) == 1
            clock.advance(seconds=1)
            await until_none_due(people.owner)


async def test_what_is_not_sent_after_all_leaves_the_trial_to_the_next(
    core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver() as receiver:
        await one_due(people.owner, receiver.url, format=Format.SENDPILOT)  # which has no words for a new lead
        await ask(people.owner, ChangeStatus, status=StatusRef(category=Category.WON))
        await rested(people.owner, clock)
        async with working(core):
            await until_none_due(people.owner)

    assert [row["state"] for row in await deliveries(people.owner)] == ["cancelled", "delivered"]


async def test_what_waits_for_its_turn_takes_no_trial(core: Core, people: People, clock: FakeClock) -> None:
    owner = people.owner
    await one_due(owner, "https://example.com/hook", ordered=True)
    await owner.rows("UPDATE deliveries SET due_at = $1 RETURNING 1", clock.now + timedelta(seconds=1))
    await ask(owner, UpdateLead, fields={"title": "CEO"})
    await rested(owner, clock)

    assert await claimed(core) == []
    assert await failing(owner) == {"trips": 1, "resting_until": clock.now}
    clock.advance(seconds=1)
    assert [claim.number for claim in await claimed(core)] == [1]


async def ask(person: Person, command: type[ChangeStatus | UpdateLead], **rest: Any) -> None:
    """Asks it of the person's only lead."""
    (lead,) = await person.rows("SELECT id FROM leads WHERE company_id = $1", person.company_id)
    actor = await person.core.doors.admit_key(person.key, "api")
    await person.core.engine.execute_one(command(actor=actor, lead_id=lead["id"], **rest))
