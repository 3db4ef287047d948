"""The deliveries that this process has under way, in all and to each endpoint, and how many more there may be."""

from collections import Counter
from uuid import UUID

from leadrail.core.webhooks.queue import Claim


class Slots:
    """A claim is held until it is forgotten; it has a place until that is given up, at the latest then."""

    def __init__(self, *, in_all: int, per_endpoint: int) -> None:
        self._per_endpoint = per_endpoint
        self.free = in_all
        self._held: set[UUID] = set()
        self._placed: set[UUID] = set()
        self._sent_to: Counter[UUID] = Counter()
        self._held_for: Counter[UUID] = Counter()

    def room(self, endpoint_id: UUID) -> int:
        """How many more may go to the endpoint at the same time."""
        return self._per_endpoint - self._sent_to[endpoint_id]

    def room_for_one(self, endpoint_id: UUID) -> int:
        """1 when nothing goes to the endpoint and all that went is written down, else 0."""
        return 0 if self._held_for[endpoint_id] else 1

    def holds(self, claim: Claim) -> bool:
        return claim.delivery_id in self._held

    def take(self, claim: Claim) -> None:
        self.free -= 1
        self._held.add(claim.delivery_id)
        self._placed.add(claim.delivery_id)
        self._sent_to[claim.endpoint.id] += 1
        self._held_for[claim.endpoint.id] += 1

    def free_place_of(self, claim: Claim) -> None:
        """It is sent; what came of it is yet to be written down."""
        self._placed.remove(claim.delivery_id)
        self.free += 1
        _count_down(self._sent_to, claim.endpoint.id)

    def forget(self, claim: Claim) -> bool:
        """It is written down. Answers whether its place comes free only now."""
        if had_place := claim.delivery_id in self._placed:
            self.free_place_of(claim)
        self._held.discard(claim.delivery_id)
        _count_down(self._held_for, claim.endpoint.id)
        return had_place


def _count_down(counter: Counter[UUID], key: UUID) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
