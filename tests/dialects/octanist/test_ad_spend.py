"""PUT and POST /api/ad-spend: rows in, rows out (contracts/octanist.md, section 7.2)."""

import asyncio
from typing import Any

import httpx
import pytest

from leadrail.core.actor import Scope
from tests.dialects.octanist.conftest import API, post
from tests.people import People, Person

PATH = f"{API}/ad-spend"
JANUARY = {"startDate": "2026-01-01", "endDate": "2026-01-31"}
ROWS: list[dict[str, Any]] = [
    {"date": "2026-01-01", "platform": "googleads", "campaignId": "1", "campaignName": "Old name", "cost": 10.5}
    | {"currency": "EUR", "impressions": 1000, "clicks": 10, "conversions": 1.5},
    {"date": "2026-01-02", "platform": "GoogleAds", "campaignId": "1", "campaignName": "New name", "cost": "4.25"}
    | {"currency": "eur", "impressions": 500, "clicks": 5},
    {"date": "2026-01-02", "platform": "meta", "campaignId": "1", "cost": 7, "currency": "USD", "clicks": 3},
    {"date": "2026-01-31", "platform": "meta", "cost": 1},
    {"date": "2026-02-01", "platform": "meta", "campaignId": "2", "cost": 99},
]
CSV = """Date;Platform;Campaign ID;campaign_name;Cost;Currency;Impressions;Clicks;Conversions;Ad group
2026-01-01;googleads;1;Old name;10.5;EUR;1000;10;1.5;ignored
2026-01-02;GoogleAds;1;"New name";4.25;eur;500;5;;

2026-01-02;meta;1;;7;USD;;3;
2026-01-31;meta;;;1;;;;
2026-02-01;meta;2;;99;;;;
"""


async def put(person: Person, rows: list[dict[str, Any]]) -> httpx.Response:
    return await person.http.put(PATH, json={"rows": rows})


async def put_file(person: Person, content: str | bytes) -> httpx.Response:
    return await person.http.put(PATH, content=content, headers={"content-type": "text/csv; charset=utf-8"})


async def spend(person: Person, **body: Any) -> list[dict[str, Any]]:
    answer = await post(person, "/ad-spend", **(JANUARY | body))
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def row(**told: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("date", "platform", "campaignId", "campaignName", "cost", "currency"))
    return empty | {"impressions": 0, "clicks": 0, "conversions": 0} | told


@pytest.mark.parametrize("content", [CSV, "\ufeff" + CSV, CSV.replace(";", ",").replace("\n", "\r\n")])
async def test_file_and_rows_are_the_same(people: People, content: str) -> None:
    answers = [await put(people.owner, ROWS), await put_file(people.partner, content)]

    assert [answer.json()["data"]["rowsStored"] for answer in answers] == [5, 5]
    for by in ("date", "platform", "campaign"):
        told = await spend(people.owner, groupBy=by)
        assert told
        assert told == await spend(people.partner, groupBy=by)


@pytest.mark.parametrize(
    "content",
    [
        '"Date";"Platform";"Cost";"Campaign, name"\r\n"2026-01-01";"meta";"1.5";"A; ""B"", C"\r\n',
        '\r\nDate,Platform,Cost,Campaign name\r\n2026-01-01,meta,1.5,"A; ""B"", C"\r\n,,,\r\n  \r\n',
        'Date;Platform;Cost;Campaign name\r2026-01-01;meta;1.5;"A; ""B"", C"\r',
    ],
)
async def test_file_is_read_as_spreadsheets_write_it(people: People, content: str) -> None:
    assert (await put_file(people.owner, content)).json()["data"]["rowsStored"] == 1

    (told,) = await spend(people.owner, groupBy="campaign")
    assert told == row(platform="meta", cost=1.5, campaignName='A; "B", C')


async def test_amounts_are_written_without_an_exponent(people: People) -> None:
    await put(people.owner, [ROWS[0] | {"cost": 20_000, "impressions": 10_000, "conversions": 30_000}])

    answer = await post(people.owner, "/ad-spend", **JANUARY)

    assert '"cost":20000,"currency":"EUR","impressions":10000,"clicks":10,"conversions":30000}' in answer.text


async def test_sums_have_no_largest_number(people: People) -> None:
    most = 10**15 - 1
    await put(people.owner, [ROWS[0] | {"campaignId": f"{n}", "impressions": most} for n in range(9_500)])

    (told,) = await spend(people.owner)

    assert told["impressions"] == 9_500 * most


async def test_campaign_keeps_the_last_name_that_it_was_given(people: People) -> None:
    await put(people.owner, [ROWS[1], ROWS[1] | {"date": "2026-01-03", "campaignName": None}])

    assert [told["campaignName"] for told in await spend(people.owner, groupBy="campaign")] == ["New name"]


