"""Every rule by which a lead comes to be and changes. Pure: no I/O, no clock, no framework."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.channels.model import CLOSED, Category, Channel, Named, Reason, Requirement, Status, StatusRef
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.events.model import EventType
from leadrail.core.identity import KeyKind, keys_of
from leadrail.core.leads.commands import (
    ChangeStatus,
    Command,
    Contact,
    CreateLead,
    Origin,
    RecordFollowUp,
    RecordPurchase,
    Step,
    UpdateLead,
)
from leadrail.core.leads.fields import (
    checked_amount,
    checked_currency,
    checked_fields,
    checked_properties,
    checked_text,
    checked_time,
    merged_attribution,
)
from leadrail.core.leads.model import Lead

MOST_STEPS = 1_000
NOTE_LIMIT = 20_000
REASON_LIMIT = 1_000
NAME_LIMIT = 300
PERSON_LIMIT = 200
CLOCK_SKEW = timedelta(minutes=5)


class Purchase(msgspec.Struct, frozen=True):
    id: UUID
    name: str | None
    description: str | None
    amount: Decimal | None
    currency: str | None
    purchased_at: datetime
    created_at: datetime


class Fact(msgspec.Struct, frozen=True):
    """Something that happened, before it has an id and a place in the feed.

    `trigger_ids` are the reward triggers that a purchase names, None when it names none.
    """

    type: EventType
    data: dict[str, Any]
    at: datetime
    from_status: Status | None = None
    to_status: Status | None = None
    purchase: Purchase | None = None
    trigger_ids: frozenset[UUID] | None = None


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
    follow_ups: tuple[FollowUp, ...] = ()
    purchase: Purchase | None = None


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
    if isinstance(command, RecordPurchase):
        return _record_purchase(lead, channel, command, now)
    return _record_follow_up(lead, command, now)


def _forbidden(command: Command) -> Refused:
    if isinstance(command, CreateLead):
        return refuse(Code.CHANNEL_FORBIDDEN, "Channel not accessible", "/channel_id")
    return refuse(Code.LEAD_NOT_FOUND, "Lead not found")


# Create


def _create(channel: Channel, command: CreateLead, now: datetime, number: int) -> Decision:
    if channel.archived_at is not None and command.origin is not Origin.IMPORT:
        raise refuse(Code.CHANNEL_ARCHIVED, "The channel is archived and takes no new leads", "/channel_id")
    born = _past("at", command.at, now) if command.at is not None else now
    steps = _steps(channel, command, born, now)
    changed_at = _past("updated_at", command.updated_at, now) if command.updated_at is not None else now
    blank = _blank(channel, command.lead_id, steps[0], born, changed_at, number)
    values = checked_properties(channel, command.properties)
    properties = {key: value for key, value in values.items() if value is not None}
    lead = replace(blank, **_merged(blank, checked_fields(command.fields)), properties=properties)
    lead, follow_ups = _with_contacts(lead, command.contacts, now)
    lead, facts = _walked(lead, steps)
    last = steps[-1]
    if command.origin is not Origin.IMPORT:
        _require(last.status, lead, last.reason, last.note)
    facts += tuple(_follow_up_fact(follow_up, lead, follow_up.created_at) for follow_up in follow_ups)
    return Decision(lead, facts, follow_ups)


class _Taken(msgspec.Struct, frozen=True):
    """A step, its words found and its time checked."""

    status: Status
    at: datetime
    sub_status: str | None
    reason_id: UUID | None
    reason: str | None
    note: str | None
    context: Mapping[str, Any]


def _steps(channel: Channel, command: CreateLead, born: datetime, now: datetime) -> list[_Taken]:
    if len(command.steps) > MOST_STEPS:
        raise refuse(Code.INVALID, f"A lead brings at most {MOST_STEPS} statuses along", "/steps")
    if not command.steps:
        return [_Taken(_initial_status(channel, command.status), born, None, None, None, None, {})]
    return [_taken(channel, step, now) for step in command.steps]


def _taken(channel: Channel, step: Step, now: datetime) -> _Taken:
    status = _found_status(channel, step.status)
    reason, text = _found_reason(channel, step.reason, None, step.reason_number)
    return _Taken(
        status,
        _past("at", step.at, now) if step.at is not None else now,
        _found_sub_status(channel, status, step.sub_status),
        reason.id if reason else None,
        text,
        checked_text("note", step.note, NOTE_LIMIT) if step.note else None,
        step.context,
    )


def _walked(lead: Lead, steps: list[_Taken]) -> tuple[Lead, tuple[Fact, ...]]:
    """The lead, which is where the first step led, where the last one did; and one fact a step."""
    first = steps[0]
    lead = _stamped(lead, first.status, first.at)
    facts = [Fact(EventType.LEAD_CREATED, _creation_data(first), first.at, to_status=first.status)]
    for before, step in pairwise(steps):
        stays = before.status.id == step.status.id
        spent = max(int((step.at - lead.status_changed_at).total_seconds()), 0)
        lead = replace(
            _stamped(lead, step.status, step.at),
            status_id=step.status.id,
            sub_status=step.sub_status or (lead.sub_status if stays else None),
            reason_id=step.reason_id,
            reason=step.reason,
            status_changed_at=lead.status_changed_at if stays else step.at,
        )
        data = _move_data(before.status, step.status, lead, step.note, {}, step.context, spent)
        facts.append(Fact(EventType.LEAD_STATUS_CHANGED, data, step.at, before.status, step.status))
    return lead, tuple(facts)


def _creation_data(step: _Taken) -> dict[str, Any]:
    """What the event of a creation says: of a plain one no more than where the lead is."""
    given = {name: getattr(step, name) for name in ("reason", "reason_id", "sub_status", "note", "context")}
    return {"to": Named.of(step.status)} | {name: value for name, value in given.items() if value}


def _with_contacts(lead: Lead, contacts: tuple[Contact, ...], now: datetime) -> tuple[Lead, tuple[FollowUp, ...]]:
    if not contacts:
        return lead, ()
    moments = (_past("created_at", contact.created_at, now) if contact.created_at else now for contact in contacts)
    follow_ups = tuple(_follow_up(contact, at) for contact, at in zip(contacts, moments, strict=True))
    done = [follow_up.followed_up_at for follow_up in follow_ups if follow_up.followed_up_at is not None]
    return replace(lead, last_follow_up_at=max(done, default=None)), follow_ups


def unique_keys(channel: Channel, command: CreateLead) -> frozenset[tuple[KeyKind, str]]:
    """The keys of a new lead that no other lead of the channel may have."""
    if command.unique_by is None:
        return frozenset()
    given = command.fields
    keys = keys_of(
        given.get("email"),
        given.get("phone"),
        given.get("linkedin_url"),
        given.get("business_id"),
        given.get("attribution") or {},
        channel.country,
    )
    return frozenset((kind, key) for kind, key in keys if kind is command.unique_by)


def _initial_status(channel: Channel, ref: StatusRef | None) -> Status:
    if ref is not None:
        return _found_status(channel, ref)
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
    reason, reason_text = _found_reason(channel, command.reason, command.reason_id, command.reason_number)
    note = checked_text("note", command.note, NOTE_LIMIT) if command.note else None
    sub_status = _found_sub_status(channel, target, command.sub_status)
    if command.at is not None:
        command = replace(command, at=_past("at", command.at, now))
    stays = target.id == current.id
    if stays and _adds_nothing(lead, reason_text, sub_status):
        edited, apart = _edited(edited, channel, command.edits, {})
        return _stayed(lead, edited, changed | apart, note, now)
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
    facts = _status_facts(lead, moved, route, command, note, changed, now)
    moved, apart = _edited(moved, channel, command.edits, {})
    if apart:
        facts += (Fact(EventType.LEAD_UPDATED, {"changed": apart}, now),)
    return Decision(moved, facts)


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


def _found_reason(
    channel: Channel, text: str | None, id: UUID | None, number: int | None
) -> tuple[Reason | None, str | None]:
    """The listed reason that is meant, if any, and the reason's text."""
    if id is None and number is None:
        text = checked_text("reason", text, REASON_LIMIT) if text else None
        folded = text.casefold() if text else None
        listed = next((known for known in channel.reasons if known.text.casefold() == folded), None)
        return listed, text
    for known in channel.reasons:
        if known.id == id or known.number == number:
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
    closed_at = (lead.closed_at or now) if target.category in CLOSED else None
    if (qualified_at, closed_at) == (lead.qualified_at, lead.closed_at):
        return lead
    return replace(lead, qualified_at=qualified_at, closed_at=closed_at)


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
        data = _move_data(source, target, after, note, changed, command.context, spent if step == 0 else 0)
        facts.append(Fact(EventType.LEAD_STATUS_CHANGED, data, command.at or now, source, target))
    return tuple(facts)


