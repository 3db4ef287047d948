"""What a saved view is, and who may see it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A named list of leads. `user_id` is who made it, null for a key of no user; `shared`: the company sees it."""

    id: UUID
    name: str
    shared: bool
    user_id: UUID | None
    filter: dict[str, Any]
    sort: tuple[str, ...]
    fields: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


class Eyes(msgspec.Struct, frozen=True):
    """Whose views are looked at. A filter may name what a key that is bound to channels must not know, so such a key
    sees only those of its user that were saved through keys bound to no other channels.
    """

    company_id: UUID
    user_id: UUID | None
    channel_ids: tuple[UUID, ...]

    @classmethod
    def of(cls, actor: Actor) -> "Eyes":
        return cls(actor.company_id, actor.user_id, tuple(sorted(actor.channel_ids)))
