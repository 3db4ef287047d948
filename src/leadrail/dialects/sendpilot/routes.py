"""SendPilot's paths, below `/v1` and below the first generation's `/api/v1` (contract sections 1, 3 and 7).

A further call is its structs in `wire`, one function here and its row in `CALLS`.
"""

from collections.abc import Awaitable, Callable

import msgspec

from leadrail.core.actor import Scope
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.dialects.sendpilot import mapping
from leadrail.dialects.sendpilot.auth import admit
from leadrail.dialects.sendpilot.errors import on_error
from leadrail.dialects.sendpilot.wire import StatusPatch
from leadrail.kit import wire
from leadrail.kit.http import Face, Handler, Request, Response, Route

Call = Callable[[Core, Request], Awaitable[Response]]

BASES = ("/v1", "/api/v1")


def face(core: Core) -> Face:
    routes = [Route(method, base + path, _handler(core, call)) for base in BASES for method, path, call in CALLS]
    return Face(routes, on_error)


def _handler(core: Core, call: Call) -> Handler:
    async def handle(request: Request) -> Response:
        return await call(core, request)

    return handle


async def change_status(core: Core, request: Request) -> Response:
    actor = await admit(core, request, Scope.WRITE)
    asked = wire.decode(_STATUS_PATCH, request.body)
    command = mapping.change_of_status(actor, mapping.lead_id_of(request.params["id"]), asked)
    done = await core.engine.execute_one(command)
    assert isinstance(done, Done)  # no idempotency key is ever sent along, so there is no kept answer
    return Response(200, _encoder.encode(mapping.changed(done)))


CALLS: tuple[tuple[str, str, Call], ...] = (("PATCH", "/leads/{id}/status", change_status),)

_STATUS_PATCH = msgspec.json.Decoder(StatusPatch)
_encoder = msgspec.json.Encoder()
