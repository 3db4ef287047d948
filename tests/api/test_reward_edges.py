"""Rewards where it is tight: several processes at once, several moves in one transaction, who has left, odd input."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadrail.api.rewards import reading
from leadrail.app import App
from leadrail.core.core import Core
from leadrail.core.leads.model import Lead
from leadrail.db.database import Database
from tests.api.answers import good, refused
from tests.api.rewarding import (
    HELD,
    Json,
    as_summed,
    changes,
    correct,
    decide,
    decided,
    earned,
    listed,
    move,
    receiving,
    summed,
)
from tests.conftest import LOOPBACK, serving
from tests.people import NOBODYS, People, Person

# Triggers


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"cap": "5"}, 422, "/cap"),
        ({"kind": "percent", "cap": "0"}, 422, "/cap"),
        ({"kind": "percent", "cap": "-1"}, 422, "/cap"),
        ({"hold_days": -1}, 400, "/hold_days"),
        ({"hold_days": 3651}, 400, "/hold_days"),
        ({"hold_days": "1"}, 400, "/hold_days"),
    ],
)
async def test_a_cap_or_hold_that_makes_no_sense_is_refused(
    people: People, wrong: Json, status: int, field: str
) -> None:
    channel = await people.owner.channel()
    path = f"/v1/channels/{channel.id}/reward-triggers"

    answer = refused(await people.owner.http.post(path, json={"cause": "new_lead", "amount": "5"} | wrong))

    assert (answer[0], answer[2]) == (status, field)


async def test_an_edit_of_a_trigger_concerns_later_rewards_only(people: People) -> None:
    channel = await people.owner.channel(currency="EUR")
    trigger = await people.owner.trigger(channel, cause="new_lead", amount=5)
    await people.owner.lead(channel)
    path = f"/v1/channels/{channel.id}/reward-triggers/{trigger.id}"

    edited = good(await people.owner.http.patch(path, json={"amount": "7", "hold_days": 3}))
    await people.owner.lead(channel)

    assert (edited["amount"], edited["hold_days"], edited["state"]) == ("7", 3, "active")
    new, old = await listed(people.owner)
    assert (old["amount"], old["hold_until"]) == ("5", None)
    assert (new["amount"], new["hold_until"] is None) == ("7", False)


async def test_an_edit_may_not_break_the_rules_of_a_new_one(people: People) -> None:
    channel = await people.owner.channel()
    trigger = await people.owner.trigger(channel, cause="new_lead", kind="percent", amount=5, cap=10)
    path = f"/v1/channels/{channel.id}/reward-triggers/{trigger.id}"

    assert refused(await people.owner.http.patch(path, json={"amount": "101"})) == (422, "invalid", "/amount")
    assert refused(await people.owner.http.patch(path, json={"cause": "purchase"})) == (400, "malformed", "/cause")
    assert good(await people.owner.http.patch(path, json={"cap": None}))["cap"] is None


# Who pays, who sees, who decides


async def test_who_left_the_channel_still_pays_what_it_owes(people: People) -> None:
    lead, reward = await receiving(people)
    path = f"/v1/channels/{lead.channel_id}/members/{people.partner.company_id}"
    assert (await people.owner.http.delete(path, params={"role": "receiving"})).status_code == 204

    paid = await decided(people.partner, reward, "approve", "pay")

    assert paid["state"] == "paid"


async def test_a_key_that_is_bound_decides_in_its_channels_only(people: People) -> None:
    channel, _, reward = await earned(people)
    elsewhere = await people.owner.channel()
    keys = await people.owner.keys(channel, elsewhere)
    inside = await people.owner.keys(elsewhere, channel)
    path = f"/v1/rewards/{reward['id']}/approve"

    assert refused(await people.owner.http.post(path, headers={"X-API-Key": keys.bound}))[:2] == (404, "not_found")
    assert good(await people.owner.http.post(path, headers={"X-API-Key": inside.bound}))["state"] == "approved"


@pytest.mark.parametrize("rest", ["", "/approve", "/pay", "/reject", "/corrections"])
async def test_a_reward_that_is_not_there_is_not_found(people: People, rest: str) -> None:
    method = "POST" if rest else "GET"
    body = {"reason": "no"} | ({"amount": "1"} if rest == "/corrections" else {})

    for id in ("x", NOBODYS, "%00"):
        answer = await people.owner.http.request(method, f"/v1/rewards/{id}{rest}", json=body)
        assert refused(answer) == (404, "not_found", None)


async def test_a_decision_is_delivered_and_noticed(people: People) -> None:
    _, _, reward = await earned(people)
    await people.owner.endpoint("https://example.com/hook", events=("reward.changed",))

    await decided(people.owner, reward, "approve")

    assert await people.owner.count("deliveries") == 1
    newest = good(await people.owner.http.get("/v1/notifications", params={"limit": 1}))["data"][0]["event"]
    assert (newest["type"], newest["data"]["to"]) == ("reward.changed", "approved")


# Many at once


async def test_a_batch_under_a_key_is_done_once(people: People) -> None:
    _, lead, reward = await earned(people)
    asked: Json = {"json": {"decision": "approve", "ids": [reward["id"]]}, "headers": {"Idempotency-Key": "once"}}

    first, again = [good(await people.owner.http.post("/v1/rewards/batch", **asked)) for _ in range(2)]

    assert first == again
    assert first["data"][0]["outcome"] == "changed"
    assert await changes(people.owner, lead) == [("pending", "approved")]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"decision": "reject", "ids": [NOBODYS]}, (422, "invalid", "/reason")),
        ({"decision": "pay", "ids": []}, (400, "malformed", "/ids")),
        ({"decision": "pay", "ids": [NOBODYS] * 1001}, (400, "malformed", "/ids")),
        ({"decision": "pay", "ids": ["x"]}, (400, "malformed", "/ids/0")),
        ({"decision": "give", "ids": [NOBODYS]}, (400, "malformed", "/decision")),
    ],
)
async def test_a_batch_that_makes_no_sense_is_refused(people: People, body: Json, answer: Any) -> None:
    assert refused(await people.owner.http.post("/v1/rewards/batch", json=body)) == answer


# Claw-back


async def test_leaving_and_coming_back_in_one_transaction_is_the_same(
    people: People, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "leadrail.core.engine")
    channel, lead, _ = await earned(people, hold_days=30)
    won, lost = channel.status_by_name["won"].id, channel.status_by_name["lost"].id
    steps = [{"lead_id": str(lead.id), "status_id": str(id)} for id in (lost, won, lost, won)]

    outcomes = good(await people.owner.http.post("/v1/leads/status/batch", json={"changes": steps}))["data"]

    assert "one by one" not in caplog.text, "the database refused the batch"
    assert {row["outcome"] for row in outcomes} == {"changed"}
    assert sorted(row["clawed_back"] for row in await listed(people.owner)) == [False, True, True]


async def test_what_is_passed_on_the_way_is_left_at_once(people: People) -> None:
    channel = await people.owner.channel()
    for status in ("Qualified", "Won"):
        await people.owner.trigger(channel, **(HELD | {"status": status}))
    lead = await people.owner.lead(channel)

    await move(people.owner, lead, "Won", also_qualified=True)

    won, qualified = await listed(people.owner)
    assert (won["state"], qualified["state"], qualified["clawed_back"]) == ("pending", "rejected", True)


async def test_a_reward_of_another_status_or_cause_stays(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.trigger(channel, cause="new_lead", amount=5, hold_days=30)
    await people.owner.trigger(channel, cause="status_change", status="Won", amount=6, hold_days=30)
    lead = await people.owner.lead(channel)

    for status in ("Qualified", "Lost"):
        await move(people.owner, lead, status)

    assert [row["state"] for row in await listed(people.owner)] == ["pending"]


async def test_a_trigger_that_was_archived_still_takes_its_rewards_back(people: People) -> None:
    channel, lead, reward = await earned(people, hold_days=30)
    path = f"/v1/channels/{channel.id}/reward-triggers/{reward['trigger_id']}"
    assert (await people.owner.http.delete(path)).status_code == 204

    await move(people.owner, lead, "Lost")

    assert [row["clawed_back"] for row in await listed(people.owner)] == [True]


# At once


@pytest.fixture
async def other(database_url: str, people: People) -> AsyncIterator[Person]:
    """The owner at another process, as far as the database can tell."""
    core = Core(await Database.open(database_url, size=4), webhook_allow=LOOPBACK)
    owner = people.owner
    async with (
        serving(App(core)) as url,
        httpx.AsyncClient(base_url=url, headers={"X-API-Key": owner.key}, timeout=30, trust_env=False) as http,
    ):
        yield Person(core, owner.company_id, owner.user_id, owner.key, http)
    await core.close()


async def test_approvals_in_two_processes_at_once_are_one_event(people: People, other: Person) -> None:
    _, lead, reward = await earned(people)

    answers = await asyncio.gather(*(decide(who, reward, "approve") for who in (people.owner, other) for _ in range(4)))

    assert {good(answer)["state"] for answer in answers} == {"approved"}
    assert await changes(people.owner, lead) == [("pending", "approved")]


async def test_corrections_in_two_processes_at_once_never_exceed(people: People, other: Person) -> None:
    _, _, reward = await earned(people)
    await decided(people.owner, reward, "approve", "pay")

    answers = await asyncio.gather(*(correct(who, reward, "20") for who in (people.owner, other) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 6
    assert sum(Decimal(row["amount"]) for row in await listed(people.owner)) == 10


@pytest.mark.parametrize("round", range(3))
async def test_an_approval_and_a_claw_back_at_once_end_in_the_claw_back(
    people: People, other: Person, round: int
) -> None:
    _, lead, reward = await earned(people, hold_days=30)

    answer, _ = await asyncio.gather(decide(other, reward, "approve"), move(people.owner, lead, "Lost"))

    (row,) = await listed(people.owner)
    assert (row["state"], row["clawed_back"]) == ("rejected", True)
    ways = {200: [("pending", "approved"), ("approved", "rejected")], 409: [("pending", "rejected")]}
    assert await changes(people.owner, lead) == ways[answer.status_code]


async def test_moves_in_and_out_at_once_leave_one_reward_or_none_in_force(people: People, other: Person) -> None:
    _, lead, _ = await earned(people, hold_days=30)

    await asyncio.gather(
        *(move(who, lead, status) for who in (people.owner, other) for _ in range(4) for status in ("Lost", "Won"))
    )

    status = good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["status"]["name"]
    in_force = [row for row in await listed(people.owner) if not row["clawed_back"]]
    assert len(in_force) == (1 if status == "Won" else 0)


# Filters and sums


@pytest.mark.parametrize(
    "query", [{"state": "odd"}, {"since": "yesterday"}, {"until": "0001-01-01T00:00:00+14:00"}, {"earner": "me"}]
)
@pytest.mark.parametrize("path", ["/v1/rewards", "/v1/rewards/export.csv"])
async def test_a_filter_that_is_none_is_refused(people: People, path: str, query: Json) -> None:
    assert refused(await people.owner.http.get(path, params=query))[0] in (400, 422)


@pytest.mark.parametrize("group", ["week", "earner,week", "month;channel", "currency"])
async def test_a_group_that_is_none_is_refused(people: People, group: str) -> None:
    answer = await people.owner.http.get("/v1/rewards/totals", params={"group": group})

    assert refused(answer) == (422, "invalid", "?group")


SOONER = "UPDATE rewards SET hold_until = hold_until - $2::interval WHERE lead_id = $1 RETURNING 1"
WAYS = st.sampled_from(["approve", "reject", "pay", "corrections", "leave", "return", "buy", "wait"])


@given(steps=st.lists(st.tuples(st.integers(0, 3), WAYS), min_size=4, max_size=16))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_done_the_totals_are_the_sums_of_the_list(
    people: People, steps: list[tuple[int, str]]
) -> None:
    channel = await people.shared_channel(currency="EUR")
    for trigger in (HELD, {"cause": "purchase", "kind": "percent", "amount": 5, "cap": 3, "repeat": True}):
        await people.owner.trigger(channel, **trigger)
    lead = await people.owner.lead(channel, value=Decimal(400))
    await attempt(people.owner, lead, 1, "buy")
    for what in ("approve", "pay"):
        await attempt(people.owner, lead, 0, what)
    await move(people.owner, lead, "Won")

    for place, what in steps:
        await attempt(people.owner, lead, place, what)

    totals = good(await people.partner.http.get("/v1/rewards/totals", params={"channel": str(channel.id)}))["data"]
    rows = await listed(people.owner, channel=str(channel.id))
    assert as_summed(totals, "earner", "channel", "month") == summed(rows, "earner", "channel", "month")
    assert sum(Decimal(row["net"]) for row in totals) >= 0


async def attempt(owner: Person, lead: Lead, place: int, what: str) -> None:
    """One thing done to the lead or to one of its rewards; it may be refused."""
    if what == "wait":
        await owner.rows(SOONER, lead.id, timedelta(days=10 * place))
    elif what in ("leave", "return"):
        await move(owner, lead, "Lost" if what == "leave" else "Won")
    elif what == "buy":
        good(await owner.http.post(f"/v1/leads/{lead.id}/purchases", json={"amount": str(place * 40)}), 201)
    else:
        rewards = await listed(owner, lead=str(lead.id))
        body = {"reason": "r"} | ({"amount": str(place + 1)} if what == "corrections" else {})
        answer = await owner.http.post(f"/v1/rewards/{rewards[place % len(rewards)]['id']}/{what}", json=body)
        assert answer.status_code in (200, 201, 409), answer.text


# The export


async def test_the_export_goes_on_where_a_chunk_ended(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = await people.owner.channel()
    await people.owner.trigger(channel, cause="new_lead", amount=5)
    for _ in range(7):
        await people.owner.lead(channel)
    monkeypatch.setattr(reading, "CHUNK", 3)

    answer = await people.owner.http.get("/v1/rewards/export.csv")

    assert "content-length" not in answer.headers
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == [row["id"] for row in await listed(people.owner)]


async def test_an_export_of_nothing_has_its_head(people: People) -> None:
    answer = await people.stranger.http.get("/v1/rewards/export.csv")

    assert answer.text.splitlines() == [",".join(reading._COLUMNS)]


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_cell_of_somebodys_words_is_no_formula(reason: str) -> None:
    assert reading.harmless(reason) == "'" + reason
    assert reading.harmless("a" + reason) == "a" + reason
