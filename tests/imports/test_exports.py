"""Which leads an export has: by parameters, by a saved view, by a nested filter."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from tests.api.answers import good, refused
from tests.people import People

NESTED = {"or": [{"field": "value", "gte": 100}, {"field": "source", "eq": "fair"}]}


def emails(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["email"].partition("@")[0] for row in csv.DictReader(io.StringIO(answer.text))]


async def test_a_nested_filter_and_a_view_of_it_say_the_same(people: People) -> None:
    http, channel = people.owner.http, await people.owner.channel(currency="EUR")
    fields: dict[str, Any]
    for email, fields in (("a", {"value": Decimal(200)}), ("b", {"source": "fair"}), ("c", {"value": Decimal(50)})):
        await people.owner.lead(channel, email=f"{email}@example.com", **fields)
    view = good(await http.post("/v1/views", json={"name": "Worth it", "filter": NESTED, "shared": True}), 201)

    by_filter = await http.post("/v1/exports", json={"filter": NESTED})
    by_view = await http.get("/v1/exports", params={"view": view["id"]})
    narrowed = await http.get("/v1/exports", params={"view": view["id"], "source": "fair"})
    history = await http.post("/v1/exports", json={"filter": NESTED, "history": True})

    assert emails(by_filter) == emails(by_view) == ["b", "a"]
    assert emails(narrowed) == ["b"]
    assert [row["type"] for row in csv.DictReader(io.StringIO(history.text))] == ["lead.created"] * 2
    assert emails(await people.stranger.http.post("/v1/exports", json={"filter": NESTED})) == []


@pytest.mark.parametrize(
    ("filter", "answer"),
    [
        ({"field": "properties.Nowhere", "eq": 1}, (422, "unknown_property")),
        ({"field": "shoe_size", "eq": 1}, (422, "invalid")),
        ({"field": "value", "eq": []}, (422, "invalid")),
    ],
)
async def test_a_filter_that_means_nothing_is_refused(people: People, filter: Any, answer: Any) -> None:
    assert refused(await people.owner.http.post("/v1/exports", json={"filter": filter}))[:2] == answer


async def test_a_view_of_somebody_else_is_not_there(people: People) -> None:
    view = good(await people.owner.http.post("/v1/views", json={"name": "Ours", "filter": {}, "shared": True}), 201)

    answer = await people.stranger.http.get("/v1/exports", params={"view": view["id"]})

    assert refused(answer)[:2] == (404, "not_found")
