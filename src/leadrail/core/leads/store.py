"""The SQL of leads: how they are read, locked and written."""

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.identity import KeyKind
from leadrail.core.leads.filters import Filter, page, where
from leadrail.core.leads.model import Lead
from leadrail.db.database import Connection
from leadrail.db.filters import Parameters
from leadrail.db.statement import Section

_FIELDS = Lead.__struct_fields__
_LEAD = ", ".join(f"l.{name}" for name in _FIELDS)

# What a change of status writes; an edit writes all but what never changes.
_MOVED = (
    "status_id",
    "sub_status",
    "sub_status_id",
    "reason_id",
    "reason",
    "value",
    "currency",
    "next_follow_up_at",
) + (
    "last_follow_up_at",
    "qualified_at",
    "closed_at",
    "status_changed_at",
    "updated_at",
    "version",
    "follow_up_notice",
    "rule_due_at",
    "undo",
    "follow_up_status_id",
)
_EDITED = tuple(name for name in _FIELDS if name not in ("company_id", "id", "number", "channel_id", "created_at"))
_unmoved = attrgetter("channel_id", *(name for name in _EDITED if name not in _MOVED))


class KeyRow(msgspec.Struct, frozen=True):
    """An identity key of a lead."""

    company_id: UUID
    kind: KeyKind
    key: str
    lead_id: UUID


class KeptKeys(msgspec.Struct, frozen=True):
    """The keys, as `kind:key`, that an edited lead keeps; all others of it go, by whatever rule they once came."""

    company_id: UUID
    lead_id: UUID
    kept: tuple[str, ...]


def _update(names: Sequence[str]) -> str:
    assignments = ", ".join(f"{name} = r.{name}" for name in names)
    return f"UPDATE leads l SET {assignments} FROM {{rows}} WHERE l.company_id = r.company_id AND l.id = r.id"


INSERT = Section("created", Lead, "INSERT INTO leads ({columns}) SELECT {columns} FROM {rows}")
MOVE = Section("moved", Lead, _update(_MOVED), ("company_id", "id", *_MOVED))
EDIT = Section("edited", Lead, _update(_EDITED), ("company_id", "id", *_EDITED))
RELOCATE = Section("relocated", Lead, _update(("channel_id", *_EDITED)), ("company_id", "id", "channel_id", *_EDITED))
_INSERT_KEYS = "INSERT INTO lead_keys ({columns}) SELECT {columns} FROM {rows}"
# Those of a new lead cannot be there: that they need not be looked for spares a third of the work.
INSERT_FIRST_KEYS = Section("first_keyed", KeyRow, _INSERT_KEYS)
INSERT_KEYS = Section("keyed", KeyRow, f"{_INSERT_KEYS} ON CONFLICT DO NOTHING")
DELETE_KEYS = Section(
    "unkeyed",
    KeptKeys,
    "DELETE FROM lead_keys k USING {rows} WHERE k.company_id = r.company_id AND k.lead_id = r.lead_id"
    " AND k.kind || ':' || k.key <> ALL (r.kept)",
)


def only_moved(before: Lead, after: Lead) -> bool:
    """Whether nothing differs but what a change of status writes."""
    return bool(_unmoved(before) == _unmoved(after))


class Locked(msgspec.Struct, frozen=True):
    """A lead, locked until the transaction ends."""

    lead: Lead
    channel_version: int


# Rows are locked in key order, so two batches never wait for each other in a circle. The share of the channel keeps
# a change of its configuration that takes something away (see channels.store.lock) from coming between.
_LOCK = f"""
SELECT {_LEAD}, c.config_version
FROM unnest($1::uuid[], $2::uuid[]) AS q(company_id, id)
JOIN leads l ON l.company_id = q.company_id AND l.id = q.id
JOIN channels c ON c.company_id = l.company_id AND c.id = l.channel_id
ORDER BY l.company_id, l.id
FOR UPDATE OF l FOR KEY SHARE OF c
"""


async def lock(connection: Connection, keys: Sequence[tuple[UUID, UUID]]) -> list[Locked]:
    """The leads with these (company, id) pairs, locked for this transaction; unknown pairs are left out."""
    companies, ids = zip(*keys, strict=True)
    rows = await connection.fetch(_LOCK, companies, ids)
    return [Locked(Lead(*row[:-1]), row[-1]) for row in map(tuple, rows)]


_FAMILIES = """
SELECT q.id, lead_family(q.company_id, q.id) FROM unnest($1::uuid[], $2::uuid[]) AS q(company_id, id)
"""


