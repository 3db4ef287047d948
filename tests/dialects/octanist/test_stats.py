"""POST /api/stats: whose leads are counted, and in which days (contracts/octanist.md, section 7.1)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from leadrail.app import App
from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel, StatusRef
from leadrail.core.companies import store as companies
from leadrail.core.core import Core
from leadrail.core.leads.commands import Origin, Step
from leadrail.core.leads.model import Lead
from tests.conftest import serving
from tests.dialects.octanist.conftest import API, creation, made, post
from tests.people import People, Person

CUSTOM = {"period": "custom", "startDate": "2026-01-01", "endDate": "2026-01-31"}
BEGUN, ENDED = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
MOMENTS = (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), BEGUN, ENDED, datetime(2026, 2, 1, tzinfo=UTC))


async def figures(person: Person, *, key: str | None = None, **body: Any) -> dict[str, Any]:
    answer = await post(person, "/stats", key=key, **body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def born(person: Person, channel: Channel, at: datetime, word: str = "open", **fields: Any) -> None:
    steps = (Step(status=StatusRef(name=word)),)
    await made(person, await creation(person, channel, at=at, steps=steps, fields=fields, origin=Origin.IMPORT))


async def settle(person: Person, zone: str) -> None:
    async with person.core.database.transaction() as connection:
        company = await companies.company(connection, person.company_id)
        settled = type(company)(company.id, company.name, None, zone, company.created_at)
        await companies.update_company(connection, settled)


async def test_nothing_counted_divides_by_nothing(people: People) -> None:
    told = await figures(people.owner)

    assert told["leads"] == {
        "total": 0,
        "byStatus": {"open": 0, "qualified": 0, "won": 0, "lost": 0},
        "bySource": {},
    }
    assert set(told["conversion"].values()) == {0}


async def test_last_day_counts_whole_and_no_other(people: People, channel: Channel) -> None:
    for moment in MOMENTS:
        await born(people.owner, channel, moment)

    told = await figures(people.owner, **CUSTOM)

    assert told["usage"] == {
        "leadsUsed": 2,
        "leadsLimit": None,
        "lockedLeads": 0,
        "periodStart": "2026-01-01T00:00:00.000Z",
        "periodEnd": "2026-01-31T23:59:59.999Z",
    }


async def test_days_are_those_of_the_companys_time_zone(people: People, channel: Channel) -> None:
    await settle(people.owner, "America/New_York")
    for moment in MOMENTS:
        await born(people.owner, channel, moment)

    told = await figures(people.owner, **CUSTOM)

    assert told["leads"]["total"] == 2  # the last moment of the 31st in London, and what was February there
    assert told["usage"]["periodStart"] == "2026-01-01T05:00:00.000Z"


async def test_time_zone_of_the_key_goes_first(people: People) -> None:
    key = await people.owner.another_key(time_zone="Asia/Tokyo")

    told = await figures(people.owner, key=key, **CUSTOM)

    assert told["usage"]["periodStart"] == "2025-12-31T15:00:00.000Z"


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ({}, "2028-02-01T00:00:00.000Z", "2028-02-29T23:59:59.999Z"),
        ({"period": "current", "startDate": "ignored"}, "2028-02-01T00:00:00.000Z", "2028-02-29T23:59:59.999Z"),
        ({"period": "previous"}, "2028-01-01T00:00:00.000Z", "2028-01-31T23:59:59.999Z"),
    ],
)
async def test_period_is_a_calendar_month(
    people: People, core: Core, period: dict[str, str], start: str, end: str
) -> None:
    later = Core(core.database, clock=lambda: datetime(2028, 2, 29, 12, tzinfo=UTC))

    async with serving(App(later)) as url:
        headers = {"X-API-KEY": people.owner.key}
        answer = await people.owner.http.post(f"{url}{API}/stats", json=period, headers=headers)

    usage = answer.json()["data"]["usage"]
    assert (usage["periodStart"], usage["periodEnd"]) == (start, end)


async def test_channels_of_every_way_of_working_are_counted_in_the_vendors_words(people: People) -> None:
    sales, deals = [await people.owner.channel(template=template) for template in ("sales", "sendpilot")]
    await born(people.owner, sales, BEGUN, "Won", value=Decimal("100.10"), source="gtm")
    await born(people.owner, deals, BEGUN, "DONE", value=Decimal("50.05"))
    await born(people.owner, deals, BEGUN, "MEETING_BOOKED", value=Decimal(7))
    await born(people.owner, deals, BEGUN, "UNSUBSCRIBED")

    told = await figures(people.owner, **CUSTOM)

    assert told["leads"] == {
        "total": 4,
        "byStatus": {"open": 0, "qualified": 1, "won": 2, "lost": 1},
        "bySource": {"unknown": 3, "gtm": 1},
    }
    assert told["conversion"] == {
        "qualified": 3,
        "qualificationRate": 1,
        "winRate": 2 / 3,
        "averageValue": 75.08,
        "totalValue": 150.15,
    }


async def test_leads_of_others_are_not_counted(people: People, lead: Lead) -> None:
    key = await people.owner.another_key(channel_ids=((await people.owner.channel()).id,))

    told = [await figures(people.stranger), await figures(people.owner, key=key), await figures(people.owner)]

    assert [one["leads"]["total"] for one in told] == [0, 0, 1]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"period": "custom"}, "VALIDATION_ERROR", "startDate"),
        ({"period": "custom", "startDate": "2026-01-01"}, "VALIDATION_ERROR", "endDate"),
        ({"period": "custom", "startDate": "2026-01-01", "endDate": ""}, "VALIDATION_ERROR", "endDate"),
        ({"period": "custom", "startDate": "2026-01-02", "endDate": "2026-01-01"}, "VALIDATION_ERROR", "endDate"),
        ({"period": "custom", "startDate": "01/02/2026", "endDate": "2026-01-01"}, "INVALID_DATE", "startDate"),
        ({"period": "custom", "startDate": "2026-01-01", "endDate": "2026-02-30"}, "INVALID_DATE", "endDate"),
        ({"period": "custom", "startDate": "2026-01-01", "endDate": "2026-01-01T00:00"}, "INVALID_DATE", "endDate"),
        ({"period": "custom", "startDate": "2026-01-01", "endDate": "9999-12-31"}, "INVALID_DATE", "endDate"),
        ({"period": "forever"}, "VALIDATION_ERROR", "period"),
        ({"period": 5}, "VALIDATION_ERROR", "period"),
    ],
)
async def test_unreadable_period_is_refused(people: People, body: dict[str, Any], code: str, field: str) -> None:
    answer = await post(people.owner, "/stats", **body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert answer.json()["error"]["details"] == {"field": field}


async def test_body_is_compulsory(people: People) -> None:
    answer = await people.owner.http.post(f"{API}/stats")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_key_that_may_only_write_gets_no_figures(people: People) -> None:
    answer = await post(people.owner, "/stats", key=await people.owner.another_key(scopes=(Scope.WRITE,)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
