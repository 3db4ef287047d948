"""A stored event as the message that an endpoint of its format expects: the body, and the headers that sign it."""

from typing import Any

import msgspec

from leadrail.core.webhooks.model import Format
from leadrail.core.webhooks.queue import Claim
from leadrail.dialects.keenpartner import outgoing as keenpartner
from leadrail.dialects.sendpilot import outgoing as sendpilot
from leadrail.kit import signing

Headers = dict[str, str]


class Message(msgspec.Struct, frozen=True):
    body: bytes
    headers: Headers


def message(claim: Claim, timestamp: int) -> Message | None:
    """The message, signed as of `timestamp`; None when the endpoint's format has none for such an event.

    Raises ValueError for a delivery that holds no payload, and whatever a format raises that cannot tell its event.
    """
    if claim.payload is None:
        raise ValueError("the payload of this delivery is no longer kept")
    if (body := _body(claim.endpoint.format, claim.payload, claim)) is None:
        return None
    headers = signing.headers(claim.endpoint.secrets, str(claim.event_id), timestamp, body)
    if claim.endpoint.format is Format.SENDPILOT:
        headers = _as_sendpilot(headers, claim.endpoint.secrets[0], timestamp, body)
    ours = {"content-type": "application/json"} | headers
    # A receiver may read either of two that differ in case alone.
    theirs = {name: value for name, value in claim.endpoint.headers.items() if name.lower() not in ours}
    return Message(body, theirs | ours)


def _body(format: Format, payload: str, claim: Claim) -> bytes | None:
    match format:
        case Format.NATIVE:
            return _native(payload)
        case Format.KEENPARTNER:
            return keenpartner.body(_event(payload, claim.channel_called))
        case Format.SENDPILOT:
            event, company_id = _event(payload, claim.channel_called), str(claim.endpoint.company_id)
            return sendpilot.body(event, workspace_id=company_id, event_names=claim.endpoint.event_names)


class _Head(msgspec.Struct):
    """The part of a payload that is said again around it, as it is spelled there."""

    type: msgspec.Raw
    occurred_at: msgspec.Raw


_head = msgspec.json.Decoder(_Head)


def _native(payload: str) -> bytes:
    # The payload is JSON already: it is wrapped, not read and written anew.
    data = payload.encode()
    head = _head.decode(data)
    return b'{"type":%b,"timestamp":%b,"data":%b}' % (bytes(head.type), bytes(head.occurred_at), data)


def _event(payload: str, channel_called: str | None) -> dict[str, Any]:
    """The event with its channel named as the vendor's clients know it."""
    event: dict[str, Any] = msgspec.json.decode(payload)
    if channel_called is not None:
        event["channel_id"] = channel_called
        if (lead := event["data"].get("lead")) is not None:
            lead["channel_id"] = channel_called
    return event


def _as_sendpilot(headers: Headers, secret: str, timestamp: int, body: bytes) -> Headers:
    # The vendor's own header has the name of the standard one, so the standard signature goes where this vendor's
    # other receivers look for it: under the names of Svix.
    svix = {name.replace("webhook-", "svix-"): value for name, value in headers.items()}
    vendor = sendpilot.signature_headers(secret, timestamp, body)
    return headers | svix | {name.lower(): value for name, value in vendor.items()}
