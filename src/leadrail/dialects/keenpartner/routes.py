"""KeenPartner's one call: a POST whose body names its `action` (contract sections 1 and 4).

The body is read before the key is looked at, since the action decides whether a key is needed. A further action is
one struct in `wire`, one function here and its row in `ACTIONS`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Union
from uuid import UUID

import msgspec

from leadrail.core.actor import Scope
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import Command
from leadrail.dialects.keenpartner import mapping
from leadrail.dialects.keenpartner.auth import admit
from leadrail.dialects.keenpartner.errors import on_error
from leadrail.dialects.keenpartner.wire import CreateLead, LeadAnswer, UpdateStatus
from leadrail.kit import wire
from leadrail.kit.http import Face, Handler, Request, Response, Route

PATHS = ("/functions/v1/keen-api", "/functions/v1/openapi-operations")
"""The function's present name and its first one; for the actions below both take and give the same (section 10)."""


def face(core: Core) -> Face:
    handler = _by_action(core)
    return Face([Route("POST", path, handler) for path in PATHS], on_error)


def _by_action(core: Core) -> Handler:
    async def handle(request: Request) -> Response:
        asked = wire.decode(_DECODER, request.body)
        return await ACTIONS[type(asked)](core, request, asked)

    return handle


async def create_lead(core: Core, request: Request, asked: CreateLead) -> Response:
    actor = await admit(core, request, Scope.WRITE)
    done = await _execute(core, mapping.creation(actor, asked))
    return _answer(LeadAnswer(mapping.whole(done.lead, done.setup.channel)))


async def update_status(core: Core, request: Request, asked: UpdateStatus) -> Response:
    actor = await admit(core, request, Scope.WRITE)
    command = mapping.change_of_status(actor, asked)
    try:
        done = await _execute(core, command)
    except Refused as error:
        if error.refusal.code is Code.LEAD_NOT_FOUND and await _exists(core, command.lead_id):
            raise refuse(Code.FORBIDDEN, "Lead not accessible") from None
        raise
    return _answer(LeadAnswer(mapping.moved(done.lead, done.setup.channel)))


ACTIONS: dict[type, Callable[[Core, Request, Any], Awaitable[Response]]] = {
    CreateLead: create_lead,
    UpdateStatus: update_status,
}

_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[tuple(ACTIONS)])  # noqa: UP007  # as many as there are
_encoder = msgspec.json.Encoder()


async def _execute(core: Core, command: Command) -> Done:
    outcome = await core.engine.execute_one(command)
    assert isinstance(outcome, Done)  # no idempotency key is ever sent along, so there is no kept answer
    return outcome


async def _exists(core: Core, lead_id: UUID) -> bool:
    async with core.database.connection() as connection:
        return await leads.exists_anywhere(connection, lead_id)


def _answer(value: LeadAnswer) -> Response:
    return Response(200, _encoder.encode(value))
