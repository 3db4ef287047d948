"""Capillary's errors: items of status, code and message in the list envelope (contracts/capillary.md, section 2).

No lead-specific code is published: those from 9700 are ours, 1061 is the platform's, and 400 to 503 repeat the HTTP
status.
"""

import logging
from uuid import uuid4

import msgspec

from leadrail.core.errors import Code, Refusal, refusal_of
from leadrail.dialects.capillary.faults import Fault, Faulty
from leadrail.dialects.capillary.wire import Item
from leadrail.kit.http import BodyTooLarge, MethodNotAllowed, PathNotFound, Request, Response, json_response
from leadrail.kit.wire import BadInput

log = logging.getLogger(__name__)

TOKEN_HEADER = b"x-cap-api-oauth-token"
TOKEN_PATH = "/v3/oauth/token/generate"  # noqa: S105 - a path, no secret

UNREAD_DETAILS = Item(False, 9750, "The lead was changed; its log and follow-ups could not be read just now")

TABLE: dict[Code | Fault, tuple[int, int]] = {
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
    Code.BLOCKED: (400, 9718),
    Code.AMBIGUOUS: (400, 9714),
    Code.IN_USE: (400, 9713),
    Code.LAST_OWNER: (400, 9713),
    Code.USER_REQUIRED: (400, 9700),
    Code.IDEMPOTENCY_MISMATCH: (400, 9713),
    Code.RATE_LIMITED: (429, 429),
    Code.UNAVAILABLE: (503, 503),
    Fault.MISSING_FIELD: (403, 9702),
    Fault.UNKNOWN_WORD: (400, 9715),
    Fault.BAD_IDENTIFIER: (400, 9716),
    Fault.HALF_AN_ENTITY: (400, 9717),
    Fault.LOOKUP_WITHOUT_TYPE: (400, 1061),
    Fault.UNSUPPORTED_MEDIA_TYPE: (415, 415),
}
"""HTTP status and `code` of every kind of refusal and fault."""

# The core's words for these speak of things that this dialect does not have.
_MESSAGES = {
    Code.UNAUTHORIZED: "Authentication failed: check the till id and the MD5 of its password",
    Code.CHANNEL_FORBIDDEN: "Channel not found",
    Code.UNKNOWN_REASON: "The company that owns the channel of the lead has no such reason",
    Code.UNAVAILABLE: "The database is busy or away; repeat the call in a moment",
}
_BAD_TOKEN = f"Authentication failed: the token is not valid or has expired; get a new one from {TOKEN_PATH}"
_BAD_CLIENT = "Authentication failed: check the key and its secret"

_TOO_MUCH = (
    "leadFor and extendedFields are too long or nested too deeply; a lead keeps 16 KiB of them that are no properties,"
    " and no more than 30 levels"
)

# What Capillary calls the members that the core points at; nothing where it has no such member.
_NAMES = {
    "at": "createdOn",
    "reason_id": "reasonId",
    "sub_status": "subStatus",
    "email": "identifier",
    "phone": "identifier",
    "assignee": "owner",
    "attribution": "extendedFields",
    "next_follow_up_at": "nextFollowUp",
    "next_at": "nextFollowUp",
    "done_at": "followedUpOn",
    "scheduled_at": "scheduledFollowUp",
    "steps": "statusLogDetails",
    "channel_id": "",
}

_CHALLENGE = ((b"www-authenticate", b'Basic realm="leadrail"'),)
_Headers = tuple[tuple[bytes, bytes], ...]


class Failure(msgspec.Struct, frozen=True):
    data: tuple[()]
    warnings: tuple[()]
    errors: tuple[Item, ...]


def identified(response: Response) -> Response:
    """The response with a request id, by which a log can be searched."""
    id = (b"x-cap-request-id", uuid4().hex.encode())
    return msgspec.structs.replace(response, headers=(*response.headers, id))


def on_error(request: Request, error: Exception) -> Response:
    """Whatever went wrong, in the dialect's envelope."""
    return identified(_answer(request, error))


def _answer(request: Request, error: Exception) -> Response:
    if (refusal := refusal_of(error)) is not None:
        return _refused(request, refusal)
    if isinstance(error, Faulty):
        return _failed(*TABLE[error.fault], *error.messages)
    if isinstance(error, BadInput):
        return _failed(400, 400, _named(error.message, error.pointer))
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


def _refused(request: Request, refusal: Refusal) -> Response:
    status, code = TABLE[refusal.code]
    headers: _Headers = ()
    if refusal.code is Code.UNAUTHORIZED:
        return _failed(status, code, _unauthorized(request), headers=_CHALLENGE)
    if refusal.code is Code.UNAVAILABLE:
        headers = ((b"retry-after", b"1"),)
    return _failed(status, code, _message(refusal), headers=headers)


def _unauthorized(request: Request) -> str:
    if request.path.rstrip("/") == TOKEN_PATH:
        return _BAD_CLIENT
    return _BAD_TOKEN if request.header(TOKEN_HEADER) is not None else _MESSAGES[Code.UNAUTHORIZED]


def _message(refusal: Refusal) -> str:
    if refusal.code is Code.MISSING_REQUIREMENT and "missing" in refusal.details:
        return _unmet(refusal.details["status"], refusal.details["missing"])
    if refusal.field == "/attribution":
        return _TOO_MUCH
    return _named(_MESSAGES.get(refusal.code, refusal.message), refusal.field)


def _unmet(status: str, missing: list[str]) -> str:
    """The calls of this dialect have no member for a value, a currency or a note, only for a reason."""
    others = [name for name in missing if name != "reason"]
    how = (
        "set it on the lead by the native API" if others else "send it as the reasonId of an entry of statusLogDetails"
    )
    return f'The status "{status}" requires {" and ".join(others or missing)}; {how}'


def _named(message: str, pointer: str | None) -> str:
    """The message with the vendor's name of the member at fault before it, instead of the core's name within."""
    member = (pointer or "").lstrip("/?").replace("properties/", "extendedFields/", 1)
    name = _NAMES.get(member, member)
    return f"{name}: {message.removeprefix(f'{member} ')}" if name else message


def _failed(status: int, code: int, *messages: str, headers: _Headers = ()) -> Response:
    items = tuple(Item(False, code, message) for message in messages)
    return json_response(status, Failure((), (), items), headers)
