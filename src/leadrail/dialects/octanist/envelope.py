"""What is around every answer of Octanist (contracts/octanist.md, section 1)."""

import secrets
from datetime import datetime
from typing import Any

import msgspec

from leadrail.kit.clock import with_milliseconds
from leadrail.kit.http import JSON, Response


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str
    timestamp: str


class Pagination(msgspec.Struct, frozen=True, rename="camel"):
    limit: int
    page: int
    total_pages: int
    total: int
    has_more: bool


class PagedMeta(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str
    timestamp: str
    pagination: Pagination


class Success(msgspec.Struct, frozen=True):
    success: bool
    data: Any
    meta: Meta | PagedMeta


class Fault(msgspec.Struct, frozen=True):
    code: str
    message: str
    details: dict[str, Any]


class Failure(msgspec.Struct, frozen=True):
    """`message` is generation A's; `error` is generation B's, a plain text only where A documents one."""

    success: bool
    message: str
    error: Fault | str
    meta: Meta


_encoder = msgspec.json.Encoder(decimal_format="number")


def meta(now: datetime) -> Meta:
    return Meta(f"req_{secrets.token_hex(6)}", with_milliseconds(now))


def succeeded(data: Any, now: datetime, pagination: Pagination | None = None) -> Response:
    """The envelope of a success around the data; amounts become JSON numbers."""
    told = meta(now)
    if pagination is not None:
        return answered(Success(True, data, PagedMeta(told.request_id, told.timestamp, pagination)))
    return answered(Success(True, data, told))


def answered(answer: msgspec.Struct) -> Response:
    return Response(200, _encoder.encode(answer), JSON)


def paginated(page: int, limit: int, total: int) -> Pagination:
    return Pagination(limit, page, -(-total // limit), total, page * limit < total)
