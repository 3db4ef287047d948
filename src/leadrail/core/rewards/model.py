"""Reward triggers and rewards, and the rules by which a lead's way makes the one of the other and takes it back."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypedDict
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.channels.model import Channel, Role, Status
from leadrail.core.events.model import EventType
from leadrail.core.leads.decisions import Fact
from leadrail.core.leads.model import Lead
from leadrail.kit import money
from leadrail.kit.ids import new_id


class Cause(StrEnum):
    NEW_LEAD = "new_lead"
    STATUS_CHANGE = "status_change"
    PURCHASE = "purchase"


class Kind(StrEnum):
    FIXED = "fixed"
    PERCENT = "percent"


class TriggerState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class RewardState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAID = "paid"


class Trigger(msgspec.Struct, frozen=True):
    """When a reward is earned and how much: `amount` is money for fixed, a percentage for percent.

    `cap` is the most that one reward of a percentage may be, in its currency. `hold_days`: how long a reward waits
    before it may be paid, 0 for not at all.
    """

    id: UUID
    cause: Cause
    status_id: UUID | None
    kind: Kind
    amount: Decimal
    repeat: bool
    state: TriggerState
    cap: Decimal | None = None
    hold_days: int = 0


class Reward(msgspec.Struct, frozen=True):
    """A payout record. `company_id` is the company that earns it, `payer_company_id` the one that owes it.

    It may not be paid before `hold_until`. `corrects` names the paid reward of which this one, its amount below zero,
    takes something back. `reason` says why it was rejected, taken back or corrected.
    """

    id: UUID
    trigger_id: UUID
    lead_id: UUID
    channel_id: UUID
    company_id: UUID
    amount: Decimal
    currency: str | None
    state: RewardState
    created_at: datetime
    payer_company_id: UUID
    hold_until: datetime | None = None
    reason: str | None = None
    corrects: UUID | None = None
    clawed_back: bool = False
    decided_at: datetime | None = None


class Line(msgspec.Struct, frozen=True):
    """A reward as a lead's ledger has it. `status_id` is the status that its trigger waits for, if it waits for one."""

    reward: Reward
    once: bool
    status_id: UUID | None


Ledger = tuple[Line, ...]
"""The rewards of one lead that matter to what is to be decided, in no order."""


class RewardCreatedData(TypedDict):
    """`data` of reward.created."""

    reward: Reward


RewardChangedData = TypedDict(
    "RewardChangedData",
    {"reward": Reward, "from": RewardState | None, "to": RewardState, "reason": str | None},
)
RewardChangedData.__doc__ = "`data` of reward.changed."


class Settled(msgspec.Struct, frozen=True):
    """A reward after a decision on it; `before` is the state in which it was, None for a new line."""

    reward: Reward
    before: RewardState | None

    def told(self) -> RewardChangedData:
        """What the event says."""
        return {"reward": self.reward, "from": self.before, "to": self.reward.state, "reason": self.reward.reason}


OPEN = frozenset({RewardState.PENDING, RewardState.APPROVED})
"""The states in which a reward may still be decided on."""


def matches(trigger: Trigger, fact: Fact) -> bool:
    """Whether the fact is what the active trigger waits for. A move into the same status is none.

    A purchase that names triggers is paid for by those, whatever they wait for otherwise.
    """
    if trigger.state is not TriggerState.ACTIVE:
        return False
    if fact.type is EventType.PURCHASE_RECORDED:
        return trigger.cause is Cause.PURCHASE if fact.trigger_ids is None else trigger.id in fact.trigger_ids
    if trigger.cause is Cause.NEW_LEAD:
        return fact.type is EventType.LEAD_CREATED
    if trigger.cause is not Cause.STATUS_CHANGE or fact.type not in _ENTERING or _is_like_before(fact):
        return False
    entered = fact.to_status is not None and fact.to_status.id == trigger.status_id
    return entered and fact.from_status != fact.to_status


_ENTERING = frozenset({EventType.LEAD_STATUS_CHANGED, EventType.LEAD_MOVED})


