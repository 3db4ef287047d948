"""Saving lists of leads. The caller owns the transaction, and has checked that the list can be read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from leadrail.core.actor import Actor
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.views import store
from leadrail.core.views.model import Eyes, View
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id


async def visible_view(connection: Connection, actor: Actor, id: UUID | None, *, lock: bool = False) -> View:
    """Raises Refused (`not_found`)."""
    found = await store.view(connection, Eyes.of(actor), id, lock=lock) if id is not None else None
    if found is None:
        raise _none()
    return found


async def save_view(
    connection: Connection, actor: Actor, given: Mapping[str, Any], shared: bool | None, now: datetime
) -> View:
    """A new view, shared unless the key is a user's. Raises Refused (`user_required`, `forbidden`)."""
    whose = actor.user_id is None if shared is None else shared
    view = View(id=new_id(), shared=whose, user_id=actor.user_id, created_at=now, updated_at=now, **given)
    _check(actor, view)
    await store.put(connection, Eyes.of(actor), view)
    return view


async def change_view(
    connection: Connection, actor: Actor, view: View, given: Mapping[str, Any], now: datetime
) -> View:
    """The same view with other members; it must be locked. Raises Refused as `save_view` does."""
    changed = replace(view, **given, updated_at=now)
    if view.shared and not changed.shared and changed.user_id != actor.user_id:
        raise refuse(Code.FORBIDDEN, "Only the user who made a view may take it back from the others", "/shared")
    _check(actor, changed)
    await store.put(connection, Eyes.of(actor), changed)
    return changed


async def delete_view(connection: Connection, actor: Actor, id: UUID | None) -> None:
    """Raises Refused (`not_found`)."""
    if id is None or not await store.delete(connection, Eyes.of(actor), id):
        raise _none()


def _check(actor: Actor, view: View) -> None:
    if view.shared and actor.channel_ids:
        raise refuse(Code.FORBIDDEN, "This API key is bound to its channels; a shared view is the whole company's")
    if not view.shared and view.user_id is None:
        message = "The API key belongs to no user, and a view of nobody's is shared; use a key made with a user_id"
        raise refuse(Code.USER_REQUIRED, message, "/shared")


def _none() -> Refused:
    return refuse(Code.NOT_FOUND, "There is no such view")
