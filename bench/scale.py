"""`make bench-scale LEADS=…`: how the product does with many leads, beside a small set in the same run."""

import argparse
import asyncio
import http.client
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bench import load, plans
from bench.dataset import api_key, checkpoint
from bench.publishing import publish
from bench.running import PORT, running
from bench.scale_calls import CALLS, READS, SEARCHES
from bench.scale_data import CHANNELS, COMPANIES, STATUSES, fill
from leadrail.core.counts import folding
from leadrail.db.database import Database
from leadrail.db.embedded import EmbeddedServer
from leadrail.db.migrate import migrate

BASE = f"http://127.0.0.1:{PORT}"
SMALL = 10_000
CALLS_EACH = 200
WARM_S = 40
CONNECTIONS = 64
COUNT_STEP = 60_000
"""Events at a time when the history is counted: with 500,000 the database took a plan that did not end."""


@dataclass
class Measured:
    """What one set came to. Reads: p50 and p99 in milliseconds. Writes: a second."""

    leads: int
    fill_s: float
    counted_s: float
    bytes_per_lead: float
    reads: dict[str, tuple[float, float]] = field(default_factory=dict)
    writes: dict[str, float] = field(default_factory=dict)
    memory_mib: float = 0.0
    findings: list[plans.Finding] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--leads", type=int, default=200_000, help="of the largest set")
    parser.add_argument("--seconds", type=int, default=20, help="of each run of writes")
    options = parser.parse_args()
    load.check()
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="leadrail-scale-") as folder:
        Path(folder).chmod(0o755)
        text = asyncio.run(_measure(Path(folder), options.leads, options.seconds))
    publish(f"scale-{options.leads}", f"{options.leads:,} leads", text)


