"""Capillary's calls (contracts/capillary.md, section 4). A further call is one function and one line in ROUTES."""

import logging
from collections.abc import Awaitable, Callable

import msgspec

from leadrail.core.actor import Actor, Scope
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.events import store as events
from leadrail.core.events.model import Entry
from leadrail.core.followups import store as followups
from leadrail.core.leads.model import Lead
from leadrail.core.queries import demand
from leadrail.db.database import UNREACHABLE, Connection
from leadrail.dialects.capillary import mapping
from leadrail.dialects.capillary.auth import admit
from leadrail.dialects.capillary.errors import UNREAD_DETAILS, UnsupportedMediaType, on_error
from leadrail.dialects.capillary.wire import StatusUpdate
from leadrail.kit import wire
from leadrail.kit.http import Face, Handler, Request, Response, Route, json_response

log = logging.getLogger(__name__)


class Call(msgspec.Struct, frozen=True):
    """An admitted request."""

    core: Core
    actor: Actor
    request: Request


_STATUS_UPDATE = msgspec.json.Decoder(StatusUpdate)
_PAGE = 1000


async def update_status(call: Call) -> Response:
    """Section 5.5."""
    number = mapping.number_of(call.request.params["leadId"])
    body = wire.decode(_STATUS_UPDATE, call.request.body)
    mapping.check(body)
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead_numbered(connection, call.actor, number)
    done = await call.core.engine.execute_one(mapping.change(call.actor, body, seen))
    assert isinstance(done, Done)  # no idempotency key was given
    return await _whole_lead(call, done)


async def _whole_lead(call: Call, done: Done) -> Response:
    lead = done.lead
    try:
        async with call.core.database.connection() as connection:
            history = await _history(connection, lead)
            contacts = await followups.of_lead(connection, lead.company_id, lead.id)
    except UNREACHABLE as error:
        # The change is committed: an error answer would deny it.
        log.warning("lead %d was changed and could not be read back: %r", lead.number, error)
        return json_response(200, mapping.whole_lead(call.actor, done, (), (), (UNREAD_DETAILS,)))
    return json_response(200, mapping.whole_lead(call.actor, done, history, contacts))


async def _history(connection: Connection, lead: Lead) -> list[Entry]:
    """All of it: an answer without its newest entries would hide the change that it answers."""
    entries: list[Entry] = []
    while True:
        after = entries[-1].seq if entries else 0
        page = await events.of_lead(connection, lead.company_id, lead.id, after=after, limit=_PAGE)
        entries += page
        if len(page) < _PAGE:
            return entries


ROUTES: tuple[tuple[str, str, Scope, Callable[[Call], Awaitable[Response]]], ...] = (
    ("PUT", "/v2/leads/{leadId}/status", Scope.WRITE, update_status),
)


def face(core: Core) -> Face:
    """The dialect, ready to mount."""
    routes = [Route(method, path, _handler(core, scope, operation)) for method, path, scope, operation in ROUTES]
    return Face(routes, on_error)


def _handler(core: Core, scope: Scope, operation: Callable[[Call], Awaitable[Response]]) -> Handler:
    async def handle(request: Request) -> Response:
        actor = await admit(core, request)
        demand(actor, scope)
        _check_media_type(request)
        return await operation(Call(core, actor, request))

    return handle


def _check_media_type(request: Request) -> None:
    declared = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if request.body and declared not in ("", "application/json"):
        raise UnsupportedMediaType(declared)
