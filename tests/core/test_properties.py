"""What holds over any channel and any sequence of commands: in the rules alone, and over PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from leadrail.core.actor import Actor, ActorKind, Scope
from leadrail.core.channels import commands as channels
from leadrail.core.channels.commands import NewChannel, NewStatus
from leadrail.core.channels.model import CLOSED, Category, Channel, Requirement, StatusRef
from leadrail.core.companies.commands import bootstrap
from leadrail.core.core import Core
from leadrail.core.errors import Refusal, Refused
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import ChangeStatus, Command, CreateLead, RecordFollowUp, UpdateLead
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide
from leadrail.core.rewards.commands import NewTrigger, add_trigger
from leadrail.core.rewards.model import Cause, Kind, Ledger, Trigger, TriggerState
from leadrail.core.save import Change, follow
from leadrail.core.setup import Setup
from leadrail.core.webhooks.commands import NewEndpoint, add_endpoint
from leadrail.db.database import Database
from leadrail.kit.ids import new_id
from tests.core import make

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

# A channel and what is done in it, drawn without ids, so that the same may be done in two places.


@dataclass(frozen=True)
class Plan:
    """Statuses with what they require and the places of those that may follow; triggers by the status they wait for."""

    categories: tuple[Category, ...]
    requires: tuple[tuple[Requirement, ...], ...]
    next: tuple[tuple[int, ...] | None, ...]
    triggers: tuple[tuple[int | None, bool, bool], ...]  # status (None: new lead), repeat, percent


@dataclass(frozen=True)
class Step:
    """One command on one of three leads."""

    kind: str
    lead: int
    status: int = 0
    fields: tuple[tuple[str, Any], ...] = ()
    reason: str | None = None
    note: str | None = None
    also_qualified: bool = False
    version: int | None = None


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    more = draw(st.lists(st.sampled_from(list(Category)), max_size=2))
    categories = draw(st.permutations([Category.OPEN, Category.QUALIFIED, Category.WON, *more]))
    every = range(len(categories))
    places = st.lists(st.sampled_from(every), min_size=1, unique=True).map(tuple)
    requires = st.sampled_from([(), (), (), *((one,) for one in Requirement)])
    triggers = st.tuples(st.none() | st.sampled_from(every), st.booleans(), st.booleans())
    return Plan(
        tuple(categories),
        tuple(draw(requires) if place else () for place in every),
        tuple(draw(st.sampled_from([None, None, draw(places)])) for _ in every),
        tuple(draw(st.lists(triggers, max_size=3))),
    )


VALUES = st.sampled_from([None, Decimal(0), Decimal("99.95"), Decimal(5000)])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "value": VALUES,
        "currency": st.sampled_from([None, "EUR", "JPY", "EUR", "bad"]),
        "email": st.sampled_from([None, "a@example.com", "B@example.com", "no address"]),
        "attribution": st.sampled_from([None, {"gclid": "x"}, {"gclid": None, "utm": "y"}]),
        "source": st.sampled_from(["ads", "fair", "", "s" * 201]),
    },
)
STEPS = st.builds(
    Step,
    kind=st.sampled_from(["move", "move", "move", "move", "edit", "contact", "create"]),
    lead=st.integers(0, 2),
    status=st.integers(0, 5),
    fields=FIELDS.map(lambda fields: tuple(fields.items())),
    reason=st.sampled_from([None, "Budget", "Other"]),
    note=st.sampled_from([None, "Called"]),
    also_qualified=st.booleans(),
    version=st.sampled_from([None] * 8 + [1, 3]),
)


def command_of(step: Step, actor: Actor, channel: Channel, ids: list[UUID]) -> Command:
    fields, status = dict(step.fields), channel.statuses[step.status % len(channel.statuses)]
    ref = StatusRef(id=status.id)
    if step.kind == "create":
        start = ref if step.status < 3 else None
        return CreateLead(actor=actor, channel_id=channel.id, lead_id=ids[step.lead], fields=fields, status=start)
    given: dict[str, Any] = {"actor": actor, "lead_id": ids[step.lead], "version": step.version}
    if step.kind == "edit":
        return UpdateLead(fields=fields, **given)
    if step.kind == "contact":
        return RecordFollowUp(follow_up_id=new_id(), done_at=START if step.note else None, **given)
    words: dict[str, Any] = {"reason": step.reason, "note": step.note, "also_qualified": step.also_qualified}
    money = {name: value for name, value in fields.items() if name in ("value", "currency") and value is not None}
    return ChangeStatus(status=ref, fields=money, **words, **given)


# The rules alone


def setup_of(plan: Plan) -> Setup:
    plain = [make.status(n, f"S{n}", category) for n, category in enumerate(plan.categories)]
    statuses = tuple(
        replace(one, requires=requires, next=None if follow is None else tuple(plain[n].id for n in follow))
        for one, requires, follow in zip(plain, plan.requires, plan.next, strict=True)
    )
    triggers = tuple(
        Trigger(
            UUID(int=500 + n),
            Cause.NEW_LEAD if status is None else Cause.STATUS_CHANGE,
            None if status is None else statuses[status].id,
            Kind.PERCENT if percent else Kind.FIXED,
            Decimal(10),
            repeat,
            TriggerState.ACTIVE,
        )
        for n, (status, repeat, percent) in enumerate(plan.triggers)
    )
    return Setup(make.channel(*statuses), triggers, ())


class World:
    """One lead's life by the rules, with everything that it brought about."""

    def __init__(self, plan: Plan) -> None:
        self.setup = setup_of(plan)
        self.lead: Lead | None = None
        self.ledger: Ledger = ()
        self.changes: list[Change] = []
        self.now = START

    def run(self, step: Step) -> Change | None:
        """What the step changed; None when it was refused or had nothing left to do."""
        self.now += timedelta(minutes=10)
        command = command_of(step, make.actor(), self.setup.channel, [make.LEAD_ID] * 3)
        if isinstance(command, CreateLead) and self.lead is not None:
            return None
        before = msgspec.to_builtins(self.lead), self.ledger
        try:
            decision = decide(self.lead, self.setup.channel, command, self.now)
        except Refused:
            assert (msgspec.to_builtins(self.lead), self.ledger) == before
            return None
        change = follow(command, self.setup, self.lead, decision, self.ledger, self.now)
        assert msgspec.to_builtins(self.lead) == before[0]
        if not decision.facts:
            assert decision.lead is self.lead
            return None
        self.lead, self.ledger = change.lead, change.ledger
        self.changes.append(change)
        return change


