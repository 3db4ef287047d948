"""POST leads: what is counted as added, as a duplicate and as invalid, and what becomes of custom fields."""

import asyncio
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Category, PropertyType, Requirement
from leadrail.core.errors import Code, Refusal
from tests.dialects.sendpilot.pilot import BASES, CAMPAIGN, JOHN, add, entry, get, holding, known_as
from tests.people import NewProperty, NewStatus, People

NOT_A_PROFILE = "linkedinUrl must be the address of a LinkedIn profile"


def counted(answer: httpx.Response) -> tuple[int, int, int]:
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["success"] is True
    assert ("errors" in told) == bool(told["invalidEntries"])
    return told["leadsAdded"], told["duplicatesSkipped"], told["invalidEntries"]


async def stored(people: People) -> list[dict[str, Any]]:
    """The leads as the native API shows them, oldest first."""
    leads: list[dict[str, Any]] = (await people.owner.http.get("/v1/leads")).json()["data"]
    return leads[::-1]


async def test_a_new_lead_has_all_that_follows_from_one(people: People) -> None:
    channel = await people.shared_channel(template="sendpilot")
    await people.owner.trigger(channel, cause="new_lead", kind="fixed", amount=5)
    await people.owner.endpoint("https://example.com/hook", events=("lead.created",))
    john = entry("john-doe", firstName="John", lastName="Doe", company="TechCorp", title="VP of Engineering")

    assert counted(await add(people.partner, channel.id, john)) == (1, 0, 0)

    (lead,) = await stored(people)
    assert (lead["status"]["name"], lead["linkedin_url"], lead["title"]) == ("PENDING", JOHN, "VP of Engineering")
    assert (lead["first_name"], lead["last_name"], lead["company_name"]) == ("John", "Doe", "TechCorp")
    assert await people.owner.counts() == {"leads": 1, "events": 2, "deliveries": 1, "rewards": 1}


# Duplicates


async def test_a_profile_is_added_once_to_a_campaign_however_it_is_written(people: People) -> None:
    channel, other = await people.owner.channel(template="sendpilot"), await people.owner.channel(template="sales")
    again = [{"linkedinUrl": url} for url in ("in/JOHN-DOE?x=1", "http://linkedin.com/in/john%2Ddoe/", JOHN)]

    assert counted(await add(people.owner, channel.id, entry("john-doe"), *again, entry("jane"))) == (2, 3, 0)
    assert counted(await add(people.owner, channel.id, *again, entry("jim"))) == (1, 3, 0)
    assert counted(await add(people.owner, other.id, *again)) == (1, 2, 0)
    assert await people.owner.counts() == {"leads": 4, "events": 4, "deliveries": 0, "rewards": 0}


async def test_calls_at_once_add_each_profile_once(people: People) -> None:
    channel = await people.shared_channel(template="sendpilot")
    entries = [entry(f"founder-{number}") for number in range(30)]

    answers = await asyncio.gather(
        *(add(person, channel.id, *entries) for person in (people.owner, people.partner) * 4)
    )

    counts = [counted(answer) for answer in answers]
    assert (sum(added for added, _, _ in counts), {sum(count) for count in counts}) == (30, {30})
    assert await people.owner.count("leads") == 30


