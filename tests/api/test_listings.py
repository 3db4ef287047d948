"""Lists: filters, pages, cursors, and that nothing is skipped or shown twice while others write."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadrail.core.leads.model import Lead
from tests.api.answers import all_pages, good, refused
from tests.people import NOBODYS, People, Person

LISTS = ("/v1/leads", "/v1/channels", "/v1/keys", "/v1/users", "/v1/webhooks", "/v1/rewards", "/v1/notifications")


async def ids(person: Person, path: str = "/v1/leads", **query: Any) -> list[str]:
    return [row["id"] for row in good(await person.http.get(path, params=query))["data"]]


def newest_first(*leads: Lead) -> list[str]:
    return [str(lead.id) for lead in reversed(leads)]


# Filters


async def test_leads_are_found_by_where_they_are(people: People) -> None:
    one, other = await people.owner.channel(), await people.owner.channel()
    first, second, third = [await people.owner.lead(channel) for channel in (one, other, one)]
    good(await people.owner.http.put(f"/v1/leads/{third.id}/status", json={"status": "Won"}))

    assert await ids(people.owner) == newest_first(first, second, third)
    assert await ids(people.owner, channel=str(one.id)) == newest_first(first, third)
    assert await ids(people.owner, status="NEW") == newest_first(first, second)
    assert await ids(people.owner, category="won") == newest_first(third)
    assert await ids(people.owner, status="New", category="won") == []
    assert await ids(people.owner, status="Bogus") == []


async def test_leads_are_found_by_who_they_are(people: People) -> None:
    channel = await people.owner.channel()
    jane = await people.owner.lead(channel, email="Jane@Example.com", phone="+45 20 12 34 56", business_id="B-1")
    await people.owner.lead(channel, email="john@example.com")

    for query in ({"email": "jane@EXAMPLE.com"}, {"phone": "+4520123456"}, {"business_id": "B-1"}):
        assert await ids(people.owner, **query) == [str(jane.id)]
    for query in ({"email": "jane"}, {"phone": "20123456"}, {"business_id": "b-1"}, {"email": ""}):
        assert await ids(people.owner, **query) == []


async def test_a_national_number_is_looked_up_in_the_companys_own_country(people: People) -> None:
    await people.shared_channel()
    good(await people.partner.http.patch("/v1/company", json={"country": "DK"}))
    lead = await people.partner.lead(await people.partner.channel(), phone="+4520123456")

    assert await ids(people.partner, phone="20 12 34 56") == [str(lead.id)]


async def test_two_keys_at_once_are_refused(people: People) -> None:
    answer = await people.owner.http.get("/v1/leads", params={"email": "a@b.com", "phone": "+4520123456"})

    assert refused(answer) == (422, "invalid", "?email")


async def test_leads_are_found_by_source_assignee_and_time(people: People) -> None:
    channel = await people.owner.channel()
    old = await people.owner.lead(channel, source="ads", assignee="sam")
    border = datetime.now(UTC)
    new = await people.owner.lead(channel, source="fair", assignee="sam")

    assert await ids(people.owner, source="ads") == [str(old.id)]
    assert await ids(people.owner, assignee="sam", source="fair") == [str(new.id)]
    assert await ids(people.owner, created_from=border.isoformat()) == [str(new.id)]
    assert await ids(people.owner, created_before=border.isoformat()) == [str(old.id)]
    good(await people.owner.http.patch(f"/v1/leads/{old.id}", json={"title": "CEO"}))
    assert await ids(people.owner, updated_from=border.isoformat()) == newest_first(old, new)
    assert await ids(people.owner, created_from=(border + timedelta(days=1)).isoformat()) == []


@pytest.mark.parametrize("channel", [NOBODYS, "theirs"])
async def test_leads_of_a_channel_that_one_may_not_see_are_not_found(people: People, channel: str) -> None:
    theirs = await people.stranger.channel()
    wanted = str(theirs.id) if channel == "theirs" else channel

    answer = await people.owner.http.get("/v1/leads", params={"channel": wanted})

    assert refused(answer)[:2] == (404, "channel_not_found")


@pytest.mark.parametrize("name", ["created_from", "created_before", "updated_from"])
@pytest.mark.parametrize("time", ["", "yesterday", "2026-03-02", "2026-03-02T12:00:00", "2026-03-02T12:00:00+02:00"])
async def test_a_time_that_is_none_is_refused_by_its_name(people: People, name: str, time: str) -> None:
    answer = await people.owner.http.get(f"/v1/leads?{name}={time}")  # a bare + means a blank

    assert refused(answer) == (400, "malformed", f"?{name}")


async def test_a_time_before_all_times_is_refused(people: People) -> None:
    answer = await people.owner.http.get("/v1/leads", params={"created_from": "0001-01-01T00:00:00+14:00"})

    assert refused(answer)[:2] == (422, "invalid")


# Pages


async def test_the_last_page_has_no_cursor_even_when_it_is_full(people: People) -> None:
    channel = await people.owner.channel()
    leads = [await people.owner.lead(channel) for _ in range(4)]

    first = good(await people.owner.http.get("/v1/leads", params={"limit": 2}))
    last = good(await people.owner.http.get("/v1/leads", params={"limit": 2, "cursor": first["next_cursor"]}))

    assert [row["id"] for row in first["data"] + last["data"]] == newest_first(*leads)
    assert last["next_cursor"] is None


async def test_pages_show_every_row_exactly_once_while_others_insert(people: People) -> None:
    channel = await people.owner.channel()
    there = [await people.owner.lead(channel) for _ in range(25)]
    stop = asyncio.Event()

    async def insert() -> None:
        while not stop.is_set():
            await people.owner.lead(channel)

    inserting = asyncio.ensure_future(insert())
    shown = [row["id"] for row in await all_pages(people.owner.http, "/v1/leads", limit=4)]
    stop.set()
    await inserting

    assert [id for id in shown if id in {str(lead.id) for lead in there}] == newest_first(*there)
    assert len(shown) == len(set(shown))


async def test_a_history_grows_at_its_end_while_it_is_paged(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    path = f"/v1/leads/{lead.id}"
    for n in range(5):
        good(await people.owner.http.put(f"{path}/status", json={"status": "New", "note": str(n)}))

    page = good(await people.owner.http.get(f"{path}/events", params={"limit": 4}))
    good(await people.owner.http.put(f"{path}/status", json={"status": "Won"}))
    rest = good(await people.owner.http.get(f"{path}/events", params={"cursor": page["next_cursor"]}))

    types = [event["type"] for event in page["data"] + rest["data"]]
    assert types == ["lead.created", *["lead.updated"] * 5, "lead.status_changed"]


async def test_rewards_and_notifications_are_paged_newest_first(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.trigger(channel, cause="new_lead", amount=5)
    leads = [await people.owner.lead(channel) for _ in range(5)]

    rewards = await all_pages(people.owner.http, "/v1/rewards", limit=2)
    notices = await all_pages(people.owner.http, "/v1/notifications", limit=3)

    assert [row["lead_id"] for row in rewards] == newest_first(*leads)
    assert [row["event"]["lead_id"] for row in notices if row["event"]["type"] == "lead.created"] == newest_first(
        *leads
    )
    assert await ids(people.owner, "/v1/rewards", lead=str(leads[1].id)) == [rewards[3]["id"]]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "-1", "201", "many", "1.5", ""])
async def test_a_limit_out_of_bounds_is_refused(people: People, path: str, limit: str) -> None:
    assert refused(await people.owner.http.get(path, params={"limit": limit})) == (400, "malformed", "?limit")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "AAAA", "bm90IGEgbnVtYmVy", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk"])
async def test_a_cursor_that_no_list_gave_is_refused(people: People, path: str, cursor: str) -> None:
    assert refused(await people.owner.http.get(path, params={"cursor": cursor})) == (422, "invalid", "?cursor")


@pytest.mark.parametrize("path", [*LISTS, "/v1/reasons", "/v1/sub-statuses", "/v1/company"])
async def test_an_unknown_parameter_is_refused_with_the_known_ones(people: People, path: str) -> None:
    answer = await people.owner.http.get(path, params={"colour": "red"})

    assert refused(answer) == (400, "malformed", "?colour")
    assert "known" in answer.json()["detail"]


@pytest.mark.parametrize("path", [*LISTS, "/v1/reasons", "/v1/sub-statuses"])
async def test_an_empty_list_is_a_list(people: People, path: str) -> None:
    assert set(good(await people.owner.http.get(path))) >= {"data", "next_cursor"}
