"""Webhook endpoints: made, read, changed, rotated, removed."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import Paging, id_at, page
from leadrail.api.webhooks.shapes import EndpointBody, EndpointPatch, made, one, rotated, shown
from leadrail.api.writes import write
from leadrail.core.errors import Code, refuse
from leadrail.core.webhooks import log, store
from leadrail.core.webhooks.commands import (
    NewEndpoint,
    add_endpoint,
    edit_endpoint,
    no_endpoint,
    remove_endpoint,
    rotate_secret,
)
from leadrail.core.webhooks.model import Endpoint, EndpointState
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id


def endpoint_id_of(call: Call[Any, Any]) -> UUID:
    """Raises Refused (`not_found`)."""
    if (id := parse_id(call.request.params["id"])) is None:
        raise no_endpoint()
    return id


async def visible(connection: Connection, call: Call[Any, Any]) -> Endpoint:
    """The endpoint, if the caller may see it. Raises Refused (`not_found`)."""
    id, bound = endpoint_id_of(call), list(call.actor.channel_ids)
    found = await store.endpoint(connection, call.actor.company_id, id, channel_ids=bound)
    if found is None:
        raise no_endpoint()
    return found


async def create(call: Call[EndpointBody, NoQuery]) -> Response:
    new = NewEndpoint(**msgspec.structs.asdict(call.body))

    async def work(connection: Connection) -> Response:
        if new.channel_id is not None:
            await call.core.reader.channel(connection, call.actor, new.channel_id)
        company_id, allow = call.actor.company_id, call.core.webhook_allow
        return json_response(201, made(await add_endpoint(connection, company_id, new, allow, call.core.clock())))

    return await write(call, work)


async def listed(call: Call[None, Paging]) -> Response:
    limit, after = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        bound = list(call.actor.channel_ids)
        rows = await store.endpoints(connection, call.actor.company_id, channel_ids=bound, after=after, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, shown))


async def read(call: Call[None, NoQuery]) -> Response:
    async with call.core.database.connection() as connection:
        endpoint = await visible(connection, call)
        parked = await log.parked(connection, endpoint.company_id, endpoint.id)
    return json_response(200, one(endpoint, parked))


async def edit(call: Call[EndpointPatch, NoQuery]) -> Response:
    endpoint_id = endpoint_id_of(call)
    changes = {name: value for name, value in msgspec.structs.asdict(call.body).items() if value is not UNSET}
    if changes.get("state") is EndpointState.DISABLED:
        raise refuse(Code.INVALID, "state is active or paused; only the server disables an endpoint", "/state")

    async def work(connection: Connection) -> Response:
        if changes.get("channel_id") is not None:
            await call.core.reader.channel(connection, call.actor, changes["channel_id"])
        company_id, allow = call.actor.company_id, call.core.webhook_allow
        return json_response(200, shown(await edit_endpoint(connection, company_id, endpoint_id, changes, allow)))

    answer = await write(call, work)
    call.core.on_due()  # what waited while it was paused
    return answer


async def rotate(call: Call[None, NoQuery]) -> Response:
    endpoint_id = endpoint_id_of(call)

    async def work(connection: Connection) -> Response:
        after = await rotate_secret(connection, call.actor.company_id, endpoint_id, call.core.clock())
        return json_response(200, rotated(after))

    return await write(call, work)


async def delete(call: Call[None, NoQuery]) -> Response:
    endpoint_id = endpoint_id_of(call)

    async def work(connection: Connection) -> Response:
        await remove_endpoint(connection, call.actor.company_id, endpoint_id)
        return Response(204)

    return await write(call, work)
