"""Files of separated values, whoever wrote them: their encoding, their delimiter, their header, their records."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO

from leadrail.core.errors import Code, refuse
from leadrail.core.imports.model import MOST_ROWS, Layout

ENCODINGS = (
    "utf-8",
    "utf-16",
    "windows-1252",
    "iso-8859-1",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "mac-roman",
)
DELIMITERS = (",", ";", "\t", "|")
MOST_COLUMNS = 500
CELL_LIMIT = 1 << 20
OUR_COLUMN = "leadrail_id"
"""The first column of what Leadrail exports: its cells mean exactly what they say, blanks around them too."""

_BLOCK = 1 << 20
_LOOKED_AT = 50
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

csv.field_size_limit(CELL_LIMIT)

Record = tuple[int, list[str]]
"""A record with its number, as a spreadsheet numbers its rows."""


def layout_of(file: IO[bytes], encoding: str | None = None, delimiter: str | None = None) -> Layout:
    """Raises Refused (`invalid`) for what cannot be read, or is no table."""
    encoding = _encoding_of(file) if encoding is None else _known(encoding)
    named = _named_delimiter(file, encoding)
    delimiter = delimiter or named or _delimiter_of(file, encoding)
    if delimiter not in DELIMITERS:
        raise refuse(Code.INVALID, "A delimiter is one of comma, semicolon, tab and |", "?delimiter")
    first = list(islice(_records(file, encoding, delimiter), _LOOKED_AT))
    header_row, cells = _header(first)
    columns = _named_columns(cells)
    if len(columns) > MOST_COLUMNS:
        raise refuse(Code.INVALID, f"A file has at most {MOST_COLUMNS} columns, not {len(columns)}")
    return Layout(encoding, delimiter, header_row, columns, columns[0] == OUR_COLUMN)


def row_count(file: IO[bytes], layout: Layout) -> int:
    """How many records there are. Raises Refused (`invalid`) when one of them cannot be read."""
    count = sum(1 for _ in rows(file, layout))
    if count >= MOST_ROWS:
        raise refuse(Code.INVALID, f"A file has at most {MOST_ROWS:,} rows")
    return count


def rows(file: IO[bytes], layout: Layout, after: int = 0) -> Iterator[Record]:
    """The records of data that are not empty."""
    header = max(layout.header_row, after)
    for number, cells in _records(file, layout.encoding, layout.delimiter):
        if number > header and any(cells) and not all(map(_is_blank, cells)):
            yield number, cells


def _is_blank(cell: str) -> bool:
    return not cell or cell.isspace()


def _records(file: IO[bytes], encoding: str, delimiter: str) -> Iterator[Record]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
    try:
        reader = csv.reader(_without_sep(text), delimiter=delimiter)
        try:
            yield from enumerate(reader, 1)
        except csv.Error as error:
            message = f"Line {reader.line_num} cannot be read ({error}); is a quotation mark left open before it?"
            raise refuse(Code.INVALID, message) from None
    finally:
        text.detach()


def _without_sep(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines but for Excel's own first one, which its users do not see."""
    first = text.readline()
    if first and not _is_sep(first):
        yield first
    for line in text:  # noqa: UP028 - `yield from` would close the file with the generator
        yield line


def _is_sep(line: str) -> bool:
    words = line.strip('\r\n \ufeff"').lower()
    return words.startswith("sep=") and len(words) <= len("sep=") + 1


def _named_delimiter(file: IO[bytes], encoding: str) -> str | None:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
    try:
        line = text.readline(20)
    finally:
        text.detach()
    if not _is_sep(line):
        return None
    return line.strip('\r\n \ufeff"')[len("sep=") :][:1] or "\t"


def _delimiter_of(file: IO[bytes], encoding: str) -> str:
    """That which makes the most rows equally wide."""
    found: dict[str, tuple[int, int]] = {}
    for delimiter in DELIMITERS:
        widths = Counter(len(cells) for _, cells in islice(_records(file, encoding, delimiter), _LOOKED_AT) if cells)
        width, agreeing = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]), default=(1, 0))
        found[delimiter] = (agreeing, width) if width > 1 else (0, 1)
    return max(DELIMITERS, key=found.__getitem__)


def _header(first: Sequence[Record]) -> Record:
    """The first full record: some exports put a few lines of words above it."""
    filled = [(number, cells) for number, cells in first if any(cell.strip() for cell in cells)]
    if not filled:
        raise refuse(Code.INVALID, "The file is empty; its first row names the columns")
    widest = max(len(cells) for _, cells in filled)
    number, cells = filled[0]
    if len(cells) == 1 and widest > 2:
        number, cells = next((number, cells) for number, cells in filled if len(cells) == widest)
    return number, cells


def _named_columns(cells: Sequence[str]) -> tuple[str, ...]:
    """Each column by a name of its own."""
    names: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = " ".join(cell.split())[:200] or f"Column {place}"
        count = 2
        unique = name
        while unique in names:
            unique, count = f"{name} ({count})", count + 1
        names.append(unique)
    return tuple(names)


def _known(encoding: str) -> str:
    name = encoding.strip().lower()
    if name not in ENCODINGS:
        raise refuse(Code.INVALID, f"An encoding is one of {', '.join(ENCODINGS)}", "?encoding")
    return "utf-8-sig" if name == "utf-8" else name


def _encoding_of(file: IO[bytes]) -> str:
    """By its mark, else UTF-16 by its zeros, else UTF-8 if it is that throughout, else what Windows writes."""
    file.seek(0)
    start = file.read(4096)
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if len(zeros) > 1 and zeros.count(0) > len(zeros) // 2:
            return encoding
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"
