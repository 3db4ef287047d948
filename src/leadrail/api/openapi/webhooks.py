"""What is sent to webhook endpoints of the native format, out of the catalogue of events."""

from leadrail.api import examples
from leadrail.api.catalogue import CATALOGUE, sample
from leadrail.api.openapi.operations import header
from leadrail.api.openapi.schemas import PREFIX, Json, data_schema
from leadrail.core.events.model import EventType

_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_RESPONSES: Json = {
    "2XX": {"description": "Any answer from 200 to 299 takes the event."},
    "410": {"description": "Disables the endpoint."},
    "default": {"description": "The event is sent again, later and later for about three days."},
}


def webhook(event: EventType) -> Json:
    headers = [header(name, required=True) for name in _HEADERS]
    example = {"type": event, "timestamp": examples.LATER, "data": sample(event)}
    content = {"application/json": {"schema": _body(event), "example": example}}
    return {
        "post": {
            "operationId": event.replace(".", "_"),
            "summary": CATALOGUE[event].sentence,
            "security": [],
            "parameters": headers,
            "requestBody": {"required": True, "content": content},
            "responses": _RESPONSES,
        }
    }


def _body(event: EventType) -> Json:
    kind = CATALOGUE[event]
    after: Json = {"type": "object", "properties": {"lead": {"$ref": f"{PREFIX}Lead"}}}
    if kind.always_lead:
        after["required"] = ["lead"]
    data = {"$ref": data_schema(event)}
    parts = [data] if kind.lead is None else [data, after]
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
