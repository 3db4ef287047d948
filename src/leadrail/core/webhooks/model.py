"""Endpoints and deliveries, and which endpoint hears which event."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Channel
from leadrail.core.events.model import EventType


class Format(StrEnum):
    NATIVE = "native"
    KEENPARTNER = "keenpartner"
    SENDPILOT = "sendpilot"


class EventNames(StrEnum):
    """By which of its vendor's names an endpoint of a dialect format hears of an event."""

    FIRST = "first"
    NEWEST = "newest"


class EndpointState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class Endpoint(msgspec.Struct, frozen=True):
    """Where webhooks go. `events` empty means every type; `channel_id` None means every channel it may hear."""

    id: UUID
    company_id: UUID
    url: str
    events: tuple[str, ...]
    channel_id: UUID | None
    format: Format
    ordered: bool
    state: EndpointState
    secret: str
    created_at: datetime
    event_names: EventNames


class Subscription(msgspec.Struct, frozen=True):
    """What the write path has to know of an endpoint."""

    endpoint_id: UUID
    company_id: UUID
    events: tuple[str, ...]
    channel_id: UUID | None

    def hears(self, type: EventType, channel: Channel) -> bool:
        if self.events and type not in self.events:
            return False
        return self.channel_id is None or self.channel_id == channel.id
