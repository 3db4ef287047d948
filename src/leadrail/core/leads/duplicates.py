"""The SQL that finds leads of a channel which have an identity key in common. Each call looks at a bounded part.

A lead that was put away (a status of the category `deleted`) is nobody's duplicate, and a merged one has no keys.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from leadrail.core.identity import IDENTITY, KeyKind
from leadrail.db.database import Connection

LOOKED_AT = 4_000
"""How many keys of one lead's are looked at, whatever may be shown of them."""

WALKED = 10_000
"""How many keys one reading of groups walks past, whatever it may show of them."""

PROBED = 500
"""How many leads of one key are looked at."""

MOST_LEADS = 100
"""How many leads of a group are named at most."""

_LIVING = """
JOIN statuses s ON s.company_id = l.company_id AND s.channel_id = l.channel_id AND s.id = l.status_id
    AND s.category <> 'deleted'
"""


class Twin(msgspec.Struct, frozen=True):
    """A lead that has keys of these kinds in common with another."""

    lead_id: UUID
    kinds: tuple[KeyKind, ...]


class Twins(msgspec.Struct, frozen=True):
    """`after` is where to go on, None when there are no more."""

    found: list[Twin]
    after: UUID | None


# Of a key that very many have, only so many are looked at; up to the lowest of those places all are known.
_OF_LEAD = f"""
WITH looked AS MATERIALIZED (
    SELECT o.kind, near.lead_id, near.place
    FROM lead_keys o CROSS JOIN LATERAL (
        SELECT k.lead_id, row_number() OVER () AS place FROM (
            SELECT k.lead_id FROM lead_keys k
            WHERE k.company_id = $1 AND k.kind = o.kind AND k.key = o.key AND k.lead_id > $4
            ORDER BY k.lead_id LIMIT $6
        ) AS k
    ) AS near
    WHERE o.company_id = $1 AND o.lead_id = $2 AND o.kind = ANY($5::text[])
), edge AS (
    SELECT min(lead_id::text)::uuid AS at FROM looked WHERE place = $6
)
SELECT edge.at, twin.lead_id, twin.kinds FROM edge LEFT JOIN LATERAL (
    SELECT looked.lead_id, array_agg(DISTINCT looked.kind ORDER BY looked.kind) AS kinds
    FROM looked JOIN leads l ON l.company_id = $1 AND l.id = looked.lead_id AND l.channel_id = $3 {_LIVING}
    WHERE looked.lead_id <> $2 AND (edge.at IS NULL OR looked.lead_id <= edge.at)
    GROUP BY looked.lead_id ORDER BY looked.lead_id LIMIT $7
) AS twin ON true
ORDER BY twin.lead_id
"""


async def of_lead(
    connection: Connection, company_id: UUID, lead_id: UUID, channel_id: UUID, *, after: UUID, limit: int
) -> Twins:
    """The leads of the channel with a key of this one, by their ids; fewer than `limit` though more may follow."""
    kinds = list(IDENTITY)
    rows = await connection.fetch(
        _OF_LEAD, company_id, lead_id, channel_id, after, kinds, LOOKED_AT // len(kinds), limit + 1
    )
    found = [Twin(row[1], tuple(map(KeyKind, row[2]))) for row in rows if row[1] is not None]
    if len(found) > limit:
        return Twins(found[:limit], found[limit - 1].lead_id)
    return Twins(found, rows[0][0])


Place = tuple[KeyKind, str]
"""A key, as a place among all keys of a company."""


class Group(msgspec.Struct, frozen=True):
    """Leads with one key; `more`: there are, or may be, more of them than are named."""

    kind: KeyKind
    key: str
    lead_ids: list[UUID]
    more: bool


class Groups(msgspec.Struct, frozen=True):
    """`after` is where to go on, None when there are no more."""

    found: list[Group]
    after: Place | None


# Along the primary key, out of it alone, until enough keys are found that come twice. The last key of a whole stretch
# may come again behind it, so it is taken for one of them.
_WALK = """
SELECT key, place FROM (
    SELECT key, lag(key) OVER walk AS before, row_number() OVER walk AS place FROM (
        SELECT key, lead_id FROM lead_keys WHERE company_id = $1 AND kind = $2 AND key > $3
        ORDER BY key, lead_id LIMIT $4
    ) AS looked WINDOW walk AS (ORDER BY key, lead_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
) AS pairs WHERE key = before OR place = $4 LIMIT $5
"""

_GROUPS = f"""
SELECT q.key, named.ids, (
    SELECT count(*) = $6 FROM (
        SELECT FROM lead_keys k WHERE k.company_id = $1 AND k.kind = $2 AND k.key = q.key LIMIT $6) AS all_of_it)
FROM unnest($3::text[]) WITH ORDINALITY AS q(key, place) CROSS JOIN LATERAL (
    SELECT array_agg(one.id ORDER BY one.id) AS ids FROM (
        SELECT l.id FROM (
            SELECT lead_id FROM lead_keys k
            WHERE k.company_id = $1 AND k.kind = $2 AND k.key = q.key ORDER BY lead_id LIMIT $6
        ) AS k JOIN leads l ON l.company_id = $1 AND l.id = k.lead_id AND l.channel_id = ANY($4::uuid[]) {_LIVING}
        ORDER BY k.lead_id LIMIT $5
    ) AS one
) AS named
WHERE cardinality(named.ids) > 1
ORDER BY q.place
"""


async def groups(
    connection: Connection, company_id: UUID, channel_ids: Sequence[UUID], *, after: Place | None, limit: int
) -> Groups:
    """The keys that several leads of these channels have, in their order; fewer than `limit` though more may follow."""
    kind, key = after if after is not None else (IDENTITY[0], "")
    found: list[Group] = []
    left = WALKED
    while left > 0 and len(found) < limit:
        wanted = limit - len(found)
        rows = await connection.fetch(_WALK, company_id, kind, key, left, 2 * wanted)
        # A key comes again for each lead but its first.
        keys = list(dict.fromkeys(row[0] for row in rows))[:wanted]
        named = await connection.fetch(_GROUPS, company_id, kind, keys, channel_ids, MOST_LEADS + 1, PROBED)
        found += [_group(kind, *row) for row in named]
        is_done = len(rows) < 2 * wanted and (not rows or rows[-1][1] < left)
        if is_done and keys == list(dict.fromkeys(row[0] for row in rows)):
            following = IDENTITY.index(kind) + 1
            if following == len(IDENTITY):
                return Groups(found, None)
            kind, key = IDENTITY[following], ""
        else:
            key = keys[-1]
        left -= (rows[-1][1] if rows else 0) + PROBED
    return Groups(found, (kind, key))


def _group(kind: KeyKind, key: str, ids: Sequence[UUID], is_cut: bool) -> Group:
    return Group(kind, key, list(ids[:MOST_LEADS]), is_cut or len(ids) > MOST_LEADS)
