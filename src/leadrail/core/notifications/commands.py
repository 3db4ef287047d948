"""Marking notices as read, and choosing their kinds. The caller owns the transaction."""

from collections.abc import Sequence
from uuid import UUID

from leadrail.core.actor import Actor
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.notifications import store
from leadrail.core.notifications.model import View
from leadrail.db.database import Connection


def user_of(actor: Actor, field: str | None = None) -> UUID:
    """Raises Refused (`user_required`) for a key that is the company's own."""
    if actor.user_id is None:
        message = "The API key belongs to no user; use a key that was made with a user_id"
        raise refuse(Code.USER_REQUIRED, message, field)
    return actor.user_id


async def view_of(connection: Connection, actor: Actor, kinds: Sequence[EventType], *, lock: bool = False) -> View:
    """What the actor sees; `lock` is for those who are about to mark."""
    if actor.user_id is None:
        return View.of(actor, kinds, None)
    settings = await store.settings(connection, actor.company_id, actor.user_id, lock=lock)
    return View.of(actor, kinds, settings)


async def mark(connection: Connection, view: View, ids: Sequence[UUID]) -> None:
    """Marks these notices as read. Raises Refused (`not_found`) and marks none when the key may not see one."""
    numbers = await store.numbers(connection, view, ids)
    for place, id in enumerate(ids):
        if id not in numbers:
            raise refuse(Code.NOT_FOUND, "There is no such notification", f"/ids/{place}")
    await store.mark(connection, view, list(numbers.values()))


async def mark_up_to(connection: Connection, view: View, id: UUID) -> None:
    """Marks this notice and all older ones that the key may see. Raises Refused (`not_found`)."""
    numbers = await store.numbers(connection, view, [id])
    if id not in numbers:
        raise refuse(Code.NOT_FOUND, "There is no such notification", "/up_to")
    await store.mark_up_to(connection, view, numbers[id])


async def mark_all(connection: Connection, view: View) -> None:
    """Marks all that is there by now and that the key may see."""
    await store.mark_up_to(connection, view, await store.last_number(connection, view.company_id))


def kinds_of(words: Sequence[str], kinds: Sequence[EventType]) -> list[EventType]:
    """The kinds that these words name, in the order of the catalogue. Raises Refused (`invalid`)."""
    for place, word in enumerate(words):
        if word not in kinds:
            message = f'There are no notices of "{word}"; there are {", ".join(kinds)}'
            raise refuse(Code.INVALID, message, f"/muted/{place}", kinds=list(kinds))
    return [kind for kind in kinds if kind in words]
