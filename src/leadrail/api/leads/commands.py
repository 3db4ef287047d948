"""What was sent, as commands."""

from typing import Any
from uuid import UUID

from msgspec import UNSET

from leadrail.api.leads.shapes import ChannelChange, FieldPatch, NewLead, StatusChange
from leadrail.core.actor import Actor
from leadrail.core.channels.model import Category, StatusRef
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.commands import ChangeChannel, ChangeStatus, CreateLead, Idempotency, Step
from leadrail.kit.http import Request
from leadrail.kit.ids import new_id, parse_id

_FIELDS = tuple(name for name in FieldPatch.__struct_fields__ if name != "attribution")


def _fields_of(body: NewLead) -> dict[str, Any]:
    given = {name: value for name in _FIELDS if (value := getattr(body, name)) is not None}
    return given | {"attribution": body.attribution} if body.attribution else given


def patch_of(body: FieldPatch) -> dict[str, Any]:
    given = {name: value for name in _FIELDS if (value := getattr(body, name)) is not UNSET}
    return given if body.attribution is UNSET else given | {"attribution": body.attribution}


def _reference(status: str | None, status_id: UUID | None, category: Category | None = None) -> StatusRef | None:
    if status is None and status_id is None and category is None:
        return None
    return StatusRef(status_id, status, category if status is None else None)


def creation(actor: Actor, body: NewLead, keep: Idempotency | None, batch_id: UUID | None = None) -> CreateLead:
    channel_id = body.channel_id or actor.default_channel
    if channel_id is None:
        raise refuse(Code.CHANNEL_REQUIRED, "Say which channel: the key has no default channel", "/channel_id")
    status = _reference(body.status, body.status_id)
    return CreateLead(
        actor=actor,
        channel_id=channel_id,
        lead_id=new_id(),
        fields=_fields_of(body),
        properties=body.properties,
        status=status,
        steps=_first_step(body, status),
        on_duplicate=body.on_duplicate,
        batch_id=batch_id,
        idempotency=keep,
    )


def _first_step(body: NewLead, status: StatusRef | None) -> tuple[Step, ...]:
    """Why the lead is where it begins, when that is said."""
    why = {name: value for name in ("sub_status", "reason", "note") if (value := getattr(body, name)) is not None}
    if not why:
        return ()
    if status is None:
        raise refuse(Code.INVALID, f"{', '.join(why)}: say of which status, too", "/status")
    return (Step(status=status, **why),)


def change(
    actor: Actor, lead_id: UUID, body: StatusChange, keep: Idempotency | None, version: int | None = None
) -> ChangeStatus:
    reference = _reference(body.status, body.status_id, body.category)
    if reference is None:
        raise refuse(Code.INVALID, "Say where to: status, status_id or category", "/status")
    return ChangeStatus(
        actor=actor,
        lead_id=lead_id,
        status=reference,
        fields=_money(body),
        sub_status=body.sub_status,
        reason=body.reason,
        reason_id=body.reason_id,
        note=body.note,
        also_qualified=body.also_qualified,
        at=body.at,
        version=version,
        idempotency=keep,
    )


def relocation(
    actor: Actor, lead_id: UUID, body: ChannelChange, keep: Idempotency | None, version: int | None
) -> ChangeChannel:
    return ChangeChannel(
        actor=actor,
        lead_id=lead_id,
        channel_id=body.channel_id,
        status=_reference(body.status, body.status_id, body.category),
        fields=_money(body),
        sub_status=body.sub_status,
        reason=body.reason,
        reason_id=body.reason_id,
        note=body.note,
        drop_properties=body.drop_properties,
        version=version,
        idempotency=keep,
    )


def _money(body: StatusChange | ChannelChange) -> dict[str, Any]:
    fields = {"value": body.value, "currency": body.currency}
    return {name: value for name, value in fields.items() if value is not None}


def lead_id_of(request: Request) -> UUID:
    """The lead that the path names. Raises Refused (`lead_not_found`) when it is no id at all."""
    if (id := parse_id(request.params["id"])) is None:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    return id
