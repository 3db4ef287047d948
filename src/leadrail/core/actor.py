"""Who acts: the company, the key and the face through which a command or a question comes."""

from enum import StrEnum
from uuid import UUID

import msgspec


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class ActorKind(StrEnum):
    API_KEY = "api_key"
    USER = "user"
    SYSTEM = "system"


class Actor(msgspec.Struct, frozen=True):
    """Somebody who was let in.

    `channel_ids` empty means every channel that the company may use. `shared_by` names the companies that
    own a channel of which this company is a member: it only says where to look, never what is allowed.
    """

    kind: ActorKind
    id: UUID | None
    company_id: UUID
    face: str
    scopes: frozenset[Scope]
    channel_ids: frozenset[UUID] = frozenset()
    default_channel: UUID | None = None
    shared_by: tuple[UUID, ...] = ()
    number: int = 0

    @property
    def companies(self) -> tuple[UUID, ...]:
        """The companies whose leads this actor may possibly reach, its own first."""
        return (self.company_id, *self.shared_by)


def system(company_id: UUID, face: str) -> Actor:
    """The actor of the product's own work inside one company."""
    return Actor(ActorKind.SYSTEM, None, company_id, face, frozenset(Scope))
