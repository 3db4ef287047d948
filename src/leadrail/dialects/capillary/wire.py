"""Capillary's request and answer shapes (contracts/capillary.md, sections 2 and 5); None is left out."""

from datetime import UTC, datetime, tzinfo
from typing import Annotated

import msgspec

from leadrail.kit.wire import BadInput

EntityId = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A staff member or till: a 64-bit number of the caller's own books."""

LARGEST_ID = 2**63 - 1
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


class MissingFields(Exception):
    """Mandatory members that were not sent, by the vendor's names."""

    def __init__(self, *names: str) -> None:
        super().__init__(", ".join(names))
        self.names = names


class Item(msgspec.Struct, frozen=True):
    """An error (the main action failed) or a warning (it succeeded and something beside it did not)."""

    status: bool
    code: int
    message: str


class StatusUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Section 5.5. `reason_id` is a number in G and a text in R; `created_on` a date-time in G and a date in R."""

    status: str | None = None
    reason_id: int | str | None = None
    sub_status: str | None = None
    created_by: EntityId | None = None
    created_on: str | None = None


class FollowUpDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    id: int
    user_id: int
    lead_id: int
    notes: str | None = None
    created_by: int
    created_on: str
    followed_up_by: int | None = None
    followed_up_on: str | None = None
    scheduled_follow_up: str | None = None


class StatusLogDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    id: int
    user_id: int
    lead_id: int
    status: str
    created_by: int
    created_on: str
    reason_id: int | None = None
    reason: str | None = None
    sub_status: str | None = None


class WholeLead(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Section 5.1."""

    id: int
    user_id: int
    type: str
    lead_for: str | None = None
    status: str
    sub_status: str | None = None
    next_follow_up: str | None = None
    last_follow_up: str | None = None
    created_on: str
    created_by: int | None = None
    last_updated_on: str
    last_updated_by: int | None = None
    follow_up_details: list[FollowUpDetail]
    extended_fields: dict[str, str]
    status_log_details: list[StatusLogDetail]
    org_source_id: int
    owner: str | None = None
    warnings: tuple[Item, ...]


def moment(text: str, zone: tzinfo, pointer: str) -> datetime:
    """A date-time, or a date as its midnight; without an offset it is of `zone`. Raises BadInput."""
    try:
        at = datetime.fromisoformat(text.strip())
        at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f'"{text}" is not a date-time like 2018-10-05T08:00:00+05:30 nor a date like 2018-10-05'
        raise BadInput(message, pointer) from None
    if at < EARLIEST:
        raise BadInput(f"{text} lies before the year {EARLIEST.year}", pointer)
    return at


def shown(at: datetime, zone: tzinfo) -> str:
    """`YYYY-MM-DDThh:mm:ss` with the zone's offset, `Z` for none."""
    try:
        local = at.astimezone(zone)
    except (OverflowError, ValueError):  # the calendar ends with years 1 and 9999, and has no other zone there
        local = at.replace(tzinfo=UTC)
    return local.isoformat(timespec="seconds").replace("+00:00", "Z")
