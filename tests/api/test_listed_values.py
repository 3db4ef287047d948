"""By value leads are listed from a table of its own: whatever is done to them, it says what they say."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from leadrail.core.leads.model import Lead
from tests.api.answers import good
from tests.api.test_channel_moves import go
from tests.api.test_merging import merge, pair, undo
from tests.api.test_search import found, search
from tests.people import People, Person

LISTED = "SELECT value, number FROM lead_values WHERE company_id = $1 ORDER BY number, value"
OF_LEADS = """SELECT value, number FROM leads
    WHERE company_id = $1 AND value IS NOT NULL AND merged_into IS NULL ORDER BY number, value"""


async def listed(person: Person) -> list[Decimal]:
    """The values by which the person's leads are listed, in the order of the leads; they are those of the leads."""
    rows = await person.rows(LISTED, person.company_id)
    assert rows == await person.rows(OF_LEADS, person.company_id)
    return [row["value"] for row in rows]


async def put(person: Person, lead: Lead, **body: Any) -> None:
    good(await person.http.put(f"/v1/leads/{lead.id}/status", json=body))


async def patch(person: Person, lead: Lead, **body: Any) -> None:
    good(await person.http.patch(f"/v1/leads/{lead.id}", json=body))


async def test_a_value_is_listed_as_it_comes_changes_and_goes(people: People) -> None:
    owner = people.owner
    channel, there = await owner.channel(), await owner.channel()
    first, _ = await owner.lead(channel, value=Decimal(10)), await owner.lead(channel)
    assert await listed(owner) == [10]

    await put(owner, first, status="Qualified", value="20.50")
    assert await listed(owner) == [Decimal("20.50")]
    await put(owner, first, status="New")
    assert await listed(owner) == [Decimal("20.50")]
    await patch(owner, first, name="Anna")
    assert await listed(owner) == [Decimal("20.50")]
    await patch(owner, first, value="20.5")  # the same
    assert await listed(owner) == [Decimal("20.50")]
    await go(owner, first, there)
    assert await listed(owner) == [Decimal("20.50")]
    await patch(owner, first, value=None)
    assert await listed(owner) == []
    await patch(owner, first, value="0")
    assert await listed(owner) == [0]


async def test_of_many_changes_at_once_the_last_one_is_listed(people: People) -> None:
    owner = people.owner
    lead = await owner.lead(await owner.channel(), value=Decimal(1))

    await asyncio.gather(*(patch(owner, lead, value=str(n % 7) if n % 3 else None) for n in range(60)))

    assert len(await listed(owner)) <= 1


async def test_a_merged_lead_is_not_listed_until_it_is_taken_back(people: People) -> None:
    owner = people.owner
    stays, goes = await pair(people)
    assert await listed(owner) == [500]

    merged = await merge(owner, stays, goes)
    assert await listed(owner) == [500]  # that of the one that stays, which lacked one
    good(await undo(owner, stays, merged))
    assert await listed(owner) == [500]
    assert await found(owner, sort=["value"]) == [str(goes.id)]


async def test_an_erased_lead_is_listed_as_it_is_kept(people: People) -> None:
    owner = people.owner
    lead = await owner.lead(await owner.channel(), email="jane@example.com", value=Decimal(7))

    good(await owner.http.delete(f"/v1/leads/{lead.id}"))

    assert await listed(owner) == [7]  # of nobody any more, and in the sums as before


@pytest.mark.parametrize("sort", ["value", "-value", "next_follow_up_at"])
@pytest.mark.parametrize("filter", [None, {"field": "source", "eq": "fair"}, {"field": "status", "eq": "New"}], ids=str)
async def test_a_list_by_what_some_leads_lack_counts_those_that_it_shows(
    sort: str, filter: dict[str, Any] | None, people: People
) -> None:
    owner = people.owner
    channel = await owner.channel()
    given: list[dict[str, Any]] = [{"value": Decimal(3)}, {"value": Decimal(3), "source": "fair"}, {}]
    for fields in given:
        lead = await owner.lead(channel, **fields)
        if "value" in fields:
            await patch(owner, lead, next_follow_up_at="2027-01-01T00:00:00Z")
    more = {"filter": filter} if filter is not None else {}

    shown = await search(owner, sort=[sort], count=True, **more)

    assert shown["count"] == len(shown["data"]) == (1 if filter is not None and filter["field"] == "source" else 2)
    assert shown["count_is_estimate"] is False
