"""Answers kept under a caller's key for 24 hours, so that a repeated write is answered, not done again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection
from leadrail.db.statement import Section

KEPT_FOR = timedelta(hours=24)
KEY_LIMIT = 255


class AnswerRow(msgspec.Struct, frozen=True):
    """An answer to be kept, and the lead that it tells of, with that one's own company."""

    company_id: UUID
    key: str
    lead_company_id: UUID
    lead_id: UUID
    fingerprint: bytes
    status: int
    body: bytes
    created_at: datetime


INSERT = Section(
    "answered",
    AnswerRow,
    """INSERT INTO idempotency_keys (company_id, key, lead_company_id, lead_id, fingerprint, status, body, created_at)
    SELECT r.company_id, r.key, r.lead_company_id, r.lead_id, decode(r.fingerprint, 'base64'), r.status,
        decode(r.body, 'base64'), r.created_at
    FROM {rows} ORDER BY r.company_id, r.key""",
)


class Answer(msgspec.Struct, frozen=True):
    """An answer that was given: what a repeat of the call gets."""

    fingerprint: bytes
    status: int
    body: bytes

    def matching(self, fingerprint: bytes) -> "Answer":
        """This answer, if it answered the same request. Raises Refused (`idempotency_mismatch`)."""
        if self.fingerprint != fingerprint:
            message = "This Idempotency-Key was used with another request; use a new key"
            raise refuse(Code.IDEMPOTENCY_MISMATCH, message)
        return self


_FRESH = """
SELECT k.company_id, k.key, k.fingerprint, k.status, k.body
FROM unnest($1::uuid[], $2::text[]) AS q(company_id, key)
JOIN idempotency_keys k ON k.company_id = q.company_id AND k.key = q.key
WHERE k.created_at > $3
"""

_FORGET = """
DELETE FROM idempotency_keys k USING unnest($1::uuid[], $2::text[]) AS q(company_id, key)
WHERE k.company_id = q.company_id AND k.key = q.key AND k.created_at <= $3
"""


async def answers(
    connection: Connection, keys: Sequence[tuple[UUID, str]], now: datetime
) -> dict[tuple[UUID, str], Answer]:
    """The answers still kept under these (company, key) pairs; pairs past their time are forgotten."""
    companies, names = zip(*keys, strict=True)
    await connection.execute(_FORGET, companies, names, now - KEPT_FOR)
    rows = await connection.fetch(_FRESH, companies, names, now - KEPT_FOR)
    return {(row[0], row[1]): Answer(row[2], row[3], row[4]) for row in rows}


async def claim(connection: Connection, company_id: UUID, key: str, fingerprint: bytes, now: datetime) -> Answer | None:
    """Takes the key for a write that follows in this transaction; None when it is ours, else the answer given.

    A parallel call with the same key waits here until the first has committed or failed.
    """
    await connection.execute(_FORGET, [company_id], [key], now - KEPT_FOR)
    taken = await connection.execute(
        """INSERT INTO idempotency_keys (company_id, key, fingerprint, status, body, created_at)
        VALUES ($1, $2, $3, 0, '', $4) ON CONFLICT DO NOTHING""",
        company_id,
        key,
        fingerprint,
        now,
    )
    if taken == "INSERT 0 1":
        return None
    return (await answers(connection, [(company_id, key)], now)).get((company_id, key))


async def keep(connection: Connection, company_id: UUID, key: str, status: int, body: bytes) -> None:
    """Writes down the answer of a claimed key."""
    await connection.execute(
        "UPDATE idempotency_keys SET status = $3, body = $4 WHERE company_id = $1 AND key = $2",
        company_id,
        key,
        status,
        body,
    )


async def forget(connection: Connection, company_id: UUID, keys: Sequence[str]) -> None:
    """Drops answers that nobody will ask for any more."""
    await connection.execute(
        "DELETE FROM idempotency_keys WHERE company_id = $1 AND key = ANY($2)", company_id, list(keys)
    )


async def purge(connection: Connection, now: datetime) -> None:
    await connection.execute("DELETE FROM idempotency_keys WHERE created_at <= $1", now - KEPT_FOR)
