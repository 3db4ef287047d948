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
from leadrail.core.cloning import Likeness, clone_channel
from leadrail.core.core import Core
from leadrail.core.counts import folding, reading
from leadrail.core.counts.reading import Grain, Kind, Measure, Question, Reading
from leadrail.core.errors import Code, Refused
from leadrail.core.leads.commands import (
    ChangeChannel,
    ChangeStatus,
    Command,
    CreateLead,
    EraseLead,
    LeadCommand,
    MergeLeads,
    Origin,
    UndoMerge,
    UpdateLead,
)
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


@pytest.fixture(autouse=True)
def from_the_start() -> None:
    """No test begins where the one before it left the clock."""
    Clock.now = START


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
GO = st.builds(Step, kind=st.just("go"), lead=st.integers(0, 2), status=st.integers(0, 1))
LIVES = st.lists(
    st.tuples(
        st.lists(st.one_of(STEPS, STEPS, STEPS, QUIET, ERASE, GO), min_size=1, max_size=6),
        st.sampled_from([1, 2, 3, 50]),
        st.sampled_from(
            [timedelta(0), timedelta(seconds=3), timedelta(hours=7), timedelta(days=1), timedelta(days=25)]
        ),
        st.booleans(),
        st.sampled_from(["", "", "merge", "undo"]),
    ),
    min_size=1,
    max_size=4,
)


async def another_like(place: Place) -> Channel:
    """A second channel to which leads can go."""
    async with place.core.database.transaction() as connection:
        setup = (await place.core.setups.uncached(connection, [place.channel.id]))[place.channel.id]
        id = await clone_channel(connection, setup, Likeness(title="Other"))
        return (await place.core.setups.uncached(connection, [id]))[id].channel


def commands(place: Place, other: Channel, steps: list[Step]) -> list[LeadCommand]:
    return [_command(place, other, step) for step in steps]


def _command(place: Place, other: Channel, step: Step) -> LeadCommand:
    if step.kind == "go":
        to = (place.channel, other)[step.status]
        return ChangeChannel(actor=place.actor, lead_id=place.ids[step.lead], channel_id=to.id)
    if step.kind == "erase":
        return EraseLead(actor=place.actor, lead_id=place.ids[step.lead])
    if step.kind == "quiet":
        fields, quiet = dict(step.fields), Origin.QUIET_EDIT
        return UpdateLead(actor=place.actor, lead_id=place.ids[step.lead], fields=fields, origin=quiet)
    return command_of(step, place.actor, place.channel, place.ids)


async def merging(place: Place, then: str) -> list[Command]:
    """All leads that are there become one, or the last merge is taken back; whether they may is the engine's matter."""
    if then == "merge":
        return [MergeLeads(actor=place.actor, lead_id=place.ids[0], lead_ids=(id,), merge_id=new_id())
                for id in place.ids[1:]]  # fmt: skip
    merges = await place.told("SELECT id, lead_id, merged_ids FROM merges WHERE company_id = $1 ORDER BY id DESC")
    undone: list[Command] = [
        UndoMerge(actor=place.actor, lead_id=lead, lead_ids=tuple(ids), merge_id=id) for id, lead, ids in merges
    ]
    return undone if then == "undo" else []


