"""What may be decided about a reward, by whom and when. Pure."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec.structs import replace

from leadrail.core.actor import Actor
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.commands import CorrectReward, DecideReward, RewardDecision
from leadrail.core.leads.fields import REASON_LIMIT, checked_text
from leadrail.core.rewards.model import Ledger, Line, Reward, RewardState, Settled
from leadrail.kit import money

# Each decision: the states from which it may be taken, and the one to which it leads.
_WAYS: dict[RewardDecision, tuple[frozenset[RewardState], RewardState]] = {
    RewardDecision.APPROVE: (frozenset({RewardState.PENDING}), RewardState.APPROVED),
    RewardDecision.REJECT: (frozenset({RewardState.PENDING, RewardState.APPROVED}), RewardState.REJECTED),
    RewardDecision.PAY: (frozenset({RewardState.APPROVED}), RewardState.PAID),
}


def decided(ledger: Ledger, owner: UUID, command: DecideReward, now: datetime) -> tuple[Reward, Settled | None]:
    """The reward after a decision by who pays it or by `owner`, the company of its lead; None: it is so already.

    Raises Refused (`not_found`, `forbidden`, `conflict`, `invalid`).
    """
    reward = _found(ledger, owner, command.actor, command.reward_id).reward
    sources, target = _WAYS[command.decision]
    reason = _reason(command) if command.decision is RewardDecision.REJECT else reward.reason
    if reward.state is target:
        return reward, None
    if reward.state not in sources:
        raise _not_from(reward, command.decision)
    if target is RewardState.PAID and reward.hold_until is not None and now < reward.hold_until:
        until = reward.hold_until.isoformat().replace("+00:00", "Z")
        raise refuse(Code.CONFLICT, f"The reward is held until {until} and may be paid after that", hold_until=until)
    settled = replace(reward, state=target, reason=reason, decided_at=now)
    return settled, Settled(settled, reward.state)


def corrected(ledger: Ledger, owner: UUID, command: CorrectReward, now: datetime) -> tuple[Line, Settled]:
    """A new line that takes back a part of a paid reward, or all that is left of it.

    Raises Refused (`not_found`, `forbidden`, `conflict`, `invalid`).
    """
    line = _found(ledger, owner, command.actor, command.reward_id)
    original = line.reward
    if original.corrects is not None:
        raise refuse(
            Code.CONFLICT, "A correction is not corrected; correct the reward that it corrects again, or reject"
        )
    if original.state is not RewardState.PAID:
        raise refuse(
            Code.CONFLICT, f"The reward is {original.state}; only a paid one is corrected", state=original.state
        )
    if not money.is_amount(command.amount) or command.amount == 0:
        raise refuse(Code.INVALID, "amount must be above zero, with at most six decimal places", "/amount")
    left = remaining(ledger, original)
    if command.amount > left:
        raise refuse(Code.CONFLICT, f"Of the reward {left} is left to take back", "/amount", left=left)
    correction = replace(
        original,
        id=command.correction_id,
        amount=-money.plain(command.amount),
        state=RewardState.PENDING,
        created_at=now,
        hold_until=None,
        reason=_reason(command),
        corrects=original.id,
        decided_at=None,
    )
    return Line(correction, False, line.status_id), Settled(correction, None)


def remaining(ledger: Ledger, original: Reward) -> Decimal:
    """What no correction, but for rejected ones, has taken back of the reward."""
    taken = (line.reward for line in ledger if line.reward.corrects == original.id)
    return money.plain(original.amount + sum(one.amount for one in taken if one.state is not RewardState.REJECTED))


def _found(ledger: Ledger, owner: UUID, actor: Actor, reward_id: UUID) -> Line:
    """The line that the actor may decide on. Another's does not exist; who earns it may look and no more."""
    for line in ledger:
        reward = line.reward
        if reward.id != reward_id or (actor.channel_ids and reward.channel_id not in actor.channel_ids):
            continue
        if actor.company_id in (owner, reward.payer_company_id):
            return line
        if actor.company_id == reward.company_id:
            raise refuse(
                Code.FORBIDDEN, "Only the company that pays the reward and the channel's owner may decide on it"
            )
    raise refuse(Code.NOT_FOUND, "Reward not found")


def _reason(command: DecideReward | CorrectReward) -> str:
    text = checked_text("reason", (command.reason or "").strip(), REASON_LIMIT)
    if text is None:
        raise refuse(Code.INVALID, "Say why, in reason", "/reason")
    return text


_NEEDED = {
    RewardDecision.APPROVE: "a pending one may be approved",
    RewardDecision.REJECT: "a pending or approved one may be rejected",
    RewardDecision.PAY: "an approved one may be paid",
}


def _not_from(reward: Reward, decision: RewardDecision) -> Exception:
    return refuse(Code.CONFLICT, f"The reward is {reward.state}; {_NEEDED[decision]}", state=reward.state)
