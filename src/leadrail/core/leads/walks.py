"""The SQL of lists of leads: which rows a page looks at, in which order, and how many at most.

A walk goes along an index, in lanes (of a company, a status, an assignee) that are merged, and looks at a bounded
number of leads. Where it ends before the page is full, its edge says how far it came, and the next page goes on there.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.identity import KeyKind
from leadrail.core.leads.filters import Term, predicates
from leadrail.core.leads.orders import Order, Place, Sorting
from leadrail.core.leads.words import Asked
from leadrail.db.database import Connection
from leadrail.db.filters import Parameters, containing

COUNT_LIMIT = 10_000
"""A count goes so far, and looks at no more leads than that."""


class Lane(msgspec.Struct, frozen=True):
    """Leads of one company; of one status of a channel, or with one assignee, source or mark."""

    company_id: UUID
    channel_id: UUID | None = None
    status_id: UUID | None = None
    text: str | None = None


class Source(StrEnum):
    """Where the leads of a walk come from."""

    COMPANY = "company"
    STATUS = "status"
    ASSIGNEE = "assignee"
    SOURCE = "source"
    MARK = "mark"
    RANGE = "range"
    WORD = "word"
    KEY = "key"


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """`whole`: all that the source has, which is little, is looked at and sorted; else its index has the order.

    `along` are conditions on the key of the order, `terms` and `words` what else a lead must fulfil. A range is what
    `within` says of the key of another order.
    """

    source: Source
    lanes: tuple[Lane, ...]
    sorting: Sorting
    whole: bool = False
    word: Asked | None = None
    key: tuple[KeyKind, str] | None = None
    range: Order | None = None
    within: tuple[Term, ...] = ()
    along: tuple[Term, ...] = ()
    terms: tuple[Term, ...] = ()
    words: tuple[Asked, ...] = ()

    @property
    def order(self) -> Order:
        return self.sorting.order

    @property
    def passes_over(self) -> bool:
        """Whether a lead on the way may not belong to the list."""
        return bool(self.terms or self.words)

    @property
    def may_stop(self) -> bool:
        """Whether it may end before all is looked at."""
        return self.passes_over and not self.whole

    @property
    def looks(self) -> int:
        """In each lane."""
        return max(self.order.looks // len(self.lanes), _FEWEST_LOOKS)


_FEWEST_LOOKS = 250  # more than a page has
_FINDS = frozenset({Source.ASSIGNEE, Source.SOURCE})
_NUMBERED = frozenset({Source.WORD, Source.MARK, Source.KEY})
"""Which give numbers of leads and nothing else of them; so does a range in the order by number."""
_PLAIN: Mapping[Source, str] = {
    Source.COMPANY: "true",
    Source.RANGE: "true",
    Source.MARK: "l.word = q.text",
    Source.STATUS: "l.channel_id = q.channel_id AND l.status_id = q.status_id",
    Source.ASSIGNEE: "l.assignee = q.text",
    Source.SOURCE: "l.source = q.text",
}
_COLUMNS = (("company_id", "uuid"), ("channel_id", "uuid"), ("status_id", "uuid"), ("text", "text"))


class _Sql:
    """The parts of one statement over a walk."""

    def __init__(self, walk: Walk, place: Place | None = None) -> None:
        self.walk, self.place = walk, place
        self.parameters = Parameters()

    @property
    def order_by(self) -> str:
        direction = self.walk.sorting.direction
        return f"key {direction}, tie {direction}"

    @property
    def lanes(self) -> str:
        """The lanes as q, each with the tie behind which it goes on: of leads alike, companies go by their ids."""
        walk, place = self.walk, self.place
        arrays = [
            self.parameters.add([getattr(lane, name) for lane in walk.lanes], f"{type}[]") for name, type in _COLUMNS
        ]
        names = [name for name, _ in _COLUMNS]
        if place is not None:
            step = 0 if walk.order.tie == "id" else 1 if walk.sorting.descending else -1
            ties = [
                place.tie + step if step and lane.company_id > place.company_id else place.tie for lane in walk.lanes
            ]
            arrays.append(self.parameters.add(ties, "uuid[]" if walk.order.tie == "id" else "bigint[]"))
            names.append("tie")
        return f"unnest({', '.join(arrays)}) AS q({', '.join(names)})"

    def _base(self, *, is_index_enough: bool = False) -> str:
        """The table that is walked along."""
        walk = self.walk
        if walk.source in _FINDS:
            return "lead_finds"
        if walk.source is Source.MARK:
            return "lead_words"
        if walk.range is not None:
            return walk.range.table
        if walk.source is not Source.COMPANY:
            return "leads"
        # By number there is an index of both, and no lead in one that is not in the other: words lie in lead_finds, and
        # its index knows no merged lead.
        by_finds = walk.order.is_by_number and (walk.words or is_index_enough)
        return "lead_finds" if by_finds else walk.order.table

    @property
    def _is_numbered(self) -> bool:
        walk = self.walk
        return walk.source in _NUMBERED or (walk.source is Source.RANGE and not walk.whole)

    def _behind(self, alias: str) -> str:
        """What lies behind the place."""
        if self.place is None:
            return ""
        order, sign = self.walk.order, "<" if self.walk.sorting.descending else ">"
        if order.is_by_number:
            return f" AND {alias}.number {sign} q.tie"
        key = self.parameters.add(self.place.key, order.type)
        return f" AND ({alias}.{order.key}, {alias}.{order.tie}) {sign} ({key}, q.tie)"

    def looked_at(self, looks: int | None = None, *, is_edge: bool = False) -> str:
        """What the walk comes by, all, or so many in its order, or only the last of these."""
        walk, order = self.walk, self.walk.order
        ordered = f" ORDER BY l.{order.key} {walk.sorting.direction}"
        ordered += "" if order.is_by_number else f", l.{order.tie} {walk.sorting.direction}"
        if walk.source is Source.WORD:
            numbered = f"SELECT DISTINCT l.company_id, l.number FROM lead_words l WHERE {self._worded()}"
            return numbered if walk.whole else f"{numbered}{self._way()}{ordered}{self._most(looks, is_edge)}"
        if walk.source is Source.KEY:
            kind, key = (self.parameters.add(part, "text") for part in walk.key or ())
            return (
                "SELECT l.company_id, l.number FROM lead_keys k"
                " JOIN leads l ON l.company_id = k.company_id AND l.id = k.lead_id"
                f" WHERE k.company_id = q.company_id AND k.kind = {kind} AND k.key = {key}"
            )
        base = self._base(is_index_enough=is_edge or looks is None)
        chosen = f"SELECT l.* FROM {base} l WHERE l.company_id = q.company_id AND {_PLAIN[walk.source]}"
        if base == "leads":
            chosen += " AND l.merged_into IS NULL"  # as the indexes have it; the other tables know no merged lead
        chosen += "".join(f" AND {part}" for part in predicates(walk.within, self.parameters))
        if walk.whole:
            return f"{chosen} OFFSET 0"  # by these conditions, not along the order of the page
        if walk.source is Source.RANGE:
            # By the index of the range alone, and so the leads are looked at that come first in the list.
            chosen = f"SELECT l.* FROM ({chosen} OFFSET 0) AS l WHERE true"
        present = "" if order.has_all else f" AND l.{order.key} IS NOT NULL"
        return f"{chosen}{present}{self._way()}{ordered}{self._most(looks, is_edge)}"

    def _way(self) -> str:
        along = "".join(f" AND {part}" for part in predicates(self.walk.along, self.parameters))
        return self._behind("l") + along

    def _most(self, looks: int | None, is_edge: bool) -> str:
        if looks is None:
            return ""
        return f" {'OFFSET' if is_edge else 'LIMIT'} {self.parameters.add(looks, 'bigint')}{' - 1 LIMIT 1' * is_edge}"

    def _worded(self) -> str:
        ranges = [self._range(beginning) for beginning in self.walk.word.beginnings] if self.walk.word else []
        return f"l.company_id = q.company_id AND ({' OR '.join(ranges)})"

    def _range(self, beginning: str) -> str:
        first, last = (self.parameters.add(text, "text") for text in (beginning, f"{beginning}\U0010ffff"))
        return f"(l.word >= {first} AND l.word < {last})"

    def fulfilled(self, looks: int) -> str:
        """Of those the ones that belong to the list: their company, id, key and tie."""
        walk, order = self.walk, self.walk.order
        looked_at = self.looked_at(looks)
        table = None if self._is_numbered else self._base()
        in_finds, has_lead = table == "lead_finds", table == "leads"
        base = "l" if has_lead else "f" if in_finds else "w"
        tables = f"({looked_at}) AS {base}"
        if not has_lead:
            tables += _of_same_lead("leads", "l", base)
        if walk.words and not in_finds:
            tables += _of_same_lead("lead_finds", "f", base)
        wanted = [*predicates(walk.terms, self.parameters), *(has(word, self.parameters) for word in walk.words)]
        # By the walked table's own columns, so that its order is known to be that of the list.
        ordered = "l" if walk.whole else base
        behind = self._behind("l").removeprefix(" AND ") if walk.whole else ""
        if walk.whole:
            wanted += predicates(walk.along, self.parameters)
            wanted += [] if order.has_all else [f"l.{order.key} IS NOT NULL"]
        chosen = " AND ".join(part for part in (*wanted, behind) if part) or "true"
        return (
            f"SELECT l.company_id, l.id, {ordered}.{order.key} AS key, {ordered}.{order.tie} AS tie"
            f" FROM {tables} WHERE {chosen}"
        )


def _of_same_lead(table: str, alias: str, base: str) -> str:
    """OFFSET 0 keeps rows from being found in any other way than by their key, and so in their order."""
    own = f"one.company_id = {base}.company_id AND one.number = {base}.number"
    return f" CROSS JOIN LATERAL (SELECT * FROM {table} one WHERE {own} OFFSET 0) AS {alias}"


def has(word: Asked, parameters: Parameters) -> str:
    """That the lead, whose row of lead_finds is f, has the word."""
    found = [f"f.words LIKE {parameters.add(containing(f' {beginning}'), 'text')}" for beginning in word.beginnings]
    return f"({' OR '.join(found)})"


class Spot(msgspec.Struct, frozen=True):
    """A lead on a page, and its place in the order."""

    lead_id: UUID
    place: Place


async def spots(connection: Connection, walk: Walk, place: Place | None, limit: int) -> list[Spot]:
    """The leads of the list behind the place, as far as the walk may look."""
    sql = _Sql(walk, place)
    lanes = sql.lanes
    fulfilled = sql.fulfilled(walk.looks)
    most = sql.parameters.add(limit, "bigint")
    # A lead of two marks is in two lanes.
    distinct = "DISTINCT " * (walk.source is Source.MARK and len(walk.lanes) > 1)
    statement = f"""
        SELECT {distinct}one.id, one.key, one.tie, one.company_id FROM {lanes}
        CROSS JOIN LATERAL ({fulfilled} ORDER BY {sql.order_by} LIMIT {most}) AS one
        ORDER BY {sql.order_by}, one.company_id LIMIT {most}
    """
    rows = await connection.fetch(statement, *sql.parameters.values)
    return [Spot(id, Place(walk.sorting, key, tie, company)) for id, key, tie, company in rows]


async def edge(connection: Connection, walk: Walk, place: Place | None, looks: int) -> Place | None:
    """Where a walk ends that looks at so many leads in each lane; None when it looks at all."""
    sql = _Sql(walk, place)
    lanes = sql.lanes
    looked_at = sql.looked_at(looks, is_edge=True)
    key, tie = f"one.{walk.order.key}", f"one.{walk.order.tie}"
    direction = walk.sorting.direction
    statement = f"""
        SELECT {key}, {tie}, one.company_id FROM {lanes} CROSS JOIN LATERAL ({looked_at}) AS one
        ORDER BY {key} {direction}, {tie} {direction}, one.company_id LIMIT 1
    """
    row = await connection.fetchrow(statement, *sql.parameters.values)
    return Place(walk.sorting, *row) if row else None


class Counted(msgspec.Struct, frozen=True):
    """How many leads there are; an estimate may be wrong."""

    count: int
    is_estimate: bool = False


async def count(connection: Connection, walk: Walk) -> Counted:
    """Exact up to a limit, of found leads and of those to be looked at; otherwise there are at least so many."""
    sql = _Sql(walk)
    lanes = sql.lanes
    if walk.passes_over or walk.whole:
        looks = max(COUNT_LIMIT // len(walk.lanes), _FEWEST_LOOKS)
        if walk.may_stop and await edge(connection, walk, None, looks) is not None:
            return Counted(0, is_estimate=True)
        chosen = sql.fulfilled(looks)
    else:
        chosen = sql.looked_at()
    distinct = "DISTINCT one.company_id, one.id" if walk.source is Source.MARK else ""
    most = sql.parameters.add(COUNT_LIMIT + 1, "bigint")
    statement = f"""
        SELECT count(*) FROM (
            SELECT {distinct} FROM {lanes} CROSS JOIN LATERAL ({chosen} LIMIT {most}) AS one LIMIT {most}
        ) AS counted
    """
    found = await connection.fetchval(statement, *sql.parameters.values)
    return Counted(found, is_estimate=found > COUNT_LIMIT)


_STRETCHES = 100
_LOOKS_EACH = 25


async def estimate(
    connection: Connection, companies: Sequence[UUID], terms: Sequence[Term], words: Sequence[Asked]
) -> int:
    """About how many leads fulfil this: a few are looked at in each of many stretches of the companies' numbers."""
    parameters = Parameters()
    given, each = parameters.add(companies, "uuid[]"), parameters.add(_LOOKS_EACH, "bigint")
    parts = parameters.add(max(_STRETCHES // len(companies), 2), "bigint")
    wanted = " AND ".join([*predicates(terms, parameters), *(has(word, parameters) for word in words)]) or "true"
    # Words lie in lead_finds, all else in leads, where a stretch lies side by side.
    if words:
        table, alias, lead = "lead_finds", "f", _of_same_lead("leads", "l", "f") if terms else ""
    else:
        table, alias, lead = "leads", "l", ""
    shown = " AND merged_into IS NULL" * (table == "leads")
    end = "SELECT number FROM lead_finds WHERE company_id = q.company_id ORDER BY number"
    statement = f"""
        SELECT coalesce(round(sum(CASE WHEN seen.looked < {each} THEN seen.found
            ELSE seen.found * stretch.width::numeric / (seen.last - stretch.first + 1) END)), 0)::bigint
        FROM unnest({given}) AS q(company_id)
        CROSS JOIN LATERAL ({end} LIMIT 1) AS low CROSS JOIN LATERAL ({end} DESC LIMIT 1) AS top
        CROSS JOIN LATERAL (SELECT (top.number - low.number) / {parts} + 1 AS width) AS wide
        CROSS JOIN LATERAL (
            SELECT low.number + part * wide.width AS first, wide.width FROM generate_series(0, {parts} - 1) AS part
        ) AS stretch
        CROSS JOIN LATERAL (
            SELECT count(*) AS looked, count(*) FILTER (WHERE {wanted}) AS found, max({alias}.number) AS last FROM (
                SELECT * FROM {table} WHERE company_id = q.company_id{shown}
                    AND number >= stretch.first AND number < stretch.first + stretch.width ORDER BY number LIMIT {each}
            ) AS {alias} {lead}
        ) AS seen
    """
    return int(await connection.fetchval(statement, *parameters.values))


async def size(connection: Connection, walk: Walk, most: int) -> int:
    """How many entries the walk's source has, counted up to one more than `most`."""
    sql = _Sql(replace(walk, whole=True))
    lanes = sql.lanes
    limit = sql.parameters.add(most + 1, "bigint")
    looked_at = sql.looked_at().replace("SELECT DISTINCT", "SELECT", 1)
    statement = f"""
        SELECT count(*) FROM (
            SELECT FROM {lanes} CROSS JOIN LATERAL ({looked_at} LIMIT {limit}) AS one LIMIT {limit}
        ) AS counted
    """
    return int(await connection.fetchval(statement, *sql.parameters.values))


def lanes_of(companies: Sequence[UUID], texts: Sequence[str] = ()) -> tuple[Lane, ...]:
    """A lane for each company, or for each text in each company."""
    if not texts:
        return tuple(Lane(company_id) for company_id in companies)
    return tuple(Lane(company_id, text=text) for company_id in companies for text in dict.fromkeys(texts))
