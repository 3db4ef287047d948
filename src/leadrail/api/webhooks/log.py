"""The delivery log of an endpoint, test deliveries, and replay."""

from typing import Any
from uuid import UUID

import msgspec

from leadrail.api.catalogue import sample
from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import Page, cursor_of, id_at
from leadrail.api.webhooks.endpoints import endpoint_id_of, visible
from leadrail.api.webhooks.shapes import DeliveryQuery, ReplayBody, Replayed, TestBody, WholeDelivery
from leadrail.api.writes import write
from leadrail.core.errors import Code, refuse
from leadrail.core.webhooks import log
from leadrail.core.webhooks.commands import demand_active, locked_endpoint
from leadrail.core.webhooks.log import Wanted
from leadrail.core.webhooks.model import Endpoint
from leadrail.core.webhooks.queue import DeliveryState
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import new_id, parse_id


async def listed(call: Call[None, DeliveryQuery]) -> Response:
    query = call.query
    wanted = Wanted(state=query.state, type=query.type, lead=query.lead, since=query.since, until=query.until)
    before = id_at(query.cursor)
    async with call.core.database.connection() as connection:
        endpoint = await visible(connection, call)
        found = await log.deliveries(
            connection, endpoint.company_id, endpoint.id, wanted, before=before, limit=query.limit
        )
    following = cursor_of(found.next_before) if found.next_before is not None else None
    return json_response(200, Page(found.deliveries, following))


async def read(call: Call[None, NoQuery]) -> Response:
    id = _delivery_id(call)
    async with call.core.database.connection() as connection:
        endpoint = await visible(connection, call)
        whole = await log.delivery(connection, endpoint.company_id, endpoint.id, id)
    if whole is None:
        raise _no_delivery()
    payload = msgspec.Raw(whole.payload.encode()) if whole.payload is not None else None
    return json_response(
        200, WholeDelivery(**msgspec.structs.asdict(whole.delivery), payload=payload, tries=whole.tries)
    )


async def test(call: Call[TestBody, NoQuery]) -> Response:
    endpoint_id, type, now = endpoint_id_of(call), call.body.type, call.core.clock()

    async def work(connection: Connection) -> Response:
        endpoint = await _active(connection, call, endpoint_id)
        event_id = new_id()
        payload = msgspec.json.encode(sample(type) | {"id": event_id, "occurred_at": now, "recorded_at": now}).decode()
        made = await log.insert_test(connection, endpoint.company_id, endpoint.id, event_id, type, payload, now)
        return json_response(202, made)

    answer = await write(call, work)
    call.core.on_due()
    return answer


async def replay_one(call: Call[None, NoQuery]) -> Response:
    endpoint_id, id = endpoint_id_of(call), _delivery_id(call)

    async def work(connection: Connection) -> Response:
        endpoint = await _active(connection, call, endpoint_id)
        if await log.delivery(connection, endpoint.company_id, endpoint.id, id) is None:
            raise _no_delivery()
        now = call.core.clock()
        part = await log.replay_one(connection, endpoint.company_id, endpoint.id, id, now)
        return json_response(200, Replayed(part.replayed, part.without_payload))

    answer = await write(call, work)
    call.core.on_due()
    return answer


async def replay(call: Call[ReplayBody, NoQuery]) -> Response:
    if DeliveryState.DUE in call.body.states:
        raise refuse(Code.INVALID, "What is due is sent anyway; give parked, delivered or cancelled", "/states")

    async def work(connection: Connection) -> Response:
        return json_response(200, await _in_portions(call, await _seen_active(connection, call)))

    # The portions are transactions of their own, so that a long replay holds no rows for its whole length. Each takes
    # a connection beside that of the call: many calls at once would hold all there are and wait for one more.
    async with call.core.replaying:
        answer = await write(call, work)
    call.core.on_due()
    return answer


async def _in_portions(call: Call[ReplayBody, NoQuery], endpoint: Endpoint) -> Replayed:
    body, now = call.body, call.core.clock()
    replayed, without = 0, 0
    after: UUID | None = None
    while True:
        async with call.core.database.transaction() as connection:
            part = await log.replay(
                connection,
                endpoint.company_id,
                endpoint.id,
                body.states,
                after=after,
                now=now,
                since=body.since,
                until=body.until,
            )
        replayed, without = replayed + part.replayed, without + part.without_payload
        if part.last is None:
            return Replayed(replayed, without)
        after = part.last


async def _active(connection: Connection, call: Call[Any, Any], endpoint_id: UUID) -> Endpoint:
    endpoint = await locked_endpoint(connection, call.actor.company_id, endpoint_id)
    demand_active(endpoint)
    return endpoint


async def _seen_active(connection: Connection, call: Call[Any, Any]) -> Endpoint:
    endpoint = await visible(connection, call)
    demand_active(endpoint)
    return endpoint


def _delivery_id(call: Call[Any, Any]) -> UUID:
    if (id := parse_id(call.request.params["item"])) is None:
        raise _no_delivery()
    return id


def _no_delivery() -> Exception:
    return refuse(Code.NOT_FOUND, "There is no such delivery")
