"""Adding a lead: Capillary's words to one command (contracts/capillary.md, section 5.2)."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Category, Channel
from leadrail.core.identity import EXTERNAL_IDS, email_key, phone_key
from leadrail.core.leads.commands import Contact, CreateLead, Step
from leadrail.dialects.capillary.auth import Attribution
from leadrail.dialects.capillary.faults import Fault, Faulty, is_blank, one_of, require
from leadrail.dialects.capillary.mapping import CUSTOMER, moment_in, reason_number, status_named, without_nulls, zone_of
from leadrail.dialects.capillary.wire import (
    DEFAULT_TYPE,
    EMAIL,
    ID_TYPES,
    IN_STORE,
    LEAD_TYPES,
    NewFollowUp,
    NewLead,
    NewLogEntry,
)
from leadrail.dialects.custom import CUSTOM, split
from leadrail.dialects.words import CAPILLARY
from leadrail.kit.ids import new_id


class Person(msgspec.Struct, frozen=True):
    """Whom an identifier names: `field` of a lead has it as it was sent, `key` is its folded form."""

    id_type: str
    field: str
    identifier: str
    key: str


def check(body: NewLead) -> None:
    """Raises Faulty: `leadFor` and a customer are compulsory."""
    by_identifier = {"idType": body.id_type, "identifier": body.identifier} if not body.user_id else {}
    require(leadFor=body.lead_for, **by_identifier)


def person(body: NewLead, channel: Channel) -> Person | None:
    """The customer that the identifier names, if one is sent whole. Raises Faulty."""
    if is_blank(body.id_type) or is_blank(body.identifier):
        return None
    id_type, identifier = one_of(body.id_type or "", ID_TYPES, "idType"), (body.identifier or "").strip()
    if id_type == EMAIL:
        field, key, hint = "email", email_key(identifier), "an e-mail address"
    else:
        field, key = "phone", phone_key(identifier, channel.country)
        hint = "a mobile number; begin it with + and the country code, or give the company its country"
    if key is None:
        raise Faulty(Fault.BAD_IDENTIFIER, f'identifier: "{identifier}" is not {hint}')
    return Person(id_type, field, identifier, key)


class Making(msgspec.Struct, frozen=True):
    """An add-lead request with all that is known of who makes it, where, and for whom."""

    actor: Actor
    body: NewLead
    channel: Channel
    entity: Attribution
    reach: dict[str, Any]
    """The e-mail or phone of the customer."""

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.actor, self.channel)


def command(making: Making, customer: int) -> CreateLead:
    """What the request, once checked, asks for. Raises BadInput, Faulty, Refused."""
    actor, body, channel = making.actor, making.body, making.channel
    custom = split(channel, without_nulls(body.extended_fields or {}))
    times = {name: moment_in(getattr(body, name), making.zone, pointer) for name, pointer in _TIMES.items()}
    planned = [moment_in(entry.next_follow_up, making.zone, "/nextFollowUp") for entry in body.follow_up_details or ()]
    return CreateLead(
        actor=actor,
        channel_id=channel.id,
        lead_id=new_id(),
        fields={
            **making.reach,
            "assignee": (body.owner or "").strip(),
            "next_follow_up_at": times["next_follow_up"] or next(filter(None, reversed(planned)), None),
            "attribution": _attribution(making, customer) | ({CUSTOM: custom.others} if custom.others else {}),
        },
        properties=custom.properties,
        steps=_steps(making, times["created_on"]),
        contacts=_with_last(_contacts(making), times["last_follow_up"], actor),
        at=times["created_on"],
    )


_TIMES = {"created_on": "/createdOn", "next_follow_up": "/nextFollowUp", "last_follow_up": "/lastFollowUp"}


def _attribution(making: Making, customer: int) -> dict[str, Any]:
    body = making.body
    return {
        "lead_type": one_of(body.type, LEAD_TYPES, "type") if body.type else DEFAULT_TYPE,
        "lead_for": body.lead_for,
        "user_id": customer,
        "org_source_id": IN_STORE if body.org_source_id is None else body.org_source_id,
        "created_by": making.actor.number if body.created_by is None else body.created_by,
        "entity_type": making.entity.entity_type,
        "entity_code": making.entity.entity_code,
        EXTERNAL_IDS: {CUSTOMER: str(customer)},
    }


def _steps(making: Making, created_on: datetime | None) -> tuple[Step, ...]:
    """The log that is sent, and where the lead is if that is not where the log ends.

    Entries of a log that is sent are logged by the till at the server's time, whatever the caller says of them (section
    5.2). Without a log the one entry is the creation itself.
    """
    entries = list(making.body.status_log_details or ())
    status, sub_status = ((word or "").strip() for word in (making.body.status, making.body.sub_status))
    if not entries:
        first = NewLogEntry(status=status or CAPILLARY.shown_as[Category.OPEN], sub_status=sub_status)
        return (_step(making, first, created_on),)
    require(**{f"statusLogDetails[{n}].status": entry.status for n, entry in enumerate(entries)})
    last = entries[-1]
    if status and not _is_same(making.channel, status, last.status or ""):
        entries.append(NewLogEntry(status=status, sub_status=sub_status))
    elif sub_status:
        entries[-1] = msgspec.structs.replace(last, sub_status=sub_status)
    return tuple(_step(making, entry, None) for entry in entries)


def _is_same(channel: Channel, word: str, other: str) -> bool:
    return channel.find_status(status_named(word)) is channel.find_status(status_named(other))


def _step(making: Making, entry: NewLogEntry, at: datetime | None) -> Step:
    return Step(
        status=status_named(entry.status),
        at=at,
        sub_status=(entry.sub_status or "").strip(),
        reason_number=None if is_blank(entry.reason_id) else reason_number(entry.reason_id),
        context={"created_by": making.actor.number},
    )


def _contacts(making: Making) -> tuple[Contact, ...]:
    entries = making.body.follow_up_details or ()
    dates = {
        f"followUpDetails[{n}].followedUpOn": entry.followed_up_on or entry.scheduled_follow_up
        for n, entry in enumerate(entries)
    }
    require(**dates)
    return tuple(_contact(making, entry) for entry in entries)


def _contact(making: Making, entry: NewFollowUp) -> Contact:
    return Contact(
        follow_up_id=new_id(),
        scheduled_at=moment_in(entry.scheduled_follow_up, making.zone, "/scheduledFollowUp"),
        done_at=moment_in(entry.followed_up_on, making.zone, "/followedUpOn"),
        done_by=None if entry.followed_up_by is None else str(entry.followed_up_by),
        notes=entry.notes,
        created_by=str(making.actor.number),
    )


def _with_last(contacts: tuple[Contact, ...], last: datetime | None, actor: Actor) -> tuple[Contact, ...]:
    """`lastFollowUp` is the time of a follow-up: one of those that are sent, else one more."""
    if last is None or any(contact.done_at is not None and contact.done_at >= last for contact in contacts):
        return contacts
    return (*contacts, Contact(follow_up_id=new_id(), done_at=last, created_by=str(actor.number)))
