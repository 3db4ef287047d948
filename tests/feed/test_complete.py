"""Sixteen writers at once, each slow to commit: whoever reads the feed sees each event once, and in order."""

import asyncio
import random
from collections import defaultdict
from typing import Any

from leadrail.core.channels.model import Channel, StatusRef
from leadrail.core.core import Core
from leadrail.core.leads.commands import ChangeStatus, CreateLead
from leadrail.kit.ids import new_id
from tests.api.answers import good
from tests.feed.reading import Listening, poll
from tests.people import People, Person

WRITERS, MOVES = 16, 6


async def write(core: Core, person: Person, channel: Channel) -> None:
    """One lead, moved to and fro."""
    actor = await core.doors.admit_key(person.key, "api")
    lead_id = new_id()
    await core.engine.execute_one(CreateLead(actor=actor, channel_id=channel.id, lead_id=lead_id, fields={}))
    for n in range(MOVES):
        await asyncio.sleep(random.random() * 0.01)
        status = StatusRef(name="Won" if n % 2 else "Lost")
        await core.engine.execute_one(ChangeStatus(actor=actor, lead_id=lead_id, status=status))


async def three_channels(people: People) -> list[Channel]:
    """Made before anybody calls: what a key may reach is remembered for two seconds."""
    return [await people.shared_channel(), await people.owner.channel(), await people.partner.channel()]


async def write_all(cores: list[Core], people: People, channels: list[Channel]) -> None:
    writers = [(people.owner, channels[0]), (people.partner, channels[0]), (people.owner, channels[1])]
    writers += [(people.partner, channels[2])]
    rounds = [writers[n % len(writers)] for n in range(WRITERS)]
    await asyncio.gather(*[write(cores[n // 2 % 2], *who) for n, who in enumerate(rounds)])


async def recorded(people: People) -> list[str]:
    """The ids of all events that the partner may see."""
    rows = await people.owner.rows(
        """SELECT e.id FROM events e WHERE e.company_id = $2 OR e.channel_id IN
        (SELECT channel_id FROM channel_members WHERE member_company_id = $2 AND company_id = $1)""",
        people.owner.company_id,
        people.partner.company_id,
    )
    return sorted(str(row["id"]) for row in rows)


async def assert_complete(seen: list[dict[str, Any]], people: People) -> None:
    assert sorted(event["id"] for event in seen) == await recorded(people)
    by_lead: dict[str, list[str]] = defaultdict(list)
    for event in seen:
        if event["lead_id"]:
            by_lead[event["lead_id"]].append(event["id"])
    for lead_id, ids in by_lead.items():
        rows = await people.owner.rows("SELECT id FROM events WHERE lead_id = $1 ORDER BY seq", lead_id)
        assert ids == [str(row["id"]) for row in rows]


async def test_who_only_polls_sees_each_event_exactly_once(cores: list[Core], people: People) -> None:
    writing = asyncio.ensure_future(write_all(cores, people, await three_channels(people)))
    seen, cursor = list[dict[str, Any]](), None
    while True:
        over = writing.done()  # asked before the page: what comes after is not the last
        page = await poll(people.partner, cursor, limit=7)
        seen, cursor = seen + page["data"], page["next_cursor"]
        if over and not page["has_more"]:
            break
    await writing

    assert len(seen) > WRITERS * MOVES / 2
    await assert_complete(seen, people)


async def test_who_listens_sees_each_event_exactly_once_though_the_line_breaks(
    cores: list[Core], people: People
) -> None:
    channels = await three_channels(people)
    start = good(await people.partner.http.get("/v1/events", params={"start": "latest"}))["next_cursor"]
    writing = asyncio.ensure_future(write_all(cores, people, channels))
    async with Listening(people.partner, last=start) as first:
        seen = await first.events(30)
    async with Listening(people.partner, last=first.last_id) as second:
        await writing
        seen += await second.events(len(await recorded(people)) - len(seen))

    await assert_complete(seen, people)
