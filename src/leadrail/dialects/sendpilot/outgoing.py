"""SendPilot's webhooks: the envelope, the data of its events, and the documented signature (section 10).

An endpoint hears of a change of status by the event's first name or by its newest; every other event has one name.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from leadrail.core.actor import ActorKind
from leadrail.core.channels.model import Named
from leadrail.core.leads.model import called
from leadrail.core.webhooks.model import EventNames
from leadrail.dialects.sendpilot.auth import FACE
from leadrail.dialects.sendpilot.mapping import CUSTOM_LEAD_STATUS, profile_url
from leadrail.dialects.words import SENDPILOT
from leadrail.kit.clock import with_milliseconds

CHANGED_BY = {
    ActorKind.API_KEY: "api",
    ActorKind.USER: "user",
    ActorKind.VISITOR: "user",
    ActorKind.SYSTEM: "automation",
}
PAUSED_BY = CHANGED_BY | {ActorKind.SYSTEM: "system"}


class _Data(msgspec.Struct, frozen=True, rename="camel"):
    """What an event says."""


class StatusChanged(_Data, frozen=True, kw_only=True):
    """The first generation tells who changed it, the newest does not."""

    lead_id: str
    campaign_id: str
    linkedin_url: str | None
    previous_status: str
    new_status: str
    changed_by: str | msgspec.UnsetType


class TagUpdated(_Data, frozen=True, kw_only=True):
    lead_id: str
    linkedin_url: str | None
    campaign_id: str
    new_tag: str | None
    previous_tag: str | None
    custom_lead_status: str | None
    tags: list[str]


class CampaignPaused(_Data, frozen=True, kw_only=True):
    campaign_id: str
    campaign_name: str
    paused_at: str
    paused_by: str


class CampaignResumed(_Data, frozen=True, kw_only=True):
    campaign_id: str
    campaign_name: str
    resumed_at: str
    resumed_by: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    event_id: str
    event_type: str
    timestamp: str
    workspace_id: str
    data: _Data


def body(event: dict[str, Any], *, workspace_id: str, event_names: EventNames) -> bytes | None:
    """The body for a stored event; None for one that this vendor never sends."""
    told = _told(event, event_names)
    if told is None:
        return None
    event_type, data = told
    envelope = Envelope(
        event_id=event["id"],
        event_type=event_type,
        timestamp=_occurred_at(event),
        workspace_id=workspace_id,
        data=data,
    )
    return msgspec.json.encode(envelope)


def _told(event: dict[str, Any], event_names: EventNames) -> tuple[str, _Data] | None:
    match event["type"]:
        case "lead.status_changed" | "lead.moved":
            is_first = event_names is EventNames.FIRST
            return "lead.status.changed" if is_first else "lead.updated", _status_changed(event, is_first)
        case "lead.updated":
            data = _tag_updated(event)
            return ("lead.tag.updated", data) if data else None
        case "channel.paused":
            return "campaign.paused", _paused(event)
        case "channel.resumed":
            return "campaign.resumed", _resumed(event)
    return None


def _status_changed(event: dict[str, Any], is_first: bool) -> StatusChanged:
    lead, data = event["data"]["lead"], event["data"]
    return StatusChanged(
        lead_id=_lead_id(event),
        campaign_id=event["channel_id"],
        linkedin_url=profile_url(lead["linkedin_url"]),
        previous_status=_word(data["from"]),
        new_status=_word(data["to"]),
        changed_by=CHANGED_BY[_actor(event)] if is_first else msgspec.UNSET,
    )


def _tag_updated(event: dict[str, Any]) -> TagUpdated | None:
    """None when the lead's label is not among what changed."""
    change = event["data"].get("changed", {}).get("attribution") or {}
    before, after = _label(change.get("from")), _label(change.get("to"))
    if before == after:
        return None
    tag = _displayed(after)
    return TagUpdated(
        lead_id=_lead_id(event),
        linkedin_url=profile_url(event["data"]["lead"]["linkedin_url"]),
        campaign_id=event["channel_id"],
        new_tag=tag,
        previous_tag=_displayed(before),
        custom_lead_status=after,
        tags=[tag] if tag else [],
    )


def _paused(event: dict[str, Any]) -> CampaignPaused:
    return CampaignPaused(
        campaign_id=event["channel_id"],
        campaign_name=event["data"]["channel"]["title"],
        paused_at=_occurred_at(event),
        paused_by=PAUSED_BY[_actor(event)],
    )


def _resumed(event: dict[str, Any]) -> CampaignResumed:
    return CampaignResumed(
        campaign_id=event["channel_id"],
        campaign_name=event["data"]["channel"]["title"],
        resumed_at=_occurred_at(event),
        resumed_by=PAUSED_BY[_actor(event)],
    )


def _lead_id(event: dict[str, Any]) -> str:
    return called(event["data"]["lead"]["attribution"], FACE) or event["lead_id"]


def _occurred_at(event: dict[str, Any]) -> str:
    return with_milliseconds(datetime.fromisoformat(event["occurred_at"]))


def _actor(event: dict[str, Any]) -> ActorKind:
    return ActorKind(event["actor"]["kind"])


def _word(named: dict[str, str]) -> str:
    return SENDPILOT.word(msgspec.convert(named, Named))


def _label(attribution: Mapping[str, Any] | None) -> str | None:
    label = (attribution or {}).get(CUSTOM_LEAD_STATUS)
    return label if isinstance(label, str) else None


def _displayed(label: str | None) -> str | None:
    """`NO_RESPONSE` as `No Response`."""
    return label.replace("_", " ").title() if label else None


def signature_headers(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The documented header: HMAC-SHA256 over `<t>.<raw body>`, keyed by the secret's own text (section 10.4)."""
    digest = hmac.digest(secret.encode(), b"%d.%s" % (timestamp, body), "sha256").hex()
    return {"Webhook-Signature": f"v1,t={timestamp},s={digest}"}
