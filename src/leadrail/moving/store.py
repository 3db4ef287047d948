"""The SQL of moving: how far each move has come, and which leads are here already."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.core.identity import KeyKind, external_key
from leadrail.db.database import Connection
from leadrail.moving.model import Place


class Tally(msgspec.Struct, frozen=True):
    """What has become of the leads so far. `altered` came, but not every value as it was.

    `unread` is what nothing could be read of: leads without an id, lists that the vendor cut.
    """

    read: int = 0
    brought: int = 0
    known: int = 0
    refused: int = 0
    altered: int = 0
    unread: int = 0


class Account(msgspec.Struct, frozen=True):
    """Whose account is moved to whom. `source` tells accounts of a vendor apart and holds no secret."""

    company_id: UUID
    vendor: str
    source: str


class Kept(msgspec.Struct, frozen=True):
    place: Place
    tally: Tally


async def lock(connection: Connection, account: Account) -> bool:
    """Holds the account for as long as the connection lives; False when another holds it."""
    digest = hashlib.blake2b(f"{account.company_id} {account.vendor}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big", signed=True)
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", number))


async def kept(connection: Connection, account: Account) -> Kept:
    """Where an unfinished move stopped, else the start."""
    statement = """
        SELECT place, read, brought, known, refused, altered, unread FROM moving_places
        WHERE company_id = $1 AND vendor = $2 AND source = $3
    """
    row = await connection.fetchrow(statement, account.company_id, account.vendor, account.source)
    return Kept(row[0], Tally(*row[1:])) if row else Kept({}, Tally())


async def keep(connection: Connection, account: Account, place: Place, tally: Tally, now: datetime) -> None:
    statement = """
        INSERT INTO moving_places
            (company_id, vendor, source, place, read, brought, known, refused, altered, unread, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (company_id, vendor, source) DO UPDATE SET
            place = excluded.place, read = excluded.read, brought = excluded.brought, known = excluded.known,
            refused = excluded.refused, altered = excluded.altered, unread = excluded.unread,
            updated_at = excluded.updated_at
    """
    counts = msgspec.structs.astuple(tally)
    await connection.execute(statement, account.company_id, account.vendor, account.source, place, *counts, now)


async def forget(connection: Connection, account: Account) -> None:
    statement = "DELETE FROM moving_places WHERE company_id = $1 AND vendor = $2 AND source = $3"
    await connection.execute(statement, account.company_id, account.vendor, account.source)


_KNOWN = """
SELECT k.key FROM lead_keys k
JOIN leads l ON l.company_id = k.company_id AND l.id = k.lead_id
LEFT JOIN channel_aliases a ON a.company_id = l.company_id AND a.channel_id = l.channel_id AND a.system = $5
WHERE k.company_id = $1 AND k.kind = $2 AND k.key = ANY($3) AND (a.channel_id IS NULL OR a.channel_id = ANY($4))
"""


async def known(connection: Connection, account: Account, channel_ids: Sequence[UUID], ids: Sequence[str]) -> set[str]:
    """Those of the vendor's ids whose lead the company has, in whatever channel.

    Only the channels of another account of the same vendor do not count: two accounts may number their leads alike.
    """
    keys = {external_key(account.vendor, id): id for id in ids}
    wanted = (account.company_id, KeyKind.EXTERNAL_ID, list(keys), list(channel_ids), account.vendor)
    return {keys[row[0]] for row in await connection.fetch(_KNOWN, *wanted)}


async def look_again(connection: Connection) -> None:
    """Tells the database how the tables have grown.

    On a new server it still plans for empty ones, and looks through all leads of a company for each foreign key.
    """
    await connection.execute("ANALYZE leads, lead_keys, events, follow_ups")


async def date_channel(connection: Connection, company_id: UUID, channel_id: UUID, created_at: datetime) -> None:
    """Sets when a channel that was just made came to be at the vendor."""
    statement = "UPDATE channels SET created_at = $3 WHERE company_id = $1 AND id = $2"
    await connection.execute(statement, company_id, channel_id, created_at)
