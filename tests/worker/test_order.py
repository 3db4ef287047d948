"""An ordered endpoint gets a lead's events one after another, whoever sends them and whatever fails."""

import json
from uuid import UUID

from leadrail.core.core import Core
from leadrail.core.leads.commands import UpdateLead
from leadrail.core.leads.model import Lead
from leadrail.kit.outgoing import Outgoing
from tests.people import People, Person
from tests.receivers import Answer, Behaviour, Receiver, Request
from tests.worker.stage import FakeClock, deliveries, until_attempted, until_none_due, working


async def edit(person: Person, lead: Lead, times: int) -> None:
    """As many changes of the lead, each a batch of its own."""
    actor = await person.core.doors.admit_key(person.key, "api")
    for number in range(times):
        await person.core.engine.execute_one(
            UpdateLead(actor=actor, lead_id=lead.id, fields={"title": f"title {number} {UUID(int=number)}"})
        )


def versions(requests: list[Request], lead: Lead) -> list[int]:
    """The versions of the lead in the order in which they came, repeats of one attempt after another left out."""
    shown = [json.loads(request.body)["data"]["data"]["lead"] for request in requests]
    came = [one["version"] for one in shown if one["id"] == str(lead.id)]
    return [version for place, version in enumerate(came) if place == 0 or came[place - 1] != version]


async def test_a_leads_events_come_in_their_order_from_two_workers(
    core: Core, other_core: Core, people: People
) -> None:
    async with Receiver(lambda _: Answer(delay_s=0.002)) as receiver:
        await people.owner.endpoint(receiver.url, ordered=True)
        channel = await people.owner.channel()
        leads = [await people.owner.lead(channel) for _ in range(4)]
        for lead in leads:
            await edit(people.owner, lead, 9)
        async with working(core), working(other_core):
            await until_none_due(people.owner)

    for lead in leads:
        assert versions(receiver.requests, lead) == list(range(1, 11))
    assert len(receiver.requests) == 40


async def test_a_failing_first_one_holds_up_its_lead_and_no_other(core: Core, people: People, clock: FakeClock) -> None:
    late: list[Lead] = []

    def script(request: Request) -> Behaviour:
        return Answer(422 if str(late[0].id).encode() in request.body else 200)

    async with Receiver(script) as receiver:
        await people.owner.endpoint(receiver.url, ordered=True)
        channel = await people.owner.channel()
        late.append(await people.owner.lead(channel))
        await edit(people.owner, late[0], 3)
        other = await people.owner.lead(channel)
        await edit(people.owner, other, 3)
        async with working(core):
            await receiver.wait_for(5)
            await until_attempted(people.owner, 5)
            assert versions(receiver.requests, late[0]) == [1]
            assert versions(receiver.requests, other) == [1, 2, 3, 4]
            receiver.answer_with(Answer())
            clock.advance(seconds=6)
            await until_none_due(people.owner)

    assert versions(receiver.requests, late[0]) == [1, 2, 3, 4]


async def test_one_that_is_parked_lets_the_next_go(core: Core, people: People) -> None:
    async with Receiver() as receiver:
        await people.owner.endpoint(receiver.url, ordered=True)
        lead = await people.owner.lead(await people.owner.channel())
        await edit(people.owner, lead, 2)
        await people.owner.rows(
            "UPDATE deliveries SET attempts = 9, due_at = due_at - interval '1 minute'"
            " WHERE event_type = 'lead.created' RETURNING 1"
        )
        receiver.answer_with([Answer(422), Answer()])
        async with working(core, Outgoing(core.webhook_allow)):
            await until_none_due(people.owner)

    states = {row["event_type"]: row["state"] for row in await deliveries(people.owner)}
    assert states == {"lead.created": "parked", "lead.updated": "delivered"}
    assert versions(receiver.requests, lead) == [1, 2, 3]
