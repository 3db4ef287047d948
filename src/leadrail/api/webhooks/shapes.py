"""What the operations on webhook endpoints take and answer."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.api.leads.shapes import Moment
from leadrail.api.page import Cursor, Limit
from leadrail.core.channels.model import Category
from leadrail.core.events.model import EventType
from leadrail.core.webhooks.commands import MOST_HEADERS
from leadrail.core.webhooks.log import Delivery, Try
from leadrail.core.webhooks.model import Endpoint, EndpointState, EventNames, Format
from leadrail.core.webhooks.queue import DeliveryState

Url = Annotated[str, Meta(max_length=2000)]
Events = Annotated[tuple[EventType, ...], Meta(max_length=100)]
Names = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=300)], ...], Meta(max_length=100)]
Categories = Annotated[tuple[Category, ...], Meta(max_length=20)]
Headers = Annotated[dict[str, str], Meta(max_length=MOST_HEADERS)]


class EndpointBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`events` empty means every event, `channel_id` null every channel that the company may use.

    `event_names`: whether the format `sendpilot` uses the first or the newest names of that vendor's events.
    """

    url: Url
    events: Events = ()
    channel_id: UUID | None = None
    format: Format = Format.NATIVE
    ordered: bool = False
    event_names: EventNames = EventNames.FIRST
    statuses: Names = ()
    categories: Categories = ()
    changed: Names = ()
    headers: Headers = {}


class EndpointPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays. `state` active brings a disabled endpoint back, too."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    channel_id: UUID | None | UnsetType = UNSET
    ordered: bool | UnsetType = UNSET
    event_names: EventNames | UnsetType = UNSET
    statuses: Names | UnsetType = UNSET
    categories: Categories | UnsetType = UNSET
    changed: Names | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    state: Annotated[EndpointState, Meta(description="active or paused")] | UnsetType = UNSET


class ShownEndpoint(msgspec.Struct, frozen=True):
    """An endpoint without its secret and without the values of its headers."""

    id: UUID
    url: str
    events: tuple[str, ...]
    channel_id: UUID | None
    format: Format
    ordered: bool
    event_names: EventNames
    statuses: tuple[str, ...]
    categories: tuple[Category, ...]
    changed: tuple[str, ...]
    header_names: tuple[str, ...]
    state: EndpointState
    disabled_at: datetime | None
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime


class OneEndpoint(ShownEndpoint, frozen=True):
    """An endpoint with what is parked for it."""

    parked: int


class MadeEndpoint(ShownEndpoint, frozen=True):
    """An endpoint, with the new secret that is shown this once (null when the call is repeated)."""

    secret: str | None


class RotatedEndpoint(MadeEndpoint, frozen=True):
    """An endpoint, with the new secret that is shown this once, and how long the old one still signs."""

    previous_secret_until: datetime | None


class TestBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: EventType = EventType.LEAD_STATUS_CHANGED


class DeliveryQuery(msgspec.Struct, frozen=True, kw_only=True):
    state: DeliveryState | None = None
    type: EventType | None = None
    lead: UUID | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class WholeDelivery(Delivery, frozen=True):
    """A delivery with what was sent, while that is kept, and each attempt."""

    payload: Any
    tries: list[Try]


class ReplayBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Deliveries that were made from `since` on and before `until`, in one of these states."""

    since: Moment | None = None
    until: Moment | None = None
    states: Annotated[tuple[DeliveryState, ...], Meta(min_length=1, max_length=3)] = (DeliveryState.PARKED,)


class Replayed(msgspec.Struct, frozen=True):
    """How many deliveries are due again, and how many cannot be since their payload is no longer kept."""

    replayed: int
    without_payload: int


def shown(endpoint: Endpoint) -> ShownEndpoint:
    return ShownEndpoint(**_members(endpoint, ShownEndpoint))


def one(endpoint: Endpoint, parked: int) -> OneEndpoint:
    return OneEndpoint(**_members(endpoint, ShownEndpoint), parked=parked)


def made(endpoint: Endpoint) -> MadeEndpoint:
    return MadeEndpoint(**_members(endpoint, MadeEndpoint))


def rotated(endpoint: Endpoint) -> RotatedEndpoint:
    return RotatedEndpoint(**_members(endpoint, RotatedEndpoint))


def _members(endpoint: Endpoint, type: type[msgspec.Struct]) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in type.__struct_fields__}
