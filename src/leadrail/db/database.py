"""Connections and transactions. Whoever needs SQL gets a connection from here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

Connection = Any  # asyncpg.Connection, or the pool's proxy of one; asyncpg ships no types for the pair

UNREACHABLE: tuple[type[BaseException], ...] = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    TimeoutError,
)
"""What a database that is away, starting or stopping raises."""

_SETTINGS = {
    "application_name": "leadrail",
    "timezone": "UTC",
    "jit": "off",
    "lock_timeout": "5s",
    # With the 4 of a server that was left as it came, a planner could rather sort a company than go along an index.
    "random_page_cost": "1.1",
}

_WRITING = {
    # The statements of the write path are few and always alike: planning one anew costs more than running it.
    "plan_cache_mode": "force_generic_plan",
    # A plan is kept while the tables grow, that of a reference's check too: one made for a dozen leads would go through
    # all of them for each new row (docs/decisions/write-path.md).
    "enable_seqscan": "off",
}


class Database:
    """A pool for questions and small transactions, and dedicated connections for the write path."""

    def __init__(self, url: str, pool: asyncpg.Pool) -> None:
        self._url, self._pool = url, pool

    @classmethod
    async def open(cls, url: str, *, size: int = 10) -> "Database":
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=size, init=_prepare, reset=_keep, server_settings=_SETTINGS, timeout=10
        )
        return cls(url, pool)

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self._pool.acquire(timeout=10) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self._pool.acquire(timeout=10) as connection, connection.transaction():
            yield connection

    async def dedicated(self) -> Connection:
        """A connection outside the pool; the caller closes it."""
        connection = await asyncpg.connect(self._url, server_settings=_SETTINGS | _WRITING, timeout=10)
        await _prepare(connection)
        return connection


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode, decoder=msgspec.json.decode, format="text"
    )
    # In the binary form, which is the driver's own choice, 20000 arrives as 2E+4 and would be shown so.
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=Decimal, format="text")


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _keep(_connection: Connection) -> None:
    """Nothing to reset: no session state is ever set, and a transaction always ends with its block."""
