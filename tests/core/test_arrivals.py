"""Leads that bring a history along, purchases, and edits that are told apart: the rules, without a database."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadrail.core.channels.model import Named, Requirement, Status, StatusRef
from leadrail.core.errors import Code
from leadrail.core.events.model import EventType
from leadrail.core.identity import KeyKind
from leadrail.core.leads.arriving import arrival_keys
from leadrail.core.leads.commands import Contact, Origin, RecordPurchase, Step
from leadrail.core.leads.creating import MOST_STEPS
from leadrail.core.leads.decisions import Decision
from leadrail.core.leads.rules import decide
from tests.core.make import (
    HELD,
    HOT,
    LATER,
    LEAD_ID,
    LOST,
    NEW,
    NOW,
    PRICE,
    QUALIFIED,
    STATUSES,
    UNDECIDED,
    WON,
    actor,
    after,
    channel,
    create,
    lead_in,
    move,
    refusal,
    status,
)

YESTERDAY = NOW - timedelta(days=1)
PURCHASE_ID = UUID(int=31)


def step(to: Status, **rest: Any) -> Step:
    return Step(status=StatusRef(id=to.id), **rest)


def arrived(*steps: Step, **rest: Any) -> Decision:
    return decide(None, channel(), create(steps=steps, **rest), NOW, 7)


def bought(**rest: Any) -> RecordPurchase:
    return RecordPurchase(actor=actor(), lead_id=LEAD_ID, purchase_id=PURCHASE_ID, **rest)


# What a lead brings along


def test_a_lead_that_brings_its_history_is_where_its_last_step_led() -> None:
    steps = (step(NEW, at=YESTERDAY), step(HELD, at=YESTERDAY + timedelta(hours=2), sub_status="undecided"))
    decision = arrived(*steps, at=YESTERDAY)

    lead = decision.lead
    assert (lead.status_id, lead.sub_status, lead.created_at) == (HELD.id, UNDECIDED.name, YESTERDAY)
    assert (lead.status_changed_at, lead.updated_at, lead.version) == (YESTERDAY + timedelta(hours=2), NOW, 1)
    created, moved = decision.facts
    assert (created.type, created.at, created.data) == (EventType.LEAD_CREATED, YESTERDAY, {"to": Named.of(NEW)})
    assert (moved.type, moved.from_status, moved.to_status) == (EventType.LEAD_STATUS_CHANGED, NEW, HELD)
    assert (moved.data["seconds_in_previous"], moved.data["sub_status"]) == (7200, "Undecided")


def test_a_move_that_is_brought_along_is_told_as_any_other() -> None:
    brought = arrived(step(NEW), step(LOST, reason="Too dear", note="By phone")).facts[1]
    lived = after(lead_in(), move(LOST, reason="Too dear", note="By phone")).facts[0]

    assert set(brought.data) == set(lived.data)
    assert (brought.data["reason"], brought.data["note"]) == ("Too dear", "By phone")


def test_the_first_step_says_why_only_when_there_is_something_to_say() -> None:
    (fact,) = arrived(step(NEW, reason_number=PRICE.number, sub_status="Hot", context={"created_by": 7})).facts

    assert fact.data == {
        "to": Named.of(NEW),
        "reason": PRICE.text,
        "reason_id": PRICE.id,
        "sub_status": HOT.name,
        "context": {"created_by": 7},
    }


def test_a_lead_keeps_the_reason_of_its_last_step_alone() -> None:
    lead = arrived(step(NEW, reason="Called"), step(HELD)).lead

    assert (lead.reason, lead.reason_id) == (None, None)


def test_the_stamps_are_those_of_the_steps() -> None:
    won_at = YESTERDAY + timedelta(hours=3)
    lead = arrived(step(NEW, at=YESTERDAY), step(QUALIFIED, at=YESTERDAY), step(WON, at=won_at)).lead

    assert (lead.qualified_at, lead.closed_at) == (YESTERDAY, won_at)


@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=12), st.data())
def test_any_history_is_a_chain(path: list[Status], data: st.DataObject) -> None:
    moments = [data.draw(st.none() | st.integers(0, 10**8)) for _ in path]
    times = [None if seconds is None else NOW - timedelta(seconds=seconds) for seconds in moments]
    steps = [step(to, at=at) for to, at in zip(path, times, strict=True)]

    decision = arrived(*steps)

    created, *moved = decision.facts
    assert created.to_status == path[0]
    assert [(fact.from_status, fact.to_status) for fact in moved] == list(pairwise(path))
    assert decision.lead.status_id == path[-1].id
    assert all(fact.data["seconds_in_previous"] >= 0 for fact in moved)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"steps": (step(status(99, "Elsewhere")),)}, Code.UNKNOWN_STATUS),
        ({"steps": (step(NEW, reason_number=99),)}, Code.UNKNOWN_REASON),
        ({"steps": (step(NEW, sub_status="Undecided"),)}, Code.UNKNOWN_SUB_STATUS),
        ({"steps": (step(NEW, at=NOW + timedelta(days=1)),)}, Code.INVALID),
        ({"at": NOW + timedelta(days=1)}, Code.INVALID),
        ({"updated_at": NOW + timedelta(days=1)}, Code.INVALID),
        ({"steps": (step(NEW),) * (MOST_STEPS + 1)}, Code.INVALID),
        ({"contacts": (Contact(follow_up_id=PURCHASE_ID, notes="x" * 20_001),)}, Code.INVALID),
    ],
)
def test_a_history_that_cannot_be_is_refused(given: dict[str, Any], code: Code) -> None:
    assert refusal(None, create(**given)).code is code


def test_the_last_status_demands_what_it_requires_save_of_an_import() -> None:
    within = channel(NEW, status(3, "Won", requires=(Requirement.VALUE,)))
    steps = (step(NEW), Step(status=StatusRef(name="won")))

    assert refusal(None, create(steps=steps), within).code is Code.MISSING_REQUIREMENT
    decide(None, within, create({"value": Decimal(5)}, steps=steps), NOW, 7)
    decide(None, within, create(steps=steps, origin=Origin.IMPORT), NOW, 7)


def test_an_archived_channel_takes_imported_leads_alone() -> None:
    within = channel(archived_at=NOW)

    assert refusal(None, create(), within).code is Code.CHANNEL_ARCHIVED
    assert decide(None, within, create(origin=Origin.IMPORT), NOW, 7).lead.status_id == NEW.id


def test_contacts_are_brought_along_and_the_last_done_one_is_noted() -> None:
    contacts = (
        Contact(follow_up_id=PURCHASE_ID, done_at=YESTERDAY, done_by="sam", notes="Called"),
        Contact(follow_up_id=LEAD_ID, scheduled_at=YESTERDAY - timedelta(days=1)),
    )
    decision = arrived(contacts=contacts)

    assert decision.lead.last_follow_up_at == YESTERDAY
    assert [(one.id, one.followed_up_by, one.notes) for one in decision.follow_ups] == [
        (PURCHASE_ID, "sam", "Called"),
        (LEAD_ID, None, None),
    ]
    assert [fact.type for fact in decision.facts] == [
        EventType.LEAD_CREATED,
        EventType.FOLLOW_UP_RECORDED,
        EventType.FOLLOW_UP_RECORDED,
    ]


# Keys that a new lead wants for itself


def test_a_new_lead_claims_the_keys_of_the_kind_it_names() -> None:
    fields = {"email": "Jane@Example.com", "linkedin_url": "https://www.linkedin.com/in/Jane-Doe/"}

    assert arrival_keys(channel(), create(fields)) == frozenset()
    assert arrival_keys(channel(), create(fields, unique_by=KeyKind.LINKEDIN)) == {(KeyKind.LINKEDIN, "jane-doe")}
    external = {"attribution": {"external_ids": {"octanist": "lead_1", "crm": 5, "no": None, "list": []}}}
    assert arrival_keys(channel(), create(external, unique_by=KeyKind.EXTERNAL_ID)) == {
        (KeyKind.EXTERNAL_ID, "octanist:lead_1"),
        (KeyKind.EXTERNAL_ID, "crm:5"),
    }


# Edits that are told apart


def test_edits_beside_a_move_are_told_in_an_event_of_their_own() -> None:
    decision = after(lead_in(), move(QUALIFIED, {"value": Decimal(5)}, edits={"source": "ads"}))

    moved, edited = decision.facts
    assert (moved.type, moved.data["changed"]) == (
        EventType.LEAD_STATUS_CHANGED,
        {"value": {"from": None, "to": Decimal(5)}},
    )
    assert (edited.type, edited.data) == (
        EventType.LEAD_UPDATED,
        {"changed": {"source": {"from": None, "to": "ads"}}},
    )
    assert (decision.lead.source, decision.lead.version) == ("ads", 2)


def test_edits_that_change_nothing_are_not_told() -> None:
    decision = after(lead_in(source="ads"), move(QUALIFIED, edits={"source": "ads"}))

    assert [fact.type for fact in decision.facts] == [EventType.LEAD_STATUS_CHANGED]


def test_edits_without_a_move_are_one_update() -> None:
    decision = after(lead_in(), move(NEW, {"value": Decimal(5)}, edits={"source": "ads"}))

    (fact,) = decision.facts
    assert (fact.type, set(fact.data["changed"])) == (EventType.LEAD_UPDATED, {"value", "source"})


# Purchases


def test_a_purchase_is_kept_with_its_time_and_the_currency_of_the_lead() -> None:
    decision = after(lead_in(currency="EUR"), bought(name="Pro plan", amount=Decimal("1500.00"), at=NOW))

    assert decision.purchase is not None
    kept = (decision.purchase.name, decision.purchase.amount, decision.purchase.currency)
    assert kept == ("Pro plan", Decimal(1500), "EUR")
    assert (decision.purchase.purchased_at, decision.purchase.created_at) == (NOW, LATER)
    (fact,) = decision.facts
    assert (fact.type, fact.at, fact.data) == (EventType.PURCHASE_RECORDED, NOW, {"purchase": decision.purchase})
    assert (decision.lead.version, decision.lead.status_id) == (2, NEW.id)


def test_a_purchase_may_be_dated_ahead() -> None:
    purchase = after(lead_in(), bought(at=LATER + timedelta(days=30))).purchase

    assert purchase is not None
    assert (purchase.purchased_at, purchase.created_at) == (LATER + timedelta(days=30), LATER)


def test_a_purchase_may_say_nothing_at_all() -> None:
    purchase = after(lead_in(), bought()).purchase

    assert purchase is not None
    assert (purchase.name, purchase.amount, purchase.currency, purchase.purchased_at) == (None, None, None, LATER)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount": Decimal(-1)}, "/amount"),
        ({"amount": Decimal("NaN")}, "/amount"),
        ({"currency": "euro"}, "/currency"),
        ({"name": "x" * 301}, "/name"),
        ({"at": NOW.replace(year=1800)}, "/at"),
    ],
)
def test_a_purchase_that_cannot_be_is_refused(given: dict[str, Any], field: str) -> None:
    found = refusal(lead_in(), bought(**given))

    assert (found.code, found.field) == (Code.INVALID, field)
