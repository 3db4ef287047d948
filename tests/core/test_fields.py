"""Bounds of a lead's fields, and how property values are read."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from leadrail.core.channels.model import PropertyType
from leadrail.core.errors import Code, Refused
from leadrail.core.leads.commands import UpdateLead
from leadrail.core.leads.fields import (
    ATTRIBUTION_DEPTH,
    ATTRIBUTION_LIMIT,
    EDITABLE,
    TEXT_LIMITS,
    checked_fields,
    checked_properties,
    merged_attribution,
)
from leadrail.core.leads.model import Lead, named_properties
from tests.core.make import CHANNEL_ID, LATER, after, channel, create, lead_in, prop, refusal, update

OPTIONS = ("EMEA", "5", "true")
PROPERTIES = tuple(prop(type, options=OPTIONS if type is PropertyType.SELECT else ()) for type in PropertyType)
CHANNEL = channel(properties=PROPERTIES)
ID_OF = {definition.type: str(definition.id) for definition in PROPERTIES}


def stored(type: PropertyType, value: Any) -> Any:
    return checked_properties(CHANNEL, {ID_OF[type]: value})[ID_OF[type]]


def given_properties(values: dict[str, Any]) -> UpdateLead:
    return replace(update(), properties=values)


def refused_field(given: dict[str, Any]) -> str | None:
    with pytest.raises(Refused) as caught:
        checked_fields(given)
    assert caught.value.refusal.code is Code.INVALID
    return caught.value.refusal.field


# Fields


def test_every_editable_field_is_one_of_the_lead() -> None:
    assert set(Lead.__struct_fields__) >= EDITABLE


@pytest.mark.parametrize("name", TEXT_LIMITS)
def test_a_text_may_be_as_long_as_its_limit_and_no_longer(name: str) -> None:
    longest = "é" * TEXT_LIMITS[name]

    assert checked_fields({name: longest}) == {name: longest}
    assert refused_field({name: longest + "é"}) == f"/{name}"


@pytest.mark.parametrize("name", TEXT_LIMITS)
def test_null_and_empty_text_remove_a_field(name: str) -> None:
    assert checked_fields({name: None}) == checked_fields({name: ""}) == {name: None}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0", "0"),
        ("0.000001", "0.000001"),
        ("999999999999999.999999", "999999999999999.999999"),
        ("1E+3", "1000"),
        ("5.100", "5.1"),
        ("0E+5", "0"),
        ("0E-6", "0"),
        ("-0", "0"),
    ],
)
def test_a_value_is_kept_as_a_plain_number(given: str, kept: str) -> None:
    assert str(checked_fields({"value": Decimal(given)})["value"]) == kept


@pytest.mark.parametrize(
    "given",
    ["-0.01", "1E+15", "1E+999999", "1E-7", "0.0000001", "NaN", "sNaN", "-NaN", "Infinity", "-Infinity"],
)
def test_a_value_that_is_no_amount_is_refused(given: str) -> None:
    assert refused_field({"value": Decimal(given)}) == "/value"


@pytest.mark.parametrize("code", ["", "eur", "EURO", "EU", "E1R", "ÅÄÖ", "EUR ", "EUR\n"])
def test_a_currency_that_is_no_code_is_refused(code: str) -> None:
    assert refused_field({"currency": code}) == "/currency"


def test_attribution_has_a_limit_and_null_removes_it() -> None:
    most = {"note": "x" * (ATTRIBUTION_LIMIT - len('{"note":""}'))}

    assert lead_in(attribution=most).attribution == most
    assert refusal(None, create({"attribution": {"notes": most["note"]}})).field == "/attribution"
    assert after(lead_in(attribution=most), update(attribution=None)).lead.attribution == {}


def test_other_values_pass_as_they_are() -> None:
    assert checked_fields({"next_follow_up_at": LATER, "value": None}) == {"next_follow_up_at": LATER, "value": None}


# Properties


@pytest.mark.parametrize(
    ("type", "given", "kept"),
    [
        (PropertyType.TEXT, "as it is ", "as it is "),
        (PropertyType.TEXT, "", ""),
        (PropertyType.TEXT, 5, "5"),
        (PropertyType.TEXT, 2.5, "2.5"),
        (PropertyType.TEXT, True, "true"),
        (PropertyType.TEXT, "t" * 10_000, "t" * 10_000),
        (PropertyType.NUMBER, 5, 5),
        (PropertyType.NUMBER, -2.5, -2.5),
        (PropertyType.NUMBER, " 50000 ", 50000),
        (PropertyType.NUMBER, "2.50", 2.5),
        (PropertyType.NUMBER, "1e3", 1000),
        (PropertyType.NUMBER, 10**15 - 1, 10**15 - 1),
        (PropertyType.BOOLEAN, True, True),
        (PropertyType.BOOLEAN, " FALSE ", False),
        (PropertyType.DATE, "2026-02-28", "2026-02-28"),
        (PropertyType.DATE, " 20260228 ", "2026-02-28"),
        (PropertyType.SELECT, "EMEA", "EMEA"),
        (PropertyType.SELECT, 5, "5"),
        (PropertyType.SELECT, True, "true"),
    ],
)
def test_a_property_is_read_by_its_type(type: PropertyType, given: Any, kept: Any) -> None:
    assert (stored(type, given), stored(type, given).__class__) == (kept, kept.__class__)


@pytest.mark.parametrize(
    ("type", "given"),
    [
        (PropertyType.TEXT, ["a"]),
        (PropertyType.TEXT, {"a": 1}),
        (PropertyType.TEXT, "t" * 10_001),
        (PropertyType.NUMBER, True),
        (PropertyType.NUMBER, "many"),
        (PropertyType.NUMBER, ""),
        (PropertyType.NUMBER, "NaN"),
        (PropertyType.NUMBER, "-Infinity"),
        (PropertyType.NUMBER, "1e999999"),
        (PropertyType.NUMBER, 10**15),
        (PropertyType.NUMBER, "1e999999999"),
        (PropertyType.NUMBER, "-1e999999999"),
        (PropertyType.NUMBER, float("inf")),
        (PropertyType.NUMBER, float("nan")),
        (PropertyType.BOOLEAN, 1),
        (PropertyType.BOOLEAN, "yes"),
        (PropertyType.DATE, "2026-02-30"),
        (PropertyType.DATE, "2026-02-28T12:00:00Z"),
        (PropertyType.DATE, 20260228),
        (PropertyType.SELECT, "emea"),
        (PropertyType.SELECT, ""),
        (PropertyType.SELECT, ["EMEA"]),
    ],
)
def test_a_property_of_another_type_is_refused_with_its_pointer(type: PropertyType, given: Any) -> None:
    with pytest.raises(Refused) as caught:
        stored(type, given)

    assert caught.value.refusal.code is Code.INVALID_PROPERTY
    assert caught.value.refusal.field == f"/properties/{ID_OF[type]}"


@pytest.mark.parametrize("key", ["A text", "a TEXT", ID_OF[PropertyType.TEXT]])
def test_a_property_is_named_by_its_id_or_its_name_in_any_case(key: str) -> None:
    assert checked_properties(CHANNEL, {key: "x"}) == {ID_OF[PropertyType.TEXT]: "x"}


@pytest.mark.parametrize("key", ["Region", str(CHANNEL_ID), ""])
def test_an_unknown_property_is_refused_with_the_names_that_exist(key: str) -> None:
    with pytest.raises(Refused) as caught:
        checked_properties(CHANNEL, {key: "x"})

    assert caught.value.refusal.code is Code.UNKNOWN_PROPERTY
    assert "A text, A number, A boolean, A date, A select" in caught.value.refusal.message


def test_the_pointer_escapes_what_a_pointer_must() -> None:
    with pytest.raises(Refused) as caught:
        checked_properties(CHANNEL, {"a/b~c": "x"})

    assert caught.value.refusal.field == "/properties/a~1b~0c"


def test_a_property_that_is_gone_is_unknown_and_its_value_is_not_shown() -> None:
    lead = lead_in(within=CHANNEL)
    old = after(lead, given_properties({"A text": "x"}), CHANNEL).lead
    without = channel(properties=(prop(PropertyType.TEXT, archived=True),))

    assert named_properties(old, CHANNEL) == {"A text": "x"}
    assert named_properties(old, without) == {}
    assert refusal(old, given_properties({"A text": "y"}), without).code is Code.UNKNOWN_PROPERTY


def test_null_removes_a_property_and_the_event_says_from_what() -> None:
    filled = after(lead_in(within=CHANNEL), given_properties({"A text": "x", "A number": 5}), CHANNEL).lead

    edited = after(filled, given_properties({"A text": None}), CHANNEL)

    assert named_properties(edited.lead, CHANNEL) == {"A number": 5}
    assert edited.facts[0].data == {"changed": {"properties": {"A text": {"from": "x", "to": None}}}}


@pytest.mark.parametrize("given", [{"A text": "x"}, {"A boolean": None}, {"A number": "5.0"}, {}])
def test_properties_that_are_there_already_change_nothing(given: dict[str, Any]) -> None:
    filled = after(lead_in(within=CHANNEL), given_properties({"A text": "x", "A number": 5}), CHANNEL).lead

    assert after(filled, given_properties(given), CHANNEL).facts == ()


def test_a_new_lead_keeps_no_null_property() -> None:
    made = after(lead_in(), create(properties={"A text": None, "A date": "2026-01-01"}), CHANNEL).lead

    assert made.properties == {ID_OF[PropertyType.DATE]: "2026-01-01"}


def test_attribution_is_nested_so_deep_and_no_deeper() -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {"a": nested(levels - 1)} if levels > 1 else {}

    assert merged_attribution({}, nested(ATTRIBUTION_DEPTH)) == nested(ATTRIBUTION_DEPTH)
    for too_deep in (nested(ATTRIBUTION_DEPTH + 1), {"a": [nested(ATTRIBUTION_DEPTH)]}):
        with pytest.raises(Refused) as refused:
            merged_attribution({}, too_deep)
        assert (refused.value.refusal.code, refused.value.refusal.field) == (Code.INVALID, "/attribution")