@given(plan=plans(), life=LIVES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
async def test_kept_sums_equal_the_slow_count_whatever_was_folded_when(
    plan: Plan, life: list[Any], timed: Core
) -> None:
    place, made = await Place.of(timed, plan), set[int]()
    Clock.now = START
    other = await another_like(place)
    company_id, asked = place.actor.company_id, [*questions(place.channel), *questions(other)[::5]]

    for steps, limit, pause, is_folded, then in life:
        Clock.now += pause
        await timed.engine.execute(commands(place, other, without_twins([Step("create", 0, status=5), *steps], made)))
        await timed.engine.execute(await merging(place, then))
        if is_folded:
            await fold(timed, company_id, limit)
        await assert_equal(timed, company_id, asked)

    while await fold(timed, company_id, 3):
        pass
    await assert_equal(timed, company_id, asked)
    assert all(row["n"] > 0 for row in await kept(timed, company_id, "counts"))
    assert await kept(timed, company_id, "quiet_edits") == []


async def test_what_is_edited_without_an_event_is_counted_all_the_same(timed: Core) -> None:
    place = await placed(timed)
    id, *_ = await sourced(place, "ads", "ads")
    await fold(timed, place.actor.company_id, 50)
    fields = {"source": "fair", "value": Decimal(7)}

    quiet = UpdateLead(actor=place.actor, lead_id=id, fields=fields, origin=Origin.QUIET_EDIT)
    await timed.engine.execute_one(quiet)

    for _ in range(2):
        assert told(await read_sources(place)) == {"ads": 1, "fair": 1}
        await assert_equal(timed, place.actor.company_id, questions(place.channel))
        await worker.count(timed)


# Many at once


async def test_readers_are_exact_while_many_write_and_two_workers_fold(timed: Core, database_url: str) -> None:
    cores = [timed, Core(await Database.open(database_url, size=8), clock=Clock())]
    place = await placed(timed)
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


# Bounds


async def placed(core: Core) -> Place:
    categories = (Category.OPEN, Category.QUALIFIED, Category.WON, Category.LOST)
    return await Place.of(core, Plan(categories, ((),) * 4, (None,) * 4, ()))


async def sourced(place: Place, *sources: str | None) -> list[UUID]:
    """A new lead of each source."""
    ids = [new_id() for _ in sources]
    for id, source in zip(ids, sources, strict=True):
        created = CreateLead(actor=place.actor, channel_id=place.channel.id, lead_id=id, fields={"source": source})
        await place.core.engine.execute_one(created)
    return ids


async def read_sources(place: Place, word: str | None = None, **more: Any) -> Reading:
    ids = [status.id for status in place.channel.statuses]
    asked = Question(measures=(Measure.STANDING,), status_ids=ids, kinds=(Kind.SOURCE,), word=word)
    async with (
        place.core.database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await reading.read(connection, place.actor.company_id, asked, START, **more)


def told(read: Reading) -> dict[str | None, int]:
    return {cell.word: cell.n for cell in read.cells}


async def test_beyond_the_words_that_have_numbers_leads_count_together_for_good(timed: Core) -> None:
    place = await placed(timed)
    first, *_, last = await sourced(place, "b", "a", "a", "c", "d")
    while await fold(timed, place.actor.company_id, 2, most_words=2):
        pass
    assert told(await read_sources(place, most_words=2)) == {"a": 2, "b": 1, None: 2}

    # A number that comes free is not given out again: of the word's other leads some are counted elsewhere.
    await timed.engine.execute_one(UpdateLead(actor=place.actor, lead_id=first, fields={"source": "d"}))
    await fold(timed, place.actor.company_id, 50, most_words=2)
    await timed.engine.execute_one(UpdateLead(actor=place.actor, lead_id=last, fields={"source": "b"}))

    for _ in range(2):
        read = await read_sources(place, most_words=2)
        assert told(read) == {"a": 2, None: 3}
        assert [cell.is_beyond for cell in read.cells if cell.word is None] == [True]
        await fold(timed, place.actor.company_id, 50, most_words=2)


async def test_a_merged_lead_is_not_counted_and_comes_back_with_its_words_and_its_way(timed: Core) -> None:
    place = await placed(timed)
    stays, goes = await sourced(place, "ads", "fair")
    asked = questions(place.channel)
    moved = ChangeStatus(actor=place.actor, lead_id=goes, status=StatusRef(id=place.channel.statuses[1].id))
    await timed.engine.execute_one(moved)
    await fold(timed, place.actor.company_id, 50)

    merge = MergeLeads(actor=place.actor, lead_id=stays, lead_ids=(goes,), merge_id=new_id())
    await timed.engine.execute_one(merge)
    for _ in range(2):
        assert told(await read_sources(place)) == {"ads": 1}
        await assert_equal(timed, place.actor.company_id, asked)
        await fold(timed, place.actor.company_id, 50)
    assert {row["word"] for row in await kept(timed, place.actor.company_id, "count_words")} == {"ads", None}

    undo = UndoMerge(actor=place.actor, lead_id=stays, lead_ids=(goes,), merge_id=merge.merge_id)
    await timed.engine.execute_one(undo)
    for _ in range(2):
        assert told(await read_sources(place)) == {"ads": 1, "fair": 1}
        await assert_equal(timed, place.actor.company_id, asked)
        await fold(timed, place.actor.company_id, 50)


async def test_a_word_that_may_be_among_the_others_is_refused(timed: Core) -> None:
    place = await placed(timed)
    await sourced(place, "a", "b", "c")
    assert told(await read_sources(place, "c", most_words=2)) == {}  # nothing has a number yet
    await fold(timed, place.actor.company_id, 50, most_words=2)

    assert told(await read_sources(place, "b", most_words=2)) == {"b": 1}
    with pytest.raises(Refused) as refused:
        await read_sources(place, "c", most_words=2)
    assert (refused.value.refusal.code, refused.value.refusal.field) == (Code.INVALID, "?source")


async def test_a_reader_far_behind_says_until_when_it_is_complete(timed: Core) -> None:
    place = await placed(timed)
    Clock.now = START
    await sourced(place, "a", "a")
    await fold(timed, place.actor.company_id, 50)
    Clock.now = START + timedelta(days=3)
    await sourced(place, "a", "b")

    behind, exact = await read_sources(place, most_beyond=1), await read_sources(place, most_beyond=2)

    assert (behind.is_exact, behind.complete_until, told(behind)) == (False, START, {"a": 2})
    assert (exact.is_exact, told(exact)) == (True, {"a": 3, "b": 1})


async def test_nothing_is_known_before_the_first_step(timed: Core) -> None:
    place = await placed(timed)
    await sourced(place, "a", "b")

    read = await read_sources(place, most_beyond=1)

    assert (read.is_exact, read.complete_until, read.cells) == (False, None, [])


# The worker


async def test_an_erased_persons_words_are_gone_before_anybody_counts_on(timed: Core) -> None:
    place = await placed(timed)
    id, *_ = await sourced(place, "a friend of Zebulon", "ads")
    await fold(timed, place.actor.company_id, 50)

    await timed.engine.execute_one(EraseLead(actor=place.actor, lead_id=id))

    words = await kept(timed, place.actor.company_id, "count_words")
    assert {row["word"] for row in words} == {None, "ads"}
    assert told(await read_sources(place)) == {"ads": 1}


async def test_two_workers_count_once_and_one_companys_trouble_is_its_own(
    timed: Core, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = await placed(timed), await placed(timed)
    for place in (bad, good):
        await sourced(place, "a", "b")
    spoil = "INSERT INTO counts SELECT $1, $2, 'standing', 'all', '2026-03-01', 0, $3, 'EUR', 9223372036854775807, 0"
    nobody, status = UUID(int=0), bad.channel.statuses[0].id
    async with timed.database.connection() as connection:
        await connection.execute(spoil, bad.actor.company_id, status, nobody)
        detail = "UPDATE counts SET detail = '' WHERE company_id = $1"
        await connection.execute(detail, bad.actor.company_id)

    await asyncio.gather(worker.count(timed), worker.count(timed))

    assert f"could not count for company {bad.actor.company_id}" in caplog.text
    assert [row["seq"] for row in await kept(timed, good.actor.company_id, "count_places")] == [2]
    assert sum(row["leads"] for row in await kept(timed, good.actor.company_id, "count_words")) == 2
    async with timed.database.connection() as connection:
        await connection.execute("DELETE FROM counts WHERE company_id = $1", bad.actor.company_id)
    await worker.count(timed)
    assert told(await read_sources(bad)) == {"a": 1, "b": 1}