def _is_like_before(fact: Fact) -> bool:
    """Whether a lead went to another channel and is there what it was here: nothing is earned or lost by that."""
    if fact.type is not EventType.LEAD_MOVED or fact.from_status is None or fact.to_status is None:
        return False
    return fact.from_status.category is fact.to_status.category


def earner(channel: Channel) -> UUID:
    """Who earns: the referring company of the channel, else its partner, else its owner."""
    return channel.member_with(Role.REFERRING) or channel.member_with(Role.PARTNER) or channel.company_id


def payer(channel: Channel) -> UUID:
    """Who pays: the receiving company of the channel, else its owner."""
    return channel.member_with(Role.RECEIVING) or channel.company_id


def earned(
    triggers: Iterable[Trigger], channel: Channel, lead: Lead, fact: Fact, ledger: Ledger, now: datetime
) -> list[Line]:
    """The rewards that a fact earns, new to the lead's ledger."""
    lines = []
    for trigger in triggers:
        if not matches(trigger, fact) or (not trigger.repeat and _has_earned(ledger, trigger)):
            continue
        amount, currency = _amount(trigger, channel, lead, fact)
        if amount > 0:
            reward = _reward(trigger, channel, lead, amount, currency, now)
            lines.append(Line(reward, not trigger.repeat, trigger.status_id))
    return lines


def _has_earned(ledger: Ledger, trigger: Trigger) -> bool:
    """What was taken back within its hold may be earned again; what somebody rejected may not."""
    return any(line.reward.trigger_id == trigger.id and not line.reward.clawed_back for line in ledger)


def _amount(trigger: Trigger, channel: Channel, lead: Lead, fact: Fact) -> tuple[Decimal, str | None]:
    """A fixed amount is in the channel's currency, a share in that of what it is a share of."""
    if trigger.kind is Kind.FIXED:
        return trigger.amount, channel.currency
    whole, currency = (fact.purchase.amount, fact.purchase.currency) if fact.purchase else (lead.value, lead.currency)
    share = money.round_to_currency((whole or Decimal(0)) * trigger.amount / 100, currency)
    return money.plain(share if trigger.cap is None else min(share, trigger.cap)), currency


def _reward(
    trigger: Trigger, channel: Channel, lead: Lead, amount: Decimal, currency: str | None, now: datetime
) -> Reward:
    return Reward(
        id=new_id(),
        trigger_id=trigger.id,
        lead_id=lead.id,
        channel_id=channel.id,
        company_id=earner(channel),
        amount=amount,
        currency=currency,
        state=RewardState.PENDING,
        created_at=now,
        payer_company_id=payer(channel),
        hold_until=now + timedelta(days=trigger.hold_days) if trigger.hold_days else None,
    )


def clawed_back(ledger: Ledger, fact: Fact, now: datetime) -> list[Settled]:
    """The rewards of the status that a move leaves, taken back because their hold is not over."""
    left = fact.from_status
    if not ledger or left is None or fact.to_status is None or left.id == fact.to_status.id:
        return []
    if _is_like_before(fact):
        return []
    return [_taken_back(line.reward, left, now) for line in ledger if _is_held(line, left, now)]


def _is_held(line: Line, status: Status, now: datetime) -> bool:
    reward = line.reward
    holds = reward.hold_until is not None and now < reward.hold_until
    return holds and line.status_id == status.id and reward.state in OPEN and reward.corrects is None


def _taken_back(reward: Reward, left: Status, now: datetime) -> Settled:
    reason = f"the lead left {left.name} within the hold"
    after = replace(reward, state=RewardState.REJECTED, clawed_back=True, reason=reason, decided_at=now)
    return Settled(after, reward.state)


def after(ledger: Ledger, settled: Iterable[Settled]) -> Ledger:
    """The ledger with these rewards as they are now."""
    changed = {one.reward.id: one.reward for one in settled}
    return tuple(
        replace(line, reward=changed[line.reward.id]) if line.reward.id in changed else line for line in ledger
    )
