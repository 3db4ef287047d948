"""The SQL of rewards and their triggers."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.rewards.filters import COLUMNS, Filter, Group, conditions, visible
from leadrail.core.rewards.model import Cause, Kind, Ledger, Line, Reward, RewardState, Trigger, TriggerState
from leadrail.db.database import Connection
from leadrail.db.filters import Parameters
from leadrail.db.statement import Section
from leadrail.kit import money


class RewardRow(msgspec.Struct, frozen=True):
    """A reward to be recorded; `once` puts it under the unique index of its lead and trigger."""

    company_id: UUID
    id: UUID
    lead_id: UUID
    channel_id: UUID
    trigger_id: UUID
    earner_company_id: UUID
    payer_company_id: UUID
    once: bool
    amount: Decimal
    currency: str | None
    state: RewardState
    created_at: datetime
    hold_until: datetime | None
    reason: str | None
    corrects: UUID | None
    clawed_back: bool
    decided_at: datetime | None


class SettledRow(msgspec.Struct, frozen=True):
    """What a decision on a reward changes."""

    company_id: UUID
    id: UUID
    state: RewardState
    reason: str | None
    clawed_back: bool
    decided_at: datetime | None


def row(company_id: UUID, line: Line) -> RewardRow:
    """The row of a new reward; `company_id` is that of its lead."""
    reward = line.reward
    return RewardRow(
        company_id=company_id,
        id=reward.id,
        lead_id=reward.lead_id,
        channel_id=reward.channel_id,
        trigger_id=reward.trigger_id,
        earner_company_id=reward.company_id,
        payer_company_id=reward.payer_company_id,
        once=line.once,
        amount=reward.amount,
        currency=reward.currency,
        state=reward.state,
        created_at=reward.created_at,
        hold_until=reward.hold_until,
        reason=reward.reason,
        corrects=reward.corrects,
        clawed_back=reward.clawed_back,
        decided_at=reward.decided_at,
    )


def settled_row(company_id: UUID, reward: Reward) -> SettledRow:
    return SettledRow(company_id, reward.id, reward.state, reward.reason, reward.clawed_back, reward.decided_at)


_INSERT = "INSERT INTO rewards ({columns}) SELECT {columns} FROM {rows}"

INSERT = Section("rewarded", RewardRow, _INSERT)
SETTLE = Section(
    "settled",
    SettledRow,
    """UPDATE rewards w
    SET state = r.state, reason = r.reason, clawed_back = r.clawed_back, decided_at = r.decided_at
    FROM {rows} WHERE w.company_id = r.company_id AND w.id = r.id
    RETURNING w.id""",
)
# Beside SETTLE, and only after it: a reward that is taken back makes room in rewards_once for the one that follows.
INSERT_AFTER = Section("rewarded", RewardRow, f"{_INSERT} WHERE (SELECT count(*) FROM settled) >= 0")


REWARD = ", ".join(
    f"w.{name}"
    for name in ("id", "trigger_id", "lead_id", "channel_id", "earner_company_id", "amount", "currency", "state")
    + ("created_at", "payer_company_id", "hold_until", "reason", "corrects", "clawed_back", "decided_at")
)


def reward(row: Sequence[Any]) -> Reward:
    """The reward of a row of REWARD's columns."""
    values = list(row)
    values[_STATE] = RewardState(values[_STATE])
    return Reward(*values)


_STATE = Reward.__struct_fields__.index("state")


# What decides about a lead's next step: what was earned once and for all, what is on hold, and what is named.
_LEDGERS = f"""
SELECT {REWARD}, w.once, t.status_id
FROM unnest($1::uuid[], $2::uuid[]) AS q(company_id, lead_id)
JOIN rewards w ON w.company_id = q.company_id AND w.lead_id = q.lead_id
JOIN reward_triggers t ON t.company_id = w.company_id AND t.channel_id = w.channel_id AND t.id = w.trigger_id
WHERE (w.once AND NOT w.clawed_back)
   OR (w.hold_until > $4 AND w.state IN ('pending', 'approved'))
   OR w.id = ANY($3::uuid[]) OR w.corrects = ANY($3::uuid[])
"""


async def ledgers(
    connection: Connection, keys: Sequence[tuple[UUID, UUID]], named: Sequence[UUID], now: datetime
) -> dict[UUID, Ledger]:
    """By lead, named by (company, lead): what its ledger has that matters, with these rewards and their corrections."""
    companies, ids = zip(*keys, strict=True)
    found: dict[UUID, Ledger] = {}
    for record in await connection.fetch(_LEDGERS, companies, ids, named, now):
        *columns, once, status_id = record
        line = Line(reward(columns), once, status_id)
        found[line.reward.lead_id] = (*found.get(line.reward.lead_id, ()), line)
    return found


# What a company sees


async def listed(connection: Connection, filter: Filter, *, before: UUID | None, limit: int) -> list[Reward]:
    """The rewards that the filter lets through, newest first, from below the id `before` on."""
    parameters = Parameters()
    me = parameters.add(filter.company_id, "uuid")
    rest = conditions(filter, parameters)
    if before is not None:
        rest += f" AND w.id < {parameters.add(before, 'uuid')}"
    most = parameters.add(limit, "bigint")
    parts = [
        f"(SELECT {REWARD} FROM rewards w WHERE {seen}{rest} ORDER BY w.id DESC LIMIT {most})" for seen in visible(me)
    ]
    statement = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS w ORDER BY id DESC LIMIT {most}"
    return [reward(tuple(record)) for record in await connection.fetch(statement, *parameters.values)]


