"""Every rule by which a lead comes to be and changes, without a database."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from leadrail.core.channels.model import Category, Named, Requirement, StatusRef
from leadrail.core.errors import Code
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import LeadCommand, Origin, Step
from leadrail.core.leads.fields import ATTRIBUTION_LIMIT
from leadrail.core.leads.model import document
from leadrail.core.leads.rules import decide
from leadrail.core.leads.standing import missing_requirements, next_statuses
from tests.core.make import (
    FOLLOW_UP_ID,
    HELD,
    LATER,
    LOST,
    NEW,
    NOW,
    PARKED,
    PRICE,
    QUALIFIED,
    STRANGER_ID,
    UNDECIDED,
    WON,
    actor,
    after,
    channel,
    contact,
    create,
    lead_in,
    move,
    refusal,
    status,
    update,
)
from tests.core.make import PARTNER_ID as PARTNER

ELSEWHERE = UUID(int=999)

# Coming in


def test_a_lead_starts_in_the_first_status_with_version_one() -> None:
    lead = lead_in(email="jane@example.com")

    assert (lead.status_id, lead.version, lead.number, lead.created_at) == (NEW.id, 1, 7, NOW)
    assert (lead.qualified_at, lead.closed_at, lead.reason, lead.sub_status) == (None, None, None, None)


def test_its_one_event_says_where_it_starts() -> None:
    (fact,) = after(lead_in(), create()).facts

    assert (fact.type, fact.at, fact.data) == (EventType.LEAD_CREATED, LATER, {"to": Named.of(NEW)})
    assert (fact.from_status, fact.to_status) == (None, NEW)


def test_a_status_that_is_gone_is_not_the_first() -> None:
    gone = replace(NEW, archived=True)

    assert lead_in(within=channel(gone, HELD, WON)).status_id == HELD.id


@pytest.mark.parametrize(
    ("start", "qualified_at", "closed_at"),
    [(NEW, None, None), (QUALIFIED, NOW, None), (WON, None, NOW), (LOST, None, NOW), (HELD, None, None)],
)
def test_a_lead_may_start_elsewhere_and_gets_that_stamp(start: Any, qualified_at: Any, closed_at: Any) -> None:
    lead = lead_in(start)

    assert (lead.status_id, lead.qualified_at, lead.closed_at) == (start.id, qualified_at, closed_at)


@pytest.mark.parametrize(
    ("within", "code"),
    [
        (channel(archived_at=NOW), Code.CHANNEL_ARCHIVED),
        (replace(channel(), statuses=()), Code.UNKNOWN_STATUS),
        (channel(status(1, "Offer", requires=(Requirement.VALUE,))), Code.MISSING_REQUIREMENT),
        (channel(status(1, "Given up", requires=(Requirement.REASON,))), Code.MISSING_REQUIREMENT),
    ],
)
def test_a_channel_that_takes_no_lead_says_why(within: Any, code: Code) -> None:
    assert refusal(None, create(), within).code is code


def test_the_currency_is_the_channels_unless_the_lead_names_one() -> None:
    euro = channel(currency="EUR")

    assert lead_in(within=euro).currency == "EUR"
    assert lead_in(within=euro, currency="DKK").currency == "DKK"


def test_empty_texts_and_null_members_are_not_kept() -> None:
    lead = lead_in(first_name="", attribution={"gclid": "x", "utm_source": None})

    assert (lead.first_name, lead.attribution) == (None, {"gclid": "x"})


# Who may


@pytest.mark.parametrize("who", [actor(STRANGER_ID), actor(channel_ids=frozenset({ELSEWHERE}))])
def test_whoever_may_not_use_the_channel_finds_neither_it_nor_its_leads(who: Any) -> None:
    assert refusal(None, create(actor=who)).code is Code.CHANNEL_FORBIDDEN
    assert refusal(lead_in(), move(WON, actor=who)).code is Code.LEAD_NOT_FOUND


def test_a_member_may_move_a_lead_unless_its_key_is_bound_elsewhere() -> None:
    bound = actor(PARTNER, channel_ids=frozenset({ELSEWHERE}))

    assert after(lead_in(), move(WON, actor=actor(PARTNER))).lead.status_id == WON.id
    assert refusal(lead_in(), move(WON, actor=bound)).code is Code.LEAD_NOT_FOUND


@pytest.mark.parametrize("command", [move(WON), update(source="ads"), contact(done_at=NOW)])
def test_a_lead_that_does_not_exist_is_not_found(command: LeadCommand) -> None:
    assert refusal(None, command).code is Code.LEAD_NOT_FOUND


@pytest.mark.parametrize("command", [move(WON), move(NEW), update(source="ads"), update(), contact(done_at=NOW)])
def test_another_version_than_demanded_is_refused_and_the_right_one_is_not(command: Any) -> None:
    assert refusal(lead_in(), replace(command, version=2)).code is Code.VERSION_CONFLICT
    assert after(lead_in(), replace(command, version=1)).lead.id == lead_in().id


# Which status is meant


@pytest.mark.parametrize(
    ("ref", "meant"),
    [
        (StatusRef(id=LOST.id), LOST),
        (StatusRef(name="lost"), LOST),
        (StatusRef(name="LOST"), LOST),
        (StatusRef(category=Category.LOST), LOST),
        (StatusRef(name="Lost", category=Category.WON), LOST),
        (StatusRef(name="Abandoned", category=Category.LOST), LOST),
    ],
)
def test_a_status_is_named_by_id_by_name_or_by_category(ref: StatusRef, meant: Any) -> None:
    assert after(lead_in(), move(ref)).lead.status_id == meant.id


def test_a_category_means_the_first_status_of_it_that_is_still_there() -> None:
    gone, first, second = (status(n, f"Won {n}", Category.WON, archived=n == 6) for n in (6, 7, 8))
    within = channel(NEW, gone, first, second)

    moved = after(lead_in(within=within), move(StatusRef(category=Category.WON)), within)

    assert moved.lead.status_id == first.id


@pytest.mark.parametrize(
    "ref",
    [
        StatusRef(name="Bogus"),
        StatusRef(name=""),
        StatusRef(id=ELSEWHERE),
        StatusRef(category=Category.DELETED),
        StatusRef(name="Old"),
        StatusRef(id=status(9, "Old").id),
    ],
)
def test_an_unknown_status_is_refused_with_the_names_that_exist(ref: StatusRef) -> None:
    within = channel(NEW, WON, status(9, "Old", archived=True))

    refused = refusal(lead_in(within=within), move(ref), within)

    assert (refused.code, refused.field) == (Code.UNKNOWN_STATUS, "/status")
    assert refused.message.endswith("New, Won")


# What may follow


def test_only_a_status_in_the_list_may_follow() -> None:
    strict = channel(status(1, "New", next=(QUALIFIED, LOST)), QUALIFIED, WON, LOST)
    lead = lead_in(within=strict)

    refused = refusal(lead, move(WON), strict)

    assert (refused.code, refused.details) == (Code.TRANSITION_NOT_ALLOWED, {"next": ["Qualified", "Lost"]})
    assert after(lead, move(LOST), strict).lead.status_id == LOST.id
    assert next_statuses(lead, strict) == [QUALIFIED, LOST]


def test_after_an_empty_list_nothing_follows_but_the_status_itself() -> None:
    final = channel(NEW, status(3, "Won", Category.WON, next=()))
    lead = lead_in(WON, final)

    assert refusal(lead, move(NEW), final).details == {"next": []}
    assert after(lead, move(WON), final).facts == ()
    assert next_statuses(lead, final) == []


def test_without_a_list_any_other_status_may_follow() -> None:
    assert next_statuses(lead_in(), channel()) == [QUALIFIED, WON, LOST, HELD]


# What a status demands

DEMANDED: dict[Requirement, dict[str, Any]] = {
    Requirement.VALUE: {"fields": {"value": Decimal(5)}},
    Requirement.CURRENCY: {"fields": {"currency": "EUR"}},
    Requirement.REASON: {"reason": "Won the pitch"},
    Requirement.NOTE: {"note": "They called"},
}


@pytest.mark.parametrize("requirement", Requirement)
def test_a_status_is_entered_only_with_what_it_demands(requirement: Requirement) -> None:
    strict = channel(NEW, status(3, "Won", Category.WON, requires=(requirement,)))
    lead = lead_in(within=strict)

    refused = refusal(lead, move(WON), strict)

    assert (refused.code, refused.field) == (Code.MISSING_REQUIREMENT, f"/{requirement}")
    assert after(lead, move(WON, **DEMANDED[requirement]), strict).lead.status_id == WON.id


def test_what_the_lead_has_already_need_not_be_sent_but_a_reason_is_asked_anew() -> None:
    strict = channel(NEW, status(3, "Won", Category.WON, requires=tuple(Requirement)), currency="EUR")
    lead = replace(lead_in(within=strict, value=Decimal(5)), reason="Old")

    refused = refusal(lead, move(WON), strict)

    assert refused.details == {"status": "Won", "missing": ["reason", "note"]}
    assert missing_requirements(strict.statuses[1], lead) == [Requirement.REASON, Requirement.NOTE]


@pytest.mark.parametrize("field", ["value", "currency"])
def test_an_edit_may_not_take_away_what_the_status_demands(field: str) -> None:
    strict = channel(status(1, "New", requires=(Requirement(field),)), currency="EUR")
    lead = lead_in(within=strict, value=Decimal(5))

    refused = refusal(lead, update(**{field: None}), strict)

    assert (refused.code, refused.field) == (Code.MISSING_REQUIREMENT, f"/{field}")
    assert after(lead, update(**{field: None})).lead.version == 2


# Reasons and sub-statuses


@pytest.mark.parametrize(
    ("given", "reason_id"),
    [
        ({"reason": "best PRICE elsewhere"}, PRICE.id),
        ({"reason_id": PRICE.id}, PRICE.id),
        ({"reason_number": PRICE.number}, PRICE.id),
        ({"reason": "Something else"}, None),
    ],
)
def test_a_reason_is_given_as_text_by_id_or_by_number(given: dict[str, Any], reason_id: UUID | None) -> None:
    moved = after(lead_in(), move(LOST, **given))

    assert moved.lead.reason_id == moved.facts[0].data["reason_id"] == reason_id
    said = PRICE.text if reason_id is not None else given["reason"]
    assert moved.lead.reason == moved.facts[0].data["reason"] == said


@pytest.mark.parametrize("given", [{"reason_id": ELSEWHERE}, {"reason_number": 99}])
def test_a_reason_that_the_company_lacks_is_refused(given: dict[str, Any]) -> None:
    assert refusal(lead_in(), move(LOST, **given)).code is Code.UNKNOWN_REASON


def test_a_move_without_a_reason_leaves_none_behind() -> None:
    lost = after(lead_in(), move(LOST, reason_id=PRICE.id)).lead

    back = after(lost, move(NEW)).lead

    assert (back.reason, back.reason_id) == (None, None)


def test_a_sub_status_is_kept_as_the_company_spells_it_and_goes_with_the_next_move() -> None:
    held = after(lead_in(), move(HELD, sub_status="UNDECIDED")).lead

    assert held.sub_status == UNDECIDED.name
    assert after(held, move(NEW)).lead.sub_status is None


@pytest.mark.parametrize("name", ["Undecided", "Bogus"])
def test_a_sub_status_of_another_category_is_refused(name: str) -> None:
    refused = refusal(lead_in(), move(WON, sub_status=name))

    assert (refused.code, refused.field) == (Code.UNKNOWN_SUB_STATUS, "/sub_status")


# Staying where it is


@pytest.mark.parametrize("given", [{}, {"reason": ""}, {"note": ""}, {"sub_status": ""}, {"fields": {"source": "ads"}}])
def test_the_same_status_and_nothing_new_is_no_event(given: dict[str, Any]) -> None:
    lead = lead_in(source="ads")

    assert after(lead, move(NEW, **given)) == replace(after(lead, move(NEW)), lead=lead, facts=())


@pytest.mark.parametrize(
    ("given", "data"),
    [
        ({"note": "Called"}, {"changed": {}, "note": "Called"}),
        ({"fields": {"value": Decimal(5)}}, {"changed": {"value": {"from": None, "to": Decimal(5)}}}),
    ],
)
def test_a_note_or_a_value_on_the_same_status_is_an_update(given: dict[str, Any], data: dict[str, Any]) -> None:
    stayed = after(lead_in(), move(NEW, **given))

    assert [(fact.type, fact.data) for fact in stayed.facts] == [(EventType.LEAD_UPDATED, data)]
    assert (stayed.lead.version, stayed.lead.status_changed_at) == (2, NOW)


@pytest.mark.parametrize("given", [{"sub_status": "Parked"}, {"reason": "Budget"}])
def test_a_new_sub_status_or_reason_is_a_change_from_the_status_to_itself(given: dict[str, Any]) -> None:
    held = replace(lead_in(HELD), sub_status="Undecided", reason="Holiday")

    (fact,) = after(held, move(HELD, **given)).facts

    assert (fact.type, fact.from_status, fact.to_status) == (EventType.LEAD_STATUS_CHANGED, HELD, HELD)
    assert after(held, move(HELD, **given)).lead.status_changed_at == NOW


def test_of_sub_status_and_reason_the_one_not_given_stays() -> None:
    held = replace(lead_in(HELD), sub_status="Undecided", reason=PRICE.text, reason_id=PRICE.id)

    parked, budget = after(held, move(HELD, sub_status="Parked")).lead, after(held, move(HELD, reason="Budget")).lead

    assert (parked.sub_status, parked.reason, parked.reason_id) == (PARKED.name, PRICE.text, PRICE.id)
    assert (budget.sub_status, budget.reason, budget.reason_id) == ("Undecided", "Budget", None)


GONE = replace(PRICE, archived=True)
LEFT = replace(PARKED, archived=True)
WITH_ARCHIVED = channel(reasons=(GONE,), sub_statuses=(UNDECIDED, LEFT))


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"reason": "best PRICE elsewhere "}, Code.UNKNOWN_REASON, "/reason"),
        ({"reason_id": PRICE.id}, Code.UNKNOWN_REASON, "/reason_id"),
        ({"reason_number": PRICE.number}, Code.UNKNOWN_REASON, "/reason_id"),
        ({"sub_status": "parked"}, Code.UNKNOWN_SUB_STATUS, "/sub_status"),
    ],
)
def test_what_is_archived_is_given_only_by_a_lead_that_has_it_already(given: Any, code: Code, field: str) -> None:
    elsewhere = replace(lead_in(NEW), reason_id=PRICE.id, reason=PRICE.text)
    there = replace(elsewhere, status_id=HELD.id, sub_status_id=PARKED.id, sub_status="Parked")

    for lead in (lead_in(HELD), elsewhere):
        refused = refusal(lead, move(HELD, **given), WITH_ARCHIVED)
        assert (refused.code, refused.field) == (code, field)
    assert after(there, move(HELD, **given), WITH_ARCHIVED).facts == ()
    assert after(there, move(HELD, {"value": Decimal(5)}, **given), WITH_ARCHIVED).lead.version == 2


def test_what_is_archived_is_taken_from_a_past_and_not_from_a_new_lead() -> None:
    step = Step(status=StatusRef(id=HELD.id), reason=PRICE.text, sub_status="Parked")

    brought = decide(None, WITH_ARCHIVED, create(steps=(step,), origin=Origin.IMPORT), NOW, 7).lead

    assert (brought.reason_id, brought.sub_status_id) == (PRICE.id, PARKED.id)
    assert refusal(None, create(steps=(step,)), WITH_ARCHIVED).code is Code.UNKNOWN_REASON
    without = create(steps=(replace(step, reason=None),))
    assert refusal(None, without, WITH_ARCHIVED).code is Code.UNKNOWN_SUB_STATUS


def test_a_reason_on_offer_goes_before_an_archived_one_that_folds_alike() -> None:
    both = channel(reasons=(replace(PRICE, text="STRASSE"), replace(GONE, id=ELSEWHERE, number=6, text="Straße")))

    assert after(lead_in(), move(LOST, reason="straße"), both).lead.reason_id == PRICE.id


def test_a_lead_that_stays_may_not_lose_what_its_status_demands() -> None:
    strict = channel(NEW, status(3, "Won", Category.WON, requires=(Requirement.VALUE,)))
    won = after(lead_in(within=strict), move(WON, {"value": Decimal(5)}), strict).lead

    assert refusal(won, move(WON, {"value": None}), strict).code is Code.MISSING_REQUIREMENT


# Qualified on the way


def test_also_qualified_records_the_qualified_event_before_the_won_event() -> None:
    moved = after(lead_in(), move(WON, also_qualified=True))

    assert [(fact.from_status, fact.to_status) for fact in moved.facts] == [(NEW, QUALIFIED), (QUALIFIED, WON)]
    assert [fact.data["seconds_in_previous"] for fact in moved.facts] == [3600, 0]
    assert (moved.lead.qualified_at, moved.lead.closed_at, moved.lead.version) == (LATER, LATER, 2)


@pytest.mark.parametrize(
    ("lead", "to", "within"),
    [
        (lead_in(QUALIFIED), WON, channel()),
        (replace(lead_in(HELD), qualified_at=NOW), WON, channel()),
        (lead_in(), LOST, channel()),
        (lead_in(), WON, channel(NEW, WON, LOST)),
    ],
    ids=["in qualified", "qualified before", "not won", "no qualified status"],
)
def test_also_qualified_adds_nothing_where_there_is_nothing_to_add(lead: Any, to: Any, within: Any) -> None:
    facts = after(lead, move(to, also_qualified=True), within).facts

    assert [fact.to_status for fact in facts] == [to]


def test_also_qualified_does_not_leave_won_to_come_back_to_it() -> None:
    won = lead_in(WON)

    (fact,) = after(won, move(WON, also_qualified=True, reason="Renewed")).facts

    assert (fact.from_status, fact.to_status) == (WON, WON)


def test_each_step_of_the_way_must_be_one_that_may_follow() -> None:
    strict = channel(NEW, status(2, "Qualified", Category.QUALIFIED, next=(LOST,)), WON, LOST)

    refused = refusal(lead_in(within=strict), move(WON, also_qualified=True), strict)

    assert refused.code is Code.TRANSITION_NOT_ALLOWED


# Times


def test_qualified_at_is_the_first_time_and_stays() -> None:
    qualified = lead_in(QUALIFIED)

    back = after(qualified, move(NEW)).lead

    assert back.qualified_at == after(back, move(QUALIFIED)).lead.qualified_at == NOW


def test_closed_at_is_set_by_won_and_lost_kept_between_them_and_cleared_by_reopening() -> None:
    won = lead_in(WON)

    assert after(lead_in(), move(LOST)).lead.closed_at == LATER
    assert after(won, move(LOST)).lead.closed_at == NOW
    assert after(won, move(HELD)).lead.closed_at is None


def test_a_backdated_change_keeps_both_times() -> None:
    yesterday = NOW - timedelta(days=1)

    moved = after(lead_in(), move(QUALIFIED, at=yesterday))

    assert moved.facts[0].at == yesterday
    assert (moved.lead.status_changed_at, moved.lead.qualified_at, moved.lead.updated_at) == (LATER, LATER, LATER)


def test_a_change_in_the_future_is_refused_beyond_five_minutes() -> None:
    skewed, future = LATER + timedelta(minutes=5), LATER + timedelta(minutes=5, seconds=1)

    assert after(lead_in(), move(WON, at=skewed)).facts[0].at == skewed
    assert refusal(lead_in(), move(WON, at=future)).field == "/at"


@pytest.mark.parametrize(
    "command",
    [
        move(WON, at=datetime(1, 1, 1, tzinfo=UTC)),
        move(NEW, at=datetime(1, 1, 1, tzinfo=UTC)),
        update(next_follow_up_at=datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=14)))),
        contact(done_at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
        contact(next_at=datetime(9999, 12, 31, tzinfo=UTC)),
        contact(scheduled_at=datetime(9999, 12, 31, tzinfo=UTC)),
    ],
)
def test_a_time_that_nobody_can_mean_is_refused(command: LeadCommand) -> None:
    assert refusal(lead_in(), command).code is Code.INVALID


def test_times_of_other_zones_are_kept_in_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))

    moved, edited = after(lead_in(), move(WON, at=elsewhere)), after(lead_in(), update(next_follow_up_at=elsewhere))
    done = after(lead_in(), contact(done_at=elsewhere)).lead

    kept = (moved.facts[0].at, edited.lead.next_follow_up_at, done.last_follow_up_at)
    assert [time.tzinfo for time in kept if time == NOW] == [UTC, UTC, UTC]


# What the event says


def test_the_event_says_all_that_a_receiver_asks_about() -> None:
    command = move(LOST, {"value": Decimal(9)}, note="Called", reason="Budget", context={"campaign": "spring"})

    (fact,) = after(lead_in(currency="EUR"), command).facts

    assert fact.data == {
        "from": Named.of(NEW),
        "to": Named.of(LOST),
        "reason": "Budget",
        "reason_id": None,
        "sub_status": None,
        "note": "Called",
        "value": Decimal(9),
        "currency": "EUR",
        "changed": {"value": {"from": None, "to": Decimal(9)}},
        "context": {"campaign": "spring"},
        "seconds_in_previous": 3600,
    }


def test_a_clock_that_ran_back_gives_no_negative_time_in_status() -> None:
    lead = replace(lead_in(), status_changed_at=LATER + timedelta(hours=1))

    assert after(lead, move(WON)).facts[0].data["seconds_in_previous"] == 0


@pytest.mark.parametrize("given", [{"note": "n" * 20_001}, {"reason": "r" * 1_001}])
def test_a_text_that_is_too_long_is_refused(given: dict[str, Any]) -> None:
    refused = refusal(lead_in(), move(WON, **given))

    assert (refused.code, refused.field) == (Code.INVALID, f"/{next(iter(given))}")


# Edits


def test_an_edit_records_each_field_that_really_changed() -> None:
    edited = after(lead_in(source="ads", title="CEO"), update(source="fair", title="CEO", assignee=None, notes=""))

    assert edited.facts[0].data == {"changed": {"source": {"from": "ads", "to": "fair"}}}
    assert (edited.lead.version, edited.lead.updated_at, edited.lead.status_changed_at) == (2, LATER, NOW)


@pytest.mark.parametrize("fields", [{}, {"source": "ads"}, {"value": Decimal("5.00")}, {"attribution": {"gclid": "x"}}])
def test_an_edit_that_changes_nothing_is_no_event(fields: dict[str, Any]) -> None:
    lead = lead_in(source="ads", value=Decimal(5), attribution={"gclid": "x"})

    assert after(lead, update(**fields)) == replace(after(lead, update()), lead=lead, facts=())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"utm_source": "google"}, {"gclid": "x", "utm_source": "google"}),
        ({"gclid": "y"}, {"gclid": "y"}),
        ({"gclid": None}, {}),
        ({}, {"gclid": "x"}),
        (None, {}),
    ],
)
def test_attribution_is_laid_over_what_is_there(given: Any, kept: dict[str, Any]) -> None:
    assert after(lead_in(attribution={"gclid": "x"}), update(attribution=given)).lead.attribution == kept


def test_attribution_cannot_grow_past_its_limit_in_small_steps() -> None:
    half = "x" * (ATTRIBUTION_LIMIT // 2)
    lead = lead_in(attribution={"one": half})

    assert refusal(lead, update(attribution={"other": half})).field == "/attribution"
    assert after(lead, update(attribution={"other": half, "one": None})).lead.version == 2


# Follow-ups


def test_a_follow_up_needs_a_time() -> None:
    assert refusal(lead_in(), contact(notes="Nothing")).field == "/done_at"


def test_a_done_follow_up_is_noted_on_the_lead() -> None:
    decision = after(lead_in(), contact(done_at=NOW, next_at=LATER, notes="Left a message", done_by="sam"))

    assert (decision.lead.last_follow_up_at, decision.lead.next_follow_up_at, decision.lead.version) == (NOW, LATER, 2)
    (follow_up,) = decision.follow_ups
    assert (follow_up.id, follow_up.followed_up_by) == (FOLLOW_UP_ID, "sam")
    assert [fact.type for fact in decision.facts] == [EventType.FOLLOW_UP_RECORDED]


def test_a_contact_recorded_late_is_not_the_last() -> None:
    lead = after(lead_in(), contact(done_at=NOW)).lead

    assert after(lead, contact(done_at=NOW - timedelta(days=1))).lead.last_follow_up_at == NOW
    assert after(lead, contact(next_at=LATER)).lead.last_follow_up_at == NOW
    assert after(lead, contact(done_at=LATER)).lead.last_follow_up_at == LATER


EARLIER, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("planned", "given", "next_at"),
    [
        (None, {"scheduled_at": TOMORROW}, TOMORROW),
        (None, {"scheduled_at": TOMORROW, "done_at": NOW}, None),
        (TOMORROW, {"done_at": NOW}, TOMORROW),
        (EARLIER, {"done_at": NOW}, None),
        (EARLIER, {"done_at": NOW, "next_at": TOMORROW}, TOMORROW),
        (TOMORROW, {"scheduled_at": LATER}, LATER),
    ],
)
def test_the_next_follow_up_is_the_one_planned_unless_it_was_just_done(planned: Any, given: Any, next_at: Any) -> None:
    lead = replace(lead_in(), next_follow_up_at=planned)

    assert after(lead, contact(**given)).lead.next_follow_up_at == next_at


@pytest.mark.parametrize("given", [{"notes": "n" * 20_001}, {"done_by": "d" * 201}, {"created_by": "c" * 201}])
def test_a_follow_up_with_a_text_that_is_too_long_is_refused(given: dict[str, Any]) -> None:
    assert refusal(lead_in(), contact(done_at=NOW, **given)).field == f"/{next(iter(given))}"


# As it is shown


def test_the_document_joins_the_names_and_names_the_status() -> None:
    shown = document(lead_in(first_name="Jane", last_name="Doe"), channel())

    assert (shown.name, shown.status) == ("Jane Doe", Named.of(NEW))
    assert document(lead_in(first_name="Jane", name="Dr. Doe"), channel()).name == "Dr. Doe"
