"""Campaigns: the two envelopes and their words, the counters, and what a pause leaves behind."""

import asyncio
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Channel
from tests.dialects.sendpilot.pilot import BASES, CAMPAIGN, add, assert_is_time, entry, get, holding, known_as, patch
from tests.people import People, Person

FOREIGN = "API key does not have permission to access this workspace"


async def act(person: Person, campaign: object, action: Any) -> httpx.Response:
    return await person.http.patch(f"{BASES[0]}/campaigns/{campaign}", json={"action": action})


async def one_of_each(people: People) -> dict[str, Channel]:
    """A campaign in every status that there is, oldest first."""
    channels = {word: await people.owner.channel(title=word) for word in ("started", "paused", "finished")}
    assert (await act(people.owner, channels["paused"].id, "pause")).status_code == 200
    assert (await people.owner.http.post(f"/v1/channels/{channels['finished'].id}/archive")).status_code == 200
    return channels


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [one["status"].lower() for one in told["data"]] == [one["status"] for one in told["campaigns"]]
    assert [one | {"status": ""} for one in told["data"]] == [one | {"status": ""} for one in told["campaigns"]]
    assert told["meta"] == told["pagination"]
    return [one["name"] for one in told["data"]]


# Lists


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("", ["finished", "paused", "started"]),
        ("all", ["finished", "paused", "started"]),
        ("started", ["started"]),
        ("active", ["started"]),
        ("STARTED", ["started"]),
        ("paused", ["paused"]),
        ("finished", ["finished"]),
        ("draft", []),
    ],
)
async def test_the_words_of_both_generations_choose(people: People, status: str, expected: list[str]) -> None:
    await one_of_each(people)

    answer = await get(people.owner, "/campaigns", status=status)

    assert names(answer) == expected
    assert [one["status"] for one in answer.json()["data"]] == [word.upper() for word in expected]
    assert answer.json()["meta"]["total"] == len(expected)


async def test_campaigns_come_by_the_page_with_their_leads_counted(people: People) -> None:
    channels = [await people.owner.channel(title=str(number)) for number in range(3)]
    await add(people.owner, channels[1].id, entry("a"), entry("b"))
    await people.owner.lead(channels[0])

    pages = [await get(people.owner, "/campaigns", limit=2, page=page) for page in (1, 2, 3)]

    assert [names(page) for page in pages] == [["2", "1"], ["0"], []]
    assert [one["totalLeads"] for page in pages for one in page.json()["data"]] == [0, 2, 1]
    assert pages[2].json()["meta"] == {"total": 3, "page": 3, "limit": 2, "totalPages": 2}


async def test_everybody_sees_the_campaigns_of_their_own(people: People) -> None:
    shared, own = await people.shared_channel(title="shared"), await people.owner.channel(title="own")
    async with holding(people.owner, await people.owner.another_key(channel_ids=(own.id,))) as bound:
        lists = [names(await get(person, "/campaigns")) for person in (people.partner, people.stranger, bound)]
        assert lists == [["shared"], [], ["own"]]
        assert (await get(bound, f"/campaigns/{shared.id}")).status_code == 403


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (
            {"status": "sold"},
            "status must be one of the following values: all, active, started, paused, draft, finished",
        ),
        ({"limit": 101}, 'limit: Expected "int" <= 100'),
        ({"page": -1}, 'page: Expected "int" >= 1'),
    ],
)
async def test_a_wrong_query_says_what_is_wrong(people: People, query: dict[str, Any], text: str) -> None:
    answer = await get(people.owner, "/campaigns", **query)

    assert (answer.status_code, answer.json()["message"]) == (400, text)


# One


async def test_leads_outside_the_sequence_are_in_no_counter(people: People) -> None:
    channel = await people.owner.channel(template="sales")
    lead = await people.owner.lead(channel)
    await patch(people.owner, lead.id, status="OPPORTUNITY")

    told = (await get(people.owner, f"/campaigns/{channel.id}")).json()

    assert told["totalLeads"] == 1
    assert set(told["metrics"].values()) == {0}
    assert told["leadsContacted"] == 0


