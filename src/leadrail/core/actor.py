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
    VISITOR = "visitor"


class Actor(msgspec.Struct, frozen=True):
    """Somebody who was let in.

    `channel_ids` empty means every channel that the company may use. `shared_by` names the companies that
    own a channel of which this company is a member: it only says where to look, never what is allowed.
    `time_zone` is where the actor stands, when its key says so; `user_id` is whose key it is, when it is a user's.
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
    time_zone: str | None = None
    user_id: UUID | None = None

    @property
    def companies(self) -> tuple[UUID, ...]:
        """The companies whose leads this actor may possibly reach, its own first."""
        return (self.company_id, *self.shared_by)


def system(company_id: UUID, face: str) -> Actor:
    """The actor of the product's own work inside one company."""
    return Actor(ActorKind.SYSTEM, None, company_id, face, frozenset(Scope))


def visitor(company_id: UUID, channel_id: UUID, face: str) -> Actor:
    """Somebody without a key at the public form of one channel, who may do no more than hand in a lead."""
    return Actor(ActorKind.VISITOR, None, company_id, face, frozenset(), frozenset({channel_id}))
