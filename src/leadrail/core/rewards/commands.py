"""Making, changing and stopping reward triggers. The caller owns the transaction and holds the channel's lock."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.channels import store as channels
from leadrail.core.channels.model import Channel, Status, StatusRef
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.rewards import store
from leadrail.core.rewards.model import Cause, Kind, Trigger, TriggerState
from leadrail.db.database import Connection
from leadrail.kit import money
from leadrail.kit.ids import new_id

MOST_HOLD_DAYS = 3650


class NewTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """`status` (a name) or `status_id` says which status a `status_change` trigger waits for."""

    cause: Cause
    amount: Decimal
    kind: Kind = Kind.FIXED
    status_id: UUID | None = None
    status: str | None = None
    repeat: bool = False
    state: TriggerState = TriggerState.ACTIVE
    cap: Decimal | None = None
    hold_days: int = 0


async def add_trigger(connection: Connection, channel: Channel, new: NewTrigger) -> Trigger:
    """Raises Refused (`invalid`, `unknown_status`)."""
    status_id = _status_of(channel, new)
    trigger = _checked(
        Trigger(new_id(), new.cause, status_id, new.kind, new.amount, new.repeat, new.state, new.cap, new.hold_days)
    )
    await store.insert_trigger(connection, channel.company_id, channel.id, trigger)
    await channels.renew(connection, channel.company_id, channel.id)
    return trigger


def _checked(trigger: Trigger) -> Trigger:
    """The trigger with its amounts written plainly. Raises Refused (`invalid`)."""
    _check_money("amount", trigger.amount)
    if trigger.kind is Kind.PERCENT and trigger.amount > 100:
        raise refuse(Code.INVALID, "A percentage is at most 100", "/amount")
    if trigger.cap is not None:
        _check_money("cap", trigger.cap)
        if trigger.kind is not Kind.PERCENT:
            raise refuse(Code.INVALID, "Only a percentage has a cap", "/cap")
    if not 0 <= trigger.hold_days <= MOST_HOLD_DAYS:
        raise refuse(Code.INVALID, f"hold_days is 0 to {MOST_HOLD_DAYS}", "/hold_days")
    cap = None if trigger.cap is None else money.plain(trigger.cap)
    return replace(trigger, amount=money.plain(trigger.amount), cap=cap)


def _check_money(name: str, amount: Decimal) -> None:
    if not money.is_amount(amount) or amount == 0:
        raise refuse(Code.INVALID, f"{name} must be above zero, with at most six decimal places", f"/{name}")


def _status_of(channel: Channel, new: NewTrigger) -> UUID | None:
    named = new.status is not None or new.status_id is not None
    if named != (new.cause is Cause.STATUS_CHANGE):
        raise refuse(Code.INVALID, "A status_change trigger, and no other, names a status", "/status_id")
    if not named:
        return None
    status = channel.find_status(StatusRef(id=new.status_id, name=new.status))
    if status is None:
        raise refuse(Code.UNKNOWN_STATUS, "The channel has no such status", "/status_id")
    return status.id


async def change_trigger(connection: Connection, channel: Channel, trigger_id: UUID, changes: dict[str, Any]) -> None:
    """New values for `state`, `amount`, `cap` (None: no cap) or `hold_days`. Rewards that were made stay as they are.

    Raises Refused (`not_found`, `invalid`).
    """
    trigger = await store.trigger(connection, channel.company_id, channel.id, trigger_id)
    if trigger is None:
        raise _no_such()
    await store.update_trigger(connection, channel.company_id, channel.id, _checked(replace(trigger, **changes)))
    await channels.renew(connection, channel.company_id, channel.id)


async def archive_trigger(connection: Connection, channel: Channel, trigger_id: UUID) -> None:
    """Raises Refused (`not_found`)."""
    if not await store.archive_trigger(connection, channel.company_id, channel.id, trigger_id):
        raise _no_such()
    await channels.renew(connection, channel.company_id, channel.id)


def refuse_awaited(triggers: Iterable[Trigger], status: Status) -> None:
    """Raises Refused (`conflict`) when a trigger, paused or not, waits for the status."""
    if any(trigger.status_id == status.id for trigger in triggers):
        message = f'A reward trigger waits for the status "{status.name}"; remove it first'
        raise refuse(Code.CONFLICT, message)


def _no_such() -> Refused:
    return refuse(Code.NOT_FOUND, "The channel has no such reward trigger")
