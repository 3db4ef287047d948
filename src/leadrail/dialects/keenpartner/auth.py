"""KeenPartner's key: the header X-Api-Key, one text for a missing and for a wrong one (contract section 2)."""

from leadrail.core.actor import Actor, Scope
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.core.queries import demand
from leadrail.kit.http import Request

FACE = "keenpartner"


async def admit(core: Core, request: Request, scope: Scope) -> Actor:
    """The caller. Raises Refused (`unauthorized`, `forbidden` when its key lacks the scope)."""
    key = request.header(b"x-api-key")
    if not key:
        raise refuse(Code.UNAUTHORIZED, "Invalid API key")
    actor = await core.doors.admit_key(key, FACE)
    demand(actor, scope)
    return actor
