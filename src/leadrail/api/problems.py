"""Errors as RFC 9457 problems, each with a stable `code`."""

import logging
from typing import Any

import msgspec

from leadrail.core.errors import Code, Refusal, refusal_of
from leadrail.kit.http import BodyTooLarge, MethodNotAllowed, PathNotFound, Request, Response
from leadrail.kit.wire import BadInput

MEDIA_TYPE = b"application/problem+json"

log = logging.getLogger(__name__)

STATUS: dict[Code, int] = {
    Code.INVALID: 422,
    Code.UNAUTHORIZED: 401,
    Code.FORBIDDEN: 403,
    Code.CHANNEL_NOT_FOUND: 404,
    Code.CHANNEL_FORBIDDEN: 404,
    Code.CHANNEL_ARCHIVED: 409,
    Code.CHANNEL_REQUIRED: 422,
    Code.LEAD_NOT_FOUND: 404,
    Code.NOT_FOUND: 404,
    Code.UNKNOWN_STATUS: 422,
    Code.TRANSITION_NOT_ALLOWED: 409,
    Code.MISSING_REQUIREMENT: 422,
    Code.UNKNOWN_PROPERTY: 422,
    Code.INVALID_PROPERTY: 422,
    Code.UNKNOWN_REASON: 422,
    Code.UNKNOWN_SUB_STATUS: 422,
    Code.VERSION_CONFLICT: 412,
    Code.CONFLICT: 409,
    Code.DUPLICATE: 409,
    Code.BLOCKED: 409,
    Code.AMBIGUOUS: 409,
    Code.IN_USE: 409,
    Code.LAST_OWNER: 409,
    Code.USER_REQUIRED: 422,
    Code.IDEMPOTENCY_MISMATCH: 422,
    Code.RATE_LIMITED: 429,
    Code.UNAVAILABLE: 503,
}
"""The HTTP status of every kind of refusal."""

TITLES: dict[Code, str] = {code: code.value.replace("_", " ").capitalize() for code in Code}

# What the HTTP layer refuses before the product is asked.
WIRE_CODES: dict[str, int] = {
    "malformed": 400,
    "path_not_found": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "internal_error": 500,
}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error. `field` is a JSON pointer into the body, or `?name` for a query parameter."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    details: dict[str, Any] = {}


def problem_of(refusal: Refusal, at: str = "") -> Problem:
    """The problem of a refusal; `at` goes before its pointer."""
    code, message, field = refusal.code, refusal.message, refusal.field
    if code is Code.CHANNEL_FORBIDDEN:
        # Another company's channel is answered as one that does not exist.
        code, message = Code.CHANNEL_NOT_FOUND, "Channel not found"
    pointer = f"{at}{field}" if field else at or None
    return Problem(_type(code), TITLES[code], STATUS[code], code, message, pointer, refusal.details)


def _type(code: str) -> str:
    return f"/docs#problem-{code}"


def _wire_problem(code: str, detail: str, field: str | None = None) -> Problem:
    return Problem(_type(code), code.replace("_", " ").capitalize(), WIRE_CODES[code], code, detail, field)


def problem_response(problem: Problem, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
    return Response(problem.status, msgspec.json.encode(problem), MEDIA_TYPE, headers)


def bad_input_problem(error: BadInput) -> Problem:
    return _wire_problem("malformed", error.message, error.pointer)


def on_error(request: Request, error: Exception) -> Response:
    """Whatever went wrong, as a problem."""
    if (refusal := refusal_of(error)) is not None:
        return problem_response(problem_of(refusal), _headers(refusal))
    if isinstance(error, BadInput):
        return problem_response(bad_input_problem(error))
    if isinstance(error, PathNotFound):
        return problem_response(_wire_problem("path_not_found", f"There is nothing at {request.path}; see /docs"))
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(error.allowed)
        wrong = _wire_problem("method_not_allowed", f"{request.path} takes {allowed}")
        return problem_response(wrong, ((b"allow", allowed.encode()),))
    if isinstance(error, BodyTooLarge):
        return problem_response(_wire_problem("body_too_large", str(error)), ((b"connection", b"close"),))
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem_response(_wire_problem("internal_error", "A fault of ours; it was logged"))


def _headers(refusal: Refusal) -> tuple[tuple[bytes, bytes], ...]:
    if refusal.code is Code.UNAUTHORIZED:
        return ((b"www-authenticate", b'Bearer realm="leadrail"'),)
    if refusal.code is Code.UNAVAILABLE:
        return ((b"retry-after", b"1"),)
    return ()
