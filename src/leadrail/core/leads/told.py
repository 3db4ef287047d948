"""What the events of a lead say: the shape of each one's `data`."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NotRequired, TypedDict
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Category, Channel, ChannelTold, Named, Status
from leadrail.core.identity import KeyKind
from leadrail.core.leads.decisions import Consent, FollowUp, Note, Purchase


class RuleTold(TypedDict):
    """The rule of the channel that acted, as it was named then; `refused` is the code with which its move failed."""

    id: UUID
    name: str
    refused: NotRequired[str]


class LeadCreatedData(TypedDict):
    """`data` of lead.created."""

    to: Named
    assignee: NotRequired[str | None]
    reason: NotRequired[str]
    reason_id: NotRequired[UUID]
    sub_status: NotRequired[str]
    note: NotRequired[str]
    context: NotRequired[dict[str, Any]]


class LeadUpdatedData(TypedDict):
    """`data` of lead.updated."""

    changed: dict[str, Any]
    note: NotRequired[str]


class LeadAttachedData(TypedDict):
    """`data` of lead.attached."""

    matched: list[KeyKind]
    sent: dict[str, Any]
    note: Note


LeadStatusChangedData = TypedDict(
    "LeadStatusChangedData",
    {
        "from": Named,
        "to": Named,
        "reason": str | None,
        "reason_id": UUID | None,
        "sub_status": str | None,
        "note": str | None,
        "value": Decimal | None,
        "currency": str | None,
        "changed": dict[str, Any],
        "context": NotRequired[dict[str, Any]],
        "seconds_in_previous": int,
        "rule": NotRequired[RuleTold],
        "reversible_until": NotRequired[datetime],
        "reverses": NotRequired[UUID],
    },
)
LeadStatusChangedData.__doc__ = "`data` of lead.status_changed."


class ChannelStatus(msgspec.Struct, frozen=True):
    """A status and its channel as they were named at a moment."""

    id: UUID
    name: str
    category: Category
    channel: ChannelTold

    @classmethod
    def of(cls, status: Status, channel: Channel) -> "ChannelStatus":
        told = ChannelTold(id=channel.id, number=channel.number, title=channel.title)
        return cls(status.id, status.name, status.category, told)


LeadMovedData = TypedDict(
    "LeadMovedData",
    {
        "from": ChannelStatus,
        "to": ChannelStatus,
        "reason": str | None,
        "reason_id": UUID | None,
        "sub_status": str | None,
        "note": str | None,
        "value": Decimal | None,
        "currency": str | None,
        "changed": dict[str, Any],
        "seconds_in_previous": int,
    },
)
LeadMovedData.__doc__ = "`data` of lead.moved."

LeadLeftData = TypedDict("LeadLeftData", {"from": ChannelStatus, "seconds_in_previous": int})
LeadLeftData.__doc__ = "`data` of lead.left, which does not say where to."


class LeadErasedData(TypedDict):
    """`data` of lead.erased, which says nothing more than the rule that did it, if one did."""

    rule: NotRequired[RuleTold]


class LeadsAssignedData(TypedDict):
    """`data` of leads.assigned."""

    channel: ChannelTold
    assignee: str
    leads: int


class NoteAddedData(TypedDict):
    """`data` of note.added."""

    note: Note


class ConsentRecordedData(TypedDict):
    """`data` of consent.recorded."""

    consent: Consent


class FollowUpRecordedData(TypedDict):
    """`data` of follow_up.recorded."""

    follow_up: FollowUp
    next_follow_up_at: datetime | None


class FollowUpDueData(TypedDict):
    """`data` of follow_up.due and follow_up.overdue."""

    follow_up_at: datetime | None
    assignee: str | None
    note: str | None


class PurchaseRecordedData(TypedDict):
    """`data` of purchase.recorded."""

    purchase: Purchase
    rule: NotRequired[RuleTold]
