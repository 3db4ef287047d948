"""Ten thousand leads over a connection that breaks, a run that is killed, and runs that repeat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from leadrail.core.actor import system
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.errors import Refused
from leadrail.moving.bringing import Progress
from leadrail.moving.client import Patience, VendorError
from tests.house import eventually
from tests.moving.stage import Move, seed, wire
from tests.moving.vendor import Answer, Asked, playing
from tests.people import People, Person, three_people

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
HASTILY_GIVEN_UP = Patience(tries=2, first_tries=2, first_pause_s=0.01)


@pytest.fixture
async def vendor(people: People) -> Person:
    """Somebody with three campaigns at the vendor."""
    return await with_campaigns(people.stranger)


@pytest.fixture(scope="module")
async def full(core: Core, server_url: str) -> AsyncIterator[Person]:
    """Somebody with 1,200 leads at the vendor: no test here changes any."""
    async with three_people(core, server_url) as people:
        await fill(core, await with_campaigns(people.stranger), 400)
        yield people.stranger


async def with_campaigns(person: Person) -> Person:
    for name in ("one", "two", "three"):
        await person.channel(title=name, template="sendpilot", aliases={"sendpilot": f"camp_{name}"})
    return person


async def fill(core: Core, vendor: Person, each: int) -> None:
    """That many leads for each campaign, with the vendor's ids."""
    for channel in await channels_of(core, vendor):
        name = channel.aliases["sendpilot"]
        leads = [
            {
                "fields": {
                    "linkedin_url": f"https://www.linkedin.com/in/{name}-{n}",
                    "first_name": f"Lead {n}",
                    "attribution": {"external_ids": {"sendpilot": f"lead_{name}_{n}"}},
                },
                "at": MARCH + timedelta(minutes=n),
                "updated_at": MARCH + timedelta(minutes=n),
            }
            for n in range(each)
        ]
        await seed(core, vendor.company_id, channel, leads)


async def channels_of(core: Core, person: Person) -> list[Channel]:
    async with core.database.connection() as connection:
        setups = await core.reader.channels(connection, system(person.company_id, "test"))
    return [setup.channel for setup in setups]


def void(_: object) -> None:
    """Takes what nobody wants to know."""


async def ids_of(person: Person) -> list[str]:
    """The vendor's ids of the leads that are here, each as often as it is."""
    rows = await person.rows(
        "SELECT attribution->'external_ids'->>'sendpilot' AS id FROM leads WHERE company_id = $1", person.company_id
    )
    return sorted(row["id"] for row in rows)


async def test_ten_thousand_leads_come_once_over_a_connection_that_breaks(
    core: Core, people: People, vendor: Person, server_url: str
) -> None:
    await fill(core, vendor, 3_334)
    async with wire(server_url) as (between, url):
        between.cut_after = 300_000
        move = Move(core, "sendpilot", f"{url}/sendpilot", vendor.key, people.owner.company_id)
        report = await move.run()

    assert between.cuts > 5
    assert (report.tally.read, report.tally.brought, report.tally.known) == (10_002, 10_002, 0)
    assert report.is_complete
    assert await ids_of(people.owner) == await ids_of(vendor)
    assert await people.owner.rows("SELECT * FROM moving_places WHERE company_id = $1", people.owner.company_id) == []


async def test_a_vendor_that_goes_away_ends_the_run_and_the_next_goes_on_there(
    core: Core, people: People, full: Person, server_url: str
) -> None:
    async with wire(server_url) as (between, url):
        move = Move(core, "sendpilot", f"{url}/sendpilot", full.key, people.owner.company_id)
        move.on_progress = lambda _: setattr(between, "cut_after", 0)
        with pytest.raises(VendorError, match="Run the same command again: it goes on where it stopped"):
            await move.run(HASTILY_GIVEN_UP)
        came = await people.owner.count("leads")
        between.cut_after, move.on_progress = None, lambda _: None
        report = await move.run()

    assert 0 < came < 1_200
    assert report.resumed_at == came, "what came before the break was not read again"
    assert (report.tally.read, report.tally.brought, report.tally.known) == (1_200, 1_200, 0)
    assert (len(report.made), len(report.found)) == (0, 3)
    assert await ids_of(people.owner) == await ids_of(full)


@pytest.mark.parametrize("after", [1, 2])
async def test_a_run_that_is_killed_leaves_nothing_half_done(
    core: Core, people: People, full: Person, server_url: str, after: int
) -> None:
    move = Move(core, "sendpilot", f"{server_url}/sendpilot", full.key, people.owner.company_id)
    task = asyncio.create_task(move.run())

    def kill(_: Progress) -> None:
        if len(move.progress) == after:
            task.cancel()

    move.on_progress = kill
    with pytest.raises(asyncio.CancelledError):
        await task
    move.on_progress = lambda _: None
    report = await move.run()

    assert report.resumed_at > 0
    assert report.tally.brought == 1_200
    assert await ids_of(people.owner) == await ids_of(full)


async def test_a_run_that_is_killed_while_it_writes_is_found_out_by_the_next(
    core: Core, people: People, full: Person, server_url: str
) -> None:
    """The leads of a chunk whose place was never kept are here already when they are read again."""
    move = Move(core, "sendpilot", f"{server_url}/sendpilot", full.key, people.owner.company_id)
    task = asyncio.create_task(move.run())

    async def has_begun() -> bool:
        return await people.owner.count("leads") > 0

    await eventually(has_begun, "the first leads are written")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    report = await move.run()

    assert report.tally.known > 0
    assert report.tally.brought + report.tally.known == 1_200
    assert await ids_of(people.owner) == await ids_of(full)