def _move_data(
    source: Status,
    target: Status,
    after: Lead,
    note: str | None,
    changed: dict[str, Any],
    context: Mapping[str, Any],
    seconds: int,
) -> dict[str, Any]:
    """What the event of a move says, of the lead as it was after it."""
    data: dict[str, Any] = {
        "from": Named.of(source),
        "to": Named.of(target),
        "reason": after.reason,
        "reason_id": after.reason_id,
        "sub_status": after.sub_status,
        "note": note,
        "value": after.value,
        "currency": after.currency,
        "changed": changed,
    }
    if context:
        data["context"] = dict(context)
    data["seconds_in_previous"] = seconds
    return data


# Follow-ups


def _record_follow_up(lead: Lead, command: RecordFollowUp, now: datetime) -> Decision:
    next_at = checked_time("next_at", command.next_at) if command.next_at is not None else None
    if command.done_at is None and next_at is None and command.scheduled_at is None:
        message = "A follow-up needs done_at, scheduled_at or next_at"
        raise refuse(Code.INVALID, message, "/done_at")
    follow_up = _follow_up(command, now)
    edited = replace(
        lead,
        next_follow_up_at=_planned(lead, follow_up, next_at),
        last_follow_up_at=max(filter(None, (lead.last_follow_up_at, follow_up.followed_up_at)), default=None),
        updated_at=now,
        version=lead.version + 1,
    )
    return Decision(edited, (_follow_up_fact(follow_up, edited, now),), (follow_up,))


