"""One round trip for a whole write: sections over arrays of rows, composed into one data-modifying statement."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec


class Section(msgspec.Struct, frozen=True, dict=True):
    """One step of a write. In `sql`, `{rows}` stands for the rows as a table named r with these columns."""

    name: str
    columns: tuple[tuple[str, str], ...]
    sql: str

    @cached_property
    def names(self) -> str:
        return ", ".join(name for name, _ in self.columns)

    def render(self, first: int) -> str:
        """The section as a common table expression whose parameters start at $first."""
        arrays = ", ".join(f"${first + index}::{type}[]" for index, (_, type) in enumerate(self.columns))
        rows = f"unnest({arrays}) AS r({self.names})"
        return f"{self.name} AS ({self.sql.replace('{rows}', rows).replace('{columns}', self.names)})"


class Statement:
    """Sections in the order in which they were added, and their rows."""

    def __init__(self) -> None:
        self._parts: list[tuple[Section, Sequence[Sequence[Any]]]] = []

    def add(self, section: Section, rows: Sequence[Sequence[Any]]) -> None:
        """Takes the section in when there are rows for it."""
        if rows:
            self._parts.append((section, rows))

    def __bool__(self) -> bool:
        return bool(self._parts)

    def render(self) -> tuple[str, list[Any]]:
        """The SQL and its parameters: one array per column."""
        texts: list[str] = []
        parameters: list[Any] = []
        for section, rows in self._parts:
            texts.append(section.render(len(parameters) + 1))
            parameters.extend(zip(*rows, strict=True))
        return f"WITH {', '.join(texts)} SELECT 1", parameters
