"""GET /api/leads and GET /api/leads/{id}: filters, sort, pages, fields, who sees what (contracts/octanist.md, 5)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.companies import store as companies
from leadrail.core.leads.commands import Origin
from leadrail.core.leads.model import Lead
from tests.dialects.octanist.conftest import JANE, PATH, creation, got, listed, made, patch
from tests.people import NOBODYS, NewProperty, People, Person

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
# A lead for each of these, made an hour apart from noon on.
FIELDS: dict[str, dict[str, Any]] = {
    "ann": {"value": Decimal(100), "source": "gtm", "attribution": {"gclid": "abc", "utm_source": "google"}},
    "bob": {"value": Decimal("99.5"), "source": "api", "attribution": {"website": "https://example.com"}},
    "cid": {"source": "manual", "attribution": {"label_id": "label_1", "utm_source": "bing"}},
    "dee": {"phone": "+31 6 1234 5678"},
}


@pytest.fixture
async def leads(people: People, channel: Channel) -> list[Lead]:
    return await made(
        people.owner,
        *[
            await creation(
                people.owner,
                channel,
                fields={"name": name, "email": f"{name}@example.com"} | fields,
                at=NOON + timedelta(hours=hour),
                updated_at=NOON + timedelta(days=hour, microseconds=123_456),
                origin=Origin.IMPORT,
            )
            for hour, (name, fields) in enumerate(FIELDS.items())
        ],
    )


async def names(person: Person, **query: Any) -> list[str]:
    return [lead["name"] for lead in await listed(person, **query)]


async def move(person: Person, lead: Lead, word: str) -> None:
    assert (await patch(person, id=str(lead.id), status=word, value=1)).status_code == 200


# Filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "dee cid bob ann"),
        ({"source": "gtm"}, "ann"),
        ({"source__eq": "gtm"}, "ann"),
        ({"source__exists": "false"}, "dee"),
        ({"value": "99.50"}, "bob"),
        ({"value__gt": "99.5"}, "ann"),
        ({"value__gte": "99.5"}, "bob ann"),
        ({"value__lt": "100"}, "bob"),
        ({"value__exists": "false"}, "dee cid"),
        ({"website": "https://example.com"}, "bob"),
        ({"labelId": "label_1"}, "cid"),
        ({"gclid__exists": "true"}, "ann"),
        ({"gclid__exists": "false"}, "dee cid bob"),
        ({"gclid": "abc"}, "ann"),
        ({"utm_source": "bing"}, "cid"),
        ({"utm_source__exists": "1", "value__exists": "TRUE"}, "ann"),
        ({"createdAt": "2026-01-15"}, "dee cid bob ann"),
        ({"createdAt": "2026-01-15T13:00:00.000Z"}, "bob"),
        ({"createdAt__gt": "2026-01-15T13:00:00Z"}, "dee cid"),
        ({"createdAt__gte": "2026-01-15T13:00:00Z"}, "dee cid bob"),
        ({"createdAt__lt": "2026-01-15T13:00:00Z"}, "ann"),
        ({"createdAt__lte": "2026-01-15T14:00:00+01:00"}, "bob ann"),
        ({"createdAt__lte": "2026-01-15"}, "dee cid bob ann"),
        ({"createdAt__gt": "2026-01-15"}, ""),
        ({"updatedAt__gte": "2026-01-16", "updatedAt__lt": "2026-01-17"}, "bob"),
        ({"qualifiedAt__exists": "true"}, ""),
        ({"status": ""}, "dee cid bob ann"),
        # Generation A
        ({"updated_after": "2026-01-17T12:00:00.122Z", "sort": "updated_at:desc"}, "dee cid"),
        ({"updated_after": "2026-01-17T12:00:00.123Z"}, "dee"),
        ({"updated_after": "2026-01-17t12:00:00.123z"}, "dee"),
        ({"updated_after": ""}, "dee cid bob ann"),
        ({"sort": "updated_at:asc"}, "ann bob cid dee"),
        # Search
        ({"search": "ANN"}, "ann"),
        ({"search": "cid@exa"}, "cid"),
        ({"search": "12345678"}, "dee"),
        ({"search": "%"}, ""),
    ],
)
async def test_list_is_narrowed(people: People, leads: list[Lead], query: dict[str, str], expected: str) -> None:
    assert await names(people.owner, **query) == expected.split()


@pytest.mark.parametrize(
    ("word", "expected"), [("open", "ann"), ("won", "bob"), ("win", "bob"), ("WON", "bob"), ("lost", "cid")]
)
async def test_list_by_status(people: People, leads: list[Lead], word: str, expected: str) -> None:
    for lead, status in zip(leads[1:], ("won", "lost", "qualified"), strict=True):
        await move(people.owner, lead, status)

    assert await names(people.owner, status=word) == [expected]


async def test_status_word_means_the_statuses_of_every_channel(people: People, leads: list[Lead]) -> None:
    deal = await people.owner.lead(await people.owner.channel(template="sendpilot"), name="eve")
    await move(people.owner, deal, "won")
    await move(people.owner, leads[0], "won")

    assert await names(people.owner, status="won") == ["eve", "ann"]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"colour": "red"}, "INVALID_FILTER", "colour"),
        ({"properties.x": "1"}, "INVALID_FILTER", "properties.x"),
        ({"value__ne": "1"}, "INVALID_FILTER", "value"),
        ({"value[]": "1"}, "INVALID_FILTER", "value"),
        ({"value[gt": "1"}, "INVALID_FILTER", "value[gt"),
        ({"value": "much"}, "INVALID_FILTER", "value"),
        ({"value": "1e999999999"}, "INVALID_FILTER", "value"),
        ({"value": "NaN"}, "INVALID_FILTER", "value"),
        ({"status": "sold"}, "INVALID_FILTER", "status"),
        ({"status__gt": "won"}, "INVALID_FILTER", "status"),
        ({"source__gt": "api"}, "INVALID_FILTER", "source"),
        ({"gclid__exists": "maybe"}, "INVALID_FILTER", "gclid"),
        ({"createdAt": "yesterday"}, "INVALID_DATE", "createdAt"),
        ({"createdAt__gte": "2026-02-30"}, "INVALID_DATE", "createdAt"),
        ({"createdAt__gte": "20260201"}, "INVALID_DATE", "createdAt"),
        ({"createdAt__gte": "0001-01-01T00:00:00+23:00"}, "INVALID_DATE", "createdAt"),
        ({"createdAt__gte": "9999-12-31"}, "INVALID_DATE", "createdAt"),
        ({"updated_after": "soon"}, "INVALID_DATE", "updated_after"),
        ({"limit": "0"}, "VALIDATION_ERROR", "limit"),
        ({"limit": "101"}, "VALIDATION_ERROR", "limit"),
        ({"limit": "ten"}, "VALIDATION_ERROR", "limit"),
        ({"limit": "9" * 5000}, "VALIDATION_ERROR", "limit"),
        ({"page": "0"}, "VALIDATION_ERROR", "page"),
        ({"page": "-1"}, "VALIDATION_ERROR", "page"),
        ({"page": "999999999"}, "VALIDATION_ERROR", "page"),
        ({"sort": "colour:desc"}, "VALIDATION_ERROR", "sort"),
        ({"sort": "status:desc"}, "VALIDATION_ERROR", "sort"),
        ({"sort": "value:down"}, "VALIDATION_ERROR", "sort"),
        ({"sort": ",".join(["value"] * 60)}, "VALIDATION_ERROR", None),
        ({"fields": "id,colour"}, "VALIDATION_ERROR", "fields"),
        ({"search": "\x00"}, "VALIDATION_ERROR", "search"),
    ],
)
async def test_unusable_parameter_is_refused_by_its_code(
    people: People, lead: Lead, query: dict[str, str], code: str, field: str | None
) -> None:
    answer = await got(people.owner, **query)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), answer.text
    assert answer.json()["error"]["details"].get("field") == field


async def test_round_value_is_written_without_an_exponent(people: People, lead: Lead) -> None:
    await patch(people.owner, id=str(lead.id), value=20_000)

    answers = [await got(people.owner), await people.owner.http.get(f"{PATH}/{lead.id}")]

    assert ['"value":20000,' in answer.text for answer in answers] == [True, True]


async def test_bytes_that_are_no_text_are_refused(people: People, lead: Lead) -> None:
    answer = await people.owner.http.get(f"{PATH}?source=%ff")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_offset_with_an_unescaped_plus_is_read(people: People, leads: list[Lead]) -> None:
    answer = await people.owner.http.get(f"{PATH}?createdAt[lt]=2026-01-15T14:00+01:00")

    assert [lead["name"] for lead in answer.json()["data"]] == ["ann"]


async def test_day_is_one_of_the_companys_time_zone(people: People, leads: list[Lead]) -> None:
    async with people.owner.core.database.transaction() as connection:
        company = await companies.company(connection, people.owner.company_id)
        settled = type(company)(company.id, company.name, None, "Asia/Tokyo", company.created_at)
        await companies.update_company(connection, settled)

    # 15:00 UTC is midnight in Tokyo; the lead that was made at that hour is one of the next day.
    assert await names(people.owner, createdAt="2026-01-16") == ["dee"]
    assert await names(people.owner, createdAt__lt="2026-01-15T22:00:00") == ["ann"]


# Order, pages, fields


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("value:desc", "ann bob dee cid"),
        ("value:asc", "bob ann dee cid"),
        ("value", "bob ann dee cid"),
        ("name:asc", "ann bob cid dee"),
        ("source:asc,createdAt:desc", "bob ann cid dee"),
        ("utm_source:desc, name:desc", "ann cid dee bob"),
    ],
)
async def test_list_is_sorted_and_what_is_missing_comes_last(
    people: People, leads: list[Lead], sort: str, expected: str
) -> None:
    assert await names(people.owner, sort=sort) == expected.split()


async def test_pages_hold_every_lead_once(people: People, leads: list[Lead]) -> None:
    answers = [(await got(people.owner, limit=3, page=page)).json() for page in (1, 2, 3)]

    assert [[lead["name"] for lead in answer["data"]] for answer in answers] == [["dee", "cid", "bob"], ["ann"], []]
    told = [answer["meta"]["pagination"] for answer in answers]
    assert told[1] == {"limit": 3, "page": 2, "totalPages": 2, "total": 4, "hasMore": False}
    assert [page["hasMore"] for page in told] == [True, False, False]


async def test_empty_list_has_no_page(people: People) -> None:
    answer = (await got(people.owner)).json()

    assert answer["data"] == []
    assert answer["meta"]["pagination"] == {"limit": 50, "page": 1, "totalPages": 0, "total": 0, "hasMore": False}


async def test_fields_reduce_the_leads(people: People, leads: list[Lead]) -> None:
    assert (await listed(people.owner, fields="status, name,id,labelId", limit="2"))[1] == {
        "id": str(leads[2].id),
        "name": "cid",
        "status": "open",
        "labelId": "label_1",
    }


# Leads of other ways of working


async def test_lead_of_another_channel_is_shown_in_octanists_words(people: People) -> None:
    channel = await people.owner.channel(template="sales", properties=(NewProperty(name="Budget"),))
    lead = await people.owner.lead(
        channel,
        {"Budget": "5k"},
        first_name="Jane",
        last_name="Doe",
        notes="Called",
        attribution={"custom": {"size": 3}, "gclid": 7, "utm_source": {"odd": 1}, "ad_storage": 1, "label_id": None},
    )
    await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Lost", "reason": "Price"})

    (told,) = await listed(people.owner)

    assert (told["name"], told["status"], told["lossReason"], told["note"]) == ("Jane Doe", "lost", "Price", "Called")
    assert (told["custom"], told["gclid"], told["utm_source"]) == ('{"size":3,"Budget":"5k"}', "7", None)
    assert (told["source"], told["value"], told["labelId"]) == (None, None, None)


async def test_reason_of_a_lead_that_is_not_lost_is_no_loss_reason(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sales"))
    await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won", "reason": "Fair price"})

    assert (await listed(people.owner))[0]["lossReason"] is None


@pytest.mark.parametrize("text", ["{id}", "lead_{id}", "lead_old7"])
async def test_lead_that_was_moved_here_keeps_its_old_id(people: People, channel: Channel, text: str) -> None:
    lead = await people.owner.lead(channel, email=JANE, attribution={"external_ids": {"octanist": "lead_old7"}})

    answer = await people.owner.http.get(f"{PATH}/{text.format(id=lead.id)}")
    changed = await patch(people.owner, id=text.format(id=lead.id), status="lost")

    assert (answer.json()["data"]["id"], changed.json()["leadId"]) == ("lead_old7", "lead_old7")
    assert changed.json()["data"]["leadId"] == "lead_old7"


# Who sees what


@pytest.mark.parametrize("id", ["lead_abc123", "123", NOBODYS, f"lead_{NOBODYS}", "%20", "a%00b"])
async def test_unknown_lead_is_not_found(people: People, lead: Lead, id: str) -> None:
    answer = await people.owner.http.get(f"{PATH}/{id}")

    expected = (400, "VALIDATION_ERROR") if "%00" in id else (404, "NOT_FOUND")
    assert (answer.status_code, answer.json()["error"]["code"]) == expected


async def test_stranger_sees_no_lead(people: People, lead: Lead) -> None:
    await people.stranger.channel(template="octanist")

    answer = await people.stranger.http.get(f"{PATH}/{lead.id}")

    assert (answer.status_code, answer.json()["message"]) == (404, "Lead not found")
    assert await listed(people.stranger) == []


async def test_key_bound_to_another_channel_sees_no_lead(people: People, lead: Lead) -> None:
    key = await people.owner.another_key(channel_ids=((await people.owner.channel()).id,))

    answer = await people.owner.http.get(f"{PATH}/{lead.id}", headers={"X-API-KEY": key})

    assert answer.status_code == 404
    assert await listed(people.owner, key=key) == []
