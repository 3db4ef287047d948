"""Round after round, the lanes in turn: which of them have due work, and a small claim on each."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from leadrail.core.core import Core
from leadrail.core.webhooks import queue
from leadrail.core.webhooks.queue import Claim, Lane
from leadrail.worker.slots import Slots, share

LANES_PER_ROUND = 500

_START = (UUID(int=0), UUID(int=0))


class Round(msgspec.Struct, frozen=True):
    """`goes_on`: another round may find more at once. `leaves_work`: something due has to wait for a free place."""

    claims: Sequence[Claim] = ()
    goes_on: bool = False
    leaves_work: bool = False


class Claimer:
    def __init__(self, core: Core, slots: Slots, lease: timedelta) -> None:
        self._core, self._slots, self._lease = core, slots, lease
        self._after = _START

    async def round(self) -> Round:
        """Looks at the lanes next in turn and claims as much as there are free places for."""
        if self._slots.free <= 0:
            return Round(leaves_work=True)
        now = self._core.clock()
        async with self._core.database.connection() as connection:
            lanes = await queue.lanes(connection, self._after, LANES_PER_ROUND)
            due = [lane for lane in lanes if lane.is_open and lane.due_at <= now]
            shares = list(zip(due, share(due, self._slots.free, self._slots.room), strict=True))
            served = [(lane, places) for lane, places in shares if places]
            closed = [lane for lane in lanes if not lane.is_open]
            has_cleared = await queue.clear(connection, closed, now) if closed else False
            claims = await queue.claim(connection, served, now, now + self._lease) if served else []
        has_reached_end = self._move_on(lanes, shares)
        goes_on = bool(claims) or has_cleared or not has_reached_end
        return Round(claims, goes_on, leaves_work=len(served) < len(due))

    def _move_on(self, lanes: Sequence[Lane], shares: Sequence[tuple[Lane, int]]) -> bool:
        """Sets where the next round begins; answers whether this one has come to the last lane."""
        seen = lanes
        for lane, places in shares:
            if not places and self._slots.room(lane.endpoint_id) > 0:
                # There were too few free places: whoever went without is first next time.
                seen = lanes[: lanes.index(lane)]
                break
        has_reached_end = len(seen) == len(lanes) < LANES_PER_ROUND
        self._after = _START if has_reached_end else (seen[-1].company_id, seen[-1].endpoint_id)
        return has_reached_end
