"""The SQL that takes a person out of what was recorded of a lead: history, contacts, webhooks, kept answers,
imports.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import msgspec

from leadrail.core.identity import KeyKind
from leadrail.db.database import Connection


class Erased(msgspec.Struct, frozen=True):
    """A lead whose person is to go. `companies` may know the person by it; `keys` found it."""

    company_id: UUID
    lead_id: UUID
    companies: tuple[UUID, ...]
    keys: tuple[tuple[KeyKind, str], ...]


Eraser = Callable[[Connection, Erased], Awaitable[None]]
"""What a face does beside that about a person whom it keeps in tables of its own."""

# A delivery that is still due goes out, with its ids and without the person; `without_person` is in migration 0006.
# The rows are locked in the order in which `webhooks.results` locks them.
_DELIVERIES = """
WITH known AS (
    SELECT id FROM deliveries WHERE company_id = $1 AND lead_id = $2 AND payload IS NOT NULL
    UNION ALL
    SELECT d.id FROM events e JOIN deliveries d ON d.company_id = e.company_id AND d.event_seq = e.seq
    WHERE e.company_id = $1 AND e.lead_id = $2 AND d.lead_id IS NULL AND d.payload IS NOT NULL
), held AS (
    SELECT id FROM deliveries WHERE company_id = $1 AND id = ANY(ARRAY(SELECT id FROM known))
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE deliveries d SET erased = true, payload = CASE WHEN d.state = 'due' THEN
    (d.payload::jsonb || jsonb_build_object('data', without_person(d.payload::jsonb -> 'data')))::text END
FROM held WHERE d.company_id = $1 AND d.id = held.id
RETURNING d.id
"""

_ATTEMPTS = "UPDATE attempts SET response = NULL WHERE company_id = $1 AND delivery_id = ANY($2)"

# A repeat of the call that made the lead still gets an answer, so that it does not make another. Whoever was answered
# may have left the channel since, so kept answers are found by the lead and not by whose key it was.
_RECORDED = """
WITH told AS (
    UPDATE events SET data = without_person(data::jsonb)::json WHERE company_id = $1 AND lead_id = $2
), contacted AS (
    UPDATE follow_ups SET notes = NULL, followed_up_by = NULL, created_by = NULL
    WHERE company_id = $1 AND lead_id = $2
), noted AS (
    UPDATE notes SET text = NULL, author = NULL WHERE company_id = $1 AND lead_id = $2
), consented AS (
    UPDATE consents SET source = NULL, proof = NULL WHERE company_id = $1 AND lead_id = $2
), bought AS (
    UPDATE purchases SET name = NULL, description = NULL WHERE company_id = $1 AND lead_id = $2
), rewarded AS (
    UPDATE rewards SET reason = NULL WHERE company_id = $1 AND lead_id = $2 AND NOT clawed_back
)
UPDATE idempotency_keys SET body = convert_to(blanked(convert_from(body, 'UTF8')::jsonb)::text, 'UTF8')
WHERE lead_company_id = $1 AND lead_id = $2 AND body <> ''
"""


# Of imports: the lead as it was before one changed it, and rows that were refused, which are nobody's lead.
_LEFT_OF_IMPORTS = """
WITH rows AS (DELETE FROM import_refusals WHERE company_id = ANY($1) AND keys && $3)
DELETE FROM import_leads WHERE company_id = ANY($1) AND lead_id = $2 AND before IS NOT NULL
"""


async def erase_recorded(connection: Connection, erased: Erased) -> None:
    """Reaches what is in the database by now. The lead is locked, so that nobody records more of it."""
    key = (erased.company_id, erased.lead_id)
    # The answers of receivers by a statement of their own: those that came in while it waited are seen only from here.
    if deliveries := [row[0] for row in await connection.fetch(_DELIVERIES, *key)]:
        await connection.execute(_ATTEMPTS, erased.company_id, deliveries)
    await connection.execute(_RECORDED, *key)


_SHARED = """
SELECT DISTINCT k.kind, k.key FROM unnest($2::text[], $3::text[]) AS q(kind, key)
JOIN lead_keys k ON k.company_id = $1 AND k.kind = q.kind AND k.key = q.key
"""


# The lead may have come from channels that others share.
_KNEW = """
SELECT DISTINCT m.member_company_id FROM events e
JOIN channel_members m ON m.company_id = e.company_id AND m.channel_id = e.channel_id
WHERE e.company_id = $1 AND e.lead_id = $2
"""


async def erase_elsewhere(connection: Connection, erased: Erased, erasers: Sequence[Eraser]) -> None:
    """Lets the faces forget whom they know. Run when the lead has no keys any more, behind the write: the company's
    event counter is locked by then, so that of two leads of one person the one erased last finds that it is the last.
    """
    knew = [row[0] for row in await connection.fetch(_KNEW, erased.company_id, erased.lead_id)]
    companies = tuple(dict.fromkeys((*erased.companies, *knew)))
    keys = [f"{kind}:{key}" for kind, key in erased.keys]
    await connection.execute(_LEFT_OF_IMPORTS, companies, erased.lead_id, keys)
    alone = msgspec.structs.replace(erased, companies=companies, keys=await _keys_of_nobody(connection, erased))
    for eraser in erasers:
        await eraser(connection, alone)


async def _keys_of_nobody(connection: Connection, erased: Erased) -> tuple[tuple[KeyKind, str], ...]:
    """The keys that no other lead has: of a person who has one more, nothing else is to go."""
    kinds, keys = [kind for kind, _ in erased.keys], [key for _, key in erased.keys]
    rows = await connection.fetch(_SHARED, erased.company_id, kinds, keys)
    shared = {(row[0], row[1]) for row in rows}
    return tuple(one for one in erased.keys if one not in shared)
