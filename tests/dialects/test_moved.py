"""A lead that the native API moves to another channel, as the dialects show it then."""

from typing import Any

from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from tests.api.answers import good
from tests.dialects.capillary.conftest import make_till
from tests.people import People, Person


async def moved(person: Person, lead: Lead, to: Channel, **body: Any) -> None:
    good(await person.http.put(f"/v1/leads/{lead.id}/channel", json={"channel_id": str(to.id)} | body))


async def test_capillary_logs_the_status_there(people: People) -> None:
    here, there = await people.owner.channel(template="capillary"), await people.owner.channel(template="sales")
    till = await make_till(people.owner)
    lead = await people.owner.lead(here, email="jane@example.com")

    await moved(people.owner, lead, there, status="Won")

    log = (await till.good("GET", f"/{lead.number}/statusLog"))["data"]
    assert [entry["status"] for entry in log] == ["OPEN", "WON"]


async def test_keenpartner_lists_it_where_it_is(people: People) -> None:
    here, there = await people.owner.channel(title="Here"), await people.owner.channel(title="There")
    lead = await people.owner.lead(here, email="jane@example.com")

    async def listed(channel: Channel) -> list[str]:
        body = {"action": "get_leads", "channel_id": str(channel.id)}
        answer = await people.owner.http.post("/keenpartner/functions/v1/keen-api", json=body)
        return [one["id"] for one in good(answer)]

    await moved(people.owner, lead, there)

    assert (await listed(here), await listed(there)) == ([], [str(lead.id)])


async def test_sendpilot_names_the_campaign_that_it_is_in(people: People) -> None:
    here, there = [await people.owner.channel(title=title, template="sendpilot") for title in ("Here", "There")]
    lead = await people.owner.lead(here, linkedin_url="https://linkedin.com/in/jane")

    await moved(people.owner, lead, there, status="DONE")

    shown = good(await people.owner.http.get(f"/sendpilot/v1/leads/{lead.id}"))
    assert (shown["campaignId"], shown["status"]) == (str(there.id), "DONE")
