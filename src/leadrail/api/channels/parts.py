"""A channel's statuses, properties, members and reward triggers."""

from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.api.channels.finding import among, change, channel_id, given, path_id, setup_of
from leadrail.api.channels.shapes import (
    MemberBody,
    MoveQuery,
    OrderBody,
    PropertyBody,
    PropertyPatch,
    RoleQuery,
    ShownProperty,
    ShownStatus,
    StatusBody,
    StatusPatch,
    TriggerBody,
    TriggerPatch,
    shown_property,
    shown_status,
    status_values,
)
from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import Page
from leadrail.core import remapping
from leadrail.core.channels import commands
from leadrail.core.channels.commands import NewProperty, NewStatus
from leadrail.core.channels.model import (
    Channel,
    Member,
)
from leadrail.core.errors import Code
from leadrail.core.rewards import commands as triggers
from leadrail.core.rewards.commands import NewTrigger
from leadrail.core.rewards.model import Trigger
from leadrail.core.setup import Setup
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response

# Statuses


async def list_statuses(call: Call[None, NoQuery]) -> Response:
    return json_response(200, _statuses_of(await setup_of(call)))


def _statuses_of(setup: Setup) -> Page[ShownStatus]:
    return Page([shown_status(status) for status in setup.channel.current_statuses], None)


async def add_status(call: Call[StatusBody, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        return await commands.add_status(
            connection, channel, NewStatus(**status_values(msgspec.structs.asdict(call.body)))
        )

    return await change(call, 201, work, lambda setup, id: shown_status(setup.channel.status_by_id[id]))


async def edit_status(call: Call[StatusPatch, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        status = replace(among(channel.current_statuses, call, "status"), **status_values(given(call.body)))
        await commands.change_status_definition(connection, channel, status)
        return status.id

    return await change(call, 200, work, lambda setup, id: shown_status(setup.channel.status_by_id[id]))


async def order_statuses(call: Call[OrderBody, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> None:
        await commands.order_statuses(connection, channel, call.body.ids)

    return await change(call, 200, work, lambda setup, _: _statuses_of(setup))


async def delete_status(call: Call[None, MoveQuery]) -> Response:
    async with call.core.database.connection() as connection:
        setup = await call.core.reader.channel(connection, call.actor, channel_id(call))
        status = among(setup.channel.current_statuses, call, "status")
    await remapping.archive_status(call.core, call.actor, setup, status, call.query.move_to)
    return Response(204)


# Properties


async def list_properties(call: Call[None, NoQuery]) -> Response:
    setup = await setup_of(call)
    return json_response(200, Page([shown_property(one) for one in setup.channel.current_properties], None))


def _shown_property(setup: Setup, id: UUID) -> ShownProperty:
    return shown_property(setup.channel.property_by_key[str(id)])


async def add_property(call: Call[PropertyBody, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        return await commands.add_property(connection, channel, NewProperty(**msgspec.structs.asdict(call.body)))

    return await change(call, 201, work, _shown_property)


async def edit_property(call: Call[PropertyPatch, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        definition = replace(among(channel.current_properties, call, "property"), **given(call.body))
        await commands.change_property(connection, channel, definition)
        return definition.id

    return await change(call, 200, work, _shown_property)


async def delete_property(call: Call[None, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> None:
        await commands.archive_property(connection, channel, among(channel.current_properties, call, "property").id)

    return await change(call, 204, work, lambda *_: None)


# Members


async def list_members(call: Call[None, NoQuery]) -> Response:
    setup = await setup_of(call)
    return json_response(200, Page(list(setup.channel.members), None))


async def add_member(call: Call[MemberBody, NoQuery]) -> Response:
    member = Member(call.body.company_id, call.body.role)

    async def work(connection: Connection, channel: Channel) -> None:
        await commands.add_member(connection, channel, member)

    response = await change(call, 201, work, lambda *_: member)
    call.core.doors.forget()
    return response


async def delete_member(call: Call[None, RoleQuery]) -> Response:
    company_id = path_id(call, "item", Code.NOT_FOUND, "The company does not have this role in the channel")

    async def work(connection: Connection, channel: Channel) -> None:
        await commands.remove_member(connection, channel, Member(company_id, call.query.role))

    response = await change(call, 204, work, lambda *_: None)
    call.core.doors.forget()
    return response


# Reward triggers


async def list_triggers(call: Call[None, NoQuery]) -> Response:
    return json_response(200, Page(list((await setup_of(call)).triggers), None))


async def add_trigger(call: Call[TriggerBody, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> Trigger:
        return await triggers.add_trigger(connection, channel, NewTrigger(**msgspec.structs.asdict(call.body)))

    return await change(call, 201, work, lambda _, trigger: trigger)


async def edit_trigger(call: Call[TriggerPatch, NoQuery]) -> Response:
    id = path_id(call, "item", Code.NOT_FOUND, "The channel has no such reward trigger")

    async def work(connection: Connection, channel: Channel) -> None:
        await triggers.change_trigger(connection, channel, id, given(call.body))

    return await change(call, 200, work, lambda setup, _: among(setup.triggers, call, "reward trigger"))


async def delete_trigger(call: Call[None, NoQuery]) -> Response:
    id = path_id(call, "item", Code.NOT_FOUND, "The channel has no such reward trigger")

    async def work(connection: Connection, channel: Channel) -> None:
        await triggers.archive_trigger(connection, channel, id)

    return await change(call, 204, work, lambda *_: None)
