"""Whatever goes wrong, as KeenPartner says it: a status and `{"error": "..."}` (contract section 1).

The vendor documents 400, 401, 403, 404 and 500 only, so every refusal of a request as such is a 400.
"""

import logging

import msgspec
from msgspec.structs import replace

from leadrail.core.errors import Code, Refusal, refusal_of
from leadrail.dialects.keenpartner.cors import headers_of_failure
from leadrail.dialects.keenpartner.wire import Failure
from leadrail.kit.http import BodyTooLarge, MethodNotAllowed, PathNotFound, Request, Response
from leadrail.kit.wire import BadInput

log = logging.getLogger(__name__)

_INACCESSIBLE = (403, "Channel not accessible")

TABLE: dict[Code, tuple[int, str | None]] = {
    Code.INVALID: (400, None),
    Code.UNAUTHORIZED: (401, "Invalid API key"),
    Code.FORBIDDEN: (403, None),
    # The pages of keyed actions know no 404 for a channel: one that is not there is one that is not yours.
    Code.CHANNEL_NOT_FOUND: _INACCESSIBLE,
    Code.CHANNEL_FORBIDDEN: _INACCESSIBLE,
    Code.CHANNEL_ARCHIVED: (400, None),
    Code.CHANNEL_REQUIRED: (400, "channel_id required"),
    Code.LEAD_NOT_FOUND: (404, "Lead not found"),
    Code.NOT_FOUND: (404, None),
    Code.UNKNOWN_STATUS: (404, None),
    Code.TRANSITION_NOT_ALLOWED: (400, None),
    Code.MISSING_REQUIREMENT: (400, None),
    Code.UNKNOWN_PROPERTY: (400, None),
    Code.INVALID_PROPERTY: (400, None),
    Code.UNKNOWN_REASON: (400, None),
    Code.UNKNOWN_SUB_STATUS: (400, None),
    Code.VERSION_CONFLICT: (409, None),
    Code.CONFLICT: (409, None),
    Code.DUPLICATE: (409, None),
    Code.BLOCKED: (400, None),
    Code.AMBIGUOUS: (409, None),
    Code.IN_USE: (409, None),
    Code.LAST_OWNER: (409, None),
    Code.USER_REQUIRED: (400, None),
    Code.IDEMPOTENCY_MISMATCH: (400, None),
    Code.RATE_LIMITED: (429, None),
    # Without an idempotency key a repeat of a creation that was saved after all makes a second lead.
    Code.UNAVAILABLE: (503, "The service is busy or away; look whether a new lead is there before you repeat it"),
}
"""Status and text of every kind of refusal; None takes the refusal's own words."""

_THEIRS = {
    "/amount": "purchase_amount",
    "/name": "product_name",
    "/description": "product_description",
    "/at": "date",
    "/attribution": "employee",
}
"""What this vendor calls a member that the core calls otherwise."""


def on_error(request: Request, error: Exception) -> Response:
    """The answer to whatever went wrong; a form's own page may read it too."""
    response = _response(request, error)
    return replace(response, headers=response.headers + headers_of_failure(request))


def _response(request: Request, error: Exception) -> Response:
    if (refusal := refusal_of(error)) is not None:
        return _refused(refusal)
    if isinstance(error, BadInput):
        return _failure(400, _fault(error))
    if isinstance(error, PathNotFound):
        return _failure(404, "Not found")
    if isinstance(error, MethodNotAllowed):
        return _failure(405, "Method not allowed", (b"allow", ", ".join(error.allowed).encode()))
    if isinstance(error, BodyTooLarge):
        return _failure(413, str(error), (b"connection", b"close"))
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _failure(500, "Internal server error")


def _refused(refusal: Refusal) -> Response:
    status, words = TABLE[refusal.code]
    if refusal.code is Code.UNKNOWN_STATUS and (name := refusal.details.get("status")):
        words = f'Status "{name}" not found for this channel'
    wait_s = refusal.details.get("retry_after_s", 1)
    headers = ((b"retry-after", str(wait_s).encode()),) if status in (429, 503) else ()
    return _failure(status, words or _named(refusal), *headers)


def _named(refusal: Refusal) -> str:
    theirs = _THEIRS.get(refusal.field or "")
    return f"{theirs}: {refusal.message}" if theirs else refusal.message


def _fault(error: BadInput) -> str:
    if error.pointer is None:
        return error.message
    if error.pointer == "/action":
        return "Invalid action"
    return f"{error.pointer.strip('/').replace('/', '.')}: {error.message}"


def _failure(status: int, words: str, *headers: tuple[bytes, bytes]) -> Response:
    return Response(status, msgspec.json.encode(Failure(words)), headers=headers)
