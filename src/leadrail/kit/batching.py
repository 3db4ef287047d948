"""Natural batching: what arrives while work is under way waits, and goes together when a slot is free.

There is no timer. An idle batcher starts an item at once; a busy one grows its batches.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Runs items in batches of at most `limit`, at most `slots` batches at a time.

    Items of one `key` are never in two batches under way, so they run in the order in which they came.
    `run` answers one result per item, in order; when it raises, every item of that batch raises the same.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        key: Callable[[Item], Hashable | None],
        limit: int,
        slots: int,
    ) -> None:
        self._run, self._key, self._limit, self._free = run, key, limit, slots
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._busy: set[Hashable] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """Queues one item; the future is its result. Cancelling the future does not undo the work."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._free:
            self._start()
        return future

    async def drain(self) -> None:
        """Returns when nothing waits and nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self) -> None:
        # The free slot is taken now but the batch is cut when the task first runs, so that all
        # items submitted in this turn of the event loop go together.
        self._free -= 1
        task = asyncio.get_running_loop().create_task(self._work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while batch := self._cut():
                await self._answer(batch)
        finally:
            self._free += 1

    def _cut(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        passed: list[tuple[Item, asyncio.Future[Result]]] = []
        held: set[Hashable] = set()
        while self._waiting and len(batch) < self._limit:
            entry = self._waiting.popleft()
            key = self._key(entry[0])
            if key is not None and key in self._busy:
                passed.append(entry)
                continue
            if key is not None:
                held.add(key)
            batch.append(entry)
        self._waiting.extendleft(reversed(passed))
        self._busy |= held
        return batch

    async def _answer(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"{len(batch)} items were answered with {len(results)} results")
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
        finally:
            self._busy.difference_update(self._key(item) for item, _ in batch)
