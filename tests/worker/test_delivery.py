"""What goes out when all is well, seen by a receiver on a real socket."""

import asyncio
import json
from collections.abc import Callable

from standardwebhooks import Webhook

from leadrail.core.core import Core
from leadrail.core.webhooks.commands import remove_endpoint
from leadrail.db.database import Database
from leadrail.kit.outgoing import Outgoing
from leadrail.worker.deliverer import Deliverer
from tests.conftest import LOOPBACK
from tests.people import People
from tests.receivers import Answer, Receiver
from tests.worker.stage import (
    FakeClock,
    attempts,
    deliveries,
    event_of,
    multiply,
    one_due,
    the_delivery,
    until_attempted,
    until_none_due,
    working,
)


async def test_a_delivery_arrives_once_signed_and_with_the_events_id(core: Core, people: People) -> None:
    async with Receiver() as receiver:
        endpoint = await people.owner.endpoint(receiver.url)
        lead = await people.owner.lead(await people.owner.channel(), email="jane@example.com")
        async with working(core):
            (request,) = await receiver.wait_for(1)
            await until_none_due(people.owner)

    told = Webhook(endpoint.secret).verify(request.body, dict(request.headers))
    event = event_of(await the_delivery(people.owner))
    assert told == {"type": "lead.created", "timestamp": event["occurred_at"], "data": event}
    assert told["data"]["data"]["lead"]["id"] == str(lead.id)
    assert request.headers["webhook-id"] == event["id"]
    assert request.headers["content-type"] == "application/json"
    assert len(receiver.requests) == 1


async def test_a_delivery_is_kept_with_its_attempt(core: Core, people: People, clock: FakeClock) -> None:
    async with Receiver(Answer(202, body=b"y" * 5000)) as receiver:
        await one_due(people.owner, receiver.url)
        async with working(core):
            await until_none_due(people.owner)

    delivery = await the_delivery(people.owner)
    assert (delivery["state"], delivery["last_outcome"], delivery["attempts"]) == ("delivered", "ok", 1)
    assert delivery["finished_at"] == clock.now
    assert delivery["payload"]
    (attempt,) = await attempts(people.owner)
    assert (attempt["number"], attempt["outcome"], attempt["status_code"]) == (1, "ok", 202)
    assert (attempt["response"], attempt["started_at"]) == (b"y" * 4096, clock.now)


async def test_the_payload_goes_out_byte_for_byte(core: Core, people: People) -> None:
    async with Receiver() as receiver:
        await people.owner.endpoint(receiver.url)
        await people.owner.lead(await people.owner.channel(), first_name='Zoë "Z" 🙂\\')
        async with working(core):
            (request,) = await receiver.wait_for(1)

    payload = (await the_delivery(people.owner))["payload"]
    assert request.body.endswith(b',"data":' + payload.encode() + b"}")
    assert json.loads(request.body)["data"]["data"]["lead"]["first_name"] == 'Zoë "Z" 🙂\\'


async def test_a_partners_endpoint_hears_of_the_owners_lead(core: Core, people: People) -> None:
    async with Receiver() as receiver:
        endpoint = await people.partner.endpoint(receiver.url)
        await people.owner.lead(await people.shared_channel())
        async with working(core):
            (request,) = await receiver.wait_for(1)
            await until_none_due(people.owner)

    Webhook(endpoint.secret).verify(request.body, dict(request.headers))


async def test_a_stranger_hears_nothing(core: Core, people: People) -> None:
    async with Receiver() as receiver, Receiver() as theirs:
        await people.owner.endpoint(receiver.url)
        await people.stranger.endpoint(theirs.url)
        await people.owner.lead(await people.owner.channel())
        async with working(core):
            await receiver.wait_for(1)
            await until_none_due(people.owner)

    assert theirs.requests == []
    assert await people.stranger.count("deliveries") == 0


async def test_a_wake_is_enough_without_a_poll(own_url: str, people: People) -> None:
    wakers: list[Callable[[], None]] = []
    core = Core(await Database.open(own_url), webhook_allow=LOOPBACK, on_due=lambda: wakers[0]())
    people.owner.core = core
    async with Receiver() as receiver, working(core, poll_s=3600) as deliverer:
        wakers.append(deliverer.wake)
        await people.owner.endpoint(receiver.url)
        channel = await people.owner.channel()
        await people.owner.lead(channel)
        await receiver.wait_for(1)
        await people.owner.lead(channel)
        await receiver.wait_for(2)
        await until_none_due(people.owner)
    await core.close()


async def test_more_than_there_are_places_goes_out_in_turns(core: Core, people: People) -> None:
    async with Receiver(Answer(delay_s=0.001)) as receiver:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, 40)
        async with working(core, slots=5, slots_per_endpoint=3, poll_s=3600):
            await until_none_due(people.owner)

    assert len(receiver.requests) == 41
    assert receiver.connections <= 3


async def test_a_deleted_endpoint_gets_nothing(core: Core, people: People, clock: FakeClock) -> None:
    async with Receiver() as receiver:
        endpoint = await one_due(people.owner, receiver.url)
        async with core.database.transaction() as connection:
            await remove_endpoint(connection, people.owner.company_id, endpoint.id)
        async with working(core):
            await until_none_due(people.owner)

    delivery = await the_delivery(people.owner)
    assert (delivery["state"], delivery["last_outcome"]) == ("cancelled", "endpoint_deleted")
    assert (delivery["attempts"], delivery["finished_at"]) == (0, clock.now)
    assert await attempts(people.owner) == []
    assert receiver.requests == []


async def test_a_retry_to_an_endpoint_deleted_meanwhile_is_cancelled_before_it_is_due(
    core: Core, people: People
) -> None:
    async with Receiver(Answer(500)) as receiver:
        endpoint = await one_due(people.owner, receiver.url)
        async with working(core):
            await until_attempted(people.owner, 1)
            async with core.database.transaction() as connection:
                await remove_endpoint(connection, people.owner.company_id, endpoint.id)
            await until_none_due(people.owner)

    assert (await the_delivery(people.owner))["state"] == "cancelled"
    assert len(receiver.requests) == 1


async def test_an_event_that_a_format_does_not_tell_is_cancelled_untried(core: Core, people: People) -> None:
    async with Receiver() as receiver:
        await people.owner.endpoint(receiver.url, format="sendpilot")
        await people.owner.lead(await people.owner.channel(template="sendpilot"))
        async with working(core):
            await until_none_due(people.owner)

    delivery = await the_delivery(people.owner)
    assert (delivery["state"], delivery["last_outcome"], delivery["attempts"]) == ("cancelled", "not_in_format", 0)
    assert await attempts(people.owner) == []
    assert receiver.requests == []


async def test_a_stop_finishes_what_is_being_sent_and_begins_nothing_more(core: Core, people: People) -> None:
    async with Receiver(Answer(delay_s=0.2)) as receiver:
        await one_due(people.owner, receiver.url)
        await multiply(people.owner, 5)
        async with working(core, slots=2, grace_s=30):
            await receiver.wait_for(2)

    rows = await deliveries(people.owner)
    sent = [row for row in rows if row["state"] == "delivered"]
    assert len(sent) == len(receiver.requests) == 2
    assert {row["attempts"] for row in rows if row["state"] == "due"} == {0}


async def test_a_stop_before_the_start_ends_the_run_at_once(core: Core) -> None:
    async with Outgoing() as outgoing:
        deliverer = Deliverer(core, outgoing)
        run = asyncio.create_task(deliverer.run())
        await deliverer.stop()
        await run