async def families(connection: Connection, keys: Sequence[tuple[UUID, UUID]]) -> dict[UUID, list[UUID]]:
    """Each of these leads with all for which it stands, by (company, id)."""
    companies, ids = zip(*keys, strict=True)
    return dict(map(tuple, await connection.fetch(_FAMILIES, companies, ids)))


Place = tuple[UUID, KeyKind, str]
"""A key in a channel: where a lead that must be the only one with it is looked for."""

MOST_MATCHES = 10
"""How many leads with one key are looked at: two are too many already."""

# A lead that was put away (a status of the category `deleted`) keeps nobody from coming in again. One that stands for
# others has their keys.
_WITH_KEYS = f"""
SELECT q.channel_id, q.kind, q.key, found.id, found.version
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS q(company_id, channel_id, kind, key)
CROSS JOIN LATERAL (
    SELECT l.id, l.version FROM lead_keys k
    JOIN leads l ON l.company_id = k.company_id AND l.id = k.lead_id AND l.channel_id = q.channel_id
    JOIN statuses s ON s.company_id = l.company_id AND s.channel_id = l.channel_id AND s.id = l.status_id
        AND s.category <> 'deleted'
    WHERE k.company_id = q.company_id AND k.kind = q.kind AND k.key = q.key
    ORDER BY k.lead_id LIMIT {MOST_MATCHES}
) AS found
"""

Holders = dict[UUID, int]
"""The leads that have a key, each at the version at which it was seen to."""


async def hold_keys(connection: Connection, wanted: Sequence[tuple[UUID, UUID, KeyKind, str]]) -> dict[Place, Holders]:
    """Who has these (company, channel, kind, key); until the transaction ends no other arrival may claim them."""
    locks = sorted({_lock_number(channel_id, kind, key) for _, channel_id, kind, key in wanted})
    await connection.execute("SELECT pg_advisory_xact_lock(n) FROM unnest($1::bigint[]) AS n", locks)
    # A statement of its own: what another transaction wrote while this one waited is seen only from here on.
    rows = await connection.fetch(_WITH_KEYS, *zip(*wanted, strict=True))
    found: dict[Place, Holders] = {(channel_id, kind, key): {} for _, channel_id, kind, key in wanted}
    for channel_id, kind, key, lead_id, version in rows:
        found[channel_id, KeyKind(kind), key][lead_id] = version
    return found


