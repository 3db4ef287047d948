"""What goes wrong at the receiver's end or on the way: the word for it, the rows, and when it is tried again."""

from collections import Counter
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from leadrail.core.core import Core
from leadrail.kit.outgoing import Outgoing, Reply
from leadrail.worker.schedule import SCHEDULE
from tests.people import People, Person
from tests.receivers import Answer, Behaviour, Endless, Hang, Raw, Receiver, Reset, redirect
from tests.worker.stage import (
    FakeClock,
    attempts,
    deliveries,
    multiply,
    one_due,
    pass_by,
    the_delivery,
    until,
    until_attempted,
    until_none_due,
    working,
)


async def assert_failed_once(person: Person, outcome: str, status: int | None, clock: FakeClock) -> None:
    (attempt,) = await attempts(person)
    assert (attempt["outcome"], attempt["status_code"]) == (outcome, status)
    delivery = await the_delivery(person)
    assert (delivery["state"], delivery["last_outcome"], delivery["attempts"]) == ("due", outcome, 1)
    assert timedelta(seconds=5) <= delivery["due_at"] - clock.now <= timedelta(seconds=5.5)
    assert delivery["finished_at"] is None


@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        (Answer(500), "http_5xx", 500),
        (Answer(404), "http_4xx", 404),
        (redirect("http://127.0.0.1:1/elsewhere"), "redirect", 302),
        (Reset(), "reset", None),
        (Hang(), "timeout", None),
        (Endless(), "too_large", 200),
        (Raw(b"nonsense\r\n\r\n"), "bad_response", None),
    ],
)
async def test_a_failed_attempt_is_told_by_a_word_and_tried_again(
    core: Core, people: People, clock: FakeClock, behaviour: Behaviour, outcome: str, status: int | None
) -> None:
    async with Receiver(behaviour) as receiver:
        await one_due(people.owner, receiver.url)
        async with working(core, Outgoing(core.webhook_allow, total_timeout_s=0.5)):
            await until_attempted(people.owner, 1)

    await assert_failed_once(people.owner, outcome, status, clock)
    assert len(receiver.requests) == 1


async def aim_at(person: Person, url: str) -> None:
    """Sets the URL of the company's endpoint past the check that a new one goes through."""
    await person.rows("UPDATE endpoints SET url = $2 WHERE company_id = $1 RETURNING 1", person.company_id, url)


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data", "http://[::1]:9/", "http://10.0.0.1/"])
async def test_a_private_address_is_never_called(core: Core, people: People, clock: FakeClock, url: str) -> None:
    await one_due(people.owner, "https://example.com/hook")
    await aim_at(people.owner, url)
    async with working(core):
        await until_attempted(people.owner, 1)

    await assert_failed_once(people.owner, "private_address", None, clock)


async def test_loopback_is_private_unless_it_is_allowed(core: Core, people: People, clock: FakeClock) -> None:
    async with Receiver() as receiver:
        await one_due(people.owner, receiver.url)
        async with working(core, Outgoing(())):
            await until_attempted(people.owner, 1)

    await assert_failed_once(people.owner, "private_address", None, clock)
    assert receiver.connections == 0


