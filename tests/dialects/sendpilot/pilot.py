"""The vendor's samples, and a call as the vendor's client makes it."""

import json
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
