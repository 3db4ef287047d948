"""Bringing a vendor's account in: its channels once, then its leads by the same write path as everything else.

After each chunk the place is kept, so that a broken move goes on there; a lead that is here already, by the id that it
had at the vendor, is passed over, so that a move may be repeated. What happened at the vendor had its effects there:
nothing is delivered, paid or announced.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from leadrail.core.actor import system
from leadrail.core.channels.model import Duplicates
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refusal, refuse
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import CreateLead, Origin
from leadrail.kit.ids import new_id
from leadrail.moving import store
from leadrail.moving.channels import Channels, settled
from leadrail.moving.client import VendorError
from leadrail.moving.mending import MOST_MENDS, mended
from leadrail.moving.model import Missing, Page, Reader, SourceLead
from leadrail.moving.store import Account, Tally

CHUNK = 480
MOST_TRIES = 3
GROWTH = 4
"""After how many times as many leads the database is told to look at its tables again."""

FACE = "migrate"


class Progress(msgspec.Struct, frozen=True):
    """How far the move is. `total` is what the vendor says it has, if it does."""

    tally: Tally
    total: int | None


class Report(msgspec.Struct, frozen=True):
    """What came. `tally` counts the runs before this one too when they were one move that broke."""

    made: tuple[str, ...]
    found: tuple[str, ...]
    tally: Tally
    resumed_at: int
    missing: Counter[tuple[str, str]]
    not_offered: tuple[Missing, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every lead is here with every value."""
        tally = self.tally
        return not (tally.refused or tally.altered or tally.unread or self.missing)


