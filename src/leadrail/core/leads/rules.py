"""Every rule by which a lead comes to be and changes. Pure: no I/O, no clock, no framework."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.channels.model import CLOSED, Category, Channel, Named, Reason, Requirement, Status, StatusRef
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import ChangeStatus, Command, CreateLead, RecordFollowUp, UpdateLead
from leadrail.core.leads.fields import (
    checked_fields,
    checked_properties,
    checked_text,
    checked_time,
    merged_attribution,
)
from leadrail.core.leads.model import Lead

NOTE_LIMIT = 20_000
REASON_LIMIT = 1_000
PERSON_LIMIT = 200
CLOCK_SKEW = timedelta(minutes=5)


class Fact(msgspec.Struct, frozen=True):
    """Something that happened, before it has an id and a place in the feed."""

    type: EventType
    data: dict[str, Any]
    at: datetime
    from_status: Status | None = None
    to_status: Status | None = None


class FollowUp(msgspec.Struct, frozen=True):
    id: UUID
    scheduled_at: datetime | None
    followed_up_at: datetime | None
    followed_up_by: str | None
    notes: str | None
    created_by: str | None
    created_at: datetime


class Decision(msgspec.Struct, frozen=True):
    """What a command comes to: the lead after it and the facts, oldest first. No facts: nothing changes."""

    lead: Lead
    facts: tuple[Fact, ...] = ()
    follow_up: FollowUp | None = None


def decide(lead: Lead | None, channel: Channel, command: Command, now: datetime, number: int = 0) -> Decision:
    """Applies one command. `number` is the number that a new lead gets.

    Raises Refused; then nothing has changed.
    """
    if not channel.allows(command.actor):
        raise _forbidden(command)
    if isinstance(command, CreateLead):
        return _create(channel, command, now, number)
    if lead is None:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    if command.version is not None and command.version != lead.version:
        message = f"The lead is at version {lead.version}, not {command.version}; read it again"
        raise refuse(Code.VERSION_CONFLICT, message)
    if isinstance(command, ChangeStatus):
        return _change_status(lead, channel, command, now)
    if isinstance(command, UpdateLead):
        return _update(lead, channel, command, now)
    return _record_follow_up(lead, command, now)


def _forbidden(command: Command) -> Refused:
    if isinstance(command, CreateLead):
        return refuse(Code.CHANNEL_FORBIDDEN, "Channel not accessible", "/channel_id")
    return refuse(Code.LEAD_NOT_FOUND, "Lead not found")


# Create


def _create(channel: Channel, command: CreateLead, now: datetime, number: int) -> Decision:
    if channel.archived_at is not None:
        raise refuse(Code.CHANNEL_ARCHIVED, "The channel is archived and takes no new leads", "/channel_id")
    status = _initial_status(channel, command.status)
    values = checked_properties(channel, command.properties)
    lead = _blank(channel, command.lead_id, status, now, number)
    lead = replace(lead, **_merged(lead, checked_fields(command.fields)))
    lead = replace(lead, properties={key: value for key, value in values.items() if value is not None})
    lead = _stamped(lead, status, now)
    _require(status, lead, lead.reason, None)
    fact = Fact(EventType.LEAD_CREATED, {"to": Named.of(status)}, now, to_status=status)
    return Decision(lead, (fact,))


def _initial_status(channel: Channel, ref: StatusRef | None) -> Status:
    if ref is not None:
        return _found_status(channel, ref)
    if channel.first_status is None:
        raise refuse(Code.UNKNOWN_STATUS, "The channel has no status yet; add one first", "/channel_id")
    return channel.first_status


def _blank(channel: Channel, lead_id: UUID, status: Status, now: datetime, number: int) -> Lead:
    empty = dict.fromkeys(_TEXTS_AND_TIMES)
    return Lead(
        company_id=channel.company_id,
        id=lead_id,
        number=number,
        channel_id=channel.id,
        status_id=status.id,
        currency=channel.currency,
        properties={},
        attribution={},
        status_changed_at=now,
        created_at=now,
        updated_at=now,
        version=1,
        **empty,
    )


_TEXTS_AND_TIMES = (
    ("sub_status", "reason_id", "reason", "email", "phone", "linkedin_url", "first_name", "last_name", "name")
    + ("title", "company_name", "source", "assignee", "notes", "business_id", "value")
    + ("next_follow_up_at", "last_follow_up_at", "qualified_at", "closed_at")
)


# Update


def _update(lead: Lead, channel: Channel, command: UpdateLead, now: datetime) -> Decision:
    edited, changed = _edited(lead, channel, command.fields, command.properties)
    if not changed:
        return Decision(lead)
    _keep_requirements(channel.status_by_id[lead.status_id], lead, edited)
    edited = replace(edited, updated_at=now, version=lead.version + 1)
    return Decision(edited, (Fact(EventType.LEAD_UPDATED, {"changed": changed}, now),))


def _edited(
    lead: Lead, channel: Channel, fields: Mapping[str, Any], properties: Mapping[str, Any]
) -> tuple[Lead, dict[str, Any]]:
    """The lead with the new values, and each field that really changed with its old and new value."""
    given = _merged(lead, checked_fields(fields))
    wanted = {name: value for name, value in given.items() if value != getattr(lead, name)}
    changed = {name: {"from": getattr(lead, name), "to": value} for name, value in wanted.items()}
    if properties:
        values, difference = _edited_properties(lead, channel, properties)
        if difference:
            wanted["properties"] = values
            changed["properties"] = difference
    return (replace(lead, **wanted) if wanted else lead), changed


def _merged(lead: Lead, fields: dict[str, Any]) -> dict[str, Any]:
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


def _keep_requirements(status: Status, before: Lead, after: Lead) -> None:
    """An edit may not take away what the present status demands (it need not bring what was never there)."""
    for requirement in (Requirement.VALUE, Requirement.CURRENCY):
        name = requirement.value
        if requirement in status.requires and getattr(before, name) is not None and getattr(after, name) is None:
            message = f'The status "{status.name}" requires a {name}; it cannot be removed'
            raise refuse(Code.MISSING_REQUIREMENT, message, f"/{name}", status=status.name)


# Change of status


def _change_status(lead: Lead, channel: Channel, command: ChangeStatus, now: datetime) -> Decision:
    target = _found_status(channel, command.status)
    current = channel.status_by_id[lead.status_id]
    edited, changed = _edited(lead, channel, command.fields, {})
    reason, reason_text = _found_reason(channel, command)
    note = checked_text("note", command.note, NOTE_LIMIT) if command.note else None
    sub_status = _found_sub_status(channel, target, command.sub_status)
    if command.at is not None:
        command = replace(command, at=_past("at", command.at, now))
    stays = target.id == current.id
    if stays and _adds_nothing(lead, reason_text, sub_status):
        return _stayed(lead, edited, changed, note, now)
    route = _route(lead, channel, current, target, command.also_qualified)
    _require(target, edited, reason_text, note)
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
    moved = _stamped(moved, target, now, route)
    return Decision(moved, _status_facts(lead, moved, route, command, note, changed, now))


def _past(name: str, at: datetime, now: datetime) -> datetime:
    if (moment := checked_time(name, at)) > now + CLOCK_SKEW:
        raise refuse(Code.INVALID, "The time of a change lies in the past, not in the future", f"/{name}")
    return moment


def _found_status(channel: Channel, ref: StatusRef) -> Status:
    status = channel.find_status(ref)
    if status is None:
        wanted = ref.name or ref.id or ref.category
        names = ", ".join(known.name for known in channel.current_statuses)
        message = f'Status "{wanted}" not found for this channel; it has: {names}'
        raise refuse(Code.UNKNOWN_STATUS, message, "/status", status=str(wanted))
    return status


def _found_reason(channel: Channel, command: ChangeStatus) -> tuple[Reason | None, str | None]:
    """The listed reason that is meant, if any, and the reason's text."""
    if command.reason_id is None and command.reason_number is None:
        text = checked_text("reason", command.reason, REASON_LIMIT) if command.reason else None
        folded = text.casefold() if text else None
        listed = next((known for known in channel.reasons if known.text.casefold() == folded), None)
        return listed, text
    for known in channel.reasons:
        if known.id == command.reason_id or known.number == command.reason_number:
            return known, known.text
    raise refuse(Code.UNKNOWN_REASON, "No reason of the company has this id", "/reason_id")


