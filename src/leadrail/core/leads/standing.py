"""Where a lead may stand and go, what each place demands, and how a move is told. Pure."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from leadrail.core.channels.model import (
    CLOSED,
    Category,
    Channel,
    Named,
    Reason,
    Requirement,
    Status,
    StatusRef,
    SubStatus,
)
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.fields import REASON_LIMIT, checked_text
from leadrail.core.leads.model import Lead
from leadrail.core.leads.told import LeadStatusChangedData


def found_status(channel: Channel, ref: StatusRef) -> Status:
    status = channel.find_status(ref)
    if status is None:
        wanted = ref.name or ref.id or ref.category
        names = ", ".join(known.name for known in channel.current_statuses)
        message = f'Status "{wanted}" not found for this channel; it has: {names}'
        raise refuse(Code.UNKNOWN_STATUS, message, "/status", status=str(wanted))
    return status


def found_reason(
    channel: Channel,
    text: str | None,
    id: UUID | None,
    number: int | None,
    *,
    had: UUID | None = None,
    is_past: bool = False,
) -> tuple[Reason | None, str | None]:
    """The listed reason that is meant, if any, and the reason's text; a blank one is none.

    An archived one is not given any more, but by a lead that `had` it already, or in a past that is brought along.
    """
    if id is None and number is None:
        text = checked_text("reason", text, REASON_LIMIT) if text and not text.isspace() else None
        listed = channel.reason_by_text.get(text.strip().casefold()) if text else None
        if listed is None:
            return None, text
        return _offered_reason(listed, had, is_past, "/reason"), listed.text
    for known in channel.reasons:
        if known.id == id or known.number == number:
            return _offered_reason(known, had, is_past, "/reason_id"), known.text
    raise refuse(Code.UNKNOWN_REASON, "No reason of the company has this id", "/reason_id")


def _offered_reason(reason: Reason, had: UUID | None, is_past: bool, pointer: str) -> Reason:
    if reason.archived and reason.id != had and not is_past:
        raise refuse(Code.UNKNOWN_REASON, f'The reason "{reason.text}" is archived; give another', pointer)
    return reason


def found_sub_status(
    channel: Channel, target: Status, name: str | None, *, had: UUID | None = None, is_past: bool = False
) -> SubStatus | None:
    """The sub-status of the target's category that is meant, if one is named. Archived ones as in `found_reason`."""
    if not name:
        return None
    for known in channel.sub_statuses:
        if known.category is target.category and known.name.casefold() == name.casefold():
            if known.archived and known.id != had and not is_past:
                message = f'The sub-status "{known.name}" is archived; give another'
                raise refuse(Code.UNKNOWN_SUB_STATUS, message, "/sub_status")
            return known
    message = f'"{name}" is not a sub-status of {target.category}; add it first'
    raise refuse(Code.UNKNOWN_SUB_STATUS, message, "/sub_status")


def route_to(lead: Lead, channel: Channel, current: Status, target: Status, also_qualified: bool) -> tuple[Status, ...]:
    """The statuses passed through, the present one first; each step must be one that may follow."""
    qualified = channel.first_of(Category.QUALIFIED)
    arrives = target.id != current.id and target.category is Category.WON
    by_way = also_qualified and arrives and lead.qualified_at is None
    route = (current, qualified, target) if by_way and qualified is not None else (current, target)
    for before, after in pairwise(route):
        require_successor(channel, before, after)
    return route


def require_successor(channel: Channel, before: Status, after: Status) -> None:
    if before.id != after.id and before.next is not None and after.id not in before.next:
        names = [channel.status_by_id[id].name for id in before.next if id in channel.status_by_id]
        message = f'"{before.name}" may be followed by {", ".join(names) or "nothing"}, not by "{after.name}"'
        raise refuse(Code.TRANSITION_NOT_ALLOWED, message, "/status", next=names)


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


def require(status: Status, lead: Lead, reason: str | None, note: str | None) -> None:
    if missing := missing_requirements(status, lead, reason, note):
        names = " and ".join(missing)
        message = f'The status "{status.name}" requires {names}; send it along'
        raise refuse(Code.MISSING_REQUIREMENT, message, f"/{missing[0]}", status=status.name, missing=list(missing))


def stamped(lead: Lead, target: Status, now: datetime, route: tuple[Status, ...] = ()) -> Lead:
    """The times at which the lead was first qualified and was closed."""
    qualified = any(status.category is Category.QUALIFIED for status in (*route[1:], target))
    qualified_at = lead.qualified_at or (now if qualified else None)
    closed_at = (lead.closed_at or now) if target.category in CLOSED else None
    if (qualified_at, closed_at) == (lead.qualified_at, lead.closed_at):
        return lead
    return replace(lead, qualified_at=qualified_at, closed_at=closed_at)


def move_data(
    source: Status,
    target: Status,
    after: Lead,
    note: str | None,
    changed: dict[str, Any],
    context: Mapping[str, Any],
    seconds: int,
) -> LeadStatusChangedData:
    """What the event of a move says, of the lead as it was after it."""
    data: LeadStatusChangedData = {
        "from": Named.of(source),
        "to": Named.of(target),
        "reason": after.reason,
        "reason_id": after.reason_id,
        "sub_status": after.sub_status,
        "note": note,
        "value": after.value,
        "currency": after.currency,
        "changed": changed,
        "seconds_in_previous": seconds,
    }
    if context:
        data["context"] = dict(context)
    return data
