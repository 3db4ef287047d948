"""Taking back what an import did to a lead. Pure."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from leadrail.core.channels.model import Category, Channel, Status
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import TakeBack
from leadrail.core.leads.decisions import Decision, Fact
from leadrail.core.leads.fields import EDITABLE
from leadrail.core.leads.model import Lead
from leadrail.core.leads.standing import move_data
from leadrail.core.leads.told import LeadUpdatedData

_STOOD = ("status_id", "sub_status", "sub_status_id", "reason_id", "reason", "qualified_at", "closed_at")


def take_back(lead: Lead, channel: Channel, command: TakeBack, now: datetime) -> Decision:
    """What the channel demands of moves does not hold here: where the lead goes, it was, or it goes for good.

    Raises Refused (`unknown_status`) when the lead is to go and the channel has no status for that.
    """
    if command.before is None:
        target = channel.first_of(Category.DELETED)
        if target is None:
            raise refuse(Code.UNKNOWN_STATUS, "The channel has no status of the category deleted")
        gone = replace(lead, sub_status=None, sub_status_id=None, reason=None, reason_id=None, closed_at=None)
        return _moved(lead, gone, channel, target, now, ())
    return _restored(lead, command.before, channel, now)


def _restored(lead: Lead, before: Lead, channel: Channel, now: datetime) -> Decision:
    wanted = {name: getattr(before, name) for name in sorted(EDITABLE) if getattr(before, name) != getattr(lead, name)}
    changed: dict[str, Any] = {name: {"from": getattr(lead, name), "to": value} for name, value in wanted.items()}
    if before.properties != lead.properties:
        changed["properties"] = _difference(lead.properties, before.properties, channel)
    back = replace(lead, **wanted, properties=before.properties)
    facts = (Fact(EventType.LEAD_UPDATED, LeadUpdatedData(changed=changed), now),) if changed else ()
    target = channel.status_by_id[before.status_id]
    if lead.status_id != before.status_id and not target.archived:
        stood = {name: getattr(before, name) for name in _STOOD}
        return _moved(lead, replace(back, **stood), channel, target, now, facts)
    return Decision(replace(back, updated_at=now, version=lead.version + 1), facts) if facts else Decision(lead)


def _difference(now: dict[str, Any], then: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """What is told of the properties; a definition that is archived by now is told by its old name."""
    names = {str(definition.id): definition.name for definition in channel.properties}
    keys = [key for key in now | then if now.get(key) != then.get(key)]
    return {names[key]: {"from": now.get(key), "to": then.get(key)} for key in keys if key in names}


def _moved(
    lead: Lead, after: Lead, channel: Channel, target: Status, now: datetime, facts: tuple[Fact, ...]
) -> Decision:
    source = channel.status_by_id[lead.status_id]
    if source.id == target.id:
        return Decision(lead)
    moved = replace(after, status_id=target.id, status_changed_at=now, updated_at=now, version=lead.version + 1)
    spent = max(int((now - lead.status_changed_at).total_seconds()), 0)
    data = move_data(source, target, moved, None, {}, {}, spent)
    return Decision(moved, (*facts, Fact(EventType.LEAD_STATUS_CHANGED, data, now, source, target)))
