"""update_lead: an edit that nobody hears of. Its page's sample is cut; the answer is that of get_lead_by_id."""

from typing import Any
from uuid import uuid5

import pytest

from leadrail.core.channels.commands import archive_property
from leadrail.core.channels.model import Channel, PropertyType
from leadrail.core.leads.model import Lead
from tests.dialects.keenpartner import keen
from tests.dialects.keenpartner.keen import ask, error, sample
from tests.people import NewProperty, People

BOTH = pytest.mark.parametrize("path", [keen.KEEN_API, keen.OPENAPI_OPERATIONS])
PROPERTIES = (
    NewProperty(name="Segment"),
    NewProperty(name="Deal size", type=PropertyType.NUMBER),
    NewProperty(name="Retired"),
)
NOBODY = "0190a0a0-0000-7000-8000-000000000000"


async def known_lead(people: People) -> tuple[Channel, Lead]:
    """Jane, with a segment, in a channel whose last property is retired."""
    channel = await people.shared_channel(template="keenpartner", properties=PROPERTIES)
    lead = await people.owner.lead(channel, {"Segment": "Small"}, email="jane@example.com", first_name="Jane")
    async with people.owner.core.database.transaction() as connection:
        await archive_property(connection, channel, channel.properties[2].id)
    return channel, lead


def given(channel: Channel, **values: Any) -> list[dict[str, Any]]:
    ids = {definition.name: str(definition.id) for definition in channel.properties}
    return [{"property_definitions_id": ids[name.replace("_", " ")], "value": value} for name, value in values.items()]


@BOTH
async def test_what_is_sent_is_changed_and_the_rest_stays(people: People, path: str) -> None:
    channel, lead = await known_lead(people)

    answer = await ask(
        people.partner,
        "update_lead",
        path=path,
        lead_id=lead.id,
        last_name="Doe",
        referring_employee="Jamie Smith",
        properties=given(channel, Deal_size="50000"),
    )

    assert answer.status_code == 200, answer.text
    shown = answer.json()["lead"]
    assert list(shown) == list(sample("get_lead_by_id")["answer"]["lead"])
    names = ("email", "first_name", "last_name", "referring_employee", "status")
    assert [shown[name] for name in names] == ["jane@example.com", "Jane", "Doe", "Jamie Smith", "New lead"]
    assert [one["value"] for one in shown["property_values"]] == ["Small", "50000"]
    assert (await ask(people.owner, "get_lead_by_id", lead_id=lead.id)).json()["lead"] == shown


async def test_a_value_is_changed_in_its_place(people: People) -> None:
    channel, lead = await known_lead(people)

    answer = await ask(people.owner, "update_lead", lead_id=lead.id, properties=given(channel, Segment="Large"))

    (value,) = answer.json()["lead"]["property_values"]
    assert (value["id"], value["value"]) == (str(uuid5(lead.id, str(channel.properties[0].id))), "Large")


@pytest.mark.parametrize(
    ("value", "kept"),
    [("Large", "Large"), (7, "7"), (1.5, "1.5"), (True, "true"), ({"a": [1]}, '{"a":[1]}'), ([1, "b"], '[1,"b"]')],
)
async def test_every_kind_of_value_is_kept_as_text(people: People, value: Any, kept: str) -> None:
    channel, lead = await known_lead(people)

    await ask(people.owner, "update_lead", lead_id=lead.id, properties=given(channel, Segment=value))

    (row,) = await people.owner.rows("SELECT properties FROM leads WHERE id = $1", lead.id)
    assert row["properties"] == {str(channel.properties[0].id): kept}


async def test_every_standard_field_may_be_changed(people: People) -> None:
    _, lead = await known_lead(people)
    names = ("first_name", "last_name", "phone", "company_name", "source", "notes", "business_id", "referring_employee")
    wanted = {name: f"a {name}" for name in names} | {"email": "new@example.com"}

    answer = await ask(people.owner, "update_lead", lead_id=lead.id, **wanted)

    assert wanted.items() <= answer.json()["lead"].items()


async def test_null_is_an_absence_and_empty_text_takes_away(people: People) -> None:
    _, lead = await known_lead(people)
    await ask(people.owner, "update_lead", lead_id=lead.id, employee="Jamie")

    answer = await ask(people.owner, "update_lead", lead_id=lead.id, email=None, first_name="", referring_employee="")

    shown = answer.json()["lead"]
    assert [shown[name] for name in ("email", "first_name", "referring_employee")] == ["jane@example.com", None, None]


