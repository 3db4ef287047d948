"""The webhook body, made from events as they are stored for delivery, and the documented signature."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import pytest

from leadrail.dialects.sendpilot.outgoing import body, signature_headers
from tests.dialects.sendpilot.pilot import CAMPAIGN, LEAD, john, patch, sample, with_ids
from tests.people import People

WORKSPACE = "0190a0a0-0000-7000-8000-000000000000"


async def stored_event(people: People) -> dict[str, Any]:
    """The move of the sample: from REPLY_RECEIVED to OPPORTUNITY, by way of this dialect."""
    lead = await john(people)
    await people.owner.endpoint("https://example.com/hook", format="sendpilot")
    await patch(people.owner, lead.id, status="OPPORTUNITY")
    rows = await people.owner.rows("SELECT payload FROM deliveries WHERE company_id = $1", people.owner.company_id)
    (event,) = [json.loads(row["payload"]) for row in rows]
    assert isinstance(event, dict)
    return event


async def test_a_change_of_status_is_told_as_in_the_sample(people: People) -> None:
    event, page = await stored_event(people), sample("lead_status_changed")

    told = json.loads(body(event, workspace_id=WORKSPACE) or b"")

    assert list(told) == list(page["envelope"])
    assert told["data"] == with_ids(page["data"], {LEAD: event["lead_id"], CAMPAIGN: event["channel_id"]})
    assert (told["eventId"], told["eventType"], told["workspaceId"]) == (event["id"], "lead.status.changed", WORKSPACE)
    assert told["timestamp"] == event["occurred_at"][:23] + "Z"


async def test_a_time_of_another_zone_is_told_in_utc(people: People) -> None:
    event = await stored_event(people) | {"occurred_at": "2026-04-01T16:22:00.5+02:00"}

    told = json.loads(body(event, workspace_id=WORKSPACE) or b"")

    assert told["timestamp"] == "2026-04-01T14:22:00.500Z"
    assert datetime.fromisoformat(told["timestamp"]) == datetime.fromisoformat(event["occurred_at"])


@pytest.mark.parametrize(("kind", "changed_by"), [("api_key", "api"), ("user", "user"), ("system", "automation")])
async def test_who_changed_it_is_told_in_the_vendors_words(people: People, kind: str, changed_by: str) -> None:
    event = await stored_event(people)
    event["actor"]["kind"] = kind

    assert json.loads(body(event, workspace_id=WORKSPACE) or b"")["data"]["changedBy"] == changed_by


async def test_statuses_of_another_way_of_working_are_told_by_their_stage(people: People) -> None:
    event = await stored_event(people)
    event["data"]["from"] |= {"name": "Fresh", "category": "open"}
    event["data"]["to"] |= {"name": "Signed", "category": "won"}

    data = json.loads(body(event, workspace_id=WORKSPACE) or b"")["data"]

    assert (data["previousStatus"], data["newStatus"]) == ("PENDING", "DONE")


async def test_other_events_are_not_told(people: People) -> None:
    event = await stored_event(people)

    assert body(event | {"type": "lead.created"}, workspace_id=WORKSPACE) is None
    assert body(event | {"type": "reward.created"}, workspace_id=WORKSPACE) is None


def test_the_signature_is_the_documented_one() -> None:
    headers = signature_headers("whsec_c2VjcmV0", 1708770600, b'{"a":1}')

    signed = hmac.new(b"whsec_c2VjcmV0", b'1708770600.{"a":1}', hashlib.sha256).hexdigest()
    assert headers == {"Webhook-Signature": f"v1,t=1708770600,s={signed}"}
