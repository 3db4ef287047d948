"""Imports that are under way, gone on with by whichever process is free: one that died is taken over by the next."""

import logging
import tempfile
from collections.abc import Callable
from typing import IO
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from leadrail.core.core import Core
from leadrail.core.errors import Code, Refused
from leadrail.core.imports import store
from leadrail.core.imports.bringing import Bringing
from leadrail.core.imports.checking import Checking
from leadrail.core.imports.model import DRAFTS_KEPT_FOR, KEPT_FOR, Import, ImportState
from leadrail.core.imports.undoing import undo
from leadrail.db.database import UNREACHABLE

log = logging.getLogger(__name__)

IN_MEMORY = 4 << 20
"""Up to how many bytes a file is read into memory; a longer one goes to the disk."""


AT_ONCE = 4
OF_ONE_COMPANY = 2
"""So many imports a process does side by side, and so many of one company: nobody waits for another's million rows, and
a short list not for a long one."""


async def run_waiting(core: Core) -> None:
    """Does what is under way and in nobody else's hands, one after the other."""
    async with core.database.connection() as connection:
        waiting = await store.under_way(connection, OF_ONE_COMPANY)
    for company_id, id in waiting:
        await run(core, company_id, id)


async def run(
    core: Core,
    company_id: UUID,
    id: UUID,
    file: IO[bytes] | None = None,
    on_progress: Callable[[Import], None] = lambda _: None,
) -> Import | None:
    """Goes on with one import to its end; None when another process has it. `file` is one that is not stored.

    Raises Refused (`unavailable`): then it waits, and is gone on with another time.
    """
    guard = await core.database.dedicated()
    try:
        if not await store.lock(guard, id):
            return None
        made = await store.read(guard, company_id, id)
        if made is None:
            return None
        try:
            return await _done(core, made, file, on_progress)
        except Refused as error:
            if error.refusal.code is Code.UNAVAILABLE:
                raise
            return await _failed(core, made, str(error))
        except (*UNREACHABLE, asyncpg.PostgresError):
            raise
        except Exception:  # a fault of ours would come back with every try, and hold all other imports up
            log.exception("import %s met a fault", id)
            return await _failed(core, made, "A fault of ours; it is in the server's log")
    finally:
        await guard.close()


async def _done(core: Core, made: Import, file: IO[bytes] | None, on_progress: Callable[[Import], None]) -> Import:
    if made.state is ImportState.UNDOING:
        return await undo(core, made)
    if made.state not in (ImportState.CHECKING, ImportState.RUNNING):
        return made
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spooled:
        body: IO[bytes] = file or spooled
        if file is None:
            async with core.database.connection() as connection:
                async for chunk in store.chunks(connection, made):
                    spooled.write(chunk)
        if made.state is ImportState.CHECKING:
            return await Checking(core, made, body).run()
        return await Bringing(core, made, body, on_progress).run()


async def _failed(core: Core, made: Import, error: str) -> Import:
    """What stands of it stays, and says why no more came."""
    log.warning("import %s ended: %s", made.id, error)
    async with core.database.transaction() as connection:
        now = await store.read(connection, made.company_id, made.id) or made
        failed = replace(now, state=ImportState.FAILED, error=error, finished_at=core.clock())
        await store.update(connection, failed, "state", "error", "finished_at")
    return failed


async def forget(core: Core) -> None:
    """Lets go of what is kept for a while only."""
    now = core.clock()
    async with core.database.transaction() as connection:
        await store.forget(connection, now - KEPT_FOR, now - DRAFTS_KEPT_FOR)
