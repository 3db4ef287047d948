"""What an event is, and the catalogue of event types."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.actor import ActorKind


class EventType(StrEnum):
    LEAD_CREATED = "lead.created"
    LEAD_UPDATED = "lead.updated"
    LEAD_STATUS_CHANGED = "lead.status_changed"
    LEAD_ERASED = "lead.erased"
    NOTE_ADDED = "note.added"
    FOLLOW_UP_RECORDED = "follow_up.recorded"
    FOLLOW_UP_DUE = "follow_up.due"
    FOLLOW_UP_OVERDUE = "follow_up.overdue"
    PURCHASE_RECORDED = "purchase.recorded"
    REWARD_CREATED = "reward.created"
    REWARD_CHANGED = "reward.changed"
    CHANNEL_PAUSED = "channel.paused"
    CHANNEL_RESUMED = "channel.resumed"
    ENDPOINT_DISABLED = "endpoint.disabled"


SENTENCES: dict[EventType, str] = {
    EventType.LEAD_CREATED: "A lead came in.",
    EventType.LEAD_UPDATED: "Fields of a lead changed; `data.changed` holds each with its old and new value.",
    EventType.LEAD_STATUS_CHANGED: "A lead moved; `data.from` and `data.to` say from where to where.",
    EventType.LEAD_ERASED: "A lead's personal data was erased; delete your copy of it too.",
    EventType.NOTE_ADDED: "Somebody wrote a note on a lead.",
    EventType.FOLLOW_UP_RECORDED: "A contact with the lead was planned or done.",
    EventType.FOLLOW_UP_DUE: "The time of a planned contact has come.",
    EventType.FOLLOW_UP_OVERDUE: "A planned contact is a day late.",
    EventType.PURCHASE_RECORDED: "A lead bought something; `data.purchase` says what, when and for how much.",
    EventType.REWARD_CREATED: "A reward trigger matched and a reward was recorded.",
    EventType.REWARD_CHANGED: "A reward was approved, rejected, paid, taken back or corrected.",
    EventType.CHANNEL_PAUSED: "A channel was paused: no work is to be done on its leads until it is resumed.",
    EventType.CHANNEL_RESUMED: "A paused channel goes on.",
    EventType.ENDPOINT_DISABLED: "A webhook endpoint was taken out of service; `data.endpoint` says which and why.",
}


class EventActor(msgspec.Struct, frozen=True):
    kind: ActorKind
    id: UUID | None
    face: str


class Event(msgspec.Struct, frozen=True):
    """One event as it is shown. `occurred_at` may have been given by the caller; `recorded_at` is the server's time."""

    id: UUID
    type: EventType
    lead_id: UUID | None
    channel_id: UUID | None
    occurred_at: datetime
    recorded_at: datetime
    actor: EventActor
    data: dict[str, Any]


class Entry(msgspec.Struct, frozen=True):
    """An event with its place in the company's feed."""

    seq: int
    event: Event
