"""Whatever goes wrong, in SendPilot's envelope of statusCode, message and error (contract section 1)."""

import logging
from collections.abc import Iterable

import msgspec

from leadrail.core.errors import Code, Refusal, Refused, refusal_of, refuse
from leadrail.dialects.sendpilot.wire import Failure
from leadrail.kit.http import BodyTooLarge, MethodNotAllowed, PathNotFound, Request, Response
from leadrail.kit.wire import BadInput

log = logging.getLogger(__name__)

_FOREIGN = (403, "API key does not have permission to access this workspace")

TABLE: dict[Code, tuple[int, str | None]] = {
    Code.INVALID: (400, None),
    Code.UNAUTHORIZED: (401, "Invalid API key"),
    Code.FORBIDDEN: (403, None),
    Code.CHANNEL_NOT_FOUND: (404, "Campaign not found"),
    Code.CHANNEL_FORBIDDEN: _FOREIGN,
    Code.CHANNEL_ARCHIVED: (400, None),
    Code.CHANNEL_REQUIRED: (400, None),
    Code.LEAD_NOT_FOUND: (404, "Lead not found"),
    Code.NOT_FOUND: (404, None),
    Code.UNKNOWN_STATUS: (400, None),
    Code.TRANSITION_NOT_ALLOWED: (400, None),
    Code.MISSING_REQUIREMENT: (400, None),
    Code.UNKNOWN_PROPERTY: (400, None),
    Code.INVALID_PROPERTY: (400, None),
    Code.UNKNOWN_REASON: (400, None),
    Code.UNKNOWN_SUB_STATUS: (400, None),
    Code.VERSION_CONFLICT: (409, None),
    Code.CONFLICT: (409, None),
    Code.DUPLICATE: (409, None),
    Code.BLOCKED: (409, None),
    Code.AMBIGUOUS: (409, None),
    Code.IN_USE: (409, None),
    Code.LAST_OWNER: (409, None),
    Code.USER_REQUIRED: (400, None),
    Code.IDEMPOTENCY_MISMATCH: (400, None),
    Code.RATE_LIMITED: (429, None),
    Code.UNAVAILABLE: (503, "The service is busy or away; try again in a moment"),
}
"""Status and text of every kind of refusal; None takes the refusal's own words."""

NAMES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}
"""The member `error` for each status. Not Python's own phrases: those differ between its versions."""


def not_among(name: str, values: Iterable[str]) -> Refused:
    """For a word that is none of those which the member takes."""
    return refuse(Code.INVALID, f"{name} must be one of the following values: {', '.join(values)}")


class NotOffered(Exception):
    """The vendor has such a call and Leadrail does not; the message says what is missing."""


def on_error(request: Request, error: Exception) -> Response:
    """The answer to whatever went wrong."""
    if (refusal := refusal_of(error)) is not None:
        return _refused(refusal)
    if isinstance(error, BadInput):
        return _failure(400, fault_of(error))
    if isinstance(error, NotOffered):
        return _failure(501, str(error))
    if isinstance(error, PathNotFound):
        return _failure(404, f"Cannot {request.method} {request.path}")
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(error.allowed)
        return _failure(405, f"{request.path} takes {allowed}", (b"allow", allowed.encode()))
    if isinstance(error, BodyTooLarge):
        return _failure(413, str(error), (b"connection", b"close"))
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _failure(500, "Internal server error")


def _refused(refusal: Refusal) -> Response:
    status, words = TABLE[refusal.code]
    headers = ((b"retry-after", b"1"),) if status == 503 else ()
    return _failure(status, words or refusal.message, *headers)


def fault_of(error: BadInput) -> str:
    """What is wrong with the input, after the member at fault if it is known."""
    if error.pointer is None:
        return error.message
    return f"{error.pointer.strip('/?').replace('/', '.')}: {error.message}"


def _failure(status: int, words: str, *headers: tuple[bytes, bytes]) -> Response:
    return Response(status, msgspec.json.encode(Failure(status, words, NAMES[status])), headers=headers)
