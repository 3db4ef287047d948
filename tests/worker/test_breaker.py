"""An endpoint that fails is given a rest as a whole, tried with one delivery at a time, and given up in the end."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadrail.core.core import Core
from leadrail.core.webhooks.model import Format
from leadrail.core.webhooks.queue import Claim, DeliveryState, Destination
from leadrail.core.webhooks.results import Attempt, Failing, Result
from leadrail.kit.outgoing import Outcome, Reply
from leadrail.worker.breaker import RESTS, THRESHOLD, failures_of, is_given_up, rest_until, speaks_of_endpoint
from tests.people import People, Person
from tests.receivers import Answer, Receiver
from tests.worker.stage import (
    FakeClock,
    attempts,
    deliveries,
    multiply,
    one_due,
    pass_by,
    until,
    until_attempted,
    until_none_due,
    working,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOBODY = UUID(int=0)


def result(state: DeliveryState, second: int, *, speaks: bool = True, endpoint: int = 1) -> Result:
    to = Destination(UUID(int=endpoint), NOBODY, "https://example.com", Format.NATIVE, ("whsec_eA==",))
    claim = Claim(NOBODY, NOBODY, 1, NOBODY, None, to)
    at = NOW + timedelta(seconds=second)
    attempt = Attempt(at, 1, "ok" if state is DeliveryState.DELIVERED else "timeout", None, b"")
    return Result(claim=claim, ended_at=at, state=state, attempt=attempt, speaks_of_endpoint=speaks)


DUE, DELIVERED = DeliveryState.DUE, DeliveryState.DELIVERED


def test_only_failures_since_the_last_success_count() -> None:
    ended = [result(DUE, 1), result(DELIVERED, 2), result(DUE, 3), result(DUE, 4), result(DELIVERED, 0)]

    (failure,) = failures_of(ended)

    assert (failure.failures, failure.failed_at) == (2, NOW + timedelta(seconds=4))
    assert failures_of([result(DUE, 1), result(DELIVERED, 2)]) == []


def test_an_answer_about_the_message_alone_is_a_failure_that_does_not_count_against_the_endpoint() -> None:
    (failure,) = failures_of([result(DUE, 1, speaks=False)])

    assert failure.failures == 0


@pytest.mark.parametrize(
    ("outcome", "status", "speaks"),
    [
        (Outcome.TIMEOUT, None, True),
        (Outcome.HTTP_5XX, 503, True),
        (Outcome.REDIRECT, 302, True),
        (Outcome.HTTP_4XX, 429, True),
        (Outcome.HTTP_4XX, 408, True),
        (Outcome.HTTP_4XX, 422, False),
        (Outcome.HTTP_4XX, 404, False),
    ],
)
def test_most_4xx_speak_of_the_one_message(outcome: Outcome, status: int | None, speaks: bool) -> None:
    assert speaks_of_endpoint(Reply(outcome, status, b"", 1, None)) is speaks


def failing(failures: int = THRESHOLD, trips: int = 0, since: datetime = NOW) -> Failing:
    return Failing(NOBODY, NOBODY, since, failures, trips)


@given(st.integers(0, 100), st.integers(0, 100))
def test_rests_begin_with_the_fifth_failure_and_grow_to_five_minutes(failures: int, trips: int) -> None:
    until = rest_until(failing(failures, trips), NOW)

    assert (until is None) == (failures < THRESHOLD)
    if until is not None:
        assert until - NOW == RESTS[min(trips, len(RESTS) - 1)] <= timedelta(minutes=5)


def test_five_days_without_a_success_are_too_many() -> None:
    assert not is_given_up(failing(), NOW + timedelta(days=5, seconds=-1))
    assert is_given_up(failing(), NOW + timedelta(days=5))


# With a worker


async def failures_now(person: Person) -> list[dict[str, Any]]:
    columns = "failures, trips, failing_since, resting_until"
    return await person.rows(f"SELECT {columns} FROM endpoint_failures WHERE company_id = $1", person.company_id)


async def test_a_backlog_burns_one_attempt_a_probe_and_goes_out_when_the_receiver_is_back(
    core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver(Answer(500)) as receiver:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, 49)
        async with working(core, slots_per_endpoint=5):
            await until_attempted(people.owner, THRESHOLD)
            await pass_by(people.partner)
            tried = len(await attempts(people.owner))
            for probe, rest in enumerate(RESTS, 1):
                clock.advance(seconds=rest.total_seconds())
                await until_attempted(people.owner, tried + probe)
                await pass_by(people.partner)
                assert len(await attempts(people.owner)) == tried + probe
            receiver.answer_with(Answer())
            clock.advance(days=1)
            await until_none_due(people.owner)

    assert tried < 2 * THRESHOLD
    assert {row["state"] for row in await deliveries(people.owner)} == {"delivered"}
    assert await failures_now(people.owner) == []


async def test_a_success_before_the_fifth_failure_keeps_the_lane_open(core: Core, people: People) -> None:
    answers = [*[Answer(500)] * (THRESHOLD - 1), Answer()] * 3
    async with Receiver(answers) as receiver:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, len(answers) - 1)
        async with working(core, slots_per_endpoint=1):
            await until_attempted(people.owner, len(answers))

    assert await failures_now(people.owner) == []


async def test_what_only_the_message_meets_does_not_close_the_lane(core: Core, people: People) -> None:
    async with Receiver(Answer(422)) as receiver:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, 19)
        async with working(core):
            await until_attempted(people.owner, 20)

    (failing,) = await failures_now(people.owner)
    assert (failing["failures"], failing["resting_until"]) == (0, None)


# Given up


async def state_of(person: Person) -> dict[str, Any]:
    (row,) = await person.rows(
        "SELECT state, disabled_reason, disabled_at FROM endpoints WHERE company_id = $1 AND url LIKE '%/hook'"
        " ORDER BY id LIMIT 1",
        person.company_id,
    )
    return row


async def disabled_events(person: Person) -> list[dict[str, Any]]:
    statement = "SELECT data, notice, lead_id, channel_id FROM events WHERE company_id = $1 AND type = $2"
    return await person.rows(statement, person.company_id, "endpoint.disabled")


async def test_five_days_of_failures_disable_the_endpoint_and_tell_the_companys_others_once(
    core: Core, other_core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver(Answer(500)) as broken, Receiver() as sound:
        await one_due(people.owner, broken.url)
        await people.owner.endpoint(sound.url, events=("endpoint.disabled",))
        async with working(core), working(other_core):
            await until_attempted(people.owner, 1)
            for number in range(2, 6):
                clock.advance(hours=30)
                await until_attempted(people.owner, number)
            (request,) = await sound.wait_for(1)
            await until_none_due(people.owner)
            await pass_by(people.partner)

    assert (await state_of(people.owner))["disabled_reason"] == "failing"
    (event,) = await disabled_events(people.owner)
    assert (event["notice"], event["lead_id"], event["channel_id"]) == (True, None, None)
    assert b'"reason":"failing"' in request.body
    assert broken.url.encode() in request.body
    assert len(sound.requests) == 1


async def test_gone_is_told_too(core: Core, people: People, clock: FakeClock) -> None:
    async with Receiver(Answer(410)) as receiver:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, 30)
        async with working(core):
            await until_none_due(people.owner)

    assert await state_of(people.owner) == {"state": "disabled", "disabled_reason": "gone", "disabled_at": clock.now}
    assert len(await disabled_events(people.owner)) == 1


# Paused


async def test_a_paused_endpoint_gets_nothing_and_everything_when_it_goes_on(core: Core, people: People) -> None:
    async with Receiver() as receiver:
        endpoint = await one_due(people.owner, receiver.url)
        await people.owner.rows("UPDATE endpoints SET state = 'paused' RETURNING 1")
        async with working(core):
            await pass_by(people.partner)
            await people.owner.lead(await people.owner.channel())
            await pass_by(people.partner)
            assert receiver.requests == []
            await people.owner.rows("UPDATE endpoints SET state = 'active' WHERE id = $1 RETURNING 1", endpoint.id)
            await receiver.wait_for(2)

    async def both() -> bool:
        return {row["state"] for row in await deliveries(people.owner)} == {"delivered"}

    await until(both)
