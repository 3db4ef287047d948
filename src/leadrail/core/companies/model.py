"""What a company, a user and an API key are."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from leadrail.core.actor import Scope


class UserRole(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class Company(msgspec.Struct, frozen=True):
    """The tenant. `country` (ISO 3166, two letters) is where a phone number without a country code belongs."""

    id: UUID
    name: str
    country: str | None
    time_zone: str
    created_at: datetime


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is shown; the key itself is shown once, when it is made."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    channel_ids: tuple[UUID, ...]
    default_channel: UUID | None
    till: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    time_zone: str | None


class Credential(msgspec.Struct, frozen=True):
    """What a login is checked against."""

    key: ApiKey
    company_id: UUID
    till_password: str | None
    till_number: int
    shared_by: tuple[UUID, ...]
    digest: bytes | None
