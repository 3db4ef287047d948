"""A till's Basic login: till id and MD5 of its password (contracts/capillary.md, section 1.1)."""

import base64
import binascii

from leadrail.core.actor import Actor
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.kit.http import Request

FACE = "capillary"


async def admit(core: Core, request: Request) -> Actor:
    """The till that calls. Raises Refused (`unauthorized`)."""
    till, secret = _credentials(request.header(b"authorization") or "")
    return await core.doors.admit_till(till, secret.lower(), FACE)


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise refuse(Code.UNAUTHORIZED, "No Basic login was sent")
    try:
        till, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise refuse(Code.UNAUTHORIZED, "The Basic login is not Base64 of UTF-8") from None
    return till, secret
