"""One notice of a batch for each who got leads of it, however many transactions it took."""

import logging
from collections.abc import Collection, Iterable
from datetime import timedelta
from uuid import UUID

import asyncpg

from leadrail.core.actor import Actor, system
from leadrail.core.channels import assignment_store
from leadrail.core.channels.model import ChannelTold
from leadrail.core.core import Core
from leadrail.core.engine import Done, Outcome
from leadrail.core.events.model import EventType
from leadrail.core.leads.told import LeadsAssignedData
from leadrail.core.save import Write, announce
from leadrail.db.database import UNREACHABLE

PATIENCE = timedelta(minutes=2)
"""After how long without growth a batch counts as left by whoever brought it."""

CHUNK = 100

log = logging.getLogger(__name__)


def owners(outcomes: Iterable[Outcome]) -> set[UUID]:
    """The companies of the channels that gave leads of a batch out, or might have."""
    made = (one for one in outcomes if isinstance(one, Done) and one.before is None)
    return {one.lead.company_id for one in made if one.setup.channel.assignment is not None}


async def tell(core: Core, actor: Actor, companies: Collection[UUID], batch_id: UUID) -> None:
    """Tells who got how many leads of the batch, once. What fails here is told by the worker."""
    if not companies:
        return
    try:
        await _tell(core, actor, companies, batch_id)
    except (*UNREACHABLE, asyncpg.PostgresError) as error:
        log.warning("who got the leads of a batch is told later: %r", error)


async def tell_left(core: Core) -> None:
    """The same for batches whose bringer went away."""
    async with core.database.connection() as connection:
        left = await assignment_store.untold(connection, core.clock() - PATIENCE, CHUNK)
    for company_id, batch_id in left:
        await _tell(core, system(company_id, "worker"), [company_id], batch_id)


async def _tell(core: Core, actor: Actor, companies: Collection[UUID], batch_id: UUID) -> None:
    now = core.clock()
    write = Write(now)
    async with core.database.transaction() as connection:
        rows = await assignment_store.take_assigned(connection, list(companies), batch_id)
        setups = await core.setups.current(connection, {row.channel_id for row in rows})
        for row in sorted(rows, key=lambda row: (row.channel_id, row.assignee)):
            channel = setups[row.channel_id].channel
            told = ChannelTold(id=channel.id, number=channel.number, title=channel.title)
            data = LeadsAssignedData(channel=told, assignee=row.assignee, leads=row.leads)
            announce(write, actor, setups[row.channel_id], EventType.LEADS_ASSIGNED, data, now)
        if statement := write.statement():
            sql, parameters = statement
            await connection.execute(sql, *parameters)
    core.tail.pulse()
    if write.deliveries:
        core.on_due()
