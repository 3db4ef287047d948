"""What a command comes to, before it is written down."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Status
from leadrail.core.events.model import EventType
from leadrail.core.leads.model import Lead


class Purchase(msgspec.Struct, frozen=True):
    id: UUID
    name: str | None
    description: str | None
    amount: Decimal | None
    currency: str | None
    purchased_at: datetime
    created_at: datetime


class Fact(msgspec.Struct, frozen=True):
    """Something that happened, before it has a place in the feed.

    `data` is of the shape that the catalogue gives its type. `id` is the one that its event is to have, where something
    must know it beforehand. `trigger_ids` are the reward triggers that a purchase names, None when it names none.
    """

    type: EventType
    data: Mapping[str, Any]
    at: datetime
    from_status: Status | None = None
    to_status: Status | None = None
    purchase: Purchase | None = None
    trigger_ids: frozenset[UUID] | None = None
    id: UUID | None = None


class FollowUp(msgspec.Struct, frozen=True):
    id: UUID
    scheduled_at: datetime | None
    followed_up_at: datetime | None
    followed_up_by: str | None
    notes: str | None
    created_by: str | None
    created_at: datetime


class Note(msgspec.Struct, frozen=True):
    id: UUID
    text: str
    author: str | None
    created_at: datetime


class Basis(StrEnum):
    """The grounds on which a person's data may be used (GDPR, article 6)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTEREST = "vital_interest"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTEREST = "legitimate_interest"


class ConsentState(StrEnum):
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class Consent(msgspec.Struct, frozen=True):
    """That a person's data may be used for a purpose, or no longer, from when on and on which ground."""

    id: UUID
    purpose: str
    basis: Basis
    state: ConsentState
    at: datetime
    source: str | None
    proof: str | None
    recorded_at: datetime


class Decision(msgspec.Struct, frozen=True):
    """What a command comes to: the lead after it and the facts, oldest first. No facts: nothing is
    told, and nothing changes but marks of the product's own.
    """

    lead: Lead
    facts: tuple[Fact, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    purchase: Purchase | None = None
    note: Note | None = None
    consent: Consent | None = None
