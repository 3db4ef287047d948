"""`leadrail export`: leads, or their history, written to a file."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

import msgspec
from rich.console import Console

from leadrail.api.leads.exporting import WRITERS
from leadrail.api.leads.reading import channels_of, filter_of
from leadrail.api.leads.shapes import ExportFormat, LeadFilter
from leadrail.cli.importing import channel_called
from leadrail.cli.moving import company_named
from leadrail.cli.running import open_core
from leadrail.core.actor import system
from leadrail.core.exports.rows import table_of
from leadrail.settings import Settings

FACE = "export"
TO_OUTPUT = "-"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written, and how."""

    company: str
    channel: str | None
    filter: LeadFilter
    format: ExportFormat
    history: bool


async def write(settings: Settings, path: str, wanted: Wanted, err: Console) -> None:
    """Writes the file whole, or not at all. Raises Refused."""
    async with open_core(settings, join=True) as core:
        actor = system((await company_named(core, wanted.company)).id, FACE)
        chosen = wanted.filter
        if wanted.channel is not None:
            chosen = msgspec.structs.replace(chosen, channel=(await channel_called(core, actor, wanted.channel)).id)
        async with core.database.connection() as connection:
            setups = await channels_of(core, connection, actor, chosen)
        filter = filter_of(actor, chosen, setups)
        table = table_of(core, actor, [setup.channel for setup in setups], filter, history=wanted.history)
        pieces = WRITERS[wanted.format].written(table)
        size = await (_written(pieces, sys.stdout.buffer) if path == TO_OUTPUT else _kept(pieces, Path(path)))
    err.print(f"{size:,} bytes written to {'the output' if path == TO_OUTPUT else path}", highlight=False)


async def _kept(pieces: AsyncIterator[bytes], path: Path) -> int:
    """Under another name until it is whole, so that nobody takes a part for it."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        size = await _written(pieces, file)
    part.replace(path)
    return size


async def _written(pieces: AsyncIterator[bytes], file: IO[bytes]) -> int:
    size = 0
    async for piece in pieces:
        size += file.write(piece)
    return size
