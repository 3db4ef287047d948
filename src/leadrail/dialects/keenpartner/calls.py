"""What every action is handed, and how the actions that name a lead tell "not yours" from "no such lead"."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import Command, CreateLead
from leadrail.db.database import Connection
from leadrail.kit.http import Request, Response
from leadrail.kit.throttle import Throttle

T = TypeVar("T")

_encoder = msgspec.json.Encoder(decimal_format="number")


class Generation(StrEnum):
    """Which of the vendor's pages a path goes by."""

    FIRST = "first"
    NEWEST = "newest"


class Call(msgspec.Struct, frozen=True):
    """One request at one of the two paths; `forms` limits how often an address may call without a key."""

    core: Core
    request: Request
    generation: Generation
    forms: Throttle


async def execute(core: Core, command: Command) -> Done:
    """Carries out a command. Raises Refused; of a lead that is another's, `forbidden`."""
    if isinstance(command, CreateLead):
        outcome = await core.engine.execute_one(command)
    else:
        outcome = await reached(core, command.lead_id, core.engine.execute_one(command))
    assert isinstance(outcome, Done)  # no idempotency key is ever sent along, so there is no kept answer
    return outcome


async def reached(core: Core, lead_id: UUID, work: Awaitable[T]) -> T:
    """What the work comes to. A lead that it does not find is `forbidden` when it is there for somebody else."""
    return await found(core, work, lambda connection: leads.exists_anywhere(connection, lead_id))


async def found(core: Core, work: Awaitable[T], exists: Callable[[Connection], Awaitable[bool]]) -> T:
    """The same for a lead that is named in another way."""
    try:
        return await work
    except Refused as error:
        if error.refusal.code is not Code.LEAD_NOT_FOUND:
            raise
        async with core.database.connection() as connection:
            if await exists(connection):
                raise refuse(Code.FORBIDDEN, "Lead not accessible") from None
        raise


def answer(value: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
    return Response(200, _encoder.encode(value), headers=headers)
