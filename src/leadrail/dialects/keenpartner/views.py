"""Leads, channels and purchases as KeenPartner shows them (contract sections 3 and 4)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from msgspec import UNSET
from msgspec.structs import replace

from leadrail.core.channels import model as channels
from leadrail.core.channels.model import Property, Role
from leadrail.core.leads import model as leads
from leadrail.core.leads.decisions import Purchase
from leadrail.core.leads.model import called
from leadrail.dialects.keenpartner import wire
from leadrail.dialects.keenpartner.mapping import REFERRED_BY, shortest, whole_number
from leadrail.dialects.keenpartner.wire import Definition, FullLead, Lead, MovedLead, NamedStatus, PropertyValue
from leadrail.kit.clock import with_milliseconds

VENDOR = "keenpartner"
LEGACY = "keenpartner_legacy"
"""What the ids of a channel, and the integer ids of leads, that were once the vendor's are filed under."""


# Leads


def nested(lead: leads.Lead, channel: channels.Channel) -> Lead:
    """What `create_lead` answers, and the first `get_leads` for each lead."""
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
        channels_id=channel.called(VENDOR),
        property_values=_property_values(lead, channel) if lead.properties else [],
    )


def bare(lead: leads.Lead, channel: channels.Channel) -> Lead:
    """What `lead_external` answers."""
    return replace(nested(lead, channel), property_values=UNSET)


def numbered(lead: leads.Lead, channel: channels.Channel) -> Lead:
    """What `get_lead_by_legacy_id` answers."""
    return replace(nested(lead, channel), legacy_id=legacy_id(lead, channel))


def legacy_id(lead: leads.Lead, channel: channels.Channel) -> int | None:
    """The integer by which the vendor's clients know a lead: the one it had there, else its number here.

    None where the lead or its channel came from the vendor without one: its number here is another lead's there.
    """
    if (there := whole_number(called(lead.attribution, LEGACY))) is not None:
        return there
    came = VENDOR in channel.aliases or called(lead.attribution, VENDOR) is not None
    return None if came else lead.number


def full(lead: leads.Lead, channel: channels.Channel) -> FullLead:
    """What `get_lead_by_id` and `update_lead` answer."""
    status = channel.status_by_id[lead.status_id]
    return FullLead(
        id=lead.id,
        email=lead.email,
        first_name=lead.first_name,
        last_name=lead.last_name,
        phone=lead.phone,
        company_name=lead.company_name,
        source=lead.source,
        referring_employee=employee_in(lead.attribution),
        business_id=lead.business_id,
        notes=lead.notes,
        channels_id=channel.called(VENDOR),
        lead_status_id=status.id,
        lead_status=NamedStatus(status.id, status.name),
        status=status.name,
        created_at=with_milliseconds(lead.created_at),
        property_values=_property_values(lead, channel),
    )


def flat(lead: leads.Lead, channel: channels.Channel) -> dict[str, Any]:
    """What the newest `get_leads` answers for each lead. A property that is called like a member gives way to it."""
    standard = {
        "id": lead.id,
        "email": lead.email,
        "first_name": lead.first_name,
        "last_name": lead.last_name,
        "phone": lead.phone,
        "company_name": lead.company_name,
        "source": lead.source,
        "referring_employee": employee_in(lead.attribution),
        "business_id": lead.business_id,
        "notes": lead.notes,
        "created_at": with_milliseconds(lead.created_at),
        "status": channel.status_by_id[lead.status_id].name,
    }
    named = leads.named_properties(lead, channel)
    return standard | {name: text(value) for name, value in named.items() if name not in standard}


def moved(lead: leads.Lead, channel: channels.Channel) -> MovedLead:
    """What `update_status` answers; `status` is the new name (the page's sample has the old one beside the new id)."""
    return MovedLead(
        id=lead.id,
        created_at=with_milliseconds(lead.created_at),
        email=lead.email,
        first_name=lead.first_name,
        last_name=lead.last_name,
        status=channel.status_by_id[lead.status_id].name,
        lead_status_id=lead.status_id,
        channels_id=channel.called(VENDOR),
    )


def _property_values(lead: leads.Lead, channel: channels.Channel) -> list[PropertyValue]:
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
    return str(shortest(value) if isinstance(value, float) else value)


# Channels


def channel(one: channels.Channel) -> wire.Channel:
    """What `get_channels` answers for each channel."""
    return wire.Channel(
        id=one.called(VENDOR),
        title=one.title,
        created_at=with_milliseconds(one.created_at),
        referring_id=one.member_with(Role.REFERRING),
        receiving_id=one.member_with(Role.RECEIVING),
        creator=one.company_id,
        partner_companies_id=one.member_with(Role.PARTNER) or UNSET,
        currency=one.currency,
        no_auth_api=one.public_submissions,
        property_definitions=[
            wire.ChannelProperty(known.id, known.name, known.type, known.position, known.visible)
            for known in one.current_properties
        ],
        lead_status=[
            wire.ChannelStatus(known.id, known.name, known.position, known.visible, known.color)
            for known in one.current_statuses
        ],
    )


# Purchases


def purchase(lead_id: UUID, made: Purchase) -> wire.Purchase:
    """What the newest `create_purchase` answers, and the first `create_purchase_custom`."""
    return wire.Purchase(
        id=made.id,
        created_at=with_milliseconds(made.created_at),
        leads_id=lead_id,
        name=made.name,
        description=made.description,
        purchase_amount=made.amount,
        date=_shortest(made.purchased_at),
    )


def first_purchase(lead_id: UUID, made: Purchase, product_id: str | None) -> wire.FirstPurchase:
    """What the first `create_purchase` answers."""
    return wire.FirstPurchase(
        id=made.id,
        created_at=with_milliseconds(made.created_at),
        leads_id=lead_id,
        products_id=product_id,
        purchase_amount=made.amount,
        date=with_milliseconds(made.purchased_at),
        description=made.description,
    )


def _shortest(moment: datetime) -> str:
    """A whole second is written without milliseconds, as in the newest sample."""
    return with_milliseconds(moment).replace(".000Z", "Z")
