"""A change of status. Pure."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from leadrail.core.channels.model import Channel, Status, SubStatus
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import ChangeStatus
from leadrail.core.leads.decisions import Decision, Fact
from leadrail.core.leads.editing import edited_lead, keep_requirements
from leadrail.core.leads.fields import NOTE_LIMIT, checked_past, checked_text
from leadrail.core.leads.model import Lead, reason_of, sub_status_of
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
    stays = target.id == current.id
    had = lead.reason_id if stays else None
    reason, reason_text = found_reason(channel, command.reason, command.reason_id, command.reason_number, had=had)
    note = checked_text("note", command.note, NOTE_LIMIT) if command.note and not command.note.isspace() else None
    had = lead.sub_status_id if stays else None
    sub_status = found_sub_status(channel, target, command.sub_status, had=had)
    if command.at is not None:
        command = replace(command, at=checked_past("at", command.at, now))
    if stays and _adds_nothing(lead, channel, reason_text, sub_status):
        keep_requirements(target, lead, edited)
        edited, apart = edited_lead(edited, channel, command.edits, {})
        return _stayed(lead, edited, changed | apart, note, now)
    route = route_to(lead, channel, current, target, command.also_qualified)
    for passed in route[1:]:
        require(passed, edited, reason_text, note)
    given = reason_text is not None or not stays
    moved = replace(
        edited,
        status_id=target.id,
        **_sub_status_after(lead, channel, sub_status, stays),
        reason_id=(reason.id if reason else None) if given else lead.reason_id,
        reason=reason_text if given else reason_of(lead, channel),
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


def _adds_nothing(lead: Lead, channel: Channel, reason: str | None, sub_status: SubStatus | None) -> bool:
    has_reason = reason in (None, reason_of(lead, channel))
    return has_reason and (sub_status is None or sub_status.name == sub_status_of(lead, channel))


def _sub_status_after(lead: Lead, channel: Channel, given: SubStatus | None, stays: bool) -> dict[str, Any]:
    """That which is given, else that which the lead keeps where it is."""
    if given is not None:
        return {"sub_status_id": given.id, "sub_status": given.name}
    if stays:
        return {"sub_status_id": lead.sub_status_id, "sub_status": sub_status_of(lead, channel)}
    return {"sub_status_id": None, "sub_status": None}


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
