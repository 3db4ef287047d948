"""Amounts of money: bounds, and rounding to what a currency can pay."""

import re
from decimal import ROUND_HALF_UP, Decimal

LARGEST = Decimal(10) ** 15
DECIMAL_PLACES = 6

# ISO 4217 currencies whose minor unit is not a hundredth.
_PLACES = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF")
    + ("XOF", "XPF"),
    0,
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)

_CURRENCY = re.compile(r"[A-Z]{3}")


def is_currency(code: str) -> bool:
    return _CURRENCY.fullmatch(code) is not None


def is_below_largest(amount: Decimal) -> bool:
    """Whether amount is finite and lies between -10^15 and 10^15, by comparison alone: abs() may overflow."""
    return amount.is_finite() and -LARGEST < amount < LARGEST


def is_amount(amount: Decimal) -> bool:
    """Whether amount is finite, not negative, below 10^15 and has at most six decimal places."""
    if not is_below_largest(amount) or amount < 0:
        return False
    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and -exponent <= DECIMAL_PLACES


def plain(amount: Decimal) -> Decimal:
    """The same amount without an exponent or the sign of nothing, so that 1E+3 is written 1000."""
    amount = abs(amount) if amount == 0 else amount
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount.normalize()


def round_to_currency(amount: Decimal, currency: str | None) -> Decimal:
    """The amount rounded half up to the currency's minor unit (hundredths when the currency is not known)."""
    places = _PLACES.get(currency or "", 2)
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
