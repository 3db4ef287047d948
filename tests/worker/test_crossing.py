"""Two processes that write down results of the same endpoints, one the reverse of the other."""

import asyncio
from datetime import timedelta

from leadrail.core.core import Core
from leadrail.core.disabling import disable_endpoint
from leadrail.core.webhooks import queue, results
from leadrail.core.webhooks.commands import remove_endpoint
from leadrail.core.webhooks.model import Why
from leadrail.core.webhooks.queue import Claim, DeliveryState
from leadrail.core.webhooks.results import Attempt, Failing, Failure, Result
from leadrail.worker.breaker import failures_of
from leadrail.worker.planning import START
from tests.people import People
from tests.worker.stage import FakeClock, until

URL = "https://example.com/hook"


def ended(claim: Claim, clock: FakeClock, *, well: bool) -> Result:
    state, outcome = (DeliveryState.DELIVERED, "ok") if well else (DeliveryState.DUE, "timeout")
    attempt = Attempt(clock.now, 1, outcome, None, b"")
    return Result(
        claim=claim, ended_at=clock.now, state=state, due_at=clock.now, attempt=attempt, speaks_of_endpoint=True
    )


async def test_what_heals_one_and_fails_the_other_waits_for_its_reverse_instead_of_in_a_circle(
    core: Core, other_core: Core, people: People, clock: FakeClock
) -> None:
    owner = people.owner
    for _ in range(2):
        await owner.endpoint(URL)
    channel = await owner.channel()
    for _ in range(2):
        await owner.lead(channel)
    statement = "INSERT INTO endpoint_failures SELECT company_id, id, created_at, 1 FROM endpoints RETURNING 1"
    await owner.rows(statement)
    async with core.database.connection() as connection:
        shares = [(lane, 2) for lane in await queue.lanes(connection, START, 10)]
        taken = await queue.claim(connection, shares, clock.now, clock.now + timedelta(seconds=30))
    a1, a2, b1, b2 = sorted(taken.claims, key=lambda claim: claim.endpoint.id)
    one = [ended(a1, clock, well=True), ended(b1, clock, well=False)]
    reverse = [ended(a2, clock, well=False), ended(b2, clock, well=True)]

    async def the_reverse() -> list[Failing]:
        async with other_core.database.transaction() as connection:
            await results.record(connection, reverse)
            return await results.fail(connection, failures_of(reverse))

    async def waits() -> bool:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(await owner.rows(waiting))

    async with core.database.transaction() as connection:
        await results.record(connection, one)
        other = asyncio.create_task(the_reverse())
        await until(waits)
        (failing,) = await results.fail(connection, failures_of(one))
    (failing_there,) = await other

    assert (failing.endpoint_id, failing.failures) == (b1.endpoint.id, 2)
    assert (failing_there.endpoint_id, failing_there.failures) == (a1.endpoint.id, 1)
    assert await owner.count("attempts") == 4


async def test_an_endpoint_that_is_removed_while_it_is_taken_out_of_service_is_waited_for_in_turn(
    core: Core, people: People, clock: FakeClock
) -> None:
    owner = people.owner
    endpoint = await owner.endpoint(URL)
    failure = Failure(owner.company_id, endpoint.id, 1, clock.now)

    async def waits() -> bool:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(await owner.rows(waiting))

    async def remove() -> None:
        async with owner.core.database.transaction() as connection:
            await remove_endpoint(connection, owner.company_id, endpoint.id)

    async with core.database.transaction() as connection:
        await results.fail(connection, [failure])
    async with core.database.transaction() as connection:
        await results.fail(connection, [failure])
        removal = asyncio.create_task(remove())
        await until(waits)
        await disable_endpoint(connection, owner.company_id, endpoint.id, Why.GONE, clock.now, clock.now)
    await removal

    (left,) = await owner.rows("SELECT state FROM endpoints WHERE id = $1", endpoint.id)
    assert (left["state"], await owner.count("endpoint_failures")) == ("deleted", 0)