def _follow_up(asked: RecordFollowUp | Contact, now: datetime) -> FollowUp:
    moments = {name: getattr(asked, name) for name in ("done_at", "scheduled_at")}
    at = {name: checked_time(name, moment) for name, moment in moments.items() if moment is not None}
    done_by, created_by = (
        checked_text(name, getattr(asked, name) or "", PERSON_LIMIT) for name in ("done_by", "created_by")
    )
    return FollowUp(
        id=asked.follow_up_id,
        scheduled_at=at.get("scheduled_at") or at.get("done_at"),
        followed_up_at=at.get("done_at"),
        followed_up_by=done_by or created_by,
        notes=checked_text("notes", asked.notes, NOTE_LIMIT) if asked.notes else None,
        created_by=created_by,
        created_at=now,
    )


def _follow_up_fact(follow_up: FollowUp, lead: Lead, now: datetime) -> Fact:
    data = {"follow_up": follow_up, "next_follow_up_at": lead.next_follow_up_at}
    return Fact(EventType.FOLLOW_UP_RECORDED, data, now)


def _planned(lead: Lead, follow_up: FollowUp, next_at: datetime | None) -> datetime | None:
    """The next contact: the one now planned, else the one planned before unless it has just been done."""
    done_at = follow_up.followed_up_at
    planned = next_at or (follow_up.scheduled_at if done_at is None else None)
    if planned is not None or done_at is None or lead.next_follow_up_at is None:
        return planned or lead.next_follow_up_at
    return lead.next_follow_up_at if lead.next_follow_up_at > done_at else None


# Purchases


def _record_purchase(lead: Lead, channel: Channel, command: RecordPurchase, now: datetime) -> Decision:
    purchase = Purchase(
        id=command.purchase_id,
        name=checked_text("name", command.name, NAME_LIMIT) if command.name else None,
        description=checked_text("description", command.description, NOTE_LIMIT) if command.description else None,
        amount=checked_amount("amount", command.amount) if command.amount is not None else None,
        currency=checked_currency(command.currency) if command.currency else lead.currency or channel.currency,
        # A bill may be dated ahead, and a day alone begins earlier east of here.
        purchased_at=checked_time("at", command.at) if command.at is not None else now,
        created_at=now,
    )
    fact = Fact(
        EventType.PURCHASE_RECORDED,
        {"purchase": purchase},
        purchase.purchased_at,
        purchase=purchase,
        trigger_ids=command.trigger_ids,
    )
    return Decision(replace(lead, updated_at=now, version=lead.version + 1), (fact,), purchase=purchase)
