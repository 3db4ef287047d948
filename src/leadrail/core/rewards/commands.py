"""Making and stopping reward triggers. The caller owns the transaction and holds the channel's lock."""

from decimal import Decimal
from uuid import UUID

import msgspec

from leadrail.core.channels import store as channels
from leadrail.core.channels.model import Channel, StatusRef
from leadrail.core.errors import Code, refuse
from leadrail.core.rewards import store
from leadrail.core.rewards.model import Cause, Kind, Trigger, TriggerState
from leadrail.db.database import Connection
from leadrail.kit import money
from leadrail.kit.ids import new_id


class NewTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """`status` (a name) or `status_id` says which status a `status_change` trigger waits for."""

    cause: Cause
    amount: Decimal
    kind: Kind = Kind.FIXED
    status_id: UUID | None = None
    status: str | None = None
    repeat: bool = False
    state: TriggerState = TriggerState.ACTIVE


async def add_trigger(connection: Connection, channel: Channel, new: NewTrigger) -> Trigger:
    """Raises Refused (`invalid`, `unknown_status`)."""
    _check_amount(new)
    status_id = _status_of(channel, new)
    trigger = Trigger(new_id(), new.cause, status_id, new.kind, money.plain(new.amount), new.repeat, new.state)
    await store.insert_trigger(connection, channel.company_id, channel.id, trigger)
    await channels.renew(connection, channel.company_id, channel.id)
    return trigger


def _check_amount(new: NewTrigger) -> None:
    if not money.is_amount(new.amount) or new.amount == 0:
        raise refuse(Code.INVALID, "amount must be above zero, with at most six decimal places", "/amount")
    if new.kind is Kind.PERCENT and new.amount > 100:
        raise refuse(Code.INVALID, "A percentage is at most 100", "/amount")


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


async def set_state(connection: Connection, channel: Channel, trigger_id: UUID, state: TriggerState) -> None:
    """Raises Refused (`not_found`)."""
    _found(await store.set_trigger_state(connection, channel.company_id, channel.id, trigger_id, state))
    await channels.renew(connection, channel.company_id, channel.id)


async def archive_trigger(connection: Connection, channel: Channel, trigger_id: UUID) -> None:
    """Raises Refused (`not_found`)."""
    _found(await store.archive_trigger(connection, channel.company_id, channel.id, trigger_id))
    await channels.renew(connection, channel.company_id, channel.id)


def _found(there: bool) -> None:
    if not there:
        raise refuse(Code.NOT_FOUND, "The channel has no such reward trigger")
