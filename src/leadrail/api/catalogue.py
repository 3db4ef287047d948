"""The catalogue of events: what each type tells, what its `data` holds, and a sample.

The API's description of webhooks, the list of event types, the guide and test events all come out of it.
"""

from typing import Any, NamedTuple

from leadrail.api import examples
from leadrail.core.channels.model import ChannelPausedData
from leadrail.core.events.model import EventType
from leadrail.core.leads.told import (
    ConsentRecordedData,
    FollowUpDueData,
    FollowUpRecordedData,
    LeadAttachedData,
    LeadCreatedData,
    LeadErasedData,
    LeadLeftData,
    LeadMovedData,
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
    """One type of event. `lead` is a sample of the lead as webhooks add it, None where they add none; `always_lead`:
    they never leave it out. `of_lead`: the event is one of a lead.
    """

    sentence: str
    data: Any
    sample: Json
    lead: Json | None = examples.LEAD
    has_channel: bool = True
    always_lead: bool = True
    of_lead: bool = True


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
_CHANNEL: Json = {"channel": {"id": examples.CHANNEL_ID, "number": 3, "title": "Website"}}
_LEFT: Json = {"from": examples.EVENT["data"]["from"] | _CHANNEL, "seconds_in_previous": 300}
_OTHER: Json = {"channel": {"id": examples.OTHER_CHANNEL_ID, "number": 4, "title": "Partners"}}
_MOVED: Json = (
    examples.EVENT["data"] | _LEFT | {"to": examples.EVENT["data"]["to"] | _OTHER, "value": None, "changed": {}}
)
_SENT = {"email": "jane@example.com", "source": "trade fair"}
_CAME_AGAIN = examples.NOTE | {
    "text": "This person came in again.\nemail: jane@example.com\nsource: trade fair",
    "author": None,
}

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
    EventType.LEAD_MOVED: Kind(
        "A lead came into the channel from another; `data.from` and `data.to` say from where to where.",
        LeadMovedData,
        _MOVED,
        examples.MOVED_LEAD,
    ),
    EventType.LEAD_LEFT: Kind(
        "A lead left the channel for another; the event is the channel's, and tells nothing of the other one.",
        LeadLeftData,
        _LEFT,
        lead=None,
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
    EventType.CONSENT_RECORDED: Kind(
        "A person agreed to a purpose, or withdrew.",
        ConsentRecordedData,
        {"consent": examples.CONSENT},
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
        "A reward was approved, rejected, paid, taken back or corrected. `data.lead` is missing when the lead has left"
        " the channel in which it was earned.",
        RewardChangedData,
        _DECIDED,
        always_lead=False,
    ),
    EventType.CHANNEL_PAUSED: Kind(
        "A channel was paused: no work is to be done on its leads until it is resumed.",
        ChannelPausedData,
        _CHANNEL,
        lead=None,
        of_lead=False,
    ),
    EventType.CHANNEL_RESUMED: Kind(
        "A paused channel goes on.",
        ChannelPausedData,
        _CHANNEL,
        lead=None,
        of_lead=False,
    ),
    EventType.ENDPOINT_DISABLED: Kind(
        "A webhook endpoint was taken out of service; `data.endpoint` says which and why.",
        EndpointDisabledData,
        {"endpoint": _DISABLED},
        lead=None,
        has_channel=False,
        of_lead=False,
    ),
}


def sample(type: EventType) -> Json:
    """An event of this type as a delivery of it holds it."""
    kind = CATALOGUE[type]
    return examples.EVENT | {
        "type": type,
        "lead_id": examples.LEAD_ID if kind.of_lead else None,
        "channel_id": (kind.lead or examples.LEAD)["channel_id"] if kind.has_channel else None,
        "data": kind.sample | ({"lead": kind.lead} if kind.lead else {}),
    }
