"""The write path: commands in, outcomes out, in one transaction a batch.

command -> batcher -> load (lock rows) -> decide (pure) -> save (one statement) -> commit -> outcome
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.core import idempotency
from leadrail.core.counts import folding
from leadrail.core.erasure import Eraser, erase_elsewhere, erase_recorded
from leadrail.core.errors import Code, Refusal, Refused, refuse
from leadrail.core.idempotency import Answer
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import Command, CorrectReward, CreateLead, DecideReward, RewardCommand
from leadrail.core.leads.creating import unique_keys
from leadrail.core.leads.decisions import Decision
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide
from leadrail.core.rewards import deciding
from leadrail.core.rewards import store as rewards
from leadrail.core.rewards.model import Ledger, Reward
from leadrail.core.save import Change, Write, follow, settle
from leadrail.core.setup import Setup, Setups
from leadrail.core.together import Done, Outcome, Together, failure_of
from leadrail.db.database import UNREACHABLE, Connection, Database
from leadrail.kit.batching import Batcher
from leadrail.kit.clock import Clock

__all__ = ["BATCH_LIMIT", "Done", "Engine", "Outcome", "Rehearsal"]

BATCH_LIMIT = 96
SLOTS = 2

log = logging.getLogger(__name__)


class Rehearsal(msgspec.Struct, frozen=True):
    """What a command would do."""

    done: Done
    change: Change


class Engine:
    """The one entry point for every write to a lead, single or many."""

    def __init__(
        self,
        database: Database,
        setups: Setups,
        clock: Clock,
        on_due: Callable[[], None],
        erasers: Sequence[Eraser] = (),
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._database, self._setups, self._clock, self._on_due = database, setups, clock, on_due
        self._erasers, self._on_commit = erasers, on_commit
        self._idle: list[Connection] = []
        self._batcher: Batcher[Command, Outcome] = Batcher(self._run, key=_key, limit=BATCH_LIMIT, slots=SLOTS)

    async def execute(self, commands: Sequence[Command]) -> list[Outcome]:
        """Carries out commands and answers one outcome each, in order. A refusal leaves its neighbours alone.

        Raises Refused (`unavailable`) when the database cannot be reached or its last word was lost.
        """
        # Shielded: a caller that goes away must not cancel what others in the batch wait for.
        futures = [self._batcher.submit(command) for command in commands]
        return await asyncio.shield(asyncio.gather(*futures))

    async def execute_one(self, command: Command) -> Done | Answer:
        """Carries out one command. Raises Refused."""
        outcome = await self._batcher.submit(command)
        if isinstance(outcome, Refusal):
            raise Refused(outcome)
        return outcome

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Together]:
        """One transaction for many commands and for what the caller writes beside them: all of it stands, or nothing.

        Raises Refused (`unavailable`) when the database cannot be reached or its last word was lost.
        """
        try:
            connection = await self._take()
            try:
                async with connection.transaction():
                    together = Together(connection, self._carry_out)
                    yield together
            finally:
                await self._give_back(connection)
        except UNREACHABLE as error:
            raise _unavailable() from error
        self._on_commit()
        if together.is_due:
            self._on_due()

    async def rehearse(self, command: Command) -> Rehearsal:
        """What the command would do, without doing it. Raises Refused."""
        async with self._database.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                work = await self._load(connection, [command], self._clock())
                done, change = work.decided(command)
            finally:
                await transaction.rollback()
        return Rehearsal(done, change)

    async def close(self) -> None:
        """Finishes what is under way."""
        await self._batcher.drain()
        for connection in self._idle:
            await connection.close()

    # One batch

    async def _run(self, commands: Sequence[Command]) -> list[Outcome]:
        try:
            connection = await self._take()
        except UNREACHABLE as error:
            raise _unavailable() from error
        try:
            outcomes, is_due = await self._transact(connection, commands)
        except UNREACHABLE as error:
            log.warning("the database went away during a batch of %d: %r", len(commands), error)
            raise _unavailable() from error
        except Exception as error:  # noqa: BLE001 - whatever one command does wrong, its neighbours may not suffer
            outcomes, is_due = await self._isolate(connection, commands, error)
        finally:
            await self._give_back(connection)
        self._on_commit()
        if is_due:
            self._on_due()
        return outcomes

    async def _isolate(
        self, connection: Connection, commands: Sequence[Command], error: Exception
    ) -> tuple[list[Outcome], bool]:
        """The batch failed and nothing of it stands: each command runs alone, only the offender fails."""
        if len(commands) > 1:
            log.info("a batch of %d runs one by one: %r", len(commands), error)
        outcomes: list[Outcome] = []
        any_due = False
        for command in commands:
            try:
                done, is_due = await self._transact(connection, [command])
                outcomes += done
                any_due |= is_due
            except Exception as error:  # noqa: BLE001 - as above
                outcomes.append(failure_of(error))
        return outcomes, any_due

    async def _transact(self, connection: Connection, commands: Sequence[Command]) -> tuple[list[Outcome], bool]:
        """The outcomes of one transaction, and whether it made deliveries due."""
        transaction = connection.transaction()
        await transaction.start()
        try:
            done = await self._carry_out(connection, commands)
        except BaseException:
            if not connection.is_closed():
                await transaction.rollback()
            raise
        await transaction.commit()
        return done

    async def _carry_out(self, connection: Connection, commands: Sequence[Command]) -> tuple[list[Outcome], bool]:
        """The same inside a transaction of the caller's."""
        work = await self._load(connection, commands, self._clock())
        outcomes = [work.apply(command) for command in commands]
        await self._save(connection, work.write)
        return outcomes, bool(work.write.deliveries)

    async def _save(self, connection: Connection, write: Write) -> None:
        # The statement locks the company's event counter. An erasure, which may be long and waits for the worker, comes
        # before it: the worker too locks deliveries first.
        for erased in write.erased:
            await erase_recorded(connection, erased)
        if write.erased:
            await folding.hold(connection, sorted({erased.company_id for erased in write.erased}))
        if statement := write.statement():
            sql, parameters = statement
            await connection.execute(sql, *parameters)
        for erased in write.erased:
            if write.has_more_of(erased.lead_id):
                await erase_recorded(connection, erased)
            await folding.recount(connection, erased.company_id, [erased.lead_id])
            await erase_elsewhere(connection, erased, self._erasers)

    async def _load(self, connection: Connection, commands: Sequence[Command], now: datetime) -> "_Work":
        wanted = {
            (company, command.lead_id)
            for command in commands
            if not isinstance(command, CreateLead)
            for company in _homes(command)
        }
        locked = await leads.lock(connection, sorted(wanted)) if wanted else []
        versions = {row.lead.channel_id: row.channel_version for row in locked}
        setups = await self._setups.at_versions(connection, versions) if versions else {}
        ledgers = await self._ledgers(connection, commands, locked, setups, now)
        creates = [command for command in commands if isinstance(command, CreateLead)]
        numbers = await leads.take_numbers(connection, len(creates)) if creates else []
        if creates:
            setups |= await self._setups.held(connection, {command.channel_id for command in creates})
        known = await self._known(connection, creates, setups)
        keys = [(command.actor.company_id, command.idempotency.key) for command in commands if command.idempotency]
        answers = await idempotency.answers(connection, keys, now) if keys else {}
        return _Work(locked, setups, ledgers, numbers, known, answers, now)

    async def _ledgers(
        self,
        connection: Connection,
        commands: Sequence[Command],
        locked: Sequence[leads.Locked],
        setups: dict[UUID, Setup],
        now: datetime,
    ) -> dict[UUID, Ledger]:
        """The ledgers of the leads that may have rewards, read when the leads are locked: by nobody else they change.

        A statement of its own: what another transaction wrote while this one waited is seen only from here on.
        """
        named = [command.reward_id for command in commands if isinstance(command, DecideReward | CorrectReward)]
        keys = [
            (row.lead.company_id, row.lead.id)
            for row in locked
            if (setup := setups.get(row.lead.channel_id)) is not None and setup.has_rewards
        ]
        return await rewards.ledgers(connection, keys, named, now) if keys else {}

    async def _known(
        self, connection: Connection, creates: Sequence[CreateLead], setups: dict[UUID, Setup]
    ) -> dict[leads.Place, UUID]:
        """The leads that have keys which these creations want for themselves; the keys are held until the commit."""
        wanted = {
            (setup.channel.company_id, command.channel_id, kind, key)
            for command in creates
            if command.unique_by is not None and (setup := setups.get(command.channel_id)) is not None
            for kind, key in unique_keys(setup.channel, command)
        }
        return await leads.hold_keys(connection, sorted(wanted)) if wanted else {}

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._database.dedicated()

    async def _give_back(self, connection: Connection) -> None:
        if connection.is_closed():
            return
        if connection.is_in_transaction():
            connection.terminate()
            return
        self._idle.append(connection)


