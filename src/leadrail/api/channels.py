"""Channels and what belongs to them: statuses, properties, members, reward triggers."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from leadrail.api import examples
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Cursor, Limit, Page, number_at, page
from leadrail.api.writes import write
from leadrail.core import remapping
from leadrail.core.actor import Scope
from leadrail.core.channels import commands
from leadrail.core.channels.commands import NewChannel, NewProperty, NewStatus
from leadrail.core.channels.model import (
    Category,
    Channel,
    Member,
    Property,
    PropertyType,
    Requirement,
    Role,
    Status,
)
from leadrail.core.errors import Code, refuse
from leadrail.core.rewards import commands as triggers
from leadrail.core.rewards.commands import NewTrigger
from leadrail.core.rewards.model import Cause, Kind, Trigger, TriggerState
from leadrail.core.setup import Setup
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id

Thing = TypeVar("Thing", Status, Property, Trigger)

# What is sent


class StatusBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`position` left out puts it last; `requires` lists what a lead needs to enter it."""

    name: str
    category: Category = Category.OPEN
    position: int | None = None
    color: str | None = None
    visible: bool = True
    requires: tuple[Requirement, ...] = ()


class StatusPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`next` lists the statuses that may follow by their ids; null means any."""

    name: str | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    position: int | UnsetType = UNSET
    color: str | UnsetType = UNSET
    visible: bool | UnsetType = UNSET
    requires: tuple[Requirement, ...] | UnsetType = UNSET
    next: tuple[UUID, ...] | None | UnsetType = UNSET


class PropertyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`options` are the choices of a `select`."""

    name: str
    type: PropertyType = PropertyType.TEXT
    options: tuple[str, ...] = ()
    position: int | None = None
    visible: bool = True


class PropertyPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    options: tuple[str, ...] | UnsetType = UNSET
    position: int | UnsetType = UNSET
    visible: bool | UnsetType = UNSET


class MemberBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    company_id: UUID
    role: Role


class ChannelBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`template` is sales, keenpartner, sendpilot, octanist or capillary; `statuses` given replace the template's."""

    title: str
    currency: str | None = None
    template: str = "sales"
    statuses: tuple[StatusBody, ...] = ()
    properties: tuple[PropertyBody, ...] = ()
    members: Annotated[tuple[MemberBody, ...], Meta(max_length=commands.MOST_MEMBERS)] = ()
    public_submissions: bool = False
    duplicates: Annotated[str, Meta(pattern="^allow$")] = "allow"


class ChannelPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    public_submissions: bool | UnsetType = UNSET


class TriggerBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`amount` is money for `fixed`, a percentage of the lead's value for `percent`."""

    cause: Cause
    amount: Decimal
    kind: Kind = Kind.FIXED
    status_id: UUID | None = None
    status: str | None = None
    repeat: bool = False
    state: TriggerState = TriggerState.ACTIVE


class TriggerPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    state: TriggerState


# What is shown


