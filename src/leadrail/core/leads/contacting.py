"""Contacts with a lead, planned and done. Pure."""

from datetime import datetime

from msgspec.structs import replace

from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import Contact, RecordFollowUp
from leadrail.core.leads.decisions import Decision, Fact, FollowUp
from leadrail.core.leads.fields import NOTE_LIMIT, PERSON_LIMIT, checked_text, checked_time
from leadrail.core.leads.model import Lead
from leadrail.core.leads.told import FollowUpRecordedData


def record_follow_up(lead: Lead, command: RecordFollowUp, now: datetime) -> Decision:
    next_at = checked_time("next_at", command.next_at) if command.next_at is not None else None
    if command.done_at is None and next_at is None and command.scheduled_at is None:
        message = "A follow-up needs done_at, scheduled_at or next_at"
        raise refuse(Code.INVALID, message, "/done_at")
    follow_up = follow_up_of(command, now)
    edited = replace(
        lead,
        next_follow_up_at=_planned(lead, follow_up, next_at),
        last_follow_up_at=max(filter(None, (lead.last_follow_up_at, follow_up.followed_up_at)), default=None),
        updated_at=now,
        version=lead.version + 1,
    )
    return Decision(edited, (follow_up_fact(follow_up, edited, now),), (follow_up,))


def follow_up_of(asked: RecordFollowUp | Contact, now: datetime) -> FollowUp:
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


def follow_up_fact(follow_up: FollowUp, lead: Lead, now: datetime) -> Fact:
    data = FollowUpRecordedData(follow_up=follow_up, next_follow_up_at=lead.next_follow_up_at)
    return Fact(EventType.FOLLOW_UP_RECORDED, data, now)


def _planned(lead: Lead, follow_up: FollowUp, next_at: datetime | None) -> datetime | None:
    """The next contact: the one now planned, else the one planned before unless it has just been done."""
    done_at = follow_up.followed_up_at
    planned = next_at or (follow_up.scheduled_at if done_at is None else None)
    if planned is not None or done_at is None or lead.next_follow_up_at is None:
        return planned or lead.next_follow_up_at
    return lead.next_follow_up_at if lead.next_follow_up_at > done_at else None
