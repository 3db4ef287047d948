"""Notifications."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.operation import Call, Operation
from leadrail.api.page import Page, Paging, number_at, page
from leadrail.core.actor import Scope
from leadrail.core.events import store as events
from leadrail.core.events.model import Event
from leadrail.kit.http import Response, json_response

_NEWEST = 1 << 62


class Notification(msgspec.Struct, frozen=True):
    """An event as the team of the channel's owner is notified of it."""

    id: Annotated[UUID, Meta(description="The event's id.")]
    event: Event


async def list_notifications(call: Call[None, Paging]) -> Response:
    limit = call.query.limit
    before = number_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        rows = await events.notices(
            connection,
            call.actor.company_id,
            channel_ids=list(call.actor.channel_ids),
            before=_NEWEST if before is None else before,
            limit=limit + 1,
        )
    return json_response(200, page(rows, limit, lambda row: row.seq, lambda row: Notification(row.event.id, row.event)))


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/notifications",
        summary="List notifications, newest first",
        tag="Notifications",
        scope=Scope.READ,
        handler=list_notifications,
        query=Paging,
        answer=Page[Notification],
        answer_example={"data": [{"id": examples.EVENT["id"], "event": examples.EVENT}], "next_cursor": None},
    ),
)
