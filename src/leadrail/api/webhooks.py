"""Webhook endpoints."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Page, Paging, id_at, page
from leadrail.api.writes import write
from leadrail.core.actor import Scope
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.webhooks import store
from leadrail.core.webhooks.commands import NewEndpoint, add_endpoint, remove_endpoint
from leadrail.core.webhooks.model import Endpoint, EndpointState, EventNames, Format
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id


class EndpointBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`events` empty means every event, `channel_id` null every channel that the company may use.

    `event_names`: whether the format `sendpilot` uses the first or the newest names of that vendor's events.
    """

    url: Annotated[str, Meta(max_length=2000)]
    events: Annotated[tuple[EventType, ...], Meta(max_length=100)] = ()
    channel_id: UUID | None = None
    format: Format = Format.NATIVE
    ordered: bool = False
    event_names: EventNames = EventNames.FIRST


class ShownEndpoint(msgspec.Struct, frozen=True):
    """An endpoint without its secret."""

    id: UUID
    url: str
    events: tuple[str, ...]
    channel_id: UUID | None
    format: Format
    ordered: bool
    event_names: EventNames
    state: EndpointState
    created_at: datetime


class MadeEndpoint(ShownEndpoint, frozen=True):
    """A new endpoint, with the secret that is shown this once (null when the call is repeated)."""

    secret: str | None


def _shown(endpoint: Endpoint) -> ShownEndpoint:
    return ShownEndpoint(*(getattr(endpoint, name) for name in ShownEndpoint.__struct_fields__))


def _made(endpoint: Endpoint) -> MadeEndpoint:
    return MadeEndpoint(*(getattr(endpoint, name) for name in MadeEndpoint.__struct_fields__))


async def create(call: Call[EndpointBody, NoQuery]) -> Response:
    new = NewEndpoint(**msgspec.structs.asdict(call.body))

    async def work(connection: Connection) -> Response:
        if new.channel_id is not None:
            await call.core.reader.channel(connection, call.actor, new.channel_id)
        company_id, allow = call.actor.company_id, call.core.webhook_allow
        endpoint = await add_endpoint(connection, company_id, new, allow, call.core.clock())
        return json_response(201, _made(endpoint))

    return await write(call, work)


async def listed(call: Call[None, Paging]) -> Response:
    limit, after = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        bound = list(call.actor.channel_ids)
        rows = await store.endpoints(connection, call.actor.company_id, channel_ids=bound, after=after, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, _shown))


async def delete(call: Call[None, NoQuery]) -> Response:
    endpoint_id = parse_id(call.request.params["id"])

    async def work(connection: Connection) -> Response:
        if endpoint_id is None:
            raise refuse(Code.NOT_FOUND, "There is no such endpoint")
        await remove_endpoint(connection, call.actor.company_id, endpoint_id)
        return Response(204)

    return await write(call, work)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/webhooks",
        summary="Add a webhook endpoint",
        description="Calls are signed by Standard Webhooks. The secret is in this answer only.",
        tag="Webhooks",
        scope=Scope.ADMIN,
        handler=create,
        body=EndpointBody,
        answer=MadeEndpoint,
        status=201,
        request_example=examples.NEW_ENDPOINT,
        answer_example=examples.ENDPOINT | {"secret": "whsec_…"},
    ),
    Operation(
        method="GET",
        path="/v1/webhooks",
        summary="List webhook endpoints",
        tag="Webhooks",
        scope=Scope.READ,
        handler=listed,
        query=Paging,
        answer=Page[ShownEndpoint],
        answer_example={"data": [examples.ENDPOINT], "next_cursor": None},
    ),
    Operation(
        method="DELETE",
        path="/v1/webhooks/{id}",
        summary="Remove a webhook endpoint",
        description="Its deliveries that are still due are cancelled.",
        tag="Webhooks",
        scope=Scope.ADMIN,
        handler=delete,
        status=204,
    ),
)
