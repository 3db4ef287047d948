"""What a bulk change does, how far it is, and what became of each lead. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.core.actor import Actor
from leadrail.core.channels.model import StatusRef
from leadrail.core.leads.commands import ChangeChannel, ChangeStatus, Command, EraseLead, Idempotency, UpdateLead

MOST_IDS = 10_000


class BulkState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


class BulkOutcome(StrEnum):
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class BulkMove(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="status", forbid_unknown_fields=True):
    """Every lead to the status of this name in its own channel."""

    status: str
    reason: str | None = None
    note: str | None = None
    sub_status: str | None = None


class BulkRelocate(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="move", forbid_unknown_fields=True):
    """Every lead to another channel of its company.

    `statuses`: where the leads of a status go, by its name here and there; those of others go to the status of the same
    name there, else to the first of the same category.
    """

    channel_id: UUID
    statuses: Annotated[dict[str, str], Meta(max_length=200)] = {}
    reason: str | None = None
    note: str | None = None
    drop_properties: bool = False


class BulkAssign(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assign", forbid_unknown_fields=True):
    """Every lead to this person; null: to nobody."""

    assignee: str | None


class BulkEdit(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="edit"):
    """The same new values for fields and properties; null removes one."""

    fields: dict[str, Any] = {}
    properties: dict[str, Any] = {}


class BulkErase(msgspec.Struct, frozen=True, tag_field="type", tag="erase", forbid_unknown_fields=True):
    """Takes the person out of every lead, for good."""


Action = BulkMove | BulkRelocate | BulkAssign | BulkEdit | BulkErase


class Summary(msgspec.Struct, frozen=True):
    """What is done to each lead, without the values of its fields: they may say something of a person."""

    type: str
    status: str | None = None
    fields: list[str] = []
    properties: list[str] = []
    channel_id: UUID | None = None


class BulkChange(msgspec.Struct, frozen=True):
    """A bulk change and how far it is. `total` None while the list is not whole yet."""

    id: UUID
    key_id: UUID
    state: BulkState
    action: Summary
    filtered_by: list[str] | None
    total: int | None
    done: int
    changed: int
    unchanged: int
    refused: int
    stopped_because: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Item(msgspec.Struct, frozen=True):
    """A lead of the list, by its place in it."""

    n: int
    lead_id: UUID


class ItemOutcome(msgspec.Struct, frozen=True):
    """What became of a lead; `code` and `message` say why it was refused."""

    n: int
    lead_id: UUID
    outcome: BulkOutcome
    code: str | None = None
    message: str | None = None


def summary_of(action: Action) -> Summary:
    match action:
        case BulkMove():
            return Summary("status", status=action.status)
        case BulkRelocate():
            return Summary("move", channel_id=action.channel_id)
        case BulkAssign():
            return Summary("assign", fields=["assignee"])
        case BulkEdit():
            return Summary("edit", fields=sorted(action.fields), properties=sorted(action.properties))
        case BulkErase():
            return Summary("erase")


def command(action: Action, actor: Actor, lead_id: UUID, once: Idempotency) -> Command:
    """The action as it is done to one lead."""
    match action:
        case BulkMove():
            return ChangeStatus(
                actor=actor,
                lead_id=lead_id,
                status=StatusRef(name=action.status),
                reason=action.reason,
                note=action.note,
                sub_status=action.sub_status,
                idempotency=once,
            )
        case BulkRelocate():
            return ChangeChannel(
                actor=actor,
                lead_id=lead_id,
                channel_id=action.channel_id,
                statuses={name.casefold(): to for name, to in action.statuses.items()},
                reason=action.reason,
                note=action.note,
                drop_properties=action.drop_properties,
                idempotency=once,
            )
        case BulkAssign():
            fields: Mapping[str, Any] = {"assignee": action.assignee}
            return UpdateLead(actor=actor, lead_id=lead_id, fields=fields, idempotency=once)
        case BulkEdit():
            return UpdateLead(
                actor=actor,
                lead_id=lead_id,
                fields=action.fields,
                properties=action.properties,
                idempotency=once,
            )
        case BulkErase():
            return EraseLead(actor=actor, lead_id=lead_id, idempotency=once)


# What JSON has as text.
_TYPES: dict[str, Any] = {"value": Decimal | None, "next_follow_up_at": datetime | None}


def action_of(stored: Any) -> Action:
    """The action as it was written down, its values of their types again."""
    action: Action = msgspec.convert(stored, Action)
    if not isinstance(action, BulkEdit):
        return action
    fields = {
        name: msgspec.convert(value, _TYPES[name]) if name in _TYPES else value for name, value in action.fields.items()
    }
    return BulkEdit(fields=fields, properties=action.properties)
