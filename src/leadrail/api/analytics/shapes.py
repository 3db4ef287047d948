"""What is asked of the counts, and how they are answered."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.core.channels.model import Named
from leadrail.core.counts.figures import Age

Since = Annotated[date, Meta(description="From this day (UTC) on.")]
Until = Annotated[date, Meta(description="Before this day (UTC).")]


class By(StrEnum):
    SOURCE = "source"
    ASSIGNEE = "assignee"
    CAMPAIGN = "campaign"
    PARTNER = "partner"


class Interval(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class AgeingQuery(msgspec.Struct, frozen=True, kw_only=True):
    channel: UUID | None = None


class MovesQuery(msgspec.Struct, frozen=True, kw_only=True):
    channel: UUID | None = None
    since: Since | None = None
    until: Until | None = None


class SharesQuery(MovesQuery, frozen=True, kw_only=True):
    by: Annotated[By, Meta(description="What leads are told apart by.")] = By.SOURCE


class BoardQuery(MovesQuery, frozen=True, kw_only=True):
    """At most one of the four that tell leads apart."""

    source: str | None = None
    assignee: str | None = None
    campaign: Annotated[str, Meta(description="Leads of this `attribution.utm_campaign`.")] | None = None
    partner: Annotated[UUID, Meta(description="Leads that this member of the channel brought.")] | None = None


class WonQuery(BoardQuery, frozen=True, kw_only=True):
    interval: Annotated[Interval, Meta(description="How long each part of the time is.")] = Interval.MONTH


class Worth(msgspec.Struct, frozen=True):
    """What leads are worth together in one currency; null for values without one."""

    currency: str | None
    value: Decimal


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    exact: bool
    complete_until: datetime | None


class Column(msgspec.Struct, frozen=True):
    """The leads that stand in a status."""

    channel_id: UUID
    status: Named
    leads: int
    values: list[Worth]


class Board(Counted, frozen=True, kw_only=True):
    leads: int
    data: list[Column]


class Stage(msgspec.Struct, frozen=True):
    """Of the leads created in the time: those that have ever been in the status, and those that stand in it."""

    channel_id: UUID
    status: Named
    reached: int
    standing: int


class Conversion(msgspec.Struct, frozen=True):
    """Leads that were in one status and came to the other later, and their part of all that were in the first."""

    from_id: UUID
    to_id: UUID
    leads: int
    rate: float


class Funnel(Counted, frozen=True, kw_only=True):
    leads: int
    data: list[Stage]
    conversions: list[Conversion]


class Passage(msgspec.Struct, frozen=True):
    """How often leads came into the status in the time, new ones too, and how often they left it."""

    channel_id: UUID
    status: Named
    entered: int
    left: int


class Way(msgspec.Struct, frozen=True):
    """Moves from one status to another, and their part of all moves out of the first. `from_id` null: new leads."""

    from_id: UUID | None
    to_id: UUID
    moves: int
    rate: float | None


class Moves(Counted, frozen=True, kw_only=True):
    data: list[Passage]
    ways: list[Way]


class Standings(msgspec.Struct, frozen=True):
    """Leads by the category of the status in which they stand."""

    open: int = 0
    qualified: int = 0
    won: int = 0
    lost: int = 0
    on_hold: int = 0
    deleted: int = 0


class Share(msgspec.Struct, frozen=True):
    """`name` null: leads that have none. `rate` is the part of them that is won, `values` what those are worth."""

    name: str | None
    leads: int
    standing: Standings
    rate: float
    values: list[Worth]


class Shares(Counted, frozen=True, kw_only=True):
    """Most leads first; `others` are beyond those that are told apart."""

    data: list[Share]
    others: Share | None


class Won(msgspec.Struct, frozen=True):
    """Leads that were won in the part of the time that begins with the day, and are still."""

    day: date
    leads: int
    values: list[Worth]


class WonList(Counted, frozen=True, kw_only=True):
    """Parts in which nothing was won are left out."""

    data: list[Won]


class Stay(msgspec.Struct, frozen=True):
    """How long leads were in the status that left it in the time, in seconds; null when none did."""

    channel_id: UUID
    status: Named
    stays: int
    median_s: int | None
    p90_s: int | None


class Velocity(Counted, frozen=True, kw_only=True):
    data: list[Stay]


class Aged(msgspec.Struct, frozen=True):
    """Leads that stand in the status, by for how many days."""

    channel_id: UUID
    status: Named
    leads: int
    ages: list[Age]


class Ageing(Counted, frozen=True, kw_only=True):
    data: list[Aged]
