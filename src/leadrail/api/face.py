"""The native face: every operation behind its key, its scope and its checks."""

from functools import cache
from typing import Any

import msgspec

from leadrail.api import (
    analytics,
    blocks,
    bulk,
    channels,
    company,
    event_types,
    feed,
    followups,
    imports,
    leads,
    notifications,
    openapi,
    persons,
    reasons,
    rewards,
    service,
    users,
    views,
    webhooks,
)
from leadrail.api.admission import admit
from leadrail.api.operation import Call, Operation
from leadrail.api.problems import on_error
from leadrail.core.core import Core
from leadrail.core.queries import demand, demand_unbound
from leadrail.kit import wire
from leadrail.kit.http import Face, Handler, Request, Response, Route, Stream

OPERATIONS: tuple[Operation, ...] = (
    *company.OPERATIONS,
    *users.OPERATIONS,
    *reasons.OPERATIONS,
    *channels.OPERATIONS,
    *leads.OPERATIONS,
    *views.OPERATIONS,
    *imports.OPERATIONS,
    *bulk.OPERATIONS,
    *webhooks.OPERATIONS,
    *rewards.OPERATIONS,
    *followups.OPERATIONS,
    *analytics.OPERATIONS,
    *event_types.OPERATIONS,
    *notifications.OPERATIONS,
    *persons.OPERATIONS,
    *blocks.OPERATIONS,
    *feed.OPERATIONS,
)


# A thousand leads of four kilobytes each.
BODY_LIMIT = 4 << 20
# Two million leads of ten short columns.
UPLOAD_LIMIT = 256 << 20


def face(core: Core) -> Face:
    routes = [_route(core, row) for row in OPERATIONS]
    return Face([*routes, *_described(), *service.routes(core)], on_error, body_limit=BODY_LIMIT)


@cache
def _described() -> tuple[Route, ...]:
    """The pages about the operations: the same for every core, and half a second's work."""
    return tuple(openapi.routes(OPERATIONS))


def _route(core: Core, row: Operation) -> Route:
    limit = UPLOAD_LIMIT if row.upload else None
    return Route(row.method, row.path, _handler(core, row), limit, streams=bool(row.upload))


def _handler(core: Core, row: Operation) -> Handler:
    decoder: msgspec.json.Decoder[Any] | None = msgspec.json.Decoder(row.body) if row.body is not None else None
    decode = wire.decode_items if row.has_items else wire.decode
    read_query: wire.QueryReader[Any] = wire.QueryReader(row.query)
    beside_channels = row.is_beside_channels

    async def handle(request: Request) -> Response | Stream:
        actor = await admit(core, request)
        demand(actor, row.scope)
        if beside_channels:
            demand_unbound(actor)
        body = decode(decoder, request.body) if decoder is not None else None
        query = read_query(request.query() if request.query_string else ())
        return await row.handler(Call(core, actor, request, body, query))

    return handle
