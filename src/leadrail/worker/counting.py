"""Keeps the sums of every company up with its feed, a bounded step a transaction."""

import logging
from uuid import UUID

import asyncpg

from leadrail.core.core import Core
from leadrail.core.counts import folding

# Whoever erases a lead of the company waits for the step that is under way.
STEP = 5_000
MOST_STEPS = 20

log = logging.getLogger(__name__)


async def count(core: Core) -> None:
    """Until nothing is left. The companies take turns, so that one that is far behind holds up nobody."""
    async with core.database.connection() as connection:
        waiting = await folding.behind(connection)
        await folding.begin(connection, waiting)
    while waiting:
        waiting = [company_id for company_id in waiting if await _has_more(core, company_id)]


async def _has_more(core: Core, company_id: UUID) -> bool:
    try:
        for _ in range(MOST_STEPS):
            async with core.database.transaction() as connection:
                if not await folding.fold(connection, company_id, STEP):
                    return False
    except asyncpg.PostgresError as error:
        log.warning("could not count for company %s this time: %r", company_id, error)
        return False
    return True
