"""The sums that are kept equal the slow count: over any life of leads, in any steps, under many writers."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from leadrail.core.channels.model import Category, Channel, StatusRef
from leadrail.core.core import Core
from leadrail.core.counts import folding, reading
from leadrail.core.counts.reading import Grain, Kind, Measure, Question
from leadrail.core.leads.commands import ChangeStatus, CreateLead, EraseLead, LeadCommand, Origin, UpdateLead
from leadrail.db.database import Database
from leadrail.kit.ids import new_id
from leadrail.worker import counting as worker
from tests.core.counting import slowly, sums_of
from tests.core.test_properties import STEPS, Place, Plan, Step, command_of, plans, without_twins

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
async def timed(database_url: str) -> AsyncIterator[Core]:
    core = Core(await Database.open(database_url, size=8), clock=Clock())
    yield core
    await core.close()


def questions(channel: Channel) -> list[Question]:
    """Of every measure, kind and grain, with and without bounds that are no month's."""
    ids = [status.id for status in channel.statuses]
    every = Question(measures=tuple(one for one in Measure if one is not Measure.SINCE), status_ids=ids)
    spans = [(None, None), (date(2026, 3, 3), None), (None, date(2026, 4, 5)), (date(2026, 3, 3), date(2026, 5, 2))]
    spans += [(date(2026, 3, 3), date(2026, 3, 9)), (date(2026, 4, 1), date(2026, 5, 1))]
    asked = [replace(every, since=since, until=until) for since, until in spans]
    asked += [
        replace(one, measures=tuple(Measure), grain=grain) for one in asked[:4] for grain in (Grain.DAY, Grain.WEEK)
    ]
    asked.append(replace(every, grain=Grain.MONTH))
    apart = Question(measures=(Measure.STANDING, Measure.CLOSED, Measure.PASSED), status_ids=ids)
    kinds = [kind for kind in Kind if kind is not Kind.ALL]
    asked += [replace(apart, kinds=(kind,), grain=grain) for kind in kinds for grain in (Grain.EVER, Grain.MONTH)]
    asked.append(replace(apart, kinds=(Kind.SOURCE,), word="ads", since=date(2026, 4, 1)))
    return asked


async def assert_equal(core: Core, company_id: UUID, asked: list[Question]) -> None:
    """Both ways of counting in one view of the database."""
    async with (
        core.database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        for question in asked:
            read = await reading.read(connection, company_id, question, START)
            assert read.is_exact
            assert sums_of(read.cells) == await slowly(connection, company_id, question), question


async def fold(core: Core, company_id: UUID, limit: int, **more: Any) -> bool:
    async with core.database.transaction() as connection:
        await folding.begin(connection, [company_id])
        return await folding.fold(connection, company_id, limit, **more)


async def kept(core: Core, company_id: UUID, table: str) -> list[dict[str, Any]]:
    async with core.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(f"SELECT * FROM {table} WHERE company_id = $1", company_id)]


# Any life, any steps

