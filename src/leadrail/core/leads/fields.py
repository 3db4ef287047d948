"""Which fields of a lead may be written, within which bounds, and how property values are read."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from leadrail.core.channels.model import Channel, Property, PropertyType
from leadrail.core.errors import Code, refuse
from leadrail.kit import money

# Longest value of each text field, in characters.
TEXT_LIMITS: dict[str, int] = {
    "email": 320,
    "phone": 64,
    "linkedin_url": 500,
    "first_name": 200,
    "last_name": 200,
    "name": 400,
    "title": 300,
    "company_name": 300,
    "source": 200,
    "assignee": 200,
    "notes": 20_000,
    "business_id": 255,
}
EDITABLE = frozenset(TEXT_LIMITS) | {"value", "currency", "attribution", "next_follow_up_at"}
PROPERTY_TEXT_LIMIT = 10_000
NOTE_LIMIT = 20_000
REASON_LIMIT = 1_000
NAME_LIMIT = 300
PERSON_LIMIT = 200
ATTRIBUTION_LIMIT = 16_384
# How deep a reader can go depends on the stack that it happens to have; what is stored must be readable by all.
ATTRIBUTION_DEPTH = 32
CLOCK_SKEW = timedelta(minutes=5)
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def checked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they are stored: bounds checked, empty text as None.

    Raises Refused (`invalid`) with a pointer to the field that is out of bounds.
    """
    return {name: _checked(name, value) for name, value in fields.items()}


def _checked(name: str, value: Any) -> Any:
    if value is None:
        return None
    if (limit := TEXT_LIMITS.get(name)) is not None:
        return checked_text(name, value, limit)
    if name == "value":
        return checked_amount(name, value)
    if name == "currency":
        return checked_currency(value)
    if name == "next_follow_up_at":
        return checked_time(name, value)
    return value


def merged_attribution(before: dict[str, Any], given: dict[str, Any] | None) -> dict[str, Any]:
    """Attribution laid over what the lead has: a null member removes that one, null itself removes all.

    Raises Refused (`invalid`) when the result is too large or nested too deeply.
    """
    if _is_deeper(given, ATTRIBUTION_DEPTH):
        raise refuse(Code.INVALID, f"attribution is nested at most {ATTRIBUTION_DEPTH} levels deep", "/attribution")
    merged = {name: value for name, value in (before | given).items() if value is not None} if given is not None else {}
    if len(msgspec.json.encode(merged)) > ATTRIBUTION_LIMIT:
        raise refuse(Code.INVALID, f"attribution is at most {ATTRIBUTION_LIMIT} bytes of JSON", "/attribution")
    return merged


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in parts)


def checked_text(name: str, value: str, limit: int) -> str | None:
    if len(value) > limit:
        raise refuse(Code.INVALID, f"{name} is longer than {limit} characters", f"/{name}")
    return value or None


def checked_time(name: str, value: datetime) -> datetime:
    """A moment that somebody can mean, in UTC: PostgreSQL and people take others for infinite."""
    if not EARLIEST <= value <= LATEST:
        raise refuse(Code.INVALID, f"{name} must lie between {EARLIEST.year} and {LATEST.year}", f"/{name}")
    return value.astimezone(UTC)


def checked_past(name: str, at: datetime, now: datetime) -> datetime:
    """The moment of a change that has been. Raises Refused (`invalid`) for one in the future."""
    if (moment := checked_time(name, at)) > now + CLOCK_SKEW:
        raise refuse(Code.INVALID, "The time of a change lies in the past, not in the future", f"/{name}")
    return moment


def checked_amount(name: str, value: Decimal) -> Decimal:
    if not money.is_amount(value):
        message = f"{name} must be a number from 0 to below 10^15 with at most six decimal places"
        raise refuse(Code.INVALID, message, f"/{name}")
    return money.plain(value)


def checked_currency(code: str) -> str:
    if not money.is_currency(code):
        raise refuse(Code.INVALID, "currency must be an ISO 4217 code of three capital letters", "/currency")
    return code


def checked_properties(channel: Channel, given: Mapping[str, Any]) -> dict[str, Any]:
    """Property values by definition id, each converted to its definition's type; None where it is to go.

    Raises Refused (`unknown_property`, `invalid_property`).
    """
    checked: dict[str, Any] = {}
    for key, value in given.items():
        definition = channel.property_by_key.get(key) or channel.property_by_key.get(key.casefold())
        if definition is None:
            names = ", ".join(known.name for known in channel.current_properties) or "none"
            message = f'The channel has no property "{key}"; it has: {names}'
            raise refuse(Code.UNKNOWN_PROPERTY, message, f"/properties/{_escape(key)}")
        checked[str(definition.id)] = None if value is None else _converted(definition, value, key)
    return checked


def _escape(key: str) -> str:
    """A member name inside a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _converted(definition: Property, value: Any, key: str) -> Any:
    converted = _CONVERSIONS[definition.type](value)
    if converted is None or (definition.type is PropertyType.SELECT and converted not in definition.options):
        choices = f" (one of {', '.join(definition.options)})" if definition.options else ""
        message = f'"{definition.name}" takes a {definition.type}{choices}'
        raise refuse(Code.INVALID_PROPERTY, message, f"/properties/{_escape(key)}")
    return converted


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, str) and len(value) <= PROPERTY_TEXT_LIMIT else None


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        return _number_of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 10**15 and math.isfinite(value) else None


def _number_of_text(text: str) -> int | float | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    # By its exponent, before anything is computed with it: arithmetic overflows on 1e999999999.
    if not number.is_finite() or number.adjusted() >= 15:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def _date(value: Any) -> str | None:
    try:
        return date.fromisoformat(value.strip()).isoformat() if isinstance(value, str) else None
    except ValueError:
        return None


_CONVERSIONS = {
    PropertyType.TEXT: _text,
    PropertyType.NUMBER: _number,
    PropertyType.BOOLEAN: _boolean,
    PropertyType.DATE: _date,
    PropertyType.SELECT: _text,
}
