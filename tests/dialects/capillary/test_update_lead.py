"""PUT /v2/leads/{leadId}: owner and extended fields (contracts/capillary.md, section 5.4)."""

import asyncio
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from tests.dialects.capillary.conftest import Till, events, make_till
from tests.people import NewProperty, People


async def test_owner_changes_and_the_change_is_recorded(people: People, lead: Lead, till: Till) -> None:
    await people.owner.endpoint("http://127.0.0.1:9/hook")

    answer = await till.good("PUT", f"/{lead.number}", {"owner": "anita"})

    assert (answer["owner"], answer["lastUpdatedBy"], answer["warnings"]) == ("anita", till.number, [])
    (edited,) = await events(people.owner, lead)
    assert (edited["type"], edited["data"]["changed"]) == ("lead.updated", {"assignee": {"from": None, "to": "anita"}})
    assert await people.owner.counts() == {"leads": 1, "events": 2, "deliveries": 1, "rewards": 0}


async def test_extended_fields_are_merged_and_null_removes(people: People, till: Till) -> None:
    await people.owner.channel(template="capillary", properties=(NewProperty(name="trial_status"),))
    lead = await till.add(extendedFields={"trial_status": "Done", "a": "1", "b": "2"}, owner="anita")

    answer = await till.good("PUT", f"/{lead['id']}", {"extendedFields": {"b": None, "c": 3}, "owner": None})
    cleared = await till.good("PUT", f"/{lead['id']}", {"extendedFields": {"trial_status": None}, "owner": ""})

    assert (answer["extendedFields"], answer["owner"]) == ({"a": "1", "c": "3", "trial_status": "Done"}, "anita")
    assert (cleared["extendedFields"], "owner" in cleared) == ({"a": "1", "c": "3"}, False)


@pytest.mark.parametrize("body", [{}, {"status": "WON", "leadFor": "x"}, {"owner": None, "extendedFields": None}])
async def test_nothing_else_is_changed(people: People, lead: Lead, till: Till, body: dict[str, Any]) -> None:
    before = await people.owner.digests()

    await till.good("PUT", f"/{lead.number}", body)

    assert await people.owner.digests() == before


async def test_parallel_updates_keep_each_others_fields(people: People, lead: Lead, till: Till) -> None:
    fields = {f"field{n}": str(n) for n in range(16)}

    await asyncio.gather(
        *(till.good("PUT", f"/{lead.number}", {"extendedFields": {name: value}}) for name, value in fields.items())
    )

    (seen,) = (await till.good("GET", ""))["data"]
    assert seen["extendedFields"] == fields


async def test_lead_of_another_template_is_changed_as_well(people: People, till: Till) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="octanist"), name="Huck Finn")

    answer = await till.good("PUT", f"/{lead.number}", {"extendedFields": {"size": "L"}})

    assert (answer["extendedFields"], answer["userId"]) == ({"size": "L"}, lead.number)


@pytest.mark.parametrize(
    ("body", "code", "start"),
    [
        ({"owner": "x" * 201}, 9700, "owner: "),
        ({"extendedFields": {"seats": "many"}}, 9709, "extendedFields/seats: "),
        ({"extendedFields": {"x": "x" * 20000}}, 9700, "leadFor and extendedFields"),
        ({"extendedFields": []}, 400, "extendedFields: "),
        ({"owner": 5}, 400, "owner: "),
        (None, 400, "The body is empty"),
    ],
)
async def test_bad_values_are_refused(people: People, till: Till, body: Any, code: int, start: str) -> None:
    properties = (NewProperty(name="seats", type="number"),)  # type: ignore[arg-type]  # as a request has it
    lead = await people.owner.lead(await people.owner.channel(properties=properties), name="Huck Finn")

    status, told, message = await till.refused("PUT", f"/{lead.number}", body, params={"owner": "anita"})

    assert (status, told) == (400, code)
    assert message.startswith(start)


async def test_others_change_nothing(people: People, channel: Channel, lead: Lead) -> None:
    stranger = await make_till(people.stranger)
    bound = await make_till(people.owner, channel_ids=((await people.owner.channel()).id,))
    reader = await make_till(people.owner, scopes=(Scope.READ,))
    body, before = {"owner": "me"}, await people.owner.digests()

    answers = [await till.refused("PUT", f"/{lead.number}", body) for till in (stranger, bound, reader)]

    assert [answer[:2] for answer in answers] == [(404, 9701), (404, 9701), (403, 403)]
    assert await people.owner.digests() == before
