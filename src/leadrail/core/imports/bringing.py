"""Bringing the rows of a file in: batch by batch, each one transaction with its rows, its place and its counts.

So a process that dies leaves whole batches only, and whoever goes on begins behind the last of them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core import assigning
from leadrail.core.channels.model import Category, Channel
from leadrail.core.core import Core
from leadrail.core.engine import Done, Outcome
from leadrail.core.errors import BUSY, Code, Refused, refuse
from leadrail.core.errors import Refusal as NotDone
from leadrail.core.imports import reading, store
from leadrail.core.imports.matching import keys_to_match
from leadrail.core.imports.model import Counts, Import, ImportState, OnDuplicate, Refusal, Touched
from leadrail.core.imports.planning import Change, Create, Later, Plan, Refuse, Skip, plans
from leadrail.core.imports.rows import BadRow, Draft, Key, Understanding
from leadrail.core.leads.commands import Command
from leadrail.core.together import Together

BATCH = 200
"""Rows of one transaction. More are no faster, and hold up everybody else in this process for longer."""

MOST_TRIES = 6
FIRST_LOOK, GROWTH = 2_000, 4
"""After how many leads, and then how many times as many, the database is told to look at its tables again."""

Record = tuple[int, list[str]]


class Bringing:
    """One run of an import that is under way. `on_progress` hears of each batch that stands."""

    def __init__(
        self, core: Core, made: Import, file: IO[bytes], on_progress: Callable[[Import], None] = lambda _: None
    ) -> None:
        self._core, self._made, self._file, self._on_progress = core, made, file, on_progress
        self._look_again_at = FIRST_LOOK

    async def run(self) -> Import:
        """Brings what is left of the file. Raises Refused (`unavailable`); what came until then stays."""
        left = batches(self._file, self._made)
        ready = await self._understand(left)
        while ready is not None:
            # While the database writes these rows, a thread understands the next ones.
            coming = asyncio.create_task(self._understand(left))
            try:
                await self._bring(ready)
            finally:
                await asyncio.wait([coming])
            ready = coming.result()
            self._on_progress(self._made)
        self._made = replace(self._made, state=ImportState.DONE, finished_at=self._core.clock())
        async with self._core.database.transaction() as connection:
            await store.update(connection, self._made, "state", "finished_at")
            await store.drop_file(connection, self._made)
        if self._made.options.tell:
            await assigning.tell(self._core, self._made.actor, [self._made.lead_company_id], self._made.id)
        return self._made

    async def _understand(self, left: Iterator[list[Record]]) -> "_Ready | None":
        """The next rows of the file; None at its end."""
        channel = await channel_of(self._core, self._made)
        return await asyncio.to_thread(_ready, self._made, channel, left)

    async def _bring(self, ready: "_Ready") -> None:
        for attempt in range(MOST_TRIES):
            try:
                self._made = await self._transact(ready)
                break
            except BUSY:
                if attempt == MOST_TRIES - 1:
                    raise refuse(Code.UNAVAILABLE, "The database is too busy to go on") from None
            except Refused as error:
                if error.refusal.code is not Code.UNAVAILABLE or attempt == MOST_TRIES - 1:
                    raise
            await asyncio.sleep(0.2 * 2**attempt)
        if self._made.counts.created >= self._look_again_at:
            self._look_again_at = self._made.counts.created * GROWTH
            async with self._core.database.connection() as connection:
                await store.look_again(connection)

    async def _transact(self, ready: "_Ready") -> Import:
        async with self._core.engine.together() as together:
            batch = _Batch(self._made, ready.channel, together, list(ready.refusals))
            await batch.run(ready.drafts)
            counts = self._made.counts.plus(batch.counts)
            after = replace(self._made, place=ready.place, counts=counts)
            connection = together.connection
            if batch.refusals:
                await store.put_refusals(connection, after, batch.refusals)
            if batch.touched:
                await store.put_leads(connection, after, list(batch.touched.values()))
            await store.update(connection, after, "place", "counts")
        return after


class _Ready(msgspec.Struct, frozen=True):
    """Rows of the file up to `place`, as the channel has it understood."""

    channel: Channel
    place: int
    drafts: list[Draft]
    refusals: list[Refusal]


def _ready(made: Import, channel: Channel, left: Iterator[list[Record]]) -> _Ready | None:
    records = next(left, None)
    return _Ready(channel, records[-1][0], *understood(made, channel, records)) if records is not None else None


class _Batch:
    """The rows of one transaction."""

    def __init__(self, made: Import, channel: Channel, together: Together, refusals: list[Refusal]) -> None:
        self._made, self._channel, self._together = made, channel, together
        self._known: dict[Key, list[UUID]] = {}
        self.refusals = refusals
        self._counted = Counter[str](refused=len(refusals))
        self.touched: dict[UUID, Touched] = {}

    async def run(self, drafts: Sequence[Draft]) -> None:
        if self._made.options.duplicates is not OnDuplicate.CREATE:
            await self._look_up(drafts)
        while drafts:
            chosen = plans(self._made, self._channel, drafts, self._known)
            await self._carry_out(chosen)
            drafts = [plan.draft for plan in chosen if isinstance(plan, Later)]

    async def _look_up(self, drafts: Sequence[Draft]) -> None:
        connection, match_by = self._together.connection, self._made.options.match_by
        await store.lock_channel(connection, self._made.channel_id)
        keys = {key for draft in drafts for key in keys_to_match(draft, match_by)}
        self._known = await store.found(connection, self._made, keys, gone(self._channel)) if keys else {}

    async def _carry_out(self, chosen: Sequence[Plan]) -> None:
        for plan in chosen:
            if isinstance(plan, Skip):
                self._counted["skipped"] += 1
            elif isinstance(plan, Refuse):
                self._refuse(plan.draft, plan.why)
        doing = [plan for plan in chosen if isinstance(plan, Create | Change)]
        outcomes = await self._together.execute([plan.command for plan in doing]) if doing else []
        pairs = list(zip(doing, outcomes, strict=True))
        more = [then for plan, outcome in pairs if (then := _then(plan, outcome)) is not None]
        further = iter(await self._together.execute(more) if more else ())
        for plan, outcome in pairs:
            if isinstance(outcome, NotDone):
                self._refuse(plan.draft, outcome.message, is_blocked=outcome.code is Code.BLOCKED)
            elif isinstance(plan, Create):
                self._created(plan)
            else:
                self._changed([outcome, next(further)] if _then(plan, outcome) is not None else [outcome])

    def _created(self, plan: Create) -> None:
        self._counted["created"] += 1
        for key in keys_to_match(plan.draft, self._made.options.match_by):
            self._known[key] = [plan.command.lead_id]

    def _changed(self, outcomes: Sequence[Outcome]) -> None:
        done = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        if not any(one.events for one in done):
            self._counted["unchanged"] += 1
            return
        self._counted["updated"] += 1
        first, lead = done[0], done[-1].lead
        if (seen := self.touched.get(lead.id)) is not None:
            before = seen.before
        else:
            ours = self._made.id.int < lead.id.int <= self._made.lead_id(2**32 - 1).int
            before = None if ours else msgspec.json.encode(first.before)
        self.touched[lead.id] = Touched(lead.id, before, lead.version)

    def _refuse(self, draft: Draft, why: str, *, is_blocked: bool = False) -> None:
        self._counted["refused"] += 1
        self.refusals.append(refused(draft, why, is_blocked=is_blocked))

    @property
    def counts(self) -> Counts:
        return Counts(**self._counted)


def _then(plan: Create | Change, outcome: Outcome) -> Command | None:
    """What is left to be done for the row."""
    return plan.then if isinstance(plan, Change) and isinstance(outcome, Done) else None


def batches(file: IO[bytes], made: Import) -> Iterator[list[Record]]:
    """The rows that are left, some at a time."""
    left = reading.rows(file, made.layout, made.place)
    while batch := list(islice(left, BATCH)):
        yield batch


def understood(made: Import, channel: Channel, records: Sequence[Record]) -> tuple[list[Draft], list[Refusal]]:
    """The rows that say something, and those that do not."""
    understand = Understanding(channel, made.layout, made.options)
    drafts, refusals = [], []
    for row, cells in records:
        try:
            drafts.append(understand(row, cells))
        except BadRow as error:
            refusals.append(refusal_of(row, cells, error.message, error.keys))
    return drafts, refusals


def refused(draft: Draft, why: str, *, is_blocked: bool) -> Refusal:
    """Of who is blocked nothing is kept but the number of the row."""
    if is_blocked:
        return Refusal(draft.row, ("",) * len(draft.cells), why)
    return refusal_of(draft.row, draft.cells, why, draft.keys)


def refusal_of(row: int, cells: Sequence[str], why: str, keys: frozenset[Key]) -> Refusal:
    """A row as it is kept. A null character, which no column of text can hold, is shown for what it is."""
    shown = tuple(cell.replace("\x00", "\ufffd") for cell in cells)
    texts = (f"{kind}:{key}".replace("\x00", "\ufffd") for kind, key in sorted(keys))
    return Refusal(row, shown, why.replace("\x00", "\ufffd"), tuple(texts))


def gone(channel: Channel) -> list[UUID]:
    """The statuses of leads that count as not there."""
    return [status.id for status in channel.statuses if status.category is Category.DELETED]


async def channel_of(core: Core, made: Import) -> Channel:
    """The channel as it is now. Raises Refused when it is not the company's to use any more."""
    async with core.database.connection() as connection:
        return (await core.reader.channel(connection, made.actor, made.channel_id)).channel
