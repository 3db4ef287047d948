"""What the events of a lead say: the shape of each one's `data`."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NotRequired, TypedDict
from uuid import UUID

from leadrail.core.channels.model import ChannelTold, Named
from leadrail.core.identity import KeyKind
from leadrail.core.leads.decisions import FollowUp, Note, Purchase


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


class LeadErasedData(TypedDict):
    """`data` of lead.erased, which says nothing more."""


class LeadsAssignedData(TypedDict):
    """`data` of leads.assigned."""

    channel: ChannelTold
    assignee: str
    leads: int


class NoteAddedData(TypedDict):
    """`data` of note.added."""

    note: Note


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
