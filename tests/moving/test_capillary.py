"""A Capillary organisation moved here with its history, our own dialect playing the vendor."""

from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any

import httpx
import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels import reason_store
from leadrail.core.channels.model import Category, Channel, StatusRef, SubStatus
from leadrail.core.core import Core
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import Contact, Step
from leadrail.kit.ids import new_id
from leadrail.moving.client import VendorError
from leadrail.moving.vendors import source_of
from tests.moving.stage import Move, seed
from tests.people import People, Person

MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASSWORD = "server123"
DIGEST = md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()
TEXTS = ("Item not available in store", "Best price available at another store")


class Till:
    """A login of a person, and what it reads."""

    def __init__(self, person: Person, name: str) -> None:
        self._http, self.name, self.key = person.http, name, f"{name}:{PASSWORD}"

    @classmethod
    async def of(cls, person: Person) -> "Till":
        name = f"till.{new_id()}"
        await person.another_key(till=name, password=PASSWORD, scopes=tuple(Scope))
        return cls(person, name)

    async def call(self, method: str, path: str, **sending: Any) -> Any:
        login = httpx.BasicAuth(self.name, DIGEST)
        answer = await self._http.request(method, f"/capillary/v2/leads{path}", auth=login, **sending)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def listed(self, **query: str) -> dict[int, Any]:
        found = await self.call("GET", "", params={"limit": "100", "sortBy": "createdon"} | query)
        return {lead["id"]: lead for lead in found["data"]}


async def organisation(core: Core, person: Person) -> Channel:
    """A vendor's organisation: two reasons, a sub-status and a channel."""
    async with core.database.transaction() as connection:
        await reason_store.insert_reasons(connection, person.company_id, [(new_id(), text) for text in TEXTS])
        undecided = SubStatus(new_id(), Category.ON_HOLD, "YetToDecide")
        await reason_store.insert_sub_status(connection, person.company_id, undecided)
    return await person.channel(template="capillary", currency="INR")


def plain(n: int, customer: int, **more: Any) -> dict[str, Any]:
    at = MARCH + timedelta(minutes=n)
    attribution = {
        "lead_type": "SKU",
        "lead_for": f"item{n:03}",
        "user_id": customer,
        "org_source_id": -1,
        "external_ids": {"capillary_customer": str(customer)},
        "custom": {"trial_status": "Not Done"},
    }
    step = Step(status=StatusRef(name="OPEN"), at=at, context={"created_by": 28812689})
    return {"fields": {"attribution": attribution}, "steps": (step,), "at": at, "updated_at": at} | more


def eventful() -> dict[str, Any]:
    """A lead with a log of three entries and two follow-ups."""
    lead = plain(0, 368754334)
    opened = lead["steps"][0]
    waiting = Step(
        status=StatusRef(name="ON_HOLD"),
        at=MARCH + timedelta(days=1),
        sub_status="YetToDecide",
        reason=TEXTS[1],
        context={"created_by": 5},
    )
    lost = Step(
        status=StatusRef(name="LOST"), at=MARCH + timedelta(days=2), reason="AUTO_CLOSE", context={"created_by": -1}
    )
    lead["fields"] |= {"assignee": "tom.staff", "next_follow_up_at": MARCH + timedelta(days=30)}
    lead["steps"] = (opened, waiting, lost)
    lead["updated_at"] = MARCH + timedelta(days=2)
    lead["contacts"] = tuple(
        Contact(
            follow_up_id=new_id(),
            scheduled_at=MARCH + timedelta(hours=n),
            done_at=MARCH + timedelta(hours=n, minutes=15),
            done_by="28812689",
            notes=f"notes {n}",
            created_by="15002926",
            created_at=MARCH + timedelta(hours=n, minutes=20),
        )
        for n in (1, 2)
    )
    return lead


def shown(lead: dict[str, Any]) -> dict[str, Any]:
    """A lead without what is said to change: the ids of log entries and follow-ups, and the till of the last change."""
    entries = {
        name: [{key: value for key, value in entry.items() if key != "id"} for entry in lead[name]]
        for name in ("statusLogDetails", "followUpDetails")
    }
    return {name: value for name, value in lead.items() if name != "lastUpdatedBy"} | entries


