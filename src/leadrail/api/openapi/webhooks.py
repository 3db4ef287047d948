"""What is sent to webhook endpoints of the native format, out of the event catalogue."""

from leadrail.api import examples
from leadrail.api.openapi.operations import header
from leadrail.api.openapi.schemas import PREFIX, Json
from leadrail.core.events.model import SENTENCES, EventType

_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_RESPONSES: Json = {
    "2XX": {"description": "Any answer from 200 to 299 takes the event."},
    "410": {"description": "Disables the endpoint."},
    "default": {"description": "The event is sent again, later and later for about three days."},
}
_NULL = {"type": "null"}
_TEXT: Json = {"anyOf": [{"type": "string"}, _NULL]}

# The members of an event's `data`, wherever one has this name.
_MEMBERS: dict[str, Json] = {
    "from": {"$ref": f"{PREFIX}StatusName", "description": "The former status."},
    "to": {"$ref": f"{PREFIX}StatusName", "description": "The status after it."},
    "reason": _TEXT,
    "reason_id": {"anyOf": [{"type": "string", "format": "uuid"}, _NULL]},
    "sub_status": _TEXT,
    "note": _TEXT,
    "value": {"anyOf": [{"type": "string", "format": "decimal"}, _NULL]},
    "currency": _TEXT,
    "changed": {"type": "object", "description": "Each changed field with its old and new value, `from` and `to`."},
    "seconds_in_previous": {"type": "integer", "description": "How long the lead was in the former status."},
    "follow_up": {"$ref": f"{PREFIX}RecordedFollowUp"},
    "next_follow_up_at": {"anyOf": [{"type": "string", "format": "date-time"}, _NULL]},
    "follow_up_at": {"type": "string", "format": "date-time"},
    "assignee": {"anyOf": [{"type": "string"}, _NULL]},
    "purchase": {"$ref": f"{PREFIX}Purchase"},
    "reward": {"$ref": f"{PREFIX}Reward"},
    "endpoint": {"type": "object", "description": "The endpoint: id, url, reason, failing_since."},
    "rule": {"type": "object", "description": "The rule of the channel that did it, by its id and name."},
    "reversible_until": {"type": "string", "format": "date-time", "description": "Until when it can be taken back."},
    "reverses": {"type": "string", "format": "uuid", "description": "The event that is taken back."},
    "channel": {"type": "object", "description": "The channel by its id, number and title."},
}
# Where a name means something else in one event.
_STATE: Json = {"$ref": f"{PREFIX}RewardState"}
_OWN: dict[EventType, dict[str, Json]] = {
    EventType.REWARD_CHANGED: {
        "from": {"anyOf": [_STATE, _NULL], "description": "The former state; null for a new correction."},
        "to": _STATE | {"description": "The state after it."},
    },
    EventType.NOTE_ADDED: {"note": {"$ref": f"{PREFIX}Note"}},
}
_OPTIONAL: dict[EventType, tuple[str, ...]] = {
    EventType.LEAD_CREATED: ("reason", "reason_id", "sub_status", "note"),
    EventType.LEAD_UPDATED: ("note",),
    EventType.LEAD_STATUS_CHANGED: ("rule", "reversible_until", "reverses"),
    EventType.PURCHASE_RECORDED: ("rule",),
}
_WITHOUT_LEAD = frozenset({EventType.CHANNEL_PAUSED, EventType.CHANNEL_RESUMED, EventType.ENDPOINT_DISABLED})


def data_name(event: EventType) -> str:
    """`lead.status_changed` as LeadStatusChangedData."""
    return event.replace(".", "_").title().replace("_", "") + "Data"


def data_schemas() -> Json:
    """What each event's `data` holds, by the name of its schema."""
    return {data_name(event): _data(event) for event in EventType if event in examples.EVENT_DATA}


def _data(event: EventType) -> Json:
    always = list(examples.EVENT_DATA[event])
    names = (*always, *_OPTIONAL.get(event, ()))
    return {
        "type": "object",
        "description": f"`data` of {event}.",
        "properties": {name: (_MEMBERS | _OWN.get(event, {}))[name] for name in names},
        "required": always,
    }


def webhook(event: EventType) -> Json:
    headers = [header(name, required=True) for name in _HEADERS]
    content = {"application/json": {"schema": _body(event), "example": _example(event)}}
    return {
        "post": {
            "operationId": event.replace(".", "_"),
            "summary": SENTENCES[event],
            "security": [],
            "parameters": headers,
            "requestBody": {"required": True, "content": content},
            "responses": _RESPONSES,
        }
    }


def _body(event: EventType) -> Json:
    after = {"type": "object", "properties": {"lead": {"$ref": f"{PREFIX}Lead"}}, "required": ["lead"]}
    known = [{"$ref": PREFIX + data_name(event)}] if event in examples.EVENT_DATA else []
    parts = known if event in _WITHOUT_LEAD else [*known, after]
    narrowed = {"type": "object", "properties": {"type": {"const": event}, "data": {"allOf": parts}}}
    return {
        "type": "object",
        "properties": {
            "type": {"const": event},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": {"allOf": [{"$ref": f"{PREFIX}Event"}, narrowed]},
        },
        "required": ["type", "timestamp", "data"],
    }


def _example(event: EventType) -> Json:
    return {"type": event, "timestamp": examples.LATER, "data": sample(event)}


def sample(event: EventType) -> Json:
    """The event as a delivery of it holds it."""
    data = examples.EVENT_DATA.get(event, {})
    whole: Json = examples.EVENT | {"type": event}
    if event in _WITHOUT_LEAD:
        whole |= {"lead_id": None, "data": data}
    else:
        whole |= {"data": data | {"lead": examples.LEAD_AFTER.get(event, examples.LEAD)}}
    if event is EventType.ENDPOINT_DISABLED:
        whole |= {"channel_id": None}
    return whole
