"""The SQL of bulk changes."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.bulk.model import Action, BulkChange, BulkOutcome, BulkState, Item, ItemOutcome, Summary, action_of
from leadrail.core.leads.filters import Filter, where
from leadrail.db.database import Connection
from leadrail.db.filters import Parameters


class NewBulk(msgspec.Struct, frozen=True):
    """A bulk change to be written down: of the leads with these ids, or of those that the filter lets through."""

    company_id: UUID
    id: UUID
    key_id: UUID
    action: Action
    summary: Summary
    ids: Sequence[UUID]
    filter: dict[str, Any] | None
    created_at: datetime


# The last number that was drawn: a lead that comes later has a higher one.
_INSERT = """
INSERT INTO bulk_changes (company_id, id, key_id, state, summary, filtered_by, action, filter, lead_below, total,
    created_at, lease_until)
VALUES ($1, $2, $3, 'waiting', $4, $5, $6, $7,
    CASE WHEN $7::jsonb IS NOT NULL THEN (SELECT last_value + 1 FROM lead_numbers) END, $8, $9, $9)
"""

_INSERT_ITEMS = """
INSERT INTO bulk_items (company_id, bulk_id, n, lead_id)
SELECT $1, $2, q.n, q.lead_id FROM unnest($3::uuid[]) WITH ORDINALITY AS q(lead_id, n)
"""


async def insert(connection: Connection, new: NewBulk) -> None:
    filtered_by = None if new.filter is None else sorted(new.filter)
    await connection.execute(
        _INSERT,
        new.company_id,
        new.id,
        new.key_id,
        new.summary,
        filtered_by,
        new.action,
        new.filter,
        len(new.ids),
        new.created_at,
    )
    await connection.execute(_INSERT_ITEMS, new.company_id, new.id, new.ids)


_CHANGE = """
id, key_id, state, summary, filtered_by, CASE WHEN lead_below IS NULL THEN total END, changed + unchanged + refused,
    changed, unchanged, refused, stopped_because, created_at, started_at, finished_at
"""


def _change(row: Any) -> BulkChange:
    id, key_id, state, summary, *rest = row
    return BulkChange(id, key_id, BulkState(state), msgspec.convert(summary, Summary), *rest)


# A key that is bound to channels sees what it asked for itself: others' lists tell of leads that it may not see.
_SEEN = "company_id = $1 AND ($2::uuid IS NULL OR key_id = $2)"


async def listed(
    connection: Connection, company_id: UUID, key_id: UUID | None, *, before: UUID | None, limit: int
) -> list[BulkChange]:
    """The company's bulk changes, or those of one key, newest first."""
    statement = f"""
        SELECT {_CHANGE} FROM bulk_changes
        WHERE {_SEEN} AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4
    """
    return [_change(row) for row in await connection.fetch(statement, company_id, key_id, before, limit)]


async def one(connection: Connection, company_id: UUID, key_id: UUID | None, id: UUID) -> BulkChange | None:
    statement = f"SELECT {_CHANGE} FROM bulk_changes WHERE {_SEEN} AND id = $3"
    row = await connection.fetchrow(statement, company_id, key_id, id)
    return _change(row) if row else None


async def outcomes(
    connection: Connection, company_id: UUID, id: UUID, outcome: BulkOutcome | None, *, after: int, limit: int
) -> list[ItemOutcome]:
    """What became of the leads that are done, in the order of the list; `outcome`: of those that ended so."""
    # By its own text: only then is the index of refused ones looked at.
    chosen = "outcome IS NOT NULL" if outcome is None else f"outcome = '{outcome.value}'"
    statement = f"""
        SELECT n, lead_id, outcome, code, message FROM bulk_items
        WHERE company_id = $1 AND bulk_id = $2 AND n > $3 AND {chosen} ORDER BY n LIMIT $4
    """
    rows = await connection.fetch(statement, company_id, id, after, limit)
    return [ItemOutcome(row[0], row[1], BulkOutcome(row[2]), row[3], row[4]) for row in rows]


# Working on it


class Claim(msgspec.Struct, frozen=True):
    """A bulk change that this process may work on until `lease_until`; `lead_below` None: its list is whole."""

    company_id: UUID
    id: UUID
    key_id: UUID
    action: Any
    filter: Any
    lead_below: int | None
    total: int
    done: int
    lease_until: datetime

    def stored_action(self) -> Action:
        return action_of(self.action)


# Of each company its oldest, when nobody works on it; of those the one that has been left alone for longest. Looked for
# once: within FROM it could be run for each row, and pass over what it had claimed a moment ago to claim the next.
_CLAIM = """
WITH free AS MATERIALIZED (
    SELECT o.company_id, o.id FROM bulk_changes o
    WHERE o.state IN ('waiting', 'running') AND o.lease_until <= $1 AND NOT EXISTS (
        SELECT FROM bulk_changes p
        WHERE p.company_id = o.company_id AND p.id < o.id AND p.state IN ('waiting', 'running'))
    ORDER BY o.lease_until, o.id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE bulk_changes b SET state = 'running', started_at = coalesce(b.started_at, $1), lease_until = $2 FROM free
WHERE b.company_id = free.company_id AND b.id = free.id
RETURNING b.company_id, b.id, b.key_id, b.action, b.filter, b.lead_below, b.total,
    b.changed + b.unchanged + b.refused, b.lease_until
"""


