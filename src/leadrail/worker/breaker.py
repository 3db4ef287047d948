"""When an endpoint is given a rest as a whole, and when it is given up. Pure.

A failing endpoint is tried with one delivery at a time, seldom, so that a backlog does not burn its attempts on it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from leadrail.core.webhooks.queue import DeliveryState
from leadrail.core.webhooks.results import Failing, Failure, Result
from leadrail.kit.outgoing import Outcome, Reply

THRESHOLD = 5
"""So many failures in a row give an endpoint a rest."""

RESTS = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=5))
"""How long the first rest is, and those after it, each after one more delivery that was tried in vain."""

LONGEST_FAILING = timedelta(days=5)
"""An endpoint that takes nothing for so long is disabled."""

_OF_THE_MOMENT = (408, 429)


def speaks_of_endpoint(reply: Reply) -> bool:
    """Whether other deliveries would fail like this one: most 4xx answers are about the one message."""
    return reply.outcome is not Outcome.HTTP_4XX or reply.status in _OF_THE_MOMENT


def failures_of(results: Sequence[Result]) -> list[Failure]:
    """What the results say of endpoints that took nothing since their last success among them."""
    failed: dict[tuple[UUID, UUID], Failure] = {}
    for result in sorted(results, key=lambda one: one.ended_at):
        key = (result.claim.endpoint.company_id, result.claim.endpoint.id)
        if result.state is DeliveryState.DELIVERED:
            failed.pop(key, None)
        elif result.attempt is not None:
            before = failed.get(key, Failure(*key, 0, result.ended_at))
            number, trial_until = before.failures + result.speaks_of_endpoint, result.claim.trial_until
            failed[key] = Failure(*key, number, result.ended_at, trial_until or before.trial_until)
    return list(failed.values())


def rest_until(failing: Failing, failed_at: datetime) -> datetime | None:
    """Until when the endpoint is to be left alone; None while it may go on."""
    if failing.failures < THRESHOLD:
        return None
    return failed_at + RESTS[min(failing.trips, len(RESTS) - 1)]


def is_given_up(failing: Failing, failed_at: datetime) -> bool:
    return failed_at - failing.failing_since >= LONGEST_FAILING
