"""What is blocked, how it is hashed, and what of a command is looked up. Pure."""

import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.identity import KeyKind, email_key, keys_of
from leadrail.core.leads.commands import ChangeStatus, Command, CreateLead, UpdateLead


class BlockKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    LINKEDIN = "linkedin"
    BUSINESS_ID = "business_id"
    DOMAIN = "domain"


class BlockCause(StrEnum):
    REQUEST = "request"
    ERASURE = "erasure"


class Block(msgspec.Struct, frozen=True):
    """An entry of the list. What is blocked is kept as a keyed hash, but for a domain, which is nobody's alone."""

    id: UUID
    kind: BlockKind
    domain: str | None
    cause: BlockCause
    created_at: datetime


BlockKey = tuple[BlockKind, str]
"""What is blocked, in its folded form."""

FIELDS = {
    BlockKind.EMAIL: "email",
    BlockKind.PHONE: "phone",
    BlockKind.LINKEDIN: "linkedin_url",
    BlockKind.BUSINESS_ID: "business_id",
    BlockKind.DOMAIN: "email",
}
"""The field of a lead that each kind is about."""

_KINDS = {KeyKind(kind): kind for kind in BlockKind if kind is not BlockKind.DOMAIN}
_NAMES = ("email", "phone", "linkedin_url", "business_id")


def digest_of(secret: bytes, key: BlockKey) -> bytes:
    kind, text = key
    return hmac.digest(secret, f"{kind}:{text}".encode(), "sha256")


def domain_key(raw: str) -> str | None:
    """The folded domain of addresses, or None when it is none."""
    address = email_key(f"x@{raw.strip().removeprefix('@')}")
    return address.rpartition("@")[2] if address else None


def personal(keys: frozenset[tuple[KeyKind, str]]) -> frozenset[BlockKey]:
    """Those of a lead's keys that say who somebody is; what another system calls a lead does not."""
    return frozenset((_KINDS[kind], key) for kind, key in keys if kind in _KINDS)


def with_domains(keys: frozenset[BlockKey]) -> frozenset[BlockKey]:
    """The keys and, of an address, the domains that it lies in."""
    domains = (domain for kind, key in keys if kind is BlockKind.EMAIL for domain in _domains(key))
    return keys.union((BlockKind.DOMAIN, domain) for domain in domains)


def _domains(address: str) -> Iterator[str]:
    """`jane@mail.example.com` lies in mail.example.com and in example.com."""
    labels = address.rpartition("@")[2].split(".")
    for start in range(len(labels) - 1):
        yield ".".join(labels[start:])


def brought(command: Command, country: str | None) -> frozenset[BlockKey]:
    """The keys that a command brings to a lead, and their domains."""
    fields = _fields(command)
    email, phone, linkedin_url, business_id = (fields.get(name) for name in _NAMES)
    if not (email or phone or linkedin_url or business_id):
        return frozenset()
    return with_domains(personal(keys_of(email, phone, linkedin_url, business_id, {}, country)))


def _fields(command: Command) -> Mapping[str, Any]:
    match command:
        case CreateLead() | UpdateLead():
            return command.fields
        case ChangeStatus():
            return {**command.fields, **command.edits}
    return {}
