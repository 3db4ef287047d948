"""Letting callers in: bearer keys and till logins, remembered for a moment, so that revoking works within seconds."""

import asyncio
import hashlib
import time
from datetime import datetime
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from leadrail.core.actor import Actor, ActorKind, Scope
from leadrail.core.companies import store
from leadrail.core.companies.commands import digest_of
from leadrail.core.companies.model import Credential
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Database
from leadrail.kit.clock import Clock

REMEMBERED_S = 2.0
_CAPACITY = 50_000
_hasher = PasswordHasher()
_DECOY = _hasher.hash("no till has this password")


class Doors:
    """Turns a credential into an actor. What is remembered is bounded in time and in number."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._known: dict[bytes, tuple[float, Credential | None]] = {}
        self._actors: dict[tuple[bytes, str], tuple[Credential, Actor]] = {}
        self._verified: dict[bytes, str] = {}
        # Argon2 is meant to be slow; a flood of wrong passwords may not take every thread.
        self._hashing = asyncio.Semaphore(2)

    async def admit_key(self, token: str, face: str) -> Actor:
        """The actor of a bearer key. Raises Refused (`unauthorized`)."""
        digest = digest_of(token)
        known = self._known.get(digest)
        if known is None or known[0] < time.monotonic():
            async with self._database.connection() as connection:
                credential = await store.credential_of_key(connection, digest)
                await self._touch(connection, credential)
            self._remember(digest, credential)
        else:
            credential = known[1]
        return self._actor(digest, credential, face)

    async def admit_till(self, till: str, secret: str, face: str) -> Actor:
        """The actor of a Basic login. Raises Refused (`unauthorized`)."""
        digest = hashlib.sha256(f"{till}:{secret}".encode()).digest()
        known = self._known.get(digest)
        if known is None or known[0] < time.monotonic():
            async with self._database.connection() as connection:
                credential = await store.credential_of_till(connection, till)
                await self._touch(connection, credential)
            credential = credential if await self._verify(digest, credential, secret) else None
            self._remember(digest, credential)
        else:
            credential = known[1]
        return self._actor(digest, credential, face)

    def forget(self) -> None:
        """Drops what is remembered, for a key that was just revoked in this process."""
        self._known.clear()
        self._actors.clear()

    async def _touch(self, connection: object, credential: Credential | None) -> None:
        if credential is not None:
            await store.touch_key(connection, credential.company_id, credential.key.id)

    def _remember(self, digest: bytes, credential: Credential | None) -> None:
        if len(self._known) >= _CAPACITY:
            self.forget()
            self._verified.clear()
        self._known[digest] = (time.monotonic() + REMEMBERED_S, credential)

    async def _verify(self, digest: bytes, credential: Credential | None, secret: str) -> bool:
        stored = credential.till_password if credential else None
        if stored is not None and self._verified.get(digest) == stored:
            return True
        async with self._hashing:
            # An unknown till costs as much as a wrong password, so that time does not tell them apart.
            right = await asyncio.to_thread(_matches, stored or _DECOY, secret) and stored is not None
        if right and stored is not None:
            self._verified[digest] = stored
        return right

    def _actor(self, digest: bytes, credential: Credential | None, face: str) -> Actor:
        if credential is None or not _in_force(credential, self._clock()):
            raise refuse(Code.UNAUTHORIZED, "The API key is missing, unknown, expired or revoked")
        held = self._actors.get((digest, face))
        if held is None or held[0] is not credential:
            held = (credential, _actor(credential, face))
            self._actors[digest, face] = held
        return held[1]


def _matches(stored: str, secret: str) -> bool:
    try:
        return _hasher.verify(stored, secret)
    except (VerificationError, InvalidHashError):
        return False


def _in_force(credential: Credential, now: datetime) -> bool:
    key = credential.key
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _actor(credential: Credential, face: str) -> Actor:
    key = credential.key
    channel_ids: frozenset[UUID] = frozenset(key.channel_ids)
    return Actor(
        kind=ActorKind.API_KEY,
        id=key.id,
        company_id=credential.company_id,
        face=face,
        scopes=frozenset(Scope) if Scope.ADMIN in key.scopes else frozenset(key.scopes),
        channel_ids=channel_ids,
        default_channel=key.default_channel,
        shared_by=credential.shared_by,
        number=credential.till_number,
    )
