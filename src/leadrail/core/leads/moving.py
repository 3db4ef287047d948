"""A change of status. Pure."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from leadrail.core.channels.model import Channel, Status
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import ChangeStatus
from leadrail.core.leads.decisions import Decision, Fact
from leadrail.core.leads.editing import edited_lead
from leadrail.core.leads.fields import NOTE_LIMIT, checked_past, checked_text
from leadrail.core.leads.model import Lead
from leadrail.core.leads.standing import (
    found_reason,
    found_status,
    found_sub_status,
    move_data,
    require,
    route_to,
    stamped,
)
from leadrail.core.leads.told import LeadUpdatedData


def change_status(lead: Lead, channel: Channel, command: ChangeStatus, now: datetime) -> Decision:
    target = found_status(channel, command.status)
    current = channel.status_by_id[lead.status_id]
    edited, changed = edited_lead(lead, channel, command.fields, {})
    reason, reason_text = found_reason(channel, command.reason, command.reason_id, command.reason_number)
    note = checked_text("note", command.note, NOTE_LIMIT) if command.note else None
    sub_status = found_sub_status(channel, target, command.sub_status)
    if command.at is not None:
        command = replace(command, at=checked_past("at", command.at, now))
    stays = target.id == current.id
    if stays and _adds_nothing(lead, reason_text, sub_status):
        edited, apart = edited_lead(edited, channel, command.edits, {})
        return _stayed(lead, edited, changed | apart, note, now)
    route = route_to(lead, channel, current, target, command.also_qualified)
    require(target, edited, reason_text, note)
    given = reason_text is not None or not stays
    moved = replace(
        edited,
        status_id=target.id,
        sub_status=sub_status or (lead.sub_status if stays else None),
        reason_id=(reason.id if reason else None) if given else lead.reason_id,
        reason=reason_text if given else lead.reason,
        status_changed_at=lead.status_changed_at if stays else now,
        updated_at=now,
        version=lead.version + 1,
    )
    moved = stamped(moved, target, now, route)
    facts = _status_facts(lead, moved, route, command, note, changed, now)
    moved, apart = edited_lead(moved, channel, command.edits, {})
    if apart:
        facts += (Fact(EventType.LEAD_UPDATED, LeadUpdatedData(changed=apart), now),)
    return Decision(moved, facts)


def _adds_nothing(lead: Lead, reason: str | None, sub_status: str | None) -> bool:
    return reason in (None, lead.reason) and sub_status in (None, lead.sub_status)


def _stayed(lead: Lead, edited: Lead, changed: dict[str, Any], note: str | None, now: datetime) -> Decision:
    """The lead is already there: only what is new beside the status is recorded, as an update."""
    if not changed and note is None:
        return Decision(lead)
    data = LeadUpdatedData(changed=changed)
    if note is not None:
        data["note"] = note
    edited = replace(edited, updated_at=now, version=lead.version + 1)
    return Decision(edited, (Fact(EventType.LEAD_UPDATED, data, now),))


def _status_facts(
    before: Lead,
    after: Lead,
    route: tuple[Status, ...],
    command: ChangeStatus,
    note: str | None,
    changed: dict[str, Any],
    now: datetime,
) -> tuple[Fact, ...]:
    spent = max(int((now - before.status_changed_at).total_seconds()), 0)
    facts = []
    for step, (source, target) in enumerate(pairwise(route)):
        data = move_data(source, target, after, note, changed, command.context, spent if step == 0 else 0)
        facts.append(Fact(EventType.LEAD_STATUS_CHANGED, data, command.at or now, source, target))
    return tuple(facts)
