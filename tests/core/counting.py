"""Counting the slow way, obviously right: every lead and every event of a company, looked at one by one."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import floor, log2
from typing import Any
from uuid import UUID

from leadrail.core.counts.reading import Cell, Grain, Kind, Measure, Question
from leadrail.db.database import Connection

Key = tuple[Measure, UUID, UUID | None, str, str | None, date | None]
Sums = dict[Key, tuple[int, Decimal]]


async def slowly(connection: Connection, company_id: UUID, question: Question) -> Sums:
    """What `reading.read` must answer. One kind at a time."""
    found: Counter[Key] = Counter()
    values: dict[Key, Decimal] = defaultdict(Decimal)
    for key, value in await _each(connection, company_id, question.kinds[0]):
        measure, status_id, source, detail, word, day = key
        if measure not in question.measures or status_id not in question.status_ids:
            continue
        if question.kinds[0] is not Kind.ALL and (word is None or question.word not in (None, word)):
            continue
        assert day is not None
        if not (question.since or date.min) <= day < (question.until or date.max):
            continue
        shown = (measure, status_id, source, detail, word, _taken_together(day, question.grain))
        found[shown] += 1
        values[shown] += value
    return {key: (found[key], values[key]) for key in found}


async def _each(connection: Connection, company_id: UUID, kind: Kind) -> list[tuple[Key, Decimal]]:
    leads = await connection.fetch("SELECT * FROM leads WHERE company_id = $1", company_id)
    events: dict[UUID, list[Any]] = defaultdict(list)
    statement = "SELECT *, data ->> 'seconds_in_previous' AS seconds FROM events WHERE company_id = $1 ORDER BY seq"
    actors = set()
    for event in await connection.fetch(statement, company_id):
        events[event["lead_id"]].append(event)
        actors.add(event["actor_id"])
    keys = await connection.fetch("SELECT id, company_id FROM api_keys WHERE id = ANY($1)", actors)
    partners = {key["id"]: str(key["company_id"]) for key in keys if key["company_id"] != company_id}
    return [row for lead in leads for row in _of_lead(lead, events[lead["id"]], partners, kind)]


def _of_lead(lead: Any, events: list[Any], partners: dict[UUID, str], kind: Kind) -> Iterator[tuple[Key, Decimal]]:
    words = {
        Kind.ALL: None,
        Kind.SOURCE: lead["source"],
        Kind.ASSIGNEE: lead["assignee"],
        Kind.CAMPAIGN: lead["attribution"].get("utm_campaign") or None,
        Kind.PARTNER: partners.get(events[0]["actor_id"]),
    }
    word, currency, value = words[kind], lead["currency"] or "", lead["value"] or Decimal(0)
    if lead["merged_into"] is not None:
        # It is no lead of its own; what it did was done.
        yield from _of_moves(events) if kind is Kind.ALL else ()
        return
    created, status_id = _day(lead["created_at"]), lead["status_id"]
    yield (Measure.STANDING, status_id, None, currency, word, created), value
    if lead["closed_at"] is not None:
        yield (Measure.CLOSED, status_id, None, currency, word, _day(lead["closed_at"])), value
    if kind is Kind.ALL:
        yield (Measure.SINCE, status_id, None, "", word, _day(lead["status_changed_at"])), Decimal(0)
        yield from _of_moves(events)
    passed = list(dict.fromkeys(event["to_status_id"] for event in events if event["to_status_id"] is not None))
    for place, status_id in enumerate(passed):
        for source in (None, *passed[:place]):
            yield (Measure.PASSED, status_id, source, "", word, created), Decimal(0)


def _of_moves(events: list[Any]) -> Iterator[tuple[Key, Decimal]]:
    for event in events:
        source, target, day = event["from_status_id"], event["to_status_id"], _day(event["occurred_at"])
        if target is None or source == target:
            continue
        yield (Measure.MOVED, target, source, "", None, day), Decimal(0)
        if source is not None:
            seconds = int(event["seconds"])
            step = 1 + floor(8 * log2(seconds)) if seconds else 0
            yield (Measure.STAYED, source, None, str(step), None, day), Decimal(0)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _taken_together(day: date, grain: Grain) -> date | None:
    return {
        Grain.DAY: day,
        Grain.WEEK: day - timedelta(days=day.weekday()),
        Grain.MONTH: day.replace(day=1),
        Grain.EVER: None,
    }[grain]


def sums_of(cells: list[Cell]) -> Sums:
    """The cells of a reading in the same shape."""
    return {
        (cell.measure, cell.status_id, cell.from_id, cell.detail, cell.word, cell.day): (cell.n, cell.value)
        for cell in cells
    }
