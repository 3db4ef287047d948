"""Capillary's errors: items of status, code and message in the list envelope (contracts/capillary.md, section 2).

No lead-specific code is published: those from 9700 are ours, and 401 to 503 repeat the HTTP status.
"""

import logging

import msgspec

from leadrail.core.errors import Code, Refusal, refusal_of
from leadrail.dialects.capillary.wire import Item, MissingFields
from leadrail.kit.http import BodyTooLarge, MethodNotAllowed, PathNotFound, Request, Response, json_response
from leadrail.kit.wire import BadInput

log = logging.getLogger(__name__)

MISSING_FIELD = (403, 9702)
UNREAD_DETAILS = Item(False, 9750, "The lead was changed; its log and follow-ups could not be read just now")

TABLE: dict[Code, tuple[int, int]] = {
    Code.INVALID: (400, 9700),
    Code.UNAUTHORIZED: (401, 401),
    Code.FORBIDDEN: (403, 403),
    Code.CHANNEL_NOT_FOUND: (404, 9710),
    Code.CHANNEL_FORBIDDEN: (404, 9710),
    Code.CHANNEL_ARCHIVED: (400, 9711),
    Code.CHANNEL_REQUIRED: (400, 9712),
    Code.LEAD_NOT_FOUND: (404, 9701),
    Code.NOT_FOUND: (404, 404),
    Code.UNKNOWN_STATUS: (400, 9703),
    Code.TRANSITION_NOT_ALLOWED: (400, 9706),
    Code.MISSING_REQUIREMENT: (400, 9707),
    Code.UNKNOWN_PROPERTY: (400, 9708),
    Code.INVALID_PROPERTY: (400, 9709),
    Code.UNKNOWN_REASON: (400, 9705),
    Code.UNKNOWN_SUB_STATUS: (400, 9704),
    Code.VERSION_CONFLICT: (400, 9713),
    Code.CONFLICT: (400, 9713),
    Code.DUPLICATE: (400, 9714),
    Code.IN_USE: (400, 9713),
    Code.IDEMPOTENCY_MISMATCH: (400, 9713),
    Code.RATE_LIMITED: (429, 429),
    Code.UNAVAILABLE: (503, 503),
}
"""HTTP status and `code` of every kind of refusal."""

# The core's words for these speak of things that this dialect does not have.
_MESSAGES = {
    Code.UNAUTHORIZED: "Authentication failed: check the till id and the MD5 of its password",
    Code.CHANNEL_FORBIDDEN: "Channel not found",
    Code.UNAVAILABLE: "The database is busy or away; repeat the call in a moment",
}

# What Capillary calls the members that the core points at.
_NAMES = {"at": "createdOn", "reason_id": "reasonId", "sub_status": "subStatus"}

_CHALLENGE = ((b"www-authenticate", b'Basic realm="leadrail"'),)
_Headers = tuple[tuple[bytes, bytes], ...]


class UnsupportedMediaType(Exception):
    """The body is declared to be something else than JSON."""


class Failure(msgspec.Struct, frozen=True):
    data: tuple[()]
    warnings: tuple[()]
    errors: tuple[Item, ...]


def on_error(request: Request, error: Exception) -> Response:
    """Whatever went wrong, in the dialect's envelope."""
    if (refusal := refusal_of(error)) is not None:
        return _refused(refusal)
    if isinstance(error, MissingFields):
        return _failed(*MISSING_FIELD, *(f'The mandatory field "{name}" is missing' for name in error.names))
    if isinstance(error, BadInput):
        return _failed(400, 400, _named(error.message, error.pointer))
    if isinstance(error, UnsupportedMediaType):
        return _failed(415, 415, "Send Content-Type: application/json")
    return _unserved(request, error)


def _unserved(request: Request, error: Exception) -> Response:
    if isinstance(error, PathNotFound):
        return _failed(404, 404, f"There is nothing at {request.path}")
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(error.allowed)
        return _failed(405, 405, f"{request.path} takes {allowed}", headers=((b"allow", allowed.encode()),))
    if isinstance(error, BodyTooLarge):
        return _failed(413, 413, str(error), headers=((b"connection", b"close"),))
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _failed(500, 500, "A fault of ours; it was logged")


def _refused(refusal: Refusal) -> Response:
    status, code = TABLE[refusal.code]
    headers: _Headers = ()
    if refusal.code is Code.UNAUTHORIZED:
        headers = _CHALLENGE
    elif refusal.code is Code.UNAVAILABLE:
        headers = ((b"retry-after", b"1"),)
    return _failed(status, code, _message(refusal), headers=headers)


def _message(refusal: Refusal) -> str:
    if refusal.code is Code.MISSING_REQUIREMENT and "missing" in refusal.details:
        # The calls of this dialect have no member for a value, a currency or a note.
        missing = " and ".join(refusal.details["missing"])
        return f'The status "{refusal.details["status"]}" requires {missing}; set it on the lead by the native API'
    return _named(_MESSAGES.get(refusal.code, refusal.message), refusal.field)


def _named(message: str, pointer: str | None) -> str:
    """The message with the vendor's name of the member at fault before it."""
    if not pointer:
        return message
    name = pointer.removeprefix("/")
    return f"{_NAMES.get(name, name)}: {message}"


def _failed(status: int, code: int, *messages: str, headers: _Headers = ()) -> Response:
    items = tuple(Item(False, code, message) for message in messages)
    return json_response(status, Failure((), (), items), headers)
