"""A claim as the message that goes out, for each format."""

import hashlib
import hmac
import json
import time
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook

from leadrail.core.webhooks.model import EventNames, Format
from leadrail.core.webhooks.queue import Claim, Destination
from leadrail.kit.ids import new_id
from leadrail.kit.signing import new_secret
from leadrail.worker.formats import Message, message

STATUS = {"id": str(new_id()), "name": "Won", "category": "won"}
LEAD: dict[str, Any] = {
    "id": str(new_id()),
    "channel_id": str(new_id()),
    "created_at": "2026-03-01T12:00:00Z",
    "properties": {},
    "attribution": {},
    **dict.fromkeys(
        ("email", "first_name", "last_name", "phone", "company_name", "source", "notes", "business_id", "linkedin_url")
    ),
}
EVENT: dict[str, Any] = {
    "id": str(new_id()),
    "type": "lead.status_changed",
    "lead_id": LEAD["id"],
    "channel_id": LEAD["channel_id"],
    "occurred_at": "2026-03-01T12:00:00.5Z",
    "actor": {"kind": "api_key", "id": None, "face": "api"},
    "data": {"from": STATUS, "to": STATUS, "lead": LEAD},
}


def claim(format: Format, event: dict[str, Any] | None = EVENT, event_names: EventNames = EventNames.FIRST) -> Claim:
    endpoint = Destination(new_id(), new_id(), "https://example.com/", format, (new_secret(),), event_names)
    payload = None if event is None else json.dumps(event)
    return Claim(new_id(), new_id(), 1, new_id(), payload, endpoint)


def told(claim: Claim, at: int | None = None) -> Message:
    whole = message(claim, at or int(time.time()))
    assert whole is not None
    return whole


@pytest.mark.parametrize("format", [Format.NATIVE, Format.KEENPARTNER])
def test_the_signature_is_that_of_standard_webhooks(format: Format) -> None:
    one = claim(format)

    whole = told(one)

    Webhook(one.endpoint.secrets[0]).verify(whole.body, whole.headers)
    assert whole.headers["webhook-id"] == str(one.event_id)


def test_native_wraps_the_event_as_it_is_stored() -> None:
    one = claim(Format.NATIVE)

    body = told(one).body

    assert one.payload is not None
    assert body == b'{"type":"lead.status_changed","timestamp":"2026-03-01T12:00:00.5Z","data":%b}' % (
        one.payload.encode()
    )


def test_keenpartner_gets_its_vendors_body() -> None:
    body = json.loads(told(claim(Format.KEENPARTNER)).body)

    assert (body["status"], body["lead"]["id"]) == ("Won", LEAD["id"])


def test_sendpilot_gets_its_vendors_body_for_the_company_of_the_endpoint() -> None:
    one = claim(Format.SENDPILOT)

    body = json.loads(told(one).body)

    assert (body["eventType"], body["workspaceId"]) == ("lead.status.changed", str(one.endpoint.company_id))


@pytest.mark.parametrize("format", [Format.KEENPARTNER, Format.SENDPILOT])
def test_a_vendor_hears_of_a_move_to_another_channel_as_of_a_change_of_status(format: Format) -> None:
    there = STATUS | {"channel": {"id": str(new_id()), "number": 4, "title": "Partners"}}
    moved = EVENT | {"type": "lead.moved", "data": EVENT["data"] | {"from": there, "to": there}}

    told_of_move, told_of_change = [json.loads(told(claim(format, event)).body) for event in (moved, EVENT)]
    assert told_of_move | {"workspaceId": None} == told_of_change | {"workspaceId": None}


@pytest.mark.parametrize("format", [Format.KEENPARTNER, Format.SENDPILOT])
def test_a_vendor_is_not_told_that_a_lead_left(format: Format) -> None:
    left = EVENT | {"type": "lead.left", "data": {"from": STATUS, "seconds_in_previous": 5}}

    assert message(claim(format, left), 1) is None


def test_sendpilot_names_events_as_the_endpoint_chose() -> None:
    body = json.loads(told(claim(Format.SENDPILOT, event_names=EventNames.NEWEST)).body)

    assert (body["eventType"], "changedBy" in body["data"]) == ("lead.updated", False)


def test_a_vendor_hears_of_a_channel_by_the_id_that_it_gave_it() -> None:
    native, keenpartner, sendpilot = [
        json.loads(told(replace(claim(format), channel_called="before")).body)
        for format in (Format.NATIVE, Format.KEENPARTNER, Format.SENDPILOT)
    ]

    assert (keenpartner["lead"]["channels_id"], sendpilot["data"]["campaignId"]) == ("before", "before")
    assert native["data"] == EVENT


def test_sendpilot_is_signed_as_documented_and_as_its_receivers_check() -> None:
    one, now = claim(Format.SENDPILOT), int(time.time())

    whole = told(one, now)

    documented = hmac.new(one.endpoint.secrets[0].encode(), b"%d.%b" % (now, whole.body), hashlib.sha256).hexdigest()
    assert whole.headers["webhook-signature"] == f"v1,t={now},s={documented}"
    svix = {name.replace("svix-", "webhook-"): value for name, value in whole.headers.items() if "svix-" in name}
    Webhook(one.endpoint.secrets[0]).verify(whole.body, svix)
    assert whole.headers["webhook-id"] == whole.headers["svix-id"] == str(one.event_id)


@pytest.mark.parametrize("format", [Format.KEENPARTNER, Format.SENDPILOT])
def test_a_vendor_is_not_told_what_it_has_no_words_for(format: Format) -> None:
    assert message(claim(format, EVENT | {"type": "reward.created"}), 0) is None


@pytest.mark.parametrize("format", list(Format))
def test_the_endpoints_own_headers_never_stand_beside_ours(format: Format) -> None:
    one = claim(format)
    ours = told(one, 1).headers
    given = {name.title(): "x" for name in ours} | {"X-Team": "sales"}

    assert told(replace(one, endpoint=replace(one.endpoint, headers=given)), 1).headers == ours | {"X-Team": "sales"}


def test_a_payload_that_is_gone_or_broken_is_refused() -> None:
    with pytest.raises(ValueError, match="no longer kept"):
        message(claim(Format.NATIVE, None), 0)
    with pytest.raises(msgspec.ValidationError):
        message(claim(Format.NATIVE, {"id": "x"}), 0)
