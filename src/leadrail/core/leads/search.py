"""A page of a list of leads that may be long: which way leads to it soonest, and what is on it.

Nothing here takes longer because there are more leads: see docs/search.md for what that means to who asks.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.counts import reading as counts
from leadrail.core.counts.reading import Measure, Question
from leadrail.core.identity import KeyKind
from leadrail.core.leads import walks
from leadrail.core.leads.filters import Condition, Group, Joint, Operator, Term
from leadrail.core.leads.orders import ORDERS, Place, Sorting
from leadrail.core.leads.walks import Counted, Lane, Source, Spot, Walk, lanes_of
from leadrail.core.leads.words import MARKED, Asked, marks_for, word_of_address
from leadrail.db.database import Connection

# So many lanes are merged at most, and of so many leads a whole list is sorted; by number, an index knows their order.
_MOST_LANES = 64
_FEW = 1_000
_FEW_NUMBERS = 5_000
# A word with more leads than that is looked for in each lead on the way instead.
_MOST_WITH_WORD = 10_000


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The list that is asked for: of these statuses of channels, one lane each, and of what else holds.

    `has_all`: the lanes are all that their companies have, so nobody needs to look whether a lead is in them.
    """

    lanes: tuple[Lane, ...]
    has_all: bool = False
    terms: tuple[Term, ...] = ()
    words: tuple[Asked, ...] = ()
    key: tuple[KeyKind, str] | None = None
    sorting: Sorting = Sorting()


def newest_first(terms: Sequence[Term]) -> Sorting:
    """The order of a list that names none: by the time of creation when that is narrowed, else by number."""
    by_time = any(isinstance(term, Condition) and term.field == "created_at" for term in _flat(terms))
    return Sorting(ORDERS["created_at"]) if by_time else Sorting()


class Found(msgspec.Struct, frozen=True):
    """The part of the list that was found, and where the next one begins, if there is more to look at."""

    spots: tuple[Spot, ...] = ()
    next: Place | None = None
    counted: Counted = Counted(0)


async def search(
    connection: Connection, wanted: Wanted, *, after: Place | None, limit: int, with_count: bool = False
) -> Found:
    """A page may be short, or empty, and have a `next`: then it looked at as many leads as one may.

    Raises Refused (`invalid`).
    """
    plan = _Plan(wanted)
    if not plan.lanes:
        return Found()
    if not with_count and (likely := plan.likely()) is not None:
        rows = await walks.spots(connection, likely, after, limit + 1)
        if not likely.may_stop or len(rows) > limit:
            rows = [replace(row, place=replace(row.place, sorting=wanted.sorting)) for row in rows]
            return _found(rows, limit, None)
    # One view of the leads, so that the edge is that of the rows.
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        walk = await _chosen(connection, plan)
        rows = await walks.spots(connection, walk, after, limit + 1)
        is_sure = not walk.may_stop or (len(rows) > limit and _needs_no_edge(walk))
        edge = None if is_sure else await walks.edge(connection, walk, after, walk.looks)
        counted = await _counted(connection, plan, walk, len(rows)) if with_count else Counted(0)
    return replace(_found(rows, limit, edge), counted=counted)


def _needs_no_edge(walk: Walk) -> bool:
    """Whether a full page shows all there is before its end: of several lanes, one may have ended early."""
    return not walk.may_stop or len(walk.lanes) == 1


def _found(rows: Sequence[Spot], limit: int, edge: Place | None) -> Found:
    """The page, up to its limit or to the edge of what was looked at."""
    sure = tuple(row for row in rows if edge is None or not row.place.is_behind(edge))
    if len(sure) > limit:
        return Found(sure[:limit], sure[limit - 1].place)
    return Found(sure, edge)


async def _counted(connection: Connection, plan: "_Plan", walk: Walk, seen: int) -> Counted:
    """Whatever the order is, it is counted by the one that narrows the list most. So many are `seen` on `walk`."""
    order = plan.wanted.sorting.order
    if not order.has_all:
        present = Condition(order.key, Operator.EXISTS, True)
        plan = _Plan(replace(plan.wanted, terms=(*plan.wanted.terms, present)))
    by_key = bool(plan.along) and not plan.terms and not plan.wanted.words
    if not order.is_by_number:
        plan = plan if by_key else _Plan(replace(plan.wanted, sorting=Sorting()))
        walk = await _chosen(connection, plan)
    counted = await walks.count(connection, walk)
    if not counted.is_estimate:
        return counted
    if (total := await _standing(connection, plan)) is not None:
        return total
    wanted = plan.everything()
    about = await walks.estimate(connection, plan.companies, *wanted)
    return Counted(max(counted.count, seen, about), is_estimate=True)


