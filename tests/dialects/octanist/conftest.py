"""A channel as Octanist has it, a lead in it, and the vendor's examples as they are printed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from tests.people import People, Person

PATH = "/octanist/api/leads"
JANE, PHONE = "jane@example.com", "+31612345678"
FIXTURES = Path(__file__).parent / "fixtures"


@dataclass
class Sample:
    """A printed request and its answer."""

    request: dict[str, Any]
    status: int
    answer: dict[str, Any]


def sample(name: str) -> Sample:
    read = json.loads((FIXTURES / f"{name}.json").read_text())
    return Sample(read["request"], read["status"], read["answer"])


async def patch(person: Person, **body: Any) -> httpx.Response:
    return await person.http.patch(PATH, json=body)


async def events(person: Person, lead: Lead) -> list[dict[str, Any]]:
    """What happened to the lead after it was made, oldest first."""
    statement = "SELECT type, face, data FROM events WHERE lead_id = $1 AND type <> 'lead.created' ORDER BY seq"
    rows = await person.rows(statement, lead.id)
    return [row | {"data": json.loads(row["data"])} for row in rows]


@asynccontextmanager
async def nothing_changes(person: Person) -> AsyncIterator[None]:
    """Fails when the block changes any lead, event, delivery or reward of the person's company."""
    statement = "SELECT * FROM leads WHERE company_id = $1 ORDER BY id"
    before = await person.rows(statement, person.company_id), await person.counts()
    yield
    assert (await person.rows(statement, person.company_id), await person.counts()) == before


@pytest.fixture
async def channel(people: People) -> Channel:
    return await people.owner.channel(template="octanist", currency="EUR")


@pytest.fixture
async def lead(people: People, channel: Channel) -> Lead:
    return await people.owner.lead(channel, email=JANE, phone=PHONE)
