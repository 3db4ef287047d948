"""Rows as comma-separated values (RFC 4180), in UTF-8."""

import csv
import io
from collections.abc import AsyncIterator, Iterable

from leadrail.core.exports.columns import cells
from leadrail.core.exports.rows import Table

MEDIA_TYPE = "text/csv; charset=utf-8"


async def written(table: Table) -> AsyncIterator[bytes]:
    yield _lines([[column.name for column in table.columns]])
    async for rows in table.rows():
        yield _lines(map(cells, rows))


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
