"""`make bench-import ROWS=…`: an import beside COPY of the rows that it made, in the same run."""

import argparse
import asyncio
import hashlib
import io
import os
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO
from uuid import UUID

import asyncpg

from bench.publishing import publish
from leadrail.core.actor import system
from leadrail.core.channels.commands import NewChannel, create_channel
from leadrail.core.channels.model import Channel
from leadrail.core.companies.commands import bootstrap
from leadrail.core.core import Core
from leadrail.core.imports import commands, jobs
from leadrail.core.imports.commands import File, Wish
from leadrail.core.imports.model import Import, ImportState
from leadrail.db.database import Database
from leadrail.db.embedded import EmbeddedServer
from leadrail.db.migrate import migrate

TABLES = ("leads", "lead_keys", "lead_finds", "lead_values", "lead_words", "events")
WARM_UP = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-import", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    with TemporaryDirectory(dir="/var/tmp", prefix="leadrail-import-") as folder:
        Path(folder).chmod(0o755)
        text = asyncio.run(_measure(Path(folder), options.rows))
    publish(f"import-{options.rows}", f"Import of {options.rows:,} rows", text)


async def _measure(folder: Path, rows: int) -> str:
    server = await EmbeddedServer.start(folder / "data")
    await migrate(server.url)
    core = Core(await Database.open(server.url))
    try:
        source, target = await _company(core, "one"), await _company(core, "two")
        await _bring(core, await _company(core, "warm"), WARM_UP, 0)
        began, cpu = time.perf_counter(), time.process_time()
        made = await _bring(core, source, rows, WARM_UP)
        took, used = time.perf_counter() - began, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{rows:,} rows imported in {took:.0f} s", flush=True)
        copied = [await _copied(server.url, source, target, table) for table in TABLES]
    finally:
        await core.close()
        await server.stop()
    bare, real = sum(one[1] for one in copied), sum(one[2] for one in copied)
    return "\n".join(
        [
            f"{os.cpu_count()} cores shared by PostgreSQL and the importing process, fsync on. Ten columns; each row is"
            " understood, its e-mail address and phone number looked for among the channel's leads, and a lead with"
            f" keys, words and history made of it. Warmed up by {WARM_UP:,} rows. COPY is given the very rows that the"
            " import wrote, ready made; first into tables without indexes and references, then into the real ones.",
            "",
            "| | rows of the file a second | of COPY |",
            "| --- | ---: | ---: |",
            f"| import | {rows / took:,.0f} | {real / took:.2f} |",
            f"| COPY into the same tables | {rows / real:,.0f} | 1 |",
            f"| COPY into bare tables | {rows / bare:,.0f} | {real / bare:.2f} |",
            "",
            f"Made: {made.counts.created:,}. Memory of the importing process at most {peak:.0f} MiB; its own work"
            f" {used / rows * 1e6:.0f} µs a row.",
            "",
            "| COPY of | rows | bare tables | the same tables |",
            "| --- | ---: | ---: | ---: |",
            *(
                f"| {table} | {count:,} | {bare:.1f} s | {real:.1f} s |"
                for table, (count, bare, real) in zip(TABLES, copied, strict=True)
            ),
            "",
        ]
    )


def _write_file(file: IO[bytes], rows: int, start: int) -> bytes:
    """Writes ten columns, as a usual list has them; answers the digest."""
    digest = hashlib.sha256()

    def put(line: str) -> None:
        digest.update(line.encode())
        file.write(line.encode())

    put("First name,Last name,Email,Phone,Company,Job title,Source,Value,Status,Created\n")
    for n in range(start, start + rows):
        put(
            f"First{n},Last{n},lead{n}@example.com,+1415{n % 10**7:07d},Company {n},Captain,fair,{n % 9000}.50,"
            f"{'New' if n % 3 else 'Qualified'},2026-01-{n % 28 + 1:02d} 10:00\n"
        )
    file.seek(0)
    return digest.digest()


async def _company(core: Core, name: str) -> Channel:
    async with core.database.transaction() as connection:
        made = await bootstrap(connection, name, "owner@example.com", core.clock())
        id = await create_channel(connection, UUID(str(made.company_id)), NewChannel(title="Bench", currency="EUR"))
        return (await core.setups.uncached(connection, [id]))[id].channel


async def _bring(core: Core, channel: Channel, rows: int, start: int) -> Import:
    """The import of such a file, once it is done."""
    with TemporaryFile(dir="/var/tmp") as body:
        digest = _write_file(body, rows, start)
        actor = system(channel.company_id, "import")
        file = File("bench.csv", digest, body.seek(0, io.SEEK_END), body)
        made = commands.drafted(actor, channel, file, Wish(), core, stored=False)
        async with core.database.transaction() as connection:
            await commands.take_in(connection, made, file.body, again=False)
            await commands.begin(connection, core, made, ImportState.RUNNING)
        done = await jobs.run(core, made.company_id, made.id, body)
    assert done is not None
    assert done.state is ImportState.DONE, done
    return done


async def _copied(url: str, source: Channel, target: Channel, table: str) -> tuple[int, float, float]:
    """The rows of one company as those of another: how many, and how long COPY takes for them, bare and real."""
    connection = await asyncpg.connect(url)
    statuses = {status.id: target.status_by_name[status.name.casefold()].id for status in source.statuses}
    pairs = [(source.company_id, target.company_id), (source.id, target.id), *statuses.items()]
    with TemporaryFile(dir="/var/tmp") as written:
        await connection.copy_from_query(
            f"SELECT * FROM {table} WHERE company_id = $1", source.company_id, output=written
        )
        with TemporaryFile(dir="/var/tmp") as body:
            written.seek(0)
            for line in written:
                changed = line
                for before, after in pairs:
                    changed = changed.replace(str(before).encode(), str(after).encode())
                body.write(changed)
            await connection.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING GENERATED)")
            seconds = []
            for into in (f"bare_{table}", table):
                body.seek(0)
                began = time.perf_counter()
                told = await connection.copy_to_table(into, source=body)
                seconds.append(time.perf_counter() - began)
            await connection.execute(f"DROP TABLE bare_{table}")
    await connection.close()
    return int(told.split()[-1]), seconds[0], seconds[1]


if __name__ == "__main__":
    main()
