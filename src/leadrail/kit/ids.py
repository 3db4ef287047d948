"""Identifiers: UUID version 7, so that rows made together lie together in an index."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def first_id_of(moment: datetime, later_s: int = 0) -> UUID:
    """Below every id made so many seconds after the moment, above every one made before, by the clocks of the makers.

    A time that no id can have counts as the first or the last that one can.
    """
    milliseconds = min(max(int((moment.timestamp() + later_s) * 1000), 0), (1 << 48) - 1)
    return UUID(int=milliseconds << 80)


def parse_id(text: str) -> UUID | None:
    """The UUID that text spells in its canonical form (36 characters), or None."""
    if len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
