"""Channels: create, list, read, edit, archive."""

from typing import Any
from uuid import UUID

import msgspec

from leadrail.api.channels.finding import change, channel_id, given, setup_of
from leadrail.api.channels.shapes import (
    ChannelBody,
    ChannelPatch,
    ChannelQuery,
    CloneBody,
    shown_channel,
    status_values,
)
from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import number_at, page
from leadrail.api.writes import write
from leadrail.core import pausing
from leadrail.core.channels import commands
from leadrail.core.channels.commands import NewChannel, NewProperty, NewStatus
from leadrail.core.channels.model import (
    Channel,
    Member,
)
from leadrail.core.cloning import Likeness, clone_channel
from leadrail.core.queries import demand_unbound
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response

_MAKES_NONE = " and cannot make another"


async def create(call: Call[ChannelBody, NoQuery]) -> Response:
    body = call.body
    wanted = NewChannel(
        title=body.title,
        currency=body.currency,
        template=body.template,
        statuses=tuple(NewStatus(**status_values(msgspec.structs.asdict(status))) for status in body.statuses),
        properties=tuple(NewProperty(**msgspec.structs.asdict(definition)) for definition in body.properties),
        members=tuple(Member(member.company_id, member.role) for member in body.members),
        public_submissions=body.public_submissions,
        duplicates=body.duplicates,
    )

    async def work(connection: Connection) -> Response:
        id = await commands.create_channel(connection, call.actor.company_id, wanted)
        return await _made(call, connection, id)

    demand_unbound(call.actor, _MAKES_NONE)
    return await write(call, work)


async def clone(call: Call[CloneBody, NoQuery]) -> Response:
    demand_unbound(call.actor, _MAKES_NONE)

    async def work(connection: Connection) -> Response:
        setup = await call.core.reader.own_channel(connection, call.actor, channel_id(call))
        id = await clone_channel(connection, setup, Likeness(title=call.body.title, members=call.body.members))
        return await _made(call, connection, id)

    response = await write(call, work)
    call.core.doors.forget()
    return response


async def _made(call: Call[Any, NoQuery], connection: Connection, id: UUID) -> Response:
    """A channel that was just made, with where it is."""
    setups = await call.core.setups.uncached(connection, [id])
    return json_response(201, shown_channel(setups[id]), ((b"location", f"/v1/channels/{id}".encode()),))


async def listed(call: Call[None, ChannelQuery]) -> Response:
    after = number_at(call.query.cursor) or 0
    async with call.core.database.connection() as connection:
        setups = await call.core.reader.channels(connection, call.actor)
    rest = [setup for setup in setups if setup.channel.number > after]
    return json_response(200, page(rest, call.query.limit, lambda row: row.channel.number, shown_channel))


async def read(call: Call[None, NoQuery]) -> Response:
    return json_response(200, shown_channel(await setup_of(call)))


async def edit(call: Call[ChannelPatch, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> None:
        now = {name: getattr(channel, name) for name in ChannelPatch.__struct_fields__}
        await commands.update_channel(connection, channel, **(now | given(call.body)))

    return await change(call, 200, work, lambda setup, _: shown_channel(setup))


async def pause(call: Call[None, NoQuery]) -> Response:
    return await _set_paused(call, is_paused=True)


async def resume(call: Call[None, NoQuery]) -> Response:
    return await _set_paused(call, is_paused=False)


async def _set_paused(call: Call[None, NoQuery], *, is_paused: bool) -> Response:
    async def work(connection: Connection) -> Response:
        id = channel_id(call)
        setup = await pausing.set_paused(call.core, connection, call.actor, id, is_paused=is_paused)
        return json_response(200, shown_channel(setup))

    response = await write(call, work)
    call.core.on_due()
    return response


async def archive(call: Call[None, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> None:
        await commands.archive_channel(connection, channel, call.core.clock())

    return await change(call, 200, work, lambda setup, _: shown_channel(setup))
