"""SendPilot's key: the header X-API-Key, and a bearer token because one integrator sends that (contract section 2)."""

from leadrail.core.actor import Actor, Scope
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.core.queries import demand
from leadrail.kit.http import Request

FACE = "sendpilot"


async def admit(core: Core, request: Request, scope: Scope) -> Actor:
    """The caller. Raises Refused (`unauthorized`, `forbidden` when its key lacks the scope)."""
    key = request.header(b"x-api-key") or _bearer(request)
    if not key:
        raise refuse(Code.UNAUTHORIZED, "Invalid API key")
    actor = await core.doors.admit_key(key, FACE)
    demand(actor, scope)
    return actor


def _bearer(request: Request) -> str:
    scheme, _, token = (request.header(b"authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