async def _standing(connection: Connection, plan: "_Plan") -> Counted | None:
    """What is kept of the numbers on the board, when these are asked for."""
    if plan.terms or plan.along or plan.wanted.words or plan.wanted.key is not None:
        return None
    total, is_exact = 0, True
    for company_id in plan.companies:
        ids = [lane.status_id for lane in plan.lanes if lane.company_id == company_id and lane.status_id is not None]
        question = Question(measures=(Measure.STANDING,), status_ids=ids)
        reading = await counts.read(connection, company_id, question, datetime.now(UTC))
        total += sum(cell.n for cell in reading.cells)
        is_exact = is_exact and reading.is_exact
    return Counted(total, is_estimate=not is_exact)


async def _chosen(connection: Connection, plan: "_Plan") -> Walk:
    """The way that is known to be short, else one along the order of the list."""
    order = plan.wanted.sorting.order
    if plan.wanted.key is not None:
        return plan.walk(Source.KEY, lanes_of(plan.companies), whole=True)
    worded = await _by_word(connection, plan, _MOST_WITH_WORD if order.is_by_number else _FEW)
    if worded is not None:
        return worded
    if order.is_by_number and plan.has_one_way:
        return plan.by_number()
    most = _FEW_NUMBERS if order.is_by_number else _FEW
    for walk in (*plan.narrow(), *plan.ranges()):
        if await walks.size(connection, walk, most) <= most:
            return replace(walk, whole=not order.is_by_number)
    return plan.by_number() if order.is_by_number else plan.walk(Source.COMPANY, lanes_of(plan.companies))


async def _by_word(connection: Connection, plan: "_Plan", most: int) -> Walk | None:
    """By the rarest of the words, if it is rare enough."""
    rarest: Walk | None = None
    fewest = most + 1
    for word in (*plan.addresses, *plan.wanted.words):
        walk = plan.walk(Source.WORD, lanes_of(plan.companies), word=word, whole=True)
        if (size := await walks.size(connection, walk, most)) < fewest:
            rarest, fewest = walk, size
        if fewest <= _FEW:
            break
    return replace(rarest, whole=not plan.wanted.sorting.order.is_by_number) if rarest is not None else None