def _lock_number(channel_id: UUID, kind: KeyKind, key: str) -> int:
    digest = hashlib.blake2b(f"{channel_id} {kind} {key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


async def reserve_numbers(connection: Connection, up_to: int) -> None:
    """Lets new leads be numbered above `up_to`."""
    statement = "SELECT setval('lead_numbers', $1) FROM lead_numbers WHERE last_value < $1"
    await connection.execute(statement, up_to)


async def take_numbers(connection: Connection, count: int) -> list[int]:
    rows = await connection.fetch("SELECT nextval('lead_numbers') FROM generate_series(1, $1)", count)
    return [row[0] for row in rows]


class Found(msgspec.Struct, frozen=True):
    """A lead as read, with the version of its channel's configuration."""

    lead: Lead
    channel_version: int


_SELECT = f"""
SELECT {_LEAD}, c.config_version FROM leads l
JOIN channels c ON c.company_id = l.company_id AND c.id = l.channel_id
"""


def _found(rows: Iterable[Any]) -> list[Found]:
    return [Found(Lead(*row[:-1]), row[-1]) for row in map(tuple, rows)]


async def by_id(connection: Connection, companies: Sequence[UUID], lead_id: UUID) -> Found | None:
    rows = await connection.fetch(f"{_SELECT} WHERE l.company_id = ANY($1) AND l.id = $2", companies, lead_id)
    return next(iter(_found(rows)), None)


async def by_ids(connection: Connection, companies: Sequence[UUID], ids: Sequence[UUID]) -> list[Found]:
    """The leads with these ids, in no order."""
    return _found(await connection.fetch(f"{_SELECT} WHERE l.company_id = ANY($1) AND l.id = ANY($2)", companies, ids))


async def by_number(connection: Connection, companies: Sequence[UUID], number: int) -> Found | None:
    rows = await connection.fetch(f"{_SELECT} WHERE l.company_id = ANY($1) AND l.number = $2", companies, number)
    return next(iter(_found(rows)), None)


_BY_KEY = f"""
SELECT {_LEAD}, c.config_version FROM lead_keys k
JOIN leads l ON l.company_id = k.company_id AND l.id = k.lead_id
JOIN channels c ON c.company_id = l.company_id AND c.id = l.channel_id
WHERE k.company_id = ANY($1) AND k.kind = $2 AND k.key = $3
  AND (cardinality($4::uuid[]) = 0 OR l.channel_id = ANY($4))
ORDER BY l.number DESC LIMIT $5
"""


async def by_key(
    connection: Connection,
    companies: Sequence[UUID],
    kind: KeyKind,
    key: str,
    *,
    channel_ids: Sequence[UUID] = (),
    limit: int = 100,
) -> list[Found]:
    """The leads with this identity key, newest first; `channel_ids` empty means in every channel."""
    return _found(await connection.fetch(_BY_KEY, companies, kind, key, channel_ids, limit))


_IDS_BY_KEY = """
SELECT l.id FROM lead_keys k JOIN leads l ON l.company_id = k.company_id AND l.id = k.lead_id
WHERE k.company_id = $1 AND k.kind = $2 AND k.key = $3 AND ($4::bigint IS NULL OR l.number < $4)
ORDER BY l.number DESC LIMIT $5
"""


async def ids_by_key(
    connection: Connection, company_id: UUID, kind: KeyKind, key: str, *, below: int | None, limit: int
) -> list[UUID]:
    """The company's own leads with this identity key, newest first, with numbers under `below`."""
    return [row[0] for row in await connection.fetch(_IDS_BY_KEY, company_id, kind, key, below, limit)]


async def exists_anywhere(connection: Connection, lead_id: UUID) -> bool:
    """Whether any company has this lead: for a face that must tell "not yours" from "no such lead".

    Probes the key of every company, so it is for the path of failure only.
    """
    statement = "SELECT 1 FROM companies o JOIN leads l ON l.company_id = o.id WHERE l.id = $1 LIMIT 1"
    return await connection.fetchval(statement, lead_id) is not None


async def is_numbered_anywhere(connection: Connection, number: int, key: str) -> bool:
    """The same for a lead's number here, or for the external id that stands for its number elsewhere."""
    statement = """
        SELECT 1 FROM companies o
        WHERE EXISTS (SELECT FROM leads l WHERE l.company_id = o.id AND l.number = $1)
           OR EXISTS (SELECT FROM lead_keys k WHERE k.company_id = o.id AND k.kind = $2 AND k.key = $3)
        LIMIT 1
    """
    return await connection.fetchval(statement, number, KeyKind.EXTERNAL_ID, key) is not None


async def listed(connection: Connection, companies: Sequence[UUID], filter: Filter) -> list[Found]:
    """The part of the list that the filter wants, in its order. Raises Refused (`invalid`)."""
    parameters = Parameters()
    chosen = where(companies, filter, parameters)
    statement = f"{_SELECT} WHERE {chosen}{page(filter, parameters)}"
    return _found(await connection.fetch(statement, *parameters.values))


async def count(connection: Connection, companies: Sequence[UUID], filter: Filter) -> int:
    """How many leads the filter lets through, whatever part of them it wants. Raises Refused (`invalid`)."""
    parameters = Parameters()
    statement = f"SELECT count(*) FROM leads l WHERE {where(companies, filter, parameters)}"
    return int(await connection.fetchval(statement, *parameters.values))


class Tally(msgspec.Struct, frozen=True):
    """How many leads of a channel are in a status by way of a source, and what they are worth together."""

    status_id: UUID
    channel_id: UUID
    source: str | None
    leads: int
    value: Decimal
    with_qualified_at: int


async def tally(connection: Connection, companies: Sequence[UUID], filter: Filter) -> list[Tally]:
    """All leads that the filter lets through, counted; in no order. Raises Refused (`invalid`)."""
    parameters = Parameters()
    statement = f"""
    SELECT l.status_id, l.channel_id, l.source, count(*), coalesce(sum(l.value), 0), count(l.qualified_at)
    FROM leads l WHERE {where(companies, filter, parameters)}
    GROUP BY l.channel_id, l.status_id, l.source
    """
    return [Tally(*row) for row in await connection.fetch(statement, *parameters.values)]


async def ids_in_status(
    connection: Connection, company_id: UUID, channel_id: UUID, status_id: UUID, *, limit: int
) -> list[UUID]:
    """Leads that are in the status and can leave it: an erased one stays for good, a merged one while it is merged."""
    statement = """
        SELECT id FROM leads
        WHERE company_id = $1 AND channel_id = $2 AND status_id = $3 AND merged_into IS NULL AND erased_at IS NULL
        LIMIT $4
    """
    return [row[0] for row in await connection.fetch(statement, company_id, channel_id, status_id, limit)]
