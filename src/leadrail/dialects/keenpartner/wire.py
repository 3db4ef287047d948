"""What KeenPartner's clients send and get (contract sections 3 and 4).

Each request is one struct tagged by its `action`. A null is an absence and an unknown member is passed over, as
with the vendor; the ids are read by `mapping`, because an empty one is an absent one too.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

# Requests

PropertyText = str | int | float | bool | list[Any] | dict[str, Any]


class GivenProperty(msgspec.Struct, frozen=True):
    property_definitions_id: UUID
    value: PropertyText


class GivenLead(msgspec.Struct, frozen=True, kw_only=True):
    """The members of every request that writes a lead's own values."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    company_name: str | None = None
    source: str | None = None
    employee: str | None = None
    referring_employee: str | None = None
    notes: str | None = None
    business_id: str | None = None
    properties: list[GivenProperty] | None = None


class CreateLead(GivenLead, frozen=True, kw_only=True, tag_field="action", tag="create_lead"):
    channel_id: str | None = None


class LeadExternal(CreateLead, frozen=True, kw_only=True, tag="lead_external"):
    pass


class UpdateLead(GivenLead, frozen=True, kw_only=True, tag_field="action", tag="update_lead"):
    lead_id: str | None = None


class UpdateStatus(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="update_status"):
    lead_id: str | None = None
    status: str | None = None
    old_status_id: str | None = None


class UpdateStatusId(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="update_status_id"):
    lead_id: str | None = None
    status_id: str | None = None
    old_status_id: str | None = None


class CreatePurchase(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="create_purchase"):
    """`product_id` and `description` are the first pages' members, the `product_…` texts those of the newest."""

    lead_id: str | None = None
    product_id: str | None = None
    product_name: str | None = None
    product_description: str | None = None
    description: str | None = None
    purchase_amount: Decimal | None = None
    date: str | None = None
    trigger_ids: list[UUID] | None = None


class CreatePurchaseCustom(CreatePurchase, frozen=True, kw_only=True, tag="create_purchase_custom"):
    pass


class GetChannels(msgspec.Struct, frozen=True, tag_field="action", tag="get_channels"):
    pass


class GetLeads(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="get_leads"):
    channel_id: str | None = None


class GetLeadById(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="get_lead_by_id"):
    lead_id: str | None = None


class GetLeadByLegacyId(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="get_lead_by_legacy_id"):
    legacy_id: Any = None


# Answers


class Definition(msgspec.Struct, frozen=True):
    """A webhook knows a property by its name only: there `id` and `type` are null."""

    id: UUID | None
    name: str
    type: str | None


class PropertyValue(msgspec.Struct, frozen=True):
    id: UUID | None
    value: str
    property_definitions_id: UUID | None
    property_definitions: Definition


class Lead(msgspec.Struct, frozen=True, kw_only=True):
    """The nested form of section 4.5, in the order of its sample.

    `legacy_id` is shown where a lead is asked for by it, `property_values` everywhere but to a public form.
    """

    id: UUID
    legacy_id: int | UnsetType = UNSET
    created_at: str
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    company_name: str | None
    source: str | None
    employee: str | None
    status: str
    lead_status_id: UUID
    notes: str | None
    business_id: str | None
    channels_id: str
    property_values: list[PropertyValue] | UnsetType = UNSET


class NamedStatus(msgspec.Struct, frozen=True):
    id: UUID
    status: str


class FullLead(msgspec.Struct, frozen=True, kw_only=True):
    """The form of section 4.3, in the order of its sample."""

    id: UUID
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    company_name: str | None
    source: str | None
    referring_employee: str | None
    business_id: str | None
    notes: str | None
    channels_id: str
    lead_status_id: UUID
    lead_status: NamedStatus
    status: str
    created_at: str
    property_values: list[PropertyValue]


class MovedLead(msgspec.Struct, frozen=True, kw_only=True):
    """The short form of section 4.7, in the order of its sample."""

    id: UUID
    created_at: str
    email: str | None
    first_name: str | None
    last_name: str | None
    status: str
    lead_status_id: UUID
    channels_id: str


class LeadAnswer(msgspec.Struct, frozen=True):
    lead: Lead | FullLead | MovedLead


class LeadsAnswer(msgspec.Struct, frozen=True):
    leads: list[Lead]


class ChannelProperty(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    type: str
    order: int
    visible: bool


class ChannelStatus(msgspec.Struct, frozen=True):
    id: UUID
    status: str
    order: int
    visible: bool
    color: str


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """Section 4.1, in the order of its sample; `partner_companies_id` is left out when there is no partner."""

    id: str
    title: str
    created_at: str
    referring_id: UUID | None
    receiving_id: UUID | None
    creator: UUID
    partner_companies_id: UUID | UnsetType = UNSET
    currency: str | None
    no_auth_api: bool
    property_definitions: list[ChannelProperty]
    lead_status: list[ChannelStatus]


class ChannelsAnswer(msgspec.Struct, frozen=True):
    channels: list[Channel]


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    """Section 4.8 in its newest form, and in that of the first `create_purchase_custom`."""

    id: UUID
    created_at: str
    leads_id: UUID
    name: str | None
    description: str | None
    purchase_amount: Decimal | None
    date: str


class FirstPurchase(msgspec.Struct, frozen=True, kw_only=True):
    """Section 4.8 in the first form of `create_purchase`."""

    id: UUID
    created_at: str
    leads_id: UUID
    products_id: str | None
    purchase_amount: Decimal | None
    date: str
    description: str | None


class PurchaseAnswer(msgspec.Struct, frozen=True):
    purchase: Purchase | FirstPurchase


class Failure(msgspec.Struct, frozen=True):
    error: str
