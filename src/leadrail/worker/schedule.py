"""What becomes of a delivery after an attempt: the published schedule and the rules around it, without I/O."""

from datetime import datetime, timedelta

import msgspec

from leadrail.core.webhooks.queue import DeliveryState
from leadrail.kit.outgoing import Outcome, Reply

SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long each attempt waits after the one before: ten in all, then the delivery is parked."""

JITTER = 0.1
LONGEST_ASKED_WAIT = timedelta(hours=24)
GONE = 410


class Verdict(msgspec.Struct, frozen=True):
    state: DeliveryState
    due_at: datetime | None = None
    disables_endpoint: bool = False


def judge(number: int, reply: Reply, ended_at: datetime, chance: float) -> Verdict:
    """The verdict on attempt `number`, which ended at `ended_at`; `chance` in [0, 1) spreads what failed together."""
    if reply.outcome is Outcome.OK:
        return Verdict(DeliveryState.DELIVERED)
    if reply.status == GONE:
        return Verdict(DeliveryState.PARKED, disables_endpoint=True)
    wait = wait_after(number, chance, reply.retry_after_s)
    return Verdict(DeliveryState.PARKED) if wait is None else Verdict(DeliveryState.DUE, ended_at + wait)


def wait_after(number: int, chance: float, retry_after_s: int | None) -> timedelta | None:
    """How long to wait after the failed attempt `number`; None when it was the last."""
    if number >= len(SCHEDULE):
        return None
    planned = SCHEDULE[number] * (1 + JITTER * chance)
    asked = min(timedelta(seconds=retry_after_s or 0), LONGEST_ASKED_WAIT)
    return max(planned, asked)
