"""SendPilot's key: the header X-API-Key, and a bearer token because one integrator sends that (contract section 2)."""

from enum import StrEnum

from leadrail.core.actor import Actor, Scope
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.kit.http import Request

FACE = "sendpilot"
"""The dialect's name as a face, and as the system whose ids migrated leads and channels keep."""


class Right(StrEnum):
    """What SendPilot calls a scope: a thing, and what one may do with it."""

    WORKSPACE_READ = "workspace:read"
    SENDERS_READ = "senders:read"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"

    @property
    def scope(self) -> Scope:
        """The scope that stands for it here, which is the part that says what one may do."""
        return Scope(self.rpartition(":")[2])

    def is_of(self, actor: Actor) -> bool:
        """Whether the actor's key has it."""
        return self.scope in actor.scopes


async def admit(core: Core, request: Request, right: Right | None) -> Actor:
    """The caller. Raises Refused (`unauthorized`, `forbidden` when its key lacks the right)."""
    key = request.header(b"x-api-key") or _bearer(request)
    if not key:
        raise refuse(Code.UNAUTHORIZED, "Invalid API key")
    actor = await core.doors.admit_key(key, FACE)
    if right is not None and not right.is_of(actor):
        raise refuse(Code.FORBIDDEN, f"Key lacks {right}")
    return actor


def _bearer(request: Request) -> str:
    scheme, _, token = (request.header(b"authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
