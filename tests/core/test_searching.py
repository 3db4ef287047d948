"""Lists and searches over PostgreSQL against the same said in plain Python, whichever way leads to them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import ge, gt, le, lt
from random import Random
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from leadrail.core.actor import Actor
from leadrail.core.channels.commands import NewProperty
from leadrail.core.channels.model import Channel, PropertyType
from leadrail.core.core import Core
from leadrail.core.leads import search, store, walks
from leadrail.core.leads.find_store import find_row
from leadrail.core.leads.language import terms_of
from leadrail.core.leads.model import Lead
from leadrail.core.leads.orders import ORDERS, Place, Sorting, place_at
from leadrail.core.leads.rows import add_rows
from leadrail.core.leads.search import Wanted
from leadrail.core.leads.words import Asked, asked_in, folded
from leadrail.core.queries import lanes_of
from leadrail.core.setup import Setup
from leadrail.db.statement import Statement
from leadrail.kit.ids import new_id
from tests.people import People, Person, three_people

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class World:
    core: Core
    actor: Actor
    setups: list[Setup]
    leads: list[Lead]

    @property
    def channels(self) -> list[Channel]:
        return [setup.channel for setup in self.setups]

    def channel_of(self, lead: Lead) -> Channel:
        return next(channel for channel in self.channels if channel.id == lead.channel_id)

    def wanted(self, filter: Any = None, text: str | None = None, **rest: Any) -> Wanted:
        words = asked_in(text, (None,), "/q") if text is not None else ()
        given: dict[str, Any] = {"lanes": lanes_of(self.setups), "terms": terms_of(filter or {}, self.channels)}
        return Wanted(**(given | {"words": words} | rest))

    async def pages(self, wanted: Wanted, limit: int) -> list[UUID]:
        """The whole list, page by page; each place goes through its text, as a cursor does."""
        shown: list[UUID] = []
        after: Place | None = None
        async with self.core.database.connection() as connection:
            for _ in range(2_000):
                found = await search.search(connection, wanted, after=after, limit=limit)
                assert len(found.spots) <= limit
                shown += [spot.lead_id for spot in found.spots]
                if found.next is None:
                    return shown
                after = place_at(str(found.next), wanted.sorting)
                assert after == found.next
        raise AssertionError("the list has no end")

    async def count(self, wanted: Wanted) -> walks.Counted:
        async with self.core.database.connection() as connection:
            return (await search.search(connection, wanted, after=None, limit=1, with_count=True)).counted


@pytest.fixture(scope="module")
async def world(core: Core, server_url: str) -> AsyncIterator[World]:
    async with three_people(core, server_url) as people:
        yield await made(core, people)


async def made(core: Core, people: People) -> World:
    properties = (
        NewProperty(name="Size", type=PropertyType.NUMBER),
        NewProperty(name="Plan", type=PropertyType.TEXT),
        NewProperty(name="Hot", type=PropertyType.BOOLEAN),
    )
    await people.shared_channel()
    await people.partner.channel(properties=properties)
    await people.partner.channel(properties=properties)
    hidden = await people.owner.channel(properties=properties)
    actor = await core.doors.admit_key(people.partner.key, "api")
    async with core.database.connection() as connection:
        setups = await core.reader.channels(connection, actor)
        numbers = await store.take_numbers(connection, 60)
    random, leads = Random(5), []
    # The same numbers in both companies; within one, a number is one lead's.
    left = {people.owner.company_id: numbers[:25], people.partner.company_id: numbers}
    for setup in setups:
        company_id = setup.channel.company_id
        person = people.partner if company_id == people.partner.company_id else people.owner
        leads += await several(person, setup.channel, left[company_id][:25], random)
        left[company_id] = left[company_id][25:]
    await several(people.owner, hidden, await _taken(core, 20), random)
    return World(core, actor, setups, leads)


async def _taken(core: Core, count: int) -> list[int]:
    async with core.database.connection() as connection:
        return await store.take_numbers(connection, count)


async def several(person: Person, channel: Channel, numbers: list[int], random: Random) -> list[Lead]:
    first = await person.lead(channel)
    leads = [replace(first, **drawn(channel, random), id=new_id(), number=number) for number in numbers]
    statement = Statement()
    add_rows(statement, ((None, lead, channel.country) for lead in leads))
    text, parameters = statement.render()
    await person.rows(text, *parameters)
    return [first, *leads]


NAMES = ("Anna Schmidt", "Jörg Müller-Lüdenscheidt", "ÅSE", "O'Neil, Bob", "Anna")
EMAILS = ("anna.schmidt@firm.example", "Bob@Sub.Firm.example", "info@muenchen.example", "a+b@c.example")
PHONES = ("+4520123456", "020 12 34 56", "(030) 901820", "112")
WORDS = ("ads", "fair", "Fair", "10%", "a b")
TIMES = tuple(START + timedelta(hours=hours, microseconds=hours) for hours in (0, 1, 2, 30, 31))
SIZES = (0, 1, 1.5, -2, 1e-07, 1000000)


def drawn(channel: Channel, random: Random) -> dict[str, Any]:
    def one(*pool: Any) -> Any:
        return random.choice((*pool, None))

    ids = {definition.name: str(definition.id) for definition in channel.properties}
    values = {"Size": one(*SIZES), "Plan": one("basic", "1.50", "true", "two words"), "Hot": one(True, False)}
    return {
        "status_id": random.choice(channel.statuses).id,
        "name": one(*NAMES),
        "first_name": one("Ada", "Grace"),
        "last_name": one("Lovelace", "Hopper"),
        "company_name": one("Firm GmbH & Co. KG", "Müller"),
        "email": one(*EMAILS),
        "phone": one(*PHONES),
        "notes": one("Called on 2026-03-02; wants a quote", "Straße 5"),
        "source": one(*WORDS),
        "assignee": one(*WORDS),
        "title": one(*WORDS),
        "reason": one("Too dear", "too Late"),
        "sub_status": one("Hot"),
        "value": one(Decimal(0), Decimal("10.50"), Decimal(10), Decimal(2000)),
        "next_follow_up_at": one(*TIMES),
        "created_at": random.choice(TIMES),
        "updated_at": random.choice(TIMES),
        "status_changed_at": random.choice(TIMES),
        "properties": {ids[name]: value for name, value in values.items() if name in ids and value is not None},
        "attribution": {name: one("spring", "5") for name in ("utm_campaign", "gclid") if random.random() < 0.7},
    }


# The language, said in Python


def said(world: World, lead: Lead, field: str) -> Any:
    """What the lead has under a field of the language."""
    channel = world.channel_of(lead)
    document, _, member = field.partition(".")
    match field:
        case "channel":
            return str(channel.id)
        case "status":
            return channel.status_by_id[lead.status_id].name.casefold()
        case "category":
            return channel.status_by_id[lead.status_id].category.value
        case "name":
            return lead.name or " ".join(filter(None, (lead.first_name, lead.last_name))) or None
        case "reason" | "sub_status":
            return getattr(lead, field)
    if document == "properties":
        definition = channel.property_by_key.get(member.casefold())
        value = lead.properties.get(str(definition.id)) if definition is not None else None
        return Decimal(str(value)) if member == "Size" and value is not None else value
    return lead.attribution.get(member) if document == "attribution" else getattr(lead, field)


COMPARED: dict[str, Callable[[Any, Any], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}


def read(field: str, value: Any) -> Any:
    if value is None:
        return None
    if field in ("value", "properties.Size"):
        return Decimal(str(value))
    if field.endswith("_at"):
        return datetime.fromisoformat(value)
    return value.casefold() if field == "status" else value


def holds(world: World, lead: Lead, filter: Any) -> bool:
    if not filter:
        return True
    if "and" in filter:
        return all(holds(world, lead, part) for part in filter["and"])
    if "or" in filter:
        return any(holds(world, lead, part) for part in filter["or"])
    if "not" in filter:
        return not holds(world, lead, filter["not"])
    field = filter["field"]
    have = said(world, lead, field)
    return all(
        _fulfils(have, name, [read(field, one) for one in value] if isinstance(value, list) else value, field)
        for name, value in filter.items()
        if name != "field"
    )


def _fulfils(have: Any, operator: str, wanted: Any, field: str) -> bool:
    match operator:
        case "eq":
            return bool(have == read(field, wanted))
        case "ne":
            return bool(have != read(field, wanted))
        case "in":
            return have in wanted
        case "not_in":
            return have not in wanted
        case "exists":
            return (have is not None) is wanted
        case "contains":
            return have is not None and wanted.casefold() in have.casefold()
        case _:
            return have is not None and COMPARED[operator](have, read(field, wanted))


def has_words(lead: Lead, asked: tuple[Asked, ...]) -> bool:
    words = find_row(lead, None).words
    return all(any(word.startswith(one.beginnings) for word in words) for one in asked)


def ordered(leads: list[Lead], sorting: Sorting) -> list[UUID]:
    """Those that have a key, by it; those alike by their company."""
    present = [lead for lead in leads if getattr(lead, sorting.order.key) is not None]
    present.sort(key=lambda lead: lead.company_id)
    present.sort(
        key=lambda lead: (getattr(lead, sorting.order.key), getattr(lead, sorting.order.tie)),
        reverse=sorting.descending,
    )
    return [lead.id for lead in present]


# Filters drawn at random

CHOICES: dict[str, tuple[Any, ...]] = {
    "status": ("new", "Won", "LOST"),
    "category": ("open", "won", "lost"),
    "name": ("Anna Schmidt", "Ada Lovelace", "Ada", "anna schmidt"),
    "email": (*EMAILS, "bob@sub.firm.example", "x"),
    "phone": PHONES[:2],
    "source": WORDS,
    "assignee": WORDS,
    "title": WORDS,
    "reason": ("Too dear", "too Late"),
    "sub_status": ("Hot",),
    "value": (0, "10.5", 10, 1999.99, 2000),
    "created_at": tuple(time.isoformat() for time in TIMES),
    "updated_at": tuple(time.isoformat() for time in TIMES),
    "next_follow_up_at": tuple(time.isoformat() for time in TIMES),
    "properties.Size": (0, 1, "1.50", 1.5, -2, "0.0000001", 1e6, 7),
    "properties.Plan": ("basic", "1.50", "1.5", "true", "two words"),
    "properties.Hot": (True, False),
    "attribution.utm_campaign": ("spring", "5", "x"),
    "attribution.gclid": ("spring", "5"),
}
CHOSEN_ONLY = ("status", "category", "properties.Hot", "reason", "sub_status")
NEVER_NULL = ("status", "category")


def condition(random: Random) -> dict[str, Any]:
    field = random.choice([*CHOICES])
    pool: tuple[Any, ...] = CHOICES[field]
    several_of = [random.choice(pool) for _ in range(random.randint(1, 3))]
    if field not in NEVER_NULL and random.random() < 0.2:
        several_of.append(None)
    either: list[tuple[str, Any]] = [("eq", random.choice(pool)), ("eq", random.choice(pool)), ("in", several_of)]
    either += [("ne", random.choice(pool)), ("not_in", several_of)]
    if field not in NEVER_NULL:
        either += [("exists", random.random() < 0.5), ("eq", None), ("ne", None)]
    if field not in CHOSEN_ONLY:
        either += [(name, random.choice(pool)) for name in COMPARED]
    if field in ("name", "email", "title", "source"):
        either.append(("contains", random.choice(("a", "irm", "10%", "_", "FAIR"))))
    operator, value = random.choice(either)
    made: dict[str, Any] = {"field": field, operator: value}
    if operator == "gte" and random.random() < 0.5:
        made["lt"] = random.choice(pool)
    return made


def nested(random: Random, depth: int = 3) -> dict[str, Any]:
    if depth == 0 or random.random() < 0.5:
        return condition(random)
    joint = random.choice(("and", "and", "or", "not"))
    if joint == "not":
        return {"not": nested(random, depth - 1)}
    return {joint: [nested(random, depth - 1) for _ in range(random.randint(1, 3))]}


SORTINGS = tuple(Sorting(order, descending) for order in ORDERS.values() for descending in (True, False))
Bounds = Callable[[Sorting], Sorting]


@pytest.fixture(params=["generous", "stingy", "never whole"])
def bound(request: pytest.FixtureRequest) -> str:
    """How much a page may look at: all there is, a little at a time, or little and nothing sorted as a whole."""
    return str(request.param)


@pytest.fixture
def bounds(bound: str, monkeypatch: pytest.MonkeyPatch) -> Bounds:
    if bound == "generous":
        return lambda sorting: sorting
    monkeypatch.setattr(walks, "_FEWEST_LOOKS", 6)  # more than a page has, as ever
    monkeypatch.setattr(search, "_FEW", 4 if bound == "stingy" else 0)
    monkeypatch.setattr(search, "_MOST_WITH_WORD", 6 if bound == "stingy" else 0)
    return lambda sorting: replace(sorting, order=replace(sorting.order, looks=9))


@pytest.mark.parametrize("sorting", SORTINGS, ids=str)
async def test_every_filter_lets_through_what_it_says_in_every_order(
    world: World, bound: str, bounds: Bounds, sorting: Sorting
) -> None:
    random = Random(f"{sorting} {bound}")
    found = 0
    for _ in range(40):
        filter = nested(random)
        expected = ordered([lead for lead in world.leads if holds(world, lead, filter)], sorting)
        wanted = world.wanted(filter, sorting=bounds(sorting))
        assert await world.pages(wanted, random.choice((2, 5))) == expected, filter
        found += bool(expected)
    assert found > 15  # else this says little


TEXTS: tuple[str, ...] = (
    "anna", "ANNA schmidt", "schmidt@firm", "20 12 34 56", "firm.example", "muller", "Müller", "mueller", "luden",
    "ase", "quote", "+45 20 12 34 56", "0045 20123456", "030 901820", "strasse", "neil", "xyz", "anna quote",
    "2026-03-02",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
async def test_words_are_found_in_every_order_beside_every_filter(
    world: World, bound: str, bounds: Bounds, text: str
) -> None:
    random, asked = Random(f"{text} {bound}"), asked_in(text, (None,), "/q")
    for sorting in SORTINGS:
        filter = random.choice(({}, condition(random), nested(random)))
        leads = [lead for lead in world.leads if has_words(lead, asked) and holds(world, lead, filter)]
        wanted = world.wanted(filter, text, sorting=bounds(sorting))
        assert await world.pages(wanted, random.choice((2, 5))) == ordered(leads, sorting), (filter, sorting)


async def test_the_words_that_are_asked_for_are_there(world: World) -> None:
    """Else the test above would say nothing."""
    found = {text: sum(has_words(lead, asked_in(text, (None,), "/q")) for lead in world.leads) for text in TEXTS}

    assert {text for text, leads in found.items() if not leads} == {"xyz"}


# Counts


async def test_a_count_is_exact_up_to_its_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(3)
    for most in (10_000, 12):
        monkeypatch.setattr(walks, "COUNT_LIMIT", most)
        exact = 0
        for sorting in SORTINGS * 2:
            filter = {"and": [condition(random), condition(random)]}
            expected = len(ordered([lead for lead in world.leads if holds(world, lead, filter)], sorting))
            counted = await world.count(world.wanted(filter, sorting=sorting))
            assert counted.is_estimate or counted.count == expected, (filter, sorting)
            exact += not counted.is_estimate
        assert exact == 24 if most > 12 else exact > 0


async def test_an_estimate_is_near_the_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "COUNT_LIMIT", 3)
    monkeypatch.setattr(walks, "_FEWEST_LOOKS", 3)
    filter = {"or": [{"field": "value", "gt": 5}, {"field": "title", "exists": False}]}
    expected = sum(holds(world, lead, filter) for lead in world.leads)

    counted = await world.count(world.wanted(filter))

    assert counted == walks.Counted(expected, is_estimate=True)  # every stretch is looked at whole here


# Words


@pytest.mark.parametrize(
    ("text", "is_like"), [("Straße", "strasse"), ("MÜLLER", "mueller"), ("Muller", "Müller"), ("Ørsted", "orsted")]
)
def test_what_is_written_otherwise_is_the_same_word(text: str, is_like: str) -> None:
    assert folded(text) == folded(is_like)
