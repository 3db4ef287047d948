"""`leadrail import`: a file of leads, brought in by this process; run again after a break, it goes on."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import SEEK_END, BufferedReader
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from leadrail.cli.moving import INCOMPLETE, company_named
from leadrail.cli.running import open_core
from leadrail.core.actor import Actor, system
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.core.imports import commands, jobs, mapping, store
from leadrail.core.imports.commands import File, Wish
from leadrail.core.imports.model import FACE, DateOrder, DecimalMark, Import, ImportState, OnDuplicate, Options
from leadrail.core.imports.refused import refused_csv
from leadrail.kit.ids import parse_id
from leadrail.settings import Settings


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a file; None is found out, or comes from the preset."""

    company: str
    channel: str
    preset: str | None = None
    save_as: str | None = None
    columns: Sequence[str] = ()
    statuses: Sequence[str] = ()
    duplicates: OnDuplicate | None = None
    date_order: DateOrder | None = None
    decimal_mark: DecimalMark | None = None
    encoding: str | None = None
    delimiter: str | None = None
    tell: bool = False
    again: bool = False
    dry_run: bool = False


async def bring(settings: Settings, path: Path, choice: Choice, refused_to: Path | None, out: Console) -> int:
    """Brings the file in, or says what that would do; answers the exit status. Raises Refused."""
    async with open_core(settings, join=True) as core:
        actor = system((await company_named(core, choice.company)).id, FACE)
        channel = await channel_called(core, actor, choice.channel)
        with path.open("rb") as body:
            made = await _drafted(core, actor, channel, path, body, choice)
            if not choice.dry_run and not choice.again and (before := await _before(core, made)) is not None:
                if before.state is ImportState.DONE:
                    out.print(
                        f"This file was imported on {before.created_at:%Y-%m-%d} as {before.id}; nothing was done."
                    )
                    out.print("Say --again to import it once more.", highlight=False)
                    return 0
                out.print(f"Going on behind row {before.place:,}.", highlight=False)
                made = before
            else:
                _print_mapping(made, commands.samples(made, body), out)
                await _begin(core, made, choice)
            done = await _carry_out(core, made, body, out)
        if refused_to is not None:
            await _write_refused(core, done, refused_to)
        if choice.dry_run:
            async with core.database.transaction() as connection:
                await store.delete(connection, done)
    return _print_report(done, choice, refused_to, out)


async def take_back(settings: Settings, company: str, import_id: str, out: Console) -> int:
    """Takes an import back; answers the exit status. Raises Refused."""
    async with open_core(settings, join=True) as core:
        actor = system((await company_named(core, company)).id, FACE)
        async with core.database.transaction() as connection:
            made = await commands.mine(connection, actor, parse_id(import_id), locked=True)
            if made.state is not ImportState.UNDOING:
                made = await commands.begin_undo(connection, core, actor, made)
        done = await jobs.run(core, made.company_id, made.id)
    undo = done.undo if done is not None else None
    if undo is None:
        raise refuse(Code.CONFLICT, "Another process is taking it back")
    rows = (("Leads taken away", undo.removed), ("Leads put back", undo.restored), ("Kept: touched since", undo.kept))
    out.print(_table("Taken back", rows))
    return INCOMPLETE if undo.kept else 0


async def channel_called(core: Core, actor: Actor, word: str) -> Channel:
    """The channel with this title or id. Raises Refused (`channel_not_found`)."""
    async with core.database.connection() as connection:
        channels = [setup.channel for setup in await core.reader.channels(connection, actor)]
    found = [one for one in channels if word.strip().casefold() in (one.title.casefold(), str(one.id))]
    if len(found) != 1:
        names = ", ".join(f"{one.title} ({one.id})" for one in (found or channels)) or "none"
        what = "several channels of this title" if found else f'no channel "{word}"'
        raise refuse(Code.CHANNEL_NOT_FOUND, f"The company has {what}; it has: {names}")
    return found[0]


