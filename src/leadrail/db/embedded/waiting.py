"""Waiting for a condition with a limit, and saying so while it lasts."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

PAUSE_S = 0.01
TELL_S = 5.0

logger = logging.getLogger(__name__)


async def true_within(limit_s: float, is_true: Callable[[], Awaitable[bool]], doing: str) -> bool:
    """Whether it became true before the limit; `doing` is logged every few seconds."""
    begun = told = time.monotonic()
    while not await is_true():
        now = time.monotonic()
        if now > begun + limit_s:
            return False
        if now > told + TELL_S:
            told = now
            logger.info("%s (%.0f s)", doing, now - begun)
        await asyncio.sleep(PAUSE_S)
    return True
