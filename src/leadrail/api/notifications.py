"""Notifications: the notices that a user sees, marks and mutes, or that the team sees together."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.api import examples
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Paging, cursor_of, number_at
from leadrail.api.writes import write
from leadrail.core.actor import Scope
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import Event, EventType
from leadrail.core.notifications import commands, store
from leadrail.core.notifications.commands import user_of, view_of
from leadrail.core.notifications.model import Notice, Unread
from leadrail.core.reactions import NOTICES
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response


class NotificationQuery(Paging, frozen=True, kw_only=True):
    unread: bool = False


class Notification(msgspec.Struct, frozen=True):
    """An event as the team of the channel's owner is notified of it. `read` is null for a key that is no user's."""

    id: Annotated[UUID, Meta(description="The event's id.")]
    event: Event
    read: bool | None


class PageOfNotifications(msgspec.Struct, frozen=True):
    """One page. `unread` is null for a key that is no user's."""

    data: list[Notification]
    next_cursor: str | None
    unread: int | None
    unread_is_more: bool


class ReadBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the three: these; one and all before it; all that there are."""

    ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    up_to: UUID | UnsetType = UNSET
    all: bool = False


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    muted: Annotated[list[str], Meta(max_length=100)]


async def list_notifications(call: Call[None, NotificationQuery]) -> Response:
    query, before = call.query, number_at(call.query.cursor)
    if query.unread:
        user_of(call.actor, "?unread")
    async with call.core.database.connection() as connection:
        view = await view_of(connection, call.actor, NOTICES)
        start = store.NEWEST if before is None else before
        found = await store.listed(connection, view, before=start, limit=query.limit, unread=query.unread)
        count = await store.unread(connection, view) if view.user_id is not None else None
    cursor = cursor_of(found.before) if found.before is not None else None
    shown = [_shown(notice) for notice in found.notices]
    if count is None:
        return json_response(200, PageOfNotifications(shown, cursor, None, False))
    return json_response(200, PageOfNotifications(shown, cursor, count.unread, count.unread_is_more))


def _shown(notice: Notice) -> Notification:
    return Notification(notice.entry.event.id, notice.entry.event, notice.read)


async def mark_read(call: Call[ReadBody, NoQuery]) -> Response:
    body, actor = call.body, call.actor
    user_of(actor)
    if (body.ids is not UNSET) + (body.up_to is not UNSET) + body.all != 1:
        raise refuse(Code.INVALID, 'Send one of "ids", "up_to" and "all": true')

    async def work(connection: Connection) -> Response:
        view = await view_of(connection, actor, NOTICES, lock=True)
        if body.ids is not UNSET:
            await commands.mark(connection, view, body.ids)
        elif body.up_to is not UNSET:
            await commands.mark_up_to(connection, view, body.up_to)
        else:
            await commands.mark_all(connection, view)
        return json_response(200, await store.unread(connection, await view_of(connection, actor, NOTICES)))

    return await write(call, work, of_user=True)


async def read_settings(call: Call[None, NoQuery]) -> Response:
    user_id = user_of(call.actor)
    async with call.core.database.connection() as connection:
        settings = await store.settings(connection, call.actor.company_id, user_id)
    return json_response(200, Settings([kind for kind in NOTICES if kind in settings.muted]))


async def change_settings(call: Call[Settings, NoQuery]) -> Response:
    user_id, muted = user_of(call.actor), commands.kinds_of(call.body.muted, NOTICES)

    async def work(connection: Connection) -> Response:
        await store.mute(connection, call.actor.company_id, user_id, muted)
        return json_response(200, Settings(list(muted)))

    return await write(call, work, of_user=True)


_SETTINGS = "/v1/notifications/settings"
_MUTED = {"muted": [EventType.LEAD_CREATED.value]}

OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/notifications",
        summary="List notifications, newest first",
        description="As the key's user sees them: each read or not, without the kinds that the user muted. For a key"
        " that is no user's, the team's list. A page may hold fewer than `limit`, even none, while `next_cursor` says"
        " that there is more.",
        tag="Notifications",
        scope=Scope.READ,
        handler=list_notifications,
        query=NotificationQuery,
        answer=PageOfNotifications,
        answer_example={
            "data": [{"id": examples.EVENT_ID, "event": examples.EVENT, "read": False}],
            "next_cursor": None,
            "unread": 1,
            "unread_is_more": False,
        },
        refusals=(Code.USER_REQUIRED,),
    ),
    Operation(
        method="POST",
        path="/v1/notifications/read",
        summary="Mark notifications as read",
        description="For the key's user. What is read already stays so.",
        tag="Notifications",
        scope=Scope.WRITE,
        handler=mark_read,
        body=ReadBody,
        answer=Unread,
        request_example={"ids": [examples.EVENT_ID]},
        answer_example={"unread": 0, "unread_is_more": False},
        refusals=(Code.USER_REQUIRED, Code.NOT_FOUND),
    ),
    Operation(
        method="GET",
        path=_SETTINGS,
        summary="Read which notifications the user muted",
        tag="Notifications",
        scope=Scope.READ,
        handler=read_settings,
        answer=Settings,
        answer_example=_MUTED,
        refusals=(Code.USER_REQUIRED,),
    ),
    Operation(
        method="PUT",
        path=_SETTINGS,
        summary="Choose which notifications the user mutes",
        description=f"The kinds are {', '.join(f'`{kind}`' for kind in NOTICES)}.",
        tag="Notifications",
        scope=Scope.WRITE,
        handler=change_settings,
        body=Settings,
        answer=Settings,
        request_example=_MUTED,
        answer_example=_MUTED,
        refusals=(Code.USER_REQUIRED,),
    ),
)
