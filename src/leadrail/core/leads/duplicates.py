"""The SQL that finds leads of a channel which have an identity key in common. Each call looks at a bounded part."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from leadrail.core.identity import KeyKind
from leadrail.core.leads.arriving import IDENTITY
from leadrail.db.database import Connection

LOOKED_AT = 4_000
"""How many keys one reading looks at, whatever it may show of them."""

MOST_LEADS = 100
"""How many leads of a group are named at most."""


class Twin(msgspec.Struct, frozen=True):
    """A lead that has keys of these kinds in common with another."""

    lead_id: UUID
    kinds: tuple[KeyKind, ...]


class Twins(msgspec.Struct, frozen=True):
    """`after` is where to go on, None when there are no more."""

    found: list[Twin]
    after: UUID | None


# Of a key that very many have, only so many are looked at; up to the lowest of those places all are known.
_OF_LEAD = """
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
    FROM looked JOIN leads l ON l.company_id = $1 AND l.id = looked.lead_id AND l.channel_id = $3
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


# The keys that several leads of the company have come out of the index alone; only those leads are looked at. The last
# key of a full window may have more leads behind it, so it is left to the next one, unless the window holds no other.
_SHARED = """
WITH looked AS MATERIALIZED (
    SELECT key, lead_id FROM lead_keys WHERE company_id = $1 AND kind = $2 AND key > $3 ORDER BY key, lead_id LIMIT $5
), window_ AS (
    SELECT count(*) = $5 AS is_full, min(key) = max(key) AS is_one, max(key) AS last FROM looked
), shared AS (
    SELECT looked.key, array_agg(looked.lead_id) AS ids FROM looked, window_ w
    WHERE NOT w.is_full OR w.is_one OR looked.key < w.last
    GROUP BY looked.key HAVING count(*) > 1
)
SELECT w.is_full AND w.is_one, grouped.key, grouped.ids, CASE
    WHEN NOT w.is_full THEN NULL
    WHEN w.is_one THEN w.last
    ELSE (SELECT max(looked.key) FROM looked WHERE looked.key < w.last) END
FROM window_ w LEFT JOIN LATERAL (
    SELECT shared.key, (array_agg(l.id ORDER BY l.id))[:$6] AS ids
    FROM shared JOIN leads l ON l.company_id = $1 AND l.id = ANY(shared.ids) AND l.channel_id = $4
    GROUP BY shared.key HAVING count(*) > 1 ORDER BY shared.key LIMIT $7
) AS grouped ON true
ORDER BY grouped.key
"""


async def groups(
    connection: Connection, company_id: UUID, channel_id: UUID, *, after: Place | None, limit: int
) -> Groups:
    """The keys that several leads of the channel have, in their order; fewer than `limit` though more may follow.

    Of a key that more than LOOKED_AT leads of the company have, only the first so many are looked at.
    """
    first, key = after if after is not None else (IDENTITY[0], "")
    found: list[Group] = []
    for kind in IDENTITY[IDENTITY.index(first) :]:
        asked = (channel_id, LOOKED_AT, MOST_LEADS + 1, limit + 1 - len(found))
        rows = await connection.fetch(_SHARED, company_id, kind, key, *asked)
        found += [_group(kind, row[1], row[2], is_cut=row[0]) for row in rows if row[1] is not None]
        if len(found) > limit:
            return Groups(found[:limit], (found[limit - 1].kind, found[limit - 1].key))
        if (reached := rows[0][3]) is not None:
            return Groups(found, (kind, reached))
        key = ""
    return Groups(found, None)


def _group(kind: KeyKind, key: str, ids: Sequence[UUID], *, is_cut: bool) -> Group:
    return Group(kind, key, list(ids[:MOST_LEADS]), is_cut or len(ids) > MOST_LEADS)
