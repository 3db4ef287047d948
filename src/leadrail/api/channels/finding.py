"""What the path names, and a change of the caller's own channel."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET

from leadrail.api.operation import Call
from leadrail.api.writes import write
from leadrail.core.channels.model import (
    Channel,
    Property,
    Retention,
    Rule,
    Status,
)
from leadrail.core.errors import Code, refuse
from leadrail.core.rewards.model import Trigger
from leadrail.core.setup import Setup
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id

Thing = TypeVar("Thing", Status, Property, Trigger, Rule, Retention)


def path_id(call: Call[Any, Any], name: str, code: Code, message: str) -> UUID:
    if (id := parse_id(call.request.params[name])) is None:
        raise refuse(code, message)
    return id


def channel_id(call: Call[Any, Any]) -> UUID:
    return path_id(call, "id", Code.CHANNEL_NOT_FOUND, "Channel not found")


def among(things: tuple[Thing, ...], call: Call[Any, Any], kind: str) -> Thing:
    """The thing of the channel that the path's last id names. Raises Refused (`not_found`)."""
    wanted = parse_id(call.request.params["item"])
    for thing in things:
        if thing.id == wanted:
            return thing
    raise refuse(Code.NOT_FOUND, f"The channel has no such {kind}")


async def setup_of(call: Call[Any, Any]) -> Setup:
    async with call.core.database.connection() as connection:
        return await call.core.reader.channel(connection, call.actor, channel_id(call))


Work = Callable[[Connection, Channel], Awaitable[Any]]
Show = Callable[[Setup, Any], Any]


async def change(call: Call[Any, Any], status: int, work: Work, show: Show) -> Response:
    """Runs `work` on the caller's own channel and answers what `show` makes of the setup after it."""

    async def whole(connection: Connection) -> Response:
        setup = await call.core.reader.own_channel(connection, call.actor, channel_id(call))
        result = await work(connection, setup.channel)
        if status == 204:
            return Response(204)
        after = await call.core.setups.uncached(connection, [setup.channel.id])
        return json_response(status, show(after[setup.channel.id], result))

    return await write(call, whole)


def given(patch: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(patch).items() if value is not UNSET}