class Bringing:
    """One move of one account. `on_missing` hears of each thing that could not come, the moment it is known."""

    def __init__(
        self,
        core: Core,
        account: Account,
        reader: Reader,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_missing: Callable[[Missing], None] = lambda _: None,
    ) -> None:
        self._core, self._account, self._reader = core, account, reader
        self._on_progress, self._on_missing = on_progress, on_missing
        self._actor = system(account.company_id, FACE)
        self._channels = Channels(core, account)
        self._missing: Counter[tuple[str, str]] = Counter()
        self._total: int | None = None
        self._tally = Tally()
        self._look_again_at = CHUNK

    async def run(self) -> Report:
        """Raises VendorError, Refused; what came until then stays, and the next run goes on behind it."""
        guard = await self._core.database.dedicated()
        try:
            if not await store.lock(guard, self._account):
                raise refuse(Code.CONFLICT, f"A move from {self._account.vendor} is under way for this company already")
            return await self._moved()
        finally:
            await guard.close()

    async def _moved(self) -> Report:
        async with self._core.database.connection() as connection:
            kept = await store.kept(connection, self._account)
        self._tally = kept.tally
        inventory = await self._reader.inventory()
        self._total = inventory.total
        self._miss(await self._channels.settle(inventory))
        await self._bring_all(self._reader.pages(inventory, kept.place))
        async with self._core.database.transaction() as connection:
            await store.forget(connection, self._account)
        return Report(
            made=tuple(self._channels.made),
            found=tuple(self._channels.found),
            tally=self._tally,
            resumed_at=kept.tally.read,
            missing=self._missing,
            not_offered=inventory.not_offered,
        )

    async def _bring_all(self, pages: AsyncIterator[Page]) -> None:
        waiting: list[Page] = []
        try:
            async for page in pages:
                waiting.append(page)
                if sum(len(one.leads) for one in waiting) >= CHUNK:
                    await self._bring(waiting)
                    waiting = []
        except VendorError:
            await self._bring(waiting)
            raise
        await self._bring(waiting)

    async def _bring(self, pages: Sequence[Page]) -> None:
        """Brings the leads of some pages in, and keeps the place behind the last."""
        if not pages:
            return
        for page in pages:
            self._total = page.total or self._total
            self._miss(page.missing)
        # A list that moves under its reader may show a lead twice.
        found = {lead.id: lead for page in pages for lead in page.leads}
        async with self._core.database.connection() as connection:
            known = await store.known(connection, self._account, self._channels.ids, list(found))
        fresh = [lead for id, lead in found.items() if id not in known]
        await self._channels.welcome(fresh)
        refused, altered = await self._create(fresh)
        before = self._tally
        self._tally = Tally(
            read=before.read + len(found),
            brought=before.brought + len(fresh) - refused,
            known=before.known + len(known),
            refused=before.refused + refused,
            altered=before.altered + altered,
            unread=before.unread + sum(len(page.missing) for page in pages),
        )
        async with self._core.database.transaction() as connection:
            await store.keep(connection, self._account, pages[-1].place, self._tally, self._core.clock())
            if self._tally.brought >= self._look_again_at:
                await store.look_again(connection)
                self._look_again_at = self._tally.brought * GROWTH
        self._on_progress(Progress(self._tally, self._total))

    async def _create(self, fresh: Sequence[SourceLead]) -> tuple[int, int]:
        """Makes the leads; answers how many were refused, and how many came otherwise than they were."""
        if highest := max((lead.number or 0 for lead in fresh), default=0):
            async with self._core.database.transaction() as connection:
                await leads.reserve_numbers(connection, highest)
        waiting = {lead.id: self._command(lead) for lead in fresh}
        altered: set[str] = set()
        refused: set[str] = set()
        for attempt in range(MOST_MENDS):
            again: dict[str, CreateLead] = {}
            for id, refusal in (await self._refusals(waiting)).items():
                command = self._second_try(waiting[id], refusal, attempt)
                if command is None:
                    refused.add(id)
                    self._miss([Missing("lead", id, refusal.message)])
                elif command != waiting[id]:
                    altered.add(id)
                    self._miss([Missing(_what(refusal), id, f"kept another way: {refusal.message}")])
                if command is not None:
                    again[id] = command
            waiting = again
        return len(refused), len(altered - refused)

    def _second_try(self, command: CreateLead, refusal: Refusal, attempt: int) -> CreateLead | None:
        if refusal.code is Code.UNAVAILABLE:
            return command if attempt < MOST_TRIES else None
        last = attempt == MOST_MENDS - 1
        channel = self._channels.with_id(command.channel_id)
        return None if last else mended(command, channel, refusal, self._core.clock())

    async def _refusals(self, commands: Mapping[str, CreateLead]) -> dict[str, Refusal]:
        """Carries the commands out; what is under way is seen to its end whatever happens, or the next run would not
        find its leads.
        """
        if not commands:
            return {}
        work = asyncio.ensure_future(self._core.engine.execute(list(commands.values())))
        try:
            outcomes = await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise
        outcome_of = zip(commands, outcomes, strict=True)
        return {id: outcome for id, outcome in outcome_of if isinstance(outcome, Refusal)}

    def _command(self, lead: SourceLead) -> CreateLead:
        channel = self._channels[lead.channel]
        attribution = {"attribution": lead.attribution} if lead.attribution else {}
        return CreateLead(
            actor=self._actor,
            channel_id=channel.id,
            lead_id=lead.lead_id or new_id(),
            number=lead.number,
            fields={**lead.fields, **attribution},
            properties=lead.properties,
            steps=tuple(replace(step, status=settled(channel, step.status)) for step in lead.steps),
            contacts=lead.contacts,
            at=lead.created_at,
            updated_at=lead.updated_at,
            # What were two leads there are two here.
            on_duplicate=Duplicates.ALLOW,
            origin=Origin.IMPORT,
        )

    def _miss(self, missing: Iterable[Missing]) -> None:
        for one in missing:
            self._missing[one.kind, one.why] += 1
            self._on_missing(one)


def _what(refusal: Refusal) -> str:
    """What of a lead did not fit, as its field is called."""
    return (refusal.field or "/id").removeprefix("/").partition("/")[0]
