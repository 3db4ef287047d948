"""KeenPartner's webhook bodies (contract section 6): the lead, and for a change of status its new name beside it.

The vendor documents no headers and no signature, so none are added to those of Standard Webhooks.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.dialects.keenpartner.views import employee_in, text
from leadrail.dialects.keenpartner.wire import Definition, Lead, PropertyValue
from leadrail.kit.clock import with_milliseconds


class NewLead(msgspec.Struct, frozen=True):
    lead: Lead


class StatusUpdate(msgspec.Struct, frozen=True):
    lead: Lead
    status: str


def body(event: dict[str, Any]) -> bytes | None:
    """The body for a stored event; None for a type that this vendor never sends."""
    if event["type"] == "lead.created":
        return msgspec.json.encode(NewLead(_lead(event["data"])))
    if event["type"] in ("lead.status_changed", "lead.moved"):
        return msgspec.json.encode(StatusUpdate(_lead(event["data"]), event["data"]["to"]["name"]))
    return None


def _lead(data: dict[str, Any]) -> Lead:
    lead, to = data["lead"], data["to"]
    return Lead(
        id=UUID(lead["id"]),
        created_at=with_milliseconds(datetime.fromisoformat(lead["created_at"])),
        email=lead["email"],
        first_name=lead["first_name"],
        last_name=lead["last_name"],
        phone=lead["phone"],
        company_name=lead["company_name"],
        source=lead["source"],
        employee=employee_in(lead["attribution"]),
        # Of this event, not of the lead: a change that passes two statuses makes two events of one lead.
        status=to["name"],
        lead_status_id=UUID(to["id"]),
        notes=lead["notes"],
        business_id=lead["business_id"],
        channels_id=lead["channel_id"],
        property_values=[_property_value(name, value) for name, value in lead["properties"].items()],
    )


def _property_value(name: str, value: Any) -> PropertyValue:
    return PropertyValue(None, text(value), None, Definition(None, name, None))
