"""The next contact with a lead: when a status plans it, when it falls away, and who has been told of it. Pure."""

from datetime import datetime, timedelta
from uuid import uuid5

from msgspec.structs import replace

from leadrail.core.channels.model import QUIET, Channel, Status
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import LeadCommand, Origin
from leadrail.core.leads.contacting import follow_up_fact
from leadrail.core.leads.decisions import Decision, Fact, FollowUp
from leadrail.core.leads.model import Lead
from leadrail.core.leads.told import FollowUpDueData

OVERDUE_AFTER = timedelta(hours=24)


def with_plan(
    before: Lead | None, channel: Channel, home: Channel, command: LeadCommand, decision: Decision, now: datetime
) -> Decision:
    """The decision with what its status plans; the one place where a change of the plan resets what was told of it.

    `channel` and `home` are the lead's channel before and after it.
    """
    if not decision.facts:
        return decision
    status = home.status_by_id[decision.lead.status_id]
    if command.origin is Origin.IMPORT:
        # What came due elsewhere was told there.
        return replace(decision, lead=replace(decision.lead, follow_up_notice=_notice_at(decision.lead, now)))
    entered = before is None or before.status_id != status.id
    told = _entered(before, status, decision, now) if entered else decision
    by_status, lead = len(told.facts) > len(decision.facts), told.lead
    anew = before is None or lead.next_follow_up_at != before.next_follow_up_at
    if anew and not by_status:
        lead = replace(lead, follow_up_status_id=None)
    if anew or _wakes(before, channel, status):
        lead = replace(lead, follow_up_notice=None)
    return replace(told, lead=lead)


def _wakes(before: Lead | None, channel: Channel, status: Status) -> bool:
    """Whether the lead comes from where nobody is reminded to where somebody is."""
    if before is None or before.status_id == status.id:
        return False
    return channel.status_by_id[before.status_id].category in QUIET and status.category not in QUIET


def remind(lead: Lead, channel: Channel, now: datetime) -> Decision:
    """Tells what has come due and not been told. It is nobody's touch: `updated_at` and `version` stay."""
    notice = _notice_at(lead, now)
    if notice is None or lead.follow_up_notice in ("overdue", notice):
        return Decision(lead)
    if channel.status_by_id[lead.status_id].category in QUIET:
        # Marked, and nobody told: or else it would be found again and again.
        return Decision(replace(lead, follow_up_notice="overdue"))
    data = FollowUpDueData(follow_up_at=lead.next_follow_up_at, assignee=lead.assignee, note=_note(lead, channel))
    types = [EventType.FOLLOW_UP_DUE] if lead.follow_up_notice is None else []
    types += [EventType.FOLLOW_UP_OVERDUE] if notice == "overdue" else []
    facts = tuple(Fact(type, data, now) for type in types)
    return Decision(replace(lead, follow_up_notice=notice), facts)


def _notice_at(lead: Lead, now: datetime) -> str | None:
    """The last notice that is to have been given at a moment."""
    at = lead.next_follow_up_at
    if at is None or at > now:
        return None
    return "overdue" if at + OVERDUE_AFTER <= now else "due"


def _note(lead: Lead, channel: Channel) -> str | None:
    """What the contact is for, when a status planned it."""
    planner = channel.status_by_id.get(lead.follow_up_status_id) if lead.follow_up_status_id else None
    return planner.follow_up_note if planner else None


def _entered(before: Lead | None, status: Status, decision: Decision, now: datetime) -> Decision:
    """What the status before had planned falls away; the new one plans, unless an earlier contact lies ahead."""
    lead = decision.lead
    planned = before.next_follow_up_at if before is not None and before.follow_up_status_id is not None else None
    if planned is not None and lead.next_follow_up_at == planned:
        lead = replace(lead, next_follow_up_at=None, follow_up_status_id=None)
    ahead = lead.next_follow_up_at if lead.next_follow_up_at and lead.next_follow_up_at > now else None
    at = now + timedelta(seconds=status.follow_up_after_s) if status.follow_up_after_s else None
    if at is None or (ahead is not None and ahead <= at):
        return replace(decision, lead=lead)
    lead = replace(lead, next_follow_up_at=at, follow_up_status_id=status.id)
    follow_up = FollowUp(
        id=uuid5(lead.id, f"{status.id} {lead.version}"),
        scheduled_at=at,
        followed_up_at=None,
        followed_up_by=None,
        notes=status.follow_up_note,
        created_by=None,
        created_at=now,
    )
    facts = (*decision.facts, follow_up_fact(follow_up, lead, now))
    return replace(decision, lead=lead, facts=facts, follow_ups=(*decision.follow_ups, follow_up))
