"""The work on bulk changes, a small step at a time. Safe in several processes at once.

Every lead goes through the engine like a single change, as the key that asked, looked up anew for each step. What the
engine has done is kept under a key of the item until its outcome is written down, so a step that is repeated after a
crash does nothing twice.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from leadrail.core import idempotency
from leadrail.core.actor import Actor
from leadrail.core.bulk import store
from leadrail.core.bulk.model import BulkOutcome, BulkState, Item, ItemOutcome, command
from leadrail.core.bulk.store import Claim
from leadrail.core.core import Core
from leadrail.core.engine import Done, Outcome
from leadrail.core.errors import Code, Refusal, Refused
from leadrail.core.idempotency import Answer
from leadrail.core.leads.commands import Idempotency
from leadrail.core.leads.filters import Filter
from leadrail.db.database import Connection

FACE = "api"
CHUNK = 200
PAGE = 5_000
LEASE = timedelta(seconds=30)
TRIES = 3
MESSAGE_LIMIT = 500
KEPT_FOR = timedelta(days=30)
FORGET_CHUNK = 2_000

Choose = Callable[[Core, Connection, Actor, Any], Awaitable[Filter]]
"""What a filter, as it was asked for, comes to for this actor. Raises Refused."""


async def step(core: Core, choose: Choose, *, chunk: int = CHUNK, page: int = PAGE) -> bool:
    """The next step of the bulk change whose turn it is: the next leads listed, or changed. False: there is none.

    Raises Refused (`unavailable`) when the database is away; the step is then made again after its lease.
    """
    now = core.clock()
    async with core.database.connection() as connection:
        claim = await store.claim(connection, now, now + LEASE)
    if claim is None:
        return False
    try:
        actor = await core.doors.admit_again(claim.key_id, FACE)
        if claim.lead_below is not None:
            await _list(core, claim, actor, choose, page)
        else:
            await _change(core, claim, actor, chunk)
    except Refused as error:
        if error.refusal.code is Code.UNAVAILABLE:
            raise
        await _end(core, claim, BulkState.STOPPED, _why(error.refusal))
    return True


def _why(refusal: Refusal) -> str:
    # Another company's channel is as one that does not exist.
    return "Channel not found" if refusal.code is Code.CHANNEL_FORBIDDEN else refusal.message


async def _end(core: Core, claim: Claim, state: BulkState, why: str | None = None) -> None:
    async with core.database.connection() as connection:
        await store.finish(connection, claim.company_id, claim.id, state, why, core.clock())


async def _list(core: Core, claim: Claim, actor: Actor, choose: Choose, page: int) -> None:
    async with core.database.transaction() as connection:
        filter = await choose(core, connection, actor, claim.filter)
        if await store.hold(connection, claim) is BulkState.RUNNING:
            await store.add_page(connection, claim, actor.companies, filter, page, core.clock())


async def _change(core: Core, claim: Claim, actor: Actor, chunk: int) -> None:
    async with core.database.connection() as connection:
        items = await store.items(connection, claim, chunk)
    if not items:
        await _end(core, claim, BulkState.DONE)
        return
    outcomes = await _executed(core, claim, actor, items)
    done = [_outcome(item, outcome) for item, outcome in zip(items, outcomes, strict=True)]
    async with core.database.transaction() as connection:
        # Also of one that was cancelled meanwhile: what is done is counted.
        if await store.hold(connection, claim) is not None:
            await store.record(connection, claim, done, core.clock())
            await idempotency.forget(connection, claim.company_id, [_key(claim, item) for item in items])


async def _executed(core: Core, claim: Claim, actor: Actor, items: Sequence[Item]) -> list[Outcome]:
    """What the engine makes of them. One that others were in the way of is tried again."""
    action = claim.stored_action()
    commands = [command(action, actor, item.lead_id, _once(claim, item)) for item in items]
    outcomes = await core.engine.execute(commands)
    for _ in range(1, TRIES):
        again = [place for place, outcome in enumerate(outcomes) if _is_unavailable(outcome)]
        if not again:
            break
        repeated = await core.engine.execute([commands[place] for place in again])
        for place, outcome in zip(again, repeated, strict=True):
            outcomes[place] = outcome
    return outcomes


def _is_unavailable(outcome: Outcome) -> bool:
    return isinstance(outcome, Refusal) and outcome.code is Code.UNAVAILABLE


class _Kept(msgspec.Struct, frozen=True):
    """The answer that is kept until the outcome is written down."""

    outcome: BulkOutcome


_kept = msgspec.json.Decoder(_Kept)


def _key(claim: Claim, item: Item) -> str:
    return f"bulk/{claim.id}/{item.n}"


def _once(claim: Claim, item: Item) -> Idempotency:
    return Idempotency(_key(claim, item), claim.id.bytes, _render)


def _render(done: Done) -> tuple[int, bytes]:
    return 200, msgspec.json.encode(_Kept(BulkOutcome.CHANGED if done.events else BulkOutcome.UNCHANGED))


def _outcome(item: Item, outcome: Outcome) -> ItemOutcome:
    if isinstance(outcome, Refusal):
        return ItemOutcome(item.n, item.lead_id, BulkOutcome.REFUSED, outcome.code, outcome.message[:MESSAGE_LIMIT])
    body = outcome.body if isinstance(outcome, Answer) else _render(outcome)[1]
    return ItemOutcome(item.n, item.lead_id, _kept.decode(body).outcome)


async def forget_old(core: Core) -> None:
    """Deletes bulk changes that ended long ago, their items a chunk a transaction."""
    has_more = True
    while has_more:
        async with core.database.transaction() as connection:
            has_more = await store.forget(connection, core.clock() - KEPT_FOR, FORGET_CHUNK)
