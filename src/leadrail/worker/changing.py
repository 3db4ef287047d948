"""Works on bulk changes beside everything else, one step at a time, with a breath after each."""

import asyncio
import contextlib
import logging
import time

import asyncpg

from leadrail.api import bulk
from leadrail.core.bulk import running
from leadrail.core.core import Core
from leadrail.core.errors import Refused
from leadrail.db.database import UNREACHABLE

POLL_S = 1.0
BREATH = 0.5
"""The rest after a step, in parts of the time that it took: who changes single leads comes in between."""

log = logging.getLogger(__name__)


async def change_in_bulk(core: Core, stopping: asyncio.Event, *, poll_s: float = POLL_S) -> None:
    """Until it is to stop; the step under way is finished."""
    while not stopping.is_set():
        began_s = time.perf_counter()
        did_something = await _step(core)
        rest_s = BREATH * (time.perf_counter() - began_s) if did_something else poll_s
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                await stopping.wait()


async def _step(core: Core) -> bool:
    try:
        return await running.step(core, bulk.chosen)
    except (*UNREACHABLE, asyncpg.PostgresError, Refused) as error:
        log.warning("a step of a bulk change failed and will be made again: %r", error)
    except Exception:  # whatever one bulk change does wrong, those of others go on
        log.exception("a step of a bulk change failed and will be made again")
    return False
