"""KeenPartner's one call: a POST whose body names its `action` (contract sections 1 and 4).

The body is read before the key is looked at, since the action decides whether a key is needed. A further action is
one struct in `wire`, one function and its row in `ACTIONS`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Union

import msgspec

from leadrail.core.core import Core
from leadrail.dialects.keenpartner import cors, forms, leads, purchases
from leadrail.dialects.keenpartner import wire as shapes
from leadrail.dialects.keenpartner.calls import Call, Generation
from leadrail.dialects.keenpartner.errors import on_error
from leadrail.kit import wire
from leadrail.kit.http import Face, Handler, Request, Response, Route
from leadrail.kit.throttle import Throttle

PATHS = {
    "/functions/v1/keen-api": Generation.NEWEST,
    "/functions/v1/openapi-operations": Generation.FIRST,
}
"""The function's present name and its first one, and whose shapes each answers where they differ (section 10)."""

ACTIONS: dict[type[msgspec.Struct], Callable[[Call, Any], Awaitable[Response]]] = {
    shapes.GetChannels: leads.get_channels,
    shapes.GetLeads: leads.get_leads,
    shapes.GetLeadById: leads.get_lead_by_id,
    shapes.GetLeadByLegacyId: leads.get_lead_by_legacy_id,
    shapes.CreateLead: leads.create_lead,
    shapes.UpdateLead: leads.update_lead,
    shapes.UpdateStatus: leads.update_status,
    shapes.UpdateStatusId: leads.update_status_id,
    shapes.CreatePurchase: purchases.create_purchase,
    shapes.CreatePurchaseCustom: purchases.create_purchase_custom,
    shapes.LeadExternal: forms.lead_external,
}

_REMOVED: dict[Generation, tuple[type, ...]] = {Generation.FIRST: (), Generation.NEWEST: (shapes.CreatePurchaseCustom,)}
"""What the pages of a generation no longer know."""


def face(core: Core) -> Face:
    throttle = Throttle(forms.PER_MINUTE, forms.BURST)
    routes = []
    for path, generation in PATHS.items():
        routes.append(Route("POST", path, _by_action(core, generation, throttle)))
        routes.append(Route("OPTIONS", path, cors.preflight))
    return Face(routes, on_error)


def _by_action(core: Core, generation: Generation, throttle: Throttle) -> Handler:
    served = tuple(shape for shape in ACTIONS if shape not in _REMOVED[generation])
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[served])  # noqa: UP007  # as many as there are

    async def handle(request: Request) -> Response:
        asked = wire.decode(decoder, request.body)
        return await ACTIONS[type(asked)](Call(core, request, generation, throttle), asked)

    return handle
