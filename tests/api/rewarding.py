"""A channel that pays, what is asked of its rewards, and what they come to."""

from decimal import Decimal
from typing import Any

import httpx

from leadrail.core.channels.model import Channel, Member, Role
from leadrail.core.leads.model import Lead
from tests.api.answers import all_pages, good
from tests.people import People, Person

COLUMN = {"earner": "earner", "channel": "channel_id", "month": "month"}
SUMS = ("rewards", "pending", "approved", "rejected", "paid", "corrections", "net")
HELD = {"cause": "status_change", "status": "Won", "amount": 50, "hold_days": 30}

Json = dict[str, Any]


async def move(person: Person, lead: Lead, status: str, **more: Any) -> None:
    good(await person.http.put(f"/v1/leads/{lead.id}/status", json={"status": status} | more))


async def listed(person: Person, **query: Any) -> list[Json]:
    return await all_pages(person.http, "/v1/rewards", **query)


async def decide(person: Person, reward: Json, decision: str, **body: Any) -> httpx.Response:
    return await person.http.post(f"/v1/rewards/{reward['id']}/{decision}", json=body or None)


async def decided(person: Person, reward: Json, *decisions: str) -> Json:
    for decision in decisions:
        reward = good(await decide(person, reward, decision))
    return reward


async def history(person: Person, lead: Lead) -> list[Json]:
    rows: list[Json] = good(await person.http.get(f"/v1/leads/{lead.id}/events"))["data"]
    return rows


async def changes(person: Person, lead: Lead) -> list[tuple[str | None, str]]:
    """What the history tells of decisions."""
    told = [event["data"] for event in await history(person, lead) if event["type"] == "reward.changed"]
    return [(one["from"], one["to"]) for one in told]


async def earned(people: People, **trigger: Any) -> tuple[Channel, Lead, Json]:
    """A shared channel, a won lead in it, and the reward of the partner."""
    channel = await people.shared_channel(currency="EUR")
    await people.owner.trigger(channel, **({"cause": "status_change", "status": "Won", "amount": 50} | trigger))
    lead = await people.owner.lead(channel, value=Decimal(5000))
    await move(people.owner, lead, "Won")
    (reward,) = await listed(people.owner, lead=str(lead.id))
    return channel, lead, reward


async def receiving(people: People) -> tuple[Lead, Json]:
    """A reward that the partner pays and the stranger earns."""
    members = (
        Member(people.partner.company_id, Role.RECEIVING),
        Member(people.stranger.company_id, Role.REFERRING),
    )
    channel = await people.owner.channel(members=members)
    await people.owner.trigger(channel, cause="new_lead", amount=5)
    lead = await people.owner.lead(channel)
    (reward,) = await listed(people.owner)
    return lead, reward


async def correct(person: Person, reward: Json, amount: str) -> httpx.Response:
    return await decide(person, reward, "corrections", amount=amount, reason="Returned")


def summed(rows: list[Json], *names: str) -> dict[tuple[Any, ...], Json]:
    """The totals that a list comes to, added up by hand."""
    sums: dict[tuple[Any, ...], Json] = {}
    of = {"earner": lambda row: row["company_id"], "channel": lambda row: row["channel_id"]}
    of["month"] = lambda row: row["created_at"][:7]
    for row in rows:
        key = (*(of[name](row) for name in names), row["currency"])
        total = sums.setdefault(key, dict.fromkeys(SUMS, Decimal(0)))
        amount, alive = Decimal(row["amount"]), row["state"] != "rejected"
        total["rewards"] += 1
        total["net"] += amount if alive else 0
        if row["corrects"] is None:
            total[row["state"]] += amount
        elif alive:
            total["corrections"] += amount
    return sums


def as_summed(totals: list[Json], *names: str) -> dict[tuple[Any, ...], Json]:
    return {
        (*(row[COLUMN[name]] for name in names), row["currency"]): {name: Decimal(row[name]) for name in SUMS}
        for row in totals
    }
