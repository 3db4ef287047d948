"""create_lead: the page's example, and all that follows from it."""

import json
import re
from typing import Any
from uuid import UUID, uuid5

import pytest

from leadrail.core.channels.model import Channel, PropertyType
from tests.dialects.keenpartner import keen
from tests.dialects.keenpartner.keen import ask, sample, with_ids
from tests.people import NewProperty, People

DEAL_SIZE = (NewProperty(name="Deal size", type=PropertyType.NUMBER),)


async def channel_of(people: People, **wanted: Any) -> Channel:
    return await people.shared_channel(**({"template": "keenpartner", "currency": "EUR"} | wanted))


@pytest.mark.parametrize("path", [keen.KEEN_API, keen.OPENAPI_OPERATIONS])
async def test_the_sample_is_answered_as_on_the_page_in_its_order(people: People, path: str) -> None:
    channel, page = await channel_of(people, properties=DEAL_SIZE), sample("create_lead")
    ids = {keen.CHANNEL: channel.id, keen.DEFINITION: channel.properties[0].id}

    answer = await people.owner.http.post(path, json=with_ids(page["request"], ids))

    assert answer.status_code == 200, answer.text
    lead = answer.json()["lead"]
    ids |= {keen.LEAD: lead["id"], keen.MOMENT: lead["created_at"], keen.NEW_STATUS: channel.statuses[0].id}
    ids |= {keen.VALUE: uuid5(UUID(lead["id"]), str(channel.properties[0].id))}
    assert json.dumps(answer.json()) == json.dumps(with_ids(page["answer"], ids))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", lead["created_at"])


async def test_a_new_lead_is_one_event_with_its_reward_delivery_and_notice(people: People) -> None:
    channel = await channel_of(people)
    await people.owner.trigger(channel, cause="new_lead", kind="fixed", amount=25)
    await people.owner.endpoint("https://example.com/hook", events=("lead.created",))

    answer = await ask(people.owner, "create_lead", channel_id=channel.id, email="jane@example.com")

    lead_id = UUID(answer.json()["lead"]["id"])
    events = await people.owner.rows("SELECT * FROM events WHERE lead_id = $1 ORDER BY seq", lead_id)
    assert [(row["type"], row["face"], row["notice"]) for row in events] == [
        ("lead.created", "keenpartner", True),
        ("reward.created", "keenpartner", True),
    ]
    assert await people.owner.counts() == {"leads": 1, "events": 2, "deliveries": 1, "rewards": 1}


async def test_the_partner_adds_a_lead_to_the_shared_channel(people: People) -> None:
    channel = await channel_of(people)

    answer = await ask(people.partner, "create_lead", channel_id=channel.id, email="jane@example.com")

    assert answer.status_code == 200, answer.text
    assert await people.owner.count("leads") == 1


async def test_a_lead_without_any_contact_is_taken(people: People) -> None:
    channel = await channel_of(people)

    answer = await ask(people.owner, "create_lead", channel_id=channel.id)

    lead = answer.json()["lead"]
    assert (lead["email"], lead["status"], lead["property_values"]) == (None, "New lead", [])


async def test_nulls_and_unknown_members_are_passed_over(people: People) -> None:
    channel = await channel_of(people)

    answer = await ask(people.owner, "create_lead", channel_id=channel.id, email=None, properties=None, colour="red")

    assert answer.status_code == 200, answer.text
    assert answer.json()["lead"]["email"] is None


async def test_every_text_member_is_kept(people: People) -> None:
    channel = await channel_of(people)
    names = ("first_name", "last_name", "phone", "company_name", "source", "notes", "business_id", "employee")
    given = {name: f"a {name}" for name in names}

    answer = await ask(people.owner, "create_lead", channel_id=channel.id, **given)

    assert given.items() <= answer.json()["lead"].items()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"employee": "Jamie"}, "Jamie"),
        ({"referring_employee": "Alex"}, "Alex"),
        ({"employee": "Jamie", "referring_employee": "Alex"}, "Jamie"),
    ],
)
async def test_the_employee_is_kept_under_either_name(people: People, given: dict[str, str], kept: str) -> None:
    channel = await channel_of(people)

    answer = await ask(people.owner, "create_lead", channel_id=channel.id, **given)

    native = (await people.owner.http.get(f"/v1/leads/{answer.json()['lead']['id']}")).json()
    assert answer.json()["lead"]["employee"] == kept
    assert native["attribution"] == {"referred_by": kept}


@pytest.mark.parametrize(
    ("type", "value", "shown"),
    [
        ("number", "50000", "50000"),
        ("number", 1.5, "1.5"),
        ("number", 50000.0, "50000"),
        ("text", 50000.0, "50000"),
        ("text", 1e300, "1e+300"),
        ("boolean", True, "true"),
        ("text", 7, "7"),
        ("text", {"a": [1]}, '{"a":[1]}'),
        ("date", "2026-04-01", "2026-04-01"),
    ],
)
async def test_property_values_are_shown_as_text(people: People, type: str, value: Any, shown: str) -> None:
    channel = await channel_of(people, properties=(NewProperty(name="Custom", type=PropertyType(type)),))
    given = [{"property_definitions_id": str(channel.properties[0].id), "value": value}]

    answer = await ask(people.owner, "create_lead", channel_id=channel.id, properties=given)

    assert [one["value"] for one in answer.json()["lead"]["property_values"]] == [shown]


@pytest.mark.parametrize("type", ["text", "number", "boolean", "date"])
async def test_a_property_left_blank_in_a_form_costs_no_lead(people: People, type: str) -> None:
    channel = await channel_of(people, properties=(NewProperty(name="Custom", type=PropertyType(type)),))
    given = [{"property_definitions_id": str(channel.properties[0].id), "value": ""}]

    answer = await ask(people.owner, "create_lead", channel_id=channel.id, properties=given)

    assert answer.status_code == 200, answer.text
    assert answer.json()["lead"]["property_values"] == []


async def test_a_native_number_is_shown_as_the_vendor_writes_it(people: People) -> None:
    channel = await channel_of(people, properties=DEAL_SIZE)
    await people.owner.lead(channel, {"Deal size": 50000.0})

    (shown,) = (await ask(people.owner, "get_leads", channel_id=channel.id)).json()

    assert shown["Deal size"] == "50000"


async def test_a_repeat_makes_a_second_lead(people: People) -> None:
    channel = await channel_of(people)
    one = await ask(people.owner, "create_lead", channel_id=channel.id, email="jane@example.com")

    two = await ask(people.owner, "create_lead", channel_id=channel.id, email="jane@example.com")

    assert one.json()["lead"]["id"] != two.json()["lead"]["id"]
    assert await people.owner.count("leads") == 2
