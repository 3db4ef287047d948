"""Octanist's request and answer shapes (contracts/octanist.md, sections 1 and 6)."""

import secrets
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from leadrail.kit.clock import with_milliseconds


class LeadUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """PATCH /api/leads in both generations. Null and empty words count as not sent; unknown members are ignored."""

    id: str | None = None
    email: str | None = None
    phone: str | None = None
    status: str | None = None
    changed_to: str | None = None
    value: Decimal | None = None
    currency: str | None = None
    note: str | None = None
    loss_reason: str | None = None
    also_qualified: bool | None = None

    @property
    def word(self) -> str | None:
        """Where the lead is to go: `status` wins over its old name."""
        return self.status or self.changed_to or None

    @property
    def is_first_generation(self) -> bool:
        return not self.status and bool(self.changed_to)


class _Spoken(msgspec.Struct, frozen=True, rename="camel"):
    """What tells the generations apart, of any type: enough to answer a request that is refused unread."""

    status: Any = None
    changed_to: Any = None


_spoken = msgspec.json.Decoder(_Spoken)


def speaks_first_generation(body: bytes) -> bool:
    """Whether a body, sound or not, is one of generation A. Only for answers to requests that were not read."""
    try:
        spoken = _spoken.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return not spoken.status and bool(spoken.changed_to)


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str
    timestamp: str


class Updated(msgspec.Struct, frozen=True, rename="camel"):
    lead_id: str
    leads_updated: int
    message: str


class UpdateAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`lead_id` and `status` beside `success` are generation A's answer, `data` and `meta` generation B's."""

    success: bool
    lead_id: str
    status: str
    data: Updated
    meta: Meta


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


def meta(now: datetime) -> Meta:
    return Meta(f"req_{secrets.token_hex(6)}", with_milliseconds(now))