def _found_sub_status(channel: Channel, target: Status, name: str | None) -> str | None:
    if not name:
        return None
    for known in channel.sub_statuses:
        if known.category is target.category and known.name.casefold() == name.casefold():
            return known.name
    message = f'"{name}" is not a sub-status of {target.category}; add it first'
    raise refuse(Code.UNKNOWN_SUB_STATUS, message, "/sub_status")


def _adds_nothing(lead: Lead, reason: str | None, sub_status: str | None) -> bool:
    return reason in (None, lead.reason) and sub_status in (None, lead.sub_status)


def _stayed(lead: Lead, edited: Lead, changed: dict[str, Any], note: str | None, now: datetime) -> Decision:
    """The lead is already there: only what is new beside the status is recorded, as an update."""
    if not changed and note is None:
        return Decision(lead)
    data: dict[str, Any] = {"changed": changed}
    if note is not None:
        data["note"] = note
    edited = replace(edited, updated_at=now, version=lead.version + 1)
    return Decision(edited, (Fact(EventType.LEAD_UPDATED, data, now),))


def _route(lead: Lead, channel: Channel, current: Status, target: Status, also_qualified: bool) -> tuple[Status, ...]:
    """The statuses passed through, the present one first; each step must be one that may follow."""
    qualified = channel.first_of(Category.QUALIFIED)
    arrives = target.id != current.id and target.category is Category.WON
    by_way = also_qualified and arrives and lead.qualified_at is None
    route = (current, qualified, target) if by_way and qualified is not None else (current, target)
    for before, after in pairwise(route):
        if before.id != after.id and before.next is not None and after.id not in before.next:
            names = [channel.status_by_id[id].name for id in before.next if id in channel.status_by_id]
            message = f'"{before.name}" may be followed by {", ".join(names) or "nothing"}, not by "{after.name}"'
            raise refuse(Code.TRANSITION_NOT_ALLOWED, message, "/status", next=names)
    return route


