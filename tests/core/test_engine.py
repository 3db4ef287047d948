"""The write path over PostgreSQL: alone, in batches, and from two processes' worth of cores at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from leadrail.core.actor import Actor
from leadrail.core.channels.commands import NewStatus, add_status
from leadrail.core.channels.model import Channel, StatusRef
from leadrail.core.core import Core
from leadrail.core.engine import BATCH_LIMIT, Done, Outcome
from leadrail.core.errors import Code, Refusal, Refused
from leadrail.core.idempotency import Answer
from leadrail.core.leads.commands import ChangeStatus, Command, CreateLead, Idempotency, UpdateLead
from leadrail.core.leads.model import Lead
from leadrail.core.remapping import archive_status
from leadrail.core.setup import Setup
from leadrail.db.database import Database
from leadrail.kit.ids import new_id
from tests.conftest import LOOPBACK
from tests.house import eventually
from tests.people import People, Person

HOOK = "https://example.com/hook"


@dataclass
class MovableClock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
async def other(database_url: str) -> AsyncIterator[Core]:
    """A second core on the same database: another process, as far as the database can tell."""
    core = Core(await Database.open(database_url, size=4), webhook_allow=LOOPBACK)
    yield core
    await core.close()


@asynccontextmanager
async def holding(url: str, statement: str, *parameters: Any) -> AsyncIterator[Any]:
    """A transaction of somebody else that holds what the statement locks until the block ends."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(statement, *parameters)
    try:
        yield connection
        await transaction.commit()
    finally:
        await connection.close()


async def until_it_waits(connection: Any, work: asyncio.Future[Any]) -> None:
    """Returns when another session waits for what this connection holds; fails when the work ends without."""
    # Of pg_stat_activity a transaction goes on seeing what it saw at first, and not who came after.
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"

    async def waits() -> bool:
        assert not work.done(), f"it did not wait: {work.result()}"
        return bool(await connection.fetchval(waiting))

    await eventually(waits, "the work waits")


async def actor_of(person: Person) -> Actor:
    return await person.core.doors.admit_key(person.key, "api")


def move(actor: Actor, lead: Lead, name: str, **rest: Any) -> ChangeStatus:
    return ChangeStatus(actor=actor, lead_id=lead.id, status=StatusRef(name=name), **rest)


def make(actor: Actor, channel: Channel, **rest: Any) -> CreateLead:
    return CreateLead(actor=actor, channel_id=channel.id, lead_id=new_id(), **rest)


def keyed(key: str, asked: bytes = b"asked") -> Idempotency:
    return Idempotency(key, asked, lambda done: (201, str(done.lead.id).encode()))


def words(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.code if isinstance(one, Refusal) else type(one).__name__ for one in outcomes]


def lead_of(outcome: Outcome) -> Lead:
    assert isinstance(outcome, Done), outcome
    return outcome.lead


async def current(person: Person, lead: Lead) -> dict[str, Any]:
    statement = "SELECT * FROM leads WHERE company_id = $1 AND id = $2"
    return (await person.rows(statement, lead.company_id, lead.id))[0]


async def moves_of(person: Person, lead: Lead) -> list[tuple[UUID, UUID]]:
    """From and to of the lead's status events, in the order of the feed."""
    statement = """
        SELECT from_status_id, to_status_id FROM events
        WHERE company_id = $1 AND lead_id = $2 AND type = 'lead.status_changed' ORDER BY seq
    """
    return [tuple(row.values()) for row in await person.rows(statement, lead.company_id, lead.id)]


def assert_chain(moves: Sequence[tuple[UUID, UUID]], start: UUID, end: UUID) -> None:
    assert [move[0] for move in moves] == [start, *(move[1] for move in moves[:-1])]
    assert moves[-1][1] == end


# One batch


