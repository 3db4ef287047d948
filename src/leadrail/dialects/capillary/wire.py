"""Capillary's request and answer shapes (contracts/capillary.md, sections 1 to 5); None is left out of answers."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.kit.wire import BadInput

LARGEST_ID = 2**63 - 1
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

EntityId = Annotated[int, Meta(ge=-(2**63), le=LARGEST_ID)]
"""A staff member or till: a 64-bit number of the caller's own books."""

CustomerId = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
ReasonText = Annotated[str, Meta(max_length=300)]

# Enumerations of section 3, and of the attribution headers in section 1.3.
LEAD_TYPES = ("SKU", "CATEGORY", "BRAND", "CUSTOM")
DEFAULT_TYPE = "SKU"
EMAIL, MOBILE = ID_TYPES = ("EMAIL", "MOBILE")
IN_STORE = -1
TILL, STORE = "TILL", "STORE"
OWNERS = (TILL, STORE, "ZONE", "CONCEPT", "STR_SERVER", "ADMIN_USER", "ASSOCIATE", "STAFF")
ENTITY_TYPES = {TILL: TILL, "TILL_CODE": TILL} | {
    name: name
    for name in ("STORE_CODE", "STORE_NAME", "STORE_EXTERNAL_ID", "STORE_EXTERNAL_ID_1", "STORE_EXTERNAL_ID_2")
}
"""What an attribution header may say, and what is kept of it; one release note calls a till TILL_CODE."""


class Item(msgspec.Struct, frozen=True):
    """An error (the main action failed) or a warning (it succeeded and something beside it did not)."""

    status: bool
    code: int
    message: str


# Requests


class Grant(msgspec.Struct, frozen=True):
    """Section 1.2."""

    key: str | None = None
    secret: str | None = None


class NewFollowUp(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Section 5.7, and an entry of `followUpDetails` in 5.2."""

    followed_up_on: str | None = None
    followed_up_by: EntityId | None = None
    scheduled_follow_up: str | None = None
    next_follow_up: str | None = None
    notes: str | None = None
    created_by: EntityId | None = None


class NewLogEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry of `statusLogDetails` in section 5.2."""

    status: str | None = None
    sub_status: str | None = None
    reason_id: int | str | None = None


class NewLead(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Section 5.2."""

    type: str | None = None
    lead_for: str | None = None
    user_id: CustomerId | Literal[""] | None = None
    id_type: str | None = None
    identifier: str | None = None
    status: str | None = None
    sub_status: str | None = None
    next_follow_up: str | None = None
    last_follow_up: str | None = None
    created_on: str | None = None
    created_by: EntityId | None = None
    owner: str | None = None
    org_source_id: EntityId | None = None
    extended_fields: dict[str, Any] | None = None
    follow_up_details: Annotated[list[NewFollowUp], Meta(max_length=1000)] | None = None
    status_log_details: Annotated[list[NewLogEntry], Meta(max_length=1000)] | None = None


class LeadUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Section 5.4."""

    owner: str | None = None
    extended_fields: dict[str, Any] | None = None


class StatusUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Section 5.5. `reason_id` is a number in G and a text in R; `created_on` a date-time in G and a date in R."""

    status: str | None = None
    reason_id: int | str | None = None
    sub_status: str | None = None
    created_by: EntityId | None = None
    created_on: str | None = None


class NewReason(msgspec.Struct, frozen=True):
    """Section 5.9."""

    reason: ReasonText | None = None


class NewSubStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Section 5.10."""

    status: str | None = None
    sub_status: Annotated[str, Meta(max_length=120)] | None = None


class LeadQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Section 5.3; `substatus` is written like this."""

    user_id: CustomerId | None = None
    status: str | None = None
    substatus: str | None = None
    type: str | None = None
    org_source_id: EntityId | None = None
    owner: str | None = None
    entity_type: str | None = None
    entity_code: str | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    offset: Annotated[int, Meta(ge=0, le=LARGEST_ID)] = 0
    sort_by: str | None = None
    sort_order: str | None = None


# Answers


class Granted(msgspec.Struct, frozen=True, rename="camel"):
    access_token: str
    ttl_seconds: int


class TokenAnswer(msgspec.Struct, frozen=True):
    data: Granted
    errors: None = None


class Listing(msgspec.Struct, frozen=True):
    """The list envelope of section 2."""

    data: list[Any]
    warnings: tuple[Item, ...] = ()
    errors: tuple[Item, ...] = ()


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
    """Section 5.1. `warnings` is there in the answer of a single lead, not in a list."""

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
    warnings: tuple[Item, ...] | UnsetType = UNSET


class ListedReason(msgspec.Struct, frozen=True):
    id: int
    reason: str


class ListedSubStatus(msgspec.Struct, frozen=True, rename="camel"):
    status: str
    sub_status: str


class AddedSubStatus(ListedSubStatus, frozen=True, rename="camel"):
    warnings: tuple[Item, ...] = ()


# Times

_MINUTE = timedelta(minutes=1)


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
    if (local.utcoffset() or _MINUTE) % _MINUTE:  # sun time, as clocks showed it long ago; clients cannot read that
        local = at.astimezone(UTC)
    return local.isoformat(timespec="seconds").replace("+00:00", "Z")