async def test_empty_text_takes_a_property_away(people: People) -> None:
    channel, lead = await known_lead(people)
    await ask(people.owner, "update_lead", lead_id=lead.id, properties=given(channel, Deal_size=5))

    answer = await ask(
        people.owner, "update_lead", lead_id=lead.id, properties=given(channel, Segment="", Deal_size="")
    )

    assert (answer.status_code, answer.json()["lead"]["property_values"]) == (200, [])


async def test_the_rest_of_the_attribution_stays(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(), attribution={"gclid": "abc"})

    await ask(people.owner, "update_lead", lead_id=lead.id, employee="Jamie")

    (row,) = await people.owner.rows("SELECT attribution FROM leads WHERE id = $1", lead.id)
    assert row["attribution"] == {"gclid": "abc", "referred_by": "Jamie"}


async def test_an_edited_lead_is_found_by_its_new_address(people: People) -> None:
    _, lead = await known_lead(people)

    await ask(people.owner, "update_lead", lead_id=lead.id, email="Jane.Doe@example.com")

    keys = await people.owner.rows("SELECT key FROM lead_keys WHERE lead_id = $1 AND kind = 'email'", lead.id)
    assert keys == [{"key": "jane.doe@example.com"}]


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"lead_id": None}, 400, "lead_id required"),
    ({"lead_id": ""}, 400, "lead_id required"),
    ({"lead_id": "12"}, 400, "lead_id is not a UUID"),
    ({"lead_id": NOBODY}, 404, "Lead not found"),
    ({"email": None}, 400, "Nothing to update; send at least one field or a property"),
    ({"email": None, "properties": []}, 400, "Nothing to update"),
    ({"email": None, "status": "Won"}, 400, "Nothing to update"),
    ({"email": 7}, 400, 'email: Expected "str | null"'),
    ({"employee": "x" * 17_000}, 400, "employee: "),
    ({"notes": "x" * 20_001}, 400, "notes is longer than 20000 characters"),
    ({"properties": {}}, 400, 'properties: Expected "array | null"'),
    ({"properties": [{"value": "x"}]}, 400, "properties.0.property_definitions_id: Object missing"),
    ({"properties": [{"property_definitions_id": "Segment"}]}, 400, "properties.0.value: Object missing"),
    ({"properties": [{"property_definitions_id": "Segment", "value": None}]}, 400, "properties.0.value: Expected"),
    ({"properties": [{"property_definitions_id": "Deal size", "value": "many"}]}, 400, '"Deal size" takes a number'),
    ({"properties": [{"property_definitions_id": "Deal size", "value": {"a": 1}}]}, 400, '"Deal size" takes a number'),
    ({"properties": [{"property_definitions_id": "Retired", "value": "x"}]}, 400, "The channel has no property"),
    ({"properties": [{"property_definitions_id": NOBODY, "value": "x"}]}, 400, "The channel has no property"),
]


@pytest.mark.parametrize(("wrong", "status", "text"), BAD)
async def test_a_wrong_edit_says_what_is_wrong_and_changes_nothing(
    people: People, wrong: dict[str, Any], status: int, text: str
) -> None:
    channel, lead = await known_lead(people)
    ids = {definition.name: str(definition.id) for definition in channel.properties}
    body = {"action": "update_lead", "lead_id": str(lead.id), "email": "new@example.com"} | wrong

    answer = await people.owner.http.post(
        keen.KEEN_API, json=keen.with_ids(body, {f'"{n}"': f'"{ids[n]}"' for n in ids})
    )

    found, words = error(answer)
    assert (found, words[: len(text)]) == (status, text)
    rows = await people.owner.rows("SELECT email, version FROM leads WHERE id = $1", lead.id)
    assert rows == [{"email": "jane@example.com", "version": 1}]


async def test_another_companys_lead_is_not_edited(people: People) -> None:
    _, lead = await known_lead(people)

    answer = await ask(people.stranger, "update_lead", lead_id=lead.id, email="mine@example.com")

    assert error(answer) == (403, "Lead not accessible")
    assert (await people.owner.rows("SELECT version FROM leads WHERE id = $1", lead.id)) == [{"version": 1}]