async def test_a_lead_that_came_by_another_door_is_a_duplicate_too(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")
    await people.owner.lead(channel, linkedin_url="linkedin.com/in/John-Doe")

    assert counted(await add(people.owner, channel.id, entry("john-doe"))) == (0, 1, 0)


# Entries that are invalid


@pytest.mark.parametrize(
    ("bad", "url", "text"),
    [
        ({}, None, NOT_A_PROFILE),
        ({"linkedinUrl": None}, None, NOT_A_PROFILE),
        ({"linkedinUrl": ""}, "", NOT_A_PROFILE),
        ({"linkedinUrl": "john@example.com"}, "john@example.com", NOT_A_PROFILE),
        ({"linkedinUrl": "https://linkedin.com/company/x"}, "https://linkedin.com/company/x", NOT_A_PROFILE),
        ({"linkedinUrl": 5}, None, 'linkedinUrl: Expected "str | null", got "int"'),
        ({"linkedinUrl": JOHN, "firstName": 5}, JOHN, 'firstName: Expected "str | null", got "int"'),
        ({"linkedinUrl": JOHN, "customFields": ["x"]}, JOHN, 'customFields: Expected "object | null", got "array"'),
        ({"linkedinUrl": JOHN, "firstName": "a\x00"}, None, "Text must not contain the character U+0000"),
        ({"linkedinUrl": JOHN, "title": "x" * 301}, JOHN, "title is longer than 300 characters"),
        ({"linkedinUrl": JOHN, "icebreaker": "x" * 17_000}, JOHN, "attribution is at most 16384 bytes of JSON"),
        (JOHN, None, 'Expected "object", got "str"'),
        (None, None, 'Expected "object", got "null"'),
        ([], None, 'Expected "object", got "array"'),
    ],
)
async def test_an_invalid_entry_is_told_and_stops_no_other(
    people: People, bad: Any, url: str | None, text: str
) -> None:
    channel = await people.owner.channel(template="sendpilot")

    answer = await add(people.owner, channel.id, entry("jane"), bad, entry("jim"))

    assert counted(answer) == (2, 0, 1)
    (error,) = answer.json()["errors"]
    assert (list(error), error["index"], error["linkedinUrl"]) == (["index", "linkedinUrl", "message"], 1, url)
    assert error["message"].startswith(text), error["message"]
    assert await people.owner.count("leads") == 2


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5000, b'"\xff"'])
async def test_an_entry_that_cannot_be_read_stops_no_other(people: People, number: bytes) -> None:
    channel = await people.owner.channel(template="sendpilot")
    body = b'{"campaignId": "%b", "leads": [{"linkedinUrl": "in/a", "x": %b}, {"linkedinUrl": "in/b"}]}'

    answer = await people.owner.http.post(f"{BASES[0]}/leads", content=body % (str(channel.id).encode(), number))

    assert counted(answer) == (1, 0, 1)


async def test_a_first_status_that_requires_something_refuses_each_entry(people: People) -> None:
    statuses = (NewStatus(name="Priced", category=Category.OPEN, requires=(Requirement.VALUE,)),)
    channel = await people.owner.channel(statuses=statuses)

    answer = await add(people.owner, channel.id, entry("a"), entry("b"))

    assert counted(answer) == (0, 0, 2)
    assert [error["message"] for error in answer.json()["errors"]] == [
        'The status "Priced" requires value; send it along'
    ] * 2


# Custom fields


