"""Bodies and query strings into types, with a pointer to what is wrong."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from leadrail.kit.wire import BadInput, QueryReader, decode, decode_items


class Item(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size: Annotated[int, Meta(ge=1)] = 1
    when: datetime | None = None
    any: Any = None


class Order(msgspec.Struct, forbid_unknown_fields=True):
    items: list[Item]
    price: Decimal | None = None


DECODER = msgspec.json.Decoder(Order)


def bad(body: bytes, at: str = "") -> BadInput:
    with pytest.raises(BadInput) as caught:
        decode(DECODER, body, at)
    return caught.value


def test_a_good_body_is_read() -> None:
    assert decode(DECODER, b'{"items":[{"name":"a"}],"price":"5.10"}') == Order([Item("a")], Decimal("5.10"))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"items":[{"name":1}]}', "/items/0/name"),
        (b'{"items":[{"name":"a"},{"name":"b","size":0}]}', "/items/1/size"),
        (b'{"items":[{"name":"a","colour":"red"}]}', "/items/0/colour"),
        (b'{"items":[{}]}', "/items/0/name"),
        (b'{"items":"none"}', "/items"),
        (b'{"items":[],"price":"many"}', "/price"),
        (b'{"items":[{"name":"a","when":"today"}]}', "/items/0/when"),
        (b"{}", "/items"),
        (b"[]", None),
        (b'"text"', None),
        (b"null", None),
    ],
)
def test_a_body_of_another_shape_is_refused_with_a_pointer(body: bytes, pointer: str | None) -> None:
    assert bad(body).pointer == pointer


def test_the_place_of_an_item_goes_before_its_pointer() -> None:
    assert bad(b"{}", "/orders/7").pointer == "/orders/7/items"
    assert bad(b"[]", "/orders/7").pointer == "/orders/7"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'items': []}",
        b'{"items":[]} x',
        b"\xff\xfe",
        b'{"items":[{"name":"\xed\xa0\x80"}]}',
        b'{"items":[{"name":"\\ud800"}]}',
        b'{"items":[{"name":"a\x00b"}]}',
        b'{"items":[{"name":"a","any":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
        b'{"items":[{"name":"a","any":' + b"1" * 5_000 + b"}]}",
        b'{"items":[{"name":"a","any":1e999}]}',
        b"NaN",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_json_is_refused_and_never_an_error_of_ours(body: bytes) -> None:
    assert bad(body).message


def test_an_empty_body_is_told_apart() -> None:
    assert bad(b"").message == "The body is empty; send JSON"


def test_the_character_that_postgresql_cannot_store_is_refused() -> None:
    assert "U+0000" in bad(b'{"items":[{"name":"a\\u0000b"}]}').message
    assert "U+0000" in bad(b'{"items":[{"name":"a\\\\\\u0000b"}]}').message


def test_a_text_that_only_speaks_of_that_character_is_read() -> None:
    assert decode(DECODER, b'{"items":[{"name":"\\\\u0000"}]}').items[0].name == "\\u0000"


@pytest.mark.parametrize("backslashes", range(1, 8))
def test_it_is_the_number_of_backslashes_that_makes_the_character(backslashes: int) -> None:
    body = b'{"items":[{"name":"' + b"\\" * backslashes + b'u0000"}]}'

    if backslashes % 2:
        assert "U+0000" in bad(body).message
    else:
        assert decode(DECODER, body).items[0].name == "\\" * (backslashes // 2) + "u0000"


class Raws(msgspec.Struct):
    items: list[msgspec.Raw]


def test_items_that_are_left_raw_are_not_looked_at() -> None:
    body = b'{"items":[{"name":"a\\u0000"}, {"name":"b"}]}'

    raws = decode_items(msgspec.json.Decoder(Raws), body).items

    assert [bytes(raw) for raw in raws] == [b'{"name":"a\\u0000"}', b'{"name":"b"}']


# Queries


class Query(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    lead: UUID | None = None
    dry_run: bool = False
    tag: tuple[str, ...] = ()


READ = QueryReader(Query)


def test_a_query_is_read_from_text() -> None:
    pairs = [("limit", "7"), ("dry_run", "true"), ("tag", "a"), ("tag", "b"), ("tag", "c")]

    assert READ(pairs) == Query(7, None, True, ("a", "b", "c"))


def test_one_value_of_many_is_a_list_too_and_of_one_the_last_counts() -> None:
    assert READ([("tag", "a")]).tag == ("a",)
    assert READ([("limit", "7"), ("limit", "8")]).limit == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "1.5"),
        ("limit", ""),
        ("limit", "9" * 5000),
        ("limit", "seven"),
        ("lead", "seven"),
        ("dry_run", "perhaps"),
        ("colour", "red"),
        ("tag", "a\x00"),
        ("tag", "a\ufffd"),
    ],
)
def test_a_bad_query_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(BadInput) as caught:
        READ([(name, value)])

    assert caught.value.pointer == f"?{name}"


def test_an_unknown_parameter_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="known: limit, lead, dry_run, tag"):
        READ([("colour", "red")])