class _Work:
    """One batch in the making: the state that later commands see, and what is to be written."""

    def __init__(
        self,
        locked: Sequence[leads.Locked],
        setups: dict[UUID, Setup],
        ledgers: dict[UUID, Ledger],
        numbers: list[int],
        known: dict[leads.Place, UUID],
        answers: dict[tuple[UUID, str], Answer],
        now: datetime,
    ) -> None:
        self._leads = {row.lead.id: row.lead for row in locked}
        self._ledgers = ledgers
        self._setups, self._numbers, self._answers, self._now = setups, iter(numbers), answers, now
        self._known = known
        self.write = Write(now)

    def apply(self, command: Command) -> Outcome:
        try:
            return self._replayed(command) or self._done(command)
        except Refused as error:
            return error.refusal

    def _replayed(self, command: Command) -> Answer | None:
        if command.idempotency is None:
            return None
        answer = self._answers.get((command.actor.company_id, command.idempotency.key))
        return answer.matching(command.idempotency.fingerprint) if answer else None

    def _done(self, command: Command) -> Done:
        done, change = self.decided(command)
        self._remember(command, change, done)
        return done

    def decided(self, command: Command) -> tuple[Done, Change]:
        """What the command comes to, nothing remembered yet. Raises Refused."""
        if isinstance(command, DecideReward | CorrectReward):
            return self._settled(command)
        creating = isinstance(command, CreateLead)
        lead = None if creating else self._leads.get(command.lead_id)
        setup = self._setups.get(command.channel_id if isinstance(command, CreateLead) else _channel_of(lead))
        if setup is None:
            raise refuse(Code.CHANNEL_NOT_FOUND, "Channel not found", "/channel_id")
        number = next(self._numbers) if creating else 0
        if isinstance(command, CreateLead):
            self._refuse_duplicate(command, setup)
            number = command.number or number
        decision = decide(lead, setup.channel, command, self._now, number)
        ledger = self._ledgers.get(decision.lead.id, ())
        change = follow(command, setup, lead, decision, ledger, self._now)
        return Done(decision.lead, setup, lead, tuple(told.event for told in change.told)), change

    def _settled(self, command: RewardCommand) -> tuple[Done, Change]:
        """The same for a decision on a reward. A lead that is not there has none."""
        lead = self._leads.get(command.lead_id)
        setup = self._setups.get(lead.channel_id) if lead is not None else None
        if lead is None or setup is None:
            raise refuse(Code.NOT_FOUND, "Reward not found")
        ledger = self._ledgers.get(lead.id, ())
        if isinstance(command, CorrectReward):
            line, settled = deciding.corrected(ledger, lead.company_id, command, self._now)
            change = settle(command, setup, lead, ledger, settled, line, self._now)
            return _settling(lead, setup, change, line.reward), change
        reward, news = deciding.decided(ledger, lead.company_id, command, self._now)
        if news is None:
            change = Change(lead, Decision(lead), setup.channel, (), ledger=ledger)
        else:
            change = settle(command, setup, lead, ledger, news, None, self._now)
        return _settling(lead, setup, change, reward), change

    def _refuse_duplicate(self, command: CreateLead, setup: Setup) -> None:
        for kind, key in unique_keys(setup.channel, command):
            if (id := self._known.get((command.channel_id, kind, key))) is not None:
                message = f"The channel has a lead with this {kind.replace('_', ' ')} already"
                raise refuse(Code.DUPLICATE, message, lead_id=str(id))

    def _remember(self, command: Command, change: Change, done: Done) -> None:
        lead = change.lead
        self._leads[lead.id] = lead
        self._ledgers[lead.id] = change.ledger
        if isinstance(command, CreateLead):
            self._known |= {
                (lead.channel_id, kind, key): lead.id for kind, key in unique_keys(done.setup.channel, command)
            }
        self.write.add(change)
        if command.idempotency is not None:
            status, body = command.idempotency.render(done)
            answer = Answer(command.idempotency.fingerprint, status, body)
            self._answers[(command.actor.company_id, command.idempotency.key)] = answer
            self.write.answer(command.actor.company_id, command.idempotency.key, lead, answer)


def _settling(lead: Lead, setup: Setup, change: Change, reward: Reward) -> Done:
    return Done(lead, setup, lead, tuple(told.event for told in change.told), reward)


def _homes(command: Command) -> tuple[UUID, ...]:
    """The companies in which the command's lead may be. Who pays a reward may have left the channel since."""
    if isinstance(command, DecideReward | CorrectReward):
        return (command.company_id,)
    return command.actor.companies


def _channel_of(lead: Lead | None) -> UUID:
    if lead is None:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    return lead.channel_id


def _key(command: Command) -> Hashable | None:
    """Commands of one key keep their order: those of one lead, and those that repeat one idempotency key."""
    if isinstance(command, CreateLead):
        return (command.actor.company_id, command.idempotency.key) if command.idempotency else None
    return command.lead_id


def _unavailable() -> Refused:
    message = "The database cannot be reached; the outcome is not known. Repeat the call with the same Idempotency-Key."
    return refuse(Code.UNAVAILABLE, message)
