"""Runs every contender in turn on one fresh database, prints the table and writes it to bench/results/."""

import argparse
import asyncio
import os
import platform
import tempfile
from pathlib import Path

from bench import delivery, load, pgbench
from bench.dataset import COMPANIES, LEADS, checkpoint, clear, fill, settle
from bench.publishing import publish
from bench.running import PORT, running
from bench.table import Row, best, render
from leadrail.db.embedded import EmbeddedServer
from leadrail.db.migrate import migrate

OPERATIONS = ("status change", "create")
MANNERS = ("separate statements", "one CTE")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=6, help="of each run")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--only", choices=("write-path", "delivery"), help="one of the two parts")
    options = parser.parse_args()
    load.check()
    # Not in /tmp, which may be memory: what is measured waits for a disk.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="leadrail-bench-") as folder:
        Path(folder).chmod(0o755)
        asyncio.run(_measure(Path(folder), options))


async def _measure(folder: Path, options: argparse.Namespace) -> None:
    # A hundred clients of pgbench want a hundred connections.
    server = await EmbeddedServer.start(folder / "data", settings={"max_connections": "150"})
    try:
        await migrate(server.url)
        _say(f"loading {LEADS:,} leads in {COMPANIES} companies")
        await fill(server.url)
        _let_in(server.url)
        if options.only != "delivery":
            rows = await _contend(server.url, folder, options.connections, options.seconds)
            text = render(rows) + "\n" + _verdict(rows)
            publish("write-path", "Write path", _heading(options.seconds) + text)
            await clear(server.url)
        if options.only != "write-path":
            found = await delivery.measure(server.url, folder, options.seconds)
            publish("delivery", "Delivery", _heading(options.seconds) + found)
    finally:
        await server.stop()


async def _contend(url: str, folder: Path, connections: list[int], seconds: int) -> list[Row]:
    """Side by side: at each number of connections every contender has its turn before the next number."""
    rows: list[Row] = []
    for operation in OPERATIONS:
        for count in connections:
            for manner in MANNERS:
                await _rest(url)
                rows.append(await asyncio.to_thread(pgbench.run, url, folder, operation, manner, count, seconds))
                _say_row(rows[-1])
            for contender, command in _servers().items():
                await _rest(url)
                rows.append(await asyncio.to_thread(_over_http, folder, contender, command, operation, count, seconds))
                _say_row(rows[-1])
        await settle(url)
    return rows


async def _rest(url: str) -> None:
    await checkpoint(url)


def _let_in(url: str) -> None:
    """What every program that is measured finds in its environment."""
    settings = {"DATABASE_URL": url, "PORT": str(PORT), "LOG_LEVEL": "error", "WEBHOOK_ALLOW": "127.0.0.0/8"}
    os.environ.update({f"LEADRAIL_{name}": value for name, value in settings.items()} | {"BENCH_URL": url})


def _servers() -> dict[str, list[str]]:
    baseline = ["-m", "uvicorn", "bench.baseline:app", "--port", str(PORT), "--log-level", "warning", "--no-access-log"]
    return {
        "Leadrail": ["-m", "leadrail", "serve", "--no-worker"],
        "FastAPI + SQLAlchemy": baseline,
        "FastAPI + SQLAlchemy, 2 workers": [*baseline, "--workers", "2"],
    }


def _over_http(folder: Path, contender: str, command: list[str], operation: str, connections: int, seconds: int) -> Row:
    with running(command):
        load.run(f"http://127.0.0.1:{PORT}", folder, operation, contender, connections, 1)
        return load.run(f"http://127.0.0.1:{PORT}", folder, operation, contender, connections, seconds)


def _heading(seconds: int) -> str:
    return (
        f"{os.cpu_count()} cores shared by PostgreSQL, the server and the load; Python {platform.python_version()}; "
        f"{LEADS:,} leads in {COMPANIES} companies, one endpoint in each, every change with its event and its due "
        f"delivery committed durably (fsync on); {seconds} s a run, all in one go.\n\n"
    )


def _verdict(rows: list[Row]) -> str:
    lines = []
    for operation in OPERATIONS:
        ours = [row for row in rows if (row.operation, row.contender) == (operation, "Leadrail")]
        widest = max(ours, key=lambda row: row.connections)
        yardstick = best(rows, operation, "pgbench, separate statements").per_second
        plain = max(
            row.per_second for row in rows if row.operation == operation and row.contender.startswith("FastAPI")
        )
        lines.append(
            f"- {operation} at {widest.connections} connections: {widest.per_second:,.0f} a second,"
            f" {widest.per_second / yardstick:.2f} of pgbench's best with separate statements,"
            f" {widest.per_second / plain:.1f} times the baseline's best, p99 {widest.p99_ms:.1f} ms."
        )
    return "\n".join(lines) + "\n"


def _say(text: str) -> None:
    print(text, flush=True)


def _say_row(row: Row) -> None:
    rate = f"{row.per_second:>9,.0f}/s  p50 {row.p50_ms:7.2f} ms  p99 {row.p99_ms:7.2f} ms"
    _say(f"{row.operation:14} {row.contender:32} {row.connections:3} connections {rate}  {row.errors} errors")


main()
