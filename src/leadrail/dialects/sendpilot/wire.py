"""What SendPilot's clients send and get (contract sections 1 and 4 to 7). A null is an absence."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.kit.http import Request
from leadrail.kit.wire import QueryReader

T = TypeVar("T")

MOST_LEADS = 1_000

PageNumber = Annotated[int, Meta(ge=1, le=1_000_000_000)]
PageLimit = Annotated[int, Meta(ge=1, le=100)]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """Members are spelled as JavaScript does."""


def query_reader(type: type[T]) -> Callable[[Request], T]:
    """Reads queries into the struct; unknown names and blank values are passed over. Raises BadInput."""
    read = QueryReader(type)
    names = {field.encode_name for field in msgspec.structs.fields(type)}  # type: ignore[arg-type]  # T is a struct
    return lambda request: read([(name, value) for name, value in request.query() if name in names and value])


class Paging(_Shape, frozen=True, kw_only=True):
    total: int
    page: int
    limit: int
    total_pages: int

    @classmethod
    def of(cls, total: int, page: int, limit: int) -> "Paging":
        return cls(total=total, page=page, limit=limit, total_pages=-(-total // limit))


# Leads


class LeadsQuery(_Shape, frozen=True, kw_only=True):
    campaign_id: str | None = None
    status: str | None = None
    page: PageNumber = 1
    limit: PageLimit = 50
    full: bool = False


class LeadQuery(_Shape, frozen=True, kw_only=True):
    full: bool = False


class Lead(_Shape, frozen=True, kw_only=True):
    id: str
    linkedin_url: str | None
    status: str
    first_name: str | None
    last_name: str | None
    title: str | None
    company: str | None
    campaign_id: str
    created_at: str
    updated_at: str


class FullLead(Lead, frozen=True, kw_only=True):
    """With `full`: the members of the newest generation too."""

    about: str | None
    connection_count: int | None
    custom_lead_status: str | None
    data: dict[str, Any]
    email: str | None
    follower_count: int | None
    industry: str | None
    is_open_profile: bool | None
    is_premium: bool | None
    location: str | None
    profile_picture_url: str | None
    sender_id: str | None
    website: str | None


class LeadList(_Shape, frozen=True, kw_only=True):
    leads: list[Lead]
    pagination: Paging


class NewLeads(_Shape, frozen=True, kw_only=True):
    """The entries stay raw: one that cannot be read must not stop the others."""

    campaign_id: str | None = None
    leads: list[msgspec.Raw] | None = None


class NewLead(_Shape, frozen=True, kw_only=True):
    """The known members of an entry; every other one is a custom field."""

    linkedin_url: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    title: str | None = None
    custom_fields: dict[str, Any] | None = None


class EntryFault(_Shape, frozen=True, kw_only=True):
    index: int
    linkedin_url: str | None
    message: str


class NewLeadsAnswer(_Shape, frozen=True, kw_only=True):
    success: bool
    leads_added: int
    duplicates_skipped: int
    invalid_entries: int
    errors: list[EntryFault] | UnsetType = UNSET


# Lead status


class CustomLeadStatus(StrEnum):
    """The newest generation's label of a lead, beside its status."""

    LEAD = "LEAD"
    INTERESTED = "INTERESTED"
    MEETING_BOOKED = "MEETING_BOOKED"
    MEETING_COMPLETE_NOT_CLOSED = "MEETING_COMPLETE_NOT_CLOSED"
    CLOSED = "CLOSED"
    WRONG_PERSON = "WRONG_PERSON"
    NOT_INTERESTED = "NOT_INTERESTED"
    NO_RESPONSE = "NO_RESPONSE"


class StatusPatch(_Shape, frozen=True, kw_only=True):
    status: str | None = None
    custom_lead_status: str | None = None
    note: str | None = None


class StatusAnswer(_Shape, frozen=True, kw_only=True):
    """The members of both published shapes: the first five of the oldest, then those of the newer ones."""

    id: str
    linkedin_url: str | None
    previous_status: str
    status: str
    updated_at: str
    success: bool
    lead_id: str
    message: str


# Campaigns


class CampaignsQuery(_Shape, frozen=True, kw_only=True):
    status: str = "all"
    page: PageNumber = 1
    limit: PageLimit = 20


class Campaign(_Shape, frozen=True, kw_only=True):
    id: str
    name: str
    status: str
    total_leads: int
    created_at: str
    updated_at: str
    linked_in_sender_ids: tuple[str, ...] = ()


class Metrics(_Shape, frozen=True, kw_only=True):
    connections_sent: int
    connections_accepted: int
    messages_sent: int
    replies_received: int


class WholeCampaign(Campaign, frozen=True, kw_only=True):
    """One campaign: the first generation's `metrics`, and the newest one's flat counters."""

    metrics: Metrics
    description: str | None
    type: str
    connections_sent: int
    messages_sent: int
    replies_received: int
    leads_contacted: int


class CampaignList(_Shape, frozen=True, kw_only=True):
    """Both published envelopes in one: `data` spells the status in capitals, `campaigns` does not."""

    data: list[Campaign]
    meta: Paging
    campaigns: list[Campaign]
    pagination: Paging


class Action(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"


class ActionPatch(_Shape, frozen=True, kw_only=True):
    action: str | None = None


class ActionAnswer(_Shape, frozen=True, kw_only=True):
    success: bool
    campaign_id: str
    action: Action
    new_status: str
    message: str


# Workspace


class Key(_Shape, frozen=True, kw_only=True):
    id: str
    name: str
    scopes: list[str]
    expires_at: str | None
    created_at: str
    rate_limit: None = None


class Workspace(_Shape, frozen=True, kw_only=True):
    id: str
    name: str


class Subscription(_Shape, frozen=True, kw_only=True):
    status: str
    plan: str
    current_period_end: None = None


class Me(_Shape, frozen=True, kw_only=True):
    api_key: Key
    workspace: Workspace
    subscription: Subscription
    missing_scopes: list[str]


class GlobalCredits(_Shape, frozen=True, kw_only=True):
    balance: int
    used: int
    remaining: int


class LeadDatabaseCredits(_Shape, frozen=True, kw_only=True):
    quota: int
    used: int
    remaining: int


class Credits(_Shape, frozen=True, kw_only=True):
    """The members of both published shapes, the newest first."""

    available: int
    subscription: int
    purchased: int
    used: int
    next_reset_date: str | None
    global_credits: GlobalCredits
    lead_database: LeadDatabaseCredits


class Failure(msgspec.Struct, frozen=True, rename="camel"):
    status_code: int
    message: str
    error: str