async def test_a_refusal_in_a_batch_leaves_its_neighbours_untouched(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    first, middle, last = [await people.owner.lead(channel) for _ in range(3)]

    outcomes = await people.owner.core.engine.execute(
        [move(actor, first, "Won"), move(actor, middle, "Bogus"), move(actor, last, "Lost")]
    )

    assert words(outcomes) == ["Done", Code.UNKNOWN_STATUS, "Done"]
    assert [(await current(people.owner, lead))["version"] for lead in (first, middle, last)] == [2, 1, 2]
    assert await moves_of(people.owner, middle) == []


async def test_outcomes_come_in_the_order_of_the_commands_over_many_batches(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    count = 3 * BATCH_LIMIT

    outcomes = await people.owner.core.engine.execute(
        [
            make(actor, channel, fields={"name": str(n)}, properties={} if n % 7 else {"no such": 1})
            for n in range(count)
        ]
    )

    assert [one.lead.name if isinstance(one, Done) else None for one in outcomes] == [
        str(n) if n % 7 else None for n in range(count)
    ]


async def test_no_commands_have_no_outcomes(people: People) -> None:
    assert await people.owner.core.engine.execute([]) == []


async def test_a_later_command_of_a_batch_sees_what_the_earlier_one_did(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    lead = await people.owner.lead(channel)

    outcomes = await people.owner.core.engine.execute(
        [move(actor, lead, "Qualified"), move(actor, lead, "Won"), move(actor, lead, "Won")]
    )

    assert [lead_of(one).version for one in outcomes] == [2, 3, 3]
    assert [len(one.events) for one in outcomes if isinstance(one, Done)] == [1, 1, 0]
    assert_chain(await moves_of(people.owner, lead), lead.status_id, channel.status_by_name["won"].id)


async def test_a_batch_that_pulls_a_trigger_twice_pays_once_and_stays_one_transaction(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    await people.owner.trigger(channel, cause="status_change", status="Won", amount=5)
    lead = await people.owner.lead(channel)

    outcomes = await people.owner.core.engine.execute([move(actor, lead, name) for name in ("Won", "New", "Won")])

    statement = "SELECT DISTINCT xmin::text FROM events WHERE company_id = $1 AND type <> 'lead.created'"
    assert words(outcomes) == ["Done"] * 3
    assert await people.owner.count("rewards") == 1
    assert len(await people.owner.rows(statement, people.owner.company_id)) == 1


async def test_a_lead_may_be_made_and_moved_in_one_batch(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    made = make(actor, channel, fields={"email": "jane@example.com"})
    moved = ChangeStatus(actor=actor, lead_id=made.lead_id, status=StatusRef(name="Won"))

    _, outcome = await people.owner.core.engine.execute([made, moved])

    row = await current(people.owner, lead_of(outcome))
    assert (row["version"], row["status_id"]) == (2, channel.status_by_name["won"].id)
    assert await people.owner.count("lead_keys") == 1


# What the database refuses, and faults of ours

NUL = {"attribution": {"note": "a\x00b"}}
SURROGATE = {"name": "a\ud800b"}


@pytest.mark.parametrize("fields", [NUL, SURROGATE], ids=["NUL", "surrogate"])
async def test_what_the_database_refuses_fails_alone_and_leaves_nothing(people: People, fields: Any) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    await people.owner.trigger(channel, cause="new_lead", amount=5)
    await people.owner.endpoint(HOOK)

    outcomes = await people.owner.core.engine.execute(
        [make(actor, channel), make(actor, channel, fields=fields), make(actor, channel)]
    )

    assert words(outcomes) == ["Done", Code.INVALID, "Done"]
    assert await people.owner.counts() == {"leads": 2, "events": 4, "deliveries": 4, "rewards": 2}


async def test_what_cannot_even_be_written_down_fails_alone(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    broken, sound = await people.owner.lead(channel), await people.owner.lead(channel)

    outcomes = await people.owner.core.engine.execute(
        [UpdateLead(actor=actor, lead_id=broken.id, fields=SURROGATE), move(actor, sound, "Won")]
    )

    assert isinstance(outcomes[0], Refusal)
    assert lead_of(outcomes[1]).version == 2
    assert (await current(people.owner, broken))["version"] == 1


async def test_a_fault_in_one_command_of_a_batch_spares_those_of_other_companies(people: People) -> None:
    mine, theirs = await people.owner.channel(), await people.stranger.channel()
    faulty = make(await actor_of(people.owner), mine, fields={"value": "not a Decimal"})
    sound = make(await actor_of(people.stranger), theirs)

    outcomes = await people.owner.core.engine.execute([faulty, sound])

    assert words(outcomes) == [Code.UNAVAILABLE, "Done"]
    assert [await people.owner.count("leads"), await people.stranger.count("leads")] == [0, 1]


async def test_workers_are_woken_when_something_is_due_and_only_then(people: People, database_url: str) -> None:
    woken: list[bool] = []
    core = Core(await Database.open(database_url, size=2), on_due=lambda: woken.append(True))
    channel, actor = await people.owner.channel(), await actor_of(people.owner)

    await core.engine.execute_one(make(actor, channel))
    assert woken == []
    await people.owner.endpoint(HOOK)
    await core.engine.execute_one(make(actor, channel))
    await core.close()

    assert woken == [True]


# Many at once


async def test_parallel_changes_of_one_lead_give_one_unbroken_chain(people: People, other: Core) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    lead = await people.owner.lead(channel)
    names = ("Qualified", "Won", "Lost", "New")

    outcomes = await asyncio.gather(
        *(
            core.engine.execute_one(move(actor, lead, names[n % 4], reason=f"Call {n}"))
            for n, core in zip(range(50), [people.owner.core, other] * 25, strict=True)
        )
    )

    row = await current(people.owner, lead)
    assert sorted(lead_of(one).version for one in outcomes) == list(range(2, 52))
    assert row["version"] == 51
    assert_chain(await moves_of(people.owner, lead), lead.status_id, row["status_id"])


async def test_a_trigger_pays_once_however_many_pull_it(people: People, other: Core) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    await people.owner.trigger(channel, cause="status_change", status="Won", amount=5)
    lead = await people.owner.lead(channel)

    outcomes = await asyncio.gather(
        *(
            core.engine.execute_one(move(actor, lead, name))
            for core in (people.owner.core, other)
            for name in ["Won", "New"] * 10
        )
    )

    assert words(outcomes) == ["Done"] * 40
    assert await people.owner.count("rewards") == 1
    assert_chain(await moves_of(people.owner, lead), lead.status_id, (await current(people.owner, lead))["status_id"])


async def test_a_repeating_trigger_pays_for_each_entry_but_not_for_staying(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    await people.owner.trigger(channel, cause="status_change", status="Won", amount=5, repeat=True)
    lead = await people.owner.lead(channel)

    for name, reason in (("Won", None), ("Won", "Again"), ("New", None), ("Won", None)):
        await people.owner.core.engine.execute_one(move(actor, lead, name, reason=reason))

    assert await people.owner.count("rewards") == 2


async def test_batches_that_cross_do_not_lock_each_other_out(people: People, other: Core) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    leads = [await people.owner.lead(channel) for _ in range(20)]

    def batch(name: str, order: int) -> list[Command]:
        return [move(actor, lead, name, reason=f"{name} {order}") for lead in leads[::order]]

    rounds = [
        (core, batch(name, order))
        for name in ("Won", "Lost", "New")
        for core, order in ((people.owner.core, 1), (other, -1))
    ]
    outcomes = await asyncio.gather(*(core.engine.execute(commands) for core, commands in rounds))

    assert {word for many in outcomes for word in words(many)} == {"Done"}
    assert {(await current(people.owner, lead))["version"] for lead in leads} == {7}


async def test_a_batch_locks_its_leads_in_the_order_of_their_ids(people: People, database_url: str) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    leads = sorted([await people.owner.lead(channel) for _ in range(5)], key=lambda lead: lead.id)
    lock = "SELECT 1 FROM leads WHERE company_id = $1 AND id = $2 FOR UPDATE"

    async with holding(database_url, lock, people.owner.company_id, leads[2].id) as holder:
        batch = [move(actor, lead, "Won") for lead in reversed(leads)]
        waiting = asyncio.ensure_future(people.owner.core.engine.execute(batch))
        await until_it_waits(holder, waiting)
        free = await people.owner.rows(
            "SELECT id FROM leads WHERE company_id = $1 FOR UPDATE SKIP LOCKED", people.owner.company_id
        )

    assert words(await waiting) == ["Done"] * 5
    assert {row["id"] for row in free} == {lead.id for lead in leads[3:]}


async def test_the_feed_is_gapless_and_in_commit_order_under_parallel_writers(people: People, other: Core) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    leads = [await people.owner.lead(channel) for _ in range(10)]
    statement = "SELECT count(*) AS n, coalesce(max(seq), 0) AS last FROM events WHERE company_id = $1"
    seen: list[tuple[int, int]] = []

    async def write(core: Core, lead: Lead) -> None:
        for n in range(6):
            await core.engine.execute_one(move(actor, lead, ("Won", "Lost")[n % 2]))

    async def watch(writers: asyncio.Task[Any]) -> None:
        while not writers.done():
            seen.extend(tuple(row.values()) for row in await people.owner.rows(statement, people.owner.company_id))

    cores = [people.owner.core, other] * 5
    writers = asyncio.ensure_future(asyncio.gather(*map(write, cores, leads)))
    await watch(writers)  # type: ignore[arg-type]  # a future of gather can be asked like a task

    # Whenever one looks, there are as many events as the last number says: none will appear below it.
    assert all(count == last for count, last in seen)
    assert await people.owner.count("events") == 70


# Once per key


@pytest.mark.parametrize("both", [False, True], ids=["one core", "two cores"])
async def test_of_many_identical_writes_with_one_key_one_is_done(people: People, other: Core, both: bool) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    await people.owner.trigger(channel, cause="new_lead", amount=5)
    cores = [people.owner.core, other if both else people.owner.core] * 10

    outcomes = await asyncio.gather(
        *(core.engine.execute_one(make(actor, channel, idempotency=keyed("k"))) for core in cores)
    )

    assert sorted(words(outcomes)) == ["Answer"] * 19 + ["Done"]
    assert {one.body for one in outcomes if isinstance(one, Answer)} == {
        str(one.lead.id).encode() for one in outcomes if isinstance(one, Done)
    }
    assert await people.owner.counts() == {"leads": 1, "events": 2, "deliveries": 0, "rewards": 1}


async def test_one_key_for_two_leads_at_once_moves_one_of_them(people: People, other: Core) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    leads = [await people.owner.lead(channel) for _ in range(2)]

    outcomes = await asyncio.gather(
        *(
            core.engine.execute([move(actor, lead, "Won", idempotency=keyed("k", str(lead.id).encode()))])
            for core, lead in zip((people.owner.core, other), leads, strict=True)
        )
    )

    assert sorted(word for one in outcomes for word in words(one)) == ["Done", Code.IDEMPOTENCY_MISMATCH]
    assert sorted([(await current(people.owner, lead))["version"] for lead in leads]) == [1, 2]


async def test_a_key_is_good_for_one_company_only(people: People) -> None:
    for person in (people.owner, people.stranger):
        command = make(await actor_of(person), await person.channel(), idempotency=keyed("k"))
        assert isinstance(await person.core.engine.execute_one(command), Done)


async def test_a_refused_command_does_not_use_its_key_up(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    refused = make(actor, channel, properties={"no such": 1}, idempotency=keyed("k"))

    assert words(await people.owner.core.engine.execute([refused])) == [Code.UNKNOWN_PROPERTY]
    assert words(await people.owner.core.engine.execute([make(actor, channel, idempotency=keyed("k"))])) == ["Done"]


async def test_a_key_runs_anew_after_24_hours_and_not_before(people: People, database_url: str) -> None:
    clock = MovableClock()
    core = Core(await Database.open(database_url, size=2), clock=clock)
    channel, actor = await people.owner.channel(), await actor_of(people.owner)

    async def again(later: timedelta) -> str:
        clock.now += later
        return words(await core.engine.execute([make(actor, channel, idempotency=keyed("k"))]))[0]

    day, second = timedelta(hours=24), timedelta(seconds=1)
    assert [await again(timedelta(0)), await again(day - second), await again(second), await again(second)] == [
        "Done",
        "Answer",
        "Done",
        "Answer",
    ]
    await core.close()


# Configuration, cached


async def test_a_status_added_through_one_core_is_usable_at_once_through_another(people: People, other: Core) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    lead = await people.owner.lead(channel)
    await other.engine.execute_one(move(actor, lead, "Won"))

    async with people.owner.core.database.transaction() as connection:
        fresh = await add_status(connection, channel, NewStatus(name="Fresh"))

    assert lead_of(await other.engine.execute_one(move(actor, lead, "Fresh"))).status_id == fresh
    assert lead_of(await other.engine.execute_one(make(actor, channel, status=StatusRef(name="Fresh")))).version == 1


async def test_configuration_that_was_rolled_back_is_not_remembered(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    lead = await people.owner.lead(channel)

    async def add_and_fail() -> None:
        async with people.owner.core.database.transaction() as connection:
            await add_status(connection, channel, NewStatus(name="Fresh"))
            seen = await people.owner.core.setups.uncached(connection, [channel.id])
            raise LookupError(list(seen[channel.id].channel.status_by_name))

    with pytest.raises(LookupError, match="fresh"):
        await add_and_fail()

    assert words(await people.owner.core.engine.execute([move(actor, lead, "Fresh")])) == [Code.UNKNOWN_STATUS]


async def test_a_setup_older_than_the_version_that_was_read_is_never_used(people: People, other: Core) -> None:
    channel = await people.owner.channel()
    async with other.database.connection() as connection:
        old = (await other.setups.current(connection, [channel.id]))[channel.id].channel
        async with people.owner.core.database.transaction() as writing:
            await add_status(writing, channel, NewStatus(name="Fresh"))

        at_old = (await other.setups.at_versions(connection, {channel.id: old.version}))[channel.id].channel
        at_new = (await other.setups.at_versions(connection, {channel.id: old.version + 1}))[channel.id].channel

    assert (at_old.version, at_new.version) == (old.version, old.version + 1)
    assert "fresh" in at_new.status_by_name


async def test_a_lead_that_moved_to_a_new_status_while_it_was_waited_for_is_known_there(
    people: People, other: Core, database_url: str
) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    lead = await people.owner.lead(channel)
    await other.engine.execute_one(move(actor, lead, "Qualified"))
    lock = "SELECT 1 FROM leads WHERE company_id = $1 AND id = $2 FOR UPDATE"

    async with holding(database_url, lock, lead.company_id, lead.id) as holder:
        waiting = asyncio.ensure_future(other.engine.execute_one(move(actor, lead, "Won")))
        await until_it_waits(holder, waiting)
        async with people.owner.core.database.transaction() as connection:
            fresh = await add_status(connection, channel, NewStatus(name="Fresh"))
        await holder.execute("UPDATE leads SET status_id = $1 WHERE id = $2", fresh, lead.id)

    assert lead_of(await waiting).status_id == channel.status_by_name["won"].id
    assert (await moves_of(people.owner, lead))[-1][0] == fresh


@pytest.mark.parametrize("how", ["moved", "made"])
async def test_no_lead_is_left_in_a_status_that_was_removed_meanwhile(
    people: People, other: Core, database_url: str, how: str
) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    lead, lost = await people.owner.lead(channel), channel.status_by_name["lost"]
    command = move(actor, lead, "Lost") if how == "moved" else make(actor, channel, status=StatusRef(name="Lost"))
    lock = "SELECT 1 FROM event_counters WHERE company_id = $1 FOR UPDATE"

    async with holding(database_url, lock, lead.company_id) as holder:
        entering = asyncio.ensure_future(other.engine.execute([command]))
        await until_it_waits(holder, entering)
        removing = asyncio.ensure_future(archive_status(people.owner.core, actor, Setup(channel, (), ()), lost, None))
        await asyncio.wait([removing], timeout=0.3)  # it may have to wait for the lead, or be done already
    await asyncio.gather(removing, entering, return_exceptions=True)

    statuses = (await people.owner.channel_now(channel.id)).status_by_id
    rows = await people.owner.rows("SELECT status_id FROM leads WHERE company_id = $1", people.owner.company_id)
    assert [statuses[row["status_id"]].archived for row in rows] == [False] * len(rows)


# Rehearsal


async def test_a_rehearsal_tells_all_and_writes_nothing(people: People) -> None:
    channel, actor = await people.owner.channel(currency="EUR"), await actor_of(people.owner)
    await people.owner.trigger(channel, cause="status_change", status="Won", amount=5)
    await people.owner.endpoint(HOOK)
    lead = await people.owner.lead(channel)
    before = await people.owner.counts(), await current(people.owner, lead)

    rehearsal = await people.owner.core.engine.rehearse(move(actor, lead, "Won"))

    assert [event.type for event in rehearsal.done.events] == ["lead.status_changed", "reward.created"]
    assert (rehearsal.done.lead.version, len(rehearsal.change.lines)) == (2, 1)
    assert (await people.owner.counts(), await current(people.owner, lead)) == before


async def test_a_rehearsal_is_refused_like_the_deed(people: People) -> None:
    channel, actor = await people.owner.channel(), await actor_of(people.owner)
    lead = await people.owner.lead(channel)

    with pytest.raises(Refused) as caught:
        await people.owner.core.engine.rehearse(move(actor, lead, "Bogus"))

    assert caught.value.refusal.code is Code.UNKNOWN_STATUS
