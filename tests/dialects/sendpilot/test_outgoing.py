"""The webhook body, made from events as they are stored for delivery, and the documented signature."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import pytest

from leadrail.core.actor import ActorKind
from leadrail.core.webhooks.model import EventNames
from leadrail.dialects.sendpilot.outgoing import CHANGED_BY, PAUSED_BY, body, signature_headers
from tests.dialects.sendpilot.pilot import (
    BASES,
    CAMPAIGN,
    JOHN,
    LEAD,
    john,
    known_as,
    migrated,
    patch,
    sample,
    with_ids,
)
from tests.people import People, Person

WORKSPACE = "0190a0a0-0000-7000-8000-000000000000"


Event = dict[str, Any]


async def stored_events(person: Person) -> list[Event]:
    """The events that wait for delivery, oldest first."""
    statement = "SELECT payload FROM deliveries WHERE company_id = $1 ORDER BY event_seq"
    return [json.loads(row["payload"]) for row in await person.rows(statement, person.company_id)]


async def stored_event(people: People) -> Event:
    """The move of the sample: from REPLY_RECEIVED to OPPORTUNITY, by way of this dialect."""
    lead = await john(people)
    await people.owner.endpoint("https://example.com/hook", format="sendpilot")
    await patch(people.owner, lead.id, status="OPPORTUNITY")
    (event,) = await stored_events(people.owner)
    return event


def told_of(event: Event, event_names: EventNames = EventNames.FIRST) -> Event:
    told: Event = json.loads(body(event, workspace_id=WORKSPACE, event_names=event_names) or b"")
    return told


async def test_a_change_of_status_is_told_as_in_the_sample(people: People) -> None:
    event, page = await stored_event(people), sample("lead_status_changed")

    told = told_of(event)

    assert list(told) == list(page["envelope"])
    assert told["data"] == with_ids(page["data"], {LEAD: event["lead_id"], CAMPAIGN: event["channel_id"]})
    assert (told["eventId"], told["eventType"], told["workspaceId"]) == (event["id"], "lead.status.changed", WORKSPACE)
    assert told["timestamp"] == event["occurred_at"][:23] + "Z"


async def test_a_time_of_another_zone_is_told_in_utc(people: People) -> None:
    event = await stored_event(people) | {"occurred_at": "2026-04-01T16:22:00.5+02:00"}

    told = told_of(event)

    assert told["timestamp"] == "2026-04-01T14:22:00.500Z"
    assert datetime.fromisoformat(told["timestamp"]) == datetime.fromisoformat(event["occurred_at"])


@pytest.mark.parametrize(("kind", "changed_by"), [("api_key", "api"), ("user", "user"), ("system", "automation")])
async def test_who_changed_it_is_told_in_the_vendors_words(people: People, kind: str, changed_by: str) -> None:
    event = await stored_event(people)
    event["actor"]["kind"] = kind

    assert told_of(event)["data"]["changedBy"] == changed_by


async def test_statuses_of_another_way_of_working_are_told_by_their_stage(people: People) -> None:
    event = await stored_event(people)
    event["data"]["from"] |= {"name": "Fresh", "category": "open"}
    event["data"]["to"] |= {"name": "Signed", "category": "won"}

    data = told_of(event)["data"]

    assert (data["previousStatus"], data["newStatus"]) == ("PENDING", "DONE")


async def test_the_newest_name_comes_without_who_changed_it(people: People) -> None:
    event, page = await stored_event(people), sample("lead_status_changed")

    told = told_of(event, EventNames.NEWEST)

    expected = with_ids(page["data"], {LEAD: event["lead_id"], CAMPAIGN: event["channel_id"]})
    del expected["changedBy"]
    assert told["eventType"] == "lead.updated"
    assert list(told["data"].items()) == list(expected.items())


async def test_a_migrated_lead_is_told_by_its_old_id_and_a_short_address_in_full(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")
    await people.owner.endpoint("https://example.com/hook", format="sendpilot", events=("lead.status_changed",))
    await migrated(people.owner, channel, LEAD, linkedin_url="in/John-Doe?miniProfileUrn=urn%3Ali")
    await patch(people.owner, LEAD, status="DONE")
    (event,) = await stored_events(people.owner)

    assert (told_of(event)["data"]["leadId"], told_of(event)["data"]["linkedinUrl"]) == (LEAD, JOHN)


# The label


@pytest.mark.parametrize("event_names", EventNames)
async def test_a_label_beside_a_move_is_a_second_event(people: People, event_names: EventNames) -> None:
    lead = await john(people)
    await patch(people.owner, lead.id, customLeadStatus="NO_RESPONSE", status="REPLY_RECEIVED")
    await people.owner.endpoint("https://example.com/hook", format="sendpilot")

    await patch(people.owner, lead.id, status="OPPORTUNITY", customLeadStatus="INTERESTED")

    moved, labelled = await stored_events(people.owner)
    assert told_of(moved, event_names)["data"]["newStatus"] == "OPPORTUNITY"
    told = told_of(labelled, event_names)
    assert told["eventType"] == "lead.tag.updated"
    assert told["eventId"] != told_of(moved)["eventId"]
    assert told["data"] == {
        "leadId": str(lead.id),
        "linkedinUrl": JOHN,
        "campaignId": str(lead.channel_id),
        "newTag": "Interested",
        "previousTag": "No Response",
        "customLeadStatus": "INTERESTED",
        "tags": ["Interested"],
    }


async def test_a_label_that_is_taken_away_is_told(people: People) -> None:
    lead = await john(people)
    await patch(people.owner, lead.id, status="REPLY_RECEIVED", customLeadStatus="LEAD")
    await people.owner.endpoint("https://example.com/hook", format="sendpilot")

    await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"attribution": {"custom_lead_status": None}})

    (event,) = await stored_events(people.owner)
    data = told_of(event)["data"]
    assert (data["newTag"], data["previousTag"], data["customLeadStatus"], data["tags"]) == (None, "Lead", None, [])


async def test_other_edits_are_not_told(people: People) -> None:
    lead = await john(people)
    await people.owner.endpoint("https://example.com/hook", format="sendpilot")

    await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"title": "CTO", "attribution": {"gclid": "x"}})
    await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"attribution": {"custom_lead_status": {"a": 1}}})

    events = await stored_events(people.owner)
    assert [event["type"] for event in events] == ["lead.updated"] * 2
    told = [body(event, workspace_id=WORKSPACE, event_names=names) for event in events for names in EventNames]
    assert told == [None] * 4


# Campaigns


@pytest.mark.parametrize("event_names", EventNames)
async def test_a_pause_and_a_resumption_are_told_as_in_the_sample(people: People, event_names: EventNames) -> None:
    page = sample("campaign_paused")
    channel = await known_as(people.owner, CAMPAIGN, title=page["data"]["campaignName"])
    await people.owner.endpoint("https://example.com/hook", format="sendpilot")

    for action in ("pause", "resume"):
        await people.owner.http.patch(f"{BASES[0]}/campaigns/{CAMPAIGN}", json={"action": action})

    paused, resumed = (told_of(event, event_names) for event in await stored_events(people.owner))
    ids = {CAMPAIGN: channel.id, page["data"]["pausedAt"]: paused["timestamp"]}
    assert paused["eventType"] == "campaign.paused"
    assert list(paused["data"].items()) == list(with_ids(page["data"], ids).items())
    assert (resumed["eventType"], list(resumed["data"])) == (
        "campaign.resumed",
        ["campaignId", "campaignName", "resumedAt", "resumedBy"],
    )
    assert (resumed["data"]["resumedAt"], resumed["data"]["resumedBy"]) == (resumed["timestamp"], "api")


def test_everybody_who_may_act_has_a_word() -> None:
    assert set(CHANGED_BY) == set(PAUSED_BY) == set(ActorKind)
    assert (CHANGED_BY[ActorKind.SYSTEM], PAUSED_BY[ActorKind.SYSTEM]) == ("automation", "system")


@pytest.mark.parametrize("type", ["lead.created", "reward.created", "follow_up.recorded", "purchase.recorded"])
async def test_other_events_are_not_told(people: People, type: str) -> None:
    event = await stored_event(people)

    for event_names in EventNames:
        assert body(event | {"type": type}, workspace_id=WORKSPACE, event_names=event_names) is None


def test_the_signature_is_the_documented_one() -> None:
    headers = signature_headers("whsec_c2VjcmV0", 1708770600, b'{"a":1}')

    signed = hmac.new(b"whsec_c2VjcmV0", b'1708770600.{"a":1}', hashlib.sha256).hexdigest()
    assert headers == {"Webhook-Signature": f"v1,t=1708770600,s={signed}"}
