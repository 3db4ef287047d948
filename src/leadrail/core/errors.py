"""What can be refused, in words. Which HTTP status a word becomes is each face's own table."""

from enum import StrEnum
from typing import Any

import asyncpg
import msgspec

from leadrail.db.database import UNREACHABLE

BUSY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
"""What the database answers when others are in the way; nothing was done, and a repeat may get through."""


class Code(StrEnum):
    """The kinds of refusal. Faces map every one of them."""

    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    CHANNEL_NOT_FOUND = "channel_not_found"
    CHANNEL_FORBIDDEN = "channel_forbidden"
    CHANNEL_ARCHIVED = "channel_archived"
    CHANNEL_REQUIRED = "channel_required"
    LEAD_NOT_FOUND = "lead_not_found"
    NOT_FOUND = "not_found"
    UNKNOWN_STATUS = "unknown_status"
    TRANSITION_NOT_ALLOWED = "transition_not_allowed"
    MISSING_REQUIREMENT = "missing_requirement"
    UNKNOWN_PROPERTY = "unknown_property"
    INVALID_PROPERTY = "invalid_property"
    UNKNOWN_REASON = "unknown_reason"
    UNKNOWN_SUB_STATUS = "unknown_sub_status"
    VERSION_CONFLICT = "version_conflict"
    CONFLICT = "conflict"
    DUPLICATE = "duplicate"
    BLOCKED = "blocked"
    AMBIGUOUS = "ambiguous"
    IN_USE = "in_use"
    LAST_OWNER = "last_owner"
    USER_REQUIRED = "user_required"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was not done. `field` is the JSON pointer of the member at fault, when there is one."""

    code: Code
    message: str
    field: str | None = None
    details: dict[str, Any] = {}


class Refused(Exception):
    """A refusal on its way to the face that renders it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def refuse(code: Code, message: str, field: str | None = None, **details: Any) -> Refused:
    return Refused(Refusal(code, message, field, details))


def refusal_of(error: Exception) -> Refusal | None:
    """The refusal that an exception stands for; None for a fault of ours."""
    if isinstance(error, Refused):
        return error.refusal
    if isinstance(error, asyncpg.DataError):
        return Refusal(Code.INVALID, "A value cannot be stored; check text for control characters and numbers for size")
    if isinstance(error, asyncpg.UniqueViolationError):
        return Refusal(Code.CONFLICT, "Another call has just taken this name; choose another")
    if isinstance(error, (*UNREACHABLE, *BUSY)):
        return Refusal(Code.UNAVAILABLE, "The database is busy or away; try again in a moment")
    return None