async def _measure(folder: Path, leads: int, seconds: int) -> str:
    sizes = sorted({min(SMALL, leads), leads} | ({leads // 10} if leads >= 100 * SMALL else set()))
    server = await EmbeddedServer.start(folder / "data", settings={"max_connections": "100"})
    try:
        # All are there before any is measured, so that minutes lie between their figures and not an hour.
        sets = {size: await _filled(server.url, size) for size in sizes}
        measured = [await _one(url, found, folder, seconds) for url, found in sets.values()]
    finally:
        await server.stop()
    return _report(measured, seconds)


async def _filled(admin: str, leads: int) -> tuple[str, Measured]:
    url = await _database(admin, f"scale_{leads}")
    began = time.monotonic()
    await migrate(url)
    await fill(url, leads)
    filled_s = time.monotonic() - began
    print(f"{leads:,} leads filled in {filled_s:.0f} s", flush=True)
    counted_s = await _counted(url)
    print(f"  their history counted in {counted_s:.0f} s", flush=True)
    await checkpoint(url)
    return url, Measured(leads, filled_s, counted_s, await _size(url) / leads)


async def _one(url: str, found: Measured, folder: Path, seconds: int) -> Measured:
    print(f"{found.leads:,} leads", flush=True)
    settings = {"DATABASE_URL": url, "PORT": str(PORT), "LOG_LEVEL": "error"}
    os.environ.update({f"LEADRAIL_{name}": value for name, value in settings.items()})
    with running(["-m", "leadrail", "serve", "--no-worker"]):
        asked: list[tuple[str, str, Any]] = [(name, path, None) for name, path in READS.items()]
        asked += [(name, "/v1/leads/search", body) for name, body in SEARCHES.items()]
        for name, path, body in asked:
            found.reads[name] = await asyncio.to_thread(_latencies, path, body)
            print(f"  {name}: p50 {found.reads[name][0]:.1f} ms, p99 {found.reads[name][1]:.1f} ms", flush=True)
        await _write(found, folder, seconds)
        await asyncio.to_thread(_read_all, await _files(url, folder))
        changes = "status changes, their pages in memory"
        found.writes[changes] = await _rate(folder, changes, _status_change(found.leads), seconds)
        found.memory_mib = _memory()
    found.findings = await plans.examine(url, api_key(0), CALLS)
    return found


async def _write(found: Measured, folder: Path, seconds: int) -> None:
    """The rates of a server that has just been started, and of one that has run for a while."""
    for operation, script in (("status changes", _status_change(found.leads)), ("creates", _CREATE)):
        for when, length in ((f"the first {WARM_S} s", WARM_S), ("then", seconds)):
            name = f"{operation}, {when}"
            found.writes[name] = await _rate(folder, name, script, length)


async def _rate(folder: Path, name: str, script: str, seconds: int) -> float:
    row = await asyncio.to_thread(
        load.run, BASE, folder, name, "Leadrail", CONNECTIONS, seconds, script=_COMMON + script
    )
    if row.errors:
        raise RuntimeError(f"{row.errors} answers of {name} were no success")
    print(f"  {name}: {row.per_second:,.0f}/s", flush=True)
    return row.per_second


_TOUCHED = """
SELECT pg_relation_filepath('leads')
UNION ALL SELECT pg_relation_filepath(indexrelid) FROM pg_index
WHERE indrelid = 'leads'::regclass OR indexrelid = 'events_lead'::regclass
"""


async def _files(url: str, folder: Path) -> list[Path]:
    """What a change of status reads and writes anywhere, not at the end."""
    connection = await asyncpg.connect(url)
    try:
        paths = [row[0] for row in await connection.fetch(_TOUCHED)]
    finally:
        await connection.close()
    return [file for path in paths for file in sorted((folder / "data/postgres").glob(f"{path}*"))]


def _read_all(files: list[Path]) -> None:
    """So that the system has them in memory, as after an hour of changes, if there is room for them."""
    for path in files:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


async def _counted(url: str) -> float:
    """The seconds that it took to count the whole history for the analytics: in long steps, since nobody waits."""
    began = time.monotonic()
    database = await Database.open(url)
    async with database.connection() as connection:
        behind = await folding.behind(connection)
        await folding.begin(connection, behind)
    waiting = iter(sorted(behind))  # the first has half of it

    async def count_some() -> None:
        for company_id in waiting:
            has_more = True
            while has_more:
                async with database.transaction() as connection:
                    has_more = await folding.fold(connection, company_id, COUNT_STEP)

    await asyncio.gather(count_some(), count_some())
    await database.close()
    return time.monotonic() - began


async def _database(admin: str, name: str) -> str:
    """A new database of this name beside the server's own; its URL."""
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return admin.replace("/leadrail?", f"/{name}?")


async def _size(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT pg_database_size(current_database())"))
    finally:
        await connection.close()


def _latencies(path: str, body: Any) -> tuple[float, float]:
    """p50 and p99 of calls one after another on one connection, in milliseconds."""
    method, sent = ("GET", None) if body is None else ("POST", json.dumps(body))
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    spent = []
    for _ in range(CALLS_EACH):
        began = time.perf_counter()
        connection.request(method, path, sent, {"X-API-Key": api_key(0)})
        answer = connection.getresponse()
        told = answer.read()
        spent.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {told[:300]!r}")
    connection.close()
    spent.sort()
    return spent[len(spent) // 2], spent[len(spent) * 99 // 100]


def _memory() -> float:
    """What the server's process holds, in MiB."""
    pids = subprocess.run(["pgrep", "-f", "leadrail serve"], capture_output=True, text=True, check=True).stdout.split()
    held = [re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in pids]
    return max(int(one[1]) for one in held if one) / 1024


_NAMES = ", ".join(f'"{name}"' for name, _ in STATUSES)
_COMMON = f"""
local companies, channels = {COMPANIES}, {CHANNELS}
local function id(prefix, n) return string.format("000000" .. prefix .. "-0000-7000-8000-%012x", n) end
local cached = {{}}
for company = 0, companies - 1 do
  cached[company] = {{ ["X-API-Key"] = "lr_bench_" .. company, ["Content-Type"] = "application/json" }}
end
math.randomseed(os.time())
"""


def _status_change(leads: int) -> str:
    return f"""
local names, at = {{ {_NAMES} }}, {{}}
request = function()
  local n = math.random(0, {leads} - 1)
  local company = n % 2 == 0 and 0 or math.floor(n / 2) % companies
  local now = ((at[n] or 0) + 1) % {len(STATUSES)}
  at[n] = now
  return wrk.format("PUT", "/v1/leads/" .. id("1e", n) .. "/status", cached[company],
    '{{"status":"' .. names[now + 1] .. '"}}')
end
"""


_CREATE = """
request = function()
  local company, r = math.random(0, companies - 1), math.random(1, 2000000000)
  return wrk.format("POST", "/v1/leads", cached[company],
    '{"channel_id":"' .. id("ca", company * channels + r % channels) .. '","email":"new' .. r ..
    '@example.com","phone":"+1415' .. string.format("%07d", r % 10000000) ..
    '","first_name":"First","last_name":"Last","company_name":"Company","source":"website"}')
end
"""


def _report(measured: list[Measured], seconds: int) -> str:
    sets = [f"{one.leads:,} leads" for one in measured]
    largest = measured[-1]
    return "\n".join(
        [
            f"{os.cpu_count()} cores shared by PostgreSQL, the server and the load; half of all leads are one "
            f"company's, which is asked. Reads: {CALLS_EACH} calls one after another, p50 / p99. Writes: "
            f"{CONNECTIONS} connections, {WARM_S} s and then {seconds} s, leads drawn from all, fsync on, no worker.",
            "",
            f"| | {' | '.join(sets)} |",
            f"| --- |{' --- |' * len(sets)}",
            *_lines("filled in", [f"{one.fill_s:.0f} s" for one in measured]),
            *_lines("history counted for analytics in", [f"{one.counted_s:.0f} s" for one in measured]),
            *_lines("size of the database per lead", [f"{one.bytes_per_lead:,.0f} bytes" for one in measured]),
            *_lines("memory of the server", [f"{one.memory_mib:.0f} MiB" for one in measured]),
            *(
                line
                for name in largest.reads
                for line in _lines(
                    name, [f"{one.reads[name][0]:.1f} / {one.reads[name][1]:.1f} ms" for one in measured]
                )
            ),
            *(
                line
                for name in largest.writes
                for line in _lines(name, [f"{one.writes[name]:,.0f}/s" for one in measured])
            ),
            "",
            f"## Plans at {largest.leads:,} leads",
            "",
            plans.table(largest.findings),
        ]
    )


def _lines(name: str, cells: list[str]) -> Iterator[str]:
    yield f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
