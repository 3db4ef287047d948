"""What receivers get of an erased lead, and what is kept of what they answer."""

import asyncio
import json

import pytest

from leadrail.core.channels.model import StatusRef
from leadrail.core.core import Core
from leadrail.core.erasure import Erased, erase_recorded
from leadrail.core.leads.commands import ChangeStatus, EraseLead
from leadrail.core.leads.model import Lead
from leadrail.core.webhooks import results
from leadrail.core.webhooks.model import Format
from leadrail.core.webhooks.queue import DeliveryState
from tests.people import People, Person
from tests.receivers import Answer, Receiver
from tests.worker.stage import attempts, the_delivery, until, until_none_due, working
from tests.worker.test_queue import URL, claim, record, result

PERSON = b"zebulon"
ANSWER = b"we know zebulon@example.com"


async def zebulon(person: Person) -> Lead:
    channel = await person.channel(template="sales")
    return await person.lead(channel, email="zebulon@example.com", first_name="Zebulon", notes="zebulon sails")


async def win(person: Person, lead: Lead) -> None:
    actor = await person.core.doors.admit_key(person.key, "api")
    won = ChangeStatus(actor=actor, lead_id=lead.id, status=StatusRef(name="Won"), note="zebulon pays in cash")
    await person.core.engine.execute_one(won)


async def erase(person: Person, lead: Lead) -> None:
    actor = await person.core.doors.admit_key(person.key, "api")
    await person.core.engine.execute_one(EraseLead(actor=actor, lead_id=lead.id))


@pytest.mark.parametrize("format", list(Format))
async def test_what_is_due_arrives_with_its_id_and_without_the_person(
    format: Format, core: Core, people: People
) -> None:
    async with Receiver() as receiver:
        await people.owner.endpoint(receiver.url, format=format, events=("lead.status_changed",))
        lead = await zebulon(people.owner)
        await win(people.owner, lead)
        due = await the_delivery(people.owner)
        await erase(people.owner, lead)
        async with working(core):
            await until_none_due(people.owner)

    (request,) = receiver.requests
    assert PERSON in due["payload"].encode().lower()
    assert PERSON not in request.body.lower()
    assert request.headers["webhook-id"] == str(due["event_id"])
    assert (await the_delivery(people.owner))["last_outcome"] == "ok"


async def test_receivers_are_told_of_the_erase_itself(core: Core, people: People) -> None:
    async with Receiver() as receiver:
        await people.owner.endpoint(receiver.url, events=("lead.erased",))
        lead = await zebulon(people.owner)
        await erase(people.owner, lead)
        async with working(core):
            (request,) = await receiver.wait_for(1)
            await until_none_due(people.owner)

    told = json.loads(request.body)
    assert (told["type"], told["data"]["lead_id"]) == ("lead.erased", str(lead.id))
    shown = told["data"]["data"]["lead"]
    assert (shown["email"], shown["name"], shown["properties"]) == (None, None, {})
    assert shown["erased_at"] == told["timestamp"]


async def test_what_a_receiver_answers_about_an_erased_lead_is_not_kept(core: Core, people: People) -> None:
    async with Receiver(Answer(200, body=ANSWER)) as receiver:
        await people.owner.endpoint(receiver.url)
        lead = await zebulon(people.owner)
        await erase(people.owner, lead)
        async with working(core):
            await until_none_due(people.owner)

    tries = await attempts(people.owner)
    assert [(one["outcome"], one["response"]) for one in tries] == [("ok", None)] * 2


async def test_of_a_delivery_that_was_under_way_nothing_stays(core: Core, people: People) -> None:
    """It was claimed with the person before the erase, and its result comes after it."""
    await people.owner.endpoint(URL, events=("lead.created",))
    lead = await zebulon(people.owner)
    (under_way,) = await claim(core)
    await erase(people.owner, lead)

    await record(core, under_way, DeliveryState.DELIVERED, ANSWER)

    assert await what_is_kept(people.owner) == ("delivered", "ok", None)


async def test_of_a_result_that_waits_for_an_erase_nothing_stays(core: Core, people: People) -> None:
    await people.owner.endpoint(URL, events=("lead.created",))
    lead = await zebulon(people.owner)
    (under_way,) = await claim(core)

    async with core.database.transaction() as erasing:
        await erase_recorded(erasing, Erased(people.owner.company_id, lead.id, (), ()))
        recording = asyncio.create_task(record(core, under_way, DeliveryState.DELIVERED, ANSWER))
        await until(lambda: is_waiting(people.owner))
    await recording

    assert await what_is_kept(people.owner) == ("delivered", "ok", None)


async def test_of_a_result_that_an_erase_waits_for_nothing_stays(core: Core, people: People) -> None:
    await people.owner.endpoint(URL, events=("lead.created",))
    lead = await zebulon(people.owner)
    (under_way,) = await claim(core)

    async with core.database.transaction() as recording:
        await results.record(recording, [result(core, under_way, DeliveryState.DELIVERED, ANSWER)])
        erasing = asyncio.create_task(erase(people.owner, lead))
        await until(lambda: is_waiting(people.owner))
    await erasing

    assert await what_is_kept(people.owner) == ("delivered", "ok", None)


async def is_waiting(person: Person) -> bool:
    waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return bool(await person.rows(waits))


async def what_is_kept(person: Person) -> tuple[str, str, bytes | None]:
    """State, outcome and answer of the one delivery, whose payload knows nobody."""
    delivery, (attempt,) = await the_delivery(person), await attempts(person)
    assert PERSON not in (delivery["payload"] or "").encode().lower()
    return delivery["state"], attempt["outcome"], attempt["response"]
