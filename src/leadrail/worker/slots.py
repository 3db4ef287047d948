"""The deliveries that this process has under way, in all and to each endpoint, and how many more there may be."""

from collections import Counter
from uuid import UUID

from leadrail.core.webhooks.queue import Claim


class Slots:
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
