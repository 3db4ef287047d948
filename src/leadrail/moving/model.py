"""What a reader gets out of a vendor's account, in neutral records. An `id` is always the one that the vendor gave."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from leadrail.core.channels.commands import NewProperty, NewStatus
from leadrail.core.channels.model import Category
from leadrail.core.leads.commands import Contact, Step

Place = dict[str, Any]
"""How far a reader has come, in its own words; JSON."""

LARGEST_NUMBER = 10**15
"""From here on a number is none that a client can have kept, and all later ones would have to lie above it."""


class Missing(msgspec.Struct, frozen=True):
    """Something that could not come, or not as it was. `id` is None for what no lead or channel of its own has."""

    kind: str
    id: str | None
    why: str


class SourceReason(msgspec.Struct, frozen=True):
    number: int
    text: str


class SourceSubStatus(msgspec.Struct, frozen=True):
    category: Category
    name: str


class SourceChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as the vendor has it. `statuses` empty: those of the template. `form_id`: how public forms call it."""

    id: str
    title: str
    template: str
    currency: str | None = None
    statuses: tuple[NewStatus, ...] = ()
    properties: tuple[NewProperty, ...] = ()
    public_submissions: bool = False
    form_id: UUID | None = None
    is_paused: bool = False
    created_at: datetime | None = None


class SourceLead(msgspec.Struct, frozen=True, kw_only=True):
    """A lead as the vendor has it, its members named as in CreateLead.

    `lead_id` is the vendor's own id when it is a UUID, and so can be the lead's here. The statuses of `steps` are named
    by id and name, or by name and category: one that the channel lacks is added.
    """

    id: str
    channel: str
    lead_id: UUID | None = None
    number: int | None = None
    fields: Mapping[str, Any] = {}
    properties: Mapping[str, Any] = {}
    attribution: Mapping[str, Any] = {}
    steps: tuple[Step, ...]
    contacts: tuple[Contact, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds beside its leads. `total`: how many leads it says it has."""

    channels: tuple[SourceChannel, ...]
    reasons: tuple[SourceReason, ...] = ()
    sub_statuses: tuple[SourceSubStatus, ...] = ()
    not_offered: tuple[Missing, ...] = ()
    total: int | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some leads, and the place behind them. `missing` are those that could not be understood."""

    leads: tuple[SourceLead, ...]
    place: Place
    missing: tuple[Missing, ...] = ()
    total: int | None = None


class Reader(Protocol):
    """One vendor's account."""

    async def inventory(self) -> Inventory: ...

    def pages(self, inventory: Inventory, place: Place) -> AsyncIterator[Page]:
        """The leads from a place on; `{}` is the start."""
        ...


class Options(msgspec.Struct, frozen=True):
    """What the user says of an account whose vendor has no channels or names no currency."""

    channel_title: str | None = None
    currency: str | None = None