async def test_flat_and_nested_custom_fields_are_kept_as_they_were_sent(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")
    nested = {"region": "North America", "customScore": 1, "nested": "yes", "email": "nested@example.com"}
    flat = {"customScore": 85, "ratio": 0.5, "isHot": True, "list": [1, "a"], "huge": 2**70, "gone": None}

    await add(people.owner, channel.id, entry("a", customFields=nested, **flat, region=None, phone=4915112345678))

    (lead,) = await stored(people)
    expected = {"region": "North America", "customScore": 85, "nested": "yes"} | flat
    del expected["gone"]
    assert lead["attribution"] == {"custom": expected}
    assert (lead["email"], lead["phone"]) == ("nested@example.com", "4915112345678")
    (shown,) = (await get(people.owner, "/leads", full=True)).json()["leads"]
    assert (shown["data"], shown["email"]) == (expected | {"phone": "4915112345678"}, "nested@example.com")


async def test_what_the_channel_defines_becomes_a_property_unless_it_does_not_fit(people: People) -> None:
    properties = (
        NewProperty(name="Score", type=PropertyType.NUMBER),
        NewProperty(name="Tier", type=PropertyType.SELECT, options=("gold", "silver")),
    )
    channel = await people.owner.channel(template="sendpilot", properties=properties)
    await add(people.owner, channel.id, entry("a", score="85", tier="gold"), entry("b", score="high", Tier="bronze"))

    fitting, unfitting = await stored(people)
    assert (fitting["properties"], fitting["attribution"]) == ({"Score": 85, "Tier": "gold"}, {})
    assert (unfitting["properties"], unfitting["attribution"]) == ({}, {"custom": {"score": "high", "Tier": "bronze"}})


async def test_an_email_that_is_no_text_is_kept_beside(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")

    await add(people.owner, channel.id, entry("a", email=["a@example.com"], phone=True))

    (lead,) = await stored(people)
    assert (lead["email"], lead["phone"]) == (None, None)
    assert lead["attribution"] == {"custom": {"email": ["a@example.com"], "phone": True}}


async def test_a_phone_or_email_that_is_too_long_for_the_lead_loses_no_lead(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")
    numbers = {"phone": "+49 151 1, " * 10, "email": "a" * 400}

    answer = await add(people.owner, channel.id, entry("a", **numbers))

    assert counted(answer) == (1, 0, 0)
    (shown,) = (await get(people.owner, "/leads", full=True)).json()["leads"]
    assert (shown["data"], shown["email"]) == (numbers, None)


# The call


async def test_a_thousand_leads_go_in_one_call(people: People) -> None:
    await known_as(people.owner, CAMPAIGN)
    entries = [entry(f"founder-{number}", icebreaker="x" * 4_000) for number in range(1_000)]

    assert counted(await add(people.owner, CAMPAIGN, *entries)) == (1000, 0, 0)
    assert await people.owner.counts() == {"leads": 1000, "events": 1000, "deliveries": 0, "rewards": 0}


ENTRIES = "leads is required: an array of 1 to 1000 entries"


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({}, "campaignId is required"),
        ({"leads": [entry("a")]}, "campaignId is required"),
        ({"campaignId": None, "leads": [entry("a")]}, "campaignId is required"),
        ({"campaignId": "", "leads": [entry("a")]}, "campaignId is required"),
        ({"campaignId": 5, "leads": [entry("a")]}, 'campaignId: Expected "str | null", got "int"'),
        ({"campaignId": CAMPAIGN}, ENTRIES),
        ({"campaignId": CAMPAIGN, "leads": None}, ENTRIES),
        ({"campaignId": CAMPAIGN, "leads": []}, ENTRIES),
        ({"campaignId": CAMPAIGN, "leads": [entry(f"a{number}") for number in range(1001)]}, ENTRIES),
        ({"campaignId": CAMPAIGN, "leads": entry("a")}, 'leads: Expected "array | null", got "object"'),
        ([entry("a")], 'Expected "object", got "array"'),
    ],
)
async def test_a_wrong_call_adds_nothing(people: People, members: Any, text: str) -> None:
    await known_as(people.owner, CAMPAIGN)

    answer = await people.owner.http.post(f"{BASES[0]}/leads", json=members)

    assert (answer.status_code, answer.json()["message"]) == (400, text)
    assert await people.owner.count("leads") == 0


@pytest.mark.parametrize("campaign", ["camp_nobody", "0190a0a0-0000-7000-8000-000000000000", "a\x00b"])
async def test_a_campaign_that_is_not_there_takes_none(people: People, campaign: str) -> None:
    answer = await add(people.owner, campaign, entry("a"))

    assert (answer.status_code, answer.json()["message"]) == (404, "Campaign not found")


async def test_a_stranger_and_a_key_of_other_channels_add_nothing(people: People) -> None:
    channel, other = await people.owner.channel(), await people.owner.channel()
    async with holding(people.owner, await people.owner.another_key(channel_ids=(other.id,))) as bound:
        for person in (people.stranger, bound):
            answer = await add(person, channel.id, entry("a"))
            assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden")
    assert await people.owner.count("leads") == 0


async def test_a_finished_campaign_takes_none(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")
    await people.owner.http.post(f"/v1/channels/{channel.id}/archive")

    answer = await add(people.owner, channel.id, entry("a"), {"linkedinUrl": "bad"})

    assert (answer.status_code, answer.json()["message"]) == (400, "The channel is archived and takes no new leads")
    assert await people.owner.count("leads") == 0


async def test_a_paused_campaign_takes_leads(people: People) -> None:
    await known_as(people.owner, CAMPAIGN)
    await people.owner.http.patch(f"{BASES[0]}/campaigns/{CAMPAIGN}", json={"action": "pause"})

    assert counted(await add(people.owner, CAMPAIGN, entry("a"))) == (1, 0, 0)


async def test_a_database_that_fails_amid_the_call_is_a_503_to_be_repeated(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await people.owner.channel(template="sendpilot")

    async def execute(commands: list[Any]) -> list[Refusal]:
        return [Refusal(Code.UNAVAILABLE, "try again")] * len(commands)

    monkeypatch.setattr(people.owner.core.engine, "execute", execute)

    answer = await add(people.owner, channel.id, entry("a"))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
