"""The SQL of assignment: a channel's plan, whose turn it is, and what is still to be told of batches."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.channels.assignment import DEFAULT, Giver, Plan, Turn, Turns
from leadrail.db.database import Connection
from leadrail.db.statement import Section

_PUT = """
WITH planned AS (
    INSERT INTO assignments (company_id, channel_id, plan) VALUES ($1, $2, $3)
    ON CONFLICT (company_id, channel_id) DO UPDATE SET plan = excluded.plan
)
INSERT INTO assignment_turns AS t (company_id, channel_id, turns) VALUES ($1, $2, '{}')
ON CONFLICT (company_id, channel_id) DO UPDATE SET turns = coalesce((
    SELECT jsonb_object_agg(pool, turn) FROM jsonb_each(t.turns) AS kept(pool, turn)
    WHERE pool = ANY($4::text[])), '{}')
"""


async def put(connection: Connection, company_id: UUID, channel_id: UUID, plan: Plan) -> None:
    """Writes the plan in place of the former; where a pool is as it was, its turns go on."""
    pools = [DEFAULT, *(rule.source.casefold() for rule in plan.rules)]
    await connection.execute(_PUT, company_id, channel_id, msgspec.to_builtins(plan), pools)


class TurnsRow(msgspec.Struct, frozen=True):
    """Whose turn it is in a channel after a batch."""

    company_id: UUID
    channel_id: UUID
    turns: dict[str, Any]


TURN = Section(
    "turned",
    TurnsRow,
    "UPDATE assignment_turns t SET turns = r.turns FROM {rows}"
    " WHERE t.company_id = r.company_id AND t.channel_id = r.channel_id",
)

# A batch takes its turns as a block: whoever comes next waits here for its commit and goes on behind it.
_HOLD = """
SELECT t.company_id, t.channel_id, t.turns FROM unnest($1::uuid[], $2::uuid[]) AS q(company_id, channel_id)
JOIN assignment_turns t ON t.company_id = q.company_id AND t.channel_id = q.channel_id
ORDER BY t.company_id, t.channel_id FOR NO KEY UPDATE OF t
"""


async def hold_turns(connection: Connection, givers: Iterable[Giver]) -> dict[Giver, Turns]:
    """Whose turn it is in these channels; until the transaction ends nobody else can take one."""
    companies, ids = zip(*givers, strict=True)
    rows = await connection.fetch(_HOLD, companies, ids)
    return {(company_id, id): msgspec.convert(turns, dict[str, Turn]) for company_id, id, turns in rows}


class AssignedRow(msgspec.Struct, frozen=True):
    """How many leads of a batch somebody got in one transaction."""

    company_id: UUID
    batch_id: UUID
    channel_id: UUID
    assignee: str
    leads: int
    at: datetime


ASSIGNED = Section(
    "assigned",
    AssignedRow,
    """INSERT INTO assigned_batches ({columns}) SELECT {columns} FROM {rows}
    ON CONFLICT (company_id, batch_id, channel_id, assignee)
    DO UPDATE SET leads = assigned_batches.leads + excluded.leads, at = excluded.at""",
)


async def take_assigned(connection: Connection, companies: Sequence[UUID], batch_id: UUID) -> list[AssignedRow]:
    """What is to be told of a batch; with the transaction it counts as told."""
    statement = """
        DELETE FROM assigned_batches WHERE company_id = ANY($1) AND batch_id = $2
        RETURNING company_id, batch_id, channel_id, assignee, leads, at
    """
    return [AssignedRow(*row) for row in await connection.fetch(statement, companies, batch_id)]


async def untold(connection: Connection, before: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """The (company, batch) that have not grown since then and that nobody has told of."""
    statement = "SELECT DISTINCT company_id, batch_id FROM assigned_batches WHERE at < $1 LIMIT $2"
    return [(row[0], row[1]) for row in await connection.fetch(statement, before, limit)]