class _Plan:
    """The conditions of a list, sorted by what they are good for."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.lanes = wanted.lanes
        self.texts: list[tuple[Source, list[str]]] = []
        self.bounds: dict[str, list[Term]] = {}
        self.addresses: list[Asked] = []
        self.along: list[Term] = []
        self.terms: list[Term] = []
        for term in _flat(wanted.terms):
            self._sort_in(term)
        self.companies = tuple(sorted({lane.company_id for lane in self.lanes}))
        self._is_narrowed = len(self.lanes) < len(wanted.lanes)
        self._is_all = wanted.has_all and not self._is_narrowed

    def _sort_in(self, term: Term) -> None:
        if isinstance(term, Group):
            self.terms.append(term)
        elif (ids := _ids_of(term)) is not None:
            self.lanes = tuple(lane for lane in self.lanes if getattr(lane, term.field) in ids)
        elif term.field == self.wanted.sorting.order.key:
            self.along.append(term)
        else:
            self.terms.append(term)
            self._narrow_by(term)

    def _narrow_by(self, term: Condition) -> None:
        """Notes down what an index knows of the term."""
        if term.field in ORDERS and term.operator in _BOUNDING and term.value is not None:
            self.bounds.setdefault(term.field, []).append(term)
        if not (values := _values_of(term)):
            return
        document, _, member = term.field.partition(".")
        if term.field in _TEXTS:
            self.texts.append((_TEXTS[term.field], values))
        elif document in ("properties", "numbers") or (document == "attribution" and member in MARKED):
            marks = (mark for one in member.split(",") for value in values for mark in marks_for(one, value))
            self.texts.insert(0, (Source.MARK, list(marks)))
        elif term.field == "email":
            words = [word_of_address(value) for value in values]
            if None not in words:
                self.addresses.append(Asked(tuple(word for word in words if word is not None)))

    def narrow(self) -> Iterator[Walk]:
        """The walks in lanes of their own, the ones that are likely to be shorter first."""
        for source, texts in self.texts:
            lanes = lanes_of(self.companies, texts)
            if len(lanes) <= _MOST_LANES:
                yield self.walk(source, lanes)
        if len(self.lanes) <= _MOST_LANES and not self._is_all:
            yield self.walk(Source.STATUS, self.lanes)

    def ranges(self) -> Iterator[Walk]:
        """The walks through all of what lies between the bounds of a key that is not that of the order."""
        for field, terms in self.bounds.items():
            walk = self.walk(Source.RANGE, lanes_of(self.companies))
            yield replace(walk, range=ORDERS[field], within=tuple(terms))

    def everything(self) -> tuple[tuple[Term, ...], tuple[Asked, ...]]:
        """All that a lead of the companies must fulfil."""
        whole = self.walk(Source.COMPANY, lanes_of(self.companies))
        return (*whole.along, *whole.terms), whole.words

    def by_number(self) -> Walk:
        """The walk that is the likeliest to be short, of those that have the order by number."""
        return next(self.narrow(), None) or self.walk(Source.COMPANY, lanes_of(self.companies))

    @property
    def has_one_way(self) -> bool:
        """Whether there is nothing to choose from."""
        has_others = self.bounds or self.wanted.words or self.addresses
        return not has_others and len(list(self.narrow())) <= 1

    def likely(self) -> Walk | None:
        """A walk that fills a page soon, as long as what is asked for is not rare."""
        wanted = self.wanted
        if wanted.words or self.addresses or wanted.key is not None or not wanted.sorting.order.is_by_number:
            return None
        walk = self.by_number()
        if not _needs_no_edge(walk) or (walk.may_stop and self.has_one_way):
            return None
        # Less than a page may look at: what is rare is looked for again, on the way that is best.
        first = replace(wanted.sorting, order=replace(wanted.sorting.order, looks=min(_FEW, walk.order.looks)))
        return replace(walk, sorting=first)

    def walk(self, source: Source, lanes: tuple[Lane, ...], *, whole: bool = False, word: Asked | None = None) -> Walk:
        return Walk(
            source=source,
            lanes=lanes,
            sorting=self.wanted.sorting,
            whole=whole,
            word=word,
            key=self.wanted.key,
            along=tuple(self.along),
            terms=(*self._outside(source), *self.terms),
            words=tuple(one for one in self.wanted.words if one is not word),
        )

    def _outside(self, source: Source) -> list[Term]:
        """What the lanes of statuses say, where the walk does not go along them."""
        if source is Source.STATUS or self._is_all:
            return []
        channels = tuple(dict.fromkeys(lane.channel_id for lane in self.lanes))
        within: list[Term] = [Condition("channel_id", Operator.IN, channels)]
        if self._is_narrowed:
            within.append(Condition("status_id", Operator.IN, tuple(lane.status_id for lane in self.lanes)))
        return within


_BOUNDING = frozenset({Operator.EQ, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})
_TEXTS = {"assignee": Source.ASSIGNEE, "source": Source.SOURCE}


def _flat(terms: Sequence[Term]) -> Iterator[Term]:
    """The terms, those of a group that demands all of them among them."""
    for term in terms:
        if isinstance(term, Group) and term.joint is Joint.AND:
            yield from _flat(term.terms)
        else:
            yield term


def _ids_of(condition: Condition) -> frozenset[UUID] | None:
    """The channels or statuses that a condition demands one of."""
    if condition.field not in ("channel_id", "status_id"):
        return None
    if condition.operator is Operator.EQ:
        return frozenset({condition.value})
    return frozenset(condition.value) if condition.operator is Operator.IN else None


def _values_of(condition: Condition) -> list[Any]:
    """The values of which a condition demands one, if it does."""
    if condition.operator is Operator.EQ and condition.value is not None:
        return [condition.value]
    if condition.operator is Operator.IN and None not in condition.value:
        return list(condition.value)
    return []
