"""How many deliveries may be under way, in all and to one endpoint, and who gets the places that are free."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from uuid import UUID

from leadrail.core.webhooks.queue import Claim, Lane


class Slots:
    """The deliveries that this process has under way."""

    def __init__(self, *, in_all: int, per_endpoint: int) -> None:
        self._in_all, self._per_endpoint = in_all, per_endpoint
        self._taken: set[UUID] = set()
        self._by_endpoint: Counter[UUID] = Counter()

    @property
    def free(self) -> int:
        return self._in_all - len(self._taken)

    def room(self, endpoint_id: UUID) -> int:
        return self._per_endpoint - self._by_endpoint[endpoint_id]

    def holds(self, claim: Claim) -> bool:
        return claim.delivery_id in self._taken

    def take(self, claim: Claim) -> None:
        self._taken.add(claim.delivery_id)
        self._by_endpoint[claim.endpoint.id] += 1

    def give_back(self, claim: Claim) -> None:
        self._taken.discard(claim.delivery_id)
        self._by_endpoint[claim.endpoint.id] -= 1
        if not self._by_endpoint[claim.endpoint.id]:
            del self._by_endpoint[claim.endpoint.id]


def share(lanes: Sequence[Lane], free: int, room: Callable[[UUID], int]) -> list[int]:
    """Free places for each lane: the companies take turns until no place is left or no endpoint has room."""
    shares = [0] * len(lanes)
    rooms = {lane.endpoint_id: room(lane.endpoint_id) for lane in lanes}
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
