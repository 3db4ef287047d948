"""The next contact with a lead, as statuses and people plan it, and as it is told."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from leadrail.core.actor import system
from leadrail.core.channels.model import Category, Channel, Status
from leadrail.core.errors import Code, Refused
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import AddNote, Origin, RemindFollowUp
from leadrail.core.leads.decisions import Decision
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide
from tests.core.make import (
    LATER,
    LEAD_ID,
    LOST,
    NEW,
    NOW,
    OWNER_ID,
    QUALIFIED,
    STATUSES,
    WON,
    after,
    channel,
    contact,
    create,
    lead_in,
    move,
    refusal,
    update,
)

CALL = replace(QUALIFIED, follow_up_after_s=48 * 3600, follow_up_note="Call")
CALLING = channel(*(CALL if one is QUALIFIED else one for one in STATUSES))
IN_TWO_DAYS = LATER + timedelta(hours=48)
DELETED = Status(CALL.id, "Gone", Category.DELETED, 9, "#000000")


def types(decision: Decision) -> list[EventType]:
    return [fact.type for fact in decision.facts]


def reminded(lead: Lead, at: datetime, within: Channel = CALLING) -> Decision:
    return decide(lead, within, RemindFollowUp(actor=system(OWNER_ID, "test"), lead_id=lead.id), at)


def planned_lead(**fields: Any) -> Lead:
    return lead_in(NEW, CALLING, next_follow_up_at=NOW, **fields)


# What a status plans


def test_entering_a_status_plans_what_it_says() -> None:
    decision = after(lead_in(NEW, CALLING), move(CALL), CALLING)

    (planned,) = decision.follow_ups
    assert (planned.scheduled_at, planned.notes) == (IN_TWO_DAYS, "Call")
    assert decision.lead.next_follow_up_at == IN_TWO_DAYS
    assert types(decision) == [EventType.LEAD_STATUS_CHANGED, EventType.FOLLOW_UP_RECORDED]


def test_a_lead_that_starts_there_is_planned_too() -> None:
    assert lead_in(CALL, CALLING).next_follow_up_at == NOW + timedelta(hours=48)


def test_an_imported_lead_is_not() -> None:
    command = create(status=move(CALL).status, origin=Origin.IMPORT)
    assert decide(None, CALLING, command, NOW, 7).lead.next_follow_up_at is None


def test_staying_does_not_plan_again() -> None:
    lead = lead_in(CALL, CALLING)
    decision = after(lead, move(CALL, reason="Price"), CALLING)
    assert (decision.lead.next_follow_up_at, decision.follow_ups) == (lead.next_follow_up_at, ())


def test_an_earlier_contact_that_lies_ahead_wins() -> None:
    tomorrow = LATER + timedelta(hours=24)
    decision = after(lead_in(NEW, CALLING, next_follow_up_at=tomorrow), move(CALL), CALLING)
    assert (decision.lead.next_follow_up_at, decision.follow_ups) == (tomorrow, ())


@pytest.mark.parametrize("at", [NOW, LATER + timedelta(days=9)])
def test_a_later_contact_or_one_that_has_passed_gives_way(at: datetime) -> None:
    decision = after(lead_in(NEW, CALLING, next_follow_up_at=at), move(CALL), CALLING)
    assert decision.lead.next_follow_up_at == IN_TWO_DAYS


def test_what_a_status_planned_falls_away_with_it() -> None:
    assert after(lead_in(CALL, CALLING), move(WON), CALLING).lead.next_follow_up_at is None


def test_what_a_person_planned_stays() -> None:
    lead = after(lead_in(CALL, CALLING), update(next_follow_up_at=IN_TWO_DAYS), CALLING).lead
    assert after(lead, move(WON), CALLING).lead.next_follow_up_at == IN_TWO_DAYS


# What is told


def test_nothing_is_told_before_its_time() -> None:
    lead = planned_lead()
    assert reminded(lead, NOW - timedelta(seconds=1)) == Decision(lead)


def test_a_contact_is_due_once() -> None:
    first = reminded(planned_lead(assignee="sam"), NOW)
    assert types(first) == [EventType.FOLLOW_UP_DUE]
    assert first.facts[0].data == {"follow_up_at": NOW, "assignee": "sam", "note": None}
    assert types(reminded(first.lead, NOW + timedelta(hours=23))) == []


def test_it_is_overdue_once_after_a_day() -> None:
    due = reminded(planned_lead(), NOW).lead
    late = reminded(due, NOW + timedelta(hours=24))
    assert types(late) == [EventType.FOLLOW_UP_OVERDUE]
    assert types(reminded(late.lead, NOW + timedelta(days=9))) == []


def test_nothing_is_missed_by_who_comes_a_day_late() -> None:
    late = reminded(planned_lead(), NOW + timedelta(days=3))
    assert types(late) == [EventType.FOLLOW_UP_DUE, EventType.FOLLOW_UP_OVERDUE]


def test_a_notice_is_nobodys_touch() -> None:
    lead = planned_lead()
    told = reminded(lead, LATER).lead
    assert (told.version, told.updated_at) == (lead.version, lead.updated_at)


def test_the_notice_says_what_the_status_wanted() -> None:
    lead = lead_in(CALL, CALLING)
    assert reminded(lead, NOW + timedelta(hours=48)).facts[0].data["note"] == "Call"


@pytest.mark.parametrize(
    "command", [update(next_follow_up_at=LATER), contact(scheduled_at=LATER), contact(done_at=NOW, next_at=LATER)]
)
def test_a_contact_planned_anew_is_told_anew(command: Any) -> None:
    told = reminded(planned_lead(), NOW).lead
    anew = after(told, command, CALLING).lead
    assert types(reminded(anew, LATER)) == [EventType.FOLLOW_UP_DUE]


def test_another_change_does_not_tell_anew() -> None:
    told = reminded(planned_lead(), NOW).lead
    assert types(reminded(after(told, update(title="CEO"), CALLING).lead, LATER)) == []


@pytest.mark.parametrize("target", [WON, LOST])
def test_of_a_closed_lead_nobody_is_reminded_until_it_is_open_again(target: Status) -> None:
    closed = after(planned_lead(), move(target), CALLING).lead
    quiet = reminded(closed, LATER)
    assert (quiet.facts, quiet.lead.follow_up_notice) == ((), "overdue")
    opened = after(quiet.lead, move(NEW), CALLING).lead
    assert types(reminded(opened, LATER)) == [EventType.FOLLOW_UP_DUE]


def test_of_a_deleted_or_erased_lead_nobody_is_reminded() -> None:
    within = channel(NEW, DELETED)
    lead = lead_in(DELETED, within, next_follow_up_at=NOW)
    assert reminded(lead, LATER, within).facts == ()
    with pytest.raises(Refused):
        reminded(replace(planned_lead(), erased_at=NOW), LATER)


def test_what_came_due_elsewhere_was_told_there() -> None:
    command = create({"next_follow_up_at": NOW - timedelta(days=9)}, origin=Origin.IMPORT)
    assert reminded(decide(None, CALLING, command, NOW, 7).lead, LATER).facts == ()


# Notes


def note(text: str, **rest: Any) -> AddNote:
    return AddNote(actor=contact().actor, lead_id=LEAD_ID, note_id=LEAD_ID, text=text, **rest)


def test_a_note_is_told_and_kept() -> None:
    decision = after(lead_in(), note("Met at the fair", author="sam"))
    assert types(decision) == [EventType.NOTE_ADDED]
    assert decision.note is not None
    assert (decision.note.text, decision.note.author, decision.note.created_at) == ("Met at the fair", "sam", LATER)
    assert decision.lead.notes is None


@pytest.mark.parametrize("text", ["", "  \n", "x" * 20_001])
def test_a_note_without_text_or_with_too_much_is_refused(text: str) -> None:
    refused = refusal(lead_in(), note(text))
    assert (refused.code, refused.field) == (Code.INVALID, "/text")
