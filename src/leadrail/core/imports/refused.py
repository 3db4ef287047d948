"""The refused rows as a file: their own cells, and why in a column that an import passes over."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

from leadrail.core.core import Core
from leadrail.core.imports import store
from leadrail.core.imports.model import ERROR_COLUMN, Import

CHUNK = 1_000


async def refused_csv(core: Core, made: Import) -> AsyncIterator[bytes]:
    """In UTF-8, with the delimiter of the file; between two pieces no connection is held."""
    delimiter = made.layout.delimiter
    columns = list(made.layout.columns)
    is_there = ERROR_COLUMN in columns  # the file is itself one of refused rows
    columns += [] if is_there else [ERROR_COLUMN]
    place, after = columns.index(ERROR_COLUMN), 0
    yield _lines([columns], delimiter)
    while True:
        async with core.database.connection() as connection:
            rows = await store.refusals(connection, made, after, CHUNK)
        if rows:
            yield _lines((_with_error(row.cells, row.error, place, is_there) for row in rows), delimiter)
            after = rows[-1].row
        if len(rows) < CHUNK:
            return


def _with_error(cells: Sequence[str], error: str, place: int, is_there: bool) -> list[str]:
    """The error in its column; cells beyond those of the header stay behind it."""
    filled = [*cells, *[""] * (place - len(cells))]
    return [*filled[:place], error, *filled[place + is_there :]]


def _lines(rows: Iterable[Iterable[object]], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode()
