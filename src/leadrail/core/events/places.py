"""The cursor of the feed: how far its reader has come with each company whose events it may see."""

import base64
import binascii
import struct
import zlib
from collections.abc import Mapping
from uuid import UUID

from leadrail.core.errors import Code, refuse

_CHECK = struct.Struct(">I")
_PLACE = struct.Struct(">16sQ")
MOST_CHARACTERS = 40_000
_HIGHEST = 1 << 62

Places = Mapping[UUID, int]


def cursor_of(reader: UUID, places: Places) -> str:
    """The cursor of a company that has read up to these places; a place of 0 need not be kept."""
    kept = {reader: 0} | dict(places)
    own = _PLACE.pack(reader.bytes, kept.pop(reader))
    body = own + b"".join(_PLACE.pack(id.bytes, seq) for id, seq in kept.items() if seq)
    return base64.urlsafe_b64encode(_CHECK.pack(zlib.crc32(body)) + body).decode().rstrip("=")


def places_at(reader: UUID, cursor: str) -> dict[UUID, int]:
    """Raises Refused (`invalid`) for a cursor that is broken, or that another company was given."""
    raw = _decoded(cursor)
    check, body = raw[: _CHECK.size], raw[_CHECK.size :]
    if not body or len(body) % _PLACE.size or check != _CHECK.pack(zlib.crc32(body)):
        raise _bad()
    places = {UUID(bytes=id): seq for id, seq in _PLACE.iter_unpack(body)}
    if next(iter(places)) != reader or max(places.values()) > _HIGHEST:
        raise _bad()
    return places


def _decoded(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _bad() from None


def _bad() -> Exception:
    message = "cursor is not one that this feed gave to your company; start without it, or with start=latest"
    return refuse(Code.INVALID, message, "?cursor")
