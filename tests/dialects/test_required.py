"""What a status demands, by every path into it: the same refusal of the core, and nothing is written."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from leadrail.core.automation import move_due
from leadrail.core.channels.model import Category, Channel, StatusRef
from leadrail.core.errors import Code, Refusal
from leadrail.core.leads.commands import CreateLead, Origin, Step
from leadrail.core.leads.model import Lead
from leadrail.kit.ids import new_id
from tests.dialects.capillary.conformance import WORDS as CAPILLARY_WORDS
from tests.dialects.conformance import Dialect, Row, Sent, dialects
from tests.dialects.keenpartner.conformance import act, act_first
from tests.dialects.scene import Scene, first_of
from tests.people import People

DIALECTS = {dialect.name: dialect for dialect in dialects()}
each_demand = pytest.mark.parametrize("demand", ["reason", "value"])


async def demand_everywhere(people: People, channel: Channel, *requires: str) -> None:
    """From now on every status of the channel demands this."""
    for status in channel.current_statuses:
        path = f"/v1/channels/{channel.id}/statuses/{status.id}"
        answer = await people.owner.http.patch(path, json={"requires": requires})
        assert answer.status_code == 200, answer.text


# Moves


def _octanist(scene: Scene, **body: Any) -> Sent:
    return Sent("PATCH", "/api/leads", {"id": str(scene.lead.id)} | body)


def _sendpilot(scene: Scene, **body: Any) -> Sent:
    return Sent("PATCH", f"/v1/leads/{scene.lead.id}/status", body)


def _lost_id(scene: Scene) -> str:
    return str(first_of(scene.channel, Category.LOST).id)


def _capillary(scene: Scene, **body: Any) -> Sent:
    given = {"status": CAPILLARY_WORDS[Category.LOST], "reasonId": scene.reason.number}
    return Sent("PUT", f"/v2/leads/{scene.lead.number}/status", given | body)


Path = Callable[[Scene], Sent]
MOVES: dict[str, dict[str, Path]] = {
    "keenpartner": {
        "by name": lambda scene: act("update_status", lead_id=str(scene.lead.id), status="Lost"),
        "by id": lambda scene: act("update_status_id", lead_id=str(scene.lead.id), status_id=_lost_id(scene)),
        "at the first path": lambda scene: act_first(
            "update_status_id", lead_id=str(scene.lead.id), status_id=_lost_id(scene)
        ),
    },
    "sendpilot": {
        "by status": lambda scene: _sendpilot(scene, status="NOT_INTERESTED"),
        "by label": lambda scene: _sendpilot(scene, customLeadStatus="NOT_INTERESTED"),
        "with a note": lambda scene: _sendpilot(scene, status="DONE", note="Met at the fair"),
    },
    "octanist": {
        "by id": lambda scene: _octanist(scene, status="lost"),
        "by email": lambda scene: Sent("PATCH", "/api/leads", {"email": scene.lead.email, "status": "won"}),
        "in the first generation": lambda scene: _octanist(scene, changedTo="lost"),
        "with blank words": lambda scene: _octanist(scene, status="lost", lossReason="  "),
        "also qualified": lambda scene: _octanist(scene, status="won", alsoQualified=True),
    },
    "capillary": {"by a reason": _capillary},
}
"""Calls that change a status and bring neither a reason nor a value; Capillary's always brings a reason."""

each_move = pytest.mark.parametrize(
    ("name", "way", "demand"),
    [
        pytest.param(name, way, demand, id=f"{name} {way} {demand}")
        for name, ways in MOVES.items()
        for way in ways
        for demand in ("reason", "value")
        if (name, demand) != ("capillary", "reason")  # that call is none without a reason: see below
    ],
)


async def a_scene(people: People, dialect: Dialect) -> Scene:
    """With a lead that has no value."""
    scene = await Scene.made(people, dialect.template, as_tills=dialect.as_tills)
    return replace(scene, lead=await people.owner.lead(scene.channel, email=f"bare.{uuid4()}@example.com"))


@each_move
async def test_no_call_of_a_dialect_moves_a_lead_that_lacks_what_is_demanded(
    name: str, way: str, demand: str, people: People, client: httpx.AsyncClient, refusals: list[Code]
) -> None:
    dialect = DIALECTS[name]
    scene = await a_scene(people, dialect)
    await demand_everywhere(people, scene.channel, demand)
    before = await people.owner.digests()

    answer = await dialect.call(client, MOVES[name][way](scene), scene.keys.good)

    dialect.refused(answer)
    assert refusals == [Code.MISSING_REQUIREMENT]
    assert await people.owner.digests() == before


