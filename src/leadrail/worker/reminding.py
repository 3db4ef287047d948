"""Tells of contacts that have come due, or are a day late: looked for in small chunks, told by the engine."""

from datetime import datetime

from leadrail.core.actor import system
from leadrail.core.core import Core
from leadrail.core.engine import BATCH_LIMIT
from leadrail.core.followups import store as followups
from leadrail.core.leads.commands import Command, RemindFollowUp
from leadrail.core.leads.planning import OVERDUE_AFTER


async def remind(core: Core) -> None:
    """Once through all that is due. The lead's row lock and its mark decide, so several may do it at once.

    Raises Refused (`unavailable`) when the database is away.
    """
    now = core.clock()
    for notice, until in ((None, now), ("due", now - OVERDUE_AFTER)):
        await _remind(core, notice, until)


async def _remind(core: Core, notice: str | None, until: datetime) -> None:
    place: followups.Due | None = None
    while True:
        async with core.database.connection() as connection:
            # A batch of the engine at a time, so that those who write meanwhile come in between.
            due = await followups.due(connection, notice, until, after=place, limit=BATCH_LIMIT)
        commands: list[Command] = [
            RemindFollowUp(actor=system(one.company_id, "follow_ups"), lead_id=one.lead_id) for one in due
        ]
        await core.engine.execute(commands)
        if len(due) < BATCH_LIMIT:
            return
        place = due[-1]