class Placed(msgspec.Struct, frozen=True):
    """A reward with the company whose lead it is of."""

    owner: UUID
    reward: Reward


async def seen(connection: Connection, filter: Filter, ids: Sequence[UUID]) -> dict[UUID, Placed]:
    """Those of the rewards with these ids that the filter lets through, by id."""
    parameters = Parameters()
    me, wanted = parameters.add(filter.company_id, "uuid"), parameters.add(list(ids), "uuid[]")
    rest = conditions(filter, parameters)
    parts = [
        f"SELECT w.company_id, {REWARD} FROM rewards w WHERE {part} AND w.id = ANY({wanted}){rest}"
        for part in visible(me)
    ]
    rows = map(tuple, await connection.fetch(" UNION ALL ".join(parts), *parameters.values))
    return {row[1]: Placed(row[0], reward(row[1:])) for row in rows}


class Total(msgspec.Struct, frozen=True):
    """What the rewards of one group come to, in one currency.

    By state, without corrections; `corrections` is what those that were not rejected take back, below zero. `net` is
    what is or will be paid if nothing more is rejected: pending, approved, paid and corrections together.
    """

    earner: UUID | None
    channel_id: UUID | None
    month: str | None
    currency: str | None
    rewards: int
    pending: Decimal
    approved: Decimal
    rejected: Decimal
    paid: Decimal
    corrections: Decimal
    net: Decimal


_SUMS = ", ".join(
    f"coalesce(sum(w.amount) FILTER (WHERE {which}), 0)"
    for which in [
        f"w.corrects IS NULL AND w.state = '{state}'" for state in ("pending", "approved", "rejected", "paid")
    ]
    + ["w.corrects IS NOT NULL AND w.state <> 'rejected'", "w.state <> 'rejected'"]
)


async def totals(connection: Connection, filter: Filter, groups: frozenset[Group], *, limit: int) -> list[Total]:
    """The sums by these groups and by currency; a group that is not asked for is None. At most `limit`, in order."""
    parameters = Parameters()
    me = parameters.add(filter.company_id, "uuid")
    rest = conditions(filter, parameters)
    columns = ", ".join(COLUMNS[group] if group in groups else "NULL" for group in Group)
    names = ", ".join((*(COLUMNS[group] for group in Group if group in groups), "w.currency"))
    statement = f"""
    SELECT {columns}, w.currency, count(*), {_SUMS} FROM rewards w
    WHERE ({" OR ".join(f"({seen})" for seen in visible(me))}){rest}
    GROUP BY {names} ORDER BY {names} LIMIT {parameters.add(limit, "bigint")}
    """
    rows = map(tuple, await connection.fetch(statement, *parameters.values))
    return [Total(*row[:5], *map(money.plain, row[5:])) for row in rows]


# Triggers

_TRIGGER = "id, cause, status_id, kind, amount, repeat, state, cap, hold_days"


async def trigger(connection: Connection, company_id: UUID, channel_id: UUID, trigger_id: UUID) -> Trigger | None:
    """The trigger, if it is in service."""
    statement = f"""
        SELECT {_TRIGGER} FROM reward_triggers
        WHERE company_id = $1 AND channel_id = $2 AND id = $3 AND archived_at IS NULL
    """
    row = await connection.fetchrow(statement, company_id, channel_id, trigger_id)
    if row is None:
        return None
    id, cause, status_id, kind, amount, repeat, state, cap, hold_days = row
    return Trigger(id, Cause(cause), status_id, Kind(kind), amount, repeat, TriggerState(state), cap, hold_days)


async def insert_trigger(connection: Connection, company_id: UUID, channel_id: UUID, trigger: Trigger) -> None:
    statement = f"""
        INSERT INTO reward_triggers (company_id, channel_id, {_TRIGGER})
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    """
    await connection.execute(statement, company_id, channel_id, *msgspec.structs.astuple(trigger))


async def update_trigger(connection: Connection, company_id: UUID, channel_id: UUID, trigger: Trigger) -> None:
    """Writes what may change of a trigger; the rewards that it made stay as they are."""
    await connection.execute(
        """UPDATE reward_triggers SET state = $4, amount = $5, cap = $6, hold_days = $7
        WHERE company_id = $1 AND channel_id = $2 AND id = $3""",
        company_id,
        channel_id,
        trigger.id,
        trigger.state,
        trigger.amount,
        trigger.cap,
        trigger.hold_days,
    )


async def archive_trigger(connection: Connection, company_id: UUID, channel_id: UUID, trigger_id: UUID) -> bool:
    """Takes a trigger out of service; the rewards that it made stay."""
    statement = """
        UPDATE reward_triggers SET archived_at = now()
        WHERE company_id = $1 AND channel_id = $2 AND id = $3 AND archived_at IS NULL
    """
    return bool(await connection.execute(statement, company_id, channel_id, trigger_id) == "UPDATE 1")