@pytest.mark.parametrize("given", [None, "", "  "])
async def test_capillary_moves_nothing_without_a_reason(
    given: str | None, people: People, client: httpx.AsyncClient
) -> None:
    dialect = DIALECTS["capillary"]
    scene = await a_scene(people, dialect)
    await demand_everywhere(people, scene.channel, "reason")
    before = await people.owner.digests()

    dialect.refused(await dialect.call(client, _capillary(scene, reasonId=given), scene.keys.good))

    assert await people.owner.digests() == before


@each_demand
async def test_octanists_bulk_update_moves_none_that_lacks_what_is_demanded(
    demand: str, people: People, client: httpx.AsyncClient, refusals: list[Code]
) -> None:
    dialect = DIALECTS["octanist"]
    scene = await a_scene(people, dialect)
    await people.owner.lead(scene.channel, email=scene.lead.email)
    switched = await dialect.call(client, Sent("PUT", "/api/settings", {"bulkUpdates": True}), scene.keys.good)
    assert switched.status_code == 200
    await demand_everywhere(people, scene.channel, demand)
    before = await people.owner.digests()

    dialect.refused(await dialect.call(client, MOVES["octanist"]["by email"](scene), scene.keys.good))

    assert refusals == [Code.MISSING_REQUIREMENT] * 2
    assert await people.owner.digests() == before


@pytest.mark.parametrize(("name", "way"), [("octanist", "by id"), ("capillary", "by a reason")])
async def test_a_dialect_that_can_bring_what_is_demanded_moves_the_lead(
    name: str, way: str, people: People, client: httpx.AsyncClient
) -> None:
    dialect = DIALECTS[name]
    scene = await a_scene(people, dialect)
    await demand_everywhere(people, scene.channel, "reason")
    sent = MOVES[name][way](scene)

    answer = await dialect.call(client, replace(sent, body=sent.body | {"lossReason": "Too dear"}), scene.keys.good)

    assert answer.status_code == 200, answer.text


# The native API


async def a_lead(people: People, *requires: str) -> tuple[Channel, Lead]:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)
    await demand_everywhere(people, channel, *requires)
    return channel, lead


@each_demand
@pytest.mark.parametrize("more", [{}, {"reason": "  ", "note": " \t"}, {"also_qualified": True}, {"note": "Said no"}])
async def test_the_api_moves_no_lead_that_lacks_what_is_demanded(
    more: dict[str, Any], demand: str, people: People, refusals: list[Code]
) -> None:
    _, lead = await a_lead(people, demand)
    change, path = {"status": "Won"} | more, f"/v1/leads/{lead.id}/status"
    before = await people.owner.digests()

    one = await people.owner.http.put(path, json=change)
    rehearsed = await people.owner.http.put(path, params={"dry_run": "true"}, json=change)
    changes = {"changes": [change | {"lead_id": str(lead.id)}]}
    many = await people.owner.http.post("/v1/leads/status/batch", json=changes)

    codes = [one.json()["code"], rehearsed.json()["code"], many.json()["data"][0]["error"]["code"]]
    assert codes == [Code.MISSING_REQUIREMENT] * 3
    assert refusals == [Code.MISSING_REQUIREMENT] * 2
    assert await people.owner.digests() == before


async def test_a_blank_note_is_none(people: People, refusals: list[Code]) -> None:
    _, lead = await a_lead(people, "note")

    answer = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won", "note": " \n"})

    assert answer.json()["code"] == Code.MISSING_REQUIREMENT == refusals[0]


async def test_a_status_on_the_way_demands_too(people: People, refusals: list[Code]) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)
    qualified = first_of(channel, Category.QUALIFIED)
    path = f"/v1/channels/{channel.id}/statuses/{qualified.id}"
    assert (await people.owner.http.patch(path, json={"requires": ["value"]})).status_code == 200
    change = {"status": "Won", "also_qualified": True}

    without = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json=change)
    with_value = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json=change | {"value": "5"})

    assert without.json()["details"] == {"status": qualified.name, "missing": ["value"]}
    assert refusals == [Code.MISSING_REQUIREMENT]
    assert with_value.status_code == 200


