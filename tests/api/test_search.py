"""Search over HTTP: nested filters, words, orders, chosen members, counts, and pages while others write."""

import asyncio
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.commands import NewProperty
from leadrail.core.channels.model import Channel, PropertyType
from leadrail.core.leads import walks
from tests.api.answers import all_pages, good, refused
from tests.people import NOBODYS, People, Person

PATH = "/v1/leads/search"


async def search(person: Person, **body: Any) -> Any:
    return good(await person.http.post(PATH, json=body))


async def found(person: Person, **body: Any) -> list[str]:
    """The ids of the whole list, page by page."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await search(person, **body, **cursor)
        ids += [row["id"] for row in page["data"]]
        if page["next_cursor"] is None:
            return ids
        cursor = {"cursor": page["next_cursor"]}


async def sized(person: Person) -> Channel:
    return await person.channel(properties=(NewProperty(name="Size", type=PropertyType.NUMBER),))


async def lead(person: Person, channel: Channel, **fields: Any) -> str:
    body = {"channel_id": str(channel.id)} | fields
    return str(good(await person.http.post("/v1/leads", json=body), 201)["id"])


# Filters


async def test_nested_filters_find_what_they_say(people: People) -> None:
    owner, channel = people.owner, await sized(people.owner)
    small = await lead(owner, channel, properties={"Size": 5}, source="fair", value="100")
    large = await lead(owner, channel, properties={"Size": 50.0}, source="fair")
    other = await lead(owner, channel, source="ads", attribution={"utm_campaign": "spring"})
    await owner.http.put(f"/v1/leads/{large}/status", json={"status": "Won"})

    assert await found(owner, filter={"field": "properties.size", "eq": 50}) == [large]
    assert await found(owner, filter={"field": "properties.Size", "gte": 5}) == [large, small]
    assert await found(owner, filter={"field": "attribution.utm_campaign", "in": ["spring"]}) == [other]
    assert await found(owner, filter={"not": {"field": "source", "eq": "fair"}}) == [other]
    either = {"or": [{"field": "category", "eq": "won"}, {"field": "value", "lt": 101}]}
    assert await found(owner, filter=either) == [large, small]
    assert await found(owner, filter={"and": [either, {"field": "status", "ne": "won"}]}) == [small]
    assert await found(owner, filter={"field": "channel", "eq": str(channel.id)}) == [other, large, small]


async def test_an_edited_property_is_found_by_what_it_is_now(people: People) -> None:
    owner, channel = people.owner, await sized(people.owner)
    id = await lead(owner, channel, properties={"Size": 5})
    good(await owner.http.patch(f"/v1/leads/{id}", json={"properties": {"Size": 6}}))

    assert await found(owner, filter={"field": "properties.Size", "eq": 6}) == [id]
    assert await found(owner, filter={"field": "properties.Size", "eq": 5}) == []


WRONG: list[tuple[Any, str, str]] = [
    ({"colour": "red"}, "invalid", "/filter"),
    ({"field": "colour", "eq": "red"}, "invalid", "/filter/field"),
    ({"field": "source"}, "invalid", "/filter"),
    ({"field": "source", "is": "ads"}, "invalid", "/filter/is"),
    ({"field": "source", "eq": 5}, "invalid", "/filter/eq"),
    ({"field": "source", "gt": None}, "invalid", "/filter/gt"),
    ({"field": "source", "in": []}, "invalid", "/filter/in"),
    ({"field": "source", "in": ["a"] * 201}, "invalid", "/filter/in"),
    ({"field": "value", "gte": "many"}, "invalid", "/filter/gte"),
    ({"field": "value", "contains": "1"}, "invalid", "/filter/contains"),
    ({"field": "created_at", "lt": "yesterday"}, "invalid", "/filter/lt"),
    ({"field": "created_at", "lt": "0001-01-01T00:00:00+14:00"}, "invalid", "/filter/lt"),
    ({"field": "status", "eq": "Sold"}, "invalid", "/filter/eq"),
    ({"field": "category", "in": ["open", "shut"]}, "invalid", "/filter/in/1"),
    ({"field": "channel", "eq": NOBODYS}, "channel_not_found", "/filter/eq"),
    ({"field": "properties.Hobby", "eq": 1}, "unknown_property", "/filter/field"),
    ({"and": []}, "invalid", "/filter/and"),
    ({"or": {}}, "invalid", "/filter/or"),
    ({"not": []}, "invalid", "/filter/not"),
    ({"and": [{"field": "source", "eq": "a"}, {"or": [5]}]}, "invalid", "/filter/and/1/or/0"),
    ({"and": [{"field": "source", "eq": "a"}] * 50}, "invalid", "/filter/and/49"),
]


@pytest.mark.parametrize(("filter", "code", "field"), WRONG)
async def test_a_filter_that_means_nothing_is_refused_where_it_is_wrong(
    people: People, filter: Any, code: str, field: str
) -> None:
    await people.owner.channel()

    answer = await people.owner.http.post(PATH, json={"filter": filter})

    assert refused(answer)[1:] == (code, field)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"q": " ?! "}, (422, "invalid", "/q")),
        ({"q": "a b c d e f g h i"}, (422, "invalid", "/q")),
        ({"sort": ["colour"]}, (422, "invalid", "/sort/0")),
        ({"sort": ["value", "number"]}, (400, "malformed", "/sort")),
        ({"fields": ["colour"]}, (422, "invalid", "/fields")),
        ({"limit": 201}, (400, "malformed", "/limit")),
        ({"cursor": "x"}, (422, "invalid", "?cursor")),
        ({"filter": []}, (400, "malformed", "/filter")),
        ({"colour": "red"}, (400, "malformed", "/colour")),
    ],
)
async def test_what_a_search_cannot_be_is_refused(people: People, body: Any, answer: tuple[int, str, str]) -> None:
    assert refused(await people.owner.http.post(PATH, json=body)) == answer


async def test_a_cursor_goes_with_its_own_order_only(people: People) -> None:
    channel = await people.owner.channel()
    for value in ("1", "2"):
        await lead(people.owner, channel, value=value)
    page = await search(people.owner, sort=["value"], limit=1)

    answer = await people.owner.http.post(PATH, json={"sort": ["-value"], "cursor": page["next_cursor"]})

    assert refused(answer) == (422, "invalid", "?cursor")


# Words


async def test_a_phone_number_is_found_however_it_is_written(people: People) -> None:
    await people.owner.http.patch("/v1/company", json={"country": "DK"})
    channel = await people.owner.channel()
    id = await lead(people.owner, channel, phone="+45 20 12 34 56")
    await lead(people.owner, channel, phone="+4520123457")

    for text in ("+4520123456", "004520123456", "20123456", "20 12 34 56", "20-12-34-56", "(+45) 20 12 34 56"):
        assert await found(people.owner, q=text) == [id], text
    assert len(await found(people.owner, q="2012345")) == 2


async def test_parts_of_an_address_and_words_of_all_texts_are_found(people: People) -> None:
    channel = await people.owner.channel()
    id = await lead(
        people.owner,
        channel,
        email="Anna.Schmidt@firm.example",
        name="Dr. Änne Groß-Weber",
        company_name="Müller & Söhne GmbH",
        notes="Wants a quote for the crane",
    )
    await lead(people.owner, channel, email="bob@else.example")

    for text in ("anna", "anna.schmidt", "schmidt@fi", "firm.exam", "@firm.example", "ANNA.SCHMIDT@FIRM.EXAMPLE"):
        assert await found(people.owner, q=text) == [id], text
    for text in ("anne", "gross weber", "mueller", "muller söhne", "crane quote", "weber firm cran"):
        assert await found(people.owner, q=text) == [id], text
    for text in ("anna bob", "rane"):
        assert await found(people.owner, q=text) == [], text


async def test_an_erased_person_is_found_by_nothing(people: People) -> None:
    channel = await sized(people.owner)
    id = await lead(
        people.owner, channel, name="Anna", email="anna@firm.example", properties={"Size": 5}, source="fair"
    )
    good(await people.owner.http.delete(f"/v1/leads/{id}"), 200)

    assert await found(people.owner, q="anna") == []
    assert await found(people.owner, filter={"field": "properties.Size", "eq": 5}) == []
    assert await found(people.owner) == [id]
    assert await people.owner.rows("SELECT word FROM lead_words WHERE company_id = $1", people.owner.company_id) == []


# Who sees what


async def test_a_search_shows_what_the_list_shows_and_no_more(people: People) -> None:
    shared, private = await people.shared_channel(), await people.owner.channel()
    ids = {name: await lead(people.owner, channel, name="Anna", source="fair", assignee="sam", value="5")
           for name, channel in (("shared", shared), ("private", private))}  # fmt: skip
    theirs = await lead(people.stranger, await people.stranger.channel(), name="Anna", source="fair")
    own = await lead(people.partner, await people.partner.channel(), name="Anna", source="fair")
    ways: list[dict[str, Any]] = [
        {}, {"q": "anna"}, {"filter": {"field": "source", "eq": "fair"}}, {"filter": {"field": "name", "eq": "Anna"}},
        {"sort": ["created_at"]}, {"sort": ["-updated_at"], "q": "anna"},
    ]  # fmt: skip

    for way in ways:
        assert set(await found(people.partner, **way)) == {own, ids["shared"]}, way
        assert await found(people.stranger, **way) == [theirs], way
        assert set(await found(people.owner, **way)) == set(ids.values()), way


async def test_a_key_of_some_channels_finds_the_leads_of_those(people: People) -> None:
    owner, (one, other) = people.owner, (await people.owner.channel(), await people.owner.channel())
    ids = [await lead(owner, channel, name="Anna", source="fair") for channel in (one, other)]
    key = await owner.another_key(scopes=(Scope.READ,), channel_ids=(one.id,))

    for body in ({}, {"q": "anna"}, {"filter": {"field": "source", "eq": "fair"}}, {"sort": ["created_at"]}):
        answer = await owner.http.post(PATH, json=body | {"count": True}, headers={"X-API-Key": key})
        assert [row["id"] for row in good(answer)["data"]] == ids[:1]
        assert good(answer)["count"] == 1


# Members, orders, counts


async def test_only_the_chosen_members_are_answered(people: People) -> None:
    id = await lead(people.owner, await people.owner.channel(), name="Anna")

    page = await search(people.owner, fields=["name", "status"])
    listed = good(await people.owner.http.get("/v1/leads", params={"fields": "name,status"}))

    assert page == listed
    assert [set(row) for row in page["data"]] == [{"id", "name", "status"}]
    assert page["data"][0]["id"] == id


async def test_lists_are_sorted_by_every_order(people: People) -> None:
    channel = await people.owner.channel()
    ids = [await lead(people.owner, channel, **({"value": value} if value else {})) for value in ("5", "", "3")]
    good(await people.owner.http.put(f"/v1/leads/{ids[0]}/status", json={"status": "Won"}))

    assert await found(people.owner, sort=["value"]) == [ids[2], ids[0]]
    assert await found(people.owner, sort=["-value"]) == [ids[0], ids[2]]
    for order in ("updated_at", "status_changed_at"):
        assert await found(people.owner, sort=[order]) == [ids[1], ids[2], ids[0]]
    for order in ("created_at", "number"):
        assert await found(people.owner, sort=[order], limit=1) == ids
        rows = await all_pages(people.owner.http, "/v1/leads", sort=f"-{order}", limit=1)
        assert [row["id"] for row in rows] == ids[::-1]


async def test_a_count_above_its_bound_is_that_of_the_board_or_marked(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "COUNT_LIMIT", 3)
    monkeypatch.setattr(walks, "_FEWEST_LOOKS", 3)
    channel = await people.owner.channel()
    for n in range(8):
        await lead(people.owner, channel, source="fair" if n % 2 else "ads")

    board = good(await people.owner.http.get("/v1/analytics/board", params={"channel": str(channel.id)}))
    whole = await search(people.owner, count=True, limit=1)
    by_status = await search(people.owner, filter={"field": "status", "eq": "New"}, count=True, limit=1)
    some = await search(people.owner, filter={"field": "title", "exists": False}, count=True, limit=1)
    few = await search(people.owner, q="fair", count=True)

    assert [(one["count"], one["count_is_estimate"]) for one in (whole, by_status)] == [(board["leads"], False)] * 2
    assert (some["count"], some["count_is_estimate"]) == (8, True)
    assert (few["count"], few["count_is_estimate"]) == (0, False)
    assert "count" not in await search(people.owner)
    listed = good(await people.owner.http.get("/v1/leads", params={"count": "true", "limit": 1}))
    assert listed == whole


# While others write


@pytest.mark.parametrize("order", ["-number", "number", "-created_at", "created_at", "value", "-value"])
async def test_pages_neither_repeat_nor_skip_while_others_write(people: People, order: str) -> None:
    owner, channel = people.owner, await people.owner.channel()
    there = [await lead(owner, channel, value=str(n % 3), source="fair") for n in range(20)]
    stop = asyncio.Event()

    async def write() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            await lead(owner, channel, value=str(turn % 3), source="fair" if turn % 2 else "ads")
            moved = there[turn % len(there)]
            good(await owner.http.put(f"/v1/leads/{moved}/status", json={"status": ("Won", "New")[turn % 2]}))
            good(await owner.http.patch(f"/v1/leads/{moved}", json={"title": str(turn)}))

    writing = asyncio.ensure_future(write())
    body = {"filter": {"field": "source", "eq": "fair"}, "sort": [order], "limit": 3}
    shown = await found(owner, **body)
    stop.set()
    await writing

    old = [id for id in shown if id in set(there)]
    assert len(shown) == len(set(shown))
    assert old == [id for id in await found(owner, **body) if id in set(there)]
    assert set(old) == set(there)


# One filter for all


async def test_a_bulk_change_takes_the_same_filter(people: People) -> None:
    owner, channel = people.owner, await sized(people.owner)
    await lead(owner, channel, properties={"Size": 5})
    where = {"or": [{"field": "properties.Size", "gt": 4}, {"field": "source", "eq": "fair"}]}
    action = {"type": "assign", "assignee": "sam@example.com"}

    taken = await owner.http.post("/v1/bulk-changes", json={"filter": {"where": where}, "action": action})
    wrong = {"filter": {"where": {"or": [{"field": "colour", "eq": 1}]}}, "action": action}
    everything = {"filter": {"where": {}}, "action": action}

    assert good(taken, 202)["filtered_by"] == ["where"]
    answer = refused(await owner.http.post("/v1/bulk-changes", json=wrong))
    assert answer == (422, "invalid", "/filter/where/or/0/field")
    assert refused(await owner.http.post("/v1/bulk-changes", json=everything)) == (422, "invalid", "/filter")