def lived(plan: Plan, steps: list[Step]) -> World:
    world = World(plan)
    world.run(Step("create", 0, status=5))
    for step in steps:
        world.run(step)
    return world


lives = given(plans(), st.lists(STEPS, min_size=4, max_size=12))
often = settings(max_examples=80)


@lives
@often
def test_the_history_is_a_chain_from_where_the_lead_was_made(plan: Plan, steps: list[Step]) -> None:
    world = lived(plan, steps)

    facts = [told.fact for change in world.changes for told in change.told if told.fact.to_status is not None]

    assert [fact.from_status for fact in facts] == [None, *(fact.to_status for fact in facts)][: len(facts)]
    if world.lead is not None:
        assert facts[-1].to_status is not None
        assert facts[-1].to_status.id == world.lead.status_id
        assert facts[0].type is EventType.LEAD_CREATED


@lives
@often
def test_the_version_grows_by_one_with_each_effective_command(plan: Plan, steps: list[Step]) -> None:
    world = lived(plan, steps)

    assert [change.lead.version for change in world.changes] == list(range(1, len(world.changes) + 1))
    assert all(change.told for change in world.changes)


@lives
@often
def test_a_trigger_pays_at_most_once_unless_it_repeats_and_never_nothing(plan: Plan, steps: list[Step]) -> None:
    paid = [line for change in lived(plan, steps).changes for line in change.lines]

    once = [line.reward.trigger_id for line in paid if line.once]
    assert len(once) == len(set(once))
    assert all(line.reward.amount > 0 for line in paid)


@lives
@often
def test_each_reward_has_its_event_right_behind_the_one_that_earned_it(plan: Plan, steps: list[Step]) -> None:
    for change in lived(plan, steps).changes:
        told = [one.fact.data["reward"] for one in change.told if one.fact.type is EventType.REWARD_CREATED]
        assert told == [line.reward for line in change.lines]
        assert change.told[0].fact.type is not EventType.REWARD_CREATED


@lives
@often
def test_the_stamps_follow_the_status(plan: Plan, steps: list[Step]) -> None:
    world = lived(plan, steps)
    leads = [change.lead for change in world.changes]

    first = next((lead.qualified_at for lead in leads if lead.qualified_at is not None), None)
    for lead in leads:
        status = world.setup.channel.status_by_id[lead.status_id]
        assert lead.qualified_at in (None, first)
        assert (lead.closed_at is not None) == (status.category in CLOSED)
        assert lead.qualified_at is not None or status.category is not Category.QUALIFIED
    assert [lead.qualified_at for lead in leads] == sorted(
        (lead.qualified_at for lead in leads), key=lambda time: time is not None
    )


@lives
@often
def test_no_move_breaks_the_list_of_what_may_follow(plan: Plan, steps: list[Step]) -> None:
    for change in lived(plan, steps).changes:
        for fact in (told.fact for told in change.told):
            if fact.from_status is not None and fact.to_status is not None and fact.from_status != fact.to_status:
                assert fact.from_status.next is None or fact.to_status.id in fact.from_status.next


# The same over PostgreSQL, alone and in batches


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
async def timed(database_url: str) -> AsyncIterator[Core]:
    """A core of this file's own, whose time stands still until it is moved."""
    core = Core(await Database.open(database_url, size=4), clock=Clock())
    yield core
    await core.close()


