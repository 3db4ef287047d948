"""The queue's statements, without a worker."""

from datetime import timedelta
from uuid import UUID

from leadrail.core.core import Core
from leadrail.core.webhooks import queue, results
from leadrail.core.webhooks.model import Format
from leadrail.core.webhooks.queue import Claim, DeliveryState, Lane, LaneState
from leadrail.core.webhooks.results import Attempt, Result
from tests.people import People, Person
from tests.worker.stage import FakeClock, attempts, multiply, one_due, the_delivery

START = (UUID(int=0), UUID(int=0))
URL = "https://example.com/hook"


async def lanes(core: Core, after: tuple[UUID, UUID] = START, limit: int = 100) -> list[Lane]:
    async with core.database.connection() as connection:
        return await queue.lanes(connection, after, limit)


async def claim(core: Core, share: int = 100) -> list[Claim]:
    """Claims from every lane, for ten seconds."""
    shares = [(lane, share) for lane in await lanes(core)]
    async with core.database.connection() as connection:
        taken = await queue.claim(connection, shares, core.clock(), core.clock() + timedelta(seconds=10))
    return list(taken.claims)


def result(core: Core, claim: Claim, state: DeliveryState, answer: bytes = b"") -> Result:
    now = core.clock()
    attempt = Attempt(now, 5, "ok" if state == "delivered" else "http_5xx", 200, answer)
    due_at = now + timedelta(hours=1) if state == "due" else None
    return Result(claim=claim, ended_at=now, state=state, due_at=due_at, attempt=attempt)


async def record(core: Core, claim: Claim, state: DeliveryState, answer: bytes = b"") -> None:
    async with core.database.connection() as connection:
        await results.record(connection, [result(core, claim, state, answer)])


async def test_a_lane_is_found_once_whatever_waits_in_it(core: Core, people: People) -> None:
    for person in (people.owner, people.partner):
        await one_due(person, URL)
        await person.endpoint(URL)
        await multiply(person, 20)
    await people.owner.lead(await people.owner.channel())

    found = await lanes(core)

    places = [(lane.company_id, lane.endpoint_id) for lane in found]
    assert len(places) == 3
    assert places == sorted(set(places))
    assert [(await lanes(core, after, 1)) for after in (START, *places)] == [[lane] for lane in found] + [[]]


async def test_a_lane_tells_its_earliest_delivery_and_whether_its_endpoint_is_active(
    core: Core, people: People, clock: FakeClock
) -> None:
    endpoint = await one_due(people.owner, URL)
    first = clock.now
    clock.advance(hours=1)
    await people.owner.lead(await people.owner.channel())
    before = await lanes(core)
    await people.owner.rows("UPDATE endpoints SET state = 'disabled' WHERE id = $1 RETURNING 1", endpoint.id)

    assert before == [Lane(people.owner.company_id, endpoint.id, first)]
    assert [lane.state for lane in await lanes(core)] == [LaneState.CLOSED]


async def test_a_claim_takes_its_share_and_the_next_one_the_rest(core: Core, people: People) -> None:
    await one_due(people.owner, URL)
    await multiply(people.owner, 9)

    first, second, third = await claim(core, 4), await claim(core, 100), await claim(core, 100)

    assert (len(first), len(second), len(third)) == (4, 6, 0)
    assert len({one.delivery_id for one in first + second}) == 10


async def test_a_claim_passes_over_what_another_is_taking(core: Core, people: People) -> None:
    await one_due(people.owner, URL)
    async with core.database.transaction() as connection:
        await connection.execute("SELECT 1 FROM deliveries FOR UPDATE")

        assert await claim(core) == []


async def test_a_claim_ends_with_its_lease(core: Core, people: People, clock: FakeClock) -> None:
    await one_due(people.owner, URL)

    (first,) = await claim(core)
    clock.advance(seconds=10)
    (second,) = await claim(core)

    assert (first.number, second.number) == (1, 2)
    assert first.delivery_id == second.delivery_id


async def claimed_twice(core: Core, person: Person, clock: FakeClock) -> tuple[Claim, Claim]:
    await one_due(person, URL)
    (stale,) = await claim(core)
    clock.advance(seconds=10)
    (fresh,) = await claim(core)
    return stale, fresh


async def test_a_failure_told_after_the_lease_changes_nothing_but_the_log(
    core: Core, people: People, clock: FakeClock
) -> None:
    stale, fresh = await claimed_twice(core, people.owner, clock)
    before = await the_delivery(people.owner)

    await record(core, stale, DeliveryState.DUE)

    assert await the_delivery(people.owner) == before
    assert [attempt["number"] for attempt in await attempts(people.owner)] == [stale.number]
    await record(core, fresh, DeliveryState.PARKED)
    assert (await the_delivery(people.owner))["state"] == "parked"


async def test_a_success_told_after_the_lease_counts_and_stays(core: Core, people: People, clock: FakeClock) -> None:
    stale, fresh = await claimed_twice(core, people.owner, clock)

    await record(core, stale, DeliveryState.DELIVERED)
    await record(core, fresh, DeliveryState.DUE)

    assert (await the_delivery(people.owner))["state"] == "delivered"
    assert [attempt["outcome"] for attempt in await attempts(people.owner)] == ["ok", "http_5xx"]


async def test_a_result_written_twice_is_written_once(core: Core, people: People, clock: FakeClock) -> None:
    await one_due(people.owner, URL)
    (one,) = await claim(core)
    await record(core, one, DeliveryState.DUE)
    before = await the_delivery(people.owner)
    clock.advance(seconds=1)

    await record(core, one, DeliveryState.DUE)

    after = await the_delivery(people.owner)
    assert after["attempts"] == 1
    assert after["due_at"] == before["due_at"] + timedelta(seconds=1)
    assert len(await attempts(people.owner)) == 1


async def test_a_claim_given_back_counts_no_attempt(core: Core, people: People, clock: FakeClock) -> None:
    await one_due(people.owner, URL)
    (one,) = await claim(core)
    given_back = Result(claim=one, ended_at=clock.now, state=DeliveryState.DUE, due_at=clock.now)
    async with core.database.connection() as connection:
        await results.record(connection, [given_back])
        await results.record(connection, [given_back])

    delivery = await the_delivery(people.owner)
    assert (delivery["attempts"], delivery["last_outcome"], delivery["due_at"]) == (0, None, clock.now)
    assert await attempts(people.owner) == []


async def test_a_claim_knows_the_channel_by_the_name_of_its_formats_vendor(core: Core, people: People) -> None:
    owner = people.owner
    for format in (Format.NATIVE, Format.KEENPARTNER, Format.SENDPILOT):
        await owner.endpoint(URL, format=format)
    await owner.lead(await owner.channel(aliases={"sendpilot": "camp_1"}))

    claims = await claim(core)

    known = {one.endpoint.format: one.channel_called for one in claims if one.endpoint.company_id == owner.company_id}
    assert known == {Format.NATIVE: None, Format.KEENPARTNER: None, Format.SENDPILOT: "camp_1"}
