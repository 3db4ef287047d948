"""KeenPartner's requests as the core's commands (contract section 4). Every function raises Refused (`invalid`)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels.model import StatusRef
from leadrail.core.errors import Code, refuse
from leadrail.core.leads import commands
from leadrail.core.leads.commands import Origin
from leadrail.dialects.keenpartner.wire import (
    CreateLead,
    CreatePurchase,
    GivenLead,
    PropertyText,
    UpdateLead,
    UpdateStatus,
    UpdateStatusId,
)
from leadrail.dialects.words import KEENPARTNER, reference
from leadrail.kit import money
from leadrail.kit.ids import new_id, parse_id

REFERRED_BY = "referred_by"
"""The member of a lead's attribution that holds the employee."""

_FIELDS = ("email", "first_name", "last_name", "phone", "company_name", "source", "notes", "business_id")
_Number = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


# Ids


def channel_id(text: str | None) -> UUID:
    """Raises Refused (`channel_required`, `invalid`)."""
    if not text:
        raise refuse(Code.CHANNEL_REQUIRED, "channel_id required")
    return _id(text, "channel_id")


def lead_id(text: str | None) -> UUID:
    if not text:
        raise refuse(Code.INVALID, "lead_id required")
    return _id(text, "lead_id")


def legacy_id(given: Any) -> int:
    if (number := whole_number(given)) is None:
        raise refuse(Code.INVALID, "legacy_id required")
    return number


def whole_number(given: Any) -> int | None:
    """The number that a lead can have, also when it is written as text."""
    try:
        return msgspec.convert(given, _Number, strict=False)
    except msgspec.ValidationError:
        return None


def _id(text: str, name: str) -> UUID:
    if (id := parse_id(text)) is None:
        raise refuse(Code.INVALID, f"{name} is not a UUID")
    return id


# Commands


def creation(actor: Actor, channel: UUID, asked: CreateLead, origin: Origin = Origin.STANDARD) -> commands.CreateLead:
    return commands.CreateLead(
        actor=actor,
        channel_id=channel,
        lead_id=new_id(),
        fields=_fields(asked),
        properties=_properties(asked),
        origin=origin,
    )


def edit(actor: Actor, asked: UpdateLead) -> commands.UpdateLead:
    id, fields, properties = lead_id(asked.lead_id), _fields(asked), _properties(asked)
    if not fields and not properties:
        raise refuse(Code.INVALID, "Nothing to update; send at least one field or a property")
    return commands.UpdateLead(actor=actor, lead_id=id, fields=fields, properties=properties, origin=Origin.QUIET_EDIT)


def _fields(asked: GivenLead) -> dict[str, Any]:
    """The standard fields that were given; an empty text takes a value away."""
    given = {name: value for name in _FIELDS if (value := getattr(asked, name)) is not None}
    employees = [name for name in (asked.employee, asked.referring_employee) if name is not None]
    if employees:
        given["attribution"] = {REFERRED_BY: next(filter(None, employees), None)}
    return given


def _properties(asked: GivenLead) -> dict[str, Any]:
    return {str(one.property_definitions_id): _storable(one.value) for one in asked.properties or ()}


def _storable(value: PropertyText) -> str | int | float | bool | None:
    """Objects and lists are kept as their JSON text (contract section 4.6); an empty text takes the value away."""
    if isinstance(value, list | dict):
        return msgspec.json.encode(value).decode()
    if isinstance(value, float):
        return shortest(value)
    return None if value == "" else value


def shortest(value: float) -> int | float:
    """50000.0 as 50000: the vendor's own language knows no other way to write it."""
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def move_by_name(actor: Actor, asked: UpdateStatus) -> commands.ChangeStatus:
    if not asked.lead_id or not asked.status:
        raise refuse(Code.INVALID, "lead_id and status required")
    return _move(actor, asked.lead_id, reference(KEENPARTNER, asked.status), asked.old_status_id)


def move_by_id(actor: Actor, asked: UpdateStatusId) -> commands.ChangeStatus:
    if not asked.lead_id or not asked.status_id:
        raise refuse(Code.INVALID, "lead_id and status_id required")
    return _move(actor, asked.lead_id, StatusRef(id=_id(asked.status_id, "status_id")), asked.old_status_id)


def _move(actor: Actor, lead: str, status: StatusRef, old_status: str | None) -> commands.ChangeStatus:
    old = _id(old_status, "old_status_id") if old_status else None
    return commands.ChangeStatus(
        actor=actor,
        lead_id=_id(lead, "lead_id"),
        status=status,
        context={"old_status_id": old} if old else {},
    )


def purchase(actor: Actor, asked: CreatePurchase) -> commands.RecordPurchase:
    """There is no catalogue here: the id of a product is kept as the purchase's name."""
    return commands.RecordPurchase(
        actor=actor,
        lead_id=lead_id(asked.lead_id),
        purchase_id=new_id(),
        name=asked.product_name or asked.product_id,
        description=asked.product_description or asked.description,
        amount=_amount(asked.purchase_amount),
        at=_moment(asked.date) if asked.date else None,
        trigger_ids=None if asked.trigger_ids is None else frozenset(asked.trigger_ids),
    )


def _amount(given: Decimal | None) -> Decimal | None:
    """What a client worked out in floating point has more places than money: 3 times 0.1 is 0.30000000000000004.

    What is no amount at all is left to the core to refuse.
    """
    if given is None or not money.is_below_largest(given):
        return given
    return round(given, money.DECIMAL_PLACES)


def _moment(text: str) -> datetime:
    """A time without an offset is one in UTC, a day alone its beginning."""
    try:
        moment = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        raise refuse(Code.INVALID, "date is not an ISO 8601 time, such as 2026-04-21T10:00:00Z") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
