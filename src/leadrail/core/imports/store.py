"""The SQL of imports."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.actor import ActorKind
from leadrail.core.identity import KeyKind
from leadrail.core.imports.model import (
    Counts,
    Import,
    ImportState,
    Layout,
    Options,
    Refusal,
    Touched,
    Undone,
)
from leadrail.core.leads.model import Lead
from leadrail.db.database import Connection

Key = tuple[KeyKind, str]

_COLUMNS = Import.__struct_fields__
_LIST = ", ".join(_COLUMNS)
_READ: dict[str, Any] = {
    "state": ImportState,
    "layout": lambda value: msgspec.convert(value, Layout),
    "options": lambda value: msgspec.convert(value, Options),
    "counts": lambda value: msgspec.convert(value, Counts),
    "checked": lambda value: msgspec.convert(value, Counts | None),
    "undo": lambda value: msgspec.convert(value, Undone | None),
    "actor_kind": ActorKind,
}
_JSON = frozenset({"layout", "options", "counts", "checked", "undo"})


def _import(row: Any) -> Import:
    values = dict(row)
    return Import(**{name: _READ[name](value) if name in _READ else value for name, value in values.items()})


def _value(made: Import, name: str) -> Any:
    value = getattr(made, name)
    return msgspec.to_builtins(value) if name in _JSON else value


async def insert(connection: Connection, made: Import) -> None:
    places = ", ".join(f"${place}" for place in range(1, len(_COLUMNS) + 1))
    values = [_value(made, name) for name in _COLUMNS]
    await connection.execute(f"INSERT INTO imports ({_LIST}) VALUES ({places})", *values)


async def update(connection: Connection, made: Import, *names: str) -> None:
    """Writes these fields of the import."""
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(names, 3))
    statement = f"UPDATE imports SET {assignments} WHERE company_id = $1 AND id = $2"
    await connection.execute(statement, made.company_id, made.id, *(_value(made, name) for name in names))


async def read(connection: Connection, company_id: UUID, id: UUID, *, locked: bool = False) -> Import | None:
    statement = f"SELECT {_LIST} FROM imports WHERE company_id = $1 AND id = $2 {'FOR UPDATE' if locked else ''}"
    row = await connection.fetchrow(statement, company_id, id)
    return _import(row) if row else None


async def listed(
    connection: Connection, company_id: UUID, channel_ids: Sequence[UUID], before: UUID | None, limit: int
) -> list[Import]:
    """The company's imports, newest first; `channel_ids` not empty means those into these channels."""
    statement = f"""
        SELECT {_LIST} FROM imports
        WHERE company_id = $1 AND (cardinality($2::uuid[]) = 0 OR channel_id = ANY($2))
            AND ($3::uuid IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4
    """
    return [_import(row) for row in await connection.fetch(statement, company_id, channel_ids, before, limit)]


async def same_file(connection: Connection, made: Import) -> Import | None:
    """The newest import of the same file into the same channel that was begun and stands."""
    statement = f"""
        SELECT {_LIST} FROM imports
        WHERE company_id = $1 AND digest = $2 AND channel_id = $3 AND state IN ('running', 'done')
        ORDER BY id DESC LIMIT 1
    """
    row = await connection.fetchrow(statement, made.company_id, made.digest, made.channel_id)
    return _import(row) if row else None


async def under_way(connection: Connection, most: int) -> list[tuple[UUID, UUID]]:
    """Of each company the oldest `most` that are to be done, the first of each before any second, as (company, id).

    A file that is not stored is read elsewhere.
    """
    statement = """
        SELECT company_id, id FROM (
            SELECT company_id, id, row_number() OVER (PARTITION BY company_id ORDER BY id) AS place FROM imports
            WHERE state IN ('checking', 'running', 'undoing') AND (stored OR state = 'undoing')
        ) AS waiting WHERE place <= $1 ORDER BY place, id LIMIT 100
    """
    return [(row[0], row[1]) for row in await connection.fetch(statement, most)]


async def lock(connection: Connection, id: UUID) -> bool:
    """Holds the import for as long as the connection lives; False when another process holds it."""
    digest = hashlib.blake2b(f"import {id}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big", signed=True)
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", number))


async def lock_channel(connection: Connection, channel_id: UUID) -> None:
    """Until the transaction ends, no other import looks for leads of the channel."""
    digest = hashlib.blake2b(f"import into {channel_id}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big", signed=True)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", number)


# The file


