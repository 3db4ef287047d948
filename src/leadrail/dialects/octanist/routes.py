"""Octanist's calls (contracts/octanist.md, section 3). A further call is one function and one line in ROUTES."""

from collections.abc import Awaitable, Callable

from leadrail.core.actor import Scope
from leadrail.core.core import Core
from leadrail.core.queries import demand
from leadrail.dialects.octanist import adspend, forms, leads, organisation
from leadrail.dialects.octanist.auth import admit
from leadrail.dialects.octanist.call import Call
from leadrail.dialects.octanist.errors import on_error
from leadrail.kit.http import Face, Handler, Request, Response, Route

Operation = Callable[[Call], Awaitable[Response]]

# A key of whatever scope may ask whether it is one.
ROUTES: tuple[tuple[str, str, Scope | None, Operation], ...] = (
    ("POST", "/api/check", None, organisation.check_key),
    ("POST", "/api/leads", Scope.WRITE, leads.create_lead),
    ("GET", "/api/leads", Scope.READ, leads.list_leads),
    ("PATCH", "/api/leads", Scope.WRITE, leads.update_lead),
    ("GET", "/api/leads/{id}", Scope.READ, leads.get_lead),
    ("POST", "/api/stats", Scope.READ, organisation.stats),
    ("POST", "/api/ad-spend", Scope.READ, adspend.list_spend),
    ("PUT", "/api/ad-spend", Scope.WRITE, adspend.put_spend),
    ("GET", "/api/settings", Scope.READ, organisation.settings),
    ("PUT", "/api/settings", Scope.ADMIN, organisation.change_settings),
)

_LONGER_BODIES: dict[Operation, int] = {adspend.put_spend: adspend.BODY_LIMIT}


def face(core: Core) -> Face:
    """The dialect, ready to mount."""
    routes = [
        Route(method, path, _handler(core, scope, operation), _LONGER_BODIES.get(operation))
        for method, path, scope, operation in ROUTES
    ]
    return Face([*routes, *forms.routes(core)], lambda request, error: on_error(request, error, core.clock()))


def _handler(core: Core, scope: Scope | None, operation: Operation) -> Handler:
    async def handle(request: Request) -> Response:
        actor = await admit(core, request)
        if scope is not None:
            demand(actor, scope)
        return await operation(Call(core, actor, request))

    return handle
