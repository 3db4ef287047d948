"""What the client puts up with, what it does not, and what it never does."""

from typing import Any

import pytest
from yarl import URL

from leadrail.moving.client import Client, Patience, VendorError, base_url, decoded
from tests.moving.stage import HASTY
from tests.moving.vendor import Answer, Vendor, in_turn, playing

KEY = "sk-very-secret"


async def get(vendor: Vendor, patience: Patience = HASTY) -> Any:
    async with Client(URL(vendor.url), {"X-API-Key": KEY}, patience) as client:
        return await client.get("/leads", page=2)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 522])
async def test_what_passes_is_tried_again(status: int) -> None:
    async with playing(in_turn([Answer(status=status), Answer(status=status), Answer({"ok": 1})])) as vendor:
        assert await get(vendor) == {"ok": 1}

    assert [one.query for one in vendor.asked] == [{"page": "2"}] * 3
    assert vendor.asked[0].headers["x-api-key"] == KEY


@pytest.mark.parametrize("after", ["0", "1", "nonsense", "", "Fri, 27 Nov 2015 01:05:35 GMT"])
async def test_a_wish_to_be_left_alone_is_heeded(after: str) -> None:
    async with playing(in_turn([Answer(status=429, headers={"Retry-After": after}), Answer([])])) as vendor:
        assert await get(vendor) == []


@pytest.mark.parametrize("after", ["100000", "Fri, 27 Nov 2315 01:05:35 GMT"])
async def test_a_wish_to_be_left_alone_for_long_ends_the_run(after: str) -> None:
    async with playing(in_turn([Answer(status=503, headers={"Retry-After": after})])) as vendor:
        with pytest.raises(VendorError, match=r"left alone for \d+ s\. Run the same command again"):
            await get(vendor)
    assert len(vendor.asked) == 1


async def test_an_answer_that_is_no_json_is_tried_again_and_then_said() -> None:
    async with playing(in_turn([Answer(b"<html>"), Answer({})])) as vendor:
        assert await get(vendor) == {}
    async with playing(in_turn([Answer(b'{"leads": [')])) as vendor:
        with pytest.raises(VendorError, match="no JSON"):
            await get(vendor, Patience(tries=3, first_pause_s=0.01))
    assert len(vendor.asked) == 3


async def test_a_wrong_key_is_said_at_once() -> None:
    async with playing(in_turn([Answer(status=401)])) as vendor:
        with pytest.raises(VendorError, match="does not take the key"):
            await get(vendor)
    assert len(vendor.asked) == 1


async def test_what_is_refused_is_said_with_the_vendors_words_but_never_with_the_key() -> None:
    async with playing(in_turn([Answer({"error": f"key {KEY} lacks leads:read"}, 403)])) as vendor:
        with pytest.raises(VendorError) as caught:
            await get(vendor)
    assert "lacks leads:read" in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.status == 403


async def test_the_key_is_sent_nowhere_else() -> None:
    async with playing(in_turn([Answer({})])) as elsewhere:
        there = {"Location": f"{elsewhere.url}/leads"}
        async with playing(in_turn([Answer(status=302, headers=there)])) as vendor:
            with pytest.raises(VendorError, match="sends on to"):
                await get(vendor)
    assert elsewhere.asked == []


async def test_nobody_there_is_said_soon() -> None:
    async with Client(URL("http://127.0.0.1:1"), {}, Patience(first_tries=2, first_pause_s=0.01)) as client:
        with pytest.raises(VendorError, match=r"2 times now\. Check --url"):
            await client.get("/leads")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.example.com",
        "ftp://example.com",
        "https://",
        "https://u:p@example.com",
        "https://e.com?key=1",
        "http://[",
    ],
)
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    with pytest.raises(VendorError, match="--url"):
        base_url(text)


def test_the_secret_of_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(VendorError) as caught:
        base_url(f"https://example.com?key={KEY}")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a": "x\\u0000y"}', {"a": "xy"}),
        (b'["x\\ud800y"]', ["x?y"]),
        (b'{"a": NaN, "b": 1e999}', {"a": None, "b": None}),
        (b'{"a": 12.50}', {"a": 12.5}),
    ],
)
def test_what_no_database_keeps_is_taken_out(content: bytes, value: Any) -> None:
    assert decoded(content) == value


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_none(content: bytes) -> None:
    with pytest.raises(ValueError):
        decoded(content)