async def _drafted(
    core: Core, actor: Actor, channel: Channel, path: Path, body: BufferedReader, choice: Choice
) -> Import:
    digest = hashlib.file_digest(body, "sha256").digest()
    options = None
    if choice.preset is not None:
        async with core.database.connection() as connection:
            options = await commands.preset_named(connection, actor.company_id, choice.preset)
    wish = Wish(encoding=choice.encoding, delimiter=choice.delimiter, options=options)
    file = File(path.name[-200:], digest, body.seek(0, SEEK_END), body)
    made = commands.drafted(actor, channel, file, wish, core, stored=False)
    options = _chosen(made.options, choice)
    whole = mapping.checked(options.mapping, made.layout.columns, channel)
    return msgspec.structs.replace(made, options=msgspec.structs.replace(options, mapping=whole))


def _chosen(options: Options, choice: Choice) -> Options:
    named = ("duplicates", "date_order", "decimal_mark")
    given = {name: value for name in named if (value := getattr(choice, name)) is not None}
    columns = {column: target or None for column, target in map(_pair, choice.columns)}
    left = {column: None if target in columns.values() else target for column, target in options.mapping.items()}
    return msgspec.structs.replace(
        options,
        mapping=left | columns,
        statuses=options.statuses | dict(map(_pair, choice.statuses)),
        tell=options.tell or choice.tell,
        **given,
    )


def _pair(text: str) -> tuple[str, str]:
    """`Column=field`; the field is what stands behind the last sign of equality."""
    name, sign, value = text.rpartition("=")
    if not sign:
        raise refuse(Code.INVALID, f'"{text}" is not of the form NAME=VALUE')
    return name, value


async def _before(core: Core, made: Import) -> Import | None:
    """The import that the same file had, if it is done, or broke in the hands of a process like this one."""
    async with core.database.connection() as connection:
        before = await store.same_file(connection, made)
    if before is not None and before.state is ImportState.RUNNING and before.stored:
        raise refuse(Code.CONFLICT, f"The server is importing this file already, as {before.id}")
    return before


async def _begin(core: Core, made: Import, choice: Choice) -> None:
    async with core.database.transaction() as connection:
        await store.insert(connection, made)
        await commands.begin(connection, core, made, ImportState.CHECKING if choice.dry_run else ImportState.RUNNING)
        if choice.save_as is not None:
            await commands.keep_preset(connection, core, made.company_id, choice.save_as, made.options)


async def _carry_out(core: Core, made: Import, body: BufferedReader, out: Console) -> Import:
    with _shown(made, out) as show:
        done = await jobs.run(core, made.company_id, made.id, body, show)
    if done is None:
        raise refuse(Code.CONFLICT, "Another process is importing this file")
    if done.state is ImportState.FAILED:
        raise refuse(Code.CONFLICT, f"The import ended: {done.error}")
    return done


@contextmanager
def _shown(made: Import, out: Console) -> Iterator[Callable[[Import], None]]:
    """A bar on a terminal, else a line from time to time."""
    if not out.is_terminal:
        yield lambda now: out.print(f"{now.counts.rows:,} of {now.rows:,} rows", highlight=False)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=out, transient=True) as bar:
        task = bar.add_task(made.name, total=made.rows, completed=made.counts.rows)
        yield lambda now: bar.update(task, completed=now.counts.rows)


def _print_mapping(made: Import, samples: dict[str, list[str]], out: Console) -> None:
    table = Table("Column", "Fills", "For example", title=Text(made.name), title_justify="left")
    for column in made.layout.columns:
        table.add_row(Text(column), Text(made.options.mapping[column] or "-"), Text(", ".join(samples[column])))
    out.print(table)


async def _write_refused(core: Core, done: Import, path: Path) -> None:
    with path.open("wb") as file:
        async for chunk in refused_csv(core, done):
            file.write(chunk)


def _print_report(done: Import, choice: Choice, refused_to: Path | None, out: Console) -> int:
    counts = (done.checked if choice.dry_run else done.counts) or done.counts
    rows = [(name.capitalize(), count) for name, count in msgspec.structs.asdict(counts).items()]
    out.print(_table("Would become of the rows" if choice.dry_run else "What became of the rows", rows))
    if not choice.dry_run:
        out.print(f"Import {done.id}", highlight=False)
    if counts.refused and refused_to is None:
        out.print("Say --refused FILE to get the refused rows with the reasons.", highlight=False)
    return INCOMPLETE if counts.refused else 0


def _table(title: str, rows: Sequence[tuple[str, int]]) -> Table:
    table = Table(title=Text(title), title_justify="left", show_header=False)
    for name, count in rows:
        table.add_row(name, f"{count:,}")
    return table