async def test_spend_by_date_keeps_currencies_apart(people: People) -> None:
    await put(people.owner, ROWS)

    told = await spend(people.owner)

    assert told == [
        row(date="2026-01-01", cost=10.5, currency="EUR", impressions=1000, clicks=10, conversions=1.5),
        row(date="2026-01-02", cost=4.25, currency="EUR", impressions=500, clicks=5),
        row(date="2026-01-02", cost=7, currency="USD", clicks=3),
        row(date="2026-01-31", cost=1),
    ]
    assert list(told[0]) == list(row())


async def test_spend_by_platform(people: People) -> None:
    await put(people.owner, ROWS)

    assert await spend(people.owner, groupBy="platform") == [
        row(platform="googleads", cost=14.75, currency="EUR", impressions=1500, clicks=15, conversions=1.5),
        row(platform="meta", cost=7, currency="USD", clicks=3),
        row(platform="meta", cost=1),
    ]


async def test_spend_by_campaign_bears_its_latest_name(people: People) -> None:
    await put(people.owner, ROWS)

    told = await spend(people.owner, groupBy="campaign", platform="GOOGLEADS")

    google = {"platform": "googleads", "campaignId": "1", "campaignName": "New name"}
    assert told == [row(**google, cost=14.75, currency="EUR", impressions=1500, clicks=15, conversions=1.5)]


async def test_same_row_again_replaces_the_first(people: People) -> None:
    await put(people.owner, ROWS)
    await put(people.owner, ROWS)
    await put(people.owner, [ROWS[0] | {"cost": 3, "currency": None}])

    told = await spend(people.owner, endDate="2026-01-01")

    assert (len(told), told[0]["cost"], told[0]["currency"]) == (1, 3, None)
    assert await people.owner.count("octanist_ad_spend") == 5


async def test_spend_is_paged(people: People) -> None:
    await put(people.owner, ROWS)

    answer = await post(people.owner, "/ad-spend", **JANUARY, limit=3, page=2)

    assert [row["date"] for row in answer.json()["data"]] == ["2026-01-31"]
    told = answer.json()["meta"]["pagination"]
    assert told == {"limit": 3, "page": 2, "totalPages": 2, "total": 4, "hasMore": False}


async def test_default_page_holds_a_hundred(people: People) -> None:
    await put(people.owner, [{"date": "2026-01-01", "platform": f"p{n}", "cost": 1} for n in range(101)])

    answer = await post(people.owner, "/ad-spend", **JANUARY, groupBy="platform")

    assert (len(answer.json()["data"]), answer.json()["meta"]["pagination"]["limit"]) == (100, 100)


async def test_spend_of_one_company_is_not_anothers(people: People) -> None:
    await put(people.owner, ROWS)
    await put(people.stranger, [ROWS[0] | {"cost": 1}])

    assert [told["cost"] for told in await spend(people.stranger)] == [1]
    assert (await spend(people.owner))[0]["cost"] == 10.5


async def test_parallel_puts_of_the_same_rows_wait_for_each_other(people: People) -> None:
    rows = [{"date": "2026-01-01", "platform": f"p{n}", "cost": 1} for n in range(300)]

    answers = await asyncio.gather(*[put(people.owner, rows[::way]) for way in (1, -1, 1, -1)])

    assert [answer.status_code for answer in answers] == [200] * 4
    assert await people.owner.count("octanist_ad_spend") == 300


# What is refused


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"date": "01/02/2026"}, "date"),
        ({"date": None}, "date"),
        ({"date": "1899-12-31"}, "date"),
        ({"date": "2200-01-01"}, "date"),
        ({"platform": ""}, "platform"),
        ({"platform": "  "}, "platform"),
        ({"cost": "much"}, "cost"),
        ({"cost": "NaN"}, "cost"),
        ({"cost": -1}, "cost"),
        ({"cost": "1e400"}, "cost"),
        ({"cost": True}, "cost"),
        ({"currency": "euro"}, "currency"),
        ({"clicks": -1}, "clicks"),
        ({"clicks": 10**15}, "clicks"),
        ({"clicks": 1.5}, "clicks"),
        ({"conversions": -1}, "conversions"),
        ({"campaignName": "x" * 301}, "campaignName"),
    ],
)
async def test_one_bad_row_keeps_all_out_and_is_named(people: People, changed: dict[str, Any], field: str) -> None:
    answer = await put(people.owner, [ROWS[0], ROWS[1] | changed])

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR")
    assert [(fault["row"], fault["field"]) for fault in error["details"]["rows"]] == [(2, field)]
    assert await people.owner.count("octanist_ad_spend") == 0


