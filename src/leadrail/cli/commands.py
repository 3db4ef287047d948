"""`leadrail …`: every command, and errors as one line that says what to do."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from leadrail import settings as settings_module
from leadrail.api.leads.shapes import ExportFormat, LeadFilter
from leadrail.cli import demo as demo_module
from leadrail.cli import exporting, importing, moving, running, serving
from leadrail.core.companies.commands import bootstrap as bootstrap_company
from leadrail.core.core import Core
from leadrail.core.errors import Refused
from leadrail.core.imports.model import DateOrder, DecimalMark, OnDuplicate
from leadrail.db.database import UNREACHABLE
from leadrail.db.embedded import EmbeddedError
from leadrail.db.migrate import MigrationError
from leadrail.db.migrate import migrate as migrate_database
from leadrail.moving.client import VendorError
from leadrail.moving.model import Options
from leadrail.moving.vendors import VENDORS, source_of
from leadrail.settings import Settings, SettingsError

app = typer.Typer(help="Leadrail: a self-hosted lead lifecycle server.", no_args_is_help=True, add_completion=True)
out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

KNOWN: tuple[type[BaseException], ...] = (
    EmbeddedError,
    MigrationError,
    SettingsError,
    serving.PortTaken,
    Refused,
    VendorError,
    *UNREACHABLE,
)


def main() -> None:
    """Runs the command line; what went wrong for a known reason is one line and exit status 1."""
    try:
        app()
    except KNOWN as error:
        err.print(f"[bold red]leadrail:[/] {escape(str(error) or repr(error))}", highlight=False)
        sys.exit(1)


def _run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(work)


def _loop_factory() -> Any:
    try:
        import uvloop  # not to be had on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


def _read_settings() -> Settings:
    settings = settings_module.read()
    logging.basicConfig(
        level=settings.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # A database that is away is said once by whoever needs it, not by the pool with a traceback each time.
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)
    return settings


@app.command()
def serve(
    worker: Annotated[bool, typer.Option(help="Deliver webhooks in this process too.")] = True,
) -> None:
    """Start the server, with its embedded database unless LEADRAIL_DATABASE_URL names another."""

    async def announce(_core: Core, url: str) -> None:
        out.print(f"Leadrail serves at [bold]{url}[/], its API is described at {url}/docs. Ctrl-C stops it.")

    _run(serving.serve(_read_settings(), with_worker=worker, announce=announce))


@app.command()
def worker() -> None:
    """Deliver webhooks only, beside servers that run with --no-worker or elsewhere."""
    _run(serving.work(_read_settings()))


@app.command()
def migrate() -> None:
    """Bring the database to this release's schema. `serve` does it too."""

    async def work() -> None:
        async with running.database_url(_read_settings(), join=True) as url:
            names = await migrate_database(url)
            out.print("\n".join(f"applied {name}" for name in names) or "The schema is up to date.")

    _run(work())


