"""Whatever happens to a lead and its rewards, in whatever order: the rules hold and the sums reconcile."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from leadrail.core.channels.model import StatusRef
from leadrail.core.errors import Refused
from leadrail.core.leads.commands import (
    ChangeStatus,
    CorrectReward,
    CreateLead,
    DecideReward,
    LeadCommand,
    RecordPurchase,
    RewardDecision,
)
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide
from leadrail.core.rewards.deciding import corrected, decided
from leadrail.core.rewards.model import (
    Cause,
    Kind,
    Ledger,
    Line,
    Reward,
    RewardState,
    Settled,
    Trigger,
    TriggerState,
    after,
)
from leadrail.core.save import follow
from leadrail.core.setup import Setup
from leadrail.kit.ids import new_id
from tests.core import make

HOLD_DAYS = 10
CHANNEL = make.channel(currency="EUR")


def trigger(number: int, cause: Cause, **rest: Any) -> Trigger:
    values = {"status_id": make.WON.id if cause is Cause.STATUS_CHANGE else None, "kind": Kind.FIXED, "repeat": False}
    amount = Decimal(10 * number)
    return Trigger(id=UUID(int=700 + number), cause=cause, amount=amount, state=TriggerState.ACTIVE, **(values | rest))


TRIGGERS = (
    trigger(1, Cause.NEW_LEAD),
    trigger(2, Cause.STATUS_CHANGE, hold_days=HOLD_DAYS),
    trigger(3, Cause.STATUS_CHANGE, kind=Kind.PERCENT, cap=Decimal(25), hold_days=HOLD_DAYS),
    trigger(4, Cause.STATUS_CHANGE, repeat=True),
    trigger(5, Cause.PURCHASE, kind=Kind.PERCENT, repeat=True),
    trigger(6, Cause.PURCHASE),
)
SETUP = Setup(CHANNEL, TRIGGERS, (), has_rewards=True)
BY_ID = {one.id: one for one in TRIGGERS}


@dataclass
class Life:
    """One lead, its ledger, and every state that each line has been in."""

    now: datetime = make.NOW
    lead: Lead | None = None
    ledger: Ledger = ()
    seen: dict[UUID, list[Reward]] = field(default_factory=dict)

    def do(self, command: LeadCommand) -> None:
        decision = decide(self.lead, CHANNEL, command, self.now, 1)
        change = follow(command, SETUP, self.lead, decision, self.ledger, self.now)
        self.lead, self.ledger = change.lead, change.ledger

    def settle(self, settled: Settled | None, line: Line | None = None) -> None:
        if line is not None:
            self.ledger = (*self.ledger, line)
        elif settled is not None:
            self.ledger = after(self.ledger, (settled,))

    def note(self) -> None:
        for line in self.ledger:
            states = self.seen.setdefault(line.reward.id, [])
            if not states or states[-1] != line.reward:
                states.append(line.reward)


days = st.integers(0, 2 * HOLD_DAYS)
moves = st.tuples(st.just("move"), st.sampled_from(make.STATUSES))
purchases = st.tuples(st.just("buy"), st.decimals(0, 500, places=2))
decisions = st.tuples(st.just("decide"), st.tuples(st.sampled_from(RewardDecision), st.integers(0, 20)))
corrections = st.tuples(st.just("correct"), st.tuples(st.integers(0, 20), st.decimals(0, 60, places=1)))
steps = st.lists(st.tuples(days, moves | purchases | decisions | corrections), max_size=40)


def lived(steps: list[tuple[int, tuple[str, Any]]]) -> Life:
    life = Life()
    life.do(CreateLead(actor=make.actor(), channel_id=CHANNEL.id, lead_id=make.LEAD_ID, fields={"value": Decimal(100)}))
    life.note()
    for waited, (kind, what) in steps:
        life.now += timedelta(days=waited)
        try:
            _step(life, kind, what)
        except Refused:
            continue
        life.note()
    return life


def _step(life: Life, kind: str, what: Any) -> None:
    actor = make.actor()
    if kind == "move":
        life.do(ChangeStatus(actor=actor, lead_id=make.LEAD_ID, status=StatusRef(id=what.id)))
    elif kind == "buy":
        life.do(RecordPurchase(actor=actor, lead_id=make.LEAD_ID, purchase_id=new_id(), amount=what))
    elif kind == "decide":
        _, settled = decided(life.ledger, make.OWNER_ID, _decision(life, *what), life.now)
        life.settle(settled)
    else:
        line, settled = corrected(life.ledger, make.OWNER_ID, _correction(life, *what), life.now)
        life.settle(settled, line)


def _decision(life: Life, decision: RewardDecision, place: int) -> DecideReward:
    id = life.ledger[place % len(life.ledger)].reward.id
    common: dict[str, Any] = {
        "actor": make.actor(),
        "company_id": make.OWNER_ID,
        "lead_id": make.LEAD_ID,
        "reward_id": id,
    }
    return DecideReward(**common, decision=decision, reason="because")


def _correction(life: Life, place: int, amount: Decimal) -> CorrectReward:
    id = life.ledger[place % len(life.ledger)].reward.id
    common: dict[str, Any] = {
        "actor": make.actor(),
        "company_id": make.OWNER_ID,
        "lead_id": make.LEAD_ID,
        "reward_id": id,
    }
    return CorrectReward(**common, correction_id=new_id(), amount=amount, reason="returned")


def _about(reward_id: UUID) -> dict[str, Any]:
    return {"actor": make.actor(), "company_id": make.OWNER_ID, "lead_id": make.LEAD_ID, "reward_id": reward_id}


@given(steps)
def test_a_trigger_pays_once_for_a_lead_unless_it_repeats_or_it_was_taken_back(steps: Any) -> None:
    lines = [line.reward for line in lived(steps).ledger if line.reward.corrects is None]

    standing = Counter(one.trigger_id for one in lines if not one.clawed_back and not BY_ID[one.trigger_id].repeat)
    assert max(standing.values(), default=0) <= 1
    assert all(one.amount > 0 for one in lines)
    assert all(one.amount <= (BY_ID[one.trigger_id].cap or one.amount) for one in lines)


@given(steps)
def test_lines_go_one_way_and_paid_and_rejected_ones_never_change(steps: Any) -> None:
    order = [RewardState.PENDING, RewardState.APPROVED, RewardState.REJECTED, RewardState.PAID]
    for states in lived(steps).seen.values():
        assert [order.index(one.state) for one in states] == sorted({order.index(one.state) for one in states})
        assert all(one.state in order[:2] for one in states[:-1])
        assert len({(one.id, one.amount, one.currency, one.company_id) for one in states}) == 1


@given(steps)
def test_only_what_is_on_hold_is_taken_back_and_nothing_is_paid_on_hold(steps: Any) -> None:
    for states in lived(steps).seen.values():
        last = states[-1]
        if last.clawed_back:
            assert last.state is RewardState.REJECTED
            assert last.decided_at is not None
            assert last.hold_until is not None
            assert last.decided_at < last.hold_until
        if last.state is RewardState.PAID and last.hold_until is not None:
            assert last.decided_at is not None
            assert last.decided_at >= last.hold_until


@given(steps)
def test_corrections_never_take_back_more_than_there_was_and_the_sums_reconcile(steps: Any) -> None:
    lines = [line.reward for line in lived(steps).ledger]
    by_state = {state: sum(one.amount for one in lines if one.state is state) for state in RewardState}
    net = sum(one.amount for one in lines if one.state is not RewardState.REJECTED)

    for original in (one for one in lines if one.corrects is None):
        taken = [one for one in lines if one.corrects == original.id]
        assert not taken or original.state is RewardState.PAID
        kept = original.amount + sum(one.amount for one in taken if one.state is not RewardState.REJECTED)
        assert 0 <= kept <= original.amount
    assert net == sum(by_state.values()) - by_state[RewardState.REJECTED]
    assert net >= 0
