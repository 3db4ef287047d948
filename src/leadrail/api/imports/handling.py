"""Imports asked for, looked at, begun and taken back."""

import asyncio
import hashlib
import io
import tempfile
from typing import IO, Any

import msgspec

from leadrail.api.imports.shapes import (
    ImportPatch,
    ReadQuery,
    ShownImport,
    StartBody,
    UploadQuery,
    shown,
    shown_preset,
)
from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import Paging, id_at, page
from leadrail.api.writes import write
from leadrail.core.errors import Code, refuse
from leadrail.core.imports import commands, preset_store, store
from leadrail.core.imports.commands import File, Wish
from leadrail.core.imports.jobs import IN_MEMORY
from leadrail.core.imports.model import UNDER_WAY, Import, ImportState, Options
from leadrail.core.imports.refused import refused_csv
from leadrail.core.queries import demand_unbound
from leadrail.db.database import Connection
from leadrail.kit.http import Response, Stream, json_response
from leadrail.kit.ids import parse_id

POLL_S = 0.1


async def upload(call: Call[None, UploadQuery]) -> Response:
    """Takes a file in as it comes: to memory while it is short, else to the disk, then to the database."""
    query, core, actor = call.query, call.core, call.actor
    async with core.database.connection() as connection:
        channel = (await core.reader.channel(connection, actor, query.channel_id)).channel
        options = await _preset(connection, call)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
        file = await _received(call, body)
        wish = Wish(encoding=query.encoding, delimiter=query.delimiter, options=options)
        made = await asyncio.to_thread(commands.drafted, actor, channel, file, wish, core, stored=True)
        if query.duplicates is not None:
            chosen = msgspec.structs.replace(made.options, duplicates=query.duplicates)
            made = msgspec.structs.replace(made, options=chosen)
        samples = {} if query.start else commands.samples(made, body)

        async def work(connection: Connection) -> Response:
            await commands.take_in(connection, made, body, again=query.again)
            now = await commands.begin(connection, core, made, ImportState.RUNNING) if query.start else made
            return json_response(201, shown(now, samples))

        return await write(call, work, part=file.digest)


async def _preset(connection: Connection, call: Call[None, UploadQuery]) -> Options | None:
    if call.query.preset is None:
        return None
    return await commands.preset_named(connection, call.actor.company_id, call.query.preset)


async def _received(call: Call[None, UploadQuery], body: IO[bytes]) -> File:
    digest, size = hashlib.sha256(), 0
    async for chunk in call.request.chunks:
        digest.update(chunk)
        size += body.write(chunk)
    return File(call.query.name, digest.digest(), size, body)


async def listed(call: Call[None, Paging]) -> Response:
    limit, before = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        bound = tuple(call.actor.channel_ids)
        rows = await store.listed(connection, call.actor.company_id, bound, before, limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, shown))


async def read(call: Call[None, ReadQuery]) -> Response:
    loop = asyncio.get_running_loop()
    until = loop.time() + call.query.wait
    made = await _mine(call)
    while made.state in UNDER_WAY and loop.time() < until:
        await asyncio.sleep(POLL_S)
        made = await _mine(call)
    return json_response(200, await _with_samples(call, made))


async def _mine(call: Call[Any, Any]) -> Import:
    async with call.core.database.connection() as connection:
        return await commands.mine(connection, call.actor, parse_id(call.request.params["id"]))


async def _with_samples(call: Call[Any, Any], made: Import) -> ShownImport:
    """A draft with what its first cells are."""
    if made.state is not ImportState.DRAFT:
        return shown(made)
    async with call.core.database.connection() as connection:
        start = await store.chunk(connection, made, 0)
    return shown(made, commands.samples(made, io.BytesIO(start or b"")))


async def edit(call: Call[ImportPatch, NoQuery]) -> Response:
    async with call.core.database.transaction() as connection:
        made = await commands.mine(connection, call.actor, parse_id(call.request.params["id"]), locked=True)
        channel = (await call.core.reader.channel(connection, call.actor, made.channel_id)).channel
        made = await commands.choose(connection, made, channel, call.body.over(made.options))
        if call.body.save_as is not None:
            demand_unbound(call.actor, "; presets are the company's")
            company_id = call.actor.company_id
            await commands.keep_preset(connection, call.core, company_id, call.body.save_as, made.options)
    return json_response(200, await _with_samples(call, made))


async def start(call: Call[StartBody, NoQuery]) -> Response:
    state = ImportState.CHECKING if call.body.dry_run else ImportState.RUNNING

    async def work(connection: Connection) -> Response:
        made = await commands.mine(connection, call.actor, parse_id(call.request.params["id"]), locked=True)
        return json_response(202, shown(await commands.begin(connection, call.core, made, state)))

    return await write(call, work)


async def undo(call: Call[None, NoQuery]) -> Response:
    async def work(connection: Connection) -> Response:
        made = await commands.mine(connection, call.actor, parse_id(call.request.params["id"]), locked=True)
        return json_response(202, shown(await commands.begin_undo(connection, call.core, call.actor, made)))

    return await write(call, work)


async def discard(call: Call[None, NoQuery]) -> Response:
    async with call.core.database.transaction() as connection:
        made = await commands.mine(connection, call.actor, parse_id(call.request.params["id"]), locked=True)
        await commands.discard(connection, made)
    return Response(204)


async def refused(call: Call[None, NoQuery]) -> Stream:
    made = await _mine(call)
    name = b'attachment; filename="refused.csv"'
    return Stream(200, refused_csv(call.core, made), b"text/csv; charset=utf-8", ((b"content-disposition", name),))


async def presets(call: Call[None, Paging]) -> Response:
    limit, before = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        rows = await preset_store.listed(connection, call.actor.company_id, before, limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, shown_preset))


async def drop_preset(call: Call[None, NoQuery]) -> Response:
    demand_unbound(call.actor, "; presets are the company's")
    id = parse_id(call.request.params["id"])
    async with call.core.database.transaction() as connection:
        if id is None or not await preset_store.drop(connection, call.actor.company_id, id):
            raise refuse(Code.NOT_FOUND, "Preset not found")
    return Response(204)