async def claim(connection: Connection, now: datetime, until: datetime) -> Claim | None:
    row = await connection.fetchrow(_CLAIM, now, until)
    return Claim(*row) if row else None


async def add_page(
    connection: Connection, claim: Claim, companies: Sequence[UUID], filter: Filter, limit: int, now: datetime
) -> None:
    """Takes the next leads that the filter lets through into the list, and gives the claim back. After `hold`.

    Raises Refused (`invalid`).
    """
    parameters = Parameters()
    chosen = where(companies, filter, parameters)
    below, most = parameters.add(claim.lead_below, "bigint"), parameters.add(limit, "bigint")
    company, id, before = (
        parameters.add(claim.company_id, "uuid"),
        parameters.add(claim.id, "uuid"),
        parameters.add(claim.total, "integer"),
    )
    # Two companies may have leads of one number: all or none of them are in a page.
    statement = f"""
    WITH found AS (
        SELECT l.id, l.number FROM leads l WHERE {chosen} AND l.number < {below}
        ORDER BY l.number DESC FETCH FIRST ({most}) ROWS WITH TIES
    ), added AS (
        INSERT INTO bulk_items (company_id, bulk_id, n, lead_id)
        SELECT {company}, {id}, {before} + row_number() OVER (ORDER BY f.number DESC, f.id), f.id FROM found f
    )
    SELECT count(*), min(number) FROM found
    """
    added, lowest = await connection.fetchrow(statement, *parameters.values)
    await connection.execute(
        """UPDATE bulk_changes SET total = total + $3, lead_below = $4, lease_until = $5,
            filter = CASE WHEN $4::bigint IS NOT NULL THEN filter END
        WHERE company_id = $1 AND id = $2""",
        claim.company_id,
        claim.id,
        added,
        lowest if added >= limit else None,
        now,
    )


async def hold(connection: Connection, claim: Claim) -> BulkState | None:
    """Locks the bulk change until the transaction ends and answers its state; None when the claim is lost."""
    statement = "SELECT state FROM bulk_changes WHERE company_id = $1 AND id = $2 AND lease_until = $3 FOR UPDATE"
    state = await connection.fetchval(statement, claim.company_id, claim.id, claim.lease_until)
    return BulkState(state) if state else None


async def items(connection: Connection, claim: Claim, limit: int) -> list[Item]:
    """The next of the list that are not done yet."""
    statement = """
        SELECT n, lead_id FROM bulk_items WHERE company_id = $1 AND bulk_id = $2 AND n > $3 ORDER BY n LIMIT $4
    """
    rows = await connection.fetch(statement, claim.company_id, claim.id, claim.done, limit)
    return [Item(*row) for row in rows]


_RECORD_ITEMS = """
UPDATE bulk_items i SET outcome = q.outcome, code = q.code, message = q.message
FROM unnest($3::integer[], $4::text[], $5::text[], $6::text[]) AS q(n, outcome, code, message)
WHERE i.company_id = $1 AND i.bulk_id = $2 AND i.n = q.n
"""


async def record(connection: Connection, claim: Claim, done: Sequence[ItemOutcome], now: datetime) -> None:
    """Writes down what became of these, the next of the list, and gives the claim back. After `hold`."""
    columns = zip(*((one.n, one.outcome, one.code, one.message) for one in done), strict=True)
    await connection.execute(_RECORD_ITEMS, claim.company_id, claim.id, *columns)
    counts = Counter(one.outcome for one in done)
    await connection.execute(
        """UPDATE bulk_changes SET changed = changed + $3, unchanged = unchanged + $4, refused = refused + $5,
            lease_until = $6
        WHERE company_id = $1 AND id = $2""",
        claim.company_id,
        claim.id,
        counts[BulkOutcome.CHANGED],
        counts[BulkOutcome.UNCHANGED],
        counts[BulkOutcome.REFUSED],
        now,
    )


async def finish(
    connection: Connection, company_id: UUID, id: UUID, state: BulkState, why: str | None, now: datetime
) -> None:
    """Ends it if it has not ended; what it was to do is forgotten."""
    await connection.execute(
        """UPDATE bulk_changes SET state = $3, stopped_because = $4, finished_at = $5, action = NULL, filter = NULL
        WHERE company_id = $1 AND id = $2 AND state IN ('waiting', 'running')""",
        company_id,
        id,
        state,
        why,
        now,
    )


# Forgetting

_FORGET_ITEMS = """
DELETE FROM bulk_items i USING (
    SELECT o.company_id, o.bulk_id, o.n FROM bulk_changes b
    JOIN bulk_items o ON o.company_id = b.company_id AND o.bulk_id = b.id
    WHERE b.finished_at <= $1 LIMIT $2
) AS old
WHERE i.company_id = old.company_id AND i.bulk_id = old.bulk_id AND i.n = old.n
"""

_FORGET = """
DELETE FROM bulk_changes b WHERE b.finished_at <= $1
AND NOT EXISTS (SELECT FROM bulk_items i WHERE i.company_id = b.company_id AND i.bulk_id = b.id)
"""


async def forget(connection: Connection, until: datetime, limit: int) -> bool:
    """Deletes items of bulk changes that ended by then, and those that have none left; whether there may be more."""
    done = await connection.execute(_FORGET_ITEMS, until, limit)
    await connection.execute(_FORGET, until)
    return bool(done == f"DELETE {limit}")
