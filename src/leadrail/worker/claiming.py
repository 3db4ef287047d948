"""Round after round, the lanes in turn: which of them have due work, and a small claim on each."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from leadrail.core.core import Core
from leadrail.core.webhooks import queue
from leadrail.core.webhooks.queue import Claim, Lane
from leadrail.worker.planning import START, plan
from leadrail.worker.slots import Slots

LANES_PER_ROUND = 500


class Round(msgspec.Struct, frozen=True):
    """`goes_on`: another round may find more at once. `leaves_work`: something due has to wait for a free place."""

    claims: Sequence[Claim] = ()
    goes_on: bool = False
    leaves_work: bool = False


class Claimer:
    def __init__(self, core: Core, slots: Slots, lease: timedelta) -> None:
        self._core, self._slots, self._lease = core, slots, lease
        self._after = START

    async def round(self) -> Round:
        """Looks at the lanes next in turn and claims as much as there are free places for."""
        if self._slots.free <= 0:
            return Round(leaves_work=True)
        now = self._core.clock()
        async with self._core.database.connection() as connection:
            lanes = await queue.lanes(connection, self._after, LANES_PER_ROUND)
            is_last = len(lanes) < LANES_PER_ROUND
            todo = plan(lanes, now, self._slots.free, self._room, is_last=is_last)
            self._after = todo.next_after
            has_cleared = await queue.clear(connection, todo.closed, now) if todo.closed else False
            claims = await queue.claim(connection, todo.shares, now, now + self._lease) if todo.shares else []
        goes_on = bool(claims) or has_cleared or todo.next_after != START
        return Round(claims, goes_on, todo.leaves_work)

    def _room(self, lane: Lane) -> int:
        """An endpoint that fails is tried with one delivery at a time."""
        of = self._slots.room if lane.resting_until is None else self._slots.room_for_one
        return of(lane.endpoint_id)
