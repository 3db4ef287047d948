"""What becomes of a delivery after an attempt: the published schedules and the rules around them, without I/O."""

from datetime import datetime, timedelta

import msgspec

from leadrail.core.webhooks.model import Format
from leadrail.core.webhooks.queue import DeliveryState
from leadrail.kit.outgoing import Outcome, Reply

Schedule = tuple[timedelta, ...]
"""How long each attempt waits after the one before; after the last the delivery is parked."""

SCHEDULE: Schedule = (
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
"""Our own: ten attempts."""

SENDPILOT: Schedule = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=15),
    timedelta(hours=1),
)
"""That of SendPilot, which its receivers are built for: five retries (contracts/sendpilot.md, section 10.5)."""

SCHEDULES: dict[Format, Schedule] = {
    Format.NATIVE: SCHEDULE,
    Format.KEENPARTNER: SCHEDULE,
    Format.SENDPILOT: SENDPILOT,
}

JITTER = 0.1
LONGEST_ASKED_WAIT = timedelta(hours=24)
GONE = 410


class Verdict(msgspec.Struct, frozen=True):
    state: DeliveryState
    due_at: datetime | None = None
    is_gone: bool = False


def judge(number: int, reply: Reply, ended_at: datetime, chance: float, schedule: Schedule = SCHEDULE) -> Verdict:
    """The verdict on attempt `number`, which ended at `ended_at`; `chance` in [0, 1) spreads what failed together."""
    if reply.outcome is Outcome.OK:
        return Verdict(DeliveryState.DELIVERED)
    if reply.status == GONE:
        return Verdict(DeliveryState.PARKED, is_gone=True)
    wait = wait_after(number, chance, reply.retry_after_s, schedule)
    return Verdict(DeliveryState.PARKED) if wait is None else Verdict(DeliveryState.DUE, ended_at + wait)


def wait_after(
    number: int, chance: float, retry_after_s: int | None, schedule: Schedule = SCHEDULE
) -> timedelta | None:
    """How long to wait after the failed attempt `number`; None when it was the last."""
    if number >= len(schedule):
        return None
    planned = schedule[number] * (1 + JITTER * chance)
    asked = min(timedelta(seconds=retry_after_s or 0), LONGEST_ASKED_WAIT)
    return max(planned, asked)
