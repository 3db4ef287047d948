"""A channel as Octanist has it, a lead in it, and the vendor's examples as they are printed."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.engine import Done
from leadrail.core.leads.commands import CreateLead
from leadrail.core.leads.model import Lead
from leadrail.kit.ids import new_id
from tests.people import People, Person

API = "/octanist/api"
PATH = f"{API}/leads"
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


async def post(person: Person, call: str, /, *, key: str | None = None, **body: Any) -> httpx.Response:
    headers = {} if key is None else {"X-API-KEY": key}
    return await person.http.post(f"{API}{call}", json=body, headers=headers)


async def listed(person: Person, *, key: str | None = None, **query: Any) -> list[dict[str, Any]]:
    """The leads of a list; a bracket in a parameter's name is written `__`, as in createdAt__gte."""
    answer = await got(person, key=key, **query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def got(person: Person, *, key: str | None = None, **query: Any) -> httpx.Response:
    pairs = {re.sub(r"__(\w+)$", r"[\1]", name): value for name, value in query.items()}
    headers = {} if key is None else {"X-API-KEY": key}
    return await person.http.get(PATH, params=pairs, headers=headers)


async def made(person: Person, *commands: CreateLead) -> list[Lead]:
    """Leads made together by the engine."""
    outcomes = await person.core.engine.execute(commands)
    assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes
    return [outcome.lead for outcome in outcomes if isinstance(outcome, Done)]


async def creation(person: Person, channel: Channel, **wanted: Any) -> CreateLead:
    actor = await person.core.doors.admit_key(person.key, "api")
    given: dict[str, Any] = {"actor": actor, "channel_id": channel.id, "lead_id": new_id()}
    return CreateLead(**(given | wanted))


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
