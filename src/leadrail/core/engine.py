"""The write path: commands in, outcomes out, in one transaction a batch.

command -> batcher -> load (lock rows) -> decide (pure) -> save (one statement) -> commit -> outcome
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.core import idempotency
from leadrail.core.blocks.looking import drawn
from leadrail.core.channels import assignment_store
from leadrail.core.channels.assignment import Giver, Turns
from leadrail.core.counts import folding
from leadrail.core.erasure import Eraser, erase_elsewhere, erase_recorded
from leadrail.core.errors import Code, Refusal, Refused, refuse
from leadrail.core.idempotency import Answer
from leadrail.core.leads import merge_store
from leadrail.core.leads import store as leads
from leadrail.core.leads.arriving import arrival_keys
from leadrail.core.leads.commands import (
    ApplyRule,
    ChangeChannel,
    Command,
    CorrectReward,
    CreateLead,
    DecideReward,
    EraseLead,
    MergeLeads,
    UndoMerge,
)
from leadrail.core.merging import Written
from leadrail.core.rewards import store as rewards
from leadrail.core.rewards.model import Ledger
from leadrail.core.save import Change, Write
from leadrail.core.setup import Setup, Setups
from leadrail.core.together import Together, failure_of
from leadrail.core.work import Arrival, Done, Loaded, Outcome, Work
from leadrail.db.database import UNREACHABLE, Connection, Database
from leadrail.kit.batching import Batcher
from leadrail.kit.clock import Clock

__all__ = ["BATCH_LIMIT", "Arrival", "Done", "Engine", "Outcome", "Rehearsal"]

BATCH_LIMIT = 96
SLOTS = 2
MOST_GUESSES = 10_000
"""Of how many channels the process remembers whose turn it was."""

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
        self._turns: dict[Giver, Turns] = {}
        self._doubted: set[Giver] = set()
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
                loaded = await self._load(connection, [command], self._clock())
                done, change = Work(loaded, self._turns).decided(command)
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
            if any(isinstance(command, MergeLeads | UndoMerge) for command in commands):
                # They change which leads belong together, on which what is loaded for a batch depends.
                outcomes, is_due = await self._one_by_one(connection, commands)
            else:
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
        return await self._one_by_one(connection, commands)

    async def _one_by_one(self, connection: Connection, commands: Sequence[Command]) -> tuple[list[Outcome], bool]:
        outcomes: list[Outcome] = []
        any_due = False
        for command in commands:
            try:
                done, is_due = await self._transact(connection, [command])
                outcomes += done
                any_due |= is_due
            except Exception as error:  # noqa: BLE001 - whatever one does wrong, the others may not suffer
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
        loaded = await self._load(connection, commands, self._clock())
        if loaded.givers.isdisjoint(self._doubted):
            work, outcomes = await self._decide_by_guess(connection, loaded, commands)
        else:
            turns = await assignment_store.hold_turns(connection, loaded.givers)
            self._doubted -= {giver for giver in turns if turns[giver] == self._turns.get(giver)}
            work, outcomes = self._decide(loaded, commands, turns)
        await self._save(connection, work.write)
        return outcomes, bool(work.write.deliveries)

    async def _decide_by_guess(
        self, connection: Connection, loaded: Loaded, commands: Sequence[Command]
    ) -> tuple[Work, list[Outcome]]:
        """Takes it that nobody else took turns, so that no row of turns is locked while this decides.

        Where that was wrong, another server is at it: turns are doubted there until they are found as they were left.
        """
        work, outcomes = self._decide(loaded, commands, self._turns)
        if not work.write.turns:
            return work, outcomes
        turns = await assignment_store.hold_turns(connection, work.write.turns)
        wrong = {giver for giver in turns if turns[giver] != work.guessed[giver]}
        if not wrong:
            return work, outcomes
        self._doubted |= wrong
        return self._decide(loaded, commands, turns)

    def _decide(
        self, loaded: Loaded, commands: Sequence[Command], turns: Mapping[Giver, Turns]
    ) -> tuple[Work, list[Outcome]]:
        work = Work(loaded, turns)
        outcomes = [work.apply(command) for command in commands]
        if len(self._turns) > MOST_GUESSES:
            self._turns.clear()
        self._turns.update(work.write.turns)
        return work, outcomes

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

    async def _load(self, connection: Connection, commands: Sequence[Command], now: datetime) -> Loaded:
        # Channels, keys, leads, turns, counters: every batch locks in this order, so none wait in a circle.
        creates = [command for command in commands if isinstance(command, CreateLead)]
        entered = {one.channel_id for one in commands if isinstance(one, CreateLead | ChangeChannel)}
        held = await self._setups.held(connection, entered) if entered else {}
        known = await self._known(connection, creates, held)
        wanted = {
            (company, id)
            for command in commands
            if not isinstance(command, CreateLead)
            for company in _homes(command)
            for id in _leads_of(command)
        }
        wanted |= {
            (held[channel_id].channel.company_id, id) for (channel_id, _, _), found in known.items() for id in found
        }
        locked = await leads.lock(connection, sorted(wanted)) if wanted else []
        families = await self._with_families(connection, commands, locked)
        versions = {row.lead.channel_id: row.channel_version for row in locked}
        setups = held | (await self._setups.at_versions(connection, versions) if versions else {})
        ledgers = await self._ledgers(connection, commands, locked, families, setups, now)
        numbers, blocked = await drawn(connection, commands, locked, setups)
        earned = {line.reward.channel_id for ledger in ledgers.values() for line in ledger}
        if earned_elsewhere := earned - setups.keys():
            setups |= await self._setups.current(connection, earned_elsewhere)
        keys = [(command.actor.company_id, command.idempotency.key) for command in commands if command.idempotency]
        answers = await idempotency.answers(connection, keys, now) if keys else {}
        arriving = {command.channel_id for command in creates}
        givers = frozenset(
            setup.channel.giver for id, setup in held.items() if id in arriving and setup.channel.assignment is not None
        )
        written = await _written(connection, commands, locked)
        return Loaded(locked, setups, ledgers, numbers, blocked, known, givers, families, written, answers, now)

    async def _with_families(
        self, connection: Connection, commands: Sequence[Command], locked: list[leads.Locked]
    ) -> dict[UUID, list[UUID]]:
        """Locks, too, the leads that stand for those that were named, and those for which one to be erased stands.

        Answers those that stand for others, with these.
        """
        have = {(row.lead.company_id, row.lead.id) for row in locked}
        rows: Sequence[leads.Locked] = locked
        while into := {(row.lead.company_id, row.lead.merged_into) for row in rows if row.lead.merged_into} - have:
            rows = await leads.lock(connection, sorted(into))
            locked += rows
            have |= into
        standing = [(row.lead.company_id, row.lead.id) for row in locked if row.lead.merged_keys is not None]
        families = await leads.families(connection, standing) if standing else {}
        if families and any(isinstance(command, EraseLead | ApplyRule) for command in commands):
            more = {(company, id) for company, lead in standing for id in families[lead]} - have
            locked += await leads.lock(connection, sorted(more)) if more else []
        return families

    async def _ledgers(
        self,
        connection: Connection,
        commands: Sequence[Command],
        locked: Sequence[leads.Locked],
        families: Mapping[UUID, Sequence[UUID]],
        setups: dict[UUID, Setup],
        now: datetime,
    ) -> dict[UUID, Ledger]:
        """The ledgers of the leads that may have rewards, read when the leads are locked: by nobody else they change.

        What those have for which a lead stands is in its own.

        A statement of its own: what another transaction wrote while this one waited is seen only from here on.
        """
        named = {one.reward_id: one.lead_id for one in commands if isinstance(one, DecideReward | CorrectReward)}
        # A lead that a decision is about may have earned in a channel that it left.
        decided = set(named.values())
        keys = [
            (row.lead.company_id, id)
            for row in locked
            if (family := families.get(row.lead.id, (row.lead.id,)))
            if not decided.isdisjoint(family)
            or ((setup := setups.get(row.lead.channel_id)) is not None and setup.has_rewards)
            for id in family
        ]
        found = await rewards.ledgers(connection, list(dict.fromkeys(keys)), list(named), now) if keys else {}
        whole = {lead: tuple(line for id in ids for line in found.get(id, ())) for lead, ids in families.items()}
        return found | whole

    async def _known(
        self, connection: Connection, creates: Sequence[CreateLead], setups: dict[UUID, Setup]
    ) -> dict[leads.Place, leads.Holders]:
        """The leads that have keys by which these creations may be duplicates; the keys are held until the commit."""
        wanted = {
            (setup.channel.company_id, command.channel_id, kind, key)
            for command in creates
            if (setup := setups.get(command.channel_id)) is not None
            for kind, key in arrival_keys(setup.channel, command)
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


def _homes(command: Command) -> tuple[UUID, ...]:
    """The companies in which the command's lead may be. Who pays a reward may have left the channel since."""
    if isinstance(command, DecideReward | CorrectReward):
        return (command.company_id,)
    return command.actor.companies


def _leads_of(command: Command) -> tuple[UUID, ...]:
    """The leads that the command names, but for one that is to be made."""
    if isinstance(command, MergeLeads | UndoMerge):
        return (command.lead_id, *command.lead_ids)
    return (command.lead_id,)


async def _written(connection: Connection, commands: Sequence[Command], locked: Sequence[leads.Locked]) -> Written:
    """What is to be taken back, as it was written down, read when the lead is locked: nobody else takes it back."""
    for command in commands:
        for row in locked:
            if isinstance(command, UndoMerge) and row.lead.id == command.lead_id:
                place = (connection, row.lead.company_id, row.lead.id, command.merge_id)
                return Written(await merge_store.one(*place), await merge_store.later(*place))
    return Written()


def _key(command: Command) -> Hashable | None:
    """Commands of one key keep their order: those of one lead, and those that repeat one idempotency key."""
    if isinstance(command, CreateLead):
        return (command.actor.company_id, command.idempotency.key) if command.idempotency else None
    return command.lead_id


def _unavailable() -> Refused:
    message = "The database cannot be reached; the outcome is not known. Repeat the call with the same Idempotency-Key."
    return refuse(Code.UNAVAILABLE, message)