async def test_a_run_that_is_killed_ends_when_what_it_writes_has_ended(
    core: Core, people: People, vendor: Person, server_url: str
) -> None:
    """Else the next run, begun at once, would not see those leads and bring them again."""
    await fill(core, vendor, 200)
    company_id = people.owner.company_id
    move = Move(core, "sendpilot", f"{server_url}/sendpilot", vendor.key, company_id)
    async with core.database.transaction() as connection:
        await connection.execute("SELECT 1 FROM event_counters WHERE company_id = $1 FOR UPDATE", company_id)
        task = asyncio.create_task(move.run())
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%event_counters%'"

        async def writes() -> bool:
            return bool(await people.owner.rows(waiting))

        await eventually(writes, "the first leads are being written")
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=0.2)
        assert not done
    with pytest.raises(asyncio.CancelledError):
        await task
    report = await move.run()

    assert report.tally.known > 0
    assert await ids_of(people.owner) == await ids_of(vendor)


async def test_what_was_read_before_the_vendor_failed_is_here(core: Core, people: People) -> None:
    def script(asked: Asked) -> Answer:
        paging = {"total": 1_000, "page": 1, "limit": 100, "totalPages": 10}
        if asked.path == "/v1/campaigns":
            return Answer({"campaigns": [{"id": "c", "name": "C"}], "pagination": paging | {"totalPages": 1}})
        page = int(asked.query["page"])
        if page == 8:
            return Answer({"message": "Something of ours"}, 400)
        return Answer({"leads": [{"id": f"lead_{page}_{n}"} for n in range(100)], "pagination": paging})

    async with playing(script) as other:
        move = Move(core, "sendpilot", other.url, "key", people.owner.company_id)
        with pytest.raises(VendorError, match="Something of ours"):
            await move.run()

    assert await people.owner.count("leads") == 700
    assert [progress.tally.read for progress in move.progress] == [500, 700]


async def test_a_repeat_brings_what_is_new_and_nothing_twice(
    core: Core, people: People, vendor: Person, server_url: str
) -> None:
    await fill(core, vendor, 40)
    move = Move(core, "sendpilot", f"{server_url}/sendpilot", vendor.key, people.owner.company_id)
    await move.run()
    before = await people.owner.counts()

    repeated = await move.run()

    assert (repeated.tally.read, repeated.tally.brought, repeated.tally.known) == (120, 0, 120)
    assert repeated.made == ()
    assert repeated.resumed_at == 0
    assert await people.owner.counts() == before

    await people.owner.endpoint("http://127.0.0.1:9/hook", channel_id=None)
    for channel in await channels_of(core, people.owner):
        await people.owner.trigger(channel, cause="new_lead", kind="fixed", amount="10")
    newcomer = {"fields": {"attribution": {"external_ids": {"sendpilot": "lead_new"}}}}
    await seed(core, vendor.company_id, (await channels_of(core, vendor))[1], [newcomer])
    more = await move.run()

    assert (more.tally.brought, more.tally.known) == (1, 120)
    assert "lead_new" in await ids_of(people.owner)
    after = await people.owner.counts()
    assert after["leads"] == before["leads"] + 1
    assert (after["deliveries"], after["rewards"]) == (0, 0), "what came from elsewhere had its effects there"


async def test_two_runs_at_once_are_not_let_happen(core: Core, people: People, vendor: Person, server_url: str) -> None:
    await fill(core, vendor, 200)
    move = Move(core, "sendpilot", f"{server_url}/sendpilot", vendor.key, people.owner.company_id)
    other = Move(core, "sendpilot", f"{server_url}/sendpilot", vendor.key, people.owner.company_id)

    outcomes = await asyncio.gather(move.run(), other.run(), return_exceptions=True)

    assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [Refused]
    assert await people.owner.count("leads") == 600


async def test_another_account_at_the_same_address_starts_at_its_own_start(
    core: Core, people: People, full: Person, server_url: str
) -> None:
    partner = await people.partner.channel(template="sendpilot")
    await seed(core, people.partner.company_id, partner, [{} for _ in range(5)])
    async with wire(server_url) as (between, url):
        broken = Move(core, "sendpilot", f"{url}/sendpilot", full.key, people.owner.company_id)
        broken.on_progress = lambda _: setattr(between, "cut_after", 0)
        with pytest.raises(VendorError):
            await broken.run(HASTILY_GIVEN_UP)
        between.cut_after, broken.on_progress = None, lambda _: None
        report = await Move(core, "sendpilot", f"{url}/sendpilot", people.partner.key, people.owner.company_id).run()

        assert (report.resumed_at, report.tally.brought) == (0, 5)
        assert (await broken.run()).resumed_at > 0


async def test_neither_key_nor_password_is_kept(core: Core, people: People, full: Person, server_url: str) -> None:
    move = Move(core, "sendpilot", f"{server_url}/sendpilot", full.key, people.owner.company_id)
    task = asyncio.create_task(move.run())
    move.on_progress = lambda _: void(task.cancel())
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = await people.owner.rows("SELECT * FROM moving_places WHERE company_id = $1", people.owner.company_id)

    assert len(kept) == 1
    assert full.key not in str(kept)
