"""What channels do to leads by themselves when time has passed: they move or erase them. Safe in several processes."""

import logging
from datetime import datetime
from uuid import UUID

from leadrail.core.actor import system
from leadrail.core.channels import rule_store
from leadrail.core.channels.rule_store import Unplaced
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.leads import due_store
from leadrail.core.leads.commands import ApplyRule

FACE = "rule"
PLACE_CHUNK = 2_000
MOVE_CHUNK = 500
MOST_PLACES = 100

log = logging.getLogger(__name__)


async def run_rules(core: Core) -> None:
    """Makes the leads of new and changed rules due, then moves or erases every lead whose time has come."""
    await place_leads(core)
    await move_due(core)


async def place_leads(core: Core, chunk: int = PLACE_CHUNK) -> None:
    """Sets when the leads that were there before a rule are due by it, a chunk a transaction."""
    async with core.database.connection() as connection:
        waiting = await rule_store.unplaced(connection, MOST_PLACES)
    for status in waiting:
        await _place(core, status, chunk)


async def _place(core: Core, status: Unplaced, chunk: int) -> None:
    number: int | None = -1
    while number is not None:
        async with core.database.transaction() as connection:
            number = await rule_store.place(connection, status, number, chunk)
    async with core.database.transaction() as connection:
        await rule_store.set_placed(connection, status)


async def move_due(core: Core, chunk: int = MOVE_CHUNK) -> None:
    """Each due lead goes through the engine, which looks again whether it still is: whoever comes second does nothing.

    Every lead handled is due no more, so the next chunk is another one.
    """
    now = core.clock()
    done = 0
    while due := await _due(core, now, chunk):
        commands = [ApplyRule(actor=system(company_id, FACE), lead_id=id) for company_id, id in due]
        outcomes = await core.engine.execute(commands)
        handled = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        done += sum(bool(one.events) for one in handled)
        if stuck := [one.lead for one in handled if not one.events and one.before != one.lead]:
            log.info("%d leads were due by a rule and stay where they are, among them %s", len(stuck), stuck[0].id)
        if len(handled) < len(due):
            log.warning("%d leads could not be moved or erased by their rules this time", len(due) - len(handled))
            break
    if done:
        log.info("rules moved or erased %d leads", done)


async def _due(core: Core, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    async with core.database.connection() as connection:
        return await due_store.due(connection, now, limit)