async def put_chunk(connection: Connection, made: Import, place: int, body: bytes) -> None:
    statement = "INSERT INTO import_chunks (company_id, import_id, place, body) VALUES ($1, $2, $3, $4)"
    await connection.execute(statement, made.company_id, made.id, place, body)


async def chunk(connection: Connection, made: Import, place: int) -> bytes | None:
    statement = "SELECT body FROM import_chunks WHERE company_id = $1 AND import_id = $2 AND place = $3"
    body: bytes | None = await connection.fetchval(statement, made.company_id, made.id, place)
    return body


async def chunks(connection: Connection, made: Import) -> AsyncIterator[bytes]:
    place = 0
    while (body := await chunk(connection, made, place)) is not None:
        yield body
        place += 1


async def drop_file(connection: Connection, made: Import) -> None:
    statement = "DELETE FROM import_chunks WHERE company_id = $1 AND import_id = $2"
    await connection.execute(statement, made.company_id, made.id)


# Who is here already

_FOUND = """
SELECT k.kind, k.key, k.lead_id FROM unnest($3::text[], $4::text[]) AS q(kind, key)
JOIN lead_keys k ON k.company_id = $1 AND k.kind = q.kind AND k.key = q.key
JOIN leads l ON l.company_id = k.company_id AND l.id = k.lead_id
WHERE l.channel_id = $2 AND l.status_id <> ALL ($5::uuid[])
ORDER BY l.number
"""


async def found(
    connection: Connection, made: Import, keys: Iterable[Key], without: Sequence[UUID]
) -> dict[Key, list[UUID]]:
    """The leads of the channel by these keys, oldest first; not those in the statuses `without`."""
    kinds, texts = zip(*keys, strict=True) if keys else ((), ())
    wanted = (made.lead_company_id, made.channel_id, kinds, texts, without)
    by_key: dict[Key, list[UUID]] = {}
    for kind, key, lead_id in await connection.fetch(_FOUND, *wanted):
        by_key.setdefault((KeyKind(kind), key), []).append(lead_id)
    return by_key


# What is kept of it for a while


async def put_refusals(connection: Connection, made: Import, refusals: Sequence[Refusal]) -> None:
    # Not unnest: the cells of each row are an array of their own.
    statement = """
        INSERT INTO import_refusals (company_id, import_id, row, cells, error, keys) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING
    """
    await connection.executemany(
        statement,
        [(made.company_id, made.id, one.row, list(one.cells), one.error, list(one.keys)) for one in refusals],
    )


async def refusals(connection: Connection, made: Import, after: int, limit: int) -> list[Refusal]:
    statement = """
        SELECT row, cells, error, keys FROM import_refusals
        WHERE company_id = $1 AND import_id = $2 AND row > $3 ORDER BY row LIMIT $4
    """
    rows = await connection.fetch(statement, made.company_id, made.id, after, limit)
    return [Refusal(row[0], tuple(row[1]), row[2], tuple(row[3])) for row in rows]


class RefusedRow(msgspec.Struct, frozen=True):
    """A refused row of some import."""

    import_id: UUID
    row: int
    cells: list[str]
    error: str


async def refusals_of_person(connection: Connection, company_id: UUID, key: Key, limit: int) -> list[RefusedRow]:
    """The refused rows with this key, newest imports first."""
    statement = """
        SELECT import_id, row, cells, error FROM import_refusals
        WHERE company_id = $1 AND keys @> $2 ORDER BY import_id DESC, row LIMIT $3
    """
    return [RefusedRow(*row) for row in await connection.fetch(statement, company_id, [":".join(key)], limit)]


async def drop_refusals_of_person(connection: Connection, company_id: UUID, key: Key) -> None:
    statement = "DELETE FROM import_refusals WHERE company_id = $1 AND keys @> $2"
    await connection.execute(statement, company_id, [":".join(key)])


async def drop_refusals(connection: Connection, made: Import) -> None:
    statement = "DELETE FROM import_refusals WHERE company_id = $1 AND import_id = $2"
    await connection.execute(statement, made.company_id, made.id)


_PUT_LEADS = """
INSERT INTO import_leads (company_id, import_id, lead_id, before, version)
SELECT $1, $2, r.lead_id, r.before::jsonb, r.version
FROM unnest($3::uuid[], $4::text[], $5::bigint[]) AS r(lead_id, before, version)
ON CONFLICT (company_id, import_id, lead_id) DO UPDATE SET version = excluded.version
"""


