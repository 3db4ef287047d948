"""Every JSON example of the contract, asked for over HTTP: the same members, in the same order, of the same types."""

from pathlib import Path

import pytest

from leadrail.core.channels.model import Channel, StatusRef
from leadrail.core.core import Core
from leadrail.core.leads.commands import ChangeStatus
from leadrail.core.leads.filters import Filter
from tests.dialects.sendpilot.pilot import (
    BASES,
    CAMPAIGN,
    JOHN,
    LEAD,
    add,
    assert_is_time,
    assert_like,
    entry,
    get,
    known_as,
    migrated,
    sample,
)
from tests.people import People

NAME = "Q1 Tech Founders Outreach"
NOT_OFFERED = ["conversations", "messages", "send_message", "connect", "search_status", "extraction_status"]


async def test_an_error(people: People) -> None:
    told = (await people.owner.http.post(f"{BASES[0]}/leads", json={})).json()

    assert_like(told, sample("error_envelope")["answer"] | {"message": "campaignId is required"})


async def test_an_invalid_key(people: People) -> None:
    answer = await people.owner.http.get(f"{BASES[0]}/me", headers={"X-API-Key": "sp_live_abc123xyz..."})

    assert list(answer.json().items()) == list(sample("invalid_key")["answer"].items())


async def test_another_workspace(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")

    answer = await get(people.stranger, f"/campaigns/{channel.id}")

    assert list(answer.json().items()) == list(sample("foreign_workspace")["answer"].items())


@pytest.mark.parametrize("base", BASES)
async def test_the_credits(people: People, base: str) -> None:
    told = (await get(people.owner, "/credits", base)).json()

    first, newest = sample("credits_first")["answer"], sample("credits_newest")["answer"]
    assert [name for name in told if name in first] == list(first)
    assert [name for name in told if name in newest] == list(newest)
    for name, parts in first.items():
        assert [(part, type(value)) for part, value in told[name].items()] == [(part, int) for part in parts]
    assert told["available"] == told["subscription"] + told["purchased"] > told["used"]
    assert told["globalCredits"]["remaining"] == told["globalCredits"]["balance"] - told["globalCredits"]["used"]
    assert told["nextResetDate"] is None


async def a_campaign_in_full_swing(core: Core, people: People, campaign: str) -> Channel:
    """The 150 leads of the samples: 12 have replied, 40 were written to, 45 are connected, 120 were asked."""
    channel = await known_as(people.owner, campaign, title=NAME)
    await add(people.owner, campaign, *(entry(f"founder-{number}") for number in range(150)))
    actor = await core.doors.admit_key(people.owner.key, "api")
    async with core.database.connection() as connection:
        leads = await core.reader.leads(connection, actor, Filter(channel_ids=(channel.id,), limit=120))
    words = ["REPLY_RECEIVED"] * 12 + ["MESSAGE_SENT"] * 28 + ["CONNECTION_ACCEPTED"] * 5 + ["CONNECTION_SENT"] * 75
    await core.engine.execute(
        [
            ChangeStatus(actor=actor, lead_id=seen.lead.id, status=StatusRef(name=word))
            for seen, word in zip(leads, words, strict=True)
        ]
    )
    return channel


@pytest.mark.parametrize("base", BASES)
async def test_the_list_of_campaigns(core: Core, people: People, base: str) -> None:
    await people.owner.channel(template="sendpilot")
    await a_campaign_in_full_swing(core, people, "clxxx123456")

    told = (await get(people.owner, "/campaigns", base)).json()

    (first, _), page = told["data"], sample("list_campaigns")["answer"]
    (one,) = page["data"]
    times = {name: first[name] for name in ("createdAt", "updatedAt")}
    assert_like(first, one | times)
    assert list(told["meta"].items()) == list(page["meta"].items())
    assert list(told) == ["data", "meta", "campaigns", "pagination"]
    assert_like(told["campaigns"][0], one | times | {"status": "started"})
    assert (told["pagination"], told["campaigns"][0]["linkedInSenderIds"]) == (told["meta"], [])
    for time in times.values():
        assert_is_time(time)


async def test_the_counters_of_one_campaign(core: Core, people: People) -> None:
    await a_campaign_in_full_swing(core, people, CAMPAIGN)

    told = (await get(people.owner, f"/campaigns/{CAMPAIGN}")).json()

    assert_like(told, sample("campaign_metrics")["answer"])
    flat = {name: told[name] for name in ("connectionsSent", "messagesSent", "repliesReceived", "leadsContacted")}
    assert flat == {"connectionsSent": 120, "messagesSent": 40, "repliesReceived": 12, "leadsContacted": 120}
    assert (told["id"], told["name"], told["status"], told["totalLeads"]) == (CAMPAIGN, NAME, "started", 150)
    assert (told["description"], told["type"], told["linkedInSenderIds"]) == (None, "OUTREACH", [])


@pytest.mark.parametrize("base", BASES)
async def test_a_pause(people: People, base: str) -> None:
    page = sample("pause_campaign")
    await known_as(people.owner, CAMPAIGN)

    answer = await people.owner.http.patch(base + page["path"].removeprefix("/v1"), json=page["request"])

    assert answer.status_code == 200, answer.text
    assert list(answer.json().items()) == list(page["answer"].items())


@pytest.mark.parametrize("base", BASES)
async def test_the_list_of_leads_and_one_of_them(people: People, base: str) -> None:
    channel = await known_as(people.owner, CAMPAIGN)
    await add(people.owner, CAMPAIGN, *(entry(f"founder-{number}") for number in range(44)))
    fields = {"first_name": "John", "last_name": "Doe", "title": "VP of Engineering", "company_name": "TechCorp"}
    await migrated(people.owner, channel, LEAD, linkedin_url=JOHN, **fields)
    await people.owner.http.patch(f"{base}/leads/{LEAD}/status", json={"status": "CONNECTION_ACCEPTED"})

    told = (await get(people.owner, "/leads", base, campaignId=CAMPAIGN)).json()
    one = (await get(people.owner, f"/leads/{LEAD}", base)).json()

    page = sample("list_leads")["answer"]
    times = {name: one[name] for name in ("createdAt", "updatedAt")}
    expected = page["leads"][0] | times
    assert list(told) == list(page)
    assert list(told["leads"][0].items()) == list(one.items()) == list(expected.items())
    assert list(told["pagination"].items()) == list(page["pagination"].items())
    for time in times.values():
        assert_is_time(time)


@pytest.mark.parametrize("base", BASES)
async def test_adding_leads(people: People, base: str) -> None:
    page = sample("add_leads")
    await known_as(people.owner, CAMPAIGN)

    answer = await people.owner.http.post(f"{base}/leads", json=page["request"])

    assert answer.status_code == 201, answer.text
    assert list(answer.json().items()) == list(page["answer"].items())
    assert await people.owner.counts() == {"leads": 2, "events": 2, "deliveries": 0, "rewards": 0}


@pytest.mark.parametrize("name", NOT_OFFERED)
async def test_what_is_not_offered_is_a_501(people: People, name: str) -> None:
    page = sample(name)

    answer = await people.owner.http.request(page["method"], "/sendpilot" + page["path"], json=page.get("request", {}))

    assert (answer.status_code, answer.json()["error"]) == (501, "Not Implemented")


def test_the_page_names_every_event_of_work_that_leadrail_does_not_do() -> None:
    page = (Path(__file__).parents[3] / "docs/dialects/sendpilot.md").read_text()
    said = page[page.index("Other events have no SendPilot form here") :]

    for name, event in sample("events_not_sent")["events"].items():
        family = name.partition(".")[0]
        assert any(f"`{known}`" in said for known in (*event["names"], f"{family}.*")), name


def test_every_fixture_is_used_by_a_test() -> None:
    here = Path(__file__).parent
    tests = "".join(path.read_text() for path in here.glob("test_*.py"))

    assert [path.stem for path in (here / "fixtures").glob("*.json") if f'"{path.stem}"' not in tests] == []
