"""Making a refused lead fit: what Leadrail cannot keep as it was is kept another way, and said so.

The engine names the first value at fault; mending it may bring up the next, so this is done again until the lead is
taken or nothing is left to mend.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from leadrail.core.channels.model import Channel
from leadrail.core.errors import Code, Refusal
from leadrail.core.identity import EXTERNAL_IDS
from leadrail.core.leads.commands import Contact, CreateLead, Step
from leadrail.core.leads.creating import MOST_STEPS
from leadrail.core.leads.fields import EARLIEST, LATEST, NOTE_LIMIT, PERSON_LIMIT, REASON_LIMIT, TEXT_LIMITS
from leadrail.kit.ids import new_id

MOST_MENDS = 40
CUSTOM = "custom"


def mended(command: CreateLead, channel: Channel, refusal: Refusal, now: datetime) -> CreateLead | None:
    """The command without what it was refused for; None when there is nothing to be done.

    Somebody who is blocked stays out: without the key for which he is, he would be the same person.
    """
    if refusal.code is Code.BLOCKED:
        return None
    after = _mended(command, channel, refusal, now)
    return after if after != command else None


def _mended(command: CreateLead, channel: Channel, refusal: Refusal, now: datetime) -> CreateLead:
    if refusal.code is Code.CONFLICT:
        # Its number, or else its id, belongs to another lead of the company.
        return replace(command, number=None) if command.number else replace(command, lead_id=new_id())
    name, _, key = (refusal.field or "").removeprefix("/").partition("/")
    if name == "properties":
        return _without_property(command, channel, key.replace("~1", "/").replace("~0", "~"))
    if (mend := _MENDS.get(name)) is not None:
        return mend(command, now)
    return _without_field(command, name) if name in command.fields else command


def _without_property(command: CreateLead, channel: Channel, key: str) -> CreateLead:
    rest = dict(command.properties)
    value = rest.pop(key, None)
    definition = channel.property_by_key.get(key) or channel.property_by_key.get(key.casefold())
    return replace(_beside(command, definition.name if definition else key, value), properties=rest)


def _without_field(command: CreateLead, name: str) -> CreateLead:
    rest = dict(command.fields)
    value = rest.pop(name)
    return _beside(replace(command, fields=rest), name, value)


def _beside(command: CreateLead, name: str, value: Any) -> CreateLead:
    """The value among those that have no place of their own."""
    attribution = dict(command.fields.get("attribution") or {})
    custom = attribution.get(CUSTOM)
    beside = custom if isinstance(custom, dict) else {"": custom} if custom is not None else {}
    attribution[CUSTOM] = beside | {name: value if isinstance(value, str | int | float | bool) else str(value)}
    return replace(command, fields=dict(command.fields) | {"attribution": attribution})


def _smaller(command: CreateLead, _now: datetime) -> CreateLead:
    """Attribution that is too large: without its largest member, until it fits; the ids stay."""
    attribution = dict(command.fields.get("attribution") or {})
    others = [name for name in attribution if name != EXTERNAL_IDS]
    if others:
        del attribution[max(others, key=lambda name: len(str(attribution[name])))]
    return replace(command, fields=dict(command.fields) | {"attribution": attribution})


def _within_time(command: CreateLead, now: datetime) -> CreateLead:
    """No moment before anybody's time or after now."""

    def past(at: datetime | None) -> datetime | None:
        return None if at is None else min(max(at, EARLIEST), now)

    steps = tuple(replace(step, at=past(step.at)) for step in command.steps)
    return replace(command, steps=steps, at=past(command.at), updated_at=past(command.updated_at))


def _contacts_within_time(command: CreateLead, _now: datetime) -> CreateLead:
    def possible(at: datetime | None) -> datetime | None:
        return at if at is not None and EARLIEST <= at <= LATEST else None

    return _with_contacts(
        command,
        lambda one: replace(
            one, scheduled_at=possible(one.scheduled_at), done_at=possible(one.done_at), created_at=None
        ),
    )


def _shorter_people(command: CreateLead, _now: datetime) -> CreateLead:
    return _with_contacts(
        command,
        lambda one: replace(
            one, done_by=_cut(one.done_by, PERSON_LIMIT), created_by=_cut(one.created_by, PERSON_LIMIT)
        ),
    )


def _shorter_notes(command: CreateLead, _now: datetime) -> CreateLead:
    fields = dict(command.fields)
    if "notes" in fields:
        fields["notes"] = _cut(fields["notes"], TEXT_LIMITS["notes"])
    cut = _with_contacts(command, lambda one: replace(one, notes=_cut(one.notes, NOTE_LIMIT)))
    return replace(cut, fields=fields)


def _shorter_words(command: CreateLead, _now: datetime) -> CreateLead:
    return _with_steps(
        command, lambda step: replace(step, reason=_cut(step.reason, REASON_LIMIT), note=_cut(step.note, NOTE_LIMIT))
    )


def _without_sub_status(command: CreateLead, _now: datetime) -> CreateLead:
    return _with_steps(command, lambda step: replace(step, sub_status=None))


def _fewer_steps(command: CreateLead, _now: datetime) -> CreateLead:
    return replace(command, steps=command.steps[-MOST_STEPS:])


def _with_steps(command: CreateLead, change: Callable[[Step], Step]) -> CreateLead:
    return replace(command, steps=tuple(change(step) for step in command.steps))


def _with_contacts(command: CreateLead, change: Callable[[Contact], Contact]) -> CreateLead:
    return replace(command, contacts=tuple(change(contact) for contact in command.contacts))


def _cut(text: str | None, limit: int) -> str | None:
    return text[:limit] if text else text


_MENDS: dict[str, Callable[[CreateLead, datetime], CreateLead]] = {
    "attribution": _smaller,
    "at": _within_time,
    "updated_at": _within_time,
    "scheduled_at": _contacts_within_time,
    "done_at": _contacts_within_time,
    "created_at": _contacts_within_time,
    "done_by": _shorter_people,
    "created_by": _shorter_people,
    "notes": _shorter_notes,
    "reason": _shorter_words,
    "note": _shorter_words,
    "sub_status": _without_sub_status,
    "steps": _fewer_steps,
}
