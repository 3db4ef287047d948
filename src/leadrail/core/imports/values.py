"""Cells as values: amounts and moments as people and spreadsheets write them. Pure."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from leadrail.core.imports.model import DateOrder, DecimalMark

_AMOUNT = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_GROUPS = {DecimalMark.POINT: ",", DecimalMark.COMMA: "."}
_CURRENCY_SIGNS = "€$£¥₹₣₺₽₴฿₫₪₩ "
_DAY = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:[ ,T]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([ap])\.?m\.?)?)?", re.I
)
_ZONED = re.compile(r"(.*\d)\s*(?:UTC|GMT|Z)", re.I)
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


class NotReadable(Exception):
    """The text is none of what was wanted; the message says of what."""


def unguarded(cell: str) -> str:
    """The cell without the apostrophe that keeps a spreadsheet from running it."""
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell) else cell


def amount(text: str, mark: DecimalMark) -> Decimal:
    """`1.234,50 €` with a comma, `$1,234.50` with a point. Raises NotReadable."""
    bare = (
        text.strip()
        .strip(_CURRENCY_SIGNS + "\u00a0\u202f")
        .replace(" ", "")
        .replace("\u00a0", "")
        .replace("\u202f", "")
    )
    bare = re.sub(r"^[A-Z]{3}|[A-Z]{3}$", "", bare).replace("'", "").replace("’", "")
    group = _GROUPS[mark]
    if group in bare:
        whole, _, decimals = bare.partition(mark)
        parts = whole.lstrip("+-").split(group)
        if group in decimals or any(len(part) != 3 for part in parts[1:]) or not 0 < len(parts[0]) <= 3:
            other = "," if mark is DecimalMark.POINT else "."
            raise NotReadable(f'"{text}" is no amount with the decimal mark "{mark}" (a file with "{other}" says so)')
        bare = bare.replace(group, "")
    if mark is DecimalMark.COMMA:
        bare = bare.replace(",", ".")
    if not _AMOUNT.fullmatch(bare):
        raise NotReadable(f'"{text}" is no amount')
    try:
        return Decimal(bare)
    except InvalidOperation:
        raise NotReadable(f'"{text}" is no amount') from None


def moment(text: str, order: DateOrder | None, zone: ZoneInfo) -> datetime:
    """A date, with or without a time and an offset; without one it is a moment of `zone`. Raises NotReadable."""
    bare = text.strip()
    if (match := _DAY.fullmatch(bare)) is not None:
        return _by_day(match, text, order).replace(tzinfo=zone).astimezone(UTC)
    if (match := _ZONED.fullmatch(bare)) is not None:
        bare = f"{match[1]}+00:00"
    try:
        found = datetime.fromisoformat(bare)
        return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotReadable(f'"{text}" is no date; write 2026-04-30 or 2026-04-30T13:00:00Z') from None


def _by_day(match: re.Match[str], text: str, order: DateOrder | None) -> datetime:
    first, sign, second, year = int(match[1]), match[2], int(match[3]), int(match[4])
    if sign == "." or (order is None and first == second):
        order = DateOrder.DAY_FIRST
    elif order is None and max(first, second) > 12:
        order = DateOrder.DAY_FIRST if first > 12 else DateOrder.MONTH_FIRST
    if order is None:
        raise NotReadable(f'"{text}" may be two days; say whether the day or the month is first (date_order)')
    day, month = (first, second) if order is DateOrder.DAY_FIRST else (second, first)
    if len(match[4]) == 2:
        year += 2000 if year < 70 else 1900
    hour, minute, seconds = int(match[5] or 0), int(match[6] or 0), int(match[7] or 0)
    if match[8]:
        if not 1 <= hour <= 12:
            raise NotReadable(f'"{text}" is no date')
        hour = hour % 12 + (12 if match[8].lower() == "p" else 0)
    try:
        return datetime(year, month, day, hour, minute, seconds)  # noqa: DTZ001 - the caller knows the zone
    except ValueError:
        raise NotReadable(f'"{text}" is no date') from None


def order_of(texts: list[str]) -> DateOrder | None:
    """The order of days and months that all of these dates agree on, if they say."""
    firsts, seconds = [], []
    for text in texts:
        if (match := _DAY.fullmatch(text.strip())) is not None and match[2] != ".":
            firsts.append(int(match[1]))
            seconds.append(int(match[3]))
    if any(first > 12 for first in firsts):
        return DateOrder.DAY_FIRST
    return DateOrder.MONTH_FIRST if any(second > 12 for second in seconds) else None


def mark_of(texts: list[str]) -> DecimalMark:
    """The decimal mark of these amounts: a comma when one of them can be read in no other way."""
    for text in texts:
        tail = re.search(r"([.,])\d{1,2}\D*$|([.,])\d{4,}\D*$", text.strip())
        if tail is not None:
            return DecimalMark.COMMA if "," in tail[0] else DecimalMark.POINT
        if re.search(r"\d\.\d{3}\.\d{3}", text):
            return DecimalMark.COMMA
    return DecimalMark.POINT
