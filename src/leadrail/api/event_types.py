"""The list of event types, out of the catalogue."""

import msgspec

from leadrail.api.catalogue import CATALOGUE, sample
from leadrail.api.openapi.schemas import data_schema
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Page
from leadrail.core.actor import Scope
from leadrail.core.events.model import Event, EventType
from leadrail.kit.http import Response, json_response


class ListedEventType(msgspec.Struct, frozen=True):
    """A type of event, and where the shape of its `data` is described."""

    type: EventType
    sentence: str
    data_schema: str
    sample: Event


_TYPES = [
    ListedEventType(
        type, kind.sentence, f"/openapi.json{data_schema(type)}", msgspec.convert(sample(type), Event, strict=False)
    )
    for type, kind in CATALOGUE.items()
]


async def list_event_types(_call: Call[None, NoQuery]) -> Response:
    return json_response(200, Page(_TYPES, None))


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/event-types",
        summary="List the types of events",
        description="What each tells, the schema of its `data`, and a sample as webhooks send it, with the lead.",
        tag="Events",
        scope=Scope.READ,
        handler=list_event_types,
        answer=Page[ListedEventType],
        answer_example={"data": [msgspec.to_builtins(_TYPES[0])], "next_cursor": None},
    ),
)
