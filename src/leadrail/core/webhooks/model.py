"""Endpoints and deliveries, and which endpoint hears which event."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Category, Channel
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
    PAUSED = "paused"
    DISABLED = "disabled"


class Endpoint(msgspec.Struct, frozen=True):
    """Where webhooks go. `events` empty means every type; `channel_id` None means every channel it may hear.

    `statuses` (names or ids) and `categories` narrow the events that have a target status, `changed` the updates.
    `previous_secret` signs too until `previous_secret_until`. `failing_since` is None while it takes deliveries.
    """

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
    statuses: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    changed: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    previous_secret: str | None = None
    previous_secret_until: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    failing_since: datetime | None = None

    @property
    def header_names(self) -> tuple[str, ...]:
        return tuple(self.headers)


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
