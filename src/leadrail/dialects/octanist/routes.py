"""Octanist's calls (contracts/octanist.md, section 3). A further call is one function and one line in ROUTES."""

from collections.abc import Awaitable, Callable

import msgspec

from leadrail.core.actor import Actor, Scope
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.queries import demand
from leadrail.dialects.octanist import mapping
from leadrail.dialects.octanist.auth import admit
from leadrail.dialects.octanist.errors import on_error
from leadrail.dialects.octanist.lookup import the_lead
from leadrail.dialects.octanist.wire import LeadUpdate
from leadrail.kit import wire
from leadrail.kit.http import Face, Handler, Request, Response, Route, json_response


class Call(msgspec.Struct, frozen=True):
    """An admitted request."""

    core: Core
    actor: Actor
    request: Request


_LEAD_UPDATE = msgspec.json.Decoder(LeadUpdate)


async def update_lead(call: Call) -> Response:
    """Section 6."""
    body = wire.decode(_LEAD_UPDATE, call.request.body)
    mapping.check(body)
    seen = await the_lead(call.core, call.actor, body)
    done = await call.core.engine.execute_one(mapping.command(call.actor, body, seen))
    assert isinstance(done, Done)  # no idempotency key was given
    return json_response(200, mapping.answer(done, call.core.clock()))


ROUTES: tuple[tuple[str, str, Scope, Callable[[Call], Awaitable[Response]]], ...] = (
    ("PATCH", "/api/leads", Scope.WRITE, update_lead),
)


def face(core: Core) -> Face:
    """The dialect, ready to mount."""
    routes = [Route(method, path, _handler(core, scope, operation)) for method, path, scope, operation in ROUTES]
    return Face(routes, lambda request, error: on_error(request, error, core.clock()))


def _handler(core: Core, scope: Scope, operation: Callable[[Call], Awaitable[Response]]) -> Handler:
    async def handle(request: Request) -> Response:
        actor = await admit(core, request)
        demand(actor, scope)
        return await operation(Call(core, actor, request))

    return handle
