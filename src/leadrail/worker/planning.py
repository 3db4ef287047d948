"""What one round of claiming does about the lanes it looked at, decided without I/O."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.core.webhooks.queue import Lane, LaneState

Place = tuple[UUID, UUID]
"""A lane's company and endpoint: the order in which lanes take turns."""

START: Place = (UUID(int=0), UUID(int=0))


class Plan(msgspec.Struct, frozen=True):
    """How many deliveries to claim from which lanes, which ones to clear, and after which the next round begins.

    `leaves_work`: something due has to wait for a free place.
    """

    shares: Sequence[tuple[Lane, int]]
    closed: Sequence[Lane]
    next_after: Place
    leaves_work: bool


def plan(lanes: Sequence[Lane], now: datetime, free: int, room: Callable[[Lane], int], *, is_last: bool) -> Plan:
    """`free` places for all and `room` for an endpoint; `is_last` when no lane follows these."""
    due = [lane for lane in lanes if lane.is_due(now)]
    shares = list(zip(due, share(due, free, room), strict=True))
    left_out = [lane for lane, number in shares if not number and room(lane) > 0]
    return Plan(
        shares=[(lane, number) for lane, number in shares if number],
        closed=[lane for lane in lanes if lane.state is LaneState.CLOSED],
        next_after=_next_after(lanes, left_out, is_last),
        leaves_work=any(not number for _, number in shares),
    )


def share(lanes: Sequence[Lane], free: int, room: Callable[[Lane], int]) -> list[int]:
    """Free places for each lane: the companies take turns until no place is left or no endpoint has room."""
    shares = [0] * len(lanes)
    rooms = {lane.endpoint_id: room(lane) for lane in lanes}
    turns = deque(_by_company(lanes).values())
    while free > 0 and turns:
        company = turns.popleft()
        index = company.popleft()
        if rooms[lanes[index].endpoint_id] > 0:
            rooms[lanes[index].endpoint_id] -= 1
            shares[index] += 1
            free -= 1
            company.append(index)
        if company:
            turns.append(company)
    return shares


def _by_company(lanes: Sequence[Lane]) -> dict[UUID, deque[int]]:
    companies: dict[UUID, deque[int]] = {}
    for index, lane in enumerate(lanes):
        companies.setdefault(lane.company_id, deque()).append(index)
    return companies


def _next_after(lanes: Sequence[Lane], left_out: Sequence[Lane], is_last: bool) -> Place:
    # Whoever is the first to go without a place is the first to be asked next time.
    served = lanes[: lanes.index(left_out[0])] if left_out else lanes
    if not served or (is_last and not left_out):
        return START
    return served[-1].company_id, served[-1].endpoint_id