async def test_down_then_up_arrives_with_the_same_id_and_a_fresh_signature(
    core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver(Answer(503)) as receiver:
        endpoint = await one_due(people.owner, receiver.url)
        async with working(core):
            (first,) = await receiver.wait_for(1)
            await until_attempted(people.owner, 1)
            receiver.answer_with(Answer())
            clock.advance(seconds=6)
            _, second = await receiver.wait_for(2)
            await until_none_due(people.owner)

    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert second.body == first.body
    assert int(second.headers["webhook-timestamp"]) == int(first.headers["webhook-timestamp"]) + 6
    Webhook(endpoint.secret).verify(second.body, dict(second.headers))
    assert [attempt["outcome"] for attempt in await attempts(people.owner)] == ["http_5xx", "ok"]
    assert (await the_delivery(people.owner))["state"] == "delivered"


async def test_nobody_listening_is_refused_and_arrives_when_somebody_does(
    core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver() as gone:
        await one_due(people.owner, gone.url)
    async with working(core):
        await until_attempted(people.owner, 1)
        async with Receiver(port=gone.port) as back:
            clock.advance(seconds=6)
            await back.wait_for(1)
            await until_none_due(people.owner)

    assert [attempt["outcome"] for attempt in await attempts(people.owner)] == ["refused", "ok"]


async def test_nothing_is_sent_before_it_is_due_again(core: Core, people: People, clock: FakeClock) -> None:
    async with Receiver(Answer(500)) as receiver, working(core):
        await one_due(people.owner, receiver.url)
        await until_attempted(people.owner, 1)
        clock.advance(seconds=4)
        await pass_by(people.partner)

        assert len(receiver.requests) == 1


async def test_ten_attempts_on_the_published_schedule_and_then_it_is_parked(
    core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver(Answer(500)) as receiver:
        await one_due(people.owner, receiver.url)
        async with working(core):
            for number, wait in enumerate(SCHEDULE[1:], start=1):
                await until_attempted(people.owner, number)
                due_at = (await the_delivery(people.owner))["due_at"]
                assert wait <= due_at - clock.now <= wait * 1.1
                clock.now = due_at
            await until_none_due(people.owner)

    delivery = await the_delivery(people.owner)
    assert (delivery["state"], delivery["attempts"], delivery["finished_at"]) == ("parked", 10, clock.now)
    assert delivery["payload"]
    assert [attempt["number"] for attempt in await attempts(people.owner)] == list(range(1, 11))
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


async def test_a_receiver_may_ask_for_more_time(core: Core, people: People, clock: FakeClock) -> None:
    async with Receiver(Answer(429, {"Retry-After": "3600"})) as receiver:
        await one_due(people.owner, receiver.url)
        async with working(core):
            await until_attempted(people.owner, 1)

    assert (await the_delivery(people.owner))["due_at"] - clock.now == timedelta(hours=1)


async def test_gone_disables_the_endpoint_and_parks_what_it_was_to_get(core: Core, people: People) -> None:
    async with Receiver(Answer(410)) as receiver:
        endpoint = await people.owner.endpoint(receiver.url)
        channel = await people.owner.channel()
        await people.owner.lead(channel)
        await multiply(people.owner, 50)
        async with working(core, slots_per_endpoint=1):
            await until_none_due(people.owner)
        await people.owner.lead(channel)

    rows = await deliveries(people.owner)
    outcomes = Counter(row["last_outcome"] for row in rows)
    # The next ones may be on their way while what became of the first is written down.
    sent = outcomes.pop("http_4xx")
    assert outcomes == {"endpoint_disabled": 51 - sent}
    assert {row["state"] for row in rows} == {"parked"}
    assert 1 <= len(receiver.requests) == len(await attempts(people.owner)) == sent < 51
    (stored,) = await people.owner.rows("SELECT state FROM endpoints WHERE id = $1", endpoint.id)
    assert stored["state"] == "disabled"


async def test_what_cannot_be_told_is_a_failed_attempt_and_holds_nobody_up(core: Core, people: People) -> None:
    async with Receiver() as receiver:
        await one_due(people.owner, receiver.url)
        await people.owner.rows("UPDATE deliveries SET payload = NULL RETURNING 1")
        async with working(core, slots=1):
            await until_attempted(people.owner, 1)
            await pass_by(people.partner)

    (attempt,) = await attempts(people.owner)
    assert (attempt["outcome"], attempt["status_code"], attempt["response"]) == ("unsendable", None, b"")
    assert (await the_delivery(people.owner))["state"] == "due"
    assert receiver.requests == []


class ShortOfSockets(Outgoing):
    """Out of sockets until it is let go."""

    asked, is_short = 0, True

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Reply:  # type: ignore[override]
        self.asked += 1
        if self.is_short:
            raise OSError(24, "Too many open files")
        return await super().post(url, body, headers)


async def test_our_own_lack_of_sockets_counts_no_attempt(core: Core, people: People, clock: FakeClock) -> None:
    outgoing = ShortOfSockets(core.webhook_allow)

    async def refused_and_released() -> bool:
        return outgoing.asked > 0 and (await the_delivery(people.owner))["attempts"] == 0

    async with Receiver() as receiver, working(core, outgoing):
        await one_due(people.owner, receiver.url)
        await until(refused_and_released)
        assert (await the_delivery(people.owner))["state"] == "due"
        assert await attempts(people.owner) == []
        outgoing.is_short = False
        clock.advance(seconds=2)
        await receiver.wait_for(1)
        await until_none_due(people.owner)

    assert [attempt["number"] for attempt in await attempts(people.owner)] == [1]
