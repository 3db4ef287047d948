"""SendPilot's webhooks: the envelope, the data of a change of status, and the documented signature (section 10).

The event goes by its first name, `lead.status.changed`, and carries the members of both generations' data.
"""

import hmac
from datetime import datetime
from typing import Any

import msgspec

from leadrail.core.actor import ActorKind
from leadrail.core.channels.model import Named
from leadrail.dialects.words import SENDPILOT
from leadrail.kit.clock import with_milliseconds

CHANGED_BY = {ActorKind.API_KEY: "api", ActorKind.USER: "user", ActorKind.SYSTEM: "automation"}


class StatusChanged(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    lead_id: str
    campaign_id: str
    linkedin_url: str | None
    previous_status: str
    new_status: str
    changed_by: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    event_id: str
    event_type: str
    timestamp: str
    workspace_id: str
    data: StatusChanged


def body(event: dict[str, Any], *, workspace_id: str) -> bytes | None:
    """The body for a stored event; None for a type that this vendor never sends."""
    if event["type"] != "lead.status_changed":
        return None
    envelope = Envelope(
        event_id=event["id"],
        event_type="lead.status.changed",
        timestamp=with_milliseconds(datetime.fromisoformat(event["occurred_at"])),
        workspace_id=workspace_id,
        data=_status_changed(event),
    )
    return msgspec.json.encode(envelope)


def _status_changed(event: dict[str, Any]) -> StatusChanged:
    data = event["data"]
    return StatusChanged(
        lead_id=event["lead_id"],
        campaign_id=event["channel_id"],
        linkedin_url=data["lead"]["linkedin_url"],
        previous_status=_word(data["from"]),
        new_status=_word(data["to"]),
        changed_by=CHANGED_BY[ActorKind(event["actor"]["kind"])],
    )


def _word(named: dict[str, str]) -> str:
    return SENDPILOT.word(msgspec.convert(named, Named))


def signature_headers(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The documented header: HMAC-SHA256 over `<t>.<raw body>`, keyed by the secret's own text (section 10.4)."""
    digest = hmac.digest(secret.encode(), b"%d.%s" % (timestamp, body), "sha256").hex()
    return {"Webhook-Signature": f"v1,t={timestamp},s={digest}"}
