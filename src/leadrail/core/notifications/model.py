"""What somebody sees of a company's notices."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.events.model import Entry, EventType

LOOKED_AT = 4000
"""How many notices one reading looks at, whatever it may show of them."""

COUNTED = 100
"""Unread notices are counted up to here."""


class UserSettings(msgspec.Struct, frozen=True):
    """A user's choice, and the number of the feed up to which all is read."""

    muted: frozenset[str]
    read_to: int


class View(msgspec.Struct, frozen=True):
    """Who looks, and at what: `channel_ids` empty means every channel and what concerns none; `kinds` are the wanted.

    `mutes`: some kinds are left out. `user_id` is None for the team's list, in which nothing is read or unread.
    """

    company_id: UUID
    channel_ids: tuple[UUID, ...]
    kinds: tuple[EventType, ...]
    mutes: bool = False
    user_id: UUID | None = None
    read_to: int = 0

    @classmethod
    def of(cls, actor: Actor, kinds: Sequence[EventType], settings: UserSettings | None) -> "View":
        """What the actor sees of these kinds, without those that its user muted."""
        bound = tuple(actor.channel_ids)
        if settings is None:
            return cls(actor.company_id, bound, tuple(kinds))
        wanted = tuple(kind for kind in kinds if kind not in settings.muted)
        return cls(actor.company_id, bound, wanted, len(wanted) < len(kinds), actor.user_id, settings.read_to)

    @property
    def is_whole(self) -> bool:
        """Whether it leaves no notice of the company out."""
        return not self.channel_ids and not self.mutes


class Notice(msgspec.Struct, frozen=True):
    """A notice; `read` is None in the team's list."""

    entry: Entry
    read: bool | None


class Reading(msgspec.Struct, frozen=True):
    """Notices, newest first. `before` is where to go on, None when there are no more."""

    notices: list[Notice]
    before: int | None


class Unread(msgspec.Struct, frozen=True):
    """How many notices are unread; `unread_is_more`: there are, or may be, more than were counted."""

    unread: int
    unread_is_more: bool
