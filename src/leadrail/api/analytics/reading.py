"""The counts as tables: each is put together from the sums that `asking` finds."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, timedelta
from decimal import Decimal
from uuid import UUID

from leadrail.api.analytics.asking import Counts, ask
from leadrail.api.analytics.shapes import (
    Aged,
    Ageing,
    AgeingQuery,
    Board,
    BoardQuery,
    Column,
    Conversion,
    Funnel,
    Moves,
    MovesQuery,
    Passage,
    Share,
    Shares,
    SharesQuery,
    Stage,
    Standings,
    Stay,
    Velocity,
    Way,
    Won,
    WonList,
    WonQuery,
    Worth,
)
from leadrail.api.operation import Call
from leadrail.core.channels.model import CLOSED, Category, Named
from leadrail.core.counts.figures import AGES, ages, length_at
from leadrail.core.counts.reading import Cell, Grain, Kind, Measure
from leadrail.kit.http import Response, json_response


async def board(call: Call[None, BoardQuery]) -> Response:
    counts = await ask(call, Measure.STANDING)
    cells = _by_status(counts.cells)
    data = [
        Column(channel.id, Named.of(status), _leads(cells[status.id]), _worth(cells[status.id]))
        for channel, status in counts.statuses()
    ]
    return json_response(200, Board(**counts.said, leads=_leads(counts.cells), data=data))


async def funnel(call: Call[None, BoardQuery]) -> Response:
    counts = await ask(call, Measure.STANDING, Measure.PASSED)
    standing = _sums(counts, Measure.STANDING)
    reached: Counter[UUID] = Counter()
    later: Counter[tuple[UUID, UUID]] = Counter()
    for cell in counts.cells:
        if cell.measure is Measure.PASSED and cell.from_id is None:
            reached[cell.status_id] += cell.n
        elif cell.measure is Measure.PASSED and cell.from_id is not None:
            later[cell.from_id, cell.status_id] += cell.n
    statuses = list(counts.statuses())
    data = [
        Stage(channel.id, Named.of(status), reached[status.id], standing[status.id]) for channel, status in statuses
    ]
    conversions = [
        Conversion(one.id, other.id, leads, round(leads / reached[one.id], 4))
        for home, one in statuses
        for channel, other in statuses
        if home.id == channel.id and (leads := later[one.id, other.id])
    ]
    return json_response(200, Funnel(**counts.said, leads=standing.total(), data=data, conversions=conversions))


async def moves(call: Call[None, MovesQuery]) -> Response:
    counts = await ask(call, Measure.MOVED, Measure.STAYED)
    entered = _sums(counts, Measure.MOVED)
    # By the stays that ended: a lead may have gone to a status of a channel that is not asked about.
    left = _sums(counts, Measure.STAYED)
    made = Counter[tuple[UUID | None, UUID]]()
    for cell in counts.of(Measure.MOVED):
        made[cell.from_id, cell.status_id] += cell.n
    statuses = list(counts.statuses())
    data = [Passage(channel.id, Named.of(status), entered[status.id], left[status.id]) for channel, status in statuses]
    sources: list[UUID | None] = [None, *(status.id for _, status in statuses)]
    ways = [
        Way(source, status.id, number, round(number / left[source], 4) if source is not None else None)
        for source in sources
        for _, status in statuses
        if (number := made[source, status.id])
    ]
    return json_response(200, Moves(**counts.said, data=data, ways=ways))


async def shares(call: Call[None, SharesQuery]) -> Response:
    kind = Kind(call.query.by)
    counts = await ask(call, Measure.STANDING, kinds=(Kind.ALL, kind))
    categories = {status.id: status.category for channel in counts.channels for status in channel.statuses}
    named: dict[str, list[Cell]] = defaultdict(list)
    beyond: list[Cell] = []
    for cell in counts.of(Measure.STANDING, kind):
        (beyond if cell.word is None else named[cell.word]).append(cell)
    rows = [_share(name, cells, categories) for name, cells in named.items()]
    # Who has none is not summed: it is what all are more than those together.
    told = [_negative(cell) for cell in counts.of(Measure.STANDING, kind)]
    none = _share(None, counts.of(Measure.STANDING) + told, categories)
    rows += [none] if none.leads else []
    rows.sort(key=lambda row: (-row.leads, row.name is None, row.name or ""))
    others = _share(None, beyond, categories) if beyond else None
    return json_response(200, Shares(**counts.said, data=rows, others=others))


async def won(call: Call[None, WonQuery]) -> Response:
    counts = await ask(call, Measure.CLOSED, grain=Grain(call.query.interval))
    statuses = {status.id for _, status in counts.statuses() if status.category is Category.WON}
    days: dict[date, list[Cell]] = defaultdict(list)
    for cell in counts.cells:
        if cell.status_id in statuses and cell.day is not None:
            days[cell.day].append(cell)
    data = [Won(day, _leads(days[day]), _worth(days[day])) for day in sorted(days)]
    return json_response(200, WonList(**counts.said, data=data))


async def velocity(call: Call[None, MovesQuery]) -> Response:
    counts = await ask(call, Measure.STAYED)
    lengths: dict[UUID, Counter[int]] = defaultdict(Counter)
    for cell in counts.cells:
        lengths[cell.status_id][int(cell.detail)] += cell.n
    data = [
        Stay(
            channel.id,
            Named.of(status),
            lengths[status.id].total(),
            length_at(0.5, lengths[status.id]),
            length_at(0.9, lengths[status.id]),
        )
        for channel, status in counts.statuses()
    ]
    return json_response(200, Velocity(**counts.said, data=data))


async def ageing(call: Call[None, AgeingQuery]) -> Response:
    today = call.core.clock().astimezone(UTC).date()
    counts = await ask(call, Measure.SINCE, grain=Grain.DAY, earliest=today - timedelta(days=AGES[-1]))
    since: dict[UUID, Counter[date]] = defaultdict(Counter)
    for cell in counts.cells:
        if cell.day is not None:
            since[cell.status_id][cell.day] += cell.n
    data = [
        Aged(channel.id, Named.of(status), since[status.id].total(), ages(since[status.id], today))
        for channel, status in counts.statuses()
        if status.category not in CLOSED | {Category.DELETED}
    ]
    return json_response(200, Ageing(**counts.said, data=data))


def _by_status(cells: Iterable[Cell]) -> dict[UUID, list[Cell]]:
    found: dict[UUID, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell.status_id].append(cell)
    return found


def _sums(counts: Counts, measure: Measure) -> Counter[UUID]:
    sums: Counter[UUID] = Counter()
    for cell in counts.cells:
        if cell.measure is measure:
            sums[cell.status_id] += cell.n
    return sums


def _leads(cells: Iterable[Cell]) -> int:
    return sum(cell.n for cell in cells)


def _worth(cells: Iterable[Cell]) -> list[Worth]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for cell in cells:
        sums[cell.detail] += cell.value
    return [Worth(currency or None, sums[currency]) for currency in sorted(sums) if sums[currency]]


def _share(name: str | None, cells: list[Cell], categories: dict[UUID, Category]) -> Share:
    standing: Counter[str] = Counter()
    for cell in cells:
        standing[categories[cell.status_id]] += cell.n
    leads = standing.total()
    worth = _worth(cell for cell in cells if categories[cell.status_id] is Category.WON)
    rate = round(standing[Category.WON] / leads, 4) if leads else 0.0
    return Share(name, leads, Standings(**standing), rate, worth)


def _negative(cell: Cell) -> Cell:
    return Cell(
        cell.measure, cell.kind, cell.status_id, cell.from_id, cell.detail, None, False, cell.day, -cell.n, -cell.value
    )
