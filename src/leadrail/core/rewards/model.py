"""Reward triggers and rewards, and the rule by which one makes the other."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Channel, Role
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
    """When a reward is earned and how much: `amount` is money for fixed, a percentage for percent."""

    id: UUID
    cause: Cause
    status_id: UUID | None
    kind: Kind
    amount: Decimal
    repeat: bool
    state: TriggerState


class Reward(msgspec.Struct, frozen=True):
    """A payout record. `company_id` is the company that earns it."""

    id: UUID
    trigger_id: UUID
    lead_id: UUID
    channel_id: UUID
    company_id: UUID
    amount: Decimal
    currency: str | None
    state: RewardState
    created_at: datetime


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
    if trigger.cause is not Cause.STATUS_CHANGE or fact.type is not EventType.LEAD_STATUS_CHANGED:
        return False
    entered = fact.to_status is not None and fact.to_status.id == trigger.status_id
    return entered and fact.from_status != fact.to_status


def earner(channel: Channel) -> UUID:
    """Who earns: the referring company of the channel, else its partner, else its owner."""
    return channel.member_with(Role.REFERRING) or channel.member_with(Role.PARTNER) or channel.company_id


def earned(
    triggers: Iterable[Trigger],
    channel: Channel,
    lead: Lead,
    fact: Fact,
    already: frozenset[UUID],
    now: datetime,
) -> list[tuple[Trigger, Reward]]:
    """The rewards that a fact earns. `already` names the triggers that have paid for this lead."""
    rewards = []
    for trigger in triggers:
        if not matches(trigger, fact) or (trigger.id in already and not trigger.repeat):
            continue
        amount, currency = _amount(trigger, channel, lead, fact)
        if amount > 0:
            rewards.append((trigger, _reward(trigger, channel, lead, amount, currency, now)))
    return rewards


def _amount(trigger: Trigger, channel: Channel, lead: Lead, fact: Fact) -> tuple[Decimal, str | None]:
    """A fixed amount is in the channel's currency, a share in that of what it is a share of."""
    if trigger.kind is Kind.FIXED:
        return trigger.amount, channel.currency
    whole, currency = (fact.purchase.amount, fact.purchase.currency) if fact.purchase else (lead.value, lead.currency)
    share = (whole or Decimal(0)) * trigger.amount / 100
    return money.plain(money.round_to_currency(share, currency)), currency


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
    )
