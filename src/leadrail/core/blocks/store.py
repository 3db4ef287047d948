"""The SQL of block lists."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from leadrail.core.blocks.model import Block, BlockCause, BlockKey, BlockKind
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id


async def secret_of(connection: Connection, company_id: UUID, offered: bytes) -> bytes:
    """The secret of the company's list, held until the transaction ends; `offered` when there was no list yet."""
    statement = """
        INSERT INTO block_lists AS l (company_id, secret) VALUES ($1, $2)
        ON CONFLICT (company_id) DO UPDATE SET secret = l.secret RETURNING secret
    """
    secret: bytes = await connection.fetchval(statement, company_id, offered)
    return secret


async def held_secret(connection: Connection, company_id: UUID) -> bytes | None:
    """The same of a list that is there."""
    statement = "SELECT secret FROM block_lists WHERE company_id = $1 FOR UPDATE"
    secret: bytes | None = await connection.fetchval(statement, company_id)
    return secret


async def secret_now(connection: Connection, company_id: UUID) -> bytes | None:
    """The same, not held."""
    secret: bytes | None = await connection.fetchval("SELECT secret FROM block_lists WHERE company_id = $1", company_id)
    return secret


_COLUMNS = "id, kind, domain, cause, created_at"

_ADD = f"""
INSERT INTO blocks (company_id, digest, {_COLUMNS})
SELECT $1, r.digest, r.id, r.kind, r.domain, $6, $7
FROM unnest($2::bytea[], $3::uuid[], $4::text[], $5::text[]) AS r(digest, id, kind, domain)
ON CONFLICT (company_id, digest) DO NOTHING
"""

_WITH_DIGESTS = f"SELECT {_COLUMNS} FROM blocks WHERE company_id = $1 AND digest = ANY($2) ORDER BY id"


async def add(
    connection: Connection, company_id: UUID, keys: Sequence[tuple[bytes, BlockKey]], cause: BlockCause, now: datetime
) -> None:
    """Blocks these (digest, key); what is blocked already stays as it is."""
    kinds = [kind for _, (kind, _) in keys]
    domains = [text if kind is BlockKind.DOMAIN else None for _, (kind, text) in keys]
    digests, ids = [digest for digest, _ in keys], [new_id() for _ in keys]
    await connection.execute(_ADD, company_id, digests, ids, kinds, domains, cause, now)


async def with_digests(connection: Connection, company_id: UUID, digests: Sequence[bytes]) -> list[Block]:
    """The blocks that these digests meet, oldest first."""
    return [_block(row) for row in await connection.fetch(_WITH_DIGESTS, company_id, digests)]


async def listed(connection: Connection, company_id: UUID, *, before: UUID | None, limit: int) -> list[Block]:
    """The company's blocks, newest first; `before` is the last one of the page before."""
    statement = f"""
        SELECT {_COLUMNS} FROM blocks WHERE company_id = $1 AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3
    """
    return [_block(row) for row in await connection.fetch(statement, company_id, before, limit)]


def _block(row: Sequence[object]) -> Block:
    id, kind, domain, cause, created_at = row
    return Block(id, BlockKind(kind), domain, BlockCause(cause), created_at)  # type: ignore[arg-type]


async def remove(connection: Connection, company_id: UUID, id: UUID) -> bool:
    """Answers whether there was such a block."""
    removed = await connection.execute("DELETE FROM blocks WHERE company_id = $1 AND id = $2", company_id, id)
    return bool(removed == "DELETE 1")


async def drop_empty_list(connection: Connection, company_id: UUID) -> bool:
    """Ends a list without an entry, its secret with it; answers whether it did."""
    statement = """
        DELETE FROM block_lists l
        WHERE l.company_id = $1 AND NOT EXISTS (SELECT FROM blocks b WHERE b.company_id = l.company_id)
    """
    return bool(await connection.execute(statement, company_id) == "DELETE 1")


# Numbers for new leads and what is blocked of what they bring, in one round trip. One probe of the key for each: left
# to itself, the planner reads a list of some thousands whole.
_DRAW = """
SELECT ARRAY(SELECT nextval('lead_numbers') FROM generate_series(1, $1::integer)),
    ARRAY(
        SELECT found.digest FROM unnest($2::uuid[], $3::bytea[]) AS q(company_id, digest)
        CROSS JOIN LATERAL (
            SELECT b.digest FROM blocks b WHERE b.company_id = q.company_id AND b.digest = q.digest LIMIT 1
        ) AS found
    )
"""


async def draw(
    connection: Connection, numbers: int, wanted: Sequence[tuple[UUID, bytes]]
) -> tuple[list[int], frozenset[bytes]]:
    """So many new numbers of leads, and those of the (company, digest) that are blocked."""
    companies, digests = zip(*wanted, strict=True)
    drawn, blocked = await connection.fetchrow(_DRAW, numbers, companies, digests)
    return drawn, frozenset(blocked)


async def busy_channels(connection: Connection, company_id: UUID) -> list[UUID]:
    """The company's channels into which somebody is writing at this moment."""
    statement = "SELECT id FROM channels WHERE company_id = $1"
    free = {row[0] for row in await connection.fetch(f"{statement} FOR UPDATE SKIP LOCKED", company_id)}
    return [row[0] for row in await connection.fetch(statement, company_id) if row[0] not in free]