async def test_leads_come_with_number_history_follow_ups_and_reasons(
    core: Core, people: People, server_url: str
) -> None:
    old = await organisation(core, people.stranger)
    # One customer with many leads is normal; and the deleted ones are not in the list unless asked for.
    gone = plain(1, 7)
    gone["steps"] += (Step(status=StatusRef(name="DELETED"), at=MARCH + timedelta(days=1), context={"created_by": 1}),)
    gone["updated_at"] = MARCH + timedelta(days=1)
    rows = [eventful(), gone, *(plain(n, 7) for n in range(2, 120))]
    made = await seed(core, people.stranger.company_id, old, rows)
    vendor, here = await Till.of(people.stranger), await Till.of(people.owner)
    before = await people.owner.counts()

    move = Move(core, "capillary", f"{server_url}/capillary", vendor.key, people.owner.company_id)
    report = await move.run()

    assert report.is_complete, move.missing
    assert (report.made, report.tally.read, report.tally.brought) == (("Capillary",), 120, 120)
    for query in ({}, {"offset": "100"}, {"status": "DELETED"}, {"userId": "368754334"}):
        theirs, ours = await vendor.listed(**query), await here.listed(**query)
        assert {id: shown(lead) for id, lead in ours.items()} == {id: shown(lead) for id, lead in theirs.items()}
        assert ours
    for path in ("/reasons", "/substatuses"):
        assert (await here.call("GET", path))["data"] == (await vendor.call("GET", path))["data"]
    counts = await people.owner.counts()
    assert counts["events"] - before["events"] == 120 + 2 + 1 + 2
    assert (counts["deliveries"], counts["rewards"]) == (before["deliveries"], before["rewards"])

    number = made[5].lead.number
    reason = (await vendor.call("GET", "/reasons"))["data"][0]["id"]
    moved = await here.call("PUT", f"/{number}/status", json={"status": "WON", "reasonId": reason})
    assert (moved["id"], moved["status"], moved["statusLogDetails"][-1]["reason"]) == (number, "WON", TEXTS[0])
    again = await move.run()
    assert (again.tally.brought, again.tally.known) == (0, 120)


async def test_a_number_that_is_taken_gives_way_and_later_leads_are_numbered_above(
    core: Core, people: People, server_url: str
) -> None:
    old = await organisation(core, people.stranger)
    async with core.database.connection() as connection:
        (start,) = await leads.take_numbers(connection, 1)
    rows = [plain(n, 7, number=start + 1_000 + n) for n in range(3)]
    await seed(core, people.stranger.company_id, old, rows)
    mine = await people.owner.channel()
    await seed(core, people.owner.company_id, mine, [{"number": start + 1_001}])
    vendor = await Till.of(people.stranger)

    move = Move(core, "capillary", f"{server_url}/capillary/v2", vendor.key, people.owner.company_id)
    report = await move.run()

    assert (report.tally.brought, report.tally.altered, report.tally.refused) == (3, 1, 0)
    assert [one.id for one in move.missing] == [str(start + 1_001)]
    rows_here = await people.owner.rows(
        "SELECT number FROM leads WHERE company_id = $1 AND channel_id <> $2", people.owner.company_id, mine.id
    )
    numbers = {row["number"] for row in rows_here}
    assert {start + 1_000, start + 1_002} < numbers
    assert (await people.owner.lead(mine)).number > start + 1_002


async def test_a_reason_whose_number_is_taken_is_named_in_the_report(
    core: Core, people: People, server_url: str
) -> None:
    await organisation(core, people.stranger)
    vendor = await Till.of(people.stranger)
    taken = (await vendor.call("GET", "/reasons"))["data"][0]["id"]
    async with core.database.transaction() as connection:
        reasons = [(new_id(), taken, "Something else")]
        await reason_store.insert_numbered_reasons(connection, people.owner.company_id, reasons)

    move = Move(core, "capillary", f"{server_url}/capillary", vendor.key, people.owner.company_id)
    await move.run()

    async with core.database.connection() as connection:
        here = {one.text: one.number for one in await reason_store.reasons(connection, people.owner.company_id)}
    assert here.keys() == {"Something else", *TEXTS}
    assert [(one.kind, one.id) for one in move.missing] == [("reason", str(taken))]
    assert str(here[TEXTS[0]]) in move.missing[0].why


@pytest.mark.parametrize("key", [f"till:{PASSWORD}", f"till:md5:{DIGEST}", f"till:md5:{DIGEST.upper()}"])
def test_a_till_logs_in_with_its_password_or_the_md5_of_it(key: str) -> None:
    source = source_of("capillary", "https://eu.api.capillarytech.com/v2/leads", key)

    assert source.headers == {"Authorization": httpx.BasicAuth("till", DIGEST)._auth_header}
    assert str(source.base) == "https://eu.api.capillarytech.com"
    assert source.login == "till"


@pytest.mark.parametrize("key", ["", "till", "till:", ":password"])
def test_half_a_login_is_refused(key: str) -> None:
    with pytest.raises(VendorError, match="--key"):
        source_of("capillary", "https://eu.api.capillarytech.com", key)