MORE_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "source": st.sampled_from([None, "ads", "fair"]),
        "assignee": st.sampled_from([None, "sam", "kim"]),
        "attribution": st.sampled_from([None, {"utm_campaign": "spring"}, {"utm_campaign": ""}, {"gclid": "x"}]),
        "value": st.sampled_from([None, Decimal(5000), Decimal(0)]),
    },
)
QUIET = st.builds(Step, kind=st.just("quiet"), lead=st.integers(0, 2), fields=MORE_FIELDS.map(lambda f: (*f.items(),)))
ERASE = st.builds(Step, kind=st.just("erase"), lead=st.integers(0, 2))
LIVES = st.lists(
    st.tuples(
        st.lists(st.one_of(STEPS, STEPS, STEPS, QUIET, ERASE), min_size=1, max_size=6),
        st.sampled_from([1, 2, 3, 50]),
        st.sampled_from(
            [timedelta(0), timedelta(seconds=3), timedelta(hours=7), timedelta(days=1), timedelta(days=25)]
        ),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def commands(place: Place, steps: list[Step]) -> list[LeadCommand]:
    return [one for step in steps if (one := _command(place, step)) is not None]


def _command(place: Place, step: Step) -> LeadCommand:
    if step.kind == "erase":
        return EraseLead(actor=place.actor, lead_id=place.ids[step.lead])
    if step.kind == "quiet":
        fields, quiet = dict(step.fields), Origin.QUIET_EDIT
        return UpdateLead(actor=place.actor, lead_id=place.ids[step.lead], fields=fields, origin=quiet)
    return command_of(step, place.actor, place.channel, place.ids)


@given(plan=plans(), life=LIVES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
async def test_kept_sums_equal_the_slow_count_whatever_was_folded_when(
    plan: Plan, life: list[Any], timed: Core
) -> None:
    place, made = await Place.of(timed, plan), set[int]()
    Clock.now = START
    company_id, asked = place.actor.company_id, questions(place.channel)

    for steps, limit, pause, is_folded in life:
        Clock.now += pause
        await timed.engine.execute(commands(place, without_twins([Step("create", 0, status=5), *steps], made)))
        if is_folded:
            await fold(timed, company_id, limit)
        await assert_equal(timed, company_id, asked)

    while await fold(timed, company_id, 3):
        pass
    await assert_equal(timed, company_id, asked)
    assert all(row["n"] > 0 for row in await kept(timed, company_id, "counts"))
    assert await kept(timed, company_id, "quiet_edits") == []


# Many at once


async def test_readers_are_exact_while_many_write_and_two_workers_fold(timed: Core, database_url: str) -> None:
    cores = [timed, Core(await Database.open(database_url, size=8), clock=Clock())]
    categories = (Category.OPEN, Category.QUALIFIED, Category.WON, Category.LOST)
    plan = Plan(categories, ((),) * 4, (None,) * 4, ())
    place = await Place.of(timed, plan)
    company_id, asked = place.actor.company_id, questions(place.channel)[::4]
    writing = asyncio.gather(*(_write(cores[n % 2], place, n) for n in range(12)))

    async def folding_on(core: Core) -> None:
        while not writing.done():
            await fold(core, company_id, random.randint(1, 9))
            await asyncio.sleep(0)

    async def reading_on() -> int:
        reads = 0
        while not writing.done():
            await assert_equal(timed, company_id, asked)
            reads += 1
        return reads

    _, _, reads = await asyncio.gather(folding_on(cores[0]), folding_on(cores[1]), reading_on())
    await writing

    assert reads > 1
    await worker.count(timed)
    await assert_equal(timed, company_id, asked)
    (seq,) = await place.told("SELECT last_seq FROM event_counters WHERE company_id = $1")
    assert [(row["seq"],) for row in await kept(timed, company_id, "count_places")] == [seq]
    await cores[1].close()


async def _write(core: Core, place: Place, number: int) -> None:
    """One lead, moved, edited, quietly edited and at times erased."""
    id, actor = new_id(), place.actor
    await core.engine.execute_one(CreateLead(actor=actor, channel_id=place.channel.id, lead_id=id))
    for turn in range(12):
        words = {"source": f"s{(number + turn) % 3}", "value": Decimal(turn * 100), "assignee": f"a{turn % 2}"}
        status = StatusRef(id=place.channel.statuses[(number + turn) % 4].id)
        await core.engine.execute_one(ChangeStatus(actor=actor, lead_id=id, status=status))
        origin = Origin.QUIET_EDIT if turn % 3 == 0 else Origin.STANDARD
        await core.engine.execute_one(UpdateLead(actor=actor, lead_id=id, fields=words, origin=origin))
    if number % 4 == 0:
        await core.engine.execute_one(EraseLead(actor=actor, lead_id=id))
