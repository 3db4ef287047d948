"""The company's block list: who may not come in again."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.naming import named
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Page, Paging, id_at, page
from leadrail.api.persons import PersonBody
from leadrail.api.writes import write
from leadrail.core.actor import Scope
from leadrail.core.blocks import commands, store
from leadrail.core.blocks.commands import Blocking
from leadrail.core.blocks.model import Block, BlockCause, BlockKey
from leadrail.core.companies import store as companies
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id


class BlockBody(PersonBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is meant: one of these. A `domain` means its addresses and those of the domains below it."""

    business_id: Annotated[str, Meta(max_length=255)] | None = None
    domain: Annotated[str, Meta(max_length=253)] | None = None


class Met(msgspec.Struct, frozen=True):
    """The blocks that keep a lead out; none: it may come in."""

    data: list[Block]


async def list_blocks(call: Call[None, Paging]) -> Response:
    before, limit = id_at(call.query.cursor), call.query.limit
    async with call.core.database.connection() as connection:
        rows = await store.listed(connection, call.actor.company_id, before=before, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, lambda row: row))


async def add_block(call: Call[BlockBody, NoQuery]) -> Response:
    company_id = call.actor.company_id
    made: list[Blocking] = []

    async def work(connection: Connection) -> Response:
        key = await _key(connection, call)
        made.append(await commands.block(connection, company_id, [key], BlockCause.REQUEST, call.core.clock()))
        return json_response(201, made[0].blocks[0])

    response = await write(call, work)
    async with call.core.database.connection() as connection:
        await commands.outwait(connection, company_id, is_first=any(blocking.is_first for blocking in made))
    return response


async def find_blocks(call: Call[BlockBody, NoQuery]) -> Response:
    async with call.core.database.connection() as connection:
        key = await _key(connection, call)
        return json_response(200, Met(await commands.meeting(connection, call.actor.company_id, key)))


async def remove_block(call: Call[None, NoQuery]) -> Response:
    id: UUID | None = parse_id(call.request.params["id"])

    async def work(connection: Connection) -> Response:
        await commands.unblock(connection, call.actor.company_id, id)
        return Response(204)

    return await write(call, work)


async def _key(connection: Connection, call: Call[BlockBody, Any]) -> BlockKey:
    company = await companies.company(connection, call.actor.company_id)
    return named(msgspec.structs.asdict(call.body), company.country)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/blocks",
        summary="List what is blocked, newest first",
        description="Only a domain can be read: of anything else a keyed hash is kept. To look for one, use `find`.",
        tag="Persons",
        scope=Scope.ADMIN,
        handler=list_blocks,
        query=Paging,
        answer=Page[Block],
        answer_example={"data": [examples.BLOCK], "next_cursor": None},
    ),
    Operation(
        method="POST",
        path="/v1/blocks",
        summary="Block an address, a number, a profile, a business id or a domain",
        description=(
            "From the answer on, no lead of your channels is made or edited with it, by whatever door (`blocked`). "
            "Leads that have it stay as they are. Blocking again answers the block that is there."
        ),
        tag="Persons",
        scope=Scope.ADMIN,
        handler=add_block,
        body=BlockBody,
        status=201,
        request_example={"email": "jane@example.com"},
        answer=Block,
        answer_example=examples.BLOCK,
    ),
    Operation(
        method="POST",
        path="/v1/blocks/find",
        summary="Find the blocks that keep somebody out",
        tag="Persons",
        scope=Scope.ADMIN,
        handler=find_blocks,
        only_asks=True,
        body=BlockBody,
        request_example={"email": "jane@example.com"},
        answer=Met,
        answer_example={"data": [examples.BLOCK]},
    ),
    Operation(
        method="DELETE",
        path="/v1/blocks/{id}",
        summary="Let in again",
        tag="Persons",
        scope=Scope.ADMIN,
        handler=remove_block,
        status=204,
    ),
)
