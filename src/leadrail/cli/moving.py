"""`leadrail migrate-from`: a live account of another vendor, read through its API and brought in."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.prompt import Prompt
from rich.table import Table
from rich.text import Text

from leadrail.cli.running import open_core
from leadrail.core.companies import store as companies
from leadrail.core.companies.model import Company
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refused, refuse
from leadrail.moving import bringing
from leadrail.moving.bringing import Bringing, Report
from leadrail.moving.client import RESUME, Client, VendorError
from leadrail.moving.model import Missing, Options
from leadrail.moving.vendors import Source
from leadrail.settings import Settings

INCOMPLETE = 3
"""The exit status of a move in which something could not come, or not as it was."""

MOST_ROWS = 50
FROM_INPUT = "-"
_encoder = msgspec.json.Encoder()


def key_of(text: str) -> str:
    """The key as given; `-` reads it from the terminal, unseen, or from what is piped in."""
    if text != FROM_INPUT:
        return text
    return Prompt.ask("Key", password=True) if sys.stdin.isatty() else sys.stdin.readline().strip()


async def move(
    settings: Settings,
    source: Source,
    company: str,
    options: Options,
    report_file: IO[bytes] | None,
    out: Console,
) -> int:
    """Moves the account and says what came; answers the exit status. Raises VendorError, Refused."""
    async with open_core(settings, join=True) as core, Client(source.base, source.headers) as client:
        owner = await company_named(core, company)
        with _shown(source, out) as show:
            job = Bringing(
                core,
                source.account(owner.id),
                source.vendor.reader(client, options),
                on_progress=show,
                on_missing=_writing(report_file),
            )
            try:
                report = await job.run()
            except asyncio.CancelledError:
                out.print(f"Stopped. {RESUME}.")
                raise
            except Refused as error:
                raise VendorError(f"{error}. {RESUME}.") from None
    _print(report, source, owner, out)
    return 0 if report.is_complete else INCOMPLETE


async def company_named(core: Core, name: str) -> Company:
    """Raises Refused (`not_found`)."""
    async with core.database.connection() as connection:
        company = await companies.company_named(connection, name.strip())
    if company is None:
        hint = f'make it first: leadrail bootstrap --company "{name}" --email you@example.com'
        raise refuse(Code.NOT_FOUND, f'There is no company "{name}"; {hint}')
    return company


def _writing(file: IO[bytes] | None) -> Callable[[Missing], None]:
    """Writes one line of JSON for each thing that could not come, the moment it is known."""

    def write(missing: Missing) -> None:
        if file is not None:
            file.write(_encoder.encode(missing) + b"\n")
            file.flush()

    return write


@contextmanager
def _shown(source: Source, out: Console) -> Iterator[Callable[[bringing.Progress], None]]:
    """A bar on a terminal, else a line from time to time."""
    if not out.is_terminal:
        yield lambda progress: out.print(_line(progress), highlight=False)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task(f"Leads from {source.name}", total=None)
        yield lambda progress: bar.update(task, completed=progress.tally.read, total=progress.total)


def _line(progress: bringing.Progress) -> str:
    of = f" of {progress.total:,}" if progress.total is not None else ""
    tally = progress.tally
    return f"{tally.read:,}{of} leads read, {tally.brought:,} brought in, {tally.known:,} here already"


def _print(report: Report, source: Source, company: Company, out: Console) -> None:
    tally = report.tally
    again = f", {report.resumed_at:,} of them by the run before" if report.resumed_at else ""
    came = (
        ("Channels made", _names(report.made)),
        ("Channels found", _names(report.found)),
        ("Leads read", f"{tally.read:,}{again}"),
        ("Leads brought in", f"{tally.brought:,}"),
        ("Leads here already", f"{tally.known:,}"),
        ("Leads refused", f"{tally.refused:,}"),
        ("Leads with a value kept another way", f"{tally.altered:,}"),
    )
    out.print(_table(f"From {source.name} to {company.name}", (), came))
    if report.missing:
        wrong = [(kind, f"{count:,}", why) for (kind, why), count in report.missing.most_common(MOST_ROWS)]
        out.print(_table("Could not come as it was", ("What", "How many", "Why"), wrong))
    offered = [(one.kind, one.why) for one in report.not_offered]
    out.print(_table("Not offered by the vendor", ("What", "Why"), offered))


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """What a vendor says is text: brackets in it are no markup."""
    table = Table(*columns, title=Text(title), title_justify="left", show_header=bool(columns))
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _names(titles: tuple[str, ...]) -> str:
    return f"{len(titles)}: {', '.join(titles[:5])}{', …' if len(titles) > 5 else ''}" if titles else "0"
