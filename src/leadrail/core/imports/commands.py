"""What can be asked of imports: a file taken in, its reading corrected, tried, begun, taken back."""

from itertools import islice
from typing import IO
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.actor import Actor, Scope
from leadrail.core.channels.commands import NewStatus, add_status
from leadrail.core.channels.model import Category, Channel
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.core.imports import mapping, preset_store, reading, store
from leadrail.core.imports.mapping import TIMES
from leadrail.core.imports.model import (
    KEPT_FOR,
    MATCHABLE,
    NAME_LIMIT,
    Import,
    ImportState,
    Layout,
    Options,
    import_id_of,
)
from leadrail.core.imports.preset_store import Preset
from leadrail.core.imports.values import mark_of, order_of
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id

SAMPLES = 3
CHUNK = 1 << 18
_LOOKED_AT = 200
_MOMENTS = frozenset({*TIMES, "next_follow_up_at"})


class File(msgspec.Struct, frozen=True):
    """A file that was received; `body` is where it can be read, as often as needed."""

    name: str
    digest: bytes
    size: int
    body: IO[bytes]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller knows of the file; None is found out."""

    encoding: str | None = None
    delimiter: str | None = None
    options: Options | None = None


def drafted(actor: Actor, channel: Channel, file: File, wish: Wish, core: Core, *, stored: bool) -> Import:
    """The file as it would be read; nothing is written. Takes time for a large one, so run it in a thread.

    Raises Refused (`invalid`, `unknown_property`).
    """
    if not 0 < len(file.name) <= NAME_LIMIT:
        raise refuse(Code.INVALID, f"The name of a file has 1 to {NAME_LIMIT} characters", "?name")
    layout = reading.layout_of(file.body, wish.encoding, wish.delimiter)
    rows = reading.row_count(file.body, layout)
    options = _options(channel, file.body, layout, wish.options)
    return Import(
        company_id=actor.company_id,
        id=import_id_of(new_id()),
        channel_id=channel.id,
        lead_company_id=channel.company_id,
        name=file.name,
        digest=file.digest,
        size=file.size,
        stored=stored,
        state=ImportState.DRAFT,
        layout=layout,
        options=options,
        rows=rows,
        actor_kind=actor.kind,
        actor_id=actor.id,
        created_at=core.clock(),
    )


def _options(channel: Channel, body: IO[bytes], layout: Layout, given: Options | None) -> Options:
    """Those that were given, for the columns that the file has; what they do not say is found out."""
    options = given or Options()
    told = {column: target for column, target in options.mapping.items() if column in layout.columns}
    taken = {target for target in told.values() if target is not None}
    guess = mapping.guessed([column for column in layout.columns if column not in told], channel)
    whole = {column: None if target in taken else target for column, target in guess.items()} | told
    options = replace(options, mapping=mapping.checked(whole, layout.columns, channel))
    if given is not None:
        return checked_options(options)
    texts = _texts(body, layout, options)
    days = [text for target, found in texts.items() if target in _MOMENTS for text in found]
    return replace(options, date_order=order_of(days), decimal_mark=mark_of(texts.get("value", [])))


def checked_options(options: Options) -> Options:
    """Raises Refused (`invalid`)."""
    if strange := [kind for kind in options.match_by if kind not in MATCHABLE]:
        raise refuse(Code.INVALID, f"Leads are not matched by {strange[0]}, but by {', '.join(MATCHABLE)}", "/match_by")
    return options


def _texts(body: IO[bytes], layout: Layout, options: Options) -> dict[str, list[str]]:
    """The first cells of each column that fills something, by what it fills."""
    found: dict[str, list[str]] = {target: [] for target in options.mapping.values() if target is not None}
    targets = [options.mapping.get(column) for column in layout.columns]
    for _, cells in islice(reading.rows(body, layout), _LOOKED_AT):
        for target, cell in zip(targets, cells, strict=False):
            if target is not None and cell.strip():
                found[target].append(cell)
    return found


async def take_in(connection: Connection, made: Import, body: IO[bytes], *, again: bool) -> None:
    """Keeps the import, and its file where that is stored. Raises Refused (`conflict`) for one that came before."""
    if not again and (before := await store.same_file(connection, made)) is not None:
        raise refuse(Code.CONFLICT, _came_before(before), import_id=str(before.id))
    await store.insert(connection, made)
    if not made.stored:
        return
    body.seek(0)
    place = 0
    while chunk := body.read(CHUNK):
        await store.put_chunk(connection, made, place, chunk)
        place += 1


def _came_before(before: Import) -> str:
    how = "is being imported" if before.state is ImportState.RUNNING else "was imported"
    return f'This file {how} already ("{before.name}", {before.created_at:%Y-%m-%d}); say "again" to repeat it'


async def mine(connection: Connection, actor: Actor, id: UUID | None, *, locked: bool = False) -> Import:
    """The import, if the caller may see it. Raises Refused (`not_found`)."""
    made = await store.read(connection, actor.company_id, id, locked=locked) if id is not None else None
    if made is None or (actor.channel_ids and made.channel_id not in actor.channel_ids):
        raise refuse(Code.NOT_FOUND, "Import not found")
    return made


async def choose(connection: Connection, made: Import, channel: Channel, options: Options) -> Import:
    """Other options for a draft. Raises Refused (`invalid`, `unknown_property`, `conflict` when it has begun)."""
    _demand(made, ImportState.DRAFT)
    whole = mapping.checked(options.mapping, made.layout.columns, channel)
    made = replace(made, options=checked_options(replace(options, mapping=whole)), checked=None)
    await store.update(connection, made, "options", "checked")
    return made


async def begin(connection: Connection, core: Core, made: Import, state: ImportState) -> Import:
    """Has a draft tried, or brought in. Raises Refused (`conflict`, `invalid` when no column fills anything)."""
    _demand(made, ImportState.DRAFT)
    if not any(made.options.mapping.values()):
        raise refuse(Code.INVALID, "No column of the file fills anything; say in the mapping which does", "/mapping")
    made = replace(made, state=state, started_at=core.clock() if state is ImportState.RUNNING else None, error=None)
    if state is ImportState.RUNNING:
        await store.drop_refusals(connection, made)  # those of a dry run
    await store.update(connection, made, "state", "started_at", "error")
    return made


async def begin_undo(connection: Connection, core: Core, actor: Actor, made: Import) -> Import:
    """Has an import taken back. Raises Refused (`conflict`)."""
    if made.state is not ImportState.DONE:
        raise refuse(Code.CONFLICT, f"An import that is {made.state} is not taken back")
    if made.created_at + KEPT_FOR < core.clock():
        raise refuse(Code.CONFLICT, f"After {KEPT_FOR.days} days it is not known any more how the leads were before")
    setup = (await core.setups.uncached(connection, [made.channel_id]))[made.channel_id]
    if made.counts.created and setup.channel.first_of(Category.DELETED) is None:
        await _make_place(connection, core, actor, made)
    made = replace(made, state=ImportState.UNDOING, undo=None, undo_place=None)
    await store.update(connection, made, "state", "undo", "undo_place")
    return made


async def _make_place(connection: Connection, core: Core, actor: Actor, made: Import) -> None:
    """A hidden status for leads that are to go, where the channel has none."""
    message = "The channel has no status of the category deleted, to which the leads could go; its owner may add one"
    if Scope.ADMIN not in actor.scopes or made.lead_company_id != made.company_id:
        raise refuse(Code.CONFLICT, message)
    setup = await core.reader.own_channel(connection, actor, made.channel_id)
    for name in ("Deleted", "Deleted by undo"):
        if name.casefold() not in setup.channel.status_by_name:
            new = NewStatus(name=name, category=Category.DELETED, visible=False)
            await add_status(connection, setup.channel, new)
            return
    raise refuse(Code.CONFLICT, message)


async def discard(connection: Connection, made: Import) -> None:
    """Forgets a draft with its file. Raises Refused (`conflict`)."""
    _demand(made, ImportState.DRAFT, ImportState.FAILED)
    await store.delete(connection, made)


def _demand(made: Import, *states: ImportState) -> None:
    if made.state not in states:
        raise refuse(Code.CONFLICT, f"The import is {made.state}; this takes one that is {' or '.join(states)}")


async def keep_preset(connection: Connection, core: Core, company_id: UUID, name: str, options: Options) -> None:
    """Raises Refused (`invalid`)."""
    if not 0 < len(name.strip()) <= NAME_LIMIT:
        raise refuse(Code.INVALID, f"The name of a preset has 1 to {NAME_LIMIT} characters", "/save_as")
    await preset_store.put(connection, company_id, Preset(new_id(), name.strip(), options, core.clock()))


async def preset_named(connection: Connection, company_id: UUID, name: str) -> Options:
    """Raises Refused (`not_found`)."""
    found = await preset_store.named(connection, company_id, name.strip())
    if found is None:
        raise refuse(Code.NOT_FOUND, f'There is no preset "{name}"', "?preset")
    return found.options


def samples(made: Import, body: IO[bytes]) -> dict[str, list[str]]:
    """The first filled cells of every column, to show what it holds."""
    found: dict[str, list[str]] = {column: [] for column in made.layout.columns}
    for _, cells in islice(reading.rows(body, made.layout), _LOOKED_AT):
        for column, cell in zip(made.layout.columns, cells, strict=False):
            if cell.strip() and len(found[column]) < SAMPLES:
                found[column].append(cell[:100])
    return found
