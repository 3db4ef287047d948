"""Lists: their limits, their cursors and their envelope."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.core.errors import Code, refuse
from leadrail.kit.ids import parse_id

Item = TypeVar("Item")
DEFAULT_LIMIT = 50

Limit = Annotated[int, Meta(ge=1, le=200, description="How many to answer at most.")]
Cursor = Annotated[str, Meta(description="`next_cursor` of the page before.", max_length=200)]


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """One page of a list; `next_cursor` null is the last."""

    data: list[Item]
    next_cursor: str | None


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


def cursor_of(place: UUID | int | str | tuple[datetime, UUID]) -> str:
    text = f"{place[0].isoformat()} {place[1]}" if isinstance(place, tuple) else str(place)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def text_at(cursor: str) -> str:
    """Raises Refused (`invalid`)."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise _bad_cursor() from None


def id_at(cursor: str | None) -> UUID | None:
    """Raises Refused (`invalid`)."""
    if cursor is None:
        return None
    if (id := parse_id(text_at(cursor))) is None:
        raise _bad_cursor()
    return id


def number_at(cursor: str | None) -> int | None:
    """Raises Refused (`invalid`)."""
    if cursor is None:
        return None
    text = text_at(cursor)
    if not text.isdecimal() or len(text) > 18:
        raise _bad_cursor()
    return int(text)


def moment_at(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Raises Refused (`invalid`)."""
    if cursor is None:
        return None
    moment, _, id = text_at(cursor).partition(" ")
    try:
        at = datetime.fromisoformat(moment).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None
    if (known := parse_id(id)) is None:
        raise _bad_cursor()
    return at, known


def item_at(cursor: str, read: Callable[[str], Item | None]) -> Item:
    """What the cursor says, as `read` takes it; None is not of this list. Raises Refused (`invalid`)."""
    if (place := read(text_at(cursor))) is None:
        raise _bad_cursor()
    return place


def _bad_cursor() -> Exception:
    return refuse(Code.INVALID, "cursor is not one that this list gave; start without it", "?cursor")


def page(
    rows: Sequence[Any], limit: int, place: Callable[[Any], UUID | int], show: Callable[[Any], Item]
) -> Page[Item]:
    """The page of rows, of which one more than the limit was read to know whether another follows."""
    kept = rows[:limit]
    more = len(rows) > limit
    return Page([show(row) for row in kept], cursor_of(place(kept[-1])) if more else None)
