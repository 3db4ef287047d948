"""Cells as people and spreadsheets write them."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from leadrail.core.imports.model import DateOrder, DecimalMark
from leadrail.core.imports.values import NotReadable, amount, mark_of, moment, order_of

BERLIN = ZoneInfo("Europe/Berlin")
POINT, COMMA = DecimalMark.POINT, DecimalMark.COMMA


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("1234.5", POINT, "1234.5"),
        ("$1,234.50", POINT, "1234.50"),
        ("EUR 1,234,567", POINT, "1234567"),
        ("1.234,50 €", COMMA, "1234.50"),
        ("1 234,5", COMMA, "1234.5"),
        ("1\u202f234\u00a0€", COMMA, "1234"),
        ("CHF 1'234.50", POINT, "1234.50"),
        ("-3", POINT, "-3"),
        ("1e3", POINT, "1E+3"),
    ],
)
def test_amounts(text: str, mark: DecimalMark, value: str) -> None:
    assert amount(text, mark) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "mark"),
    [("much", POINT), ("1,5", POINT), ("1.2345,0", COMMA), ("1,2,3", POINT), ("12.34.5", POINT), ("1.5", COMMA)]
    + [("1e9999999999", POINT), ("NaN", POINT), ("", POINT), ("٣", POINT)],
)
def test_what_is_no_amount_is_refused_and_not_guessed(text: str, mark: DecimalMark) -> None:
    with pytest.raises(NotReadable):
        amount(text, mark)


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2026-07-01", None, datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-07-01T10:00:00Z", None, datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("2026-07-01 10:00:00 UTC", None, datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("2026-07-01T10:00:00-05:00", None, datetime(2026, 7, 1, 15, tzinfo=UTC)),
        ("01.07.2026 10:00", None, datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("13/7/2026", None, datetime(2026, 7, 12, 22, tzinfo=UTC)),
        ("7/13/26 1:05 PM", None, datetime(2026, 7, 13, 11, 5, tzinfo=UTC)),
        ("3/4/2026", DateOrder.DAY_FIRST, datetime(2026, 4, 2, 22, tzinfo=UTC)),
        ("3/4/2026", DateOrder.MONTH_FIRST, datetime(2026, 3, 3, 23, tzinfo=UTC)),
    ],
)
def test_moments(text: str, order: DateOrder | None, expected: datetime) -> None:
    assert moment(text, order, BERLIN) == expected


@pytest.mark.parametrize(
    "text", ["3/4/2026", "soon", "31.02.2026", "2026-13-01", "13:00 PM", "1/1/2026 13:00 PM", "0001-01-01"]
)
def test_what_is_no_moment_or_may_be_two_is_refused(text: str) -> None:
    with pytest.raises(NotReadable):
        moment(text, None, BERLIN)


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["1/2/2026", "13/2/2026"], DateOrder.DAY_FIRST),
        (["1/2/2026", "2/13/2026"], DateOrder.MONTH_FIRST),
        (["1/2/2026", "01.02.2026"], None),
    ],
)
def test_the_dates_of_a_file_say_together_what_one_does_not(texts: list[str], order: DateOrder | None) -> None:
    assert order_of(texts) is order


@pytest.mark.parametrize(
    ("texts", "mark"),
    [(["1.234", "1,5"], COMMA), (["1,234", "1.50"], POINT), (["1.234.567"], COMMA), (["12", "7"], POINT)],
)
def test_the_amounts_of_a_file_say_together_which_their_decimal_mark_is(texts: list[str], mark: DecimalMark) -> None:
    assert mark_of(texts) is mark
