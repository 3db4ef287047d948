"""The webhook bodies, made from events as they are stored for delivery."""

import json
from typing import Any

from leadrail.core.channels.model import PropertyType
from leadrail.dialects.keenpartner.outgoing import body
from tests.dialects.keenpartner.keen import ask, sample
from tests.people import NewProperty, People

MEMBERS = list(sample("create_lead")["answer"]["lead"])


async def stored_events(people: People) -> dict[str, dict[str, Any]]:
    """One lead made and moved by way of this dialect: its events by type, as an endpoint is to get them."""
    deal_size = NewProperty(name="Deal size", type=PropertyType.NUMBER)
    channel = await people.owner.channel(template="keenpartner", properties=(deal_size,))
    await people.owner.trigger(channel, cause="status_change", status="Won", kind="fixed", amount=5)
    await people.owner.endpoint("https://example.com/hook", format="keenpartner")
    value = [{"property_definitions_id": str(channel.properties[0].id), "value": "50000"}]
    given: dict[str, Any] = {"email": "jane@example.com", "employee": "Jamie", "properties": value}
    lead = (await ask(people.owner, "create_lead", channel_id=channel.id, **given)).json()["lead"]
    await ask(people.owner, "update_status", lead_id=lead["id"], status="Won")
    rows = await people.owner.rows("SELECT payload FROM deliveries WHERE company_id = $1", people.owner.company_id)
    return {event["type"]: event for event in (json.loads(row["payload"]) for row in rows)}


async def test_a_new_lead_is_told_as_its_creation_was_answered(people: People) -> None:
    event = (await stored_events(people))["lead.created"]

    told = json.loads(body(event) or b"")

    assert list(told) == ["lead"]
    lead = told["lead"]
    assert list(lead) == MEMBERS
    assert (lead["id"], lead["status"], lead["employee"]) == (event["lead_id"], "New lead", "Jamie")
    assert lead["created_at"] == event["data"]["lead"]["created_at"][:23] + "Z"


async def test_a_change_of_status_is_told_with_the_new_name_beside_the_lead(people: People) -> None:
    event = (await stored_events(people))["lead.status_changed"]

    told = json.loads(body(event) or b"")

    assert list(told) == ["lead", "status"]
    assert told["status"] == told["lead"]["status"] == "Won"
    assert told["lead"]["lead_status_id"] == event["data"]["to"]["id"]


async def test_properties_are_told_by_name_without_the_ids_that_an_event_lacks(people: People) -> None:
    event = (await stored_events(people))["lead.created"]

    (value,) = json.loads(body(event) or b"")["lead"]["property_values"]

    definition = {"id": None, "name": "Deal size", "type": None}
    assert value == {
        "id": None,
        "value": "50000",
        "property_definitions_id": None,
        "property_definitions": definition,
    }


async def test_other_events_are_not_told(people: People) -> None:
    event = (await stored_events(people))["reward.created"]

    assert body(event) is None
    assert body(event | {"type": "lead.updated"}) is None
