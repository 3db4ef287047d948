"""Who waits for events: one look at the counters of all companies that are listened to, not one for each listener."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from uuid import UUID

from leadrail.core.events import store
from leadrail.db.database import Database

HEARTBEAT_S = 15.0
LOOK_S = 1.0
BREATH_S = 0.02
MOST_STREAMS = 100

log = logging.getLogger(__name__)


class Listener:
    """One stream that waits. `companies` may be replaced while it does."""

    def __init__(self, companies: Sequence[UUID]) -> None:
        self.companies = tuple(companies)
        self.news = asyncio.Event()

    async def wait(self, timeout_s: float) -> None:
        """Returns when there are events, or after `timeout_s` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(timeout_s, 0)):
                await self.news.wait()


class Tail:
    """Wakes listeners: at once for what this process committed, within a second for what others did.

    `heartbeat_s`: how long a stream is silent at most. `most`: the streams of one company in this process.
    """

    def __init__(self, database: Database, *, heartbeat_s: float = HEARTBEAT_S, most: int = MOST_STREAMS) -> None:
        self._database, self.heartbeat_s, self.most = database, heartbeat_s, most
        self.ended = False
        self._listeners: set[Listener] = set()
        self._streams: Counter[UUID] = Counter()
        self._seen: dict[UUID, int] = {}
        self._pulse = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def pulse(self) -> None:
        """This process has committed something."""
        if self._listeners:
            self._pulse.set()

    def is_full(self, company_id: UUID) -> bool:
        return self._streams[company_id] >= self.most

    @contextlib.contextmanager
    def listening(self, company_id: UUID, companies: Sequence[UUID]) -> Iterator[Listener]:
        """A listener of a stream of `company_id` to the events of `companies`."""
        listener = Listener(companies)
        self._listeners.add(listener)
        self._streams[company_id] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            self._streams[company_id] -= 1
            if not self._streams[company_id]:
                del self._streams[company_id]

    def stop(self) -> None:
        """Ends every stream, now."""
        self.ended = True
        self._pulse.set()
        for listener in self._listeners:
            listener.news.set()

    async def _run(self) -> None:
        while self._listeners and not self.ended:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - the database may be away for a while; streams outlive it
                log.warning("the event counters could not be read: %r", error)
            # However many commits there are, there is one look for all that came in a short while.
            await asyncio.sleep(BREATH_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._pulse.wait()

    async def _look(self) -> None:
        self._pulse.clear()
        wanted = {id for listener in self._listeners for id in listener.companies}
        async with self._database.connection() as connection:
            last = await store.last_seqs(connection, list(wanted))
        # A company that was not listened to until now counts as news: its listener may have come in between.
        changed = {id for id, seq in last.items() if self._seen.get(id) != seq}
        self._seen = last
        for listener in self._listeners:
            if not changed.isdisjoint(listener.companies):
                listener.news.set()
