"""Commands: what can be asked of a lead, as plain data."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Duplicates, StatusRef
from leadrail.core.identity import KeyKind
from leadrail.core.leads.decisions import Basis, ConsentState
from leadrail.core.leads.model import Lead


class Origin(StrEnum):
    """By which door a command came, where that decides what follows from it (see `reactions`)."""

    STANDARD = "standard"
    QUIET_EDIT = "quiet_edit"
    PUBLIC_FORM = "public_form"
    IMPORT = "import"
    BATCH = "batch"


class Idempotency(msgspec.Struct, frozen=True):
    """A caller's key for one write, the digest of what it asked, and how its answer is written down.

    `render` turns the outcome into the status and body that a repeat of the call is answered with.
    """

    key: str
    fingerprint: bytes
    render: Callable[[Any], tuple[int, bytes]]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A status that a lead was in before it came here, when it entered it, and why. `at` None: now."""

    status: StatusRef
    at: datetime | None = None
    sub_status: str | None = None
    reason: str | None = None
    reason_number: int | None = None
    note: str | None = None
    context: Mapping[str, Any] = {}


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A follow-up that a lead brings along. `created_at` None: recorded now."""

    follow_up_id: UUID
    scheduled_at: datetime | None = None
    done_at: datetime | None = None
    done_by: str | None = None
    notes: str | None = None
    created_by: str | None = None
    created_at: datetime | None = None


class CreateLead(msgspec.Struct, frozen=True, kw_only=True):
    """A new lead. `fields` are lead fields by name, as in `fields.EDITABLE`; `properties` by id or name.

    `steps`, oldest first, are the statuses that it has been through: the last is where it is, and `status` is not
    looked at. `at` and `updated_at` are when it came to be and was last changed by the caller's account. `number` asks
    for a number that is free. `on_duplicate` is what becomes of it when the channel has its person already, None leaves
    that to the channel; `unique_by` refuses it, whatever that says, when one has a key of that kind in common.
    `batch_id` is that of all new leads that come with it: the channel gives them out, whatever their origin, and of
    those that are told there is one notice (see `core.assigning`).
    """

    actor: Actor
    channel_id: UUID
    lead_id: UUID
    fields: Mapping[str, Any] = {}
    properties: Mapping[str, Any] = {}
    status: StatusRef | None = None
    steps: tuple[Step, ...] = ()
    contacts: tuple[Contact, ...] = ()
    at: datetime | None = None
    updated_at: datetime | None = None
    number: int | None = None
    on_duplicate: Duplicates | None = None
    unique_by: KeyKind | None = None
    batch_id: UUID | None = None
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


class AttachArrival(msgspec.Struct, frozen=True, kw_only=True):
    """What came in about a lead that is there already is written down beside it.

    `matched` says by which keys it is that one, `at` when it came by the caller's account.
    """

    actor: Actor
    lead_id: UUID
    note_id: UUID
    fields: Mapping[str, Any] = {}
    properties: Mapping[str, Any] = {}
    matched: tuple[KeyKind, ...] = ()
    at: datetime | None = None
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class ChangeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A move to another status, with the fields that are set in the same step and told in its event.

    `edits` are fields that are set with it and told in an event of their own. `at` is when it happened by the caller's
    account; `context` is handed on in the event untouched.
    `reason` is a text, `reason_id` and `reason_number` name a reason of the company.
    """

    actor: Actor
    lead_id: UUID
    status: StatusRef
    fields: Mapping[str, Any] = {}
    edits: Mapping[str, Any] = {}
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


class ChangeChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A move to another channel of the lead's company, with fields that are set in the same step.

    Where to there: `status`, else what `statuses` says (names there by case-folded names here), else the status of the
    same name or category. `drop_properties`: values that have no place there may be left behind.
    """

    actor: Actor
    lead_id: UUID
    channel_id: UUID
    status: StatusRef | None = None
    statuses: Mapping[str, str] = {}
    fields: Mapping[str, Any] = {}
    sub_status: str | None = None
    reason: str | None = None
    reason_id: UUID | None = None
    note: str | None = None
    drop_properties: bool = False
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


class RecordPurchase(msgspec.Struct, frozen=True, kw_only=True):
    """The lead bought something. `currency` None is the lead's, else the channel's; `at` None is now.

    `trigger_ids` names the reward triggers that may pay for it; None leaves it to every purchase trigger.
    """

    actor: Actor
    lead_id: UUID
    purchase_id: UUID
    name: str | None = None
    description: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    at: datetime | None = None
    trigger_ids: frozenset[UUID] | None = None
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class AddNote(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody writes something down about the lead. `author` is a name, as the caller gives it."""

    actor: Actor
    lead_id: UUID
    note_id: UUID
    text: str
    author: str | None = None
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class RecordConsent(msgspec.Struct, frozen=True, kw_only=True):
    """The person agrees to a purpose, or withdraws. `at` is when, by the caller's account; None: now."""

    actor: Actor
    lead_id: UUID
    consent_id: UUID
    purpose: str
    basis: Basis
    state: ConsentState
    at: datetime | None = None
    source: str | None = None
    proof: str | None = None
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class RemindFollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """The time of the planned contact has come, or a day has passed since: whoever has not been told is told."""

    actor: Actor
    lead_id: UUID
    version: None = None
    origin: Origin = Origin.STANDARD
    idempotency: None = None


class ApplyRule(msgspec.Struct, frozen=True, kw_only=True):
    """The lead may have been left as it is for as long as a rule of its channel allows."""

    actor: Actor
    lead_id: UUID
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class ReverseMove(msgspec.Struct, frozen=True, kw_only=True):
    """Take back the lead's last move, made by a rule; `event_id` is the move's event."""

    actor: Actor
    lead_id: UUID
    event_id: UUID
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class TakeBack(msgspec.Struct, frozen=True, kw_only=True):
    """Undo what an import did to a lead. `before` is the lead as it was; None: the import made it, and it goes.

    `version` is the one that the import left: a lead that was touched since is not taken back.
    """

    actor: Actor
    lead_id: UUID
    before: Lead | None
    version: int
    origin: Origin = Origin.STANDARD
    idempotency: None = None


class RewardDecision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    PAY = "pay"


class EraseLead(msgspec.Struct, frozen=True, kw_only=True):
    """Takes the person out of the lead and of all that was recorded of it, for good."""

    actor: Actor
    lead_id: UUID
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class DecideReward(msgspec.Struct, frozen=True, kw_only=True):
    """A decision on a reward of the lead, which is `company_id`'s. Its rules are in `rewards.deciding`.

    `reason` is needed to reject. The lead itself does not change, so `version` is not looked at.
    """

    actor: Actor
    company_id: UUID
    lead_id: UUID
    reward_id: UUID
    decision: RewardDecision
    reason: str | None = None
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


class CorrectReward(msgspec.Struct, frozen=True, kw_only=True):
    """Takes `amount` (above zero) of a paid reward of the lead back, as a new line, `correction_id`."""

    actor: Actor
    company_id: UUID
    lead_id: UUID
    reward_id: UUID
    correction_id: UUID
    amount: Decimal
    reason: str
    version: int | None = None
    origin: Origin = Origin.STANDARD
    idempotency: Idempotency | None = None


LeadCommand = (
    CreateLead
    | UpdateLead
    | AttachArrival
    | ChangeStatus
    | ChangeChannel
    | RecordFollowUp
    | RecordPurchase
    | AddNote
    | RecordConsent
    | RemindFollowUp
    | ApplyRule
    | ReverseMove
    | TakeBack
    | EraseLead
)
RewardCommand = DecideReward | CorrectReward
Command = LeadCommand | RewardCommand
