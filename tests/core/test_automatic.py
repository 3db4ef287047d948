"""Moves that a channel makes by itself, and taking them back, without a database."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadrail.core.channels.model import Channel, Requirement, Rule, RuleCause, RuleState, Status
from leadrail.core.channels.rules import check_rule, circle_with
from leadrail.core.errors import Code, Refused
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import ApplyRule, RecordPurchase, ReverseMove
from leadrail.core.leads.decisions import Decision
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide
from tests.core.make import HELD, LATER, LEAD_ID, LOST, NEW, NOW, QUALIFIED, WON, actor, channel, lead_in, move
from tests.core.make import update as edit

DAY = timedelta(days=1)


def rule(source: Status | None, target: Status, days: int | None = None, **rest: Any) -> Rule:
    cause = RuleCause.PURCHASE if days is None else RuleCause.UNTOUCHED
    number = 300 + (source.position if source else 0) * 10 + target.position
    made = Rule(UUID(int=number), f"Rule {number}", cause, source.id if source else None, target.id, days)
    return replace(made, **rest)


def ruled(*rules: Rule, statuses: tuple[Status, ...] = ()) -> Channel:
    return channel(*statuses, rules=rules)


def apply(lead: Lead, within: Channel, at: datetime) -> Decision:
    return decide(lead, within, ApplyRule(actor=actor(), lead_id=LEAD_ID), at)


def buy(lead: Lead, within: Channel, at: datetime = LATER, **rest: Any) -> Decision:
    given: dict[str, Any] = {"amount": Decimal(500), "currency": "EUR"} | rest
    return decide(lead, within, RecordPurchase(actor=actor(), lead_id=LEAD_ID, purchase_id=UUID(int=70), **given), at)


def reverse(lead: Lead, within: Channel, at: datetime, event_id: UUID | None = None) -> Decision:
    wanted = event_id or UUID((lead.undo or {"event_id": str(UUID(int=0))})["event_id"])
    return decide(lead, within, ReverseMove(actor=actor(), lead_id=LEAD_ID, event_id=wanted), at)


def refused(lead: Lead, within: Channel, at: datetime, event_id: UUID | None = None) -> str:
    with pytest.raises(Refused) as caught:
        reverse(lead, within, at, event_id)
    assert caught.value.refusal.code is Code.CONFLICT
    return caught.value.refusal.message


def place(lead: Lead) -> tuple[Any, ...]:
    stamps = (lead.qualified_at, lead.closed_at, lead.status_changed_at)
    return (lead.status_id, lead.sub_status, lead.reason_id, lead.reason, lead.value, lead.currency, *stamps)


WAITS = ruled(rule(NEW, LOST, 3, reason="No answer"))
BUYS = ruled(rule(None, WON))


# Untouched


def test_a_lead_is_due_after_the_days_of_its_statuss_rule() -> None:
    lead = lead_in(within=WAITS)

    assert lead.rule_due_at == NOW + 3 * DAY
    assert lead_in(HELD, within=WAITS).rule_due_at is None


def test_whoever_touches_it_puts_it_off() -> None:
    touched = decide(lead_in(within=WAITS), WAITS, edit(title="CEO"), NOW + DAY).lead

    assert touched.rule_due_at == NOW + 4 * DAY
    assert apply(touched, WAITS, NOW + 3 * DAY).facts == ()


def test_a_lead_that_leaves_is_no_longer_due() -> None:
    assert decide(lead_in(within=WAITS), WAITS, move(HELD), LATER).lead.rule_due_at is None


def test_the_move_shows_its_rule_and_until_when_it_can_be_taken_back() -> None:
    at = NOW + 3 * DAY
    decision = apply(lead_in(within=WAITS), WAITS, at)

    (fact,) = decision.facts
    assert (decision.lead.status_id, decision.lead.reason, decision.lead.rule_due_at) == (LOST.id, "No answer", None)
    assert (fact.data["rule"]["name"], fact.data["reversible_until"]) == (WAITS.rules[0].name, at + 30 * DAY)


def test_a_moment_too_early_nothing_happens() -> None:
    lead = lead_in(within=WAITS)
    assert apply(lead, WAITS, NOW + 3 * DAY - timedelta(microseconds=1)) == Decision(lead)


@pytest.mark.parametrize("within", [ruled(), ruled(rule(NEW, LOST, 3, state=RuleState.PAUSED))])
def test_a_rule_that_is_gone_or_paused_moves_nothing(within: Channel) -> None:
    decision = apply(lead_in(within=WAITS), within, NOW + 9 * DAY)

    assert (decision.facts, decision.lead.status_id, decision.lead.rule_due_at) == ((), NEW.id, None)


def test_a_rule_that_now_takes_longer_puts_it_off() -> None:
    decision = apply(lead_in(within=WAITS), ruled(rule(NEW, LOST, 8)), NOW + 4 * DAY)
    assert (decision.facts, decision.lead.rule_due_at) == ((), NOW + 8 * DAY)


@pytest.mark.parametrize(
    "statuses",
    [
        (NEW, replace(LOST, requires=(Requirement.VALUE,))),
        (replace(NEW, next=(HELD.id,)), LOST, HELD),
    ],
)
def test_a_lead_that_may_not_move_waits_until_it_is_touched(statuses: Any) -> None:
    within = ruled(rule(NEW, LOST, 3), statuses=statuses)

    stuck = apply(lead_in(within=within), within, NOW + 3 * DAY)
    assert (stuck.facts, stuck.lead.rule_due_at) == ((), None)
    assert decide(stuck.lead, within, edit(title="CEO"), NOW + 5 * DAY).lead.rule_due_at == NOW + 8 * DAY


def test_the_next_statuss_rule_counts_from_the_move_and_not_at_once() -> None:
    within = ruled(rule(NEW, HELD, 3), rule(HELD, LOST, 1))

    decision = apply(lead_in(within=within), within, NOW + 9 * DAY)
    assert (len(decision.facts), decision.lead.status_id, decision.lead.rule_due_at) == (1, HELD.id, NOW + 10 * DAY)


# A purchase


def test_a_purchase_moves_the_lead_in_the_same_step() -> None:
    lead = lead_in(within=BUYS)
    decision = buy(lead, BUYS)

    assert [fact.type for fact in decision.facts] == [EventType.PURCHASE_RECORDED, EventType.LEAD_STATUS_CHANGED]
    assert (decision.lead.status_id, decision.lead.version, decision.lead.closed_at) == (WON.id, 2, LATER)
    assert decision.facts[1].data["rule"]["name"] == BUYS.rules[0].name


def test_its_amount_is_the_leads_value_when_it_has_none() -> None:
    demanding = ruled(rule(None, WON), statuses=(NEW, replace(WON, requires=(Requirement.VALUE,))))

    assert buy(lead_in(within=demanding), demanding).lead.value == Decimal(500)
    assert buy(lead_in(within=demanding, value=Decimal(7)), demanding).lead.value == Decimal(7)


def test_a_move_that_is_refused_leaves_the_purchase_standing_and_says_so() -> None:
    demanding = ruled(rule(None, WON), statuses=(NEW, replace(WON, requires=(Requirement.NOTE,))))
    decision = buy(lead_in(within=demanding), demanding)

    (fact,) = decision.facts
    assert fact.data["rule"]["refused"] is Code.MISSING_REQUIREMENT
    assert (decision.lead.status_id, decision.lead.value, decision.lead.undo) == (NEW.id, None, None)
    assert decision.purchase is not None


@pytest.mark.parametrize("start", [WON, LOST])
def test_a_rule_for_any_status_leaves_closed_leads_alone(start: Status) -> None:
    assert len(buy(lead_in(start, within=BUYS), BUYS).facts) == 1


def test_a_rule_for_the_leads_own_status_goes_first() -> None:
    within = ruled(rule(None, WON), rule(LOST, QUALIFIED), rule(NEW, HELD))

    assert buy(lead_in(LOST, within=within), within).lead.status_id == QUALIFIED.id
    assert buy(lead_in(NEW, within=within), within).lead.status_id == HELD.id


def test_without_a_rule_a_purchase_moves_nothing() -> None:
    assert buy(lead_in(), channel()).lead.status_id == NEW.id


# Taking it back


def test_a_move_is_taken_back_whole() -> None:
    lead = lead_in(within=BUYS)
    moved = buy(lead, BUYS).lead
    back = reverse(moved, BUYS, LATER + DAY)

    assert place(back.lead) == place(lead)
    (fact,) = back.facts
    assert (fact.from_status, fact.to_status) == (WON, NEW)
    assert fact.data["reverses"] == UUID((moved.undo or {})["event_id"])
    assert (back.lead.undo, back.lead.version) == (None, 3)


def test_it_goes_back_whatever_may_follow_and_is_demanded() -> None:
    strict = (replace(NEW, requires=(Requirement.VALUE,)), replace(WON, next=()))
    lead, within = lead_in(value=Decimal(1)), ruled(rule(NEW, WON), statuses=strict)
    moved = decide(buy(lead, within).lead, within, edit(title="CEO"), LATER).lead

    assert reverse(moved, within, LATER).lead.status_id == NEW.id


CALLED = replace(WON, follow_up_after_s=2 * 86_400)


def calling(start: Status = NEW) -> Channel:
    """Whoever buys is to be called after two days."""
    return ruled(rule(start, CALLED), statuses=(start, CALLED, LOST))


def test_the_contact_that_a_person_had_planned_comes_back() -> None:
    within = calling()
    lead = lead_in(within=within, next_follow_up_at=NOW + 9 * DAY)
    moved = buy(lead, within).lead
    back = reverse(moved, within, LATER + DAY).lead

    assert moved.next_follow_up_at == LATER + 2 * DAY
    assert (back.next_follow_up_at, back.follow_up_status_id) == (NOW + 9 * DAY, None)


def test_a_contact_that_somebody_planned_since_stays() -> None:
    within = calling()
    moved = buy(lead_in(within=within, next_follow_up_at=NOW + 9 * DAY), within).lead
    edited = decide(moved, within, edit(next_follow_up_at=NOW + 5 * DAY), LATER).lead

    assert reverse(edited, within, LATER).lead.next_follow_up_at == NOW + 5 * DAY


def test_what_the_former_status_had_planned_it_plans_anew() -> None:
    start = replace(NEW, follow_up_after_s=86_400)
    within = calling(start)
    back = reverse(buy(lead_in(within=within), within).lead, within, LATER + DAY)

    assert (back.lead.next_follow_up_at, back.lead.follow_up_status_id) == (LATER + 2 * DAY, start.id)


def test_a_value_that_somebody_set_since_stays() -> None:
    moved = buy(lead_in(within=BUYS), BUYS).lead
    edited = decide(moved, BUYS, edit(value=Decimal(900)), LATER).lead

    assert reverse(edited, BUYS, LATER).lead.value == Decimal(900)


def test_after_another_move_it_cannot_be_taken_back() -> None:
    moved = buy(lead_in(within=BUYS), BUYS).lead
    event_id = UUID((moved.undo or {})["event_id"])
    later = decide(moved, BUYS, move(HELD), LATER).lead

    assert "moved since" in refused(later, BUYS, LATER, event_id)


def test_it_is_taken_back_once() -> None:
    moved = buy(lead_in(within=BUYS), BUYS).lead
    event_id = UUID((moved.undo or {})["event_id"])

    assert "moved since" in refused(reverse(moved, BUYS, LATER).lead, BUYS, LATER, event_id)


def test_its_time_ends() -> None:
    moved = buy(lead_in(within=BUYS), BUYS).lead

    assert reverse(moved, BUYS, LATER + 30 * DAY).facts
    assert "ended on 2026-04-01" in refused(moved, BUYS, LATER + 30 * DAY + timedelta(seconds=1))


# What a channel may have


def why_not(within: Channel, wanted: Rule) -> tuple[Code, str]:
    with pytest.raises(Refused) as caught:
        check_rule(within, wanted)
    return caught.value.refusal.code, caught.value.refusal.message


def test_a_circle_is_refused_and_named() -> None:
    within = ruled(rule(NEW, HELD, 3), rule(HELD, LOST, 3))
    assert why_not(within, rule(LOST, NEW, 3)) == (
        Code.CONFLICT,
        'Leads would go round in a circle: "Lost" → "New" → "Held" → "Lost"',
    )


def test_a_paused_rule_may_lie_in_a_circle_until_it_is_resumed() -> None:
    back = rule(HELD, NEW, 3, state=RuleState.PAUSED)
    within = ruled(rule(NEW, HELD, 3), back)

    check_rule(within, back)
    assert why_not(within, replace(back, state=RuleState.ACTIVE))[0] is Code.CONFLICT


def test_a_status_has_one_rule_of_a_cause_in_force() -> None:
    assert why_not(WAITS, rule(NEW, HELD, 5))[0] is Code.CONFLICT
    check_rule(WAITS, rule(NEW, WON))


@pytest.mark.parametrize(
    "wanted",
    [
        rule(NEW, NEW, 3),
        rule(None, LOST, 3),
        rule(NEW, LOST, 0),
        rule(NEW, LOST, 3651),
        rule(NEW, LOST, 3, after_days=None),
        rule(NEW, WON, after_days=3),
        rule(NEW, LOST, 3, name=" "),
        rule(NEW, LOST, 3, reason=""),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(wanted: Rule) -> None:
    assert why_not(ruled(), wanted)[0] is Code.INVALID


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), max_size=30))
def test_no_sequence_of_rules_makes_a_circle(asked: list[tuple[int, int, bool]]) -> None:
    statuses = channel().statuses
    kept: tuple[Rule, ...] = ()
    for place, (source, target, is_active) in enumerate(asked):
        state = RuleState.ACTIVE if is_active else RuleState.PAUSED
        wanted = rule(statuses[source], statuses[target], 1, id=UUID(int=place), name=str(place), state=state)
        try:
            check_rule(ruled(*kept), wanted)
        except Refused:
            continue
        kept += (wanted,)
    active = [one for one in kept if one.state is RuleState.ACTIVE]
    follows = {one.from_status_id: one.to_status_id for one in active}
    assert len(follows) == len(active)
    for start in follows:
        at: UUID | None = start
        for _ in range(len(active) + 1):
            at = follows.get(at)
        assert at is None


def test_a_way_without_a_circle_has_an_end() -> None:
    assert circle_with([rule(HELD, LOST, 1)], rule(NEW, HELD, 1)) == []


@given(
    st.lists(st.tuples(st.sampled_from(["buy", "apply", "reverse", "edit", "move"]), st.integers(0, 4)), max_size=25)
)
def test_history_stays_a_chain_whatever_rules_do(steps: list[tuple[str, int]]) -> None:
    within = ruled(rule(NEW, HELD, 2), rule(HELD, LOST, 4), rule(None, WON), rule(LOST, QUALIFIED))
    lead, now = lead_in(within=within), NOW
    at, version = lead.status_id, lead.version
    for step, number in steps:
        now += timedelta(days=number + 1)
        acts: dict[str, Callable[..., Decision]] = {
            "buy": lambda lead, now, _: buy(lead, within, now),
            "apply": lambda lead, now, _: apply(lead, within, now),
            "reverse": lambda lead, now, _: reverse(lead, within, now),
            "edit": lambda lead, now, n: decide(lead, within, edit(title=f"T{n}"), now),
            "move": lambda lead, now, n: decide(lead, within, move(within.statuses[n]), now),
        }
        try:
            decision = acts[step](lead, now, number)
        except Refused:
            continue
        for fact in decision.facts:
            if fact.type is EventType.LEAD_STATUS_CHANGED:
                assert fact.from_status is not None
                assert fact.to_status is not None
                assert fact.from_status.id == at
                at = fact.to_status.id
        lead, version = decision.lead, version + bool(decision.facts)
        assert (lead.status_id, lead.version) == (at, version)
