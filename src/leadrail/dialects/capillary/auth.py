"""Who calls: a till's Basic login or a token, and in whose name (contracts/capillary.md, sections 1.1 to 1.3)."""

import base64
import binascii
import re

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.companies.commands import till_secret
from leadrail.core.companies.doors import GRANTED_S
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.dialects.capillary.errors import TOKEN_HEADER
from leadrail.dialects.capillary.faults import Fault, Faulty, one_of, require
from leadrail.dialects.capillary.wire import ENTITY_TYPES, TILL, Grant, Granted, TokenAnswer
from leadrail.kit import wire
from leadrail.kit.http import Request, Response, json_response
from leadrail.kit.ids import parse_id

FACE = "capillary"
_ATTRIBUTION = b"x-cap-api-attribution-"
_MD5 = re.compile(r"[0-9a-fA-F]{32}")
_GRANT = msgspec.json.Decoder(Grant)


class Attribution(msgspec.Struct, frozen=True):
    """A till or store in whose name a write is made. It says where a lead came from, never what may be done."""

    entity_type: str
    entity_code: str


async def admit(core: Core, request: Request) -> Actor:
    """The caller, by token or Basic login; the token counts when both are sent. Raises Refused (`unauthorized`)."""
    token = request.header(TOKEN_HEADER)
    if token is not None:
        return await core.doors.admit_granted(token, FACE)
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
    if "\0" in till:
        raise refuse(Code.UNAUTHORIZED, "No till has such a name")
    return till, secret


async def generate_token(core: Core, request: Request) -> Response:
    """Section 1.2: `key` is a key's id with the key itself as `secret`, or a till with its password or the MD5 of it.

    Raises Faulty, Refused (`unauthorized`).
    """
    body = wire.decode(_GRANT, request.body)
    require(key=body.key, secret=body.secret)
    client, secret = body.key or "", body.secret or ""
    if parse_id(client) is None:
        secret = secret.lower() if _MD5.fullmatch(secret) else till_secret(secret)
    token = await core.doors.grant(client, secret, FACE)
    return json_response(200, TokenAnswer(Granted(token, GRANTED_S)))


def attribution(request: Request) -> Attribution | None:
    """What the attribution headers say. Raises Faulty for a word that is none, or a look-up without its type."""
    given = {
        name.removeprefix(_ATTRIBUTION): value.decode(errors="replace").strip()
        for name, value in request.headers
        if name.startswith(_ATTRIBUTION)
    }
    if not given:
        return None
    if given.get(b"lookup") and not given.get(b"lookup-type"):
        message = "X-CAP-API-ATTRIBUTION-LOOKUP needs X-CAP-API-ATTRIBUTION-LOOKUP-TYPE beside it"
        raise Faulty(Fault.LOOKUP_WITHOUT_TYPE, message)
    entity = _entity(given, b"entity-type", b"entity-code")
    return entity or _entity(given, b"lookup-type", b"lookup")


def _entity(given: dict[bytes, str], type: bytes, code: bytes) -> Attribution | None:
    name = (_ATTRIBUTION + type).decode().upper()
    word = one_of(given.get(type) or TILL, ENTITY_TYPES, name)
    return Attribution(ENTITY_TYPES[word], given[code]) if given.get(code) else None
