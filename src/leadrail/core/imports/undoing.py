"""Taking an import back: what it made goes to a status of the category deleted, what it changed is as it was before.

A lead that somebody has touched since is left alone.
"""

from uuid import UUID

from msgspec.structs import replace

from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.imports import store
from leadrail.core.imports.bringing import channel_of
from leadrail.core.imports.model import Import, ImportState, Undone
from leadrail.core.imports.planning import origin_of
from leadrail.core.imports.store import Standing
from leadrail.core.leads.commands import TakeBack

BATCH = 500


async def undo(core: Core, made: Import) -> Import:
    """Takes back what is left of it. Raises Refused (`unavailable`); what was taken back until then stays."""
    await channel_of(core, made)
    while (further := await _changed(core, made)) is not None:
        made = further
    while (further := await _created(core, made)) is not None:
        made = further
    made = replace(made, state=ImportState.UNDONE, finished_at=core.clock(), undo=made.undo or Undone())
    async with core.database.transaction() as connection:
        await store.update(connection, made, "state", "finished_at", "undo")
        await store.drop_leads(connection, made)
    return made


async def _changed(core: Core, made: Import) -> Import | None:
    """Puts some of the changed leads back; None when there are none left."""
    async with core.engine.together() as together:
        leads = await store.changed(together.connection, made, BATCH)
        if not leads:
            return None
        outcomes = await together.execute([_command(made, lead) for lead in leads])
        done = sum(isinstance(outcome, Done) for outcome in outcomes)
        made = _counted(made, Undone(restored=done, kept=len(leads) - done))
        await store.forget_changed(together.connection, made, [lead.lead_id for lead in leads])
        await store.update(together.connection, made, "undo")
    return made


async def _created(core: Core, made: Import) -> Import | None:
    """Takes some of the new leads away; None when there are none left."""
    async with core.engine.together() as together:
        after = made.undo_place or made.id
        leads = await store.created(together.connection, made, after, BATCH)
        if not leads:
            return None
        untouched = [lead for lead in leads if not lead.is_touched]
        outcomes = await together.execute([_command(made, lead) for lead in untouched]) if untouched else []
        done = sum(isinstance(outcome, Done) for outcome in outcomes)
        made = _counted(made, Undone(removed=done, kept=len(leads) - done), leads[-1].lead_id)
        await store.update(together.connection, made, "undo", "undo_place")
    return made


def _command(made: Import, lead: Standing) -> TakeBack:
    return TakeBack(
        actor=made.actor, lead_id=lead.lead_id, before=lead.before, version=lead.version, origin=origin_of(made)
    )


def _counted(made: Import, more: Undone, place: UUID | None = None) -> Import:
    return replace(made, undo=(made.undo or Undone()).plus(more), undo_place=place or made.undo_place)
