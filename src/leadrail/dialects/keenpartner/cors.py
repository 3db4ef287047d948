"""Who may read an answer in a browser: any page, and only of the form without a key.

A keyed action's answer carries no such header, so that no page is tempted to hold a key.
"""

from typing import Any

import msgspec

from leadrail.kit.http import Request, Response

ANY_PAGE = ((b"access-control-allow-origin", b"*"),)

_PREFLIGHT = Response(
    204,
    headers=(
        *ANY_PAGE,
        (b"access-control-allow-methods", b"POST, OPTIONS"),
        (b"access-control-allow-headers", b"content-type"),
        (b"access-control-max-age", b"86400"),
    ),
)


class _Asked(msgspec.Struct):
    action: Any = None


_asked = msgspec.json.Decoder(_Asked)


async def preflight(_request: Request) -> Response:
    """The answer to a browser that asks before it sends a form; which action comes is not known yet."""
    return _PREFLIGHT


def headers_of_failure(request: Request) -> tuple[tuple[bytes, bytes], ...]:
    """What goes with an error, so that a form's page may read it: the body is looked at once more, leniently."""
    try:
        is_form = _asked.decode(request.body).action == "lead_external"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        is_form = False
    return ANY_PAGE if is_form else ()
