"""Taking a status out of service: its leads are moved first, each by the same rules as any other move."""

from uuid import UUID

from leadrail.core.actor import Actor
from leadrail.core.channels import commands
from leadrail.core.channels.model import Channel, Status, StatusRef
from leadrail.core.channels.rules import refuse_named
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refusal, Refused, refuse
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import ChangeStatus
from leadrail.core.rewards.commands import refuse_awaited
from leadrail.core.setup import Setup

CHUNK = 1000


async def archive_status(core: Core, actor: Actor, setup: Setup, status: Status, move_to: UUID | None) -> None:
    """Archives a status whose leads go to `move_to`, which is meant from then on by whoever names the archived one.

    May be repeated: what was moved stays moved. Raises Refused (`in_use` when it has leads and no target is given;
    `conflict` when a rule or a reward trigger needs it; whatever refuses a lead's move).
    """
    channel = setup.channel
    _refuse_needed(setup, status)
    if move_to is not None:
        await _move_all(core, actor, channel, status, _replacement(channel, status, move_to).id)
    async with core.database.transaction() as connection:
        setup = await core.reader.own_channel(connection, actor, channel.id)
        # Under the channel's lock and after archiving no lead can enter; one that entered meanwhile undoes it all.
        _refuse_needed(setup, status)
        replacement = _replacement(setup.channel, status, move_to) if move_to is not None else None
        await commands.archive_status(connection, setup.channel, status, replacement)
        if await leads.ids_in_status(connection, channel.company_id, channel.id, status.id, limit=1):
            message = f'Leads are in "{status.name}"; say with move_to where they go'
            raise refuse(Code.IN_USE, message, "?move_to")


def _refuse_needed(setup: Setup, status: Status) -> None:
    refuse_named(setup.channel, status)
    refuse_awaited(setup.triggers, status)


def _replacement(channel: Channel, status: Status, move_to: UUID) -> Status:
    replacement = channel.find_status(StatusRef(id=move_to))
    if replacement is None:
        raise refuse(Code.UNKNOWN_STATUS, "The channel has no status with this id", "?move_to")
    if replacement.id == status.id:
        raise refuse(Code.INVALID, "move_to is the status that is to go", "?move_to")
    return replacement


async def _move_all(core: Core, actor: Actor, channel: Channel, status: Status, move_to: UUID) -> None:
    async with core.database.transaction() as connection:
        await core.reader.own_channel(connection, actor, channel.id)
    while True:
        async with core.database.connection() as connection:
            ids = await leads.ids_in_status(connection, channel.company_id, channel.id, status.id, limit=CHUNK)
        if not ids:
            return
        target = StatusRef(id=move_to)
        outcomes = await core.engine.execute([ChangeStatus(actor=actor, lead_id=id, status=target) for id in ids])
        for outcome in outcomes:
            if isinstance(outcome, Refusal):
                raise Refused(outcome)