@dataclass
class Place:
    """A company of its own with the planned channel."""

    core: Core
    actor: Actor
    channel: Channel
    ids: list[UUID]

    @classmethod
    async def of(cls, core: Core, plan: Plan) -> "Place":
        statuses = tuple(
            NewStatus(name=f"S{n}", category=category, requires=requires)
            for n, (category, requires) in enumerate(zip(plan.categories, plan.requires, strict=True))
        )
        async with core.database.transaction() as connection:
            company = (await bootstrap(connection, f"Place {new_id()}", "a@example.com", START)).company_id
            id = await channels.create_channel(connection, company, NewChannel(title="Any", statuses=statuses))
            channel = (await core.setups.uncached(connection, [id]))[id].channel
            for status, follow in zip(channel.statuses, plan.next, strict=True):
                ids = None if follow is None else tuple(channel.statuses[n].id for n in follow)
                await channels.change_status_definition(connection, channel, replace(status, next=ids))
            for place, repeat, percent in plan.triggers:
                wanted = NewTrigger(
                    cause=Cause.NEW_LEAD if place is None else Cause.STATUS_CHANGE,
                    amount=Decimal(10),
                    kind=Kind.PERCENT if percent else Kind.FIXED,
                    status_id=None if place is None else channel.statuses[place].id,
                    repeat=repeat,
                )
                await add_trigger(connection, channel, wanted)
            hook = NewEndpoint(url="https://example.com", events=(EventType.LEAD_STATUS_CHANGED,))
            await add_endpoint(connection, company, hook, (), START)
        actor = Actor(ActorKind.SYSTEM, None, company, "test", frozenset(Scope))
        return cls(core, actor, channel, [new_id() for _ in range(3)])

    def commands(self, steps: list[Step]) -> list[Command]:
        return [command_of(step, self.actor, self.channel, self.ids) for step in steps]

    async def told(self, statement: str) -> list[Any]:
        async with self.core.database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(statement, self.actor.company_id)]

    async def everything(self) -> dict[str, list[Any]]:
        """All rows that the commands left, ids replaced by names."""
        return {name: await self.told(statement) for name, statement in ROWS.items()}


PLACE = "array_position(ARRAY(SELECT id FROM leads WHERE company_id = $1 ORDER BY number), {})"
ROWS = {
    "leads": """
        SELECT s.name, l.reason, l.email, l.source, l.value, l.currency, l.attribution, l.next_follow_up_at,
            l.last_follow_up_at, l.qualified_at, l.closed_at, l.status_changed_at, l.created_at, l.updated_at, l.version
        FROM leads l JOIN statuses s ON (s.company_id, s.channel_id, s.id) = (l.company_id, l.channel_id, l.status_id)
        WHERE l.company_id = $1 ORDER BY l.number""",
    "keys": f"SELECT kind, key, {PLACE.format('lead_id')} FROM lead_keys WHERE company_id = $1 ORDER BY 1, 2, 3",
    "events": f"""
        SELECT e.seq, e.type, {PLACE.format("e.lead_id")}, f.name, t.name, e.occurred_at, e.recorded_at, e.notice,
            regexp_replace(e.data::text, '[0-9a-f]{{8}}-[0-9a-f-]{{27}}', 'id', 'g')
        FROM events e LEFT JOIN statuses f ON f.company_id = e.company_id AND f.id = e.from_status_id
        LEFT JOIN statuses t ON t.company_id = e.company_id AND t.id = e.to_status_id
        WHERE e.company_id = $1 ORDER BY e.seq""",
    "rewards": f"""
        SELECT {PLACE.format("r.lead_id")}, r.once, r.amount, r.currency, r.state, r.created_at
        FROM rewards r WHERE r.company_id = $1 ORDER BY r.id""",
    "deliveries": "SELECT event_seq FROM deliveries WHERE company_id = $1 ORDER BY event_seq",
    "follow_ups": f"""
        SELECT {PLACE.format("lead_id")}, followed_up_at FROM follow_ups WHERE company_id = $1 ORDER BY number""",
}


def without_twins(steps: list[Step], made: set[int]) -> list[Step]:
    """The steps without those that make a lead once more: an id is given out once."""
    kept: list[Step] = []
    for step in steps:
        if step.kind != "create" or step.lead not in made:
            kept.append(step)
            made |= {step.lead} if step.kind == "create" else set()
    return kept


def words(outcomes: list[Any]) -> list[str]:
    return [outcome.code if isinstance(outcome, Refusal) else str(len(outcome.events)) for outcome in outcomes]


@given(plan=plans(), batches=st.lists(st.lists(STEPS, min_size=2, max_size=8), min_size=1, max_size=4))
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
async def test_commands_in_batches_leave_the_same_rows_as_one_by_one(
    plan: Plan, batches: list[list[Step]], timed: Core
) -> None:
    one_by_one, in_batches = await Place.of(timed, plan), await Place.of(timed, plan)
    made: set[int] = set()

    for number, batch in enumerate([[Step("create", n, status=5) for n in range(2)], *batches]):
        Clock.now = START + timedelta(minutes=number)
        steps = without_twins(batch, made)
        alone = [(await timed.engine.execute([command]))[0] for command in one_by_one.commands(steps)]
        together = await timed.engine.execute(in_batches.commands(steps))
        assert words(alone) == words(together)

    assert await one_by_one.everything() == await in_batches.everything()
