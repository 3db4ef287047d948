"""Where a lead stands in the channel to which it goes, and what it takes along."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from leadrail.core.channels.model import Category, Channel, Property, PropertyType, Requirement, Status, StatusRef
from leadrail.core.errors import Code, Refusal, Refused
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import ChangeChannel
from leadrail.core.leads.decisions import Decision
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide
from tests.core.make import (
    HOT,
    LATER,
    LEAD_ID,
    LOST,
    NEW,
    PARTNER_ID,
    PRICE,
    WON,
    actor,
    channel,
    lead_in,
    prop,
    status,
)

OTHER_ID = UUID(int=12)
THERE = (
    status(11, "Fresh"),
    status(12, "Qualified", Category.QUALIFIED),
    status(13, "Sold", Category.WON, requires=(Requirement.VALUE,)),
    status(14, "Gone", Category.LOST, requires=(Requirement.REASON,)),
)
FRESH, _, SOLD, GONE = THERE


def other(*statuses: Status, **rest: Any) -> Channel:
    return replace(channel(*(statuses or THERE), **rest), id=OTHER_ID, title="Partners", number=2)


def asked(**rest: Any) -> ChangeChannel:
    given: dict[str, Any] = {"actor": actor(), "lead_id": LEAD_ID, "channel_id": OTHER_ID, **rest}
    return ChangeChannel(**given)


def moved(lead: Lead, here: Channel | None = None, there: Channel | None = None, **rest: Any) -> Decision:
    return decide(lead, here or channel(), asked(**rest), LATER, target=there or other())


def refusal(lead: Lead, here: Channel | None = None, there: Channel | None = None, **rest: Any) -> Refusal:
    try:
        decision = moved(lead, here, there, **rest)
    except Refused as error:
        return error.refusal
    raise AssertionError(f"was not refused: {decision}")


# Where to


@pytest.mark.parametrize(
    ("at", "rest", "to"),
    [
        (NEW, {}, "Fresh"),  # by the category
        (NEW, {"statuses": {"new": "Qualified"}}, "Qualified"),
        (NEW, {"status": StatusRef(name="sold"), "fields": {"value": Decimal(5)}}, "Sold"),
        (NEW, {"status": StatusRef(id=FRESH.id), "statuses": {"new": "Qualified"}}, "Fresh"),
        (NEW, {"status": StatusRef(category=Category.QUALIFIED)}, "Qualified"),
        (LOST, {"reason": "Silence"}, "Gone"),
    ],
)
def test_a_lead_goes_where_it_is_said_else_to_what_is_like_it(at: Status, rest: Any, to: str) -> None:
    decision = moved(lead_in(at), **rest)

    assert decision.lead.channel_id == OTHER_ID
    assert {one.id: one.name for one in THERE}[decision.lead.status_id] == to


def test_a_status_of_the_same_name_goes_before_one_of_the_category() -> None:
    named = status(15, "new", Category.ON_HOLD)

    assert moved(lead_in(NEW), there=other(*THERE, named)).lead.status_id == named.id


@pytest.mark.parametrize(
    ("rest", "code", "field"),
    [
        ({"status": StatusRef(name="Nowhere")}, Code.UNKNOWN_STATUS, "/status"),
        ({"statuses": {"new": "Nowhere"}}, Code.UNKNOWN_STATUS, "/status"),
        ({"status": StatusRef(name="Sold")}, Code.MISSING_REQUIREMENT, "/value"),
        ({"status": StatusRef(name="Gone")}, Code.MISSING_REQUIREMENT, "/reason"),
        ({"version": 7}, Code.VERSION_CONFLICT, None),
        ({"sub_status": "Nothing"}, Code.UNKNOWN_SUB_STATUS, "/sub_status"),
        ({"fields": {"value": Decimal(-1)}}, Code.INVALID, "/value"),
    ],
)
def test_what_holds_for_a_change_of_status_holds(rest: Any, code: Code, field: str | None) -> None:
    found = refusal(lead_in(NEW), **rest)

    assert (found.code, found.field) == (code, field)


def test_a_status_without_its_like_must_be_said() -> None:
    found = refusal(lead_in(NEW), there=other(SOLD))

    assert (found.code, found.field, found.details) == (Code.UNKNOWN_STATUS, "/status", {"status": "New"})


def test_what_may_follow_here_and_there_is_not_asked() -> None:
    end = status(1, "New", next=())
    here = channel(end, WON)

    assert moved(lead_in(end, here), here).lead.status_id == FRESH.id


@pytest.mark.parametrize(
    ("there", "rest", "code"),
    [
        (other(archived_at=LATER), {}, Code.CHANNEL_ARCHIVED),
        (other(company_id=PARTNER_ID), {}, Code.CONFLICT),
        (other(members=()), {"actor": actor(PARTNER_ID)}, Code.CHANNEL_NOT_FOUND),
        (other(), {"actor": actor(channel_ids=frozenset({channel().id}))}, Code.CHANNEL_NOT_FOUND),
        (other(), {"actor": actor(channel_ids=frozenset({OTHER_ID}))}, Code.LEAD_NOT_FOUND),
        (other(), {"actor": actor(UUID(int=3))}, Code.LEAD_NOT_FOUND),
    ],
)
def test_a_channel_that_cannot_be_it(there: Channel, rest: Any, code: Code) -> None:
    assert refusal(lead_in(NEW), there=there, **rest).code is code


def test_a_lead_that_is_there_already_stays_as_it_is() -> None:
    lead, here = lead_in(NEW), channel()

    assert moved(lead, here, here, status=StatusRef(name="new"), note="x") == Decision(lead)
    assert moved(lead, here, here) == Decision(lead)
    assert refusal(lead, here, here, status=StatusRef(name="Won")).code is Code.CONFLICT


# What it takes along

TYPES = tuple(prop(type, options=("a", "b") if type is PropertyType.SELECT else ()) for type in PropertyType)
VALUES = {"A text": "x", "A number": 5, "A boolean": False, "A date": "2026-03-01", "A select": "a"}


def elsewhere(definition: Property, **rest: Any) -> Property:
    """The same definition as the other channel has it."""
    return replace(definition, **({"id": UUID(int=definition.id.int + 100), "name": definition.name.upper()} | rest))


def with_values() -> tuple[Channel, Lead]:
    here = channel(properties=TYPES)
    by_name = {definition.name: str(definition.id) for definition in TYPES}
    return here, replace(lead_in(NEW, here), properties={by_name[name]: value for name, value in VALUES.items()})


def test_values_go_to_the_properties_of_the_same_name_and_type() -> None:
    here, lead = with_values()
    there = other(properties=tuple(elsewhere(one) for one in reversed(TYPES)))

    decision = moved(lead, here, there)

    names = {str(one.id): one.name for one in there.properties}
    assert {names[id]: value for id, value in decision.lead.properties.items()} == {
        name.upper(): value for name, value in VALUES.items()
    }
    assert decision.facts[1].data["changed"] == {}


@pytest.mark.parametrize(
    "place",
    [
        None,
        {"type": PropertyType.TEXT, "options": ()},
        {"options": ("b", "c")},
        {"archived": True},
    ],
)
def test_a_value_without_a_place_is_refused_or_left_behind(place: Any) -> None:
    here, lead = with_values()
    rest = tuple(elsewhere(one) for one in TYPES[:-1])
    there = other(properties=rest if place is None else (*rest, elsewhere(TYPES[-1], **place)))

    found = refusal(lead, here, there)
    decision = moved(lead, here, there, drop_properties=True)

    assert (found.code, found.field) == (Code.UNKNOWN_PROPERTY, "/drop_properties")
    assert found.details == {"properties": ["A select"]}
    assert set(decision.lead.properties) == {str(one.id) for one in rest}
    assert decision.facts[1].data["changed"] == {"properties": {"A select": {"from": "a", "to": None}}}


def test_what_nobody_is_shown_stays_and_is_not_in_the_way() -> None:
    archived = replace(TYPES[0], archived=True)
    here = channel(properties=(archived,))
    lead = replace(lead_in(NEW, here), properties={str(archived.id): "x"})

    assert moved(lead, here).lead.properties == lead.properties


def test_reason_and_sub_status_stay_as_long_as_the_category_does() -> None:
    lead = replace(lead_in(LOST), reason_id=PRICE.id, reason="Said then", sub_status="Old", qualified_at=None)

    alike, otherwise = moved(lead).lead, moved(lead, status=StatusRef(name="Fresh")).lead
    given = moved(lead, reason="Silence").lead

    assert (alike.reason_id, alike.reason, alike.sub_status) == (PRICE.id, PRICE.text, "Old")
    assert (otherwise.reason_id, otherwise.reason, otherwise.sub_status) == (None, None, None)
    assert (given.reason_id, given.reason) == (None, "Silence")
    assert moved(lead_in(NEW), sub_status="hot").lead.sub_status_id == HOT.id


def test_times_and_marks_are_those_of_a_move() -> None:
    planner = replace(NEW, follow_up_after_s=3600, follow_up_note="Call")
    here, planned = channel(planner, WON), replace(FRESH, follow_up_after_s=60, follow_up_note="Greet")
    lead = replace(lead_in(planner, here), undo={"event_id": "x"})

    decision = moved(lead, here, other(planned, SOLD), note="Wrong form")
    won = moved(lead, here, other(planned, SOLD), status=StatusRef(name="Sold"), fields={"value": Decimal(9)})

    after = decision.lead
    assert (after.undo, after.version, after.status_changed_at, after.updated_at) == (None, 2, LATER, LATER)
    assert (after.next_follow_up_at, after.follow_up_status_id) == (LATER + timedelta(seconds=60), planned.id)
    assert [fact.type for fact in decision.facts] == [
        EventType.LEAD_LEFT,
        EventType.LEAD_MOVED,
        EventType.FOLLOW_UP_RECORDED,
    ]
    assert decision.facts[1].data["seconds_in_previous"] == 3600
    assert won.lead.next_follow_up_at is None  # what the status before had planned falls away
    assert (won.lead.closed_at, won.lead.value) == (LATER, Decimal(9))
