"""One attempt, from a claim to its result.

Whatever a receiver, the network or a format does is a result. Only our own lack of sockets is raised, as OSError.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from leadrail.core.webhooks.queue import Claim, DeliveryState
from leadrail.core.webhooks.results import NOT_IN_FORMAT, Attempt, Result
from leadrail.kit.clock import Clock
from leadrail.kit.outgoing import Outcome, Outgoing, Reply
from leadrail.worker.breaker import speaks_of_endpoint
from leadrail.worker.formats import Message, message
from leadrail.worker.schedule import SCHEDULES, judge

UNSENDABLE = "unsendable"
"""The outcome of an attempt that failed on our side, such as an event that its format cannot tell."""

_NO_REPLY = Reply(Outcome.BAD_RESPONSE, None, b"", 0, None)

log = logging.getLogger(__name__)


class Sender:
    def __init__(self, outgoing: Outgoing, clock: Clock, chance: Callable[[], float]) -> None:
        self._outgoing, self._clock, self._chance = outgoing, clock, chance

    async def attempt(self, claim: Claim) -> Result:
        started_at = self._clock()
        try:
            told = message(claim, int(started_at.timestamp()))
        except Exception:  # a format may raise anything; one event that it cannot tell must not stop the others
            log.exception("delivery %s cannot be made into a message", claim.delivery_id)
            return self._result(claim, started_at, UNSENDABLE, _NO_REPLY)
        if told is None:
            cancelled = DeliveryState.CANCELLED
            return Result(claim=claim, ended_at=self._clock(), state=cancelled, outcome=NOT_IN_FORMAT)
        return await self._post(claim, told, started_at)

    async def _post(self, claim: Claim, told: Message, started_at: datetime) -> Result:
        try:
            reply = await self._outgoing.post(claim.endpoint.url, told.body, told.headers)
        except ValueError:
            log.exception("delivery %s cannot be sent", claim.delivery_id)
            return self._result(claim, started_at, UNSENDABLE, _NO_REPLY)
        return self._result(claim, started_at, reply.outcome, reply)

    def _result(self, claim: Claim, started_at: datetime, outcome: str, reply: Reply) -> Result:
        ended_at = self._clock()
        schedule = SCHEDULES[claim.endpoint.format]
        verdict = judge(claim.number - claim.attempts_before, reply, ended_at, self._chance(), schedule)
        return Result(
            claim=claim,
            ended_at=ended_at,
            state=verdict.state,
            due_at=verdict.due_at,
            attempt=Attempt(started_at, reply.duration_ms, outcome, reply.status, reply.body),
            speaks_of_endpoint=outcome != UNSENDABLE and speaks_of_endpoint(reply),
            is_gone=verdict.is_gone,
        )
