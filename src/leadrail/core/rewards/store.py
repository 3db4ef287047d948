"""The SQL of rewards and their triggers."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.rewards.model import Reward, RewardState, Trigger, TriggerState
from leadrail.db.database import Connection
from leadrail.db.statement import Section


class RewardRow(msgspec.Struct, frozen=True):
    """A reward to be recorded; `once` puts it under the unique index of its lead and trigger."""

    company_id: UUID
    id: UUID
    lead_id: UUID
    channel_id: UUID
    trigger_id: UUID
    earner_company_id: UUID
    once: bool
    amount: Decimal
    currency: str | None
    state: RewardState
    created_at: datetime


INSERT = Section("rewarded", RewardRow, "INSERT INTO rewards ({columns}) SELECT {columns} FROM {rows}")

_REWARD = "id, trigger_id, lead_id, channel_id, earner_company_id, amount, currency, state, created_at"

# A company sees what it earns and what it owes.
_LIST = f"""
SELECT {_REWARD} FROM rewards
WHERE (company_id = $1 OR earner_company_id = $1)
  AND (cardinality($2::uuid[]) = 0 OR channel_id = ANY($2))
  AND ($3::uuid IS NULL OR lead_id = $3) AND ($4::uuid IS NULL OR id < $4)
ORDER BY id DESC LIMIT $5
"""


async def rewards(
    connection: Connection,
    company_id: UUID,
    *,
    channel_ids: list[UUID],
    lead_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[Reward]:
    """Rewards that the company earns or owes, newest first; `channel_ids` empty means of every channel."""
    rows = await connection.fetch(_LIST, company_id, channel_ids, lead_id, before, limit)
    return [_reward(row) for row in rows]


def _reward(row: Any) -> Reward:
    id, trigger_id, lead_id, channel_id, company_id, amount, currency, state, created_at = row
    return Reward(id, trigger_id, lead_id, channel_id, company_id, amount, currency, RewardState(state), created_at)


async def insert_trigger(connection: Connection, company_id: UUID, channel_id: UUID, trigger: Trigger) -> None:
    await connection.execute(
        """INSERT INTO reward_triggers (company_id, channel_id, id, cause, status_id, kind, amount, repeat, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        company_id,
        channel_id,
        trigger.id,
        trigger.cause,
        trigger.status_id,
        trigger.kind,
        trigger.amount,
        trigger.repeat,
        trigger.state,
    )


async def set_trigger_state(
    connection: Connection, company_id: UUID, channel_id: UUID, trigger_id: UUID, state: TriggerState
) -> bool:
    statement = """
        UPDATE reward_triggers SET state = $4
        WHERE company_id = $1 AND channel_id = $2 AND id = $3 AND archived_at IS NULL
    """
    return bool(await connection.execute(statement, company_id, channel_id, trigger_id, state) == "UPDATE 1")


async def archive_trigger(connection: Connection, company_id: UUID, channel_id: UUID, trigger_id: UUID) -> bool:
    """Takes a trigger out of service; the rewards that it made stay."""
    statement = """
        UPDATE reward_triggers SET archived_at = now()
        WHERE company_id = $1 AND channel_id = $2 AND id = $3 AND archived_at IS NULL
    """
    return bool(await connection.execute(statement, company_id, channel_id, trigger_id) == "UPDATE 1")
