"""Letting a caller of the API in."""

from leadrail.core.actor import Actor
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.kit.http import Request

FACE = "api"


async def admit(core: Core, request: Request) -> Actor:
    """The caller, by `Authorization: Bearer` or `X-API-Key`. Raises Refused (`unauthorized`)."""
    token = request.header(b"x-api-key")
    if token is None:
        scheme, _, rest = (request.header(b"authorization") or "").partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" else None
    if not token:
        raise refuse(Code.UNAUTHORIZED, "Send an API key as Authorization: Bearer <key> or X-API-Key: <key>")
    return await core.doors.admit_key(token, FACE)
