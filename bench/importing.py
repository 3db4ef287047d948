"""An import beside COPY of the same rows into the same tables in the same run: `python -m bench.importing [ROWS]`."""

import asyncio
import hashlib
import io
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg

from leadrail.core.actor import system
from leadrail.core.channels.commands import NewChannel, create_channel
from leadrail.core.channels.model import Channel
from leadrail.core.companies.commands import bootstrap
from leadrail.core.core import Core
from leadrail.core.imports import commands, jobs
from leadrail.core.imports.commands import File, Wish
from leadrail.core.imports.model import Import, State
from leadrail.db.database import Database
from leadrail.db.embedded import EmbeddedServer
from leadrail.db.migrate import migrate

ROWS = 200_000
TABLES = ("leads", "lead_keys", "events")


def file_of(rows: int, start: int) -> bytes:
    """Ten columns, as a usual list has them."""
    text = io.StringIO()
    text.write("First name,Last name,Email,Phone,Company,Job title,Source,Value,Status,Created\n")
    for n in range(start, start + rows):
        text.write(
            f"First{n},Last{n},lead{n}@example.com,+1415{n % 10**7:07d},Company {n},Captain,fair,{n % 9000}.50,"
            f"{'New' if n % 3 else 'Qualified'},2026-01-{n % 28 + 1:02d} 10:00\n"
        )
    return text.getvalue().encode()


async def company(core: Core, name: str) -> Channel:
    async with core.database.transaction() as connection:
        made = await bootstrap(connection, name, "owner@example.com", core.clock())
        id = await create_channel(connection, UUID(str(made.company_id)), NewChannel(title="Bench", currency="EUR"))
        return (await core.setups.uncached(connection, [id]))[id].channel


async def bring(core: Core, channel: Channel, body: bytes) -> Import:
    """The import of the file; the time is that of all of it, from the bytes on."""
    actor = system(channel.company_id, "import")
    file = File("bench.csv", hashlib.sha256(body).digest(), len(body), io.BytesIO(body))
    made = commands.drafted(actor, channel, file, Wish(), core, stored=True)
    async with core.database.transaction() as connection:
        await commands.take_in(connection, made, file.body, again=False)
        await commands.begin(connection, core, made, State.RUNNING)
    done = await jobs.run(core, made.company_id, made.id)
    assert done is not None
    assert done.state is State.DONE, done
    return done


async def copied(url: str, source: Channel, target: Channel) -> float:
    """How long COPY takes for the rows of one company as those of another."""
    connection = await asyncpg.connect(url)
    statuses = {status.id: target.status_by_name[status.name.casefold()].id for status in source.statuses}
    pairs = [(source.company_id, target.company_id), (source.id, target.id), *statuses.items()]
    seconds = 0.0
    for table in TABLES:
        written = io.BytesIO()
        await connection.copy_from_query(
            f"SELECT * FROM {table} WHERE company_id = $1", source.company_id, output=written
        )
        body = written.getvalue()
        for before, after in pairs:
            body = body.replace(str(before).encode(), str(after).encode())
        start = time.perf_counter()
        await connection.copy_to_table(table, source=io.BytesIO(body))
        took = time.perf_counter() - start
        print(f"  COPY {table}: {took:.2f} s")
        seconds += took
    await connection.close()
    return seconds


async def measure(rows: int) -> None:
    with TemporaryDirectory(prefix="leadrail-bench-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)  # noqa: ASYNC240 - once, before anything runs
        server = await EmbeddedServer.start(Path(folder) / "data")
        await migrate(server.url)
        core = Core(await Database.open(server.url))
        try:
            source, target = await company(core, "one"), await company(core, "two")
            body = file_of(rows, 0)
            start, cpu = time.perf_counter(), time.process_time()
            done = await bring(core, source, body)
            took, used = time.perf_counter() - start, time.process_time() - cpu
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"import: {rows / took:,.0f} rows/s ({took:.1f} s)")
            print(f"  {used / rows * 1e6:.0f} us of Python a row, {peak} MiB at most")
            print(f"  {done.counts}")
            seconds = await copied(server.url, source, target)
            print(f"COPY of the same rows: {rows / seconds:,.0f} rows/s ({seconds:.1f} s)")
        finally:
            await core.close()
            await server.stop()


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
