"""A KeenPartner account moved here, our own dialect playing the vendor."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from leadrail.core.channels.commands import NewProperty, NewStatus
from leadrail.core.channels.model import Category, Channel, PropertyType, StatusRef
from leadrail.core.core import Core
from leadrail.core.leads.commands import Step
from leadrail.moving.keenpartner import meaning
from tests.moving.stage import Move, seed
from tests.people import People, Person

MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "/keenpartner/functions/v1/keen-api"


async def channel_of(person: Person, **wanted: Any) -> Channel:
    return await person.channel(
        **{
            "title": "Acme Corp Partnership",
            "template": "keenpartner",
            "currency": "USD",
            "statuses": (
                NewStatus(name="New lead", color="#123456"),
                NewStatus(name="Qualified", category=Category.QUALIFIED),
                NewStatus(name="Closed won", category=Category.WON, visible=False),
            ),
            "properties": (
                NewProperty(name="Deal size", type=PropertyType.NUMBER),
                NewProperty(name="Region", type=PropertyType.SELECT, options=("EMEA", "APAC")),
            ),
        }
        | wanted
    )


async def asked(person: Person, action: str, **body: Any) -> Any:
    answer = await person.http.post(URL, json={"action": action, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_channels_and_leads_keep_every_id(core: Core, people: People, server_url: str) -> None:
    vendor, owner = people.stranger, people.owner
    # The id of another vendor's channel is none of a channel here.
    there_id = str(uuid4())
    old = await channel_of(vendor, public_submissions=True, aliases={"keenpartner": there_id})
    await channel_of(vendor, title="Without leads")
    made = await seed(
        core,
        vendor.company_id,
        old,
        [
            {
                "fields": {
                    "email": f"jane{n}@example.com",
                    "first_name": "Jane",
                    "phone": "+45 12345678",
                    "company_name": "Acme Inc",
                    "source": "website",
                    "notes": "Interested",
                    "business_id": f"biz-{n}",
                    "attribution": {"referred_by": "John Smith"},
                },
                "properties": {"Deal size": 50_000 + n, "Region": "EMEA"},
                "steps": (Step(status=StatusRef(name="Qualified"), at=MARCH + timedelta(minutes=n)),),
                "at": MARCH + timedelta(minutes=n),
            }
            for n in range(120)
        ],
    )

    report = await Move(core, "keenpartner", f"{server_url}/keenpartner", vendor.key, owner.company_id).run()

    assert report.is_complete
    assert sorted(report.made) == ["Acme Corp Partnership", "Without leads"]
    assert (report.tally.read, report.tally.brought) == (120, 120)
    there, here = [await asked(person, "get_channels") for person in (vendor, owner)]
    mine = {"creator", "referring_id", "receiving_id", "property_definitions"}
    assert [without(one, mine) for one in here["channels"]] == [without(one, mine) for one in there["channels"]]
    definitions = here["channels"][0]["property_definitions"]
    assert [one["id"] for one in definitions] == [str(one.id) for one in old.properties]
    assert [one["type"] for one in definitions] == ["number", "text"], "options are not told, so any text is taken"

    old_id = str(made[7].lead.id)
    ours, theirs = [await asked(person, "get_lead_by_id", lead_id=old_id) for person in (owner, vendor)]
    for value in (*ours["lead"]["property_values"], *theirs["lead"]["property_values"]):
        del value["property_definitions"]["type"]
    assert ours == theirs
    won = str(old.statuses[2].id)
    moved = await asked(owner, "update_status_id", lead_id=old_id, status_id=won)
    assert moved["lead"]["lead_status_id"] == won
    for action in ("lead_external", "create_lead"):
        created = await asked(owner, action, channel_id=there_id, email="new@example.com")
        assert created["lead"]["channels_id"] == there_id, action
    assert (await asked(vendor, "get_lead_by_id", lead_id=old_id))["lead"]["status"] == "Qualified"


def without(one: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in names}


async def test_what_changed_at_the_vendor_since_comes_with_the_next_run(
    core: Core, people: People, server_url: str
) -> None:
    vendor, owner = people.stranger, people.owner
    old = await channel_of(vendor)
    await seed(core, vendor.company_id, old, [{}])
    move = Move(core, "keenpartner", f"{server_url}/keenpartner", vendor.key, owner.company_id)
    await move.run()

    path = f"/v1/channels/{old.id}"
    status = (await vendor.http.post(f"{path}/statuses", json={"name": "Rejected", "category": "lost"})).json()
    await vendor.http.post(f"{path}/properties", json={"name": "Segment", "type": "text"})
    old = await vendor.channel_now(old.id)
    late = {"properties": {"Segment": "B"}, "steps": (Step(status=StatusRef(name="Rejected")),)}
    (done,) = await seed(core, vendor.company_id, old, [late])
    report = await move.run()

    assert (report.found, report.tally.brought, report.tally.known) == (("Acme Corp Partnership",), 1, 1)
    lead = (await asked(owner, "get_lead_by_id", lead_id=str(done.lead.id)))["lead"]
    assert (lead["lead_status_id"], lead["status"]) == (status["id"], "Rejected")
    assert [value["value"] for value in lead["property_values"]] == ["B"]


async def test_an_id_that_the_company_has_already_is_replaced_and_said_so(
    core: Core, people: People, server_url: str
) -> None:
    vendor, owner = people.stranger, people.owner
    old = await channel_of(vendor)
    (done,) = await seed(core, vendor.company_id, old, [{"fields": {"email": "jane@example.com"}}])
    mine = await owner.channel()
    await seed(core, owner.company_id, mine, [{"lead_id": done.lead.id}])

    move = Move(core, "keenpartner", f"{server_url}/keenpartner", vendor.key, owner.company_id)
    report = await move.run()

    assert (report.tally.brought, report.tally.altered, report.is_complete) == (1, 1, False)
    assert [(one.kind, one.id) for one in move.missing] == [("id", str(done.lead.id))]
    rows = await owner.rows("SELECT id, email FROM leads WHERE company_id = $1 AND email IS NOT NULL", owner.company_id)
    assert [row["email"] for row in rows] == ["jane@example.com"]
    assert rows[0]["id"] != done.lead.id
    assert (await move.run()).tally.known == 1


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("New lead", Category.OPEN),
        ("Qualified", Category.QUALIFIED),
        ("Meeting booked", Category.QUALIFIED),
        ("Not qualified", Category.LOST),
        ("Unqualified", Category.LOST),
        ("Closed lost", Category.LOST),
        ("Won", Category.WON),
        ("On hold", Category.ON_HOLD),
    ],
)
def test_a_name_of_a_status_tells_what_it_stands_for(name: str, category: Category) -> None:
    assert meaning(name) is category
