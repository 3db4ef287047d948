"""Who gets new leads: the order of turns as a rule, and over PostgreSQL in batches, at once, and with people away."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadrail.core import assigning
from leadrail.core.actor import Actor
from leadrail.core.channels import assignment_store
from leadrail.core.channels.assignment import Absence, Assignee, Assignment, Plan, SourceRule, Turns, in_turn
from leadrail.core.channels.model import Channel, Duplicates, StatusRef
from leadrail.core.channels.store import renew
from leadrail.core.core import Core
from leadrail.core.engine import Done, Outcome
from leadrail.core.leads.commands import CreateLead, Idempotency, Origin
from leadrail.db.database import Database
from leadrail.kit.ids import new_id
from tests.people import People, Person

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def team(*weights: int) -> tuple[Assignee, ...]:
    return tuple(Assignee(f"person {place}", weight) for place, weight in enumerate(weights))


def given_out(plan: Assignment, number: int, turns: Turns | None = None, **at: Any) -> tuple[list[str], Turns]:
    turns, names = turns or {}, []
    for _ in range(number):
        chosen = plan.next(at.get("source"), turns, at.get("now", NOW))
        assert chosen is not None
        name, turns = chosen
        names.append(name)
    return names, turns


def assert_even(names: Sequence[str], weights: dict[str, int]) -> None:
    """Everybody has what is due by weight, rounded down or up."""
    got, whole = Counter(names), sum(weights.values())
    assert set(got) <= set(weights)
    for name, weight in weights.items():
        due = len(names) * weight / whole
        assert floor(due) <= got[name] <= ceil(due), (name, got, due)


# The order of turns


@given(st.lists(st.integers(1, 100), min_size=1, max_size=12))
def test_after_any_number_of_leads_everybody_has_what_is_due_rounded_down_or_up(weights: list[int]) -> None:
    order = in_turn(tuple(weights))
    whole, got = sum(weights), [0] * len(weights)

    for n, place in enumerate(order * 2, 1):
        got[place] += 1
        for mine, weight in zip(got, weights, strict=True):
            assert floor(n * weight / whole) <= mine <= ceil(n * weight / whole)


def test_equal_weights_go_round() -> None:
    assert in_turn((7, 7, 7)) == (0, 1, 2)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 40), st.sets(st.integers(0, 5))), min_size=1, max_size=8),
)
def test_between_two_changes_of_who_is_there_the_spread_is_even(
    weights: list[int], stretches: list[tuple[int, set[int]]]
) -> None:
    turns: Turns = {}
    before: set[int] | None = None
    names: list[str] = []
    for number, away in stretches:
        here = {place for place in range(len(weights)) if place not in away}
        absences = tuple(Absence(f"person {place}", NOW, NOW + DAY) for place in away)
        plan = Assignment(assignees=team(*weights), absences=absences)
        if not here:
            assert plan.next(None, turns, NOW) is None
            continue
        names = names if here == before else []
        more, turns = given_out(plan, number, turns)
        # Nobody notices a change in a time in which there were no leads.
        before, names = (here, names + more) if number else (before, names)
        if number:
            assert_even(names, {f"person {place}": weights[place] for place in here})


def test_an_absence_begins_and_ends_to_the_moment() -> None:
    plan = Assignment(assignees=team(1), absences=(Absence("PERSON 0", NOW, NOW + DAY),))
    tick = timedelta(microseconds=1)

    there = [plan.next(None, {}, at) is not None for at in (NOW - tick, NOW, NOW + DAY - tick, NOW + DAY)]

    assert there == [True, False, False, True]


def test_the_rule_of_a_source_goes_first_and_has_turns_of_its_own() -> None:
    field = SourceRule("Trade Fair", (Assignee("field"), Assignee("fair")))
    plan = Assignment(assignees=team(1, 1), rules=(field,))

    sources = ["trade fair", None, " TRADE FAIR ", "website", "trade fair"]
    names, turns = [], dict[str, Any]()
    for source in sources:
        chosen = plan.next(source, turns, NOW)
        assert chosen is not None
        names.append(chosen[0])
        turns = chosen[1]

    assert names == ["field", "person 0", "fair", "person 1", "field"]


def test_when_nobody_of_a_rule_is_there_the_others_get_its_leads() -> None:
    rule = SourceRule("fair", (Assignee("field@example.com"),))
    plan = Assignment(assignees=team(1), rules=(rule,), disabled=frozenset({"FIELD@example.com"}))

    assert given_out(plan, 2, source="fair")[0] == ["person 0", "person 0"]


def test_an_empty_plan_gives_to_nobody() -> None:
    assert Assignment().next("x", {}, NOW) is None


# Over PostgreSQL


async def actor_of(person: Person) -> Actor:
    return await person.core.doors.admit_key(person.key, "api")


async def planned(person: Person, channel: Channel, **plan: Any) -> Channel:
    async with person.core.database.transaction() as connection:
        await assignment_store.put(connection, channel.company_id, channel.id, Plan(**plan))
        await renew(connection, channel.company_id, channel.id)
    return channel


def make(actor: Actor, channel: Channel, **rest: Any) -> CreateLead:
    return CreateLead(**{"actor": actor, "channel_id": channel.id, "lead_id": new_id(), **rest})


async def assignees(person: Person, channel: Channel) -> list[str | None]:
    statement = "SELECT assignee FROM leads WHERE company_id = $1 AND channel_id = $2 ORDER BY number"
    return [row["assignee"] for row in await person.rows(statement, channel.company_id, channel.id)]


def done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


@pytest.fixture(scope="module")
async def other(database_url: str) -> AsyncIterator[Core]:
    """A second core on the same database: another process, as far as the database can tell."""
    core = Core(await Database.open(database_url, size=4))
    yield core
    await core.close()


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_thousand_leads_are_spread_within_one_of_even(people: People, size: int) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    await planned(owner, channel, assignees=team(5, 3, 1, 1))
    commands = [make(actor, channel) for _ in range(1000)]

    parts = [commands[start : start + size] for start in range(0, 1000, size)]
    await asyncio.gather(*(owner.core.engine.execute(part) for part in parts))

    names = await assignees(owner, channel)
    weights = {"person 0": 5, "person 1": 3, "person 2": 1, "person 3": 1}
    assert Counter(names) == {name: weight * 100 for name, weight in weights.items()}


async def test_two_servers_at_once_take_turns_together(people: People, other: Core) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    await planned(owner, channel, assignees=team(3, 2, 2))

    names: list[str] = []
    for size in (1, 2, 1, 5, 40, 3, 1, 1):
        both = (core.engine.execute([make(actor, channel) for _ in range(size)]) for core in (owner.core, other))
        names += [done(one).lead.assignee or "" for part in await asyncio.gather(*both) for one in part]
        assert_even(names, {"person 0": 3, "person 1": 2, "person 2": 2})

    assert len(names) == 108


async def test_refused_leads_take_no_turn(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(duplicates=Duplicates.REJECT), await actor_of(owner)
    await planned(owner, channel, assignees=team(1, 1))
    await owner.core.engine.execute_one(make(actor, channel, fields={"email": "jane@example.com"}))
    bad: list[dict[str, Any]] = [
        {"status": StatusRef(name="nowhere")},
        {"fields": {"email": "jane@example.com"}},
        {"fields": {"currency": "x"}},
    ]
    commands = [make(actor, channel, **rest) for n in range(30) for rest in ({}, bad[n % 3])]

    outcomes = await owner.core.engine.execute(commands)

    names = [one.lead.assignee or "" for one in outcomes if isinstance(one, Done)]
    assert names == ["person 1", "person 0"] * 15


async def test_a_batch_that_the_database_refuses_leaves_the_turns_as_they_were(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    await planned(owner, channel, assignees=team(1, 1, 1))
    first = done(await owner.core.engine.execute_one(make(actor, channel)))
    taken = make(actor, channel, number=first.lead.number)
    commands = [make(actor, channel), taken, make(actor, channel)]

    outcomes = await owner.core.engine.execute(commands)

    assert [isinstance(one, Done) for one in outcomes] == [True, False, True]
    assert await assignees(owner, channel) == ["person 0", "person 1", "person 2"]


async def test_a_lead_that_says_whose_it_is_keeps_it_and_takes_no_turn(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    await planned(owner, channel, assignees=team(1, 1))

    given: list[dict[str, Any]] = [{}, {"assignee": "kim"}, {"assignee": " "}, {"assignee": ""}]
    await owner.core.engine.execute([make(actor, channel, fields=fields) for fields in given])
    await owner.core.engine.execute([make(actor, channel, origin=Origin.IMPORT)])

    assert await assignees(owner, channel) == ["person 0", "kim", "person 1", "person 0", None]


async def test_a_thousand_imported_leads_are_spread_and_nobody_is_told(people: People) -> None:
    owner = people.owner
    channel, actor, batch_id = await owner.channel(), await actor_of(owner), new_id()
    await planned(owner, channel, assignees=team(1, 1, 1))

    commands = [make(actor, channel, origin=Origin.IMPORT, batch_id=batch_id) for _ in range(1000)]
    await owner.core.engine.execute(commands)

    assert sorted(Counter(await assignees(owner, channel)).values()) == [333, 333, 334]
    assert await notices(owner) == []
    assert await owner.count("assigned_batches") == 0


async def test_leads_are_decided_once_until_another_server_takes_a_turn(people: People, other: Core) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    await planned(owner, channel, assignees=team(1, 1, 1))
    decided: list[str | None] = []

    def render(done: Done) -> tuple[int, bytes]:
        decided.append(done.lead.assignee)
        return 201, b""

    def kept() -> CreateLead:
        return make(actor, channel, idempotency=Idempotency(str(new_id()), b"", render))

    await owner.core.engine.execute_one(make(actor, channel))
    await owner.core.engine.execute_one(kept())
    await other.engine.execute_one(make(actor, channel))
    await owner.core.engine.execute_one(kept())

    # From now on it looks before it decides.
    await other.engine.execute_one(make(actor, channel))
    await owner.core.engine.execute_one(kept())
    await owner.core.engine.execute_one(kept())

    assert decided == ["person 1", *("person 2", "person 0"), "person 2", "person 0"]
    assert await assignees(owner, channel) == [f"person {n % 3}" for n in range(7)]


async def test_who_comes_in_again_takes_no_turn(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(duplicates=Duplicates.UPDATE), await actor_of(owner)
    await planned(owner, channel, assignees=team(1, 1))
    jane = {"email": "jane@example.com"}

    await owner.core.engine.execute([make(actor, channel, fields=fields) for fields in (jane, jane, {}, jane, {})])

    assert await assignees(owner, channel) == ["person 0", "person 1", "person 0"]


async def test_a_new_plan_holds_at_once_and_an_unchanged_pool_goes_on(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    fair = SourceRule("fair", (Assignee("field"),))
    for plan in ({"assignees": team(1, 1)}, {"assignees": team(1, 1), "rules": (fair,)}, {"assignees": team(1, 1, 1)}):
        await planned(owner, channel, **plan)
        await owner.core.engine.execute([make(actor, channel), make(actor, channel, fields={"source": "fair"})])
        await owner.core.engine.execute([make(actor, channel)])

    names = await assignees(owner, channel)
    assert names == [
        "person 0",
        "person 1",
        "person 0",
        "person 1",
        "field",
        "person 0",
        *("person 0", "person 1", "person 2"),
    ]
    (row,) = await owner.rows("SELECT turns FROM assignment_turns WHERE channel_id = $1", channel.id)
    assert set(row["turns"]) == {""}


async def test_the_creation_tells_whose_the_lead_is(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    await planned(owner, channel, assignees=team(1))

    outcome = done(await owner.core.engine.execute_one(make(actor, channel)))

    assert outcome.lead.assignee == outcome.events[0].data["assignee"] == "person 0"


# One notice of a batch


async def notices(person: Person) -> list[tuple[str, Any]]:
    rows = await person.rows(
        "SELECT type, data FROM events WHERE company_id = $1 AND notice ORDER BY seq", person.company_id
    )
    return [(row["type"], msgspec.json.decode(row["data"])) for row in rows]


async def test_of_a_batch_there_is_one_notice_for_each_who_got_leads(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    await planned(owner, channel, assignees=team(2, 1))
    body = {"leads": [{"channel_id": str(channel.id)}] * 300 + [{"channel_id": str(channel.id), "assignee": "kim"}]}

    answer = await owner.http.post("/v1/leads/batch", json=body)

    assert Counter(one["outcome"] for one in answer.json()["data"]) == {"created": 301}
    told = await notices(owner)
    assert [type for type, _ in told] == ["lead.created", "leads.assigned", "leads.assigned"]
    assert [(data["assignee"], data["leads"]) for _, data in told[1:]] == [("person 0", 200), ("person 1", 100)]
    assert told[1][1]["channel"] == {"id": str(channel.id), "number": channel.number, "title": channel.title}
    assert await owner.count("assigned_batches") == 0


async def test_a_batch_is_delivered_lead_by_lead_and_told_once(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    await planned(owner, channel, assignees=team(1))
    await owner.endpoint("https://example.com/hook")

    await owner.http.post("/v1/leads/batch", json={"leads": [{"channel_id": str(channel.id)}] * 3})

    rows = await owner.rows("SELECT event_type FROM deliveries WHERE company_id = $1", owner.company_id)
    assert Counter(row["event_type"] for row in rows) == {"lead.created": 3, "leads.assigned": 1}


async def test_a_vendor_s_call_with_many_leads_is_a_batch_too(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    await planned(owner, channel, assignees=team(1))
    body = {
        "campaignId": str(channel.id),
        "leads": [{"linkedinUrl": f"https://linkedin.com/in/p{n}"} for n in range(3)],
    }

    answer = await owner.http.post("/sendpilot/v1/leads", json=body)

    assert answer.json()["leadsAdded"] == 3
    assert [(type, data["leads"]) for type, data in await notices(owner)] == [("leads.assigned", 3)]


async def test_without_a_plan_every_lead_of_a_batch_is_a_notice(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()

    await owner.http.post("/v1/leads/batch", json={"leads": [{"channel_id": str(channel.id)}] * 3})

    assert [type for type, _ in await notices(owner)] == ["lead.created"] * 3


async def test_a_single_lead_is_its_own_notice(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    await planned(owner, channel, assignees=team(1))

    await owner.http.post("/v1/leads", json={"channel_id": str(channel.id)})

    assert [(type, data.get("assignee")) for type, data in await notices(owner)] == [("lead.created", "person 0")]


async def left_batch(owner: Person, channel: Channel, number: int) -> UUID:
    """A batch of which nobody told: whoever brought it went away."""
    batch_id, actor = new_id(), await actor_of(owner)
    await owner.core.engine.execute([make(actor, channel, batch_id=batch_id) for _ in range(number)])
    return batch_id


async def test_of_a_batch_that_was_left_the_worker_tells_once(people: People, other: Core) -> None:
    owner = people.owner
    channel = await owner.channel()
    await planned(owner, channel, assignees=team(1))
    await left_batch(owner, channel, 5)

    await assigning.tell_left(owner.core)
    assert [type for type, _ in await notices(owner)] == []

    older = "UPDATE assigned_batches SET at = at - $2::interval WHERE company_id = $1 RETURNING at"
    await owner.rows(older, owner.company_id, assigning.PATIENCE)
    await asyncio.gather(*(assigning.tell_left(core) for core in (owner.core, other) * 2))

    assert [(type, data["leads"]) for type, data in await notices(owner)] == [("leads.assigned", 5)]


async def test_a_partner_s_batch_is_told_to_the_owner_of_the_channel(people: People) -> None:
    channel = await people.shared_channel()
    await planned(people.owner, channel, assignees=team(1))

    await people.partner.http.post("/v1/leads/batch", json={"leads": [{"channel_id": str(channel.id)}] * 2})

    assert [(type, data["leads"]) for type, data in await notices(people.owner)] == [("leads.assigned", 2)]
    assert await notices(people.partner) == []
