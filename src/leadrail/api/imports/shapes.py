"""What is sent and answered for imports."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.core.identity import KeyKind
from leadrail.core.imports.model import Counts, DateOrder, DecimalMark, Import, ImportState, OnDuplicate, Options
from leadrail.core.imports.preset_store import Preset

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class UploadQuery(msgspec.Struct, frozen=True, kw_only=True):
    channel_id: Annotated[UUID, Meta(description="For which channel the leads are.")]
    name: Annotated[str, Meta(description="What the file is called.", min_length=1, max_length=200)] = "leads.csv"
    preset: Annotated[str, Meta(description="Options that were kept under this name.", max_length=200)] | None = None
    duplicates: OnDuplicate | None = None
    encoding: Annotated[str, Meta(description="Where it is not found out.", max_length=40)] | None = None
    delimiter: Annotated[str, Meta(description="Where it is not found out.", min_length=1, max_length=1)] | None = None
    start: Annotated[bool, Meta(description="Begin at once, as it is understood.")] = False
    again: Annotated[bool, Meta(description="Take a file that was imported before once more.")] = False


class ReadQuery(msgspec.Struct, frozen=True, kw_only=True):
    wait: Annotated[
        int, Meta(description="Answer when nothing is under way any more, after so many seconds at most.", ge=0, le=30)
    ] = 0


class ImportPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other options for a draft; what is left out stays. Columns that `mapping` does not name stay as they are."""

    mapping: dict[str, str | None] | UnsetType = UNSET
    statuses: Annotated[dict[str, str], Meta(max_length=200)] | UnsetType = UNSET
    duplicates: OnDuplicate | UnsetType = UNSET
    match_by: Annotated[tuple[KeyKind, ...], Meta(min_length=1, max_length=4)] | UnsetType = UNSET
    date_order: DateOrder | None | UnsetType = UNSET
    decimal_mark: DecimalMark | UnsetType = UNSET
    tell: bool | UnsetType = UNSET
    save_as: Name | None = None

    def over(self, options: Options) -> Options:
        """These options laid over those."""
        names = ("statuses", "duplicates", "match_by", "date_order", "decimal_mark", "tell")
        given = {name: value for name in names if (value := getattr(self, name)) is not UNSET}
        if self.mapping is not UNSET:
            # A field that another column gets is taken from the one that had it.
            taken = {target for target in self.mapping.values() if target is not None}
            left = {column: None if target in taken else target for column, target in options.mapping.items()}
            given["mapping"] = left | self.mapping
        return msgspec.structs.replace(options, **given)


class StartBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With `dry_run` nothing is written; the import is a draft again when that is done."""

    dry_run: bool = False


class ImportColumn(msgspec.Struct, frozen=True):
    """A column of the file, what it fills (null: nothing) and, of a draft, what its first cells are."""

    name: str
    field: str | None
    samples: list[str]


class ImportCounts(msgspec.Struct, frozen=True):
    """What became of the rows."""

    rows: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    refused: int

    @classmethod
    def of(cls, counts: Counts) -> "ImportCounts":
        return cls(counts.rows, *msgspec.structs.astuple(counts))


class ImportUndo(msgspec.Struct, frozen=True):
    """What became of the leads when the import was taken back. `kept`: somebody had touched them."""

    removed: int
    restored: int
    kept: int


class ShownImport(msgspec.Struct, frozen=True):
    """An import. `rows` are those of the file, `done` is what has become of them, `checked` is what a dry run said."""

    id: UUID
    name: str
    channel_id: UUID
    state: ImportState
    encoding: str
    delimiter: str
    columns: list[ImportColumn]
    statuses: dict[str, str]
    duplicates: OnDuplicate
    match_by: tuple[KeyKind, ...]
    date_order: DateOrder | None
    decimal_mark: DecimalMark
    tell: bool
    rows: int
    done: ImportCounts
    checked: ImportCounts | None
    undo: ImportUndo | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def shown(made: Import, samples: dict[str, list[str]] | None = None) -> ShownImport:
    options, found = made.options, samples or {}
    return ShownImport(
        id=made.id,
        name=made.name,
        channel_id=made.channel_id,
        state=made.state,
        encoding=made.layout.encoding,
        delimiter=made.layout.delimiter,
        columns=[ImportColumn(name, options.mapping.get(name), found.get(name, [])) for name in made.layout.columns],
        statuses=options.statuses,
        duplicates=options.duplicates,
        match_by=options.match_by,
        date_order=options.date_order,
        decimal_mark=options.decimal_mark,
        tell=options.tell,
        rows=made.rows,
        done=ImportCounts.of(made.counts),
        checked=ImportCounts.of(made.checked) if made.checked is not None else None,
        undo=ImportUndo(*msgspec.structs.astuple(made.undo)) if made.undo is not None else None,
        error=made.error,
        created_at=made.created_at,
        started_at=made.started_at,
        finished_at=made.finished_at,
    )


class ShownPreset(msgspec.Struct, frozen=True):
    """Options that were kept under a name."""

    id: UUID
    name: str
    mapping: dict[str, str | None]
    statuses: dict[str, str]
    duplicates: OnDuplicate
    match_by: tuple[KeyKind, ...]
    date_order: DateOrder | None
    decimal_mark: DecimalMark
    tell: bool
    updated_at: datetime


def shown_preset(preset: Preset) -> ShownPreset:
    return ShownPreset(
        id=preset.id, name=preset.name, updated_at=preset.updated_at, **msgspec.structs.asdict(preset.options)
    )
