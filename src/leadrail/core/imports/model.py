"""What an import is: its file's layout, what the caller chose, where it stands and what it came to."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor, ActorKind, Scope
from leadrail.core.identity import KeyKind

FACE = "import"
KEPT_FOR = timedelta(days=30)
"""How long refused rows, and leads as they were before, are kept."""

DRAFTS_KEPT_FOR = timedelta(days=7)
MOST_ROWS = 1 << 31
NAME_LIMIT = 200
ERROR_COLUMN = "import_error"


class ImportState(StrEnum):
    """A draft waits for its caller; checking, running and undoing are under way; the others are ends."""

    DRAFT = "draft"
    CHECKING = "checking"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


UNDER_WAY = frozenset({ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING})


class OnDuplicate(StrEnum):
    """What becomes of a row whose lead the channel has already."""

    CREATE = "create"
    SKIP = "skip"
    UPDATE = "update"


class DateOrder(StrEnum):
    """How 03/04/2026 is read."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class DecimalMark(StrEnum):
    POINT = "."
    COMMA = ","


MATCHABLE = (KeyKind.EMAIL, KeyKind.PHONE, KeyKind.BUSINESS_ID, KeyKind.LINKEDIN)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the file is read and what becomes of its rows.

    `mapping` says by column what it fills (null: nothing), see `mapping.TARGETS`; `statuses` by the file's words what a
    status is called here. The first kind of `match_by` by which leads are found decides. Nobody is told of what happens
    unless `tell`.
    """

    mapping: dict[str, str | None] = {}
    statuses: dict[str, str] = {}
    duplicates: OnDuplicate = OnDuplicate.SKIP
    match_by: tuple[KeyKind, ...] = MATCHABLE[:3]
    date_order: DateOrder | None = None
    decimal_mark: DecimalMark = DecimalMark.POINT
    tell: bool = False


class Layout(msgspec.Struct, frozen=True):
    """How the file is written. `header_row` is the number of the record that names the columns, from 1."""

    encoding: str
    delimiter: str
    header_row: int
    columns: tuple[str, ...]
    is_ours: bool = False


class Counts(msgspec.Struct, frozen=True):
    """What became of the rows so far."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused: int = 0

    def plus(self, other: "Counts") -> "Counts":
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Counts(*(one + more for one, more in pairs))

    @property
    def rows(self) -> int:
        return sum(msgspec.structs.astuple(self))


class Undone(msgspec.Struct, frozen=True):
    """What became of the leads of an import that was taken back. `kept`: somebody has touched them since."""

    removed: int = 0
    restored: int = 0
    kept: int = 0

    def plus(self, other: "Undone") -> "Undone":
        return Undone(self.removed + other.removed, self.restored + other.restored, self.kept + other.kept)


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """`place` is the number of the last row that was done. `stored`: the file lies in the database.

    `lead_company_id` is the company whose channel it is; `company_id` is the one that brings the leads.
    """

    company_id: UUID
    id: UUID
    channel_id: UUID
    lead_company_id: UUID
    name: str
    digest: bytes
    size: int
    stored: bool
    state: ImportState
    layout: Layout
    options: Options
    rows: int
    place: int = 0
    counts: Counts = Counts()
    checked: Counts | None = None
    undo: Undone | None = None
    undo_place: UUID | None = None
    error: str | None = None
    actor_kind: ActorKind
    actor_id: UUID | None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def actor(self) -> Actor:
        """Whoever asked for it, by the face of imports."""
        return Actor(self.actor_kind, self.actor_id, self.company_id, FACE, frozenset(Scope))

    def lead_id(self, row: int) -> UUID:
        """The id of the lead that a row makes: always the same, so that no row makes two."""
        return UUID(int=self.id.int + row)


def import_id_of(id: UUID) -> UUID:
    """An id above which lies one for every row."""
    return UUID(int=id.int & ~(MOST_ROWS * 2 - 1))


class Refusal(msgspec.Struct, frozen=True):
    """A row that was refused: its cells as they were, why, and the keys of whom it is about (as `kind:key`)."""

    row: int
    cells: tuple[str, ...]
    error: str
    keys: tuple[str, ...] = ()


class Touched(msgspec.Struct, frozen=True):
    """A lead that an import changed. `before` None: the import had made it."""

    lead_id: UUID
    before: bytes | None
    version: int