@each_demand
@pytest.mark.parametrize("status", [None, "Won"])
async def test_the_api_makes_no_lead_that_lacks_what_is_demanded(
    status: str | None, demand: str, people: People, refusals: list[Code]
) -> None:
    channel, _ = await a_lead(people, demand)
    new = {"channel_id": str(channel.id), "email": "jane@example.com"} | ({"status": status} if status else {})
    before = await people.owner.digests()

    one = await people.owner.http.post("/v1/leads", json=new)
    many = await people.owner.http.post("/v1/leads/batch", json={"leads": [new]})

    assert one.json()["code"] == many.json()["data"][0]["error"]["code"] == Code.MISSING_REQUIREMENT
    assert refusals == [Code.MISSING_REQUIREMENT] * 2
    assert await people.owner.digests() == before


@each_demand
async def test_the_leads_of_a_status_that_is_removed_go_where_they_lack_nothing(
    demand: str, people: People, refusals: list[Code]
) -> None:
    channel, lead = await a_lead(people, demand)
    path, lost = f"/v1/channels/{channel.id}/statuses/{lead.status_id}", first_of(channel, Category.LOST)
    before = await people.owner.digests()

    answer = await people.owner.http.delete(path, params={"move_to": str(lost.id)})

    assert answer.json()["code"] == Code.MISSING_REQUIREMENT
    assert refusals == [Code.MISSING_REQUIREMENT]
    assert await people.owner.digests() == before


# Leads made by the dialects

MAKING = {
    "keenpartner": ("create_lead", "lead_external"),
    "sendpilot": ("POST /leads",),
    "octanist": ("POST /api/leads", "POST /api/integrations/incoming/wp/{octanistId}", "POST /e"),
    "capillary": ("POST /v2/leads", "PATCH /v2/leads"),
}
MAKERS = [
    pytest.param(DIALECTS[name], row, id=f"{name} {row!r}")
    for name, routes in MAKING.items()
    for row in DIALECTS[name].rows
    if row.route in routes and row.status < 300
]


def test_every_route_that_makes_leads_is_among_them() -> None:
    for name, dialect in DIALECTS.items():
        known = {row.route for row in dialect.rows}
        makers = {row.route for row in dialect.rows if "lead.created" in row.again}
        assert makers <= set(MAKING[name]) <= known


@each_demand
@pytest.mark.parametrize(("dialect", "row"), MAKERS)
async def test_no_call_of_a_dialect_makes_a_lead_that_lacks_what_is_demanded(
    dialect: Dialect, row: Row, demand: str, people: People, client: httpx.AsyncClient, refusals: list[Code]
) -> None:
    scene = await Scene.made(people, dialect.template, as_tills=dialect.as_tills)
    await demand_everywhere(people, scene.channel, demand)
    before = await people.owner.digests()

    answer = await dialect.call(client, row.sent(scene), None if row.is_keyless else scene.keys.good)

    if row.judged_alone:
        told = answer.json()
        assert (told["leadsAdded"], told["invalidEntries"]) == (0, 1)
    else:
        dialect.refused(answer)
    assert refusals == [Code.MISSING_REQUIREMENT]
    assert await people.owner.digests() == before


def _new_in_capillary(**members: Any) -> dict[str, Any]:
    return {
        "type": "SKU",
        "leadFor": "item001",
        "userId": 5,
        "idType": "EMAIL",
        "identifier": "t@example.com",
    } | members


CAPILLARY_LOGS: dict[str, dict[str, Any]] = {
    "where it ends": {"status": "LOST"},
    "on the way": {"statusLogDetails": [{"status": "OPEN"}, {"status": "LOST"}, {"status": "WON"}]},
    "at its beginning": {"statusLogDetails": [{"status": "LOST"}, {"status": "OPEN"}]},
    "after the log": {"status": "LOST", "statusLogDetails": [{"status": "OPEN"}]},
}


@each_demand
@pytest.mark.parametrize("log", CAPILLARY_LOGS)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_no_entry_of_capillarys_log_goes_where_the_lead_lacks_what_is_demanded(
    method: str, log: str, demand: str, people: People, client: httpx.AsyncClient, refusals: list[Code]
) -> None:
    dialect = DIALECTS["capillary"]
    scene = await Scene.made(people, dialect.template, as_tills=True)
    await demand_of(people, scene.channel, Category.LOST, demand)
    new = _new_in_capillary(**CAPILLARY_LOGS[log])
    before = await people.owner.digests()

    dialect.refused(await dialect.call(client, Sent(method, "/v2/leads", new), scene.keys.good))

    assert refusals == [Code.MISSING_REQUIREMENT]
    assert await people.owner.digests() == before