@pytest.mark.parametrize("id", ["camp_nobody", "0190a0a0-0000-7000-8000-000000000000", "%00"])
async def test_a_campaign_that_is_not_there_is_a_404(people: People, id: str) -> None:
    for answer in (await get(people.owner, f"/campaigns/{id}"), await act(people.owner, id, "pause")):
        assert (answer.status_code, answer.json()["message"]) == (404, "Campaign not found")


# Pause and resume


async def news(people: People) -> list[str]:
    rows = await people.owner.rows(
        "SELECT type FROM events WHERE company_id = $1 ORDER BY seq", people.owner.company_id
    )
    return [row["type"] for row in rows]


async def test_a_pause_and_a_resumption_are_told_once_each(people: People) -> None:
    channel = await known_as(people.owner, CAMPAIGN)
    await people.owner.endpoint("https://example.com/hook", format="sendpilot")
    made_at = (await get(people.owner, f"/campaigns/{CAMPAIGN}")).json()["updatedAt"]

    answers = [await act(people.owner, id, "pause") for id in (channel.id, CAMPAIGN)]
    shown = (await get(people.owner, f"/campaigns/{CAMPAIGN}")).json()
    answers += [await act(people.owner, id, "resume") for id in (channel.id, CAMPAIGN)]

    assert [answer.json()["newStatus"] for answer in answers] == ["paused", "paused", "started", "started"]
    assert {answer.json()["campaignId"] for answer in answers} == {CAMPAIGN}
    assert answers[2].json()["message"] == "Campaign resumed successfully"
    assert shown["status"] == "paused"
    assert shown["updatedAt"] >= made_at
    assert_is_time(shown["updatedAt"])
    assert await news(people) == ["channel.paused", "channel.resumed"]
    assert await people.owner.count("deliveries") == 2
    assert (await people.owner.channel_now(channel.id)).paused_at is None


async def test_pauses_at_once_are_one(people: People) -> None:
    channel = await people.owner.channel()

    answers = await asyncio.gather(*(act(people.owner, channel.id, "pause") for _ in range(6)))

    assert {answer.status_code for answer in answers} == {200}
    assert await news(people) == ["channel.paused"]


async def test_only_the_owner_pauses(people: People) -> None:
    channel, other = await people.shared_channel(), await people.owner.channel()
    async with holding(people.owner, await people.owner.another_key(channel_ids=(other.id,))) as bound:
        told = [(await act(person, channel.id, "pause")).json() for person in (people.partner, people.stranger, bound)]

    words = "Only the company that owns the channel may change it"
    assert [(one["statusCode"], one["message"]) for one in told] == [(403, words), (403, FOREIGN), (403, FOREIGN)]
    assert (await people.owner.channel_now(channel.id)).paused_at is None
    assert await news(people) == []


async def test_a_finished_campaign_is_neither_paused_nor_resumed(people: People) -> None:
    finished = (await one_of_each(people))["finished"]

    answers = [await act(people.owner, finished.id, action) for action in ("pause", "resume")]

    assert [(answer.status_code, answer.json()["message"]) for answer in answers] == [
        (400, "The channel is archived")
    ] * 2


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "action must be one of the following values: pause, resume"),
        ({"action": None}, "action must be one of the following values: pause, resume"),
        ({"action": "stop"}, "action must be one of the following values: pause, resume"),
        ({"action": 1}, 'action: Expected "str | null", got "int"'),
    ],
)
async def test_a_wrong_action_says_which_there_are(people: People, body: dict[str, Any], text: str) -> None:
    channel = await people.owner.channel()

    answer = await people.owner.http.patch(f"{BASES[0]}/campaigns/{channel.id}", json=body)

    assert (answer.status_code, answer.json()["message"]) == (400, text)
    assert await news(people) == []
