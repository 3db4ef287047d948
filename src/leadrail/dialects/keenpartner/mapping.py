"""KeenPartner's requests as commands, and leads as KeenPartner shows them (contract sections 3 and 4)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Channel, Property, StatusRef
from leadrail.core.errors import Code, refuse
from leadrail.core.leads import commands, model
from leadrail.dialects.keenpartner.wire import (
    CreateLead,
    Definition,
    Lead,
    MovedLead,
    PropertyText,
    PropertyValue,
    UpdateStatus,
)
from leadrail.kit.clock import with_milliseconds
from leadrail.kit.ids import new_id, parse_id

REFERRED_BY = "referred_by"
"""The member of a lead's attribution that holds the employee."""

_FIELDS = ("email", "first_name", "last_name", "phone", "company_name", "source", "notes", "business_id")


# Requests


def creation(actor: Actor, asked: CreateLead) -> commands.CreateLead:
    """Raises Refused (`channel_required`, `invalid`)."""
    if not asked.channel_id:
        raise refuse(Code.CHANNEL_REQUIRED, "channel_id required")
    return commands.CreateLead(
        actor=actor,
        channel_id=_id(asked.channel_id, "channel_id"),
        lead_id=new_id(),
        fields=_fields(asked),
        properties={str(one.property_definitions_id): _storable(one.value) for one in asked.properties or ()},
    )


def _fields(asked: CreateLead) -> dict[str, Any]:
    given = {name: value for name in _FIELDS if (value := getattr(asked, name)) is not None}
    if employee := asked.employee or asked.referring_employee:
        given["attribution"] = {REFERRED_BY: employee}
    return given


def _storable(value: PropertyText) -> str | int | float | bool:
    """Objects and lists are kept as their JSON text. Source: contract section 4.6."""
    return msgspec.json.encode(value).decode() if isinstance(value, list | dict) else value


def change_of_status(actor: Actor, asked: UpdateStatus) -> commands.ChangeStatus:
    """Raises Refused (`invalid`)."""
    if not asked.lead_id or not asked.status:
        raise refuse(Code.INVALID, "lead_id and status required")
    old = _id(asked.old_status_id, "old_status_id") if asked.old_status_id else None
    return commands.ChangeStatus(
        actor=actor,
        lead_id=_id(asked.lead_id, "lead_id"),
        # The name and nothing else: this vendor's words are each channel's own, no category stands behind them.
        status=StatusRef(name=asked.status),
        context={"old_status_id": old} if old else {},
    )


def _id(text: str, name: str) -> UUID:
    if (id := parse_id(text)) is None:
        raise refuse(Code.INVALID, f"{name} is not a UUID")
    return id


# Answers


def whole(lead: model.Lead, channel: Channel) -> Lead:
    """What `create_lead` answers."""
    return Lead(
        id=lead.id,
        created_at=with_milliseconds(lead.created_at),
        email=lead.email,
        first_name=lead.first_name,
        last_name=lead.last_name,
        phone=lead.phone,
        company_name=lead.company_name,
        source=lead.source,
        employee=employee_in(lead.attribution),
        status=channel.status_by_id[lead.status_id].name,
        lead_status_id=lead.status_id,
        notes=lead.notes,
        business_id=lead.business_id,
        channels_id=lead.channel_id,
        property_values=_property_values(lead, channel) if lead.properties else [],
    )


def moved(lead: model.Lead, channel: Channel) -> MovedLead:
    """What `update_status` answers; `status` is the new name (the page's sample has the old one beside the new id)."""
    return MovedLead(
        id=lead.id,
        created_at=with_milliseconds(lead.created_at),
        email=lead.email,
        first_name=lead.first_name,
        last_name=lead.last_name,
        status=channel.status_by_id[lead.status_id].name,
        lead_status_id=lead.status_id,
        channels_id=lead.channel_id,
    )


def _property_values(lead: model.Lead, channel: Channel) -> list[PropertyValue]:
    values = lead.properties
    return [
        _property_value(lead.id, definition, values[key])
        for definition in channel.current_properties
        if (key := str(definition.id)) in values
    ]


def _property_value(lead_id: UUID, definition: Property, value: Any) -> PropertyValue:
    # Values have no rows of their own here: the same lead and definition always give the same id.
    return PropertyValue(
        id=uuid5(lead_id, str(definition.id)),
        value=text(value),
        property_definitions_id=definition.id,
        property_definitions=Definition(definition.id, definition.name, definition.type),
    )


def employee_in(attribution: Mapping[str, Any]) -> str | None:
    """The employee that an attribution names. Other faces may have put anything there; only a text is one."""
    employee = attribution.get(REFERRED_BY)
    return employee if isinstance(employee, str) else None


def text(value: Any) -> str:
    """A property value as this vendor shows it: always a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
