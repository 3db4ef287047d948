"""What can be asked of bulk changes: a new one, to read one, and that one ends."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from leadrail.core.actor import Actor
from leadrail.core.bulk import store
from leadrail.core.bulk.model import (
    Action,
    BulkAssign,
    BulkChange,
    BulkEdit,
    BulkMove,
    BulkRelocate,
    BulkState,
    summary_of,
)
from leadrail.core.bulk.store import NewBulk
from leadrail.core.channels.model import Channel, StatusRef
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.leads.fields import (
    NOTE_LIMIT,
    REASON_LIMIT,
    TEXT_LIMITS,
    checked_fields,
    checked_properties,
    checked_text,
    merged_attribution,
)
from leadrail.core.leads.standing import found_status
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id


async def ask(
    connection: Connection,
    actor: Actor,
    action: Action,
    ids: Sequence[UUID],
    filter: dict[str, Any] | None,
    now: datetime,
) -> BulkChange:
    """A new bulk change, of these leads or of those that the filter lets through; `check` comes before."""
    assert actor.id is not None
    id = new_id()
    await store.insert(
        connection,
        NewBulk(
            company_id=actor.company_id,
            id=id,
            key_id=actor.id,
            action=action,
            summary=summary_of(action),
            ids=list(dict.fromkeys(ids)),
            filter=filter,
            created_at=now,
        ),
    )
    return await seen(connection, actor, id)


def own_key(actor: Actor) -> UUID | None:
    """The key whose bulk changes alone the actor sees; None: all of the company's."""
    return actor.id if actor.channel_ids else None


async def seen(connection: Connection, actor: Actor, id: UUID | None) -> BulkChange:
    """Raises Refused (`not_found`)."""
    found = await store.one(connection, actor.company_id, own_key(actor), id) if id else None
    if found is None:
        raise refuse(Code.NOT_FOUND, "Bulk change not found")
    return found


async def cancel(connection: Connection, actor: Actor, id: UUID | None, now: datetime) -> BulkChange:
    """The bulk change, ended; what is done stays done. One that has ended stays as it is.

    Raises Refused (`not_found`).
    """
    found = await seen(connection, actor, id)
    await store.finish(connection, actor.company_id, found.id, BulkState.CANCELLED, None, now)
    return await seen(connection, actor, found.id)


def check(action: Action, channels: Sequence[Channel], target: Channel | None = None) -> None:
    """Refuses what no lead of these channels could take; `target` is the channel that they are to go to.

    Raises Refused with a pointer into the action.
    """
    match action:
        case BulkMove():
            checked_text("reason", action.reason or "", REASON_LIMIT)
            checked_text("note", action.note or "", NOTE_LIMIT)
            _check_in_one(channels, lambda channel: found_status(channel, StatusRef(name=action.status)))
        case BulkRelocate():
            assert target is not None
            checked_text("reason", action.reason or "", REASON_LIMIT)
            checked_text("note", action.note or "", NOTE_LIMIT)
            if target.archived_at is not None:
                raise refuse(Code.CHANNEL_ARCHIVED, "The channel is archived and takes no new leads", "/channel_id")
            _check_statuses(action, target)
        case BulkAssign():
            checked_text("assignee", action.assignee or "", TEXT_LIMITS["assignee"])
        case BulkEdit():
            if not action.fields and not action.properties:
                raise refuse(Code.INVALID, "Say which fields or properties to set", "/fields")
            _check_fields(action.fields)
            _check_in_one(channels, lambda channel: checked_properties(channel, action.properties))


def _check_statuses(action: BulkRelocate, target: Channel) -> None:
    for name in action.statuses.values():
        try:
            found_status(target, StatusRef(name=name))
        except Refused as error:
            raise refuse(error.refusal.code, error.refusal.message, "/statuses", status=name) from None


def _check_fields(fields: dict[str, Any]) -> None:
    try:
        checked_fields(fields)
        merged_attribution({}, fields.get("attribution"))
    except Refused as error:
        wrong = error.refusal
        raise refuse(wrong.code, wrong.message, f"/fields{wrong.field or ''}") from None


def _check_in_one(channels: Sequence[Channel], rule: Callable[[Channel], Any]) -> None:
    """Raises what the last of the channels refuses, if all of them do."""
    refused: Refused | None = None
    for channel in channels:
        try:
            rule(channel)
        except Refused as error:
            refused = error
        else:
            return
    if refused is not None:
        raise refused
