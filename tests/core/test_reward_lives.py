"""What holds for rewards over any sequence of moves, purchases, decisions, corrections and days that pass."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadrail.core.channels.model import Member, Role
from leadrail.core.errors import Refused
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import (
    CorrectReward,
    DecideReward,
    LeadCommand,
    RecordPurchase,
    RewardDecision,
)
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide
from leadrail.core.reactions import TABLE
from leadrail.core.rewards import deciding
from leadrail.core.rewards.model import (
    OPEN,
    Cause,
    Kind,
    Ledger,
    Line,
    Reward,
    RewardState,
    Settled,
    Trigger,
    TriggerState,
    earner,
    payer,
)
from leadrail.core.save import Change, follow, settle
from leadrail.core.setup import Setup
from leadrail.kit.ids import new_id
from tests.core import make

CHANNEL = make.channel()
STATUSES = (make.NEW, make.QUALIFIED, make.WON, make.LOST)


@dataclass(frozen=True)
class Step:
    """`what` on the reward at `place`, or with the status at it; then `days` pass."""

    what: str
    place: int
    amount: int
    days: int


ACTS = ("move", "move", "move", "buy", "approve", "approve", "reject", "pay", "pay", "correct", "correct")
STEPS = st.lists(
    st.builds(
        Step, st.sampled_from(ACTS), st.integers(0, 7), st.integers(-1, 60), st.sampled_from([0, 0, 0, 1, 5, 20])
    ),
    min_size=5,
    max_size=40,
)
TRIGGERS = st.lists(
    st.builds(
        lambda cause, status, percent, repeat, cap, hold: Trigger(
            new_id(),
            cause,
            status.id if cause is Cause.STATUS_CHANGE else None,
            Kind.PERCENT if percent else Kind.FIXED,
            Decimal(10),
            repeat,
            TriggerState.ACTIVE,
            Decimal(cap) if percent and cap else None,
            hold,
        ),
        st.sampled_from([Cause.STATUS_CHANGE, *Cause]),
        st.sampled_from(STATUSES),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, 3, 1000]),
        st.sampled_from([0, 3, 10]),
    ),
    min_size=1,
    max_size=4,
)


class Life:
    """One lead and its whole ledger, with what was seen on the way."""

    def __init__(self, triggers: list[Trigger]) -> None:
        self.setup = Setup(CHANNEL, tuple(triggers), (), has_rewards=True)
        self.now = make.NOW
        self.ledger: Ledger = ()
        self.lead: Lead | None = None
        self.settled: list[tuple[datetime, Settled]] = []
        self.left: list[tuple[datetime, UUID]] = []
        self.take(make.create({"value": Decimal(400), "currency": "EUR"}))

    def run(self, step: Step) -> None:
        self.now += timedelta(days=step.days, seconds=1)
        try:
            self.attempt(step)
        except Refused:
            return

    def attempt(self, step: Step) -> None:
        if step.what == "move":
            self.take(make.move(STATUSES[step.place % 4]))
        elif step.what == "buy":
            amount = Decimal(max(step.amount, 0))
            self.take(RecordPurchase(actor=make.actor(), lead_id=make.LEAD_ID, purchase_id=new_id(), amount=amount))
        elif self.ledger:
            self.decide(step, self.ledger[step.place % len(self.ledger)].reward)

    def take(self, command: LeadCommand) -> None:
        decision = decide(self.lead, CHANNEL, command, self.now, 1)
        self.keep(follow(command, self.setup, self.lead, decision, self.ledger, self.now))
        self.left += [(self.now, fact.from_status.id) for fact in decision.facts if fact.from_status]

    def decide(self, step: Step, reward: Reward) -> None:
        assert self.lead is not None
        common: dict[str, Any] = {"actor": make.actor(), "company_id": make.OWNER_ID, "lead_id": make.LEAD_ID}
        line: Line | None = None
        if step.what == "correct":
            correct = CorrectReward(
                reward_id=reward.id, correction_id=new_id(), amount=Decimal(step.amount) / 4, reason="r", **common
            )
            line, news = deciding.corrected(self.ledger, make.OWNER_ID, correct, self.now)
            self.keep(settle(correct, self.setup, self.lead, self.ledger, news, line, self.now))
            return
        wish = DecideReward(reward_id=reward.id, decision=RewardDecision(step.what), reason="r", **common)
        _, settled = deciding.decided(self.ledger, make.OWNER_ID, wish, self.now)
        if settled is not None:
            self.keep(settle(wish, self.setup, self.lead, self.ledger, settled, None, self.now))

    def keep(self, change: Change) -> None:
        paid = {line.reward for line in self.ledger if line.reward.state is RewardState.PAID}
        assert paid <= {line.reward for line in change.ledger}, "a paid line changed"
        assert [line.reward.id for line in change.ledger][: len(self.ledger)] == [one.reward.id for one in self.ledger]
        self.settled += [(self.now, one) for one in change.settled]
        self.ledger, self.lead = change.ledger, change.lead
        told = [one.fact.data for one in change.told if one.fact.type is EventType.REWARD_CHANGED]
        corrections = [line.reward for line in change.lines if line.reward.corrects is not None]
        assert [data["reward"] for data in told] == [*(one.reward for one in change.settled), *corrections]

    @property
    def rewards(self) -> list[Reward]:
        return [line.reward for line in self.ledger]


lives = given(TRIGGERS, STEPS)
often = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def lived(triggers: list[Trigger], steps: list[Step]) -> Life:
    life = Life(triggers)
    for step in steps:
        life.run(step)
    return life


@lives
@often
def test_what_is_taken_back_was_on_hold_when_its_status_was_left(triggers: list[Trigger], steps: list[Step]) -> None:
    life = lived(triggers, steps)

    status_of = {trigger.id: trigger.status_id for trigger in triggers}
    for at, settled in life.settled:
        if settled.reward.clawed_back:
            assert settled.before in (RewardState.PENDING, RewardState.APPROVED)
            assert settled.reward.hold_until is not None
            assert at < settled.reward.hold_until
            assert (at, status_of[settled.reward.trigger_id]) in life.left


@lives
@often
def test_no_reward_in_force_is_on_hold_once_its_status_was_left(triggers: list[Trigger], steps: list[Step]) -> None:
    life = Life(triggers)
    for step in steps:
        life.run(step)

        assert life.lead is not None
        held_for = {line.status_id for line in life.ledger if line.status_id and _is_held(line.reward, life.now)}
        assert held_for <= {life.lead.status_id}


def _is_held(reward: Reward, now: datetime) -> bool:
    return (
        reward.state in OPEN and reward.corrects is None and reward.hold_until is not None and now < reward.hold_until
    )


@lives
@often
def test_every_state_is_told_of_on_its_way(triggers: list[Trigger], steps: list[Step]) -> None:
    life = lived(triggers, steps)

    known = {one.id: RewardState.PENDING for one in life.rewards}
    for _, settled in life.settled:
        assert known[settled.reward.id] is settled.before
        known[settled.reward.id] = settled.reward.state
    assert known == {one.id: one.state for one in life.rewards}


# The words of the rules


def test_who_earns_and_who_pays() -> None:
    referring, partner, receiving = (UUID(int=n) for n in (71, 72, 73))
    roles = [Member(partner, Role.PARTNER), Member(referring, Role.REFERRING), Member(receiving, Role.RECEIVING)]

    all_three = make.channel(members=tuple(roles))
    without = make.channel(members=tuple(roles[:1]))
    alone = make.channel(members=())

    assert (earner(all_three), payer(all_three)) == (referring, receiving)
    assert (earner(without), payer(without)) == (partner, make.OWNER_ID)
    assert (earner(alone), payer(alone)) == (make.OWNER_ID, make.OWNER_ID)


def test_where_moves_earn_what_they_bring_about_has_a_reaction() -> None:
    origins = [origin for (type, origin), row in TABLE.items() if row.rewards and type is EventType.LEAD_STATUS_CHANGED]

    assert origins
    assert all((EventType.REWARD_CHANGED, origin) in TABLE for origin in origins)
    assert all((EventType.REWARD_CREATED, origin) in TABLE for (_, origin), row in TABLE.items() if row.rewards)