def next_statuses(lead: Lead, channel: Channel) -> list[Status]:
    """The statuses to which the lead may move from where it is, in the channel's order."""
    current = channel.status_by_id[lead.status_id]
    others = [status for status in channel.current_statuses if status.id != current.id]
    return others if current.next is None else [status for status in others if status.id in current.next]


def missing_requirements(
    status: Status, lead: Lead, reason: str | None = None, note: str | None = None
) -> list[Requirement]:
    """What status demands that neither the lead nor the request brings."""
    present = {
        Requirement.VALUE: lead.value is not None,
        Requirement.CURRENCY: lead.currency is not None,
        Requirement.REASON: reason is not None,
        Requirement.NOTE: note is not None,
    }
    return [requirement for requirement in status.requires if not present[requirement]]


def _require(status: Status, lead: Lead, reason: str | None, note: str | None) -> None:
    if missing := missing_requirements(status, lead, reason, note):
        names = " and ".join(missing)
        message = f'The status "{status.name}" requires {names}; send it along'
        raise refuse(Code.MISSING_REQUIREMENT, message, f"/{missing[0]}", status=status.name, missing=list(missing))


def _stamped(lead: Lead, target: Status, now: datetime, route: tuple[Status, ...] = ()) -> Lead:
    """The times at which the lead was first qualified and was closed."""
    qualified = any(status.category is Category.QUALIFIED for status in (*route[1:], target))
    qualified_at = lead.qualified_at or (now if qualified else None)
    if target.category not in CLOSED:
        return replace(lead, qualified_at=qualified_at, closed_at=None)
    return replace(lead, qualified_at=qualified_at, closed_at=lead.closed_at or now)


def _status_facts(
    before: Lead,
    after: Lead,
    route: tuple[Status, ...],
    command: ChangeStatus,
    note: str | None,
    changed: dict[str, Any],
    now: datetime,
) -> tuple[Fact, ...]:
    spent = int((now - before.status_changed_at).total_seconds())
    common: dict[str, Any] = {
        "reason": after.reason,
        "reason_id": after.reason_id,
        "sub_status": after.sub_status,
        "note": note,
        "value": after.value,
        "currency": after.currency,
        "changed": changed,
    }
    if command.context:
        common["context"] = dict(command.context)
    facts = []
    for step, (source, target) in enumerate(pairwise(route)):
        data = {"from": Named.of(source), "to": Named.of(target), **common}
        data["seconds_in_previous"] = max(spent, 0) if step == 0 else 0
        facts.append(Fact(EventType.LEAD_STATUS_CHANGED, data, command.at or now, source, target))
    return tuple(facts)


# Follow-ups


def _record_follow_up(lead: Lead, command: RecordFollowUp, now: datetime) -> Decision:
    if command.done_at is None and command.next_at is None and command.scheduled_at is None:
        message = "A follow-up needs done_at, scheduled_at or next_at"
        raise refuse(Code.INVALID, message, "/done_at")
    moments = {name: getattr(command, name) for name in ("done_at", "scheduled_at", "next_at")}
    given = {name: checked_time(name, moment) for name, moment in moments.items() if moment is not None}
    texts = {name: checked_text(name, getattr(command, name) or "", PERSON_LIMIT) for name in ("done_by", "created_by")}
    command = replace(command, **given, **texts)
    follow_up = FollowUp(
        id=command.follow_up_id,
        scheduled_at=command.scheduled_at or command.done_at,
        followed_up_at=command.done_at,
        followed_up_by=command.done_by or command.created_by,
        notes=checked_text("notes", command.notes, NOTE_LIMIT) if command.notes else None,
        created_by=command.created_by,
        created_at=now,
    )
    edited = replace(
        lead,
        next_follow_up_at=_planned(lead, command),
        last_follow_up_at=command.done_at or lead.last_follow_up_at,
        updated_at=now,
        version=lead.version + 1,
    )
    data = {"follow_up": follow_up, "next_follow_up_at": edited.next_follow_up_at}
    return Decision(edited, (Fact(EventType.FOLLOW_UP_RECORDED, data, now),), follow_up)


def _planned(lead: Lead, command: RecordFollowUp) -> datetime | None:
    """The next contact: the one now planned, else the one planned before unless it has just been done."""
    planned = command.next_at or (command.scheduled_at if command.done_at is None else None)
    if planned is not None or command.done_at is None or lead.next_follow_up_at is None:
        return planned or lead.next_follow_up_at
    return lead.next_follow_up_at if lead.next_follow_up_at > command.done_at else None
