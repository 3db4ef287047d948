"""Rewards from earning to payout: decided, held, taken back, corrected, summed up and exported."""

import asyncio
import csv
import io
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Channel, Member, Role
from leadrail.core.leads.model import Lead
from tests.api import answers
from tests.api.answers import good
from tests.people import People, Person

NOBODY = "0190a0a0-0000-7000-8000-000000000000"


def refused(answer: httpx.Response, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """The problem, when it is this one."""
    assert answers.refused(answer) == (status, code, field)
    problem: dict[str, Any] = answer.json()
    return problem


async def channel_with(people: People, **trigger: Any) -> Channel:
    channel = await people.shared_channel(currency="EUR")
    await people.owner.trigger(channel, **({"cause": "status_change", "status": "Won", "amount": 100} | trigger))
    return channel


async def move(person: Person, lead: Lead, status: str) -> None:
    good(await person.http.put(f"/v1/leads/{lead.id}/status", json={"status": status, "value": "1000"}))


async def rewards(person: Person, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = good(await person.http.get("/v1/rewards", params=query))["data"]
    return found


async def earned(people: People, **trigger: Any) -> dict[str, Any]:
    """A reward, just earned."""
    lead = await people.owner.lead(await channel_with(people, **trigger))
    await move(people.owner, lead, "Won")
    (reward,) = await rewards(people.owner)
    return reward


async def decide(person: Person, reward: dict[str, Any], decision: str, **body: Any) -> Any:
    return await person.http.post(f"/v1/rewards/{reward['id']}/{decision}", json=body or None)


async def paid(people: People, **trigger: Any) -> dict[str, Any]:
    reward = await earned(people, **trigger)
    good(await decide(people.owner, reward, "approve"))
    shown: dict[str, Any] = good(await decide(people.owner, reward, "pay"))
    return shown


async def changes(person: Person) -> list[dict[str, Any]]:
    statement = "SELECT data FROM events WHERE company_id = $1 AND type = 'reward.changed' ORDER BY seq"
    return [json.loads(row["data"]) for row in await person.rows(statement, person.company_id)]


# Decided


async def test_a_reward_is_approved_and_paid_each_told_once(people: People) -> None:
    reward = await earned(people)

    approved = good(await decide(people.owner, reward, "approve"))
    again = good(await decide(people.owner, reward, "approve"))
    done = good(await decide(people.owner, reward, "pay"))

    assert (approved["state"], again["state"], done["state"]) == ("approved", "approved", "paid")
    assert [(one["from"], one["to"]) for one in await changes(people.owner)] == [
        ("pending", "approved"),
        ("approved", "paid"),
    ]


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_paid_is_final(people: People, decision: str) -> None:
    reward = await paid(people)
    before = await people.owner.digests()

    body = {"reason": "Fraud"} if decision == "reject" else {}
    refused(await decide(people.owner, reward, decision, **body), 409, "conflict")

    assert await people.owner.digests() == before


async def test_a_rejection_says_why_and_is_not_earned_again(people: People) -> None:
    reward = await earned(people, hold_days=30)
    refused(await decide(people.owner, reward, "reject", reason="  "), 422, "invalid", "/reason")

    good(await decide(people.owner, reward, "reject", reason="Known already"))
    lead_id = reward["lead_id"]
    for status in ("Lost", "Won"):
        good(await people.owner.http.put(f"/v1/leads/{lead_id}/status", json={"status": status}))

    (only,) = await rewards(people.owner)
    assert (only["state"], only["reason"], only["clawed_back"]) == ("rejected", "Known already", False)


async def test_two_approvals_at_once_are_one_event(people: People) -> None:
    reward = await earned(people)

    all_answers = await asyncio.gather(*(decide(people.owner, reward, "approve") for _ in range(8)))

    assert [good(answer)["state"] for answer in all_answers] == ["approved"] * 8
    assert len(await changes(people.owner)) == 1


# Who


async def test_who_earns_may_look_and_not_decide_and_a_stranger_sees_nothing(people: People) -> None:
    reward = await earned(people)

    assert [one["id"] for one in await rewards(people.partner)] == [reward["id"]]
    refused(await decide(people.partner, reward, "approve"), 403, "forbidden")
    refused(await decide(people.stranger, reward, "approve"), 404, "not_found")
    assert await rewards(people.stranger) == []
    refused(await decide(people.owner, {"id": NOBODY}, "approve"), 404, "not_found")


async def test_the_receiving_company_pays_and_decides(people: People) -> None:
    members = (Member(people.partner.company_id, Role.REFERRING), Member(people.stranger.company_id, Role.RECEIVING))
    channel = await people.owner.channel(currency="EUR", members=members)
    await people.owner.trigger(channel, cause="new_lead", amount=5)
    await people.owner.lead(channel)
    (reward,) = await rewards(people.stranger)

    assert reward["company_id"] == str(people.partner.company_id)
    assert reward["payer_company_id"] == str(people.stranger.company_id)
    assert good(await decide(people.stranger, reward, "approve"))["state"] == "approved"


# Held and taken back


async def test_a_reward_on_hold_may_be_approved_and_is_paid_only_after_it(people: People) -> None:
    reward = await earned(people, hold_days=30)
    good(await decide(people.owner, reward, "approve"))

    problem = refused(await decide(people.owner, reward, "pay"), 409, "conflict")
    await people.owner.rows("UPDATE rewards SET hold_until = now() - interval '1 second' RETURNING 1")

    assert problem["details"]["hold_until"] in problem["detail"]
    assert good(await decide(people.owner, reward, "pay"))["state"] == "paid"


@pytest.mark.parametrize("approved", [False, True])
async def test_leaving_the_status_within_the_hold_takes_it_back_and_entering_again_earns_it_once(
    people: People, approved: bool
) -> None:
    reward = await earned(people, hold_days=30)
    if approved:
        good(await decide(people.owner, reward, "approve"))
    for status in ("Lost", "Won", "Lost", "Won"):
        good(await people.owner.http.put(f"/v1/leads/{reward['lead_id']}/status", json={"status": status}))

    found = await rewards(people.owner)

    assert [(one["state"], one["clawed_back"]) for one in found] == [
        ("pending", False),
        ("rejected", True),
        ("rejected", True),
    ]
    assert found[-1]["reason"] == "the lead left Won within the hold"


async def test_without_a_hold_or_after_it_nothing_is_taken_back(people: People) -> None:
    for hold_days in (0, 30):
        await earned_and_left(people, hold_days)

    assert {one["state"] for one in await rewards(people.owner)} == {"pending"}


async def earned_and_left(people: People, hold_days: int) -> None:
    lead = await people.owner.lead(await channel_with(people, hold_days=hold_days))
    await move(people.owner, lead, "Won")
    await people.owner.rows("UPDATE rewards SET hold_until = hold_until - interval '31 days' RETURNING 1")
    await move(people.owner, lead, "Lost")


async def test_a_percentage_is_capped(people: People) -> None:
    reward = await earned(people, kind="percent", amount=50, cap="120")

    assert (reward["amount"], reward["currency"]) == ("120", "EUR")


# Corrected


async def test_corrections_are_new_lines_and_never_more_than_the_reward(people: People) -> None:
    reward = await paid(people)

    first = await decide(people.owner, reward, "corrections", amount="60", reason="Half returned")
    refused(await decide(people.owner, reward, "corrections", amount="60", reason="More"), 409, "conflict", "/amount")

    made = good(first, 201)
    assert (made["amount"], made["state"], made["corrects"]) == ("-60", "pending", reward["id"])
    assert (await rewards(people.owner))[-1] == reward
    good(await decide(people.owner, made, "reject", reason="A mistake"))
    good(await decide(people.owner, reward, "corrections", amount="100", reason="All returned"), 201)


async def test_many_corrections_at_once_never_take_back_more(people: People) -> None:
    reward = await paid(people)

    all_answers = await asyncio.gather(
        *(decide(people.owner, reward, "corrections", amount="30", reason="Returned") for _ in range(8))
    )

    assert sorted(answer.status_code for answer in all_answers) == [201] * 3 + [409] * 5
    total = sum(Decimal(one["amount"]) for one in await rewards(people.owner))
    assert total == 10


@pytest.mark.parametrize("amount", ["0", "-5", "1e30", "0.0000001"])
async def test_a_correction_of_no_amount_is_refused(people: People, amount: str) -> None:
    reward = await paid(people)

    refused(await decide(people.owner, reward, "corrections", amount=amount, reason="x"), 422, "invalid", "/amount")


async def test_only_paid_rewards_are_corrected_and_no_correction_is(people: People) -> None:
    pending = await earned(people)
    refused(await decide(people.owner, pending, "corrections", amount="5", reason="x"), 409, "conflict")
    for decision in ("approve", "pay"):
        good(await decide(people.owner, pending, decision))
    made = good(await decide(people.owner, pending, "corrections", amount="5", reason="x"), 201)
    for decision in ("approve", "pay"):
        good(await decide(people.owner, made, decision))

    refused(await decide(people.owner, made, "corrections", amount="5", reason="x"), 409, "conflict")


# Many


async def test_a_batch_answers_one_outcome_each_and_a_refused_one_hinders_none(people: People) -> None:
    channel = await channel_with(people, cause="new_lead", status=None)
    for _ in range(3):
        await people.owner.lead(channel)
    ids = [one["id"] for one in await rewards(people.owner)]
    good(await decide(people.owner, {"id": ids[0]}, "reject", reason="Known"))

    body = {"decision": "approve", "ids": [*ids, NOBODY]}
    outcomes = good(await people.owner.http.post("/v1/rewards/batch", json=body))["data"]

    assert [one["outcome"] for one in outcomes] == ["refused", "changed", "changed", "refused"]
    assert [one["error"]["code"] for one in outcomes if "error" in one] == ["conflict", "not_found"]


async def some_of_everything(people: People) -> None:
    channel = await channel_with(people, cause="new_lead", status=None, amount="10.5")
    for _ in range(6):
        await people.owner.lead(channel)
    found = await rewards(people.owner)
    for one in found[:4]:
        good(await decide(people.owner, one, "approve"))
    for one in found[:2]:
        good(await decide(people.owner, one, "pay"))
    good(await decide(people.owner, found[4], "reject", reason="=HYPERLINK(1)"))
    good(await decide(people.owner, found[0], "corrections", amount="4", reason="Returned"), 201)


async def test_the_totals_are_the_sums_of_the_list_for_everybody(people: People) -> None:
    await some_of_everything(people)

    for person in (people.owner, people.partner):
        listed = await rewards(person)
        (total,) = good(await person.http.get("/v1/rewards/totals"))["data"]
        for state in ("pending", "approved", "rejected", "paid"):
            of_state = [one for one in listed if one["state"] == state and one["corrects"] is None]
            assert Decimal(total[state]) == sum(Decimal(one["amount"]) for one in of_state), state
        kept = sum(Decimal(one["amount"]) for one in listed if one["state"] != "rejected")
        assert (Decimal(total["net"]), total["corrections"], total["rewards"]) == (kept, "-4", len(listed))
    assert good(await people.stranger.http.get("/v1/rewards/totals"))["data"] == []


async def test_the_export_is_the_list_and_no_cell_of_it_runs(people: People) -> None:
    await some_of_everything(people)

    answer = await people.owner.http.get("/v1/rewards/export.csv")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [(row["id"], row["amount"]) for row in rows] == [
        (one["id"], one["amount"]) for one in await rewards(people.owner)
    ]
    assert {row["reason"] for row in rows} == {"", "'=HYPERLINK(1)", "Returned"}


async def test_the_list_is_narrowed_and_paged(people: People) -> None:
    await some_of_everything(people)

    assert len(await rewards(people.owner, state="paid")) == 2
    assert len(await rewards(people.owner, earner=str(people.partner.company_id))) == 7
    assert await rewards(people.owner, payer=str(people.partner.company_id)) == []
    first = good(await people.owner.http.get("/v1/rewards", params={"limit": 4}))
    rest = good(await people.owner.http.get("/v1/rewards", params={"limit": 4, "cursor": first["next_cursor"]}))
    assert [one["id"] for one in first["data"] + rest["data"]] == [one["id"] for one in await rewards(people.owner)]