class ShownStatus(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    category: Category
    position: int
    color: str
    visible: bool
    requires: tuple[Requirement, ...]
    next: tuple[UUID, ...] | None


class ShownProperty(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    type: PropertyType
    options: tuple[str, ...]
    position: int
    visible: bool


class ShownChannel(msgspec.Struct, frozen=True):
    id: UUID
    public_id: UUID
    number: int
    title: str
    currency: str | None
    template: str
    public_submissions: bool
    duplicates: str
    statuses: list[ShownStatus]
    properties: list[ShownProperty]
    members: tuple[Member, ...]
    created_at: datetime
    archived_at: datetime | None


def _status(status: Status) -> ShownStatus:
    return ShownStatus(*(getattr(status, name) for name in ShownStatus.__struct_fields__))


def _property(definition: Property) -> ShownProperty:
    return ShownProperty(*(getattr(definition, name) for name in ShownProperty.__struct_fields__))


def _channel(setup: Setup) -> ShownChannel:
    channel = setup.channel
    return ShownChannel(
        id=channel.id,
        public_id=channel.public_id,
        number=channel.number,
        title=channel.title,
        currency=channel.currency,
        template=channel.template,
        public_submissions=channel.public_submissions,
        duplicates=channel.duplicates,
        statuses=[_status(status) for status in channel.current_statuses],
        properties=[_property(definition) for definition in channel.current_properties],
        members=channel.members,
        created_at=channel.created_at,
        archived_at=channel.archived_at,
    )


# Finding what the path names


def _path_id(call: Call[Any, Any], name: str, code: Code, message: str) -> UUID:
    if (id := parse_id(call.request.params[name])) is None:
        raise refuse(code, message)
    return id


def _channel_id(call: Call[Any, Any]) -> UUID:
    return _path_id(call, "id", Code.CHANNEL_NOT_FOUND, "Channel not found")


def _among(things: tuple[Thing, ...], call: Call[Any, Any], kind: str) -> Thing:
    """The thing of the channel that the path's last id names. Raises Refused (`not_found`)."""
    wanted = parse_id(call.request.params["item"])
    for thing in things:
        if thing.id == wanted:
            return thing
    raise refuse(Code.NOT_FOUND, f"The channel has no such {kind}")


async def _setup(call: Call[Any, Any]) -> Setup:
    async with call.core.database.connection() as connection:
        return await call.core.reader.channel(connection, call.actor, _channel_id(call))


Work = Callable[[Connection, Channel], Awaitable[Any]]
Show = Callable[[Setup, Any], Any]


async def _change(call: Call[Any, Any], status: int, work: Work, show: Show) -> Response:
    """Runs `work` on the caller's own channel and answers what `show` makes of the setup after it."""

    async def whole(connection: Connection) -> Response:
        setup = await call.core.reader.own_channel(connection, call.actor, _channel_id(call))
        result = await work(connection, setup.channel)
        if status == 204:
            return Response(204)
        after = await call.core.setups.uncached(connection, [setup.channel.id])
        return json_response(status, show(after[setup.channel.id], result))

    return await write(call, whole)


def _given(patch: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(patch).items() if value is not UNSET}


# Channels


class ChannelQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Limit = 50
    cursor: Cursor | None = None


async def create(call: Call[ChannelBody, NoQuery]) -> Response:
    body = call.body
    wanted = NewChannel(
        title=body.title,
        currency=body.currency,
        template=body.template,
        statuses=tuple(NewStatus(**msgspec.structs.asdict(status)) for status in body.statuses),
        properties=tuple(NewProperty(**msgspec.structs.asdict(definition)) for definition in body.properties),
        members=tuple(Member(member.company_id, member.role) for member in body.members),
        public_submissions=body.public_submissions,
    )

    async def work(connection: Connection) -> Response:
        id = await commands.create_channel(connection, call.actor.company_id, wanted)
        setups = await call.core.setups.uncached(connection, [id])
        return json_response(201, _channel(setups[id]), ((b"location", f"/v1/channels/{id}".encode()),))

    if call.actor.channel_ids:
        raise refuse(Code.FORBIDDEN, "This API key is bound to its channels and cannot make another")
    return await write(call, work)


async def listed(call: Call[None, ChannelQuery]) -> Response:
    after = number_at(call.query.cursor) or 0
    async with call.core.database.connection() as connection:
        setups = await call.core.reader.channels(connection, call.actor)
    rest = [setup for setup in setups if setup.channel.number > after]
    return json_response(200, page(rest, call.query.limit, lambda row: row.channel.number, _channel))


async def read(call: Call[None, NoQuery]) -> Response:
    return json_response(200, _channel(await _setup(call)))


async def edit(call: Call[ChannelPatch, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> None:
        now = {"title": channel.title, "currency": channel.currency, "public_submissions": channel.public_submissions}
        await commands.update_channel(connection, channel, **(now | _given(call.body)))

    return await _change(call, 200, work, lambda setup, _: _channel(setup))


async def archive(call: Call[None, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> None:
        await commands.archive_channel(connection, channel, call.core.clock())

    return await _change(call, 200, work, lambda setup, _: _channel(setup))


# Statuses


class MoveQuery(msgspec.Struct, frozen=True):
    move_to: Annotated[UUID, Meta(description="Where the leads of the status go.")] | None = None


async def list_statuses(call: Call[None, NoQuery]) -> Response:
    setup = await _setup(call)
    return json_response(200, Page([_status(status) for status in setup.channel.current_statuses], None))


async def add_status(call: Call[StatusBody, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        return await commands.add_status(connection, channel, NewStatus(**msgspec.structs.asdict(call.body)))

    return await _change(call, 201, work, lambda setup, id: _status(setup.channel.status_by_id[id]))


async def edit_status(call: Call[StatusPatch, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        status = replace(_among(channel.current_statuses, call, "status"), **_given(call.body))
        await commands.change_status_definition(connection, channel, status)
        return status.id

    return await _change(call, 200, work, lambda setup, id: _status(setup.channel.status_by_id[id]))


async def delete_status(call: Call[None, MoveQuery]) -> Response:
    async with call.core.database.connection() as connection:
        setup = await call.core.reader.channel(connection, call.actor, _channel_id(call))
        status = _among(setup.channel.current_statuses, call, "status")
    await remapping.archive_status(call.core, call.actor, setup.channel, status, call.query.move_to)
    return Response(204)


# Properties


async def list_properties(call: Call[None, NoQuery]) -> Response:
    setup = await _setup(call)
    return json_response(200, Page([_property(one) for one in setup.channel.current_properties], None))


def _shown_property(setup: Setup, id: UUID) -> ShownProperty:
    return _property(setup.channel.property_by_key[str(id)])


async def add_property(call: Call[PropertyBody, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        return await commands.add_property(connection, channel, NewProperty(**msgspec.structs.asdict(call.body)))

    return await _change(call, 201, work, _shown_property)


async def edit_property(call: Call[PropertyPatch, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        definition = replace(_among(channel.current_properties, call, "property"), **_given(call.body))
        await commands.change_property(connection, channel, definition)
        return definition.id

    return await _change(call, 200, work, _shown_property)


async def delete_property(call: Call[None, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> None:
        await commands.archive_property(connection, channel, _among(channel.current_properties, call, "property").id)

    return await _change(call, 204, work, lambda *_: None)


# Members


async def list_members(call: Call[None, NoQuery]) -> Response:
    setup = await _setup(call)
    return json_response(200, Page(list(setup.channel.members), None))


async def add_member(call: Call[MemberBody, NoQuery]) -> Response:
    member = Member(call.body.company_id, call.body.role)

    async def work(connection: Connection, channel: Channel) -> None:
        await commands.add_member(connection, channel, member)

    response = await _change(call, 201, work, lambda *_: member)
    call.core.doors.forget()
    return response


class RoleQuery(msgspec.Struct, frozen=True):
    role: Role


async def delete_member(call: Call[None, RoleQuery]) -> Response:
    company_id = _path_id(call, "item", Code.NOT_FOUND, "The company does not have this role in the channel")

    async def work(connection: Connection, channel: Channel) -> None:
        await commands.remove_member(connection, channel, Member(company_id, call.query.role))

    response = await _change(call, 204, work, lambda *_: None)
    call.core.doors.forget()
    return response


# Reward triggers


async def list_triggers(call: Call[None, NoQuery]) -> Response:
    return json_response(200, Page(list((await _setup(call)).triggers), None))


async def add_trigger(call: Call[TriggerBody, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> Trigger:
        return await triggers.add_trigger(connection, channel, NewTrigger(**msgspec.structs.asdict(call.body)))

    return await _change(call, 201, work, lambda _, trigger: trigger)


async def edit_trigger(call: Call[TriggerPatch, NoQuery]) -> Response:
    id = _path_id(call, "item", Code.NOT_FOUND, "The channel has no such reward trigger")

    async def work(connection: Connection, channel: Channel) -> None:
        await triggers.set_state(connection, channel, id, call.body.state)

    return await _change(call, 200, work, lambda setup, _: _among(setup.triggers, call, "reward trigger"))


async def delete_trigger(call: Call[None, NoQuery]) -> Response:
    id = _path_id(call, "item", Code.NOT_FOUND, "The channel has no such reward trigger")

    async def work(connection: Connection, channel: Channel) -> None:
        await triggers.archive_trigger(connection, channel, id)

    return await _change(call, 204, work, lambda *_: None)


def _row(method: str, path: str, summary: str, handler: Any, **rest: Any) -> Operation:
    scope = Scope.READ if method == "GET" else Scope.ADMIN
    return Operation(method=method, path=path, summary=summary, tag="Channels", scope=scope, handler=handler, **rest)


def _many(example: Any) -> dict[str, Any]:
    return {"data": [example], "next_cursor": None}


_ONE = "/v1/channels/{id}"

OPERATIONS = (
    _row(
        "GET",
        "/v1/channels",
        "List channels, oldest first",
        listed,
        query=ChannelQuery,
        answer=Page[ShownChannel],
        answer_example=_many(examples.CHANNEL),
    ),
    _row(
        "POST",
        "/v1/channels",
        "Create a channel",
        create,
        body=ChannelBody,
        answer=ShownChannel,
        status=201,
        request_example=examples.NEW_CHANNEL,
        answer_example=examples.CHANNEL,
    ),
    _row("GET", _ONE, "Read a channel", read, answer=ShownChannel, answer_example=examples.CHANNEL),
    _row(
        "PATCH",
        _ONE,
        "Edit a channel",
        edit,
        body=ChannelPatch,
        answer=ShownChannel,
        request_example={"title": "Website and ads"},
        answer_example=examples.CHANNEL | {"title": "Website and ads"},
    ),
    _row(
        "POST",
        f"{_ONE}/archive",
        "Archive a channel",
        archive,
        description="It takes no new leads; those that it has may still be read and moved.",
        answer=ShownChannel,
        answer_example=examples.CHANNEL | {"archived_at": examples.LATER},
    ),
    _row(
        "GET",
        f"{_ONE}/statuses",
        "List a channel's statuses",
        list_statuses,
        answer=Page[ShownStatus],
        answer_example=_many(examples.STATUS),
    ),
    _row(
        "POST",
        f"{_ONE}/statuses",
        "Add a status",
        add_status,
        body=StatusBody,
        answer=ShownStatus,
        status=201,
        request_example=examples.NEW_STATUS,
        answer_example=examples.STATUS | examples.NEW_STATUS,
    ),
    _row(
        "PATCH",
        f"{_ONE}/statuses/{{item}}",
        "Edit a status",
        edit_status,
        description="The id stays, so callers that hold it are not broken by a new name.",
        body=StatusPatch,
        answer=ShownStatus,
        request_example={"name": "Offer sent", "requires": ["value"]},
        answer_example=examples.STATUS | {"name": "Offer sent", "requires": ["value"]},
    ),
    _row(
        "DELETE",
        f"{_ONE}/statuses/{{item}}",
        "Remove a status",
        delete_status,
        description="A status in use is refused (`in_use`) unless `move_to` says where its leads go; each of them"
        " is moved like any other lead, so a rule may refuse one when others have moved; the call may be repeated.",
        query=MoveQuery,
        status=204,
    ),
    _row(
        "GET",
        f"{_ONE}/properties",
        "List a channel's property definitions",
        list_properties,
        answer=Page[ShownProperty],
        answer_example=_many(examples.PROPERTY),
    ),
    _row(
        "POST",
        f"{_ONE}/properties",
        "Define a property",
        add_property,
        body=PropertyBody,
        answer=ShownProperty,
        status=201,
        request_example=examples.NEW_PROPERTY,
        answer_example=examples.PROPERTY | examples.NEW_PROPERTY,
    ),
    _row(
        "PATCH",
        f"{_ONE}/properties/{{item}}",
        "Edit a property definition",
        edit_property,
        body=PropertyPatch,
        answer=ShownProperty,
        request_example={"name": "Deal volume"},
        answer_example=examples.PROPERTY | {"name": "Deal volume"},
    ),
    _row("DELETE", f"{_ONE}/properties/{{item}}", "Remove a property definition", delete_property, status=204),
    _row(
        "GET",
        f"{_ONE}/members",
        "List a channel's members",
        list_members,
        answer=Page[Member],
        answer_example=_many({"company_id": examples.PARTNER_ID, "role": "referring"}),
    ),
    _row(
        "POST",
        f"{_ONE}/members",
        "Share the channel with a company",
        add_member,
        body=MemberBody,
        answer=Member,
        status=201,
        request_example={"company_id": examples.PARTNER_ID, "role": "referring"},
        answer_example={"company_id": examples.PARTNER_ID, "role": "referring"},
    ),
    _row(
        "DELETE",
        f"{_ONE}/members/{{item}}",
        "End a company's role in the channel",
        delete_member,
        query=RoleQuery,
        status=204,
    ),
    _row(
        "GET",
        f"{_ONE}/reward-triggers",
        "List a channel's reward triggers",
        list_triggers,
        answer=Page[Trigger],
        answer_example=_many(examples.TRIGGER),
    ),
    _row(
        "POST",
        f"{_ONE}/reward-triggers",
        "Add a reward trigger",
        add_trigger,
        body=TriggerBody,
        answer=Trigger,
        status=201,
        request_example=examples.NEW_TRIGGER,
        answer_example=examples.TRIGGER,
    ),
    _row(
        "PATCH",
        f"{_ONE}/reward-triggers/{{item}}",
        "Pause or resume a reward trigger",
        edit_trigger,
        body=TriggerPatch,
        answer=Trigger,
        request_example={"state": "paused"},
        answer_example=examples.TRIGGER | {"state": "paused"},
    ),
    _row("DELETE", f"{_ONE}/reward-triggers/{{item}}", "Remove a reward trigger", delete_trigger, status=204),
)
