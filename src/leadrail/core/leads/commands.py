"""Commands: what can be asked of a lead, as plain data."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels.model import StatusRef


class Origin(StrEnum):
    """By which door a command came, where that decides what follows from it (see `reactions`)."""

    STANDARD = "standard"


class Idempotency(msgspec.Struct, frozen=True):
    """A caller's key for one write, the digest of what it asked, and how its answer is written down.

    `render` turns the outcome into the status and body that a repeat of the call is answered with.
    """

    key: str
    fingerprint: bytes
    render: Callable[[Any], tuple[int, bytes]]


class CreateLead(msgspec.Struct, frozen=True, kw_only=True):
    """A new lead. `fields` are lead fields by name, as in `rules.EDITABLE`; `properties` by id or name."""

    actor: Actor
    channel_id: UUID
    lead_id: UUID
    fields: Mapping[str, Any] = {}
    properties: Mapping[str, Any] = {}
    status: StatusRef | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class UpdateLead(msgspec.Struct, frozen=True, kw_only=True):
    """New values for fields and properties; None removes one. `version` is what If-Match demanded."""

    actor: Actor
    lead_id: UUID
    fields: Mapping[str, Any] = {}
    properties: Mapping[str, Any] = {}
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class ChangeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A move to another status, with the fields that are set in the same step.

    `at` is when it happened by the caller's account; `context` is handed on in the event untouched.
    `reason` is a text, `reason_id` and `reason_number` name a reason of the company.
    """

    actor: Actor
    lead_id: UUID
    status: StatusRef
    fields: Mapping[str, Any] = {}
    sub_status: str | None = None
    reason: str | None = None
    reason_id: UUID | None = None
    reason_number: int | None = None
    note: str | None = None
    also_qualified: bool = False
    at: datetime | None = None
    context: Mapping[str, Any] = {}
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class RecordFollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """A contact with the lead that is planned (`next_at`), done (`done_at`), or both."""

    actor: Actor
    lead_id: UUID
    follow_up_id: UUID
    scheduled_at: datetime | None = None
    done_at: datetime | None = None
    done_by: str | None = None
    next_at: datetime | None = None
    notes: str | None = None
    created_by: str | None = None
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


Command = CreateLead | UpdateLead | ChangeStatus | RecordFollowUp
