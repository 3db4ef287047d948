"""Time as a value that is handed in, so that a test may move it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


def with_milliseconds(moment: datetime) -> str:
    """The moment in UTC as `2026-03-10T12:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
