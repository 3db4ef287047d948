"""Leads and what happened to them as Capillary shows them (contracts/capillary.md, sections 5.1, 5.6 and 5.8).

What a lead made by another face lacks is filled as docs/dialects/capillary.md says.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Channel, Named
from leadrail.core.events.model import Entry, Event, EventType
from leadrail.core.followups.store import FollowUpRow
from leadrail.core.leads.model import Lead, sub_status_of
from leadrail.dialects.capillary.mapping import customer_of, long, zone_of
from leadrail.dialects.capillary.wire import (
    DEFAULT_TYPE,
    IN_STORE,
    FollowUpDetail,
    Item,
    StatusLogDetail,
    WholeLead,
    shown,
)
from leadrail.dialects.custom import joined
from leadrail.dialects.words import CAPILLARY

NO_TILL = -1
"""Who did what no till did: the vendor's own number for its system jobs."""

_LOGGED = (EventType.LEAD_CREATED, EventType.LEAD_STATUS_CHANGED, EventType.LEAD_MOVED)


class Story(msgspec.Struct, frozen=True):
    """A lead with what happened to it, oldest first, and the numbers of the tills that did it."""

    lead: Lead
    channel: Channel
    history: Sequence[Entry] = ()
    contacts: Sequence[FollowUpRow] = ()
    tills: Mapping[UUID, int] = {}


class _View(msgspec.Struct, frozen=True):
    """What every part of an answer needs to know of the whole."""

    story: Story
    zone: tzinfo
    user_id: int

    @classmethod
    def of(cls, actor: Actor, story: Story) -> "_View":
        return cls(story, zone_of(actor, story.channel), customer_of(story.lead))


def whole_lead(actor: Actor, story: Story, warnings: tuple[Item, ...] | UnsetType = UNSET) -> WholeLead:
    """Section 5.1."""
    lead, view = story.lead, _View.of(actor, story)
    return WholeLead(
        id=lead.number,
        user_id=view.user_id,
        type=_text(lead, "lead_type") or DEFAULT_TYPE,
        lead_for=_text(lead, "lead_for"),
        status=CAPILLARY.word(story.channel.status_by_id[lead.status_id]),
        sub_status=sub_status_of(lead, story.channel),
        next_follow_up=shown(lead.next_follow_up_at, view.zone) if lead.next_follow_up_at else None,
        last_follow_up=shown(lead.last_follow_up_at, view.zone) if lead.last_follow_up_at else None,
        created_on=shown(lead.created_at, view.zone),
        created_by=_created_by(story),
        last_updated_on=shown(lead.updated_at, view.zone),
        last_updated_by=_till(story, story.history[-1].event) if story.history else None,
        follow_up_details=[_follow_up(view, row) for row in story.contacts],
        extended_fields={name: _plain(value) for name, value in joined(lead, story.channel).items()},
        status_log_details=_status_log(view),
        org_source_id=_integer(lead, "org_source_id", IN_STORE),
        owner=lead.assignee,
        warnings=warnings,
    )


def status_log(actor: Actor, story: Story) -> list[StatusLogDetail]:
    """Section 5.6."""
    return _status_log(_View.of(actor, story))


def follow_ups(actor: Actor, story: Story) -> list[FollowUpDetail]:
    """Section 5.8."""
    view = _View.of(actor, story)
    return [_follow_up(view, row) for row in story.contacts]


def _created_by(story: Story) -> int | None:
    """Whom the caller named; else the till that made the lead, as far back as the story goes."""
    named = long(story.lead.attribution.get("created_by"))
    if named is not None:
        return named
    first = story.history[0].event if story.history else None
    return _logged_by(story, first) if first is not None and first.type is EventType.LEAD_CREATED else None


def _status_log(view: _View) -> list[StatusLogDetail]:
    numbers = {str(reason.id): reason.number for reason in view.story.channel.reasons}
    return [_log_entry(view, entry, numbers) for entry in view.story.history if entry.event.type in _LOGGED]


def _log_entry(view: _View, entry: Entry, numbers: dict[str, int]) -> StatusLogDetail:
    data = entry.event.data
    return StatusLogDetail(
        id=entry.seq,
        user_id=view.user_id,
        lead_id=view.story.lead.number,
        status=CAPILLARY.word(msgspec.convert(data["to"], Named)),
        created_by=_logged_by(view.story, entry.event),
        created_on=shown(entry.event.occurred_at, view.zone),
        reason_id=numbers.get(data.get("reason_id") or ""),
        reason=data.get("reason"),
        sub_status=data.get("sub_status"),
    )


def _logged_by(story: Story, event: Event) -> int:
    """Whom the log names: the staff member that the caller named, else the till."""
    named = long((event.data.get("context") or {}).get("created_by"))
    return _till(story, event) if named is None else named


def _till(story: Story, event: Event) -> int:
    return story.tills.get(event.actor.id, NO_TILL) if event.actor.id else NO_TILL


def _follow_up(view: _View, row: FollowUpRow) -> FollowUpDetail:
    created_by = _entity(row.created_by)
    return FollowUpDetail(
        id=row.number,
        user_id=view.user_id,
        lead_id=view.story.lead.number,
        notes=row.notes,
        created_by=NO_TILL if created_by is None else created_by,
        created_on=shown(row.created_at, view.zone),
        followed_up_by=_entity(row.followed_up_by),
        followed_up_on=shown(row.followed_up_at, view.zone) if row.followed_up_at else None,
        scheduled_follow_up=shown(row.scheduled_at, view.zone) if row.scheduled_at else None,
    )


def _entity(name: str | None) -> int | None:
    """A follow-up of another face may name a person by a text, for which there is no number."""
    digits = (name or "").removeprefix("-")
    return long(int(name or "")) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else None


def _text(lead: Lead, name: str) -> str | None:
    value = lead.attribution.get(name)
    return value if isinstance(value, str) else None


def _integer(lead: Lead, name: str, default: int) -> int:
    value = long(lead.attribution.get(name))
    return default if value is None else value


def _plain(value: Any) -> str:
    """Every value is a text, as in every sample; what is no text, as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
