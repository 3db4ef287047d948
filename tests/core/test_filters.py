"""Lists of leads: what narrows and orders them, against the same said in plain Python."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from operator import ge, gt, le, lt
from random import Random
from typing import Any, get_args, get_type_hints
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refused, refusal_of
from leadrail.core.identity import KeyKind
from leadrail.core.leads import store
from leadrail.core.leads.filters import COLUMNS, TERM_LIMIT, Condition, Filter, Operator, Sort, page, where
from leadrail.core.leads.model import Lead
from leadrail.core.leads.store import Tally
from leadrail.db.filters import Parameters
from leadrail.db.statement import Statement
from leadrail.kit.ids import new_id
from tests.people import People, Person, three_people

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PROPERTY = UUID(int=9)
NASTY = "'; DROP TABLE leads; --"
MEMBERS = ("attribution.campaign", f"attribution.{NASTY}", f"properties.{PROPERTY}")
FIELDS = (*COLUMNS, *MEMBERS)
SORTABLE = (*COLUMNS, *MEMBERS[:2])
PYTHON = {"bigint": int, "uuid": UUID, "text": str, "numeric": Decimal, "timestamptz": datetime}


# The SQL alone


def sql(filter: Filter) -> tuple[str, list[Any]]:
    parameters = Parameters()
    text = where([UUID(int=1)], filter, parameters) + page(filter, parameters)
    return text, parameters.values


def one(field: str, operator: Operator, value: Any) -> Filter:
    return Filter(channel_ids=(UUID(int=2),), conditions=(Condition(field, operator, value),))


def refused(filter: Filter) -> str | None:
    """The pointer of the refusal."""
    with pytest.raises(Refused) as caught:
        sql(filter)
    assert caught.value.refusal.code is Code.INVALID
    return caught.value.refusal.field


def test_every_column_is_one_of_a_lead_and_of_its_type() -> None:
    hints = get_type_hints(Lead)
    for name, type in COLUMNS.items():
        assert PYTHON[type] in (get_args(hints[name]) or (hints[name],))


def test_what_is_not_asked_for_is_not_in_the_statement() -> None:
    text, values = sql(Filter(channel_ids=(UUID(int=2),)))

    assert text == (
        "l.company_id = $1::uuid AND l.channel_id = $2::uuid"
        " ORDER BY l.number DESC, l.id LIMIT $3::bigint OFFSET $4::bigint"
    )
    assert values == [UUID(int=1), UUID(int=2), 50, 0]


def test_nothing_that_a_caller_says_is_in_the_text_of_the_statement() -> None:
    conditions = tuple(Condition(f"attribution.{NASTY}", operator, NASTY) for operator in (Operator.EQ, Operator.GT))
    listed = Condition("source", Operator.IN, [NASTY])
    text, values = sql(
        Filter(
            channel_ids=(),
            conditions=(*conditions, listed),
            text=NASTY,
            key=(KeyKind.EMAIL, NASTY),
            sort=(Sort(f"attribution.{NASTY}"),),
        )
    )

    assert "DROP" not in text
    assert values.count(NASTY) == 6


def test_the_text_of_the_statement_depends_on_the_shape_alone() -> None:
    def many(count: int, text: str) -> Filter:
        sources = Condition("source", Operator.IN, [text] * count)
        worth = Condition("value", Operator.GTE, Decimal(count))
        return Filter(channel_ids=(uuid4(),) * count, conditions=(sources, worth), text=text, offset=count)

    assert sql(many(0, "a"))[0] == sql(many(300, "b"))[0]


@pytest.mark.parametrize(
    "field",
    ["", "colour", "version", "company_id", "number ", "Number", "properties", "attribution", "attribution."]
    + ["properties.", "properties.size", "l.source", NASTY],
)
def test_an_unknown_field_is_refused_by_its_name(field: str) -> None:
    assert refused(one(field, Operator.EQ, "x")) == f"/{field}"
    assert refused(Filter(channel_ids=(), sort=(Sort(field),))) == f"/{field}"


def test_the_name_of_a_field_is_escaped_in_the_pointer() -> None:
    assert refused(one("a/b~c", Operator.EQ, "x")) == "/a~1b~0c"


def test_no_list_is_sorted_by_a_property() -> None:
    assert refused(Filter(channel_ids=(), sort=(Sort(f"properties.{PROPERTY}"),))) == f"/properties.{PROPERTY}"


WRONG: dict[str, list[Any]] = {
    "value": [
        "1",
        True,
        1.5,
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+200000"),
        Decimal("1E-200000"),
        10**5000,
    ],
    "number": ["1", True, 1.5, Decimal(1)],
    "source": [1, True, b"ads", START, UUID(int=1)],
    "status_id": ["00000000-0000-0000-0000-000000000001", 1],
    "created_at": ["2026-03-02", START.date(), START.replace(tzinfo=None), 1],
    "attribution.campaign": [1, True, {}, b"ads"],
    f"properties.{PROPERTY}": [1, True, {}, b"ads"],
}


@pytest.mark.parametrize("field", WRONG)
def test_a_value_of_another_type_is_refused(field: str) -> None:
    for operator in Operator:
        for value in WRONG[field]:
            if not (operator is Operator.EXISTS and value is True):
                assert refused(one(field, operator, value)) == f"/{field}"
            if operator is Operator.IN:
                assert refused(one(field, operator, [value])) == f"/{field}"


@pytest.mark.parametrize("operator", set(Operator) - {Operator.EQ, Operator.NE})
def test_nothing_is_a_value_for_equality_only(operator: Operator) -> None:
    assert refused(one("source", operator, None)) == "/source"


def test_a_cursor_is_of_the_order_by_number_only() -> None:
    assert refused(Filter(channel_ids=(), sort=(Sort("value"),), below=5)) is None


def test_a_filter_has_a_largest_size() -> None:
    conditions = (Condition("source", Operator.EQ, "ads"),) * TERM_LIMIT
    sql(Filter(channel_ids=(), conditions=conditions))

    assert refused(Filter(channel_ids=(), conditions=(*conditions, conditions[0]))) is None
    assert refused(Filter(channel_ids=(), sort=(Sort("source"),) * (TERM_LIMIT + 1))) is None


# Leads in PostgreSQL: the partner sees those of the shared channel, which are the owner's company's, and its own.


@dataclass
class World:
    core: Core
    people: People
    actor: Actor
    channels: tuple[Channel, ...]
    leads: list[Lead]  # of the channels, newest first
    hidden: list[Lead]

    @property
    def channel_ids(self) -> tuple[UUID, ...]:
        return tuple(channel.id for channel in self.channels)

    def filter(self, *conditions: Condition, **rest: Any) -> Filter:
        given: dict[str, Any] = {"channel_ids": self.channel_ids, "conditions": conditions, "limit": 1000}
        return Filter(**(given | rest))

    async def listed(self, filter: Filter) -> list[UUID]:
        async with self.core.database.connection() as connection:
            return [seen.lead.id for seen in await self.core.reader.leads(connection, self.actor, filter)]

    async def count(self, filter: Filter) -> int:
        async with self.core.database.connection() as connection:
            return await self.core.reader.count(connection, self.actor, filter)

    async def tally(self, filter: Filter) -> list[Tally]:
        async with self.core.database.connection() as connection:
            return await self.core.reader.tally(connection, self.actor, filter)


@pytest.fixture(scope="module")
async def world(core: Core, server_url: str) -> AsyncIterator[World]:
    async with three_people(core, server_url) as people:
        shared, own = await people.shared_channel(), await people.partner.channel()
        private, foreign = await people.owner.channel(), await people.stranger.channel()
        numbers = await taken(core, 24)
        random = Random(7)
        # The same numbers in each: two companies may have a lead of the same number.
        in_shared = await several(people.owner, shared, numbers, random)
        leads = in_shared + await several(people.partner, own, numbers, random)
        hidden = await several(people.owner, private, await taken(core, 24), random)
        hidden += await several(people.stranger, foreign, numbers, random)
        actor = await core.doors.admit_key(people.partner.key, "api")
        yield World(core, people, actor, (shared, own), sorted(leads, key=newest), hidden)


def newest(lead: Lead) -> tuple[int, UUID]:
    return -lead.number, lead.id


async def taken(core: Core, count: int) -> list[int]:
    async with core.database.connection() as connection:
        return await store.take_numbers(connection, count)


async def several(person: Person, channel: Channel, numbers: list[int], random: Random) -> list[Lead]:
    """Leads in every state, also such as no command leaves behind."""
    made = await person.lead(channel)
    leads = [replace(made, **drawn(channel, random), id=new_id(), number=number) for number in numbers]
    await insert(person, leads)
    return [made, *leads]


async def insert(person: Person, leads: list[Lead]) -> None:
    statement = Statement()
    statement.add(store.INSERT, leads)
    text, parameters = statement.render()
    await person.rows(text, *parameters)


WORDS = ("ads", "Ads", "fair", "Åse", "10%", "")
NUMBERS = (Decimal(0), Decimal("10.5"), Decimal(10), Decimal(2000))
TIMES = tuple(START + timedelta(hours=hours) for hours in (0, 1, 30))
REASONS = (UUID(int=1), UUID(int=2), UUID(int=1 << 120))


def drawn(channel: Channel, random: Random) -> dict[str, Any]:
    pools: dict[str, tuple[Any, ...]] = {"text": WORDS, "numeric": NUMBERS, "timestamptz": TIMES, "uuid": REASONS}
    members = (*WORDS, 5, 2.5, True, {"a": 1}, None)
    fields = {name: random.choice((*pools[type], None)) for name, type in COLUMNS.items() if type in pools}
    del fields["channel_id"]
    always = {name: random.choice(TIMES) for name in ("status_changed_at", "created_at", "updated_at")}
    attribution = {name: random.choice(members) for name in ("campaign", NASTY) if random.random() < 0.8}
    return (
        fields
        | always
        | {
            "status_id": random.choice(channel.statuses).id,
            "attribution": attribution,
            "properties": {str(PROPERTY): random.choice(members)} if random.random() < 0.8 else {},
        }
    )


def reading(lead: Lead, field: str) -> Any:
    """The value of the field, members as text."""
    if field in COLUMNS:
        return getattr(lead, field)
    document, _, member = field.partition(".")
    value = getattr(lead, document).get(member)
    return value if value is None or isinstance(value, str) else json.dumps(value)


ORDERS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: gt,
    Operator.GTE: ge,
    Operator.LT: lt,
    Operator.LTE: le,
}


def fulfils(lead: Lead, condition: Condition) -> bool:
    have, wanted = reading(lead, condition.field), condition.value
    match condition.operator:
        case Operator.EQ:
            return bool(have == wanted)
        case Operator.NE:
            return bool(have != wanted)
        case Operator.IN:
            return have in wanted
        case Operator.EXISTS:
            return (have is not None) is wanted
        case operator:
            return have is not None and ORDERS[operator](have, wanted)


def conditions(field: str, values: list[Any]) -> Iterator[Condition]:
    yield from (Condition(field, operator, None) for operator in (Operator.EQ, Operator.NE))
    yield from (Condition(field, Operator.EXISTS, exists) for exists in (True, False))
    yield from (Condition(field, Operator.IN, some) for some in ([], values[:1], [None, *values[1:]], values))
    for operator in (Operator.EQ, Operator.NE, *ORDERS):
        yield from (Condition(field, operator, value) for value in values)


@pytest.mark.parametrize("field", FIELDS)
async def test_every_operator_lets_through_what_it_says(world: World, field: str) -> None:
    known = sorted({reading(lead, field) for lead in world.leads + world.hidden} - {None})
    values = [*known[:3], *known[-3:]]

    for condition in conditions(field, values):
        filter = world.filter(condition)
        expected = [lead.id for lead in world.leads if fulfils(lead, condition)]
        assert await world.listed(filter) == expected, condition
        assert await world.count(filter) == len(expected), condition


async def test_all_conditions_must_hold(world: World) -> None:
    random = Random(11)
    found = 0
    for _ in range(150):
        pairs = [(field, reading(random.choice(world.leads), field)) for field in random.sample(FIELDS, 3)]
        chosen = [
            Condition(field, random.choice([Operator.NE, *(ORDERS if value is not None else ())]), value)
            for field, value in pairs
        ]
        expected = [lead.id for lead in world.leads if all(fulfils(lead, condition) for condition in chosen)]
        assert await world.listed(world.filter(*chosen)) == expected, chosen
        found += bool(expected)
    assert found > 30  # else this says little


async def test_the_leads_of_other_companies_and_channels_never_appear(world: World) -> None:
    own, hidden = world.channels[1], tuple({lead.channel_id for lead in world.hidden})
    ids = [lead.id for lead in world.leads]
    stranger = await world.core.doors.admit_key(world.people.stranger.key, "api")

    assert await world.listed(world.filter()) == ids
    assert await world.listed(world.filter(channel_ids=(own.id,))) == [
        lead.id for lead in world.leads if lead.channel_id == own.id
    ]
    assert await world.count(world.filter(channel_ids=())) == 0
    async with world.core.database.connection() as connection:
        none = await store.listed(connection, stranger.companies, world.filter())
        theirs = await store.listed(connection, stranger.companies, world.filter(channel_ids=hidden))
    assert none == []
    assert {row.lead.company_id for row in theirs} == {stranger.company_id}


async def test_a_key_narrows_like_a_condition(world: World) -> None:
    channel = await world.people.partner.channel()
    lead = await world.people.partner.lead(channel, email="Key@Example.com", source="ads")
    await world.people.partner.lead(channel, email="other@example.com", source="ads")

    def keyed(kind: KeyKind, *conditions: Condition) -> Filter:
        return world.filter(*conditions, channel_ids=(channel.id,), key=(kind, "key@example.com"))

    assert await world.listed(keyed(KeyKind.EMAIL)) == [lead.id]
    assert await world.listed(keyed(KeyKind.EMAIL, Condition("source", Operator.EQ, "ads"))) == [lead.id]
    assert await world.listed(keyed(KeyKind.EMAIL, Condition("source", Operator.EQ, "fair"))) == []
    assert await world.count(keyed(KeyKind.EMAIL)) == 1
    assert await world.count(keyed(KeyKind.PHONE)) == 0


UNSTORABLE = [
    Condition("source", Operator.EQ, "\0"),
    Condition("source", Operator.IN, ["\ud800"]),
    Condition("attribution.\0", Operator.EXISTS, True),
    Condition("number", Operator.GT, 1 << 63),
    Condition("value", Operator.LT, Decimal(f"0.{'1' * 20000}")),
    Condition("created_at", Operator.GT, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
]


@pytest.mark.parametrize("condition", UNSTORABLE, ids=lambda condition: condition.field)
async def test_a_value_that_cannot_be_stored_is_an_invalid_one(world: World, condition: Condition) -> None:
    with pytest.raises(Exception) as caught:  # which one is the driver's
        await world.count(world.filter(condition))

    refusal = refusal_of(caught.value)
    assert refusal is not None
    assert refusal.code is Code.INVALID


# Search for text


@pytest.fixture(scope="module")
async def searched(core: Core, server_url: str) -> AsyncIterator[tuple[World, dict[UUID, str]]]:
    async with three_people(core, server_url) as people:
        channel = await people.partner.channel()
        fields: dict[str, dict[str, Any]] = {
            "ada": {"name": "Ada Lovelace", "email": "countess@example.com"},
            "grace": {"first_name": "Grace", "last_name": "Hopper", "phone": "+31612345678"},
            "signs": {"name": r"50_50 \ 100%", "phone": "(06) 987-65 43"},
            "ase": {"last_name": "Åse", "source": "Lovelace"},
            "nobody": {},
        }
        leads = {name: await people.partner.lead(channel, **given) for name, given in fields.items()}
        actor = await core.doors.admit_key(people.partner.key, "api")
        ordered = sorted(leads.values(), key=newest)
        yield World(core, people, actor, (channel,), ordered, []), {lead.id: name for name, lead in leads.items()}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("lovel", "ada"),
        ("ADA L", "ada"),
        ("COUNTESS@", "ada"),
        ("grace hop", "grace"),
        ("hopper", "grace"),
        ("gracehopper", ""),
        ("hopper grace", ""),
        ("åSE", "ase"),
        (" ", "ada grace signs"),
        ("%", "signs"),
        ("_", "signs"),
        ("\\", "signs"),
        ("a%e", ""),
        ("ad_", ""),
        (NASTY, ""),
        ("612 34 56", "grace"),
        ("+31 (6) 1234-5678", "grace"),
        ("+316", "grace"),
        ("069876543", "signs"),
        ("(06)", "signs"),
        ("06 9", "signs"),
        ("6 1", ""),
        ("x612 34 56", ""),
        ("612 34 57", ""),
        ("", "ada grace signs ase nobody"),
    ],
)
async def test_text_is_looked_for_in_names_email_and_phone(
    searched: tuple[World, dict[UUID, str]], text: str, names: str
) -> None:
    world, by_id = searched

    found = await world.listed(world.filter(text=text))

    assert {by_id[id] for id in found} == set(names.split())
    assert await world.count(world.filter(text=text)) == len(found)


# Pages


def ordered(leads: list[Lead], *sorts: Sort) -> list[UUID]:
    leads = sorted(leads, key=newest)
    for sort in reversed(sorts):
        present = [lead for lead in leads if reading(lead, sort.field) is not None]
        absent = [lead for lead in leads if reading(lead, sort.field) is None]
        leads = sorted(present, key=lambda lead: reading(lead, sort.field), reverse=sort.descending) + absent
    return [lead.id for lead in leads]


async def in_pages(world: World, filter: Filter) -> list[UUID]:
    pages = [await world.listed(replace(filter, limit=7, offset=offset)) for offset in range(0, 63, 7)]
    assert not pages[-1]
    return [id for page in pages for id in page]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("field", SORTABLE)
async def test_sorted_pages_neither_repeat_nor_skip(world: World, field: str, descending: bool) -> None:
    sort = Sort(field, descending)

    assert await in_pages(world, world.filter(sort=(sort,))) == ordered(world.leads, sort)


async def test_pages_may_be_sorted_by_several_fields(world: World) -> None:
    sorts = (Sort("source"), Sort("attribution.campaign", descending=True), Sort("value"))

    assert await in_pages(world, world.filter(sort=sorts)) == ordered(world.leads, *sorts)


async def test_pages_are_of_the_newest_first_by_default(world: World) -> None:
    assert await in_pages(world, world.filter()) == ordered(world.leads)


async def test_the_cursor_goes_on_below_its_number(world: World) -> None:
    channel = world.channels[0]
    numbers = {lead.id: lead.number for lead in world.leads if lead.channel_id == channel.id}
    shown: list[UUID] = []
    below = None
    while part := await world.listed(world.filter(channel_ids=(channel.id,), below=below, limit=7)):
        shown += part
        below = numbers[part[-1]]

    assert shown == list(numbers)


async def test_a_count_is_of_the_whole_list(world: World) -> None:
    part = world.filter(sort=(Sort("value"),), offset=5, limit=3)

    assert await world.count(part) == len(world.leads)
    assert await world.count(world.filter(below=1)) == len(world.leads)


# Tallies


def tallied(leads: list[Lead]) -> set[Tally]:
    groups = Counter((lead.status_id, lead.channel_id, lead.source) for lead in leads)
    return {
        Tally(
            *group,
            leads=count,
            value=sum((lead.value or Decimal(0) for lead in leads if group == _group(lead)), Decimal(0)),
            with_qualified_at=sum(lead.qualified_at is not None for lead in leads if group == _group(lead)),
        )
        for group, count in groups.items()
    }


def _group(lead: Lead) -> tuple[UUID, UUID, str | None]:
    return lead.status_id, lead.channel_id, lead.source


@pytest.mark.parametrize(
    "chosen",
    [
        (),
        (Condition("source", Operator.NE, "ads"),),
        (Condition("value", Operator.EXISTS, False),),
        (Condition("source", Operator.IN, []),),
        (Condition("created_at", Operator.GT, START), Condition("attribution.campaign", Operator.EXISTS, True)),
    ],
)
async def test_a_tally_agrees_with_the_list(world: World, chosen: tuple[Condition, ...]) -> None:
    expected = tallied([lead for lead in world.leads if all(fulfils(lead, condition) for condition in chosen)])

    rows = await world.tally(world.filter(*chosen, sort=(Sort("value"),), offset=5, limit=1))

    assert len(rows) == len(expected)
    assert set(rows) == expected
    assert sum(row.leads for row in rows) == await world.count(world.filter(*chosen))
