"""The catalogue of events: what each type tells, what its `data` holds, and a sample.

The API's description of webhooks, the list of event types, the guide and test events all come out of it.
"""

from typing import Any, NamedTuple

from leadrail.api import examples
from leadrail.core.channels.model import ChannelPausedData
from leadrail.core.events.model import EventType
from leadrail.core.leads.told import (
    FollowUpDueData,
    FollowUpRecordedData,
    LeadAttachedData,
    LeadCreatedData,
    LeadErasedData,
    LeadsAssignedData,
    LeadStatusChangedData,
    LeadUpdatedData,
    NoteAddedData,
    PurchaseRecordedData,
)
from leadrail.core.rewards.model import RewardChangedData, RewardCreatedData
from leadrail.core.webhooks.model import EndpointDisabledData

Json = dict[str, Any]


class Kind(NamedTuple):
    """One type of event. `lead` is a sample of the lead as webhooks add it, None where an event is of no lead."""

    sentence: str
    data: Any
    sample: Json
    lead: Json | None = examples.LEAD
    has_channel: bool = True


_EDITED = {
    "title": {"from": None, "to": "Head of Operations"},
    "source": {"from": "website", "to": None},
    "properties": {"Deal size": {"from": 50000, "to": 75000}},
}
_FOLLOW_UP = {name: value for name, value in examples.FOLLOW_UP.items() if name != "number"}
_DUE = {"follow_up_at": examples.NOON, "assignee": "sam@example.com", "note": "Call"}
_DECIDED = {"reward": examples.APPROVED_REWARD, "from": "pending", "to": "approved", "reason": None}
_DISABLED = {
    "id": examples.ENDPOINT_ID,
    "url": examples.ENDPOINT["url"],
    "reason": "gone",
    "failing_since": examples.NOON,
}
_SENT = {"email": "jane@example.com", "source": "trade fair"}
_CAME_AGAIN = examples.NOTE | {
    "text": "This person came in again.\nemail: jane@example.com\nsource: trade fair",
    "author": None,
}
_CHANNEL = {"channel": {"id": examples.CHANNEL_ID, "number": 3, "title": "Website"}}

CATALOGUE: dict[EventType, Kind] = {
    EventType.LEAD_CREATED: Kind(
        "A lead came in.",
        LeadCreatedData,
        {"to": examples.LEAD["status"]},
    ),
    EventType.LEAD_UPDATED: Kind(
        "Fields of a lead changed; `data.changed` holds each with its old and new value.",
        LeadUpdatedData,
        {"changed": _EDITED},
        examples.EDITED_LEAD,
    ),
    EventType.LEAD_ATTACHED: Kind(
        "Somebody came in again whom the channel has; `data.sent` is what was sent, and the lead stayed as it was.",
        LeadAttachedData,
        {"matched": ["email"], "sent": _SENT, "note": _CAME_AGAIN},
    ),
    EventType.LEAD_STATUS_CHANGED: Kind(
        "A lead moved; `data.from` and `data.to` say from where to where.",
        LeadStatusChangedData,
        examples.EVENT["data"],
        examples.QUALIFIED_LEAD,
    ),
    EventType.LEAD_ERASED: Kind(
        "A lead's personal data was erased; delete your copy of it too.",
        LeadErasedData,
        {},
        examples.ERASED_LEAD,
    ),
    EventType.LEADS_ASSIGNED: Kind(
        "Somebody got leads of a batch; `data.leads` says how many.",
        LeadsAssignedData,
        _CHANNEL | {"assignee": "sam@example.com", "leads": 480},
        lead=None,
    ),
    EventType.NOTE_ADDED: Kind(
        "Somebody wrote a note on a lead.",
        NoteAddedData,
        {"note": examples.NOTE},
    ),
    EventType.FOLLOW_UP_RECORDED: Kind(
        "A contact with the lead was planned or done.",
        FollowUpRecordedData,
        {"follow_up": _FOLLOW_UP, "next_follow_up_at": examples.LATER},
    ),
    EventType.FOLLOW_UP_DUE: Kind("The time of a planned contact has come.", FollowUpDueData, _DUE),
    EventType.FOLLOW_UP_OVERDUE: Kind("A planned contact is a day late.", FollowUpDueData, _DUE),
    EventType.PURCHASE_RECORDED: Kind(
        "A lead bought something; `data.purchase` says what, when and for how much.",
        PurchaseRecordedData,
        {"purchase": examples.PURCHASE},
    ),
    EventType.REWARD_CREATED: Kind(
        "A reward trigger matched and a reward was recorded.",
        RewardCreatedData,
        {"reward": examples.REWARD},
    ),
    EventType.REWARD_CHANGED: Kind(
        "A reward was approved, rejected, paid, taken back or corrected.",
        RewardChangedData,
        _DECIDED,
    ),
    EventType.CHANNEL_PAUSED: Kind(
        "A channel was paused: no work is to be done on its leads until it is resumed.",
        ChannelPausedData,
        _CHANNEL,
        lead=None,
    ),
    EventType.CHANNEL_RESUMED: Kind("A paused channel goes on.", ChannelPausedData, _CHANNEL, lead=None),
    EventType.ENDPOINT_DISABLED: Kind(
        "A webhook endpoint was taken out of service; `data.endpoint` says which and why.",
        EndpointDisabledData,
        {"endpoint": _DISABLED},
        lead=None,
        has_channel=False,
    ),
}


def sample(type: EventType) -> Json:
    """An event of this type as a delivery of it holds it."""
    kind = CATALOGUE[type]
    return examples.EVENT | {
        "type": type,
        "lead_id": kind.lead["id"] if kind.lead else None,
        "channel_id": examples.CHANNEL_ID if kind.has_channel else None,
        "data": kind.sample | ({"lead": kind.lead} if kind.lead else {}),
    }