async def test_every_bad_row_is_named(people: People) -> None:
    answer = await put_file(people.owner, "date,platform,cost\n2026-01-01,meta,x\n2026-01-01,meta,1\nsoon,meta,1\n")

    faults = answer.json()["error"]["details"]["rows"]
    assert [(fault["row"], fault["field"]) for fault in faults] == [(1, "cost"), (3, "date")]


async def test_cell_that_is_left_out_is_named(people: People) -> None:
    answer = await put_file(people.owner, "date,platform,cost\n2026-01-01,meta,\n")

    (fault,) = answer.json()["error"]["details"]["rows"]
    assert (fault["row"], fault["field"]) == (1, "cost")


async def test_amount_in_two_cells_is_not_taken_for_its_first_part(people: People) -> None:
    answer = await put_file(people.owner, "date,platform,cost\n2026-01-01,meta,1,,\n2026-01-02,meta,1,234.50\n")

    (fault,) = answer.json()["error"]["details"]["rows"]
    assert (answer.status_code, fault["row"]) == (400, 2)
    assert await people.owner.count("octanist_ad_spend") == 0


async def test_row_twice_in_one_call_is_refused(people: People) -> None:
    answer = await put(people.owner, [ROWS[0], ROWS[0] | {"platform": "GOOGLEADS "}])

    (fault,) = answer.json()["error"]["details"]["rows"]
    assert fault == {"row": 2, "field": None, "message": "The row has the date, platform and campaign of row 1"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"date,platform,cost\n",
        b"date,platform\n2026-01-01,meta\n",
        b"\xff\xfe",
        b"date,platform,cost\n2026-01-01,meta,1\x00\n",
        b'date,platform,cost\n"' + b"x" * 200_000,
        b'date,platform,cost,campaign_name\n2026-01-01,meta,1,"Camp\n2026-01-02,meta,2,x\n',
        b'date,platform,cost\n2026-01-01,"me"ta,1\n',
        b"date,platform,cost,Cost\n2026-01-01,meta,1,2\n",
        b"date,platform,cost\n" + b"2026-01-01,meta,1\n" * 10_001,
    ],
)
async def test_unusable_file_is_refused(people: People, content: bytes) -> None:
    answer = await put_file(people.owner, content)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR"), answer.text
    assert await people.owner.count("octanist_ad_spend") == 0


@pytest.mark.parametrize("content", [b"", b"{}", b'{"rows": {}}', b'{"rows": []}', b'{"rows": [1]}'])
async def test_unusable_rows_are_refused(people: People, content: bytes) -> None:
    answer = await people.owner.http.put(PATH, content=content)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_ten_thousand_rows_are_taken_and_eight_mebibytes_are_the_end(people: People) -> None:
    rows = [{"date": "2026-01-01", "platform": "meta", "campaignId": f"{n:0200}", "cost": 1} for n in range(10_000)]

    answers = [await put(people.owner, rows), await put_file(people.owner, b"x" * ((8 << 20) + 1))]

    assert [answer.status_code for answer in answers] == [200, 413]
    assert await people.owner.count("octanist_ad_spend") == 10_000


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"startDate": None}, "VALIDATION_ERROR", "startDate"),
        ({"endDate": None}, "VALIDATION_ERROR", "endDate"),
        ({"endDate": "2025-12-31"}, "VALIDATION_ERROR", "endDate"),
        ({"startDate": "January"}, "INVALID_DATE", "startDate"),
        ({"groupBy": "colour"}, "VALIDATION_ERROR", "groupBy"),
        ({"limit": 0}, "VALIDATION_ERROR", "limit"),
        ({"limit": 501}, "VALIDATION_ERROR", "limit"),
        ({"limit": "many"}, "VALIDATION_ERROR", "limit"),
        ({"page": 0}, "VALIDATION_ERROR", "page"),
        ({"page": 10**20}, "VALIDATION_ERROR", "page"),
        ({"platform": 5}, "VALIDATION_ERROR", "platform"),
    ],
)
async def test_unreadable_question_is_refused(people: People, body: dict[str, Any], code: str, field: str) -> None:
    answer = await post(people.owner, "/ad-spend", **(JANUARY | body))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert answer.json()["error"]["details"] == {"field": field}


async def test_scopes_of_reading_and_of_bringing_in(people: People) -> None:
    reads, writes = [await people.owner.another_key(scopes=(scope,)) for scope in (Scope.READ, Scope.WRITE)]

    bound = await people.owner.another_key(channel_ids=((await people.owner.channel()).id,))

    brought = [
        (await people.owner.http.put(PATH, json={"rows": ROWS}, headers={"X-API-KEY": key})).status_code
        for key in (reads, bound)
    ]
    read = await post(people.owner, "/ad-spend", key=writes, **JANUARY)

    assert (brought, read.status_code) == ([403, 403], 403)
    assert await people.owner.count("octanist_ad_spend") == 0
