"""What an event is, and of which types there are."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.actor import ActorKind


class EventType(StrEnum):
    LEAD_CREATED = "lead.created"
    LEAD_UPDATED = "lead.updated"
    LEAD_ATTACHED = "lead.attached"
    LEAD_STATUS_CHANGED = "lead.status_changed"
    LEAD_MOVED = "lead.moved"
    LEAD_LEFT = "lead.left"
    LEAD_ERASED = "lead.erased"
    LEADS_ASSIGNED = "leads.assigned"
    NOTE_ADDED = "note.added"
    CONSENT_RECORDED = "consent.recorded"
    FOLLOW_UP_RECORDED = "follow_up.recorded"
    FOLLOW_UP_DUE = "follow_up.due"
    FOLLOW_UP_OVERDUE = "follow_up.overdue"
    PURCHASE_RECORDED = "purchase.recorded"
    REWARD_CREATED = "reward.created"
    REWARD_CHANGED = "reward.changed"
    CHANNEL_PAUSED = "channel.paused"
    CHANNEL_RESUMED = "channel.resumed"
    ENDPOINT_DISABLED = "endpoint.disabled"


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
    data: Mapping[str, Any]


class Entry(msgspec.Struct, frozen=True):
    """An event with its place in the company's feed."""

    seq: int
    event: Event
