"""Rows as Apache Parquet, a group of rows for each piece that was read."""

from collections.abc import AsyncIterator
from typing import Any

from leadrail.core.exports.columns import Kind
from leadrail.core.exports.rows import Table
from leadrail.kit.money import DECIMAL_PLACES

MEDIA_TYPE = "application/vnd.apache.parquet"

DIGITS = 15 + DECIMAL_PLACES


async def written(table: Table) -> AsyncIterator[bytes]:
    """The file, piece by piece."""
    import pyarrow  # tens of megabytes of memory, for those only who ask for it
    from pyarrow import parquet

    types = {
        Kind.TEXT: pyarrow.string(),
        Kind.WHOLE: pyarrow.int64(),
        Kind.AMOUNT: pyarrow.decimal128(DIGITS, DECIMAL_PLACES),
        Kind.MOMENT: pyarrow.timestamp("us", tz="UTC"),
    }
    schema = pyarrow.schema([(column.name, types[column.kind]) for column in table.columns])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        async for rows in table.rows():
            columns = [
                pyarrow.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_table(pyarrow.table(columns, schema=schema))
            yield sink.taken()
    yield sink.taken()


class _Sink:
    """A file that is handed on as it is written."""

    closed = False

    def __init__(self) -> None:
        self._written, self._place = bytearray(), 0

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._written += piece
        self._place += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        """Everything is where it goes."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        piece, self._written = bytes(self._written), bytearray()
        return piece
