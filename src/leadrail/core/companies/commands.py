"""Making companies, users and keys. The caller owns the transaction."""

import hashlib
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import msgspec
from argon2 import PasswordHasher
from msgspec.structs import replace

from leadrail.core.actor import Scope
from leadrail.core.companies import store
from leadrail.core.companies.model import ApiKey, Company, User, UserRole, UserState
from leadrail.core.errors import Code, refuse
from leadrail.core.identity import email_key
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id

NAME_LIMIT = 200
_hasher = PasswordHasher()


class Bootstrapped(msgspec.Struct, frozen=True):
    company_id: UUID
    user_id: UUID
    api_key: str


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a key is to be. `till` and `password` make a Basic login of it instead of a bearer key.

    `time_zone` (IANA) is where its user stands, None where the company does. `user_id` is whose it is, None for a key
    of the company's own.
    """

    name: str
    scopes: tuple[Scope, ...] = (Scope.READ, Scope.WRITE)
    channel_ids: tuple[UUID, ...] = ()
    default_channel: UUID | None = None
    till: str | None = None
    password: str | None = None
    expires_at: datetime | None = None
    time_zone: str | None = None
    user_id: UUID | None = None


async def bootstrap(connection: Connection, name: str, email: str, now: datetime) -> Bootstrapped:
    """Creates or finds the company and its owner, and makes a new key of the owner's with every scope.

    Raises Refused (`invalid`) for an empty name or an address that is none.
    """
    if not name.strip() or len(name) > NAME_LIMIT:
        raise refuse(Code.INVALID, f"The company needs a name of 1 to {NAME_LIMIT} characters", "/company")
    address = _address(email)
    await store.insert_company(connection, Company(new_id(), name.strip(), None, "UTC", now))
    company = await store.company_named(connection, name.strip())
    assert company is not None
    owner = User(new_id(), address, None, UserRole.OWNER, UserState.ACTIVE, now)
    if not await store.insert_user(connection, company.id, owner):
        known = await store.user_called(connection, company.id, address)
        assert known is not None
        owner = known
    wanted = NewKey(name="bootstrap", scopes=tuple(Scope), user_id=owner.id)
    _, token = await create_key(connection, company.id, wanted, now)
    assert token is not None
    return Bootstrapped(company.id, owner.id, token)


def _address(email: str) -> str:
    if (address := email_key(email)) is None:
        raise refuse(Code.INVALID, f'"{email}" is not an e-mail address', "/email")
    return address


async def create_user(
    connection: Connection, company_id: UUID, email: str, role: UserRole, name: str | None, now: datetime
) -> User:
    """Raises Refused (`invalid` for an address that is none or a blank name, `conflict` for one that is taken)."""
    user = User(new_id(), _address(email), name, role, UserState.ACTIVE, now)
    _check_name(user)
    if not await store.insert_user(connection, company_id, user):
        raise refuse(Code.CONFLICT, f'The company has a user "{user.email}" already', "/email")
    return user


async def edit_user(connection: Connection, company_id: UUID, user_id: UUID, given: dict[str, Any]) -> User:
    """The user with another `name`, `role` or `state`. Raises Refused (`not_found`, `invalid`, `last_owner`)."""
    # Two who take each other's ownership at once would leave nobody.
    await store.lock_users(connection, company_id)
    before = await store.user(connection, company_id, user_id)
    if before is None:
        raise refuse(Code.NOT_FOUND, "User not found")
    after = replace(before, **given)
    _check_name(after)
    if before.is_active_owner and not after.is_active_owner:
        field = "/role" if after.role is not UserRole.OWNER else "/state"
        if not await store.has_other_owner(connection, company_id, user_id):
            raise refuse(Code.LAST_OWNER, "This is the company's last active owner; make another one first", field)
    await store.update_user(connection, company_id, after)
    return after


def _check_name(user: User) -> None:
    if user.name is not None and not user.name.strip():
        raise refuse(Code.INVALID, f"name has 1 to {NAME_LIMIT} characters, or is null", "/name")


async def create_key(
    connection: Connection, company_id: UUID, wanted: NewKey, now: datetime
) -> tuple[ApiKey, str | None]:
    """Makes a key; answers it and the secret that is shown this once (None for a till, which has its password).

    Raises Refused (`invalid`, `conflict`, `not_found`).
    """
    _check_key(wanted, now)
    if wanted.user_id is not None:
        await _check_user(connection, company_id, wanted.user_id)
    token = None if wanted.till else f"lr_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        id=new_id(),
        name=wanted.name,
        scopes=wanted.scopes,
        channel_ids=wanted.channel_ids,
        default_channel=wanted.default_channel,
        till=wanted.till,
        expires_at=wanted.expires_at,
        revoked_at=None,
        last_used_at=None,
        created_at=now,
        time_zone=wanted.time_zone,
        user_id=wanted.user_id,
    )
    if wanted.till and await store.till_taken(connection, wanted.till):
        raise refuse(Code.CONFLICT, f'The till name "{wanted.till}" is taken; choose another', "/till")
    password = _hasher.hash(till_secret(wanted.password)) if wanted.password else None
    await store.insert_key(connection, company_id, key, digest_of(token) if token else None, password)
    return key, token


async def _check_user(connection: Connection, company_id: UUID, user_id: UUID) -> None:
    user = await store.user(connection, company_id, user_id)
    if user is None:
        raise refuse(Code.NOT_FOUND, "User not found", "/user_id")
    if user.state is UserState.DISABLED:
        raise refuse(Code.CONFLICT, f"The user {user.email} is disabled, so a key of theirs opens nothing", "/user_id")


def _check_key(wanted: NewKey, now: datetime) -> None:
    if not wanted.scopes:
        raise refuse(Code.INVALID, "A key needs at least one scope: read, write or admin", "/scopes")
    if (wanted.till is None) != (wanted.password is None):
        raise refuse(Code.INVALID, "A Basic login needs both till and password", "/till")
    if wanted.till is not None and ":" in wanted.till:
        raise refuse(Code.INVALID, "A till name has no colon", "/till")
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise refuse(Code.INVALID, "expires_at lies in the past", "/expires_at")
    if wanted.time_zone is not None and wanted.time_zone not in available_timezones():
        raise refuse(Code.INVALID, "time_zone is an IANA name like Europe/Copenhagen", "/time_zone")
    if wanted.channel_ids and wanted.default_channel and wanted.default_channel not in wanted.channel_ids:
        raise refuse(Code.INVALID, "default_channel is not among channel_ids", "/default_channel")


def digest_of(token: str) -> bytes:
    """What is stored of a bearer key: it holds 256 random bits, so a plain SHA-256 cannot be searched back."""
    return hashlib.sha256(token.encode()).digest()


def till_secret(password: str) -> str:
    """What a till sends for its password: its MD5 in hex. Source: contracts/capillary.md, section 1.1."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
