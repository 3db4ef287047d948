"""Endpoints and deliveries, and which endpoint hears which event."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, TypedDict
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Category, Channel, Status, StatusRef
from leadrail.core.events.model import EventType
from leadrail.core.leads.decisions import Fact
from leadrail.kit.ids import parse_id


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


class Why(StrEnum):
    """Why an endpoint was taken out of service: it answered 410, or nothing got through for five days."""

    GONE = "gone"
    FAILING = "failing"


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


class EndpointTold(TypedDict):
    """An endpoint as the event of its end names it."""

    id: UUID
    url: str
    reason: Why
    failing_since: datetime


class EndpointDisabledData(TypedDict):
    """`data` of endpoint.disabled."""

    endpoint: EndpointTold


class Subscription(msgspec.Struct, frozen=True, dict=True):
    """What the write path has to know of an endpoint.

    A filter narrows the events that it can speak of: `statuses` (names or ids) and `categories` those that lead to a
    status, `changed` (names of fields and properties) those that tell what was edited. An empty one narrows nothing.
    """

    endpoint_id: UUID
    company_id: UUID
    events: tuple[str, ...]
    channel_id: UUID | None
    statuses: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    ordered: bool = False

    def hears(self, fact: Fact, channel: Channel) -> bool:
        if self.events and fact.type not in self.events:
            return False
        if self.channel_id is not None and self.channel_id != channel.id:
            return False
        if fact.to_status is not None:
            return self._hears_of(fact.to_status, channel)
        return not self.changed or fact.type is not EventType.LEAD_UPDATED or self._hears_of_edit(fact)

    def _hears_of(self, status: Status, channel: Channel) -> bool:
        if self.categories and status.category not in self.categories:
            return False
        return not self.statuses or any(_means(name, status, channel) for name in self._statuses)

    def _hears_of_edit(self, fact: Fact) -> bool:
        changed: dict[str, Any] = fact.data.get("changed", {})
        return not {*changed, *changed.get("properties", ())}.isdisjoint(self.changed)

    @cached_property
    def _statuses(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.statuses)


def _means(name: str, status: Status, channel: Channel) -> bool:
    """Whether a status is meant by a case-folded name or id, one of former times too."""
    id = parse_id(name)
    meant = channel.find_status(StatusRef(id=id)) if id is not None else None
    return (meant is not None and meant.id == status.id) or channel.is_called(status, name)
