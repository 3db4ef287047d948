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


class UserState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class Company(msgspec.Struct, frozen=True):
    """The tenant. `country` (ISO 3166, two letters) is where a phone number without a country code belongs."""

    id: UUID
    name: str
    country: str | None
    time_zone: str
    created_at: datetime


class User(msgspec.Struct, frozen=True):
    """Somebody of the company. The keys of a disabled user open nothing."""

    id: UUID
    email: str
    name: str | None
    role: UserRole
    state: UserState
    created_at: datetime

    @property
    def is_active_owner(self) -> bool:
        return self.role is UserRole.OWNER and self.state is UserState.ACTIVE


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is shown; the key itself is shown once, when it is made.

    `user_id` is whose it is, None for a key of the company's own.
    """

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
    user_id: UUID | None


class Credential(msgspec.Struct, frozen=True):
    """What a login is checked against."""

    key: ApiKey
    company_id: UUID
    till_password: str | None
    till_number: int
    shared_by: tuple[UUID, ...]
    digest: bytes | None
    user_is_disabled: bool
