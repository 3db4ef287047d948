"""Dates as Octanist takes them: days, and moments of a millisecond, both as spans of time."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from leadrail.core.errors import Code, refuse
from leadrail.dialects.octanist.errors import bad_date

EARLIEST, LATEST = 1900, 2200
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# Answers show milliseconds: whoever asks for what comes after such a time has seen all of that millisecond.
_TICK = timedelta(milliseconds=1)


class Span(msgspec.Struct, frozen=True):
    """From `start` to before `end`, both in UTC."""

    start: datetime
    end: datetime


def day(text: str, name: str) -> date:
    """Raises Unusable (`INVALID_DATE`)."""
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not EARLIEST <= found.year < LATEST:
        raise bad_date(text, name, "a date like 2026-01-31")
    return found


def period(start: str | None, end: str | None) -> tuple[date, date]:
    """The first and the last day. Raises Refused (`invalid`) and Unusable (`INVALID_DATE`)."""
    given = {"startDate": start, "endDate": end}
    for name, text in given.items():
        if not text:
            raise refuse(Code.INVALID, f'Send "{name}", a date like 2026-01-31', f"/{name}")
    first, last = (day(text or "", name) for name, text in given.items())
    if last < first:
        raise refuse(Code.INVALID, f'"endDate" {last} lies before "startDate" {first}', "/endDate")
    return first, last


def days(first: date, last: date, zone: ZoneInfo) -> Span:
    """Whole days where the zone is, the last one included."""
    return Span(_midnight(first, zone), _midnight(last + timedelta(days=1), zone))


def span(text: str, name: str, zone: ZoneInfo) -> Span:
    """The time that a text names: a whole day, or the millisecond of a moment. What names no offset is in the zone.

    Raises Unusable (`INVALID_DATE`).
    """
    if _DAY.fullmatch(text):
        found = day(text, name)
        return days(found, found, zone)
    start = _moment(text, name, zone)
    return Span(start, start + _TICK)


def _moment(text: str, name: str, zone: ZoneInfo) -> datetime:
    form = "a date or a time like 2026-01-31 or 2026-01-31T09:30:00.000Z"
    try:
        # In a query, a plus sign that was not escaped arrives as a blank.
        found = datetime.fromisoformat(text[:11] + text[11:].replace(" ", "+").upper())
    except ValueError:
        raise bad_date(text, name, form) from None
    if not _DAY.match(text) or not EARLIEST <= found.year < LATEST:
        raise bad_date(text, name, form)
    placed = found if found.tzinfo is not None else found.replace(tzinfo=zone)
    return placed.astimezone(UTC).replace(microsecond=found.microsecond // 1000 * 1000)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
