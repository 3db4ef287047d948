"""Octanist's errors: the envelope of generation B with generation A's `message` (contracts/octanist.md, section 1)."""

import logging
from datetime import datetime
from typing import Any

from leadrail.core.errors import Code, Refusal, refusal_of
from leadrail.dialects.octanist.envelope import Failure, Fault, meta
from leadrail.dialects.octanist.wire import speaks_first_generation
from leadrail.kit.http import BodyTooLarge, MethodNotAllowed, PathNotFound, Request, Response, json_response
from leadrail.kit.wire import BadInput

log = logging.getLogger(__name__)

UNAUTHORIZED = "Invalid or missing API key"

TABLE: dict[Code, tuple[int, str]] = {
    Code.INVALID: (400, "VALIDATION_ERROR"),
    Code.UNAUTHORIZED: (401, "UNAUTHORIZED"),
    Code.FORBIDDEN: (403, "FORBIDDEN"),
    Code.CHANNEL_NOT_FOUND: (404, "NOT_FOUND"),
    Code.CHANNEL_FORBIDDEN: (403, "FORBIDDEN"),
    Code.CHANNEL_ARCHIVED: (409, "CONFLICT"),
    Code.CHANNEL_REQUIRED: (400, "VALIDATION_ERROR"),
    Code.LEAD_NOT_FOUND: (404, "NOT_FOUND"),
    Code.NOT_FOUND: (404, "NOT_FOUND"),
    Code.UNKNOWN_STATUS: (400, "VALIDATION_ERROR"),
    Code.TRANSITION_NOT_ALLOWED: (409, "CONFLICT"),
    Code.MISSING_REQUIREMENT: (400, "VALIDATION_ERROR"),
    Code.UNKNOWN_PROPERTY: (400, "VALIDATION_ERROR"),
    Code.INVALID_PROPERTY: (400, "VALIDATION_ERROR"),
    Code.UNKNOWN_REASON: (400, "VALIDATION_ERROR"),
    Code.UNKNOWN_SUB_STATUS: (400, "VALIDATION_ERROR"),
    Code.VERSION_CONFLICT: (409, "CONFLICT"),
    Code.CONFLICT: (409, "CONFLICT"),
    Code.DUPLICATE: (409, "CONFLICT"),
    Code.BLOCKED: (409, "CONFLICT"),
    Code.AMBIGUOUS: (409, "CONFLICT"),
    Code.IN_USE: (409, "CONFLICT"),
    Code.LAST_OWNER: (409, "CONFLICT"),
    Code.USER_REQUIRED: (400, "VALIDATION_ERROR"),
    Code.IDEMPOTENCY_MISMATCH: (409, "CONFLICT"),
    Code.RATE_LIMITED: (429, "FORBIDDEN"),
    Code.UNAVAILABLE: (503, "INTERNAL_ERROR"),
}
"""Status and `error.code` of every kind of refusal. The vendor's list of codes is closed, its statuses are not."""

# The core's words for these speak of things that this dialect does not have.
_MESSAGES = {
    Code.UNAUTHORIZED: UNAUTHORIZED,
    Code.UNAVAILABLE: "The database is busy or away; repeat the call in a moment",
}

# What Octanist calls the members that the core points at; "value" and others are called the same.
_NAMES = {"notes": "note", "reason": "lossReason", "also_qualified": "alsoQualified"}

# The one path that the newer documentation, too, leaves out of the envelope.
_CHECK = "api/check"

_Headers = tuple[tuple[bytes, bytes], ...]


class Unusable(Exception):
    """A date or a filter that cannot be read: the vendor has codes of its own for those."""

    def __init__(self, code: str, message: str, field: str) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


def bad_date(text: str, field: str, form: str) -> Unusable:
    return Unusable("INVALID_DATE", f'"{field}" is {form}, not "{text}"', field)


def bad_filter(message: str, field: str) -> Unusable:
    return Unusable("INVALID_FILTER", message, field)


def on_error(request: Request, error: Exception, now: datetime) -> Response:
    """Whatever went wrong, in the dialect's envelope."""
    if (refusal := refusal_of(error)) is not None:
        return _refused(request, refusal, now)
    if isinstance(error, BadInput):
        return _failed(400, "VALIDATION_ERROR", error.message, now, details=_details(error.pointer))
    if isinstance(error, Unusable):
        return _failed(400, error.code, error.message, now, details=_details(error.field))
    if isinstance(error, PathNotFound):
        return _failed(404, "NOT_FOUND", f"There is nothing at {request.path}", now)
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(error.allowed)
        headers = ((b"allow", allowed.encode()),)
        return _failed(405, "NOT_FOUND", f"{request.path} takes {allowed}", now, headers)
    if isinstance(error, BodyTooLarge):
        return _failed(413, "VALIDATION_ERROR", str(error), now, ((b"connection", b"close"),))
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _failed(500, "INTERNAL_ERROR", "A fault of ours; it was logged", now)


def _refused(request: Request, refusal: Refusal, now: datetime) -> Response:
    status, code = TABLE[refusal.code]
    message = _MESSAGES.get(refusal.code, refusal.message)
    if refusal.code is Code.UNAUTHORIZED and _expects_text(request):
        return json_response(status, Failure(False, message, message, meta(now)))
    return _failed(status, code, message, now, _headers(refusal), _details(refusal.field) | refusal.details)


def _expects_text(request: Request) -> bool:
    """Whether the caller reads `error` as the text that generation A documents."""
    return request.path.strip("/") == _CHECK or speaks_first_generation(request.body)


def _headers(refusal: Refusal) -> _Headers:
    if refusal.code not in (Code.UNAVAILABLE, Code.RATE_LIMITED):
        return ()
    return ((b"retry-after", str(refusal.details.get("retryAfter", 1)).encode()),)


def _details(pointer: str | None) -> dict[str, Any]:
    if not pointer:
        return {}
    name = pointer.removeprefix("/")
    return {"field": _NAMES.get(name, name)}


def _failed(
    status: int, code: str, message: str, now: datetime, headers: _Headers = (), details: dict[str, Any] | None = None
) -> Response:
    failure = Failure(False, message, Fault(code, message, details or {}), meta(now))
    return json_response(status, failure, headers)