@app.command()
def bootstrap(
    company: Annotated[str, typer.Option(help="The company's name.")],
    email: Annotated[str, typer.Option(help="The owner's e-mail address.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Create or find a company and its owner, and make an API key with every scope."""

    async def work() -> None:
        opened = running.open_core(_read_settings(), join=True)
        async with opened as core, core.database.transaction() as connection:
            made = await bootstrap_company(connection, company, email, core.clock())
        if as_json:
            print(msgspec.json.encode(made).decode())  # noqa: T201 - for a program to read, never wrapped or coloured
            return
        for name, value in msgspec.structs.asdict(made).items():
            out.print(f"{name:12} {value}", highlight=False)

    _run(work())


@app.command()
def demo() -> None:
    """Start the server with demo data in a folder of its own, and print what to try."""
    _run(serving.serve(demo_module.settings_for_demo(_read_settings()), announce=demo_module.announce))


VendorName = StrEnum("VendorName", {name: name for name in VENDORS})  # type: ignore[misc]  # named in one place


@app.command("migrate-from")
def migrate_from(
    vendor: Annotated[VendorName, typer.Argument(help="Whose account it is.")],
    url: Annotated[str, typer.Option(help="The address of the vendor's API.")],
    key: Annotated[str, typer.Option(help="The account's API key; capillary: till:password. - reads it unseen.")],
    company: Annotated[str, typer.Option(help="The name of the company here that gets the leads.")],
    channel_title: Annotated[
        str | None, typer.Option(help="The channel to make (octanist and capillary, which have none).")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="The currency of its values (octanist and capillary, which name none).")
    ] = None,
    report: Annotated[
        typer.FileBinaryWrite | None,
        typer.Option(help="A file to add what could not come to, as lines of JSON.", mode="ab", lazy=False),
    ] = None,
) -> None:
    """Bring the account of another vendor in, through its API. Run it again to go on, or to bring what is new."""
    source = source_of(vendor.value, url, moving.key_of(key))
    _run_for_status(moving.move(_read_settings(), source, company, Options(channel_title, currency), report, out))


_Company = Annotated[str, typer.Option(help="The name of the company here.")]


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="The file, of values separated in any usual way.", exists=True, dir_okay=False)
    ],
    company: _Company,
    channel: Annotated[str, typer.Option(help="The title or id of the channel that gets the leads.")],
    column: Annotated[
        list[str] | None, typer.Option(help="What a column fills, as COLUMN=FIELD; nothing after = leaves it out.")
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option(help="What a status of the file is called here, as WORD=STATUS.")
    ] = None,
    duplicates: Annotated[
        OnDuplicate | None, typer.Option(help="What becomes of a row whose lead is here already (else: skip).")
    ] = None,
    date_order: Annotated[DateOrder | None, typer.Option(help="How 03/04/2026 is read.")] = None,
    decimal_mark: Annotated[DecimalMark | None, typer.Option(help="How 1.234 is read.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Where it is not found out.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Where it is not found out.")] = None,
    preset: Annotated[str | None, typer.Option(help="Read it as was kept under this name.")] = None,
    save_as: Annotated[str | None, typer.Option(help="Keep how it is read under this name.")] = None,
    tell: Annotated[
        bool, typer.Option("--tell", help="Webhooks, rewards and notices, as for leads made one by one.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also when this file was imported before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")] = False,
    refused: Annotated[
        Path | None, typer.Option(help="Where to write the refused rows, to mend and import again.")
    ] = None,
) -> None:
    """Bring leads in from a file. Run it again after a break, and it goes on where it was."""
    choice = importing.Choice(
        company=company,
        channel=channel,
        preset=preset,
        save_as=save_as,
        columns=column or (),
        statuses=status or (),
        duplicates=duplicates,
        date_order=date_order,
        decimal_mark=decimal_mark,
        encoding=encoding,
        delimiter=delimiter,
        tell=tell,
        again=again,
        dry_run=dry_run,
    )
    _run_for_status(importing.bring(_read_settings(), file, choice, refused, out))


@app.command("undo-import")
def undo_import(
    id: Annotated[str, typer.Argument(help="The id that the import has.")],
    company: _Company,
) -> None:
    """Take an import back: what it made goes, what it changed is as it was, what was touched since stays."""
    _run_for_status(importing.take_back(_read_settings(), company, id, out))


@app.command("export")
def export_file(
    file: Annotated[str, typer.Argument(help="The file to write; - is the output.")],
    company: _Company,
    channel: Annotated[str | None, typer.Option(help="The title or id of the channel; else all of them.")] = None,
    status: Annotated[str | None, typer.Option(help="Leads in a status of this name.")] = None,
    source: Annotated[str | None, typer.Option(help="Leads that came from here.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Leads that this person looks after.")] = None,
    format: Annotated[ExportFormat, typer.Option(help="How it is written.")] = ExportFormat.CSV,
    history: Annotated[
        bool, typer.Option("--history", help="The events of these leads in place of the leads.")
    ] = False,
) -> None:
    """Write leads to a file, or their history."""
    chosen = LeadFilter(status=status, source=source, assignee=assignee)
    wanted = exporting.Wanted(company=company, channel=channel, filter=chosen, format=format, history=history)
    _run(exporting.write(_read_settings(), file, wanted, err))


def _run_for_status(work: Coroutine[Any, Any, int]) -> None:
    """Runs a command that ends with an exit status of its own."""
    status = 0

    async def run() -> None:
        nonlocal status
        status = await work

    _run(run())
    if status:
        raise typer.Exit(status)
