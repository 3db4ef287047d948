"""What is sent and answered for leads."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.api.page import Cursor, Limit
from leadrail.api.problems import Problem
from leadrail.core.channels.model import Category, Duplicates, Named, Requirement
from leadrail.core.engine import Arrival
from leadrail.core.events.model import Event
from leadrail.core.leads.decisions import Basis, Consent, ConsentState
from leadrail.core.leads.fields import NOTE_LIMIT, PERSON_LIMIT
from leadrail.core.leads.model import LeadDocument
from leadrail.core.rewards.model import Reward

Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its offset.")]
MOST_IN_A_BATCH = 1000


class NewLead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lead to be made. `channel_id` may be left out by a key with a default channel."""

    channel_id: UUID | None = None
    status: str | None = None
    status_id: UUID | None = None
    sub_status: str | None = None
    reason: str | None = None
    note: str | None = None
    email: str | None = None
    phone: str | None = None
    linkedin_url: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    title: str | None = None
    company_name: str | None = None
    source: str | None = None
    assignee: str | None = None
    notes: str | None = None
    business_id: str | None = None
    value: Decimal | None = None
    currency: str | None = None
    next_follow_up_at: Moment | None = None
    properties: dict[str, Any] = {}
    attribution: dict[str, Any] = {}
    on_duplicate: Duplicates | None = None


class ArrivedLead(LeadDocument, frozen=True):
    """The new lead, or the one that was there already; `outcome` says which, and what became of it."""

    outcome: Arrival


class FieldPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New values for a lead's fields: what is left out stays, null removes."""

    email: str | None | UnsetType = UNSET
    phone: str | None | UnsetType = UNSET
    linkedin_url: str | None | UnsetType = UNSET
    first_name: str | None | UnsetType = UNSET
    last_name: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    title: str | None | UnsetType = UNSET
    company_name: str | None | UnsetType = UNSET
    source: str | None | UnsetType = UNSET
    assignee: str | None | UnsetType = UNSET
    notes: str | None | UnsetType = UNSET
    business_id: str | None | UnsetType = UNSET
    value: Decimal | None | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    next_follow_up_at: Moment | None | UnsetType = UNSET
    attribution: dict[str, Any] | None | UnsetType = UNSET


class LeadPatch(FieldPatch, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): what is left out stays, null removes. The status has a call of its own."""

    properties: dict[str, Any] = {}


class Move(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be said of any move."""

    status: str | None = None
    status_id: UUID | None = None
    category: Category | None = None
    value: Decimal | None = None
    currency: str | None = None
    reason: str | None = None
    reason_id: UUID | None = None
    note: str | None = None
    sub_status: str | None = None


class StatusChange(Move, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A move. One of `status` (a name), `status_id` or `category` says where to."""

    also_qualified: bool = False
    at: Moment | None = None


class ChannelChange(Move, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A move to another channel of the same company.

    One of `status` (a name), `status_id` or `category` says where to there; without them it is the status of the same
    name, else the first of the same category.
    """

    channel_id: UUID
    drop_properties: bool = False


class BatchedChange(StatusChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    lead_id: UUID


class LeadBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    leads: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MOST_IN_A_BATCH)]


class StatusBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    changes: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MOST_IN_A_BATCH)]


class BatchOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one item: created, updated, attached, changed, unchanged, or refused with its problem."""

    outcome: str
    lead: LeadDocument | None = None
    error: Problem | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    data: list[BatchOutcome | msgspec.Raw]


class Transition(msgspec.Struct, frozen=True):
    """A status that may follow, all that it requires, and what of that the lead does not have yet."""

    status: Named
    requires: tuple[Requirement, ...]
    missing: list[Requirement]


class PlannedDelivery(msgspec.Struct, frozen=True):
    endpoint_id: UUID
    event_type: str


class Preview(msgspec.Struct, frozen=True):
    """What a change would do. Nothing was written."""

    dry_run: bool
    changed: bool
    lead: LeadDocument
    events: tuple[Event, ...]
    rewards: list[Reward]
    deliveries: list[PlannedDelivery]


class NewFollowUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact that was done (`done_at`), planned (`scheduled_at`), and the next one (`next_at`)."""

    done_at: Moment | None = None
    done_by: str | None = None
    scheduled_at: Moment | None = None
    next_at: Moment | None = None
    notes: str | None = None


class NewNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=NOTE_LIMIT)]
    author: Annotated[str, Meta(max_length=PERSON_LIMIT)] | None = None


class NewConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a person's data may be used for a purpose, or no longer."""

    purpose: str
    basis: Basis
    state: ConsentState
    at: Moment | None = None
    source: str | None = None
    proof: str | None = None


class ConsentPage(msgspec.Struct, frozen=True):
    """How it stands with each purpose now, and the ledger, what was recorded last first."""

    current: list[Consent]
    data: list[Consent]
    next_cursor: str | None


class NewPurchase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`trigger_ids` names the reward triggers that may pay for it; null leaves it to every purchase trigger."""

    name: str | None = None
    description: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    at: Moment | None = None
    trigger_ids: Annotated[tuple[UUID, ...], Meta(max_length=100)] | None = None


Fields = Annotated[str, Meta(max_length=1000, description="Members of a lead, joined by commas; the id comes anyway.")]
Words = Annotated[str, Meta(max_length=500, description="Words of the name, company, e-mail, phone and notes.")]
Sort = Annotated[str, Meta(max_length=40, description="A member to sort by, `-` before it for downwards.")]


class LeadFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which leads; one that is given holds for all of them."""

    channel: UUID | None = None
    status: str | None = None
    category: Category | None = None
    email: str | None = None
    phone: str | None = None
    business_id: str | None = None
    source: str | None = None
    assignee: str | None = None
    created_from: Moment | None = None
    created_before: Moment | None = None
    updated_from: Moment | None = None
    updated_before: Moment | None = None
    value_from: Decimal | None = None
    value_to: Decimal | None = None


class NestedFilter(LeadFilter, frozen=True, kw_only=True):
    """`where` is the filter of a search, nested as that may be."""

    where: dict[str, Any] | None = None


class LeadQuery(LeadFilter, frozen=True, kw_only=True):
    q: Words | None = None
    view: Annotated[UUID, Meta(description="A saved view, whose filter holds beside the others.")] | None = None
    sort: Sort | None = None
    fields: Fields | None = None
    count: Annotated[bool, Meta(description="Whether to count the list.")] = False
    limit: Limit = 50
    cursor: Cursor | None = None


class LeadSearch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for. A `filter` is nested as deep as eight levels and has at most 50 conditions and groups."""

    filter: dict[str, Any] = {}
    q: Words | None = None
    sort: Annotated[tuple[Sort, ...], Meta(max_length=1)] = ()
    fields: Annotated[tuple[str, ...], Meta(max_length=50)] = ()
    count: bool = False
    limit: Limit = 50
    cursor: Cursor | None = None


class PageOfLeads(msgspec.Struct, frozen=True, omit_defaults=True):
    """One page of a list; `next_cursor` null is the last. `count` only where it was asked for."""

    data: list[LeadDocument | msgspec.Raw]
    next_cursor: str | None
    count: int | None = None
    count_is_estimate: bool | None = None


class ExportFormat(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"


class ExportQuery(LeadFilter, frozen=True, kw_only=True):
    format: ExportFormat = ExportFormat.CSV
    history: Annotated[bool, Meta(description="The events of these leads in place of the leads.")] = False
    view: Annotated[UUID, Meta(description="A saved view, whose filter holds beside the others.")] | None = None


class ExportBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which leads; with `history` their events in place of them."""

    filter: dict[str, Any] = {}
    format: ExportFormat = ExportFormat.CSV
    history: bool = False


class ReverseQuery(msgspec.Struct, frozen=True):
    """Taking a move back asks for nothing more."""


class DryRunQuery(msgspec.Struct, frozen=True):
    dry_run: bool = False
