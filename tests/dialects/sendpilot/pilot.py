"""The vendor's samples, and a call as the vendor's client makes it."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from tests.people import People, Person

BASES = ("/sendpilot/v1", "/sendpilot/api/v1")
JOHN = "https://www.linkedin.com/in/john-doe"

# What stands in the vendor's samples.
LEAD = "lead_abc123"
CAMPAIGN = "camp_xyz789"
MOMENT = "2024-02-24T15:30:00.000Z"


def sample(name: str) -> dict[str, Any]:
    """The fixture of this name, word for word from the page in `source`."""
    fixture: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures" / f"{name}.json").read_text())
    return fixture


def with_ids(value: Any, ids: dict[str, Any]) -> Any:
    """The sample with the vendor's ids and times replaced by ours."""
    text = json.dumps(value)
    for theirs, ours in ids.items():
        text = text.replace(theirs, str(ours))
    return json.loads(text)


async def patch(person: Person, lead_id: UUID | str, base: str = BASES[0], **members: Any) -> httpx.Response:
    return await person.http.patch(f"{base}/leads/{lead_id}/status", json=members)


def assert_like(told: Any, expected: Any) -> None:
    """What is told holds every member of the sample, in the sample's order, of the same type and value."""
    assert type(told) is type(expected), (told, expected)
    if isinstance(expected, dict):
        assert [name for name in told if name in expected] == list(expected)
        for name, value in expected.items():
            assert_like(told[name], value)
    elif isinstance(expected, list):
        assert len(told) == len(expected)
        for one, value in zip(told, expected, strict=True):
            assert_like(one, value)
    else:
        assert told == expected


def assert_is_time(text: str) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)


async def get(person: Person, path: str, base: str = BASES[0], **query: Any) -> httpx.Response:
    return await person.http.get(base + path, params=query)


async def add(person: Person, campaign_id: UUID | str, *entries: Any, base: str = BASES[0]) -> httpx.Response:
    """Adds these entries to a campaign."""
    return await person.http.post(f"{base}/leads", json={"campaignId": str(campaign_id), "leads": entries})


def entry(slug: str, **members: Any) -> dict[str, Any]:
    return {"linkedinUrl": f"https://www.linkedin.com/in/{slug}"} | members


async def known_as(person: Person, campaign: str, **wanted: Any) -> Channel:
    """A channel that came from SendPilot, where it had this id."""
    return await person.channel(**({"template": "sendpilot", "aliases": {"sendpilot": campaign}} | wanted))


async def migrated(person: Person, channel: Channel, lead: str, **fields: Any) -> Lead:
    """A lead that came from SendPilot, where it had this id."""
    return await person.lead(channel, attribution={"external_ids": {"sendpilot": lead}}, **fields)


@asynccontextmanager
async def holding(person: Person, key: str) -> AsyncIterator[Person]:
    """The same person with another key."""
    async with httpx.AsyncClient(
        base_url=person.http.base_url, headers={"X-API-Key": key}, timeout=30, trust_env=False
    ) as client:
        yield Person(person.core, person.company_id, person.user_id, key, client)


async def john(people: People, channel: Channel | None = None, *, status: str = "REPLY_RECEIVED") -> Lead:
    """The lead of the samples, in a shared channel with SendPilot's statuses, where the samples find him."""
    channel = channel or await people.shared_channel(template="sendpilot")
    lead = await people.owner.lead(channel, linkedin_url=JOHN)
    assert (await patch(people.owner, lead.id, status=status)).status_code == 200
    return lead


async def moves(people: People, lead_id: UUID) -> list[dict[str, Any]]:
    """The data of the lead's changes of status, oldest first."""
    statement = "SELECT data FROM events WHERE lead_id = $1 AND type = 'lead.status_changed' ORDER BY seq"
    return [json.loads(row["data"]) for row in await people.owner.rows(statement, lead_id)]


async def state(people: People, lead_id: UUID) -> tuple[Any, ...]:
    """All that a refused move could have touched."""
    statement = "SELECT status_id, attribution, version, updated_at FROM leads WHERE id = $1"
    return await people.owner.rows(statement, lead_id), await people.owner.counts()
