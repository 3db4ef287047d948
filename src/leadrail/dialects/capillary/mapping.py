"""Capillary's words to commands, and leads to the whole lead that it answers (contracts/capillary.md, section 5).

What a lead made by another face lacks is filled as docs/dialects/capillary.md says.
"""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Category, Channel, Status
from leadrail.core.engine import Done
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import Entry, Event, EventType
from leadrail.core.followups.store import FollowUpRow
from leadrail.core.leads.commands import ChangeStatus
from leadrail.core.leads.model import Lead, named_properties
from leadrail.core.queries import Seen
from leadrail.dialects.capillary.wire import (
    LARGEST_ID,
    FollowUpDetail,
    Item,
    MissingFields,
    StatusLogDetail,
    StatusUpdate,
    WholeLead,
    moment,
    shown,
)
from leadrail.dialects.words import CAPILLARY
from leadrail.kit.wire import BadInput

NO_TILL = -1
"""Who did what no till did: the vendor's own number for its system jobs."""

IN_STORE = -1
LOGGED = (EventType.LEAD_CREATED, EventType.LEAD_STATUS_CHANGED)


def number_of(lead_id: str) -> int:
    """The lead number in a path. Raises BadInput, or Refused for a number that no lead can have."""
    if not (lead_id.isascii() and lead_id.isdigit()):
        raise BadInput(f'leadId is a number, not "{lead_id}"')
    if len(lead_id) > 19 or int(lead_id) > LARGEST_ID:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    return int(lead_id)


def check(body: StatusUpdate) -> None:
    """Raises MissingFields."""
    sent = {"status": body.status, "reasonId": body.reason_id}
    if missing := [name for name, value in sent.items() if value in (None, "")]:
        raise MissingFields(*missing)


def change(actor: Actor, body: StatusUpdate, seen: Seen) -> ChangeStatus:
    """What the request, once checked, asks of this lead. Raises BadInput, Refused."""
    zone = ZoneInfo(seen.setup.channel.time_zone)
    return ChangeStatus(
        actor=actor,
        lead_id=seen.lead.id,
        status=CAPILLARY.reference(body.status or ""),
        sub_status=body.sub_status,
        reason_number=_reason_number(body.reason_id),
        at=moment(body.created_on, zone, "/createdOn") if body.created_on else None,
        context={"created_by": actor.number if body.created_by is None else body.created_by},
    )


def _reason_number(given: int | str | None) -> int:
    text = str(given).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise refuse(Code.UNKNOWN_REASON, f'There is no reason "{given}"', "/reason_id")
    return int(text)


class _View(msgspec.Struct, frozen=True):
    """What every part of the answer needs to know of the whole."""

    actor: Actor
    lead: Lead
    channel: Channel
    zone: tzinfo
    user_id: int


def whole_lead(
    actor: Actor, done: Done, history: Sequence[Entry], contacts: Sequence[FollowUpRow], warnings: tuple[Item, ...] = ()
) -> WholeLead:
    """The lead as it was after the change, with its status log up to there."""
    lead, channel = done.lead, done.setup.channel
    entries = _up_to(done, history)
    view = _View(actor, lead, channel, ZoneInfo(channel.time_zone), _integer(lead, "user_id", lead.number))
    return WholeLead(
        id=lead.number,
        user_id=view.user_id,
        type=_text(lead, "lead_type") or "SKU",
        lead_for=_text(lead, "lead_for"),
        status=CAPILLARY.word(channel.status_by_id[lead.status_id]),
        sub_status=lead.sub_status,
        next_follow_up=shown(lead.next_follow_up_at, view.zone) if lead.next_follow_up_at else None,
        last_follow_up=shown(lead.last_follow_up_at, view.zone) if lead.last_follow_up_at else None,
        created_on=shown(lead.created_at, view.zone),
        created_by=_logged_by(entries[0].event, actor) if entries else None,
        last_updated_on=shown(lead.updated_at, view.zone),
        last_updated_by=_till(entries[-1].event, actor) if entries else None,
        follow_up_details=[_follow_up(view, row) for row in contacts],
        extended_fields={name: _plain(value) for name, value in named_properties(lead, channel).items()},
        status_log_details=_status_log(view, entries),
        org_source_id=_integer(lead, "org_source_id", IN_STORE),
        owner=lead.assignee,
        warnings=warnings,
    )


def _up_to(done: Done, history: Sequence[Entry]) -> Sequence[Entry]:
    """The entries up to this change: what somebody else did since is not part of its answer."""
    last = done.events[-1].id if done.events else None
    for place, entry in enumerate(history, 1):
        if entry.event.id == last:
            return history[:place]
    return history


def _status_log(view: _View, entries: Sequence[Entry]) -> list[StatusLogDetail]:
    numbers = {str(reason.id): reason.number for reason in view.channel.reasons}
    return [_log_entry(view, entry, numbers) for entry in entries if entry.event.type in LOGGED]


def _log_entry(view: _View, entry: Entry, numbers: dict[str, int]) -> StatusLogDetail:
    data = entry.event.data
    return StatusLogDetail(
        id=entry.seq,
        user_id=view.user_id,
        lead_id=view.lead.number,
        status=_word(data["to"]),
        created_by=_logged_by(entry.event, view.actor),
        created_on=shown(entry.event.occurred_at, view.zone),
        reason_id=numbers.get(data.get("reason_id") or ""),
        reason=data.get("reason"),
        sub_status=data.get("sub_status"),
    )


def _word(named: dict[str, Any]) -> str:
    """The word for a status as it was named at the time."""
    return CAPILLARY.word(Status(UUID(named["id"]), named["name"], Category(named["category"]), 0, ""))


def _logged_by(event: Event, actor: Actor) -> int:
    """Whom the log names: the staff member that the caller named, else the till."""
    named = (event.data.get("context") or {}).get("created_by")
    return named if type(named) is int else _till(event, actor)


def _till(event: Event, actor: Actor) -> int:
    return actor.number if event.actor.id == actor.id else NO_TILL


def _follow_up(view: _View, row: FollowUpRow) -> FollowUpDetail:
    return FollowUpDetail(
        id=row.number,
        user_id=view.user_id,
        lead_id=view.lead.number,
        notes=row.notes,
        created_by=_entity(row.created_by) or NO_TILL,
        created_on=shown(row.created_at, view.zone),
        followed_up_by=_entity(row.followed_up_by),
        followed_up_on=shown(row.followed_up_at, view.zone) if row.followed_up_at else None,
        scheduled_follow_up=shown(row.scheduled_at, view.zone) if row.scheduled_at else None,
    )


def _entity(name: str | None) -> int | None:
    """A follow-up of another face may name a person by a text, for which there is no number."""
    return int(name) if name and name.isascii() and name.isdigit() and len(name) <= 18 else None


def _text(lead: Lead, name: str) -> str | None:
    value = lead.attribution.get(name)
    return value if isinstance(value, str) else None


def _integer(lead: Lead, name: str, default: int) -> int:
    value = lead.attribution.get(name)
    return value if type(value) is int else default


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
