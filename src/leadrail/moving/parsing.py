"""Reading what a vendor answered. Nothing is taken for granted: what is not of the type wanted counts as absent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from leadrail.core.identity import EXTERNAL_IDS

Item = Mapping[str, Any]


def items(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def member(item: Any, *names: str) -> Any:
    """The first of these members that is there and not null; what is no object has none."""
    if not isinstance(item, Mapping):
        return None
    return next((value for name in names if (value := item.get(name)) is not None), None)


def text(item: Item, *names: str) -> str | None:
    """A member as text; a number or a truth is spelled out."""
    value = member(item, *names)
    if isinstance(value, bool):
        return "true" if value else "false"
    return (str(value) if isinstance(value, str | int | float) else "") or None


def integer(item: Item, name: str) -> int | None:
    value = item.get(name)
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit():
        return int(value) if len(value) < 20 else None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def amount(item: Item, name: str) -> Decimal | None:
    try:
        return Decimal(text(item, name) or "")
    except InvalidOperation:
        return None


def moment(item: Item, *names: str) -> datetime | None:
    """A point in time; without an offset it is one of UTC."""
    try:
        found = datetime.fromisoformat(text(item, *names) or "")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are there."""
    return {name: value for name, value in values.items() if value is not None and value not in ("", {}, [])}


def texts(item: Item, names: Mapping[str, str]) -> dict[str, str]:
    """The members that are there as text, under our names for theirs (`{theirs: ours}`)."""
    return {ours: found for theirs, ours in names.items() if (found := text(item, theirs))}


def external_ids(**ids: str | int | None) -> dict[str, Any]:
    """What other systems call a lead, as a member of its attribution."""
    return {EXTERNAL_IDS: {system: str(id) for system, id in ids.items() if id is not None}}