async def demand_of(people: People, channel: Channel, category: Category, *requires: str, **more: Any) -> None:
    path = f"/v1/channels/{channel.id}/statuses/{first_of(channel, category).id}"
    answer = await people.owner.http.patch(path, json={"requires": requires} | more)
    assert answer.status_code == 200, answer.text


async def test_no_entry_of_capillarys_log_follows_one_that_it_may_not(
    people: People, client: httpx.AsyncClient, refusals: list[Code]
) -> None:
    dialect = DIALECTS["capillary"]
    scene = await Scene.made(people, dialect.template, as_tills=True)
    await demand_of(people, scene.channel, Category.LOST, next=[])
    log = [{"status": "OPEN"}, {"status": "LOST"}, {"status": "WON"}]
    new = _new_in_capillary(statusLogDetails=log)
    before = await people.owner.digests()

    dialect.refused(await dialect.call(client, Sent("POST", "/v2/leads", new), scene.keys.good))

    assert refusals == [Code.TRANSITION_NOT_ALLOWED]
    assert await people.owner.digests() == before


@each_demand
async def test_what_is_brought_along_from_elsewhere_is_taken_as_it_was(demand: str, people: People) -> None:
    """A vendor's past, by `migrate-from` alone: no call of any API brings anything of this origin."""
    channel, _ = await a_lead(people, demand)
    actor = await people.owner.core.doors.admit_key(people.owner.key, "api")
    steps = tuple(Step(status=StatusRef(name=name)) for name in ("New", "Lost", "Won"))
    made: dict[str, Any] = {"actor": actor, "channel_id": channel.id, "steps": steps}

    brought, refused = await people.owner.core.engine.execute(
        [
            CreateLead(lead_id=new_id(), origin=Origin.IMPORT, **made),
            CreateLead(lead_id=new_id(), **made),
        ]
    )

    assert not isinstance(brought, Refusal)
    assert isinstance(refused, Refusal)
    assert refused.code is Code.MISSING_REQUIREMENT


# The channel's own moves


@each_demand
@pytest.mark.parametrize("brings", [False, True])
async def test_a_rule_moves_a_lead_upon_a_purchase_only_with_what_is_demanded(
    brings: bool, demand: str, people: People
) -> None:
    channel, lead = await a_lead(people, demand)
    rule = {"name": "Sold", "cause": "purchase", "to_status": "Won"} | ({"reason": "Bought"} if brings else {})
    assert (await people.owner.http.post(f"/v1/channels/{channel.id}/rules", json=rule)).status_code == 201

    purchase = {"amount": "5"} if brings else {"name": "A gift"}
    bought = await people.owner.http.post(f"/v1/leads/{lead.id}/purchases", json=purchase)

    assert bought.status_code == 201
    history = (await people.owner.http.get(f"/v1/leads/{lead.id}/events")).json()["data"]
    seen = (await people.owner.http.get(f"/v1/leads/{lead.id}")).json()
    assert seen["status"]["name"] == ("Won" if brings else "New")
    told = next(event for event in history if event["type"] == "purchase.recorded")["data"]
    assert told.get("rule", {}).get("refused") == (None if brings else Code.MISSING_REQUIREMENT)


@each_demand
async def test_a_rule_moves_an_untouched_lead_only_with_what_is_demanded(demand: str, people: People) -> None:
    channel, bare = await a_lead(people)
    worth = await people.owner.lead(channel, value=Decimal(5))
    lost = first_of(channel, Category.LOST)
    rule = {"name": "Quiet", "cause": "untouched", "from_status": "New", "to_status": "Lost", "after_days": 1}
    given = rule | ({"reason": "No answer"} if demand == "value" else {})
    assert (await people.owner.http.post(f"/v1/channels/{channel.id}/rules", json=given)).status_code == 201
    await demand_of(people, channel, Category.LOST, demand)
    for lead in (bare, worth):
        await people.owner.rows(
            """UPDATE leads SET updated_at = now() - interval '2 days', rule_due_at = now() - interval '1 day'
            WHERE company_id = $1 AND id = $2 RETURNING id""",
            people.owner.company_id,
            lead.id,
        )
    moved = {bare.id: False, worth.id: demand == "value"}

    await move_due(people.owner.core)

    for id, is_moved in moved.items():
        (row,) = await people.owner.rows("SELECT status_id, rule_due_at FROM leads WHERE id = $1", id)
        assert (row["status_id"] == lost.id, row["rule_due_at"]) == (is_moved, None)
