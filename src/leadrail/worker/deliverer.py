"""The delivery worker: claims what is due, sends it, writes down how it went.

At least once: a claim is a lease, committed before anything is sent, and only a written result ends it. Several
workers, in one process or in many, share a queue without sending anything twice unless one of them dies.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from datetime import timedelta

from leadrail.core.core import Core
from leadrail.core.webhooks.queue import Claim, DeliveryState
from leadrail.core.webhooks.results import Result
from leadrail.db.database import UNREACHABLE
from leadrail.kit.outgoing import Outgoing
from leadrail.worker.claiming import Claimer, Round
from leadrail.worker.outage import Outage
from leadrail.worker.recording import Recorder
from leadrail.worker.sending import Sender
from leadrail.worker.slots import Slots

POLL_S = 1.0
GRACE_S = 10.0
SLOTS = 256
SLOTS_PER_ENDPOINT = 16
# Twice the total timeout of Outgoing: a post that is still under way is never claimed again.
LEASE = timedelta(seconds=30)
LONGEST_BREATH_S = 0.1
WAIT_FOR_SOCKETS = timedelta(seconds=1)

log = logging.getLogger(__name__)


class Deliverer:
    def __init__(
        self,
        core: Core,
        outgoing: Outgoing,
        *,
        slots: int = SLOTS,
        slots_per_endpoint: int = SLOTS_PER_ENDPOINT,
        lease: timedelta = LEASE,
        poll_s: float = POLL_S,
        grace_s: float = GRACE_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._poll_s, self._grace_s = core.clock, poll_s, grace_s
        self._slots = Slots(in_all=slots, per_endpoint=slots_per_endpoint)
        self._outage = Outage()
        self._claimer = Claimer(core, self._slots, lease)
        self._sender = Sender(outgoing, core.clock, chance)
        self._recorder = Recorder(core.database, self._outage, poll_s)
        self._sends: set[asyncio.Task[None]] = set()
        self._wanted, self._is_stopping, self._has_ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._has_ended.set()
        self._leaves_work = self._lacks_sockets = False

    async def run(self) -> None:
        """Delivers until `stop`. When cancelled, it drops what it is sending, which goes out again after its lease."""
        self._has_ended.clear()
        try:
            while not self._is_stopping.is_set():
                await self._turn()
            if self._sends:
                await asyncio.wait(self._sends, timeout=self._grace_s)
        finally:
            await self._abandon()
            self._has_ended.set()

    def wake(self) -> None:
        """Says that something has become due. Cheap; to be called in the loop that runs the worker."""
        self._wanted.set()

    async def stop(self) -> None:
        """Claims nothing more, finishes what is being sent within the grace, and returns when `run` has ended."""
        self._is_stopping.set()
        self._wanted.set()
        await self._has_ended.wait()

    # Claiming

    async def _turn(self) -> None:
        began_s = time.perf_counter()
        self._leaves_work = True  # until the round says otherwise: a place that comes free meanwhile may be wanted
        round = await self._round()
        if round is None or self._lacks_sockets:
            self._lacks_sockets = False
            await self._rest(self._poll_s)
            return
        self._leaves_work = round.leaves_work or round.goes_on
        # As long a breath as the round took: wakes gather, and claiming never takes up more than half of the time.
        await self._rest(min(time.perf_counter() - began_s, LONGEST_BREATH_S))
        if not (round.goes_on and self._slots.free > 0):
            await self._wait_until_wanted()

    async def _round(self) -> Round | None:
        """One round, its claims on their way; None when there could be none."""
        if self._recorder.is_behind:
            return None
        try:
            round = await self._claimer.round()
        except UNREACHABLE as error:
            self._outage.note(error)
            return None
        except Exception:  # a worker that ended here would leave every delivery waiting, unnoticed
            log.exception("claiming deliveries failed")
            return None
        self._outage.end()
        for claim in round.claims:
            self._start(claim)
        return round

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_stopping.wait()

    async def _wait_until_wanted(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._wanted.wait()
        self._wanted.clear()

    # Sending

    def _start(self, claim: Claim) -> None:
        # Held already: the clock jumped past the lease of a post that is still under way. It comes again.
        if self._slots.holds(claim):
            return
        self._slots.take(claim)
        send = asyncio.get_running_loop().create_task(self._deliver(claim))
        self._sends.add(send)
        send.add_done_callback(self._sends.discard)

    async def _deliver(self, claim: Claim) -> None:
        try:
            result = await self._result(claim)
            # A success makes room at once: sending and writing go on side by side. After a failure nothing more goes to
            # the endpoint in its place before it is known whether it is given a rest.
            if result.state is DeliveryState.DELIVERED:
                self._slots.free_place_of(claim)
                self._say_there_is_room()
            await self._record(result)
        finally:
            if self._slots.forget(claim):
                self._say_there_is_room()
        if claim.endpoint.ordered:
            self._wanted.set()

    async def _record(self, result: Result) -> None:
        try:
            await self._recorder.record(result)
        except UNREACHABLE:
            id = result.claim.delivery_id
            log.warning("the result of delivery %s could not be written; it will be sent again", id)

    def _say_there_is_room(self) -> None:
        if self._leaves_work:
            self._wanted.set()

    async def _result(self, claim: Claim) -> Result:
        if self._is_stopping.is_set():
            return self._released(claim, timedelta(0))
        try:
            return await self._sender.attempt(claim)
        except OSError as error:
            if not self._lacks_sockets:
                log.warning("no socket to send webhooks with; raise the limit of open files: %r", error)
            self._lacks_sockets = True
            return self._released(claim, WAIT_FOR_SOCKETS)

    def _released(self, claim: Claim, wait: timedelta) -> Result:
        """The claim given back as if it had not been made."""
        now = self._clock()
        return Result(claim=claim, ended_at=now, state=DeliveryState.DUE, due_at=now + wait)

    async def _abandon(self) -> None:
        for send in self._sends:
            send.cancel()
        await asyncio.gather(*self._sends, return_exceptions=True)
        await self._recorder.close()
