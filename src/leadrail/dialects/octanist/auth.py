"""An Octanist key: the header X-API-KEY (contracts/octanist.md, section 2)."""

from leadrail.core.actor import Actor
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.kit.http import Request

FACE = "octanist"


async def admit(core: Core, request: Request) -> Actor:
    """The caller. Raises Refused (`unauthorized`)."""
    token = (request.header(b"x-api-key") or "").strip()
    if not token:
        raise refuse(Code.UNAUTHORIZED, "The header X-API-KEY is missing")
    return await core.doors.admit_key(token, FACE)
