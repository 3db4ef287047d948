"""What does not fit: nothing else is lost by it, it is kept another way where it can be, and it is said."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadrail.core.core import Core
from tests.moving.stage import Move
from tests.moving.test_samples import CHANNEL, QUALIFIED, keen
from tests.moving.vendor import Answer, Asked, playing
from tests.people import People, Person

ID = "99887766-5544-3322-1100-aabbccddeeff"
DEAL_SIZE = "11111111-2222-3333-4444-555555555555"
FUTURE = (datetime.now(UTC) + timedelta(days=400)).isoformat()


async def moved(core: Core, person: Person, *leads: dict[str, Any]) -> Move:
    """These leads of the channel in the contract's sample, moved."""
    async with playing(keen({"leads": list(leads)}, is_first_there=True)) as vendor:
        move = Move(core, "keenpartner", vendor.url, "key", person.company_id)
        await move.run()
    return move


def nested(**members: Any) -> dict[str, Any]:
    return {"id": ID, "lead_status_id": QUALIFIED, "status": "Qualified", "property_values": []} | members


def valued(value: Any) -> list[dict[str, Any]]:
    definition = {"id": DEAL_SIZE, "name": "Deal size", "type": "number"}
    return [{"value": value, "property_definitions_id": DEAL_SIZE, "property_definitions": definition}]


async def lead_of(person: Person) -> dict[str, Any]:
    (lead,) = await person.rows("SELECT * FROM leads WHERE company_id = $1 AND id = $2", person.company_id, ID)
    return lead


@pytest.mark.parametrize(
    ("members", "kind", "is_kept"),
    [
        ({"phone": "1" * 65}, "phone", lambda lead: lead["attribution"]["custom"]["phone"] == "1" * 65),
        ({"notes": "n" * 30_000}, "notes", lambda lead: lead["notes"] == "n" * 20_000),
        ({"business_id": "b" * 300}, "business_id", lambda lead: "business_id" in lead["attribution"]["custom"]),
        (
            {"property_values": valued("about ten")},
            "properties",
            lambda lead: lead["attribution"]["custom"] == {"Deal size": "about ten"} and lead["properties"] == {},
        ),
        ({"created_at": FUTURE}, "at", lambda lead: lead["created_at"] < datetime.now(UTC)),
        ({"created_at": "0001-01-01T00:00:00Z"}, "at", lambda lead: lead["created_at"].year == 1900),
        (
            {"property_values": [{"value": "x" * 20_000, "property_definitions": {"name": "Essay"}}]},
            "attribution",
            lambda lead: lead["attribution"] == {"external_ids": {"keenpartner": ID}},
        ),
    ],
)
async def test_a_value_that_does_not_fit_is_kept_another_way(
    core: Core, people: People, members: dict[str, Any], kind: str, is_kept: Callable[[dict[str, Any]], bool]
) -> None:
    other = nested(id=ID.replace("9", "8"), email="other@example.com")

    move = await moved(core, people.owner, nested(email="jane@example.com", **members), other)

    assert [(one.kind, one.id) for one in move.missing] == [(kind, ID)]
    tally = move.progress[-1].tally
    assert (tally.brought, tally.altered, tally.refused) == (2, 1, 0)
    lead = await lead_of(people.owner)
    assert lead["email"] == "jane@example.com"
    assert is_kept(lead)


async def test_everything_wrong_at_once_still_comes(core: Core, people: People) -> None:
    wrong = dict.fromkeys(("email", "first_name", "last_name", "company_name", "source"), "x" * 1000)

    move = await moved(core, people.owner, nested(**wrong, created_at=FUTURE, property_values=valued("no number")))

    assert move.progress[-1].tally.brought == 1
    assert {one.kind for one in move.missing} == {*wrong, "properties", "at"}
    assert set((await lead_of(people.owner))["attribution"]["custom"]) == {*wrong, "Deal size"}


@pytest.mark.parametrize(
    "odd",
    [
        {"email": 5, "first_name": True, "last_name": ["a"], "notes": {"a": 1}},
        {"property_values": "none", "lead_status": "x", "lead_status_id": 3},
        {"created_at": "yesterday", "property_values": [None, 5, {}]},
        {"email": "jane@example.com\u0000", "first_name": "a\u0000b"},
        {"lead_status_id": "cccccccc-cccc-dddd-eeee-ffffffffffff", "status": "A stage that is gone"},
        {"lead_status_id": None, "status": None},
    ],
)
async def test_whatever_a_lead_says_it_comes(core: Core, people: People, odd: dict[str, Any]) -> None:
    move = await moved(core, people.owner, nested(**odd))

    assert move.missing == []
    await lead_of(people.owner)


async def test_a_stage_that_the_channel_no_longer_lists_is_made_with_its_id(core: Core, people: People) -> None:
    gone = "cccccccc-cccc-dddd-eeee-ffffffffffff"
    await moved(core, people.owner, nested(lead_status_id=gone, status="Lost for good"))

    statuses = await people.owner.rows(
        "SELECT id::text, name, category FROM statuses WHERE company_id = $1 ORDER BY position", people.owner.company_id
    )
    assert [row["name"] for row in statuses] == ["New lead", "Qualified", "Lost for good"]
    assert (statuses[-1]["id"], statuses[-1]["category"]) == (gone, "lost")


async def test_what_has_no_id_is_said_and_stops_nobody(core: Core, people: People) -> None:
    move = await moved(core, people.owner, nested(id=None), nested())

    assert [(one.kind, one.why) for one in move.missing] == [("lead", "it has no id")]
    assert move.progress[-1].tally.brought == 1


async def test_a_channel_that_does_not_fit_is_made_as_well_as_it_can_be(core: Core, people: People) -> None:
    channel = {
        "id": CHANNEL,
        "title": "T" * 200,
        "currency": "dollars",
        "lead_status": [
            {"id": QUALIFIED, "status": "New", "order": -1, "color": "blue"},
            {"id": None, "status": "NEW", "order": 10**9},
            {"status": " "},
        ],
        "property_definitions": [
            {"id": DEAL_SIZE, "name": "Size", "type": "select"},
            {"name": "size", "type": "rainbow"},
        ],
    }

    def script(asked: Asked) -> Answer:
        return Answer({"channels": [channel]} if asked.body == {"action": "get_channels"} else {"leads": []})

    async with playing(script) as vendor:
        move = Move(core, "keenpartner", vendor.url, "key", people.owner.company_id)
        report = await move.run()
        assert (await move.run()).found == report.made

    assert report.made == ("T" * 120,)
    assert [(one.kind, one.id) for one in move.missing] == [("channel", CHANNEL)] * 2
    statuses = await people.owner.rows("SELECT name FROM statuses WHERE company_id = $1", people.owner.company_id)
    assert sorted(row["name"] for row in statuses) == ["?", "NEW (2)", "New"]
    properties = await people.owner.rows(
        "SELECT name, type FROM properties WHERE company_id = $1 ORDER BY name", people.owner.company_id
    )
    assert [tuple(row.values()) for row in properties] == [("Size", "text"), ("size (2)", "text")]


async def test_somebody_who_is_blocked_is_not_brought_in_without_the_key_either(core: Core, people: People) -> None:
    owner = people.owner
    block = await owner.http.post("/v1/blocks", json={"email": "jane@example.com"})
    assert block.status_code == 201, block.text

    move = await moved(core, owner, nested(email="Jane@Example.com", phone="+4520123456", first_name="Jane"))

    assert await owner.count("leads") == 0
    assert [(one.kind, one.id) for one in move.missing] == [("lead", ID)]
    assert "block list" in move.missing[0].why
