"""The list of leads to be contacted: what is in it, for whom, and that its pages skip nothing while others write."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from tests.api.answers import all_pages, good, refused
from tests.people import NOBODYS, People, Person

WORK = "/v1/follow-ups"
HOUR = timedelta(hours=1)


async def planned(person: Person, channel: Channel, hours: float, **fields: Any) -> Lead:
    """A lead to be contacted so many hours from now."""
    return await person.lead(channel, next_follow_up_at=datetime.now(UTC) + hours * HOUR, **fields)


async def work(person: Person, state: str | None = "planned", **query: Any) -> list[str]:
    rows = await all_pages(person.http, WORK, **({"state": state} if state else {}) | query)
    return [row["id"] for row in rows]


def ids(*leads: Lead) -> list[str]:
    return [str(lead.id) for lead in leads]


async def plan(person: Person, lead: Lead, at: datetime | None) -> None:
    wanted = at.isoformat() if at else None
    good(await person.http.patch(f"/v1/leads/{lead.id}", json={"next_follow_up_at": wanted}))


# What is in it


async def test_each_state_has_its_time_and_the_earliest_goes_first(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    later, soon, just, long_ago, days_ago = [
        await planned(owner, channel, hours) for hours in (48, 0.01, -0.01, -23.9, -24.1)
    ]
    first, last = [
        await owner.lead(channel, next_follow_up_at=datetime(year, 1, 1, tzinfo=UTC)) for year in (1900, 2200)
    ]
    await owner.lead(channel)

    assert await work(owner, "planned") == ids(soon, later, last)
    assert await work(owner, "due") == await work(owner, None) == ids(long_ago, just)
    assert await work(owner, "overdue") == ids(first, days_ago)


async def test_it_shows_the_lead_as_it_is(people: People) -> None:
    lead = await planned(people.owner, await people.owner.channel(), -1, assignee="sam", email="jane@example.com")

    shown = good(await people.owner.http.get(WORK))

    assert shown == {"data": [good(await people.owner.http.get(f"/v1/leads/{lead.id}"))], "next_cursor": None}


@pytest.mark.parametrize("status", ["Won", "Lost"])
async def test_what_is_closed_is_nobodys_work_until_it_is_open_again(people: People, status: str) -> None:
    lead = await planned(people.owner, await people.owner.channel(), -1)
    path = f"/v1/leads/{lead.id}/status"

    good(await people.owner.http.put(path, json={"status": status}))
    assert await work(people.owner, "due") == []
    good(await people.owner.http.put(path, json={"status": "New"}))
    assert await work(people.owner, "due") == ids(lead)


async def test_what_was_erased_or_is_planned_no_more_is_gone(people: People) -> None:
    channel = await people.owner.channel()
    erased, given_up, done = [await planned(people.owner, channel, -1) for _ in range(3)]

    good(await people.owner.http.delete(f"/v1/leads/{erased.id}"))
    await plan(people.owner, given_up, None)
    now = datetime.now(UTC).isoformat()
    good(await people.owner.http.post(f"/v1/leads/{done.id}/follow-ups", json={"done_at": now}), 201)

    assert await work(people.owner, "due") == []


async def test_it_is_narrowed_by_channel_and_assignee(people: People) -> None:
    one, other = await people.owner.channel(), await people.owner.channel()
    sam, kim, nobody = [
        await planned(people.owner, channel, hours, assignee=assignee)
        for channel, hours, assignee in ((one, 1, "sam"), (other, 2, "kim"), (one, 3, None))
    ]
    sams = await planned(people.owner, other, 4, assignee="sam")

    assert await work(people.owner, channel=str(one.id)) == ids(sam, nobody)
    assert await work(people.owner, assignee="sam") == ids(sam, sams)
    assert await work(people.owner, assignee="sam", channel=str(other.id)) == ids(sams)
    assert await work(people.owner, assignee="kim") == ids(kim)
    for stranger in ("Sam", "sa", "sam ", "", "%", "ß\U0001f600"):
        assert await work(people.owner, assignee=stranger) == []


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({"state": "done"}, (400, "malformed", "?state")),
        ({"state": ""}, (400, "malformed", "?state")),
        ({"channel": "x"}, (400, "malformed", "?channel")),
        ({"channel": NOBODYS}, (404, "channel_not_found", "/channel_id")),
        ({"limit": "0"}, (400, "malformed", "?limit")),
        ({"limit": "201"}, (400, "malformed", "?limit")),
        ({"assignee": "a" * 201}, (400, "malformed", "?assignee")),
        ({"assignee": "a\x00"}, (400, "malformed", "?assignee")),
        ({"status": "New"}, (400, "malformed", "?status")),
        ({"cursor": "x"}, (422, "invalid", "?cursor")),
        ({"cursor": "MDE5OWZmZmYtZmZmZi03ZmZmLWJmZmYtZmZmZmZmZmZmZmZm"}, (422, "invalid", "?cursor")),
    ],
    ids=str,
)
async def test_what_it_cannot_be_asked_is_refused(people: People, query: dict[str, str], answer: Any) -> None:
    assert refused(await people.owner.http.get(WORK, params=query)) == answer


# For whom


async def test_a_partner_sees_the_work_of_what_it_shares_and_a_stranger_none_of_it(people: People) -> None:
    shared = await planned(people.owner, await people.shared_channel(), 2)
    await planned(people.owner, await people.owner.channel(), 1)
    own = await planned(people.partner, await people.partner.channel(), 1)

    assert await work(people.partner) == ids(own, shared)
    assert await work(people.partner, channel=str(shared.channel_id)) == ids(shared)
    assert await work(people.stranger) == []
    answer = await people.stranger.http.get(WORK, params={"channel": str(shared.channel_id)})
    assert refused(answer) == (404, "channel_not_found", "/channel_id")


async def test_a_key_that_is_bound_sees_the_work_of_its_channels(people: People) -> None:
    one, other = await people.owner.channel(), await people.owner.channel()
    await planned(people.owner, one, 1)
    seen = await planned(people.owner, other, 2)
    people.owner.http.headers["X-API-Key"] = await people.owner.another_key(channel_ids=(other.id,))

    assert await work(people.owner) == ids(seen)


# Its pages


async def test_leads_of_one_moment_are_each_on_one_page(people: People) -> None:
    at = datetime.now(UTC) + HOUR
    channels = [await people.owner.channel(), await people.shared_channel(), await people.partner.channel()]
    made = [await people.owner.lead(channels[n % 2], next_follow_up_at=at) for n in range(9)]
    made.append(await people.partner.lead(channels[2], next_follow_up_at=at))

    assert await work(people.owner, limit=2) == sorted(ids(*made[:9]))
    assert await work(people.partner, limit=2) == sorted(ids(*made[1::2]))


async def first_page(person: Person, limit: int) -> tuple[list[str], dict[str, Any]]:
    query: dict[str, Any] = {"state": "planned", "limit": limit}
    page = good(await person.http.get(WORK, params=query))
    return [row["id"] for row in page["data"]], query | {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("anew", [None, timedelta(days=9), timedelta(minutes=1)], ids=["no more", "later", "sooner"])
async def test_where_a_page_ended_the_next_begins_though_that_lead_was_planned_anew(
    people: People, anew: timedelta | None
) -> None:
    channel = await people.owner.channel()
    made = [await planned(people.owner, channel, hours) for hours in range(1, 7)]
    page, rest = await first_page(people.owner, 2)

    await plan(people.owner, made[1], datetime.now(UTC) + anew if anew else None)
    following = await all_pages(people.owner.http, WORK, **rest)

    assert page == ids(*made[:2])
    # Planned for later it is work again, which nobody has seen at its new time.
    again = made[1:2] if anew == timedelta(days=9) else []
    assert [row["id"] for row in following] == ids(*made[2:], *again)


async def test_what_stands_still_is_shown_once_while_others_come_and_go(people: People) -> None:
    channel = await people.owner.channel()
    still = [await planned(people.owner, channel, hours) for hours in range(1, 21)]
    moving = [await planned(people.owner, channel, hours + 0.5) for hours in range(1, 21)]
    ended = asyncio.Event()

    async def stir() -> None:
        turn = 0
        while not ended.is_set():
            turn += 1
            for place, lead in enumerate(moving):
                at = datetime.now(UTC) + (1 + (place * 7 + turn * 5) % 20) * HOUR
                await plan(people.owner, lead, at if (place + turn) % 3 else None)

    stirring = asyncio.create_task(stir())
    rounds = [await work(people.owner, limit=3) for _ in range(5)]
    ended.set()
    await stirring

    for seen in rounds:
        assert [id for id in seen if id in set(ids(*still))] == ids(*still)
