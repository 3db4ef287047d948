"""New values for a lead's fields and properties. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from leadrail.core.channels.model import Channel, Requirement, Status
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import UpdateLead
from leadrail.core.leads.decisions import Decision, Fact
from leadrail.core.leads.fields import checked_fields, checked_properties, merged_attribution
from leadrail.core.leads.model import Lead
from leadrail.core.leads.told import LeadUpdatedData


def update(lead: Lead, channel: Channel, command: UpdateLead, now: datetime) -> Decision:
    edited, changed = edited_lead(lead, channel, command.fields, command.properties)
    if not changed:
        return Decision(lead)
    keep_requirements(channel.status_by_id[lead.status_id], lead, edited)
    edited = replace(edited, updated_at=now, version=lead.version + 1)
    return Decision(edited, (Fact(EventType.LEAD_UPDATED, LeadUpdatedData(changed=changed), now),))


def edited_lead(
    lead: Lead, channel: Channel, fields: Mapping[str, Any], properties: Mapping[str, Any]
) -> tuple[Lead, dict[str, Any]]:
    """The lead with the new values, and each field that really changed with its old and new value."""
    given = merged_fields(lead, checked_fields(fields))
    wanted = {name: value for name, value in given.items() if value != getattr(lead, name)}
    changed = {name: {"from": getattr(lead, name), "to": value} for name, value in wanted.items()}
    if properties:
        values, difference = _edited_properties(lead, channel, properties)
        if difference:
            wanted["properties"] = values
            changed["properties"] = difference
    return (replace(lead, **wanted) if wanted else lead), changed


def merged_fields(lead: Lead, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, with attribution laid over what the lead has."""
    if "attribution" not in fields:
        return fields
    return fields | {"attribution": merged_attribution(lead.attribution, fields["attribution"])}


def _edited_properties(
    lead: Lead, channel: Channel, properties: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    given = checked_properties(channel, properties)
    values = {key: value for key, value in (lead.properties | given).items() if value is not None}
    names = {str(definition.id): definition.name for definition in channel.current_properties}
    difference = {
        names[key]: {"from": lead.properties.get(key), "to": value}
        for key, value in given.items()
        if value != lead.properties.get(key)
    }
    return values, difference


def keep_requirements(status: Status, before: Lead, after: Lead) -> None:
    """An edit may not take away what the present status demands (it need not bring what was never there)."""
    for requirement in (Requirement.VALUE, Requirement.CURRENCY):
        name = requirement.value
        if requirement in status.requires and getattr(before, name) is not None and getattr(after, name) is None:
            message = f'The status "{status.name}" requires a {name}; it cannot be removed'
            raise refuse(Code.MISSING_REQUIREMENT, message, f"/{name}", status=status.name)
