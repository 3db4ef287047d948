"""A till of the owner, a channel as Capillary has it with a lead in it, and the vendor's examples as printed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

import httpx
import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels import reason_store
from leadrail.core.channels import store as channels
from leadrail.core.channels.model import Category, Channel, Reason, SubStatus
from leadrail.core.companies import store as companies
from leadrail.core.companies.commands import NewKey, create_key
from leadrail.core.leads.model import Lead
from leadrail.kit.ids import new_id
from tests.people import People, Person

PASSWORD = "server123"
TOM = "tom.sawyer@example.com"
FIXTURES = Path(__file__).parent / "fixtures"
REASONS = ("Item not available in store", "Best price availabe at another store")


def sample(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return read


@dataclass
class Till:
    """A Basic login and what it sends."""

    person: Person
    name: str
    number: int

    @property
    def login(self) -> httpx.BasicAuth:
        return httpx.BasicAuth(self.name, md5(PASSWORD.encode(), usedforsecurity=False).hexdigest())

    async def call(self, method: str, path: str, body: Any = None, **sending: Any) -> httpx.Response:
        """Any call below `/v2/leads`."""
        sending = {"auth": self.login, "json": body} | sending
        return await self.person.http.request(method, f"/capillary/v2/leads{path}", **sending)

    async def good(self, method: str, path: str, body: Any = None, **sending: Any) -> Any:
        """The answer to a call that succeeds."""
        answer = await self.call(method, path, body, **sending)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, body: Any = None, **sending: Any) -> tuple[int, int, str]:
        """Status, code and text of the one error of a call that changes nothing."""
        before = await self.person.digests()
        answer = await self.call(method, path, body, **sending)
        assert await self.person.digests() == before
        (item,) = answer.json()["errors"]
        return answer.status_code, item["code"], item["message"]

    async def add(self, **body: Any) -> Any:
        """A new lead for Tom Sawyer, if nobody else is named."""
        person = {} if body.keys() & {"userId", "identifier"} else {"idType": "EMAIL", "identifier": TOM}
        return await self.good("POST", "", {"leadFor": "item001"} | person | body)

    async def listed(self, **query: Any) -> list[int]:
        """The ids in a list, in its order."""
        return [lead["id"] for lead in (await self.good("GET", "", params=query))["data"]]

    async def put(self, lead: Lead | int | str, **body: Any) -> httpx.Response:
        number = lead.number if isinstance(lead, Lead) else lead
        return await self.person.http.put(f"/capillary/v2/leads/{number}/status", json=body, auth=self.login)

    async def send(self, lead: Lead, content: bytes, media_type: str = "application/json") -> httpx.Response:
        headers, path = {"content-type": media_type}, f"/capillary/v2/leads/{lead.number}/status"
        return await self.person.http.put(path, content=content, headers=headers, auth=self.login)


async def make_till(person: Person, **wanted: Any) -> Till:
    """A further till of the person's company."""
    name = wanted.setdefault("till", f"store.{new_id()}")
    new = NewKey(**({"name": name, "password": PASSWORD} | wanted))
    async with person.core.database.transaction() as connection:
        await create_key(connection, person.company_id, new, person.core.clock())
    (row,) = await person.rows("SELECT till_number FROM api_keys WHERE till = $1", name)
    return Till(person, name, row["till_number"])


async def key_number(person: Person) -> int:
    """The number of the key with which the person makes leads by the engine and by the native API."""
    statement = "SELECT till_number FROM api_keys WHERE company_id = $1 AND name = 'bootstrap'"
    (row,) = await person.rows(statement, person.company_id)
    return int(row["till_number"])


async def make_reasons(person: Person, *texts: str) -> list[Reason]:
    async with person.core.database.transaction() as connection:
        await reason_store.insert_reasons(connection, person.company_id, [(new_id(), text) for text in texts])
        await channels.renew_all(connection, person.company_id)
        return await reason_store.reasons(connection, person.company_id)


async def make_sub_status(person: Person, category: Category, name: str) -> None:
    async with person.core.database.transaction() as connection:
        await reason_store.insert_sub_status(connection, person.company_id, SubStatus(new_id(), category, name))
        await channels.renew_all(connection, person.company_id)


async def move_to(person: Person, time_zone: str) -> None:
    """Gives the person's company a time zone."""
    async with person.core.database.transaction() as connection:
        company = await companies.company(connection, person.company_id)
        moved = type(company)(company.id, company.name, company.country, time_zone, company.created_at)
        await companies.update_company(connection, moved)
        await channels.renew_all(connection, person.company_id)


async def events(person: Person, lead: Lead) -> list[dict[str, Any]]:
    """What happened to the lead after it was made, oldest first."""
    statement = """SELECT seq, type, face, occurred_at, data FROM events
        WHERE lead_id = $1 AND type <> 'lead.created' ORDER BY seq"""
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
    return await people.owner.channel(template="capillary", currency="INR")


@pytest.fixture
async def lead(people: People, channel: Channel) -> Lead:
    return await people.owner.lead(channel, email="tom.sawyer@example.com")


@pytest.fixture
async def till(people: People) -> Till:
    return await make_till(people.owner)


@pytest.fixture
async def admin(people: People) -> Till:
    """A till that may also make reasons and sub-statuses."""
    return await make_till(people.owner, scopes=tuple(Scope))


@pytest.fixture
async def reasons(people: People) -> list[Reason]:
    return await make_reasons(people.owner, *REASONS)


@pytest.fixture
async def reason(reasons: list[Reason]) -> int:
    """The number of a reason of the owner."""
    return reasons[0].number
