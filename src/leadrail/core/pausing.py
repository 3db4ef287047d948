"""Pausing a channel and letting it go on: a mark that its users heed, and an event."""

from uuid import UUID

from leadrail.core.actor import Actor
from leadrail.core.channels import store as channels
from leadrail.core.channels.model import ChannelPausedData, ChannelTold
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.save import Write, announce
from leadrail.core.setup import Setup
from leadrail.db.database import Connection


async def pause(core: Core, actor: Actor, channel_id: UUID) -> Setup:
    """The channel, paused; its leads may still come in and move. Raises Refused as `set_paused` does."""
    return await _at_once(core, actor, channel_id, is_paused=True)


async def resume(core: Core, actor: Actor, channel_id: UUID) -> Setup:
    """The channel, no longer paused. Raises Refused as `set_paused` does."""
    return await _at_once(core, actor, channel_id, is_paused=False)


async def _at_once(core: Core, actor: Actor, channel_id: UUID, *, is_paused: bool) -> Setup:
    async with core.database.transaction() as connection:
        setup = await set_paused(core, connection, actor, channel_id, is_paused=is_paused)
    core.on_due()
    return setup


async def set_paused(core: Core, connection: Connection, actor: Actor, channel_id: UUID, *, is_paused: bool) -> Setup:
    """The channel with the mark set or taken away; nothing happens when it is so already.

    The caller owns the transaction and calls `core.on_due` after it. Raises Refused (`channel_not_found`,
    `channel_forbidden`, `forbidden` for a member, `channel_archived`).
    """
    setup = await core.reader.own_channel(connection, actor, channel_id)
    if setup.channel.archived_at is not None:
        raise refuse(Code.CHANNEL_ARCHIVED, "The channel is archived", "/id")
    if (setup.channel.paused_at is not None) == is_paused:
        return setup
    now, company_id = core.clock(), setup.channel.company_id
    await channels.set_paused(connection, company_id, channel_id, now if is_paused else None)
    await channels.renew(connection, company_id, channel_id)
    setup = (await core.setups.uncached(connection, [channel_id]))[channel_id]
    event = EventType.CHANNEL_PAUSED if is_paused else EventType.CHANNEL_RESUMED
    channel, write = setup.channel, Write(now)
    data = ChannelPausedData(channel=ChannelTold(id=channel.id, number=channel.number, title=channel.title))
    announce(write, actor, setup, event, data, now)
    if statement := write.statement():
        sql, parameters = statement
        await connection.execute(sql, *parameters)
    return setup
