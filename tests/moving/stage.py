"""A vendor to move from, a company to move to, and a wire between them that breaks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from leadrail.core.actor import system
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.leads.commands import CreateLead, Origin
from leadrail.kit.ids import new_id
from leadrail.moving.bringing import Bringing, Progress, Report
from leadrail.moving.client import Client, Patience
from leadrail.moving.model import Missing, Options
from leadrail.moving.vendors import source_of

HASTY = Patience(tries=60, first_tries=60, first_pause_s=0.01, longest_pause_s=0.05)


class Move:
    """A move that a test may run, again and again, and what it heard meanwhile."""

    def __init__(self, core: Core, vendor: str, url: str, key: str, company_id: UUID, **options: Any) -> None:
        self._core, self._company_id, self._options = core, company_id, Options(**options)
        self.source = source_of(vendor, url, key)
        self.missing: list[Missing] = []
        self.progress: list[Progress] = []
        self.on_progress: Callable[[Progress], None] = lambda _: None

    async def run(self, patience: Patience = HASTY) -> Report:
        source = self.source
        async with Client(source.base, source.headers, patience) as client:
            reader = source.vendor.reader(client, self._options)
            job = Bringing(
                self._core,
                source.account(self._company_id),
                reader,
                on_progress=self._heard,
                on_missing=self.missing.append,
            )
            return await job.run()

    def _heard(self, progress: Progress) -> None:
        self.progress.append(progress)
        self.on_progress(progress)


async def seed(core: Core, company_id: UUID, channel: Channel, leads: Sequence[dict[str, Any]]) -> list[Done]:
    """Leads in the vendor's own house; each dict is what CreateLead takes."""
    actor = system(company_id, "seed")
    blank: dict[str, Any] = {"actor": actor, "channel_id": channel.id, "origin": Origin.IMPORT}
    commands = [CreateLead(**({"lead_id": new_id()} | blank | lead)) for lead in leads]
    done = await core.engine.execute(commands[:200])
    if len(commands) > 200:
        # As a server does within its first minute; until then it plans for empty tables.
        async with core.database.connection() as connection:
            await connection.execute("ANALYZE leads, lead_keys, events")
    done += await core.engine.execute(commands[200:])
    assert all(isinstance(one, Done) for one in done), next(one for one in done if not isinstance(one, Done))
    return done  # type: ignore[return-value]  # just asserted


class Wire:
    """A TCP relay to a server. While `cut_after` is set, no connection answers more bytes than that."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.cut_after: int | None = None
        self.cuts = 0

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target)
            asking = asyncio.create_task(self._ask(reader, upstream_writer))
            await self._answer(upstream_reader, writer)
            asking.cancel()
            upstream_writer.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        with suppress(OSError):
            while data := await reader.read(65536):
                passed += len(data)
                if self.cut_after is not None and passed > self.cut_after:
                    self.cuts += 1
                    writer.write(data[: len(data) // 2])
                    break
                writer.write(data)
                await writer.drain()
            await writer.drain()
        writer.close()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server at this URL, and the URL at its near end."""
    between = Wire(int(url.rpartition(":")[2]))
    server = await asyncio.start_server(between.relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield between, f"http://127.0.0.1:{port}"
    finally:
        server.close()
