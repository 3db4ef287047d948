"""Bulk changes at work: the same rules for every lead, nothing twice, whoever dies and whoever takes turns."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from leadrail.api import bulk
from leadrail.core.actor import Scope
from leadrail.core.bulk import commands, running, store
from leadrail.core.bulk.model import (
    Action,
    BulkAssign,
    BulkChange,
    BulkEdit,
    BulkErase,
    BulkMove,
    BulkOutcome,
    BulkState,
    ItemOutcome,
)
from leadrail.core.channels.model import Category, Channel, PropertyType, Requirement, StatusRef
from leadrail.core.companies.commands import edit_user
from leadrail.core.companies.model import UserState
from leadrail.core.core import Core
from leadrail.core.leads.commands import ChangeStatus, CreateLead
from leadrail.core.leads.model import Lead
from leadrail.kit.ids import new_id
from leadrail.worker.periodic import run_jobs
from tests.people import NOBODYS, NewProperty, NewStatus, People, Person
from tests.worker.stage import FakeClock

NOTED = BulkMove(status="Qualified", note="All at once")
"""With a note, which a repeat would write again."""


async def ask(
    person: Person, action: Action, *ids: UUID, filter: dict[str, Any] | None = None, key: str | None = None
) -> UUID:
    actor = await person.core.doors.admit_key(key or person.key, "api")
    async with person.core.database.transaction() as connection:
        now = person.core.clock()
        return (await commands.ask(connection, actor, action, ids=ids, filter=filter, now=now)).id


async def step(core: Core, **sizes: int) -> bool:
    return await running.step(core, bulk.chosen, **sizes)


async def work(core: Core, **sizes: int) -> None:
    """All that there is to do."""
    while await step(core, **sizes):
        pass


async def now(person: Person, id: UUID) -> BulkChange:
    actor = await person.core.doors.admit_key(person.key, "api")
    async with person.core.database.connection() as connection:
        return await commands.seen(connection, actor, id)


async def outcomes(person: Person, id: UUID) -> list[ItemOutcome]:
    async with person.core.database.connection() as connection:
        return await store.outcomes(connection, person.company_id, id, None, after=0, limit=10_000)


async def done(person: Person, action: Action, *ids: UUID, **more: Any) -> list[ItemOutcome]:
    id = await ask(person, action, *ids, **more)
    await work(person.core)
    assert (await now(person, id)).state is BulkState.DONE
    return await outcomes(person, id)


async def leads(person: Person, channel: Channel, number: int, **fields: Any) -> list[UUID]:
    actor = await person.core.doors.admit_key(person.key, "api")
    ids = [new_id() for _ in range(number)]
    await person.core.engine.execute(
        [CreateLead(actor=actor, channel_id=channel.id, lead_id=id, fields=fields) for id in ids]
    )
    return ids


async def lead_now(person: Person, id: UUID) -> Lead:
    actor = await person.core.doors.admit_key(person.key, "api")
    async with person.core.database.connection() as connection:
        return (await person.core.reader.lead(connection, actor, id)).lead


async def events(person: Person, but: str = "lead.created") -> Counter[UUID]:
    rows = await person.rows("SELECT lead_id FROM events WHERE company_id = $1 AND type <> $2", person.company_id, but)
    return Counter(row["lead_id"] for row in rows)


# What is done to each lead


async def test_all_move_with_their_history_as_the_key_that_asked(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    ids = await leads(owner, channel, 3)
    actor = await owner.core.doors.admit_key(owner.key, "api")

    came = await done(owner, BulkMove(status="lost", reason="Too late", note="Old"), *ids)

    assert [(one.n, one.lead_id, one.outcome) for one in came] == [
        (place, id, BulkOutcome.CHANGED) for place, id in enumerate(ids, 1)
    ]
    lead = await lead_now(owner, ids[0])
    assert (channel.status_by_id[lead.status_id].name, lead.reason) == ("Lost", "Too late")
    (told, *_) = await owner.rows(
        "SELECT actor_id, data FROM events WHERE lead_id = $1 AND type = 'lead.status_changed'", ids[0]
    )
    assert told["actor_id"] == actor.id
    assert msgspec.json.decode(told["data"])["note"] == "Old"


async def test_all_are_assigned_and_those_that_are_already_stay_unchanged(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    (other,), (theirs,) = await leads(owner, channel, 1), await leads(owner, channel, 1, assignee="sam@example.com")

    came = await done(owner, BulkAssign(assignee="sam@example.com"), other, theirs)

    assert [one.outcome for one in came] == [BulkOutcome.CHANGED, BulkOutcome.UNCHANGED]
    assert (await lead_now(owner, other)).assignee == "sam@example.com"
    assert (await events(owner)) == {other: 1}


async def test_fields_and_properties_are_set_with_their_types_and_removed(people: People) -> None:
    owner = people.owner
    size = NewProperty(name="Deal size", type=PropertyType.NUMBER)
    channel = await owner.channel(properties=(size,))
    (id,) = await leads(owner, channel, 1, title="Captain")
    at = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
    fields = {"value": Decimal("12.50"), "next_follow_up_at": at, "title": None, "attribution": {"gclid": "x"}}

    await done(owner, BulkEdit(fields=fields, properties={"deal size": 7}), id)

    lead = await lead_now(owner, id)
    assert (lead.value, lead.next_follow_up_at, lead.title) == (Decimal("12.50"), at, None)
    assert (lead.attribution, list(lead.properties.values())) == ({"gclid": "x"}, [7])


async def test_all_are_erased(people: People) -> None:
    owner = people.owner
    ids = await leads(owner, await owner.channel(), 2, email="zebulon@example.com")

    await done(owner, BulkErase(), *ids)

    erased = [await lead_now(owner, id) for id in ids]
    assert [(lead.email, lead.erased_at is not None) for lead in erased] == [(None, True)] * 2


async def test_nothing_of_what_was_to_be_done_stays_when_it_has_ended(people: People) -> None:
    owner = people.owner
    (id,) = await leads(owner, await owner.channel(), 1, email="zebulon@example.com")
    edit = BulkEdit(fields={"notes": "Zebulon called"})
    ended = await ask(owner, edit, filter={"email": "zebulon@example.com"})
    await work(owner.core)
    actor = await owner.core.doors.admit_key(owner.key, "api")
    cancelled = await ask(owner, edit, id)
    async with owner.core.database.transaction() as connection:
        await commands.cancel(connection, actor, cancelled, owner.core.clock())

    rows = await owner.rows("SELECT b::text AS row FROM bulk_changes b WHERE id = ANY($1)", [ended, cancelled])

    assert len(rows) == 2
    assert not any("zebulon" in row["row"].casefold() for row in rows)


# What is refused


async def test_each_lead_is_refused_by_the_rules_of_its_own_channel(people: People) -> None:
    owner = people.owner
    strict = NewStatus(name="Won", category=Category.WON, requires=(Requirement.VALUE,))
    demanding = await owner.channel(statuses=(NewStatus(name="New"), strict))
    without = await owner.channel(statuses=(NewStatus(name="New"),))
    (rich,), (poor,) = await leads(owner, demanding, 1, value=Decimal(5)), await leads(owner, demanding, 1)
    (foreign,) = await leads(owner, without, 1)
    (gone,) = await leads(owner, demanding, 1)
    await done(owner, BulkErase(), gone)

    came = await done(owner, BulkMove(status="Won"), rich, poor, foreign, gone, UUID(NOBODYS))

    assert [one.code for one in came] == [None, "missing_requirement", "unknown_status", "conflict", "lead_not_found"]
    assert all(one.message for one in came[1:])
    assert set(await events(owner)) == {rich, gone}


async def test_leads_of_another_company_are_refused_as_if_they_did_not_exist(people: People) -> None:
    (theirs,) = await leads(people.owner, await people.owner.channel(), 1)
    before = await people.owner.digests()

    came = await done(people.stranger, BulkErase(), theirs)

    assert [(one.code, one.message) for one in came] == [("lead_not_found", "Lead not found")]
    assert await people.owner.digests() == before


async def test_a_partner_changes_leads_of_the_shared_channel_only(people: People) -> None:
    owner, partner = people.owner, people.partner
    shared, private = await people.shared_channel(), await owner.channel()
    ours, hidden = await leads(owner, shared, 3), await leads(owner, private, 2)
    (own,) = await leads(partner, await partner.channel(), 1)
    action = BulkAssign(assignee="pat@example.com")

    named = await done(partner, action, ours[0], *hidden)
    found = await done(partner, action, filter={"created_from": "2020-01-01T00:00:00Z"})

    assert [one.code for one in named] == [None, "lead_not_found", "lead_not_found"]
    assert {one.lead_id for one in found} == {*ours, own}


async def test_a_key_that_is_bound_to_channels_stays_in_them(people: People) -> None:
    owner = people.owner
    mine, other = await owner.channel(), await owner.channel()
    (inside,), (outside,) = await leads(owner, mine, 1), await leads(owner, other, 1)
    key = await owner.another_key(scopes=(Scope.WRITE,), channel_ids=(mine.id,))
    action = BulkAssign(assignee="kim@example.com")

    named = await done(owner, action, inside, outside, key=key)
    found = await done(owner, BulkMove(status="Qualified"), filter={"created_from": "2020-01-01T00:00:00Z"}, key=key)

    assert [one.code for one in named] == [None, "lead_not_found"]
    assert [one.lead_id for one in found] == [inside]


# Its life


async def test_it_can_be_ended_midway_and_what_is_done_stays_done(core: Core, people: People) -> None:
    owner = people.owner
    ids = await leads(owner, await owner.channel(), 5)
    actor = await core.doors.admit_key(owner.key, "api")
    id = await ask(owner, NOTED, *ids)
    await step(core, chunk=2)
    assert ((await now(owner, id)).state, (await now(owner, id)).done) == (BulkState.RUNNING, 2)

    async with core.database.transaction() as connection:
        ended = await commands.cancel(connection, actor, id, core.clock())
        again = await commands.cancel(connection, actor, id, core.clock())
    await work(core)

    assert ended == again == await now(owner, id)
    assert (ended.state, ended.done, ended.total) == (BulkState.CANCELLED, 2, 5)
    assert set(await events(owner)) == set(ids[:2])
    assert [one.lead_id for one in await outcomes(owner, id)] == ids[:2]


@pytest.mark.parametrize("blow", ["key revoked", "user disabled"])
async def test_it_stops_when_its_key_opens_nothing_any_more(core: Core, people: People, blow: str) -> None:
    owner, user = people.owner, await people.owner.user()
    ids = await leads(owner, await owner.channel(), 4)
    key = await owner.another_key(scopes=(Scope.WRITE,), user_id=user.id)
    id = await ask(owner, NOTED, *ids, key=key)
    await step(core, chunk=2)

    async with core.database.transaction() as connection:
        if blow == "user disabled":
            await edit_user(connection, owner.company_id, user.id, {"state": UserState.DISABLED})
        else:
            await connection.execute("UPDATE api_keys SET revoked_at = $1 WHERE user_id = $2", core.clock(), user.id)
    await work(core)

    stopped = await now(owner, id)
    assert (stopped.state, stopped.done) == (BulkState.STOPPED, 2)
    assert "revoked" in (stopped.stopped_because or "")
    assert set(await events(owner)) == set(ids[:2])


async def test_it_stops_when_its_channel_is_out_of_reach_before_the_list_is_made(core: Core, people: People) -> None:
    channel = await people.shared_channel()
    id = await ask(people.partner, NOTED, filter={"channel": str(channel.id)})
    await people.owner.rows("DELETE FROM channel_members WHERE channel_id = $1 RETURNING 1 AS one", channel.id)

    async with core.database.transaction() as connection:
        await connection.execute("UPDATE channels SET config_version = config_version + 1 WHERE id = $1", channel.id)
    await work(core)

    stopped = await now(people.partner, id)
    assert (stopped.state, stopped.total) == (BulkState.STOPPED, None)
    assert stopped.stopped_because == "Channel not found"


# The list of a filter


async def test_the_list_holds_what_was_there_when_it_was_asked_for(core: Core, people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    matching, other = await leads(owner, channel, 5, source="fair"), await leads(owner, channel, 2)
    id = await ask(owner, NOTED, filter={"source": "fair", "channel": str(channel.id)})
    late = await leads(owner, channel, 3, source="fair")

    await step(core, page=2)
    assert (await now(owner, id)).total is None
    await work(core, page=2, chunk=2)

    assert {one.lead_id for one in await outcomes(owner, id)} == set(matching)
    assert not set(await events(owner)) & {*late, *other}
    ended = await now(owner, id)
    assert (ended.total, ended.done, ended.changed, ended.filtered_by) == (5, 5, 5, ["channel", "source"])


async def test_a_list_that_nothing_matches_is_done_at_once(people: People) -> None:
    await leads(people.owner, await people.owner.channel(), 1)

    assert await done(people.owner, BulkErase(), filter={"source": "nowhere"}) == []


async def test_leads_of_one_number_in_two_companies_are_both_on_the_list(core: Core, people: People) -> None:
    ours, theirs = await people.shared_channel(), await people.partner.channel()
    made = [*await leads(people.owner, ours, 2), *await leads(people.partner, theirs, 2)]
    await people.owner.rows("UPDATE leads SET number = 1 + (id = $1 OR id = $2)::int RETURNING 1", made[1], made[3])
    id = await ask(people.partner, BulkAssign(assignee="pat"), filter={"created_from": "2020-01-01T00:00:00Z"})

    await work(core, page=1)

    assert sorted(one.lead_id for one in await outcomes(people.partner, id)) == sorted(made)


# Several workers, and those that die


async def test_two_workers_share_five_thousand_leads_and_do_nothing_twice(
    core: Core, other_core: Core, people: People
) -> None:
    owner, channel = people.owner, await people.owner.channel()
    ids = await leads(owner, channel, 5_000)
    id = await ask(owner, NOTED, filter={"channel": str(channel.id)})

    async def worker(one: Core) -> None:
        while (await now(owner, id)).state in (BulkState.WAITING, BulkState.RUNNING):
            await step(one)

    await asyncio.gather(worker(core), worker(other_core))

    ended = await now(owner, id)
    assert (ended.total, ended.changed) == (5_000, 5_000)
    assert await events(owner) == dict.fromkeys(ids, 1)
    assert await owner.count("idempotency_keys") == 0


async def test_a_step_that_was_done_but_not_written_down_is_told_the_same_when_repeated(
    core: Core, other_core: Core, people: People, clock: FakeClock
) -> None:
    owner = people.owner
    ids = await leads(owner, await owner.channel(), 4)
    stuck = await leads(owner, await owner.channel(statuses=(NewStatus(name="New"),)), 1)
    id = await ask(owner, NOTED, *ids, *stuck)
    await owner.rows("ALTER TABLE bulk_items ADD CONSTRAINT dead CHECK (outcome IS NULL)")
    with pytest.raises(asyncpg.CheckViolationError):
        await step(core)
    await owner.rows("ALTER TABLE bulk_items DROP CONSTRAINT dead")
    assert await events(owner) == dict.fromkeys(ids, 1)
    actor = await core.doors.admit_key(owner.key, "api")
    # Somebody moves a lead on meanwhile; a repeat that did it again would take it back.
    await core.engine.execute_one(ChangeStatus(actor=actor, lead_id=ids[0], status=StatusRef(name="Won")))

    assert not await step(other_core), "the one that died has its lease"
    clock.advance(seconds=31)
    await work(other_core)

    ended = await now(owner, id)
    assert (ended.state, ended.changed, ended.unchanged, ended.refused) == (BulkState.DONE, 4, 0, 1)
    assert await events(owner) == dict.fromkeys(ids, 1) | {ids[0]: 2}
    assert await owner.count("idempotency_keys") == 0


async def test_who_comes_back_after_its_lease_writes_nothing(core: Core, people: People, clock: FakeClock) -> None:
    owner = people.owner
    ids = await leads(owner, await owner.channel(), 2)
    await ask(owner, NOTED, *ids)
    async with core.database.connection() as connection:
        late = await store.claim(connection, clock(), clock() + running.LEASE)
    clock.advance(seconds=31)
    async with core.database.connection() as connection:
        second = await store.claim(connection, clock(), clock() + running.LEASE)
    assert late is not None
    assert second is not None

    async with core.database.transaction() as connection:
        assert await store.hold(connection, late) is None
        assert await store.hold(connection, second) is BulkState.RUNNING


# Turns


async def test_companies_take_turns_and_each_has_one_at_a_time_the_oldest_first(
    core: Core, people: People, clock: FakeClock
) -> None:
    owner, partner = people.owner, people.partner
    many = await leads(owner, await owner.channel(), 6)
    few = await leads(partner, await partner.channel(), 2)
    first = await ask(owner, NOTED, *many)
    async with core.database.connection() as connection:
        # The planner now takes the table for one row, and whatever its plan, one step claims one bulk change.
        await connection.execute("VACUUM (ANALYZE) bulk_changes")
    second = await ask(owner, BulkAssign(assignee="kim"), *many)
    other = await ask(partner, NOTED, *few)

    progress = []
    for _ in range(4):
        clock.advance(seconds=1)
        assert await step(core, chunk=2)
        rows = [await now(owner, first), await now(owner, second), await now(partner, other)]
        progress.append(tuple(row.done for row in rows))

    assert progress == [(2, 0, 0), (2, 0, 2), (4, 0, 2), (4, 0, 2)]
    await work(core, chunk=2)
    assert (await now(owner, second)).changed == 6


async def test_what_ended_long_ago_is_forgotten(core: Core, people: People, clock: FakeClock) -> None:
    owner = people.owner
    ids = await leads(owner, await owner.channel(), 3)
    await done(owner, NOTED, *ids)
    clock.advance(days=29)
    waiting = await ask(owner, NOTED, *ids)
    await run_jobs(core)
    assert (await owner.count("bulk_changes"), await owner.count("bulk_items")) == (2, 6)

    clock.advance(days=1)
    await run_jobs(core)

    assert [row["id"] for row in await owner.rows("SELECT id FROM bulk_changes")] == [waiting]
    assert await owner.count("bulk_items") == 3
