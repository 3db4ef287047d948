"""Letting callers in: bearer keys and till logins, remembered for a moment, so that revoking works within seconds."""

import asyncio
import hashlib
import time
from datetime import datetime
from uuid import UUID

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from leadrail.core.actor import Actor, ActorKind, Scope
from leadrail.core.companies import store
from leadrail.core.companies.commands import digest_of
from leadrail.core.companies.model import Credential
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Database
from leadrail.kit.clock import Clock
from leadrail.kit.ids import parse_id

REMEMBERED_S = 2.0
GRANTED_S = 300
_CAPACITY = 50_000
_hasher = PasswordHasher()
# Verified at the price of a real one, which its beginning names. Written, not made: that would delay every start.
_PRICE = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
_DECOY = f"$argon2id$v=19${_PRICE}${'A' * 22}${'A' * 43}"


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

    async def grant(self, client: str, secret: str, face: str) -> str:
        """A token that stands for a key for GRANTED_S seconds: `client` is its id or its till's name.

        Raises Refused (`unauthorized`).
        """
        key_id = parse_id(client)
        actor = await (self.admit_till(client, secret, face) if key_id is None else self.admit_key(secret, face))
        if key_id not in (None, actor.id):
            raise refuse(Code.UNAUTHORIZED, "The key and the secret do not belong together")
        credential = await self._credential(str(actor.id))
        expires = int(time.time()) + GRANTED_S
        return jwt.encode({"sub": str(actor.id), "exp": expires}, _signs(credential), algorithm="HS256")

    async def admit_granted(self, token: str, face: str) -> Actor:
        """The actor of a token from `grant`. Raises Refused (`unauthorized`), also when its key is revoked."""
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
            credential = await self._credential(str(claims.get("sub")))
            jwt.decode(token, _signs(credential), algorithms=["HS256"], options={"require": ["exp", "sub"]})
        except jwt.InvalidTokenError:
            raise refuse(Code.UNAUTHORIZED, "The token is not valid or has expired") from None
        return self._actor(hashlib.sha256(f"granted {credential.key.id}".encode()).digest(), credential, face)

    async def admit_again(self, key_id: UUID, face: str) -> Actor:
        """The actor of a key for which work goes on that it asked for earlier, as it is now.

        Raises Refused (`unauthorized`).
        """
        async with self._database.connection() as connection:
            credential = await store.credential_with_id(connection, key_id)
        return _actor(self._in_force(credential), face)

    async def _credential(self, key_id: str) -> Credential:
        id = parse_id(key_id)
        async with self._database.connection() as connection:
            credential = await store.credential_with_id(connection, id) if id else None
        if credential is None:
            raise jwt.InvalidTokenError
        return credential

    def forget(self) -> None:
        """Drops what is remembered, for a key that was revoked or a user that was disabled in this process."""
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
        known = self._in_force(credential)
        held = self._actors.get((digest, face))
        if held is None or held[0] is not known:
            held = (known, _actor(known, face))
            self._actors[digest, face] = held
        return held[1]

    def _in_force(self, credential: Credential | None) -> Credential:
        if credential is None or not _in_force(credential, self._clock()):
            raise refuse(Code.UNAUTHORIZED, "The API key is missing, unknown, expired or revoked, or its user disabled")
        return credential


def _signs(credential: Credential) -> bytes:
    """What signs the tokens of a key: known to this server alone, and gone with the key."""
    stored = credential.digest or (credential.till_password or "").encode()
    return hashlib.sha256(b"token " + stored).digest()


def _matches(stored: str, secret: str) -> bool:
    try:
        return _hasher.verify(stored, secret)
    except (VerificationError, InvalidHashError):
        return False


def _in_force(credential: Credential, now: datetime) -> bool:
    key = credential.key
    return (
        not credential.user_is_disabled and key.revoked_at is None and (key.expires_at is None or key.expires_at > now)
    )


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
        time_zone=key.time_zone,
        user_id=key.user_id,
    )
