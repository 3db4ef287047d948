"""The database goes away and comes back under a running worker."""

import asyncio
import logging
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest

from leadrail.core.core import Core
from leadrail.db.database import Database
from tests.people import People
from tests.receivers import Answer, Receiver, Request
from tests.worker.stage import FakeClock, attempts, deliveries, one_due, until, until_none_due, working


class Wire:
    """A loopback port in front of the database, to be cut and mended."""

    def __init__(self, url: str) -> None:
        self._target, self._port = urlsplit(url), 0
        self._writers: set[asyncio.StreamWriter] = set()
        self.turned_away = 0
        self._is_cut = False
        self._server: asyncio.Server

    @property
    def url(self) -> str:
        return f"postgresql://{self._target.username}@127.0.0.1:{self._port}{self._target.path}?sslmode=disable"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._is_cut = False

    async def close(self) -> None:
        self.cut()
        self._server.close()
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            self.turned_away += 1
            writer.transport.abort()
            return
        socket = f"{parse_qs(self._target.query)['host'][0]}/.s.PGSQL.5432"
        far_reader, far_writer = await asyncio.open_unix_connection(socket)
        self._writers |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self._writers -= {writer, far_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def wire(own_url: str) -> AsyncIterator[Wire]:
    wire = Wire(own_url)
    await wire.open()
    yield wire
    await wire.close()


@pytest.fixture
async def wired_core(wire: Wire, core: Core) -> AsyncIterator[Core]:
    """A second core over the wire; `core` and `people` go round it."""
    wired = Core(await Database.open(wire.url), clock=core.clock, webhook_allow=core.webhook_allow)
    yield wired
    wire.mend()
    await wired.close()


async def until_turned_away(wire: Wire, times: int) -> None:
    async def often_enough() -> bool:
        return wire.turned_away >= times

    await until(often_enough)


async def test_the_worker_waits_for_the_database_and_goes_on(
    wired_core: Core, wire: Wire, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "leadrail.worker.outage")
    async with Receiver() as receiver, working(wired_core):
        wire.cut()
        await one_due(people.owner, receiver.url)
        await until_turned_away(wire, 5)
        assert receiver.requests == []
        wire.mend()
        await receiver.wait_for(1)
        await until_none_due(people.owner)

    ours = [record for record in caplog.records if record.name == "leadrail.worker.outage"]
    words = [record.getMessage().split(";")[0] for record in ours]
    assert words == ["the database is away", "the database is back"]


async def test_what_arrived_during_an_outage_is_written_down_before_anything_is_claimed_again(
    wired_core: Core, wire: Wire, people: People, clock: FakeClock
) -> None:
    def cut_and_answer(_: Request) -> Answer:
        wire.cut()
        return Answer()

    async with Receiver(cut_and_answer) as receiver, working(wired_core) as deliverer:

        async def has_its_answer_and_cannot_write() -> bool:
            return deliverer._recorder.is_behind

        await one_due(people.owner, receiver.url)
        await until(has_its_answer_and_cannot_write)
        clock.advance(minutes=1)  # past the lease
        wire.mend()
        await until_none_due(people.owner)

    assert len(receiver.requests) == len(await attempts(people.owner)) == 1
    assert [(row["state"], row["attempts"]) for row in await deliveries(people.owner)] == [("delivered", 1)]


async def test_a_stop_during_an_outage_is_bounded(wired_core: Core, wire: Wire, people: People) -> None:
    async with Receiver() as receiver, working(wired_core, grace_s=0.1):
        wire.cut()
        await one_due(people.owner, receiver.url)
        await until_turned_away(wire, 1)


async def test_a_stop_gives_up_results_that_cannot_be_written(wired_core: Core, wire: Wire, people: People) -> None:
    async with Receiver(Answer(delay_s=0.2)) as receiver:
        await one_due(people.owner, receiver.url)
        async with working(wired_core, grace_s=0.5):
            await receiver.wait_for(1)
            wire.cut()
            await until_turned_away(wire, 1)

    (delivery,) = await deliveries(people.owner)
    assert (delivery["state"], delivery["attempts"]) == ("due", 1)
