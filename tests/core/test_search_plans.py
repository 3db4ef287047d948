"""The plans of what lists and searches ask: on many leads, none is walked through as a whole, and none sorted."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.leads.language import terms_of
from leadrail.core.leads.orders import ORDERS, Place, Sorting
from leadrail.core.leads.search import Wanted, newest_first, search
from leadrail.core.leads.words import asked_in, mark
from leadrail.core.queries import lanes_of
from leadrail.core.setup import Setup
from tests.people import NewProperty, three_people

LEADS = 40_000
MOST = 12_000
"""More rows than this read or sorted, and a bound is broken; there are three times as many."""


@pytest.fixture(scope="module")
async def world(core: Core, server_url: str) -> AsyncIterator[tuple[Core, list[Setup]]]:
    async with three_people(core, server_url) as people:
        channel = await people.owner.channel(properties=(NewProperty(name="Size"),))
        await fill(core, channel)
        async with core.database.connection() as connection:
            actor = await core.doors.admit_key(people.owner.key, "api")
            yield core, await core.reader.channels(connection, actor)


async def fill(core: Core, channel: Channel) -> None:
    """Leads by the thousand, one in eight won, one in a hundred with a property; many words are of all of them."""
    (size,) = channel.properties
    new, won = channel.statuses[0].id, next(status.id for status in channel.statuses if status.name == "Won")
    marked = mark(str(size.id), "5")
    ids = (channel.company_id, channel.id, new, won, str(size.id), LEADS)
    made = "timestamptz '2026-01-01' + make_interval(mins => n)"
    words = "ARRAY['anna', 'lead' || n || '@firm.example', 'firm.example', CASE WHEN n % 100 = 0 THEN $3::text END]"
    async with core.database.transaction() as connection:
        await connection.execute(
            f"""INSERT INTO leads (company_id, id, number, channel_id, status_id, email, name, source, assignee, value,
                properties, next_follow_up_at, status_changed_at, created_at, updated_at, version)
            SELECT $1, gen_random_uuid(), n + 1000000, $2, CASE WHEN n % 8 = 0 THEN $4::uuid ELSE $3 END,
                'lead' || n || '@firm.example', 'Anna', CASE WHEN n % 2 = 0 THEN 'fair' ELSE 'ads' END, 'sam' || n % 7,
                n % 1000,
                CASE WHEN n % 100 = 0 THEN jsonb_build_object($5::text, '5') ELSE '{{}}' END, {made}, {made}, {made},
                {made}, 1
            FROM generate_series(1, $6::int) AS n""",
            *ids,
        )
        await connection.execute(
            f"""INSERT INTO lead_finds (company_id, number, created_at, assignee, source, words)
            SELECT $1, n + 1000000, {made}, 'sam' || n % 7, CASE WHEN n % 2 = 0 THEN 'fair' ELSE 'ads' END,
                ' ' || array_to_string({words}, ' ') FROM generate_series(1, $2::int) AS n""",
            channel.company_id,
            LEADS,
            marked,
        )
        await connection.execute(
            "INSERT INTO lead_values (company_id, value, number)"
            " SELECT $1, n % 1000, n + 1000000 FROM generate_series(1, $2::int) AS n",
            channel.company_id,
            LEADS,
        )
        await connection.execute(
            f"""INSERT INTO lead_words (company_id, word, number) SELECT $1, word, n + 1000000
            FROM generate_series(1, $2::int) AS n, unnest({words}) AS word WHERE word IS NOT NULL""",
            channel.company_id,
            LEADS,
            marked,
        )
    async with core.database.connection() as connection:
        await connection.execute("VACUUM (ANALYZE) leads, lead_finds, lead_values, lead_words")


FILTERS: dict[str, Any] = {
    "nothing": {},
    "status": {"field": "status", "eq": "Won"},
    "category": {"field": "category", "in": ["won", "lost"]},
    "source": {"field": "source", "eq": "fair"},
    "assignee": {"field": "assignee", "in": ["sam1", "kim"]},
    "property": {"field": "properties.Size", "eq": "5"},
    "e-mail": {"field": "email", "eq": "lead5@firm.example"},
    "long": {"field": "created_at", "gte": "2026-01-02T00:00:00Z", "lt": "2026-01-20T00:00:00Z"},
    "short": {"field": "updated_at", "gte": "2026-01-02T00:00:00Z", "lt": "2026-01-02T12:00:00Z"},
    "value": {"field": "value", "gte": 998},
    "hardly any": {"and": [{"field": "status", "eq": "Won"}, {"field": "value", "eq": 500}]},
    "none at all": {"field": "title", "exists": True},
    "nested": {"or": [{"field": "value", "lt": 2}, {"not": {"field": "source", "eq": "fair"}}]},
}
TEXTS = (None, "anna", "lead77@firm", "anna lead77")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", FILTERS)
async def test_no_table_is_walked_through_or_sorted(
    world: tuple[Core, list[Setup]], name: str, text: str | None
) -> None:
    core, setups = world
    terms = terms_of(FILTERS[name], [setup.channel for setup in setups])
    words = asked_in(text, (None,), "/q") if text else ()
    seen: set[str] = set()
    for sorting in (newest_first(terms), *(Sorting(order) for order in ORDERS.values())):
        for has_all in (True, False):
            wanted = Wanted(lanes=lanes_of(setups), has_all=has_all, terms=terms, words=words, sorting=sorting)
            for statement, values in await asked(core, wanted):
                if (whole := f"{statement} {values}") in seen:
                    continue  # asked alike on another way, and it has the same plan
                seen.add(whole)
                faults = [*found_wrong(await plan(core, statement, values))]
                assert not faults, f"{sorting}, {faults}\n{statement}"


LARGE = ("leads", "lead_finds", "lead_values", "lead_words", "lead_keys")


async def asked(core: Core, wanted: Wanted) -> list[tuple[str, tuple[Any, ...]]]:
    """The statements of the first page and of one deep inside, with their counts."""
    heard: list[tuple[str, tuple[Any, ...]]] = []
    async with core.database.connection() as connection:
        with connection.query_logger(lambda record: heard.append((record.query, tuple(record.args or ())))):
            page = await search(connection, wanted, after=None, limit=50, with_count=True)
            await search(connection, wanted, after=deep(wanted, page.next), limit=50)
    return [(statement, values) for statement, values in heard if statement.lstrip().startswith(("SELECT", "WITH"))]


def deep(wanted: Wanted, place: Place | None) -> Place | None:
    is_by_number = wanted.sorting.order.is_by_number
    return Place(wanted.sorting, 1_020_000, 1_020_000, wanted.lanes[0].company_id) if is_by_number else place


async def plan(core: Core, statement: str, values: tuple[Any, ...]) -> Any:
    async with core.database.connection() as connection:
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", *values)
    return json.loads(text)[0]["Plan"]


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def found_wrong(plan: Any) -> Iterator[str]:
    for node in nodes(plan):
        kind, loops = node["Node Type"], node["Actual Loops"]
        passed_over = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        read = (node["Actual Rows"] + passed_over) * loops
        if kind == "Seq Scan" and node["Relation Name"] in LARGE:
            yield f"walks through {node['Relation Name']}"
        elif ("Scan" in kind or "Sort" in kind) and read > MOST:
            yield f"{kind} of {read:,.0f} rows"
