"""What KeenPartner's clients send and get (contract sections 3, 4.5 and 4.7).

Each request is one struct tagged by its `action`. A null is an absence and an unknown member is passed over, as
with the vendor; the ids are read by `mapping`, because an empty one is an absent one too.
"""

from typing import Any
from uuid import UUID

import msgspec

PropertyText = str | int | float | bool | list[Any] | dict[str, Any]


class GivenProperty(msgspec.Struct, frozen=True):
    property_definitions_id: UUID
    value: PropertyText


class CreateLead(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="create_lead"):
    channel_id: str | None = None
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


class UpdateStatus(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="update_status"):
    lead_id: str | None = None
    status: str | None = None
    old_status_id: str | None = None


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
    """The nested form of section 4.5, in the order of its sample."""

    id: UUID
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
    channels_id: UUID
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
    channels_id: UUID


class LeadAnswer(msgspec.Struct, frozen=True):
    lead: Lead | MovedLead


class Failure(msgspec.Struct, frozen=True):
    error: str
