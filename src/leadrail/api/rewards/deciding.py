"""Rewards approved, rejected, paid and corrected, one by one or many at once."""

from typing import Any
from uuid import UUID

import msgspec

from leadrail.api.operation import Call, NoQuery
from leadrail.api.problems import problem_of
from leadrail.api.rewards.reading import placed
from leadrail.api.rewards.shapes import NewCorrection, Rejection, RewardBatch, RewardOutcome, RewardOutcomes
from leadrail.api.writes import fingerprint, idempotency_key, idempotent, replay
from leadrail.core.engine import Done, Outcome
from leadrail.core.errors import Code, Refusal, refuse
from leadrail.core.idempotency import Answer
from leadrail.core.leads.commands import CorrectReward, DecideReward, Idempotency, RewardCommand, RewardDecision
from leadrail.core.rewards import store as rewards
from leadrail.core.rewards.filters import Filter
from leadrail.core.rewards.store import Placed
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import new_id


async def approve(call: Call[None, NoQuery]) -> Response:
    return await _decide(call, RewardDecision.APPROVE, None)


async def reject(call: Call[Rejection, NoQuery]) -> Response:
    return await _decide(call, RewardDecision.REJECT, call.body.reason)


async def pay(call: Call[None, NoQuery]) -> Response:
    return await _decide(call, RewardDecision.PAY, None)


async def _decide(call: Call[Any, NoQuery], decision: RewardDecision, reason: str | None) -> Response:
    found = await placed(call)
    return await _answered(call, 200, _decision(call, found, decision, reason, idempotent(call, _shown)))


def _decision(
    call: Call[Any, Any], found: Placed, decision: RewardDecision, reason: str | None, keep: Idempotency | None
) -> DecideReward:
    return DecideReward(
        actor=call.actor,
        company_id=found.owner,
        lead_id=found.reward.lead_id,
        reward_id=found.reward.id,
        decision=decision,
        reason=reason,
        idempotency=keep,
    )


def _shown(done: Done) -> tuple[int, bytes]:
    return 200, msgspec.json.encode(done.reward)


def _made(done: Done) -> tuple[int, bytes]:
    return 201, msgspec.json.encode(done.reward)


async def correct(call: Call[NewCorrection, NoQuery]) -> Response:
    found = await placed(call)
    command = CorrectReward(
        actor=call.actor,
        company_id=found.owner,
        lead_id=found.reward.lead_id,
        reward_id=found.reward.id,
        correction_id=new_id(),
        amount=call.body.amount,
        reason=call.body.reason,
        idempotency=idempotent(call, _made),
    )
    return await _answered(call, 201, command)


async def _answered(call: Call[Any, Any], status: int, command: RewardCommand) -> Response:
    outcome = await call.core.engine.execute_one(command)
    return replay(outcome) if isinstance(outcome, Answer) else json_response(status, outcome.reward)


async def decide_batch(call: Call[RewardBatch, NoQuery]) -> Response:
    """One outcome per id, in order."""
    body, key = call.body, idempotency_key(call.request)
    if body.decision is RewardDecision.REJECT and not (body.reason or "").strip():
        raise refuse(Code.INVALID, "Say why, in reason", "/reason")
    async with call.core.database.connection() as connection:
        found = await rewards.seen(connection, Filter.of(call.actor), body.ids)
    outcomes: dict[int, RewardOutcome] = {}
    commands: dict[int, DecideReward] = {}
    for place, id in enumerate(body.ids):
        if id in found:
            keep = _item_key(call, key, place, id)
            commands[place] = _decision(call, found[id], body.decision, body.reason, keep)
        else:
            outcomes[place] = _outcome(_UNKNOWN, place)
    results = await call.core.engine.execute(list(commands.values()))
    outcomes |= {place: _outcome(result, place) for place, result in zip(commands, results, strict=True)}
    return json_response(200, RewardOutcomes([outcomes[place] for place in range(len(body.ids))]))


_UNKNOWN = Refusal(Code.NOT_FOUND, "Reward not found")


def _item_key(call: Call[RewardBatch, NoQuery], key: str | None, place: int, id: UUID) -> Idempotency | None:
    """Each item is kept under a key of its own, so a repeat of a batch that was cut short finishes it."""
    if key is None:
        return None
    asked = msgspec.json.encode((call.body.decision, id, call.body.reason))
    return Idempotency(f"{key}/{place}", fingerprint(call, asked), lambda done: (200, _kept(done)))


def _kept(done: Done) -> bytes:
    return msgspec.json.encode(_done(done))


def _done(done: Done) -> RewardOutcome:
    return RewardOutcome("changed" if done.events else "unchanged", done.reward)


def _outcome(result: Outcome, place: int) -> RewardOutcome:
    if isinstance(result, Refusal):
        return RewardOutcome("refused", error=problem_of(result, f"/ids/{place}"))
    return _decoder.decode(result.body) if isinstance(result, Answer) else _done(result)


_decoder = msgspec.json.Decoder(RewardOutcome)
