"""Capillary's words to commands on a lead that there is (contracts/capillary.md, sections 5.4 to 5.7)."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Channel, StatusRef
from leadrail.core.errors import Code, refuse
from leadrail.core.identity import KeyKind, external_key
from leadrail.core.leads.commands import ChangeStatus, RecordFollowUp, UpdateLead
from leadrail.core.leads.model import Lead, called
from leadrail.core.queries import Seen
from leadrail.dialects.capillary.faults import is_blank, missing, require
from leadrail.dialects.capillary.wire import (
    LARGEST_ID,
    LeadUpdate,
    NewFollowUp,
    StatusUpdate,
    moment,
)
from leadrail.dialects.custom import CUSTOM, kept, split
from leadrail.dialects.words import CAPILLARY
from leadrail.kit.ids import new_id
from leadrail.kit.wire import BadInput

CUSTOMER = "capillary_customer"
"""The system in whose name a lead's external id is the number of its customer."""


def number_of(lead_id: str) -> int:
    """The lead number in a path. Raises BadInput, or Refused for a number that no lead can have."""
    if not (lead_id.isascii() and lead_id.isdigit()):
        raise BadInput(f'leadId is a number, not "{lead_id}"')
    if len(lead_id) > 19 or int(lead_id) > LARGEST_ID:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    return int(lead_id)


def zone_of(actor: Actor, channel: Channel) -> ZoneInfo:
    """Where the till stands, else where the company that owns the channel does."""
    return ZoneInfo(actor.time_zone or channel.time_zone)


def customer_of(lead: Lead) -> int:
    """The number of a lead's customer: what it was made for or with, else the lead's own."""
    given = long(lead.attribution.get("user_id"))
    if given is not None:
        return given
    number = called(lead.attribution, CUSTOMER) or ""
    return int(number) if number.isascii() and number.isdigit() and len(number) <= 18 else lead.number


def long(value: object) -> int | None:
    """A number that the vendor's clients can hold; other faces may have put anything in its place."""
    return value if type(value) is int and -LARGEST_ID - 1 <= value <= LARGEST_ID else None


def customers_key(customer: int) -> tuple[KeyKind, str]:
    """By which the leads of a customer are found."""
    return KeyKind.EXTERNAL_ID, external_key(CUSTOMER, str(customer))


# Update


def edit(actor: Actor, body: LeadUpdate, seen: Seen) -> UpdateLead:
    """The new owner and extended fields; those that are not sent stay, a null one goes.

    What is no property is kept in one piece and written whole: then it holds for the lead as it was seen only.
    """
    custom = split(seen.setup.channel, body.extended_fields or {})
    fields: dict[str, Any] = {} if body.owner is None else {"assignee": body.owner.strip()}
    if custom.others:
        fields["attribution"] = {CUSTOM: without_nulls(kept(seen.lead) | custom.others)}
    return UpdateLead(
        actor=actor,
        lead_id=seen.lead.id,
        fields=fields,
        properties=custom.properties,
        version=seen.lead.version if custom.others else None,
    )


def without_nulls(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def check_status(body: StatusUpdate) -> None:
    """Raises Faulty."""
    require(status=body.status, reasonId=body.reason_id)


def change(actor: Actor, body: StatusUpdate, seen: Seen) -> ChangeStatus:
    """What the request, once checked, asks of this lead. Raises BadInput, Refused."""
    zone = zone_of(actor, seen.setup.channel)
    return ChangeStatus(
        actor=actor,
        lead_id=seen.lead.id,
        status=status_named(body.status),
        sub_status=(body.sub_status or "").strip(),
        reason_number=reason_number(body.reason_id),
        at=moment_in(body.created_on, zone, "/createdOn"),
        context={"created_by": actor.number if body.created_by is None else body.created_by},
    )


def status_named(word: str | None) -> StatusRef:
    return CAPILLARY.reference((word or "").strip())


def reason_number(given: int | str | None) -> int:
    text = str(given).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise refuse(Code.UNKNOWN_REASON, f'There is no reason "{given}"', "/reason_id")
    return int(text)


# Follow-ups


def check_follow_up(body: NewFollowUp) -> None:
    """Raises Faulty for one that has neither happened nor is planned."""
    if is_blank(body.followed_up_on) and is_blank(body.scheduled_follow_up) and is_blank(body.next_follow_up):
        raise missing("followedUpOn")


def follow_up(actor: Actor, body: NewFollowUp, seen: Seen) -> RecordFollowUp:
    """What the request, once checked, says of this lead. Raises BadInput."""
    zone = zone_of(actor, seen.setup.channel)
    return RecordFollowUp(
        actor=actor,
        lead_id=seen.lead.id,
        follow_up_id=new_id(),
        scheduled_at=moment_in(body.scheduled_follow_up, zone, "/scheduledFollowUp"),
        done_at=moment_in(body.followed_up_on, zone, "/followedUpOn"),
        done_by=None if body.followed_up_by is None else str(body.followed_up_by),
        next_at=moment_in(body.next_follow_up, zone, "/nextFollowUp"),
        notes=body.notes,
        created_by=str(actor.number if body.created_by is None else body.created_by),
    )


def moment_in(text: str | None, zone: ZoneInfo, pointer: str) -> datetime | None:
    return None if text is None or is_blank(text) else moment(text, zone, pointer)
