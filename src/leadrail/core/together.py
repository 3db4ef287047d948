"""Many commands in one transaction with what a caller writes beside them."""

import logging
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from leadrail.core.errors import BUSY, Code, Refusal
from leadrail.core.leads.commands import Command
from leadrail.core.work import Outcome
from leadrail.db.database import UNREACHABLE, Connection

log = logging.getLogger(__name__)


class Together:
    """One transaction of `Engine.together`. `connection` is the one in which it is under way."""

    def __init__(
        self,
        connection: Connection,
        carry_out: Callable[[Connection, Sequence[Command]], Awaitable[tuple[list[Outcome], bool]]],
    ) -> None:
        self.connection, self._carry_out = connection, carry_out
        self.is_due = False

    async def execute(self, commands: Sequence[Command]) -> list[Outcome]:
        """One outcome for each command, in order. What the database refuses leaves the other commands alone."""
        try:
            return await self._saved(commands)
        except (*UNREACHABLE, *BUSY):
            raise
        except Exception as error:  # noqa: BLE001 - whatever one command does wrong, its neighbours may not suffer
            if len(commands) == 1:
                return [failure_of(error)]
            log.info("%d commands run one by one: %r", len(commands), error)
        return [outcome for command in commands for outcome in await self.execute([command])]

    async def _saved(self, commands: Sequence[Command]) -> list[Outcome]:
        async with self.connection.transaction():
            outcomes, is_due = await self._carry_out(self.connection, commands)
        self.is_due |= is_due
        return outcomes


def failure_of(error: Exception) -> Refusal:
    """What a command meets that the database refuses."""
    if isinstance(error, (asyncpg.DataError, UnicodeError, RecursionError)):
        return Refusal(Code.INVALID, f"A value cannot be stored: {error}")
    if isinstance(error, asyncpg.UniqueViolationError):
        return Refusal(Code.CONFLICT, "The id or number of the lead is taken")
    if isinstance(error, (*UNREACHABLE, *BUSY)):
        return Refusal(Code.UNAVAILABLE, "The lead is busy or the database is away; try again")
    log.error("a command failed", exc_info=error)
    return Refusal(Code.UNAVAILABLE, "The change could not be saved; nothing was changed. Try again.")
