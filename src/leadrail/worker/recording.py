"""Results into the database, many in one statement; while it is away they wait here, so nothing is sent twice."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import asyncpg

from leadrail.core.webhooks import queue
from leadrail.core.webhooks.queue import Result
from leadrail.db.database import UNREACHABLE, Database
from leadrail.kit.batching import Batcher
from leadrail.worker.outage import Outage

BATCH_LIMIT = 256

log = logging.getLogger(__name__)


class Recorder:
    def __init__(self, database: Database, outage: Outage, retry_s: float) -> None:
        self._database, self._outage, self._retry_s = database, outage, retry_s
        self._is_closing = asyncio.Event()
        self._batcher: Batcher[Result, None] = Batcher(self._run, key=lambda _: None, limit=BATCH_LIMIT, slots=1)
        self.is_behind = False
        """Whether results wait for the database: what they speak of must not be claimed again before they are in."""

    async def record(self, result: Result) -> None:
        """Returns when the result is in the database."""
        await self._batcher.submit(result)

    async def close(self) -> None:
        """Writes what waits. What cannot be written now is given up: its lease ends and it is sent again."""
        self._is_closing.set()
        await self._batcher.drain()

    async def _run(self, results: Sequence[Result]) -> list[None]:
        while True:
            try:
                await self._write_or_isolate(results)
            except UNREACHABLE as error:
                self._outage.note(error)
                if self._is_closing.is_set():
                    raise
                self.is_behind = True
                await self._wait()
            else:
                self.is_behind = False
                return [None] * len(results)

    async def _write_or_isolate(self, results: Sequence[Result]) -> None:
        try:
            await self._write(results)
        except UNREACHABLE:
            raise
        except asyncpg.PostgresError as error:
            if len(results) == 1:
                log.error("the result of delivery %s was refused: %r", results[0].claim.delivery_id, error)
                return
            for result in results:
                await self._write_or_isolate([result])

    async def _write(self, results: Sequence[Result]) -> None:
        gone = {result.claim.endpoint.id: result.claim.endpoint for result in results if result.disables_endpoint}
        if not gone:
            async with self._database.connection() as connection:
                await queue.record(connection, results)
            return
        async with self._database.transaction() as connection:
            await queue.record(connection, results)
            for endpoint in gone.values():
                await queue.disable(connection, endpoint)

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._retry_s):
                await self._is_closing.wait()
