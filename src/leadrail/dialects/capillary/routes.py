"""Capillary's calls (contracts/capillary.md, section 4). A further call is one function and one line in ROUTES."""

from collections.abc import Awaitable, Callable

from leadrail.core.actor import Scope
from leadrail.core.core import Core
from leadrail.core.queries import demand
from leadrail.dialects.capillary.auth import admit, attribution, generate_token
from leadrail.dialects.capillary.call import Call
from leadrail.dialects.capillary.configuration import add_reasons, add_sub_status, list_reasons, list_sub_statuses
from leadrail.dialects.capillary.errors import TOKEN_PATH, identified, on_error
from leadrail.dialects.capillary.faults import Fault, Faulty
from leadrail.dialects.capillary.leads import (
    add_lead,
    list_follow_ups,
    list_status_log,
    record_follow_up,
    update_lead,
    update_status,
)
from leadrail.dialects.capillary.listing import list_leads
from leadrail.kit.http import Face, Handler, Request, Response, Route

Operation = Callable[[Call], Awaitable[Response]]

ROUTES: tuple[tuple[str, str, Scope, Operation], ...] = (
    ("POST", "/v2/leads", Scope.WRITE, add_lead),
    ("PATCH", "/v2/leads", Scope.WRITE, add_lead),
    ("GET", "/v2/leads", Scope.READ, list_leads),
    ("PUT", "/v2/leads/{leadId}", Scope.WRITE, update_lead),
    ("PUT", "/v2/leads/{leadId}/status", Scope.WRITE, update_status),
    ("GET", "/v2/leads/{leadId}/statusLog", Scope.READ, list_status_log),
    ("POST", "/v2/leads/{leadId}/followup", Scope.WRITE, record_follow_up),
    ("GET", "/v2/leads/{leadId}/followups", Scope.READ, list_follow_ups),
    ("GET", "/v2/leads/reasons", Scope.READ, list_reasons),
    ("POST", "/v2/leads/reasons", Scope.WRITE, add_reasons),
    ("POST", "/v2/leads/substatus", Scope.WRITE, add_sub_status),
    ("GET", "/v2/leads/substatuses", Scope.READ, list_sub_statuses),
)

OPEN_ROUTES: tuple[tuple[str, str, Callable[[Core, Request], Awaitable[Response]]], ...] = (
    ("POST", TOKEN_PATH, generate_token),
)
"""The calls that take no login."""


def face(core: Core) -> Face:
    """The dialect, ready to mount."""
    routes = [Route(method, path, _admitted(core, scope, operation)) for method, path, scope, operation in ROUTES]
    routes += [Route(method, path, _open(core, operation)) for method, path, operation in OPEN_ROUTES]
    return Face(routes, on_error)


def _admitted(core: Core, scope: Scope, operation: Operation) -> Handler:
    async def handle(request: Request) -> Response:
        actor = await admit(core, request)
        demand(actor, scope)
        _check_media_type(request)
        return identified(await operation(Call(core, actor, attribution(request), request)))

    return handle


def _open(core: Core, operation: Callable[[Core, Request], Awaitable[Response]]) -> Handler:
    async def handle(request: Request) -> Response:
        _check_media_type(request)
        return identified(await operation(core, request))

    return handle


def _check_media_type(request: Request) -> None:
    declared = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if request.body and declared not in ("", "application/json"):
        raise Faulty(Fault.UNSUPPORTED_MEDIA_TYPE, "Send Content-Type: application/json")