async def put_leads(connection: Connection, made: Import, touched: Sequence[Touched]) -> None:
    """Leads that the import changed. How one was before the first of its changes stays."""
    ids = [one.lead_id for one in touched]
    before = [one.before.decode() if one.before is not None else None for one in touched]
    await connection.execute(_PUT_LEADS, made.company_id, made.id, ids, before, [one.version for one in touched])


class Standing(msgspec.Struct, frozen=True):
    """A lead of an import as it is recorded. `is_touched`: something happened to it that no import did."""

    lead_id: UUID
    before: Lead | None
    version: int
    is_touched: bool


_CREATED = """
SELECT l.id, NULL, coalesce(i.version, 1), EXISTS (
    SELECT FROM events e WHERE e.company_id = l.company_id AND e.lead_id = l.id AND e.face <> 'import')
FROM leads l LEFT JOIN import_leads i ON i.company_id = $1 AND i.import_id = $2 AND i.lead_id = l.id
WHERE l.company_id = $3 AND l.id > $4 AND l.id <= $5
ORDER BY l.id LIMIT $6
"""

_CHANGED = """
SELECT lead_id, before, version, false FROM import_leads
WHERE company_id = $1 AND import_id = $2 AND before IS NOT NULL ORDER BY lead_id LIMIT $3
"""


async def created(connection: Connection, made: Import, after: UUID, limit: int) -> list[Standing]:
    """The leads that the import made, from behind `after`, whichever channel they are in by now."""
    last = made.lead_id(2**32 - 1)
    wanted = (made.company_id, made.id, made.lead_company_id, after, last, limit)
    return [Standing(*row) for row in await connection.fetch(_CREATED, *wanted)]


async def changed(connection: Connection, made: Import, limit: int) -> list[Standing]:
    """Leads that the import found and changed, and that are not back yet."""
    rows = await connection.fetch(_CHANGED, made.company_id, made.id, limit)
    return [Standing(row[0], msgspec.convert(row[1], Lead, strict=False), row[2], row[3]) for row in rows]


async def forget_changed(connection: Connection, made: Import, lead_ids: Sequence[UUID]) -> None:
    statement = "DELETE FROM import_leads WHERE company_id = $1 AND import_id = $2 AND lead_id = ANY($3)"
    await connection.execute(statement, made.company_id, made.id, lead_ids)


async def drop_leads(connection: Connection, made: Import) -> None:
    statement = "DELETE FROM import_leads WHERE company_id = $1 AND import_id = $2"
    await connection.execute(statement, made.company_id, made.id)


# Tidying up

_FORGET = """
WITH old AS (SELECT company_id, id FROM imports WHERE created_at < $1 AND state <> 'running'),
    refused AS (DELETE FROM import_refusals r USING old WHERE r.company_id = old.company_id AND r.import_id = old.id)
DELETE FROM import_leads l USING old WHERE l.company_id = old.company_id AND l.import_id = old.id
"""

_FORGET_DRAFTS = "DELETE FROM imports WHERE created_at < $1 AND state IN ('draft', 'failed')"


async def forget(connection: Connection, kept_from: datetime, drafts_kept_from: datetime) -> None:
    """Lets go of persons: of rows that were refused, leads as they were, files that were never begun."""
    await connection.execute(_FORGET, kept_from)
    await connection.execute(_FORGET_DRAFTS, drafts_kept_from)


async def look_again(connection: Connection) -> None:
    """Tells the database how the tables have grown, or it plans for those of before."""
    await connection.execute("ANALYZE leads, lead_keys, events")


# What a dry run has seen of its own file: in a table that goes with its connection, so that memory stays flat.


async def begin_seen(connection: Connection) -> None:
    await connection.execute("CREATE TEMP TABLE seen (kind text, key text, lead_id uuid, PRIMARY KEY (kind, key))")


async def seen(connection: Connection, keys: Iterable[Key]) -> dict[Key, list[UUID]]:
    statement = "SELECT s.* FROM unnest($1::text[], $2::text[]) AS q(kind, key) JOIN seen s USING (kind, key)"
    rows = await connection.fetch(statement, *zip(*keys, strict=True))
    return {(KeyKind(row[0]), row[1]): [row[2]] for row in rows}


async def put_seen(connection: Connection, fresh: dict[Key, UUID]) -> None:
    statement = "INSERT INTO seen SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[]) ON CONFLICT DO NOTHING"
    kinds, keys = zip(*fresh, strict=True)
    await connection.execute(statement, kinds, keys, list(fresh.values()))


async def delete(connection: Connection, made: Import) -> None:
    await connection.execute("DELETE FROM imports WHERE company_id = $1 AND id = $2", made.company_id, made.id)
