"""Results into the database, many in one statement; while it is away they wait here, so nothing is sent twice."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from leadrail.core.disabling import disable_endpoint
from leadrail.core.webhooks import results as records
from leadrail.core.webhooks.model import Why
from leadrail.core.webhooks.results import Failure, Result
from leadrail.db.database import UNREACHABLE, Connection, Database
from leadrail.kit.batching import Batcher
from leadrail.worker.breaker import failures_of, is_given_up, rest_until
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
        async with self._database.transaction() as connection:
            await records.record(connection, results)
            if failures := failures_of(results):
                gone = {result.claim.endpoint.id for result in results if result.is_gone}
                await _note_failures(connection, failures, gone)

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._retry_s):
                await self._is_closing.wait()


async def _note_failures(connection: Connection, failures: Sequence[Failure], gone: set[UUID]) -> None:
    """Lets failing endpoints rest, and takes those out of service that are gone or fail for too long."""
    by_endpoint = {failure.endpoint_id: failure for failure in failures}
    rests = []
    for one in await records.fail(connection, failures):
        failure = by_endpoint[one.endpoint_id]
        now = failure.failed_at
        if one.endpoint_id in gone or is_given_up(one, now):
            why = Why.GONE if one.endpoint_id in gone else Why.FAILING
            await disable_endpoint(connection, one.company_id, one.endpoint_id, why, one.failing_since, now)
        elif (until := rest_until(one, now)) is not None:
            rests.append((failure, until))
    if rests:
        await records.rest(connection, rests)
