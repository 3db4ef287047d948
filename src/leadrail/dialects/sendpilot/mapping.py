"""SendPilot's questions and moves in the core's words, and leads as SendPilot shows them (contract sections 6, 7)."""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from msgspec.structs import replace

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Category, Channel, StatusRef
from leadrail.core.engine import Done
from leadrail.core.errors import Code, refuse
from leadrail.core.identity import linkedin_key
from leadrail.core.leads.commands import ChangeStatus
from leadrail.core.leads.filters import Condition, Filter, Operator
from leadrail.core.leads.model import Lead
from leadrail.core.queries import Seen
from leadrail.dialects.custom import joined
from leadrail.dialects.sendpilot import wire
from leadrail.dialects.sendpilot.auth import FACE
from leadrail.dialects.sendpilot.errors import not_among
from leadrail.dialects.sendpilot.wire import CustomLeadStatus, LeadsQuery, StatusAnswer, StatusPatch
from leadrail.dialects.words import SENDPILOT
from leadrail.kit.clock import with_milliseconds

T = TypeVar("T")

CUSTOM_LEAD_STATUS = "custom_lead_status"
"""The member of a lead's attribution that holds its label."""

LABELS: dict[CustomLeadStatus, Category] = {
    CustomLeadStatus.LEAD: Category.OPEN,
    CustomLeadStatus.INTERESTED: Category.QUALIFIED,
    CustomLeadStatus.MEETING_BOOKED: Category.QUALIFIED,
    CustomLeadStatus.MEETING_COMPLETE_NOT_CLOSED: Category.QUALIFIED,
    CustomLeadStatus.CLOSED: Category.WON,
    CustomLeadStatus.WRONG_PERSON: Category.LOST,
    CustomLeadStatus.NOT_INTERESTED: Category.LOST,
    CustomLeadStatus.NO_RESPONSE: Category.LOST,
}
"""What a label stands for when it comes without a status: the status of its name, else the first of this category."""


# Reading


def filter_of(asked: LeadsQuery, channels: Sequence[Channel]) -> Filter:
    """The page of these channels' leads that is asked for. Raises Refused (`invalid`) for a word that is no status."""
    return Filter(
        channel_ids=tuple(channel.id for channel in channels),
        conditions=(_shown_as(asked.status, channels),) if asked.status else (),
        offset=(asked.page - 1) * asked.limit,
        limit=asked.limit,
    )


def _shown_as(word: str, channels: Sequence[Channel]) -> Condition:
    if word.casefold() not in SENDPILOT.stands_for:
        raise not_among("status", map(str.upper, SENDPILOT.stands_for))
    statuses = [status for channel in channels for status in channel.statuses]
    ids = [status.id for status in statuses if SENDPILOT.word(status) == word.upper()]
    return Condition("status_id", Operator.IN, ids)


def shown(seen: Seen, *, is_full: bool) -> wire.Lead:
    lead, channel = seen.lead, seen.setup.channel
    first_name, last_name = _names(lead)
    members: dict[str, Any] = {
        "id": lead.called(FACE),
        "linkedin_url": profile_url(lead.linkedin_url),
        "status": SENDPILOT.word(channel.status_by_id[lead.status_id]),
        "first_name": first_name,
        "last_name": last_name,
        "title": lead.title,
        "company": lead.company_name,
        "campaign_id": channel.called(FACE),
        "created_at": with_milliseconds(lead.created_at),
        "updated_at": with_milliseconds(lead.updated_at),
    }
    return wire.FullLead(**members, **_more(lead, channel)) if is_full else wire.Lead(**members)


def _names(lead: Lead) -> tuple[str | None, str | None]:
    """First and last name; of a lead that came in with a whole name alone, its first word and the rest."""
    if lead.first_name or lead.last_name or not lead.name:
        return lead.first_name, lead.last_name
    first, _, last = lead.name.partition(" ")
    return first or None, last.strip() or None


def _more(lead: Lead, channel: Channel) -> dict[str, Any]:
    """The members of a full lead: what a profile holds is told as far as a custom field of that name says it."""
    # A phone has no member of its own, so it stays where the vendor's client put it.
    data = ({"phone": lead.phone} if lead.phone else {}) | joined(lead, channel)
    return {
        "about": _said(data, "about", str),
        "connection_count": _said(data, "connectionCount", int),
        "custom_lead_status": _said(lead.attribution, CUSTOM_LEAD_STATUS, str),
        "data": data,
        "email": lead.email,
        "follower_count": _said(data, "followerCount", int),
        "industry": _said(data, "industry", str),
        "is_open_profile": _said(data, "isOpenProfile", bool),
        "is_premium": _said(data, "isPremium", bool),
        "location": _said(data, "location", str),
        "profile_picture_url": _said(data, "profilePictureUrl", str),
        "sender_id": _said(data, "senderId", str),
        "website": _said(data, "website", str),
    }


def _said(data: dict[str, Any], name: str, kind: type[T]) -> T | None:
    value = data.get(name)
    return value if type(value) is kind else None


def profile_url(raw: str | None) -> str | None:
    """The address of a profile in full, whatever part of it was given; what names no profile stays as it is."""
    if raw is None or raw.lower().startswith(("https://", "http://")):
        return raw
    slug = linkedin_key(raw)
    return f"https://www.linkedin.com/in/{quote(slug)}" if slug else raw


# Change of status


def change_of_status(actor: Actor, lead_id: UUID, asked: StatusPatch) -> ChangeStatus:
    """Raises Refused (`invalid`) when neither a status nor a label is given, or one that is no label."""
    label = _label(asked.custom_lead_status)
    return ChangeStatus(
        actor=actor,
        lead_id=lead_id,
        status=_reference(asked.status, label),
        edits={"attribution": {CUSTOM_LEAD_STATUS: label}} if label else {},
        note=asked.note,
    )


def change_by_label(actor: Actor, seen: Seen, asked: StatusPatch) -> ChangeStatus:
    """The same for a label alone, of the lead as it was read. One that is in the label's stage already stays where it
    is, unless the channel has a status of the label's own name.
    """
    lead, channel = seen.lead, seen.setup.channel
    move = change_of_status(actor, lead.id, asked)
    current = channel.status_by_id[lead.status_id]
    has_name = (move.status.name or "").casefold() in channel.status_by_name
    stays = not has_name and not current.archived and current.category is move.status.category
    status = StatusRef(id=current.id) if stays else move.status
    return replace(move, status=status, version=lead.version)


def _label(text: str | None) -> CustomLeadStatus | None:
    if not text:
        return None
    if text not in LABELS:
        raise not_among("customLeadStatus", LABELS)
    return CustomLeadStatus(text)


def _reference(word: str | None, label: CustomLeadStatus | None) -> StatusRef:
    if word:
        return SENDPILOT.reference(word)
    if label is not None:
        return StatusRef(name=label, category=LABELS[label])
    raise refuse(Code.INVALID, "At least one of status or customLeadStatus is required")


def changed(done: Done) -> StatusAnswer:
    """The answer to a change: the lead's status by the word under which SendPilot reads it."""
    lead, statuses = done.lead, done.setup.channel.status_by_id
    word = SENDPILOT.word(statuses[lead.status_id])
    before = done.before or lead
    id = lead.called(FACE)
    return StatusAnswer(
        id=id,
        linkedin_url=profile_url(lead.linkedin_url),
        previous_status=SENDPILOT.word(statuses[before.status_id]),
        status=word,
        updated_at=with_milliseconds(lead.updated_at),
        success=True,
        lead_id=id,
        message=f"Lead status updated to '{word}'",
    )
