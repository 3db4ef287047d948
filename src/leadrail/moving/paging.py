"""Reading a numbered list page by page while others add to it and take from it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from leadrail.moving import parsing
from leadrail.moving.client import NO_LIST, VendorError
from leadrail.moving.model import Place

MOST_ROUNDS = 3


class Slice(msgspec.Struct, frozen=True):
    """One page of a list: how many things the whole of it has, and whether this is its end."""

    items: list[dict[str, Any]]
    total: int
    is_last: bool


def slice_of(items: Any, pagination: Any, page: int) -> Slice:
    """Raises VendorError when the answer is not the list that its documentation promises."""
    if not isinstance(items, list) or not isinstance(pagination, dict):
        raise VendorError(NO_LIST)
    found = parsing.items(items)
    last_page = parsing.integer(pagination, "totalPages") or 0
    return Slice(found, parsing.integer(pagination, "total") or 0, not found or page >= last_page)


async def slices(
    fetch: Callable[[int], Awaitable[Slice]], place: Place, *, grows_at_end: bool
) -> AsyncIterator[tuple[Slice, Place]]:
    """The slices from a place on, each with the place behind it.

    What is added or removed in the middle of a numbered list pushes others past its reader. So the list is read
    once more when its length has changed meanwhile; one that only grows at its end needs that when it got shorter.
    """
    page: int = place.get("page", 1)
    total: int | None = place.get("total")
    for _ in range(MOST_ROUNDS):
        while True:
            found = await fetch(page)
            page += 1
            total = found.total if total is None else total
            yield found, {"page": page, "total": total}
            if found.is_last:
                break
        if found.total == total or (found.total > total and grows_at_end):
            return
        page, total = 1, None
