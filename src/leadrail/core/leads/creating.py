"""How a lead comes to be. Pure."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.channels.model import Channel, Named, Status, StatusRef
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import Contact, CreateLead, Origin, Step
from leadrail.core.leads.contacting import follow_up_fact, follow_up_of
from leadrail.core.leads.decisions import Decision, Fact, FollowUp
from leadrail.core.leads.editing import merged_fields
from leadrail.core.leads.fields import NOTE_LIMIT, checked_fields, checked_past, checked_properties, checked_text
from leadrail.core.leads.model import Lead
from leadrail.core.leads.standing import (
    found_reason,
    found_status,
    found_sub_status,
    move_data,
    require,
    require_successor,
    stamped,
)
from leadrail.core.leads.told import LeadCreatedData

MOST_STEPS = 1_000


def create(channel: Channel, command: CreateLead, now: datetime, number: int) -> Decision:
    if channel.archived_at is not None and command.origin is not Origin.IMPORT:
        raise refuse(Code.CHANNEL_ARCHIVED, "The channel is archived and takes no new leads", "/channel_id")
    born = checked_past("at", command.at, now) if command.at is not None else now
    steps = _steps(channel, command, born, now)
    changed_at = checked_past("updated_at", command.updated_at, now) if command.updated_at is not None else now
    blank = _blank(channel, command.lead_id, steps[0], born, changed_at, number)
    values = checked_properties(channel, command.properties)
    properties = {key: value for key, value in values.items() if value is not None}
    lead = replace(blank, **merged_fields(blank, checked_fields(command.fields)), properties=properties)
    lead, follow_ups = _with_contacts(lead, command.contacts, now)
    lead, facts = _walked(lead, steps)
    if command.origin is not Origin.IMPORT:
        _require_each(channel, lead, steps)
    facts += tuple(follow_up_fact(follow_up, lead, follow_up.created_at) for follow_up in follow_ups)
    return Decision(lead, facts, follow_ups)


class _Taken(msgspec.Struct, frozen=True):
    """A step, its words found and its time checked."""

    status: Status
    at: datetime
    sub_status_id: UUID | None = None
    sub_status: str | None = None
    reason_id: UUID | None = None
    reason: str | None = None
    note: str | None = None
    context: Mapping[str, Any] = {}


def _steps(channel: Channel, command: CreateLead, born: datetime, now: datetime) -> list[_Taken]:
    if len(command.steps) > MOST_STEPS:
        raise refuse(Code.INVALID, f"A lead brings at most {MOST_STEPS} statuses along", "/steps")
    if not command.steps:
        return [_Taken(_initial_status(channel, command.status), born)]
    is_past = command.origin is Origin.IMPORT
    return [_taken(channel, step, now, is_past) for step in command.steps]


def _taken(channel: Channel, step: Step, now: datetime, is_past: bool) -> _Taken:
    """`is_past`: it was taken elsewhere, where other words were on offer."""
    status = found_status(channel, step.status)
    reason, text = found_reason(channel, step.reason, None, step.reason_number, is_past=is_past)
    sub_status = found_sub_status(channel, status, step.sub_status, is_past=is_past)
    return _Taken(
        status,
        checked_past("at", step.at, now) if step.at is not None else now,
        sub_status.id if sub_status else None,
        sub_status.name if sub_status else None,
        reason.id if reason else None,
        text,
        checked_text("note", step.note, NOTE_LIMIT) if step.note and not step.note.isspace() else None,
        step.context,
    )


def _require_each(channel: Channel, lead: Lead, steps: list[_Taken]) -> None:
    """What holds for moves holds for the steps of a new lead: what each status demands, and what may follow it."""
    for before, step in pairwise(steps):
        require_successor(channel, before.status, step.status)
    for step in steps:
        require(step.status, lead, step.reason, step.note)


def _walked(lead: Lead, steps: list[_Taken]) -> tuple[Lead, tuple[Fact, ...]]:
    """The lead, which is where the first step led, where the last one did; and one fact a step."""
    first = steps[0]
    lead = stamped(lead, first.status, first.at)
    facts = [Fact(EventType.LEAD_CREATED, _creation_data(first, lead.assignee), first.at, to_status=first.status)]
    for before, step in pairwise(steps):
        stays = before.status.id == step.status.id
        spent = max(int((step.at - lead.status_changed_at).total_seconds()), 0)
        lead = replace(
            stamped(lead, step.status, step.at),
            status_id=step.status.id,
            sub_status_id=step.sub_status_id or (lead.sub_status_id if stays else None),
            sub_status=step.sub_status or (lead.sub_status if stays else None),
            reason_id=step.reason_id,
            reason=step.reason,
            status_changed_at=lead.status_changed_at if stays else step.at,
        )
        data = move_data(before.status, step.status, lead, step.note, {}, step.context, spent)
        facts.append(Fact(EventType.LEAD_STATUS_CHANGED, data, step.at, before.status, step.status))
    return lead, tuple(facts)


def _creation_data(step: _Taken, assignee: str | None) -> LeadCreatedData:
    """What the event of a creation says: of a plain one no more than where the lead is."""
    data = LeadCreatedData(to=Named.of(step.status))
    if assignee:
        data["assignee"] = assignee
    if step.reason:
        data["reason"] = step.reason
    if step.reason_id:
        data["reason_id"] = step.reason_id
    if step.sub_status:
        data["sub_status"] = step.sub_status
    if step.note:
        data["note"] = step.note
    if step.context:
        data["context"] = dict(step.context)
    return data


def _with_contacts(lead: Lead, contacts: tuple[Contact, ...], now: datetime) -> tuple[Lead, tuple[FollowUp, ...]]:
    if not contacts:
        return lead, ()
    moments = (
        checked_past("created_at", contact.created_at, now) if contact.created_at else now for contact in contacts
    )
    follow_ups = tuple(follow_up_of(contact, at) for contact, at in zip(contacts, moments, strict=True))
    done = [follow_up.followed_up_at for follow_up in follow_ups if follow_up.followed_up_at is not None]
    return replace(lead, last_follow_up_at=max(done, default=None)), follow_ups


def _initial_status(channel: Channel, ref: StatusRef | None) -> Status:
    if ref is not None:
        return found_status(channel, ref)
    if channel.first_status is None:
        raise refuse(Code.UNKNOWN_STATUS, "The channel has no status yet; add one first", "/channel_id")
    return channel.first_status


def _blank(
    channel: Channel, lead_id: UUID, step: _Taken, created_at: datetime, updated_at: datetime, number: int
) -> Lead:
    return Lead(
        company_id=channel.company_id,
        id=lead_id,
        number=number,
        channel_id=channel.id,
        status_id=step.status.id,
        sub_status_id=step.sub_status_id,
        sub_status=step.sub_status,
        reason_id=step.reason_id,
        reason=step.reason,
        currency=channel.currency,
        properties={},
        attribution={},
        status_changed_at=step.at,
        created_at=created_at,
        updated_at=updated_at,
        version=1,
        **_NOTHING_YET,
    )


_NOTHING_YET: dict[str, Any] = dict.fromkeys(
    ("email", "phone", "linkedin_url", "first_name", "last_name", "name", "title", "company_name", "source")
    + ("assignee", "notes", "business_id", "value")
    + ("next_follow_up_at", "last_follow_up_at", "qualified_at", "closed_at")
)
