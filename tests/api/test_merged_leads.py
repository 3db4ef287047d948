"""Merged leads where leads are searched, come in again, agree, and go to other channels."""

from typing import Any

import pytest

from tests.api.answers import good, refused
from tests.api.test_merging import merge, pair, read, undo
from tests.api.test_search import found, search
from tests.people import People

WORDS = "SELECT word FROM lead_words w JOIN leads l USING (company_id, number) WHERE l.id = $1"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"sort": ["updated_at"]},
        {"sort": ["-status_changed_at"]},
        {"sort": ["created_at"]},
        {"sort": ["value"]},
        {"filter": {"field": "status", "eq": "New"}},
        {"filter": {"field": "source", "eq": "fair"}},
        {"filter": {"field": "properties.Region", "eq": "EMEA"}},
        {"filter": {"field": "value", "gte": 1}},
        {"filter": {"field": "number", "gte": 1}},
        {"q": "jane"},
    ],
    ids=str,
)
async def test_no_list_shows_or_counts_a_merged_lead_and_each_does_after_the_undo(
    asked: dict[str, Any], people: People
) -> None:
    stays, goes = await pair(people)
    before = await found(people.owner, **asked)
    assert str(goes.id) in before

    merged = await merge(people.owner, stays, goes)

    assert await found(people.owner, **asked) == [str(stays.id)]
    assert (await search(people.owner, **asked, count=True))["count"] == 1
    good(await undo(people.owner, stays, merged))
    assert set(await found(people.owner, **asked)) == set(before)


@pytest.mark.parametrize("q", ["jane@example.org", "+45 20 12 34 56"])
async def test_words_find_the_one_that_stays_by_the_addresses_and_numbers_of_the_others(q: str, people: People) -> None:
    stays, goes = await pair(people)
    merged = await merge(people.owner, stays, goes)
    good(await people.owner.http.patch(f"/v1/leads/{stays.id}", json={"phone": "+4599999999"}))

    assert await found(people.owner, q=q) == [str(stays.id)]
    assert await people.owner.rows(WORDS, goes.id) == []
    good(await undo(people.owner, stays, merged))
    assert await found(people.owner, q=q) == [str(goes.id)]


async def test_who_comes_in_again_by_a_merged_key_is_the_one_that_stays(people: People) -> None:
    stays, goes = await pair(people)
    await merge(people.owner, stays, goes)
    body = {"channel_id": str(stays.channel_id), "email": "JANE@example.org", "title": "CEO", "on_duplicate": "update"}

    again = good(await people.owner.http.post("/v1/leads", json=body))

    assert (again["id"], again["outcome"], again["title"]) == (str(stays.id), "updated", "CEO")


async def test_consents_of_all_are_read_with_the_one_that_stays(people: People) -> None:
    stays, goes = await pair(people)
    for lead, state in ((goes, "given"), (stays, "withdrawn")):
        wanted = {"purpose": "news", "basis": "consent", "state": state}
        good(await people.owner.http.post(f"/v1/leads/{lead.id}/consents", json=wanted), 201)
    merged = await merge(people.owner, stays, goes)

    ledger = (await read(people.owner, stays, "/consents"))["data"]
    assert [one["state"] for one in ledger] == ["withdrawn", "given"]
    assert (await read(people.owner, goes, "/consents"))["data"] == ledger
    good(await undo(people.owner, stays, merged))
    assert [one["state"] for one in (await read(people.owner, goes, "/consents"))["data"]] == ["given"]


async def test_a_blocked_address_stays_blocked_whatever_was_merged(people: People) -> None:
    stays, goes = await pair(people)
    await merge(people.owner, stays, goes)
    good(await people.owner.http.post("/v1/blocks", json={"email": "nobody@example.com"}), 201)

    path, body = f"/v1/leads/{goes.id}", {"email": "nobody@example.com"}
    assert refused(await people.owner.http.patch(path, json=body))[:2] == (409, "blocked")
    assert good(await people.owner.http.patch(path, json={"title": "CEO"}))["id"] == str(stays.id)


async def test_it_goes_to_another_channel_alone_and_comes_apart_in_the_first(people: People) -> None:
    stays, goes = await pair(people)
    elsewhere = await people.owner.channel(title="Other")
    merged = await merge(people.owner, stays, goes)
    path, there = f"/v1/leads/{goes.id}/channel", {"channel_id": str(elsewhere.id), "drop_properties": True}

    moved = good(await people.owner.http.put(path, json=there))

    assert (moved["id"], moved["channel_id"]) == (str(stays.id), str(elsewhere.id))
    assert (await read(people.owner, goes))["id"] == str(stays.id)
    columns = good(await people.owner.http.get("/v1/analytics/board"))["data"]
    assert sum(column["leads"] for column in columns) == 1
    assert refused(await undo(people.owner, stays, merged))[:2] == (409, "conflict")
    good(await people.owner.http.put(path, json={"channel_id": str(stays.channel_id)}))
    good(await undo(people.owner, stays, merged))
    assert [(await read(people.owner, lead))["id"] for lead in (stays, goes)] == [str(stays.id), str(goes.id)]


async def test_erasing_reaches_those_that_stayed_in_the_first_channel(people: People) -> None:
    stays, goes = await pair(people)
    elsewhere = await people.owner.channel(title="Other")
    await merge(people.owner, stays, goes)
    there = {"channel_id": str(elsewhere.id), "drop_properties": True}
    good(await people.owner.http.put(f"/v1/leads/{stays.id}/channel", json=there))

    good(await people.owner.http.delete(f"/v1/leads/{stays.id}"))

    erased = await people.owner.rows("SELECT erased_at FROM leads WHERE id = ANY($1)", [stays.id, goes.id])
    assert [row["erased_at"] is not None for row in erased] == [True, True]
