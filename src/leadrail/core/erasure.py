"""The SQL that takes a person out of what was recorded of a lead: history, contacts, webhooks, kept answers.

Run behind the write of the erasing command, in its transaction: what the same batch has recorded is reached too.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import msgspec

from leadrail.core.idempotency import KEPT_FOR
from leadrail.core.identity import KeyKind
from leadrail.db.database import Connection


class Erased(msgspec.Struct, frozen=True):
    """A lead whose person is to go. `companies` may have kept answers about it; `keys` found it."""

    company_id: UUID
    lead_id: UUID
    companies: tuple[UUID, ...]
    keys: tuple[tuple[KeyKind, str], ...]


Eraser = Callable[[Connection, Erased], Awaitable[None]]
"""What a face does beside that about a person whom it keeps in tables of its own."""

# A delivery that is still due goes out, with its ids and without the person; `without_person` is in migration 0006.
_STATEMENTS = (
    """UPDATE events SET data = without_person(data::jsonb)::json WHERE company_id = $1 AND lead_id = $2""",
    """UPDATE follow_ups SET notes = NULL, followed_up_by = NULL, created_by = NULL
    WHERE company_id = $1 AND lead_id = $2""",
    """UPDATE notes SET text = NULL, author = NULL WHERE company_id = $1 AND lead_id = $2""",
    """UPDATE purchases SET name = NULL, description = NULL WHERE company_id = $1 AND lead_id = $2""",
    """UPDATE rewards SET reason = NULL WHERE company_id = $1 AND lead_id = $2 AND NOT clawed_back""",
    """UPDATE attempts a SET response = NULL FROM deliveries d
    WHERE d.company_id = $1 AND d.lead_id = $2 AND d.payload IS NOT NULL
        AND a.company_id = d.company_id AND a.delivery_id = d.id""",
    """UPDATE deliveries SET payload = CASE WHEN state = 'due' THEN
        (payload::jsonb || jsonb_build_object('data', without_person(payload::jsonb -> 'data')))::text END
    WHERE company_id = $1 AND lead_id = $2 AND payload IS NOT NULL""",
)

# A repeat of the call that made the lead still gets an answer, so that it does not make another.
_ANSWERS = f"""
UPDATE idempotency_keys SET body = convert_to(blanked(convert_from(body, 'UTF8')::jsonb)::text, 'UTF8')
WHERE company_id = ANY($1) AND created_at > now() - interval '{KEPT_FOR.total_seconds():.0f} seconds'
    AND position(convert_to($2::uuid::text, 'UTF8') IN body) > 0
"""


_SHARED = """
SELECT DISTINCT k.kind, k.key FROM unnest($2::text[], $3::text[]) AS q(kind, key)
JOIN lead_keys k ON k.company_id = $1 AND k.kind = q.kind AND k.key = q.key
"""


async def erase_recorded(connection: Connection, erased: Erased, erasers: Sequence[Eraser]) -> None:
    for statement in _STATEMENTS:
        await connection.execute(statement, erased.company_id, erased.lead_id)
    await connection.execute(_ANSWERS, list(erased.companies), erased.lead_id)
    alone = msgspec.structs.replace(erased, keys=await _keys_of_nobody(connection, erased))
    for eraser in erasers:
        await eraser(connection, alone)


async def _keys_of_nobody(connection: Connection, erased: Erased) -> tuple[tuple[KeyKind, str], ...]:
    """The keys that no other lead has: of a person who has one more, nothing else is to go."""
    kinds, keys = [kind for kind, _ in erased.keys], [key for _, key in erased.keys]
    rows = await connection.fetch(_SHARED, erased.company_id, kinds, keys)
    shared = {(row[0], row[1]) for row in rows}
    return tuple(one for one in erased.keys if one not in shared)
