"""What an import would do, without doing it: the same rows by the same rules, nothing written."""

from collections.abc import Sequence
from typing import IO
from uuid import UUID

from msgspec.structs import replace

from leadrail.core.blocks.looking import blocked_among, refuse_blocked
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refused
from leadrail.core.imports import store
from leadrail.core.imports.bringing import batches, gone, refused, understood
from leadrail.core.imports.matching import keys_to_match
from leadrail.core.imports.model import Counts, Import, ImportState, OnDuplicate, Refusal
from leadrail.core.imports.planning import Change, Create, Later, Plan, Refuse, plans
from leadrail.core.imports.rows import Draft, Key
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import LeadCommand
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide
from leadrail.core.setup import Setup
from leadrail.db.database import Connection


class Checking:
    """One dry run."""

    def __init__(self, core: Core, made: Import, file: IO[bytes]) -> None:
        self._core, self._made, self._file = core, replace(made, place=0), file

    async def run(self) -> Import:
        """The import, a draft again, with what it would come to; the rows that would be refused are kept."""
        connection = await self._core.database.dedicated()
        counts = Counts()
        try:
            await store.begin_seen(connection)
            await store.drop_refusals(connection, self._made)
            for records in batches(self._file, self._made):
                setup = await self._core.reader.channel(connection, self._made.actor, self._made.channel_id)
                drafts, refusals = understood(self._made, setup.channel, records)
                batch = _Batch(self._core, self._made, setup, connection, refusals)
                await batch.run(drafts)
                counts = counts.plus(batch.counts)
                await store.put_refusals(connection, self._made, batch.refusals)
        finally:
            await connection.close()
        checked = replace(self._made, state=ImportState.DRAFT, checked=counts)
        async with self._core.database.transaction() as connection:
            await store.update(connection, checked, "state", "checked")
        return checked


class _Batch:
    """Some rows, tried."""

    def __init__(self, core: Core, made: Import, setup: Setup, connection: Connection, refusals: list[Refusal]) -> None:
        self._core, self._made, self._setup, self._connection = core, made, setup, connection
        self._channel = setup.channel
        self._leads: dict[UUID, Lead] = {}
        self.refusals = refusals
        self.counts = Counts(refused=len(refusals))

    async def run(self, drafts: Sequence[Draft]) -> None:
        made, connection = self._made, self._connection
        brought = frozenset[Key]().union(*(draft.keys for draft in drafts))
        self._blocked = await blocked_among(connection, self._setup, brought)
        keys = {key for draft in drafts for key in keys_to_match(draft, made.options.match_by)}
        known: dict[Key, list[UUID]] = {}
        if keys and made.options.duplicates is not OnDuplicate.CREATE:
            known = await store.found(connection, made, keys, gone(self._channel))
            known |= await store.seen(connection, keys)
            ids = {id for found in known.values() for id in found}
            rows = await leads.by_ids(connection, (made.lead_company_id,), list(ids)) if ids else []
            self._leads = {row.lead.id: row.lead for row in rows}
        fresh: dict[Key, UUID] = {}
        while drafts:
            chosen = plans(made, self._channel, drafts, known)
            for plan in chosen:
                if isinstance(plan, Create) and self._tried(plan):
                    found = dict.fromkeys(keys_to_match(plan.draft, made.options.match_by), plan.command.lead_id)
                    fresh |= found
                    known |= {key: [id] for key, id in found.items()}
                elif not isinstance(plan, Create):
                    self._tried(plan)
            drafts = [plan.draft for plan in chosen if isinstance(plan, Later)]
        if fresh:
            await store.put_seen(connection, fresh)

    def _tried(self, plan: Plan) -> bool:
        """Counts what would become of the row; answers whether it would be done."""
        if isinstance(plan, Later):
            return False
        if isinstance(plan, Refuse):
            return self._refuse(plan.draft, plan.why)
        if not isinstance(plan, Create | Change):
            return self._count(skipped=1)
        try:
            changes = self._changes(plan)
        except Refused as error:
            is_blocked = error.refusal.code is Code.BLOCKED
            return self._refuse(plan.draft, error.refusal.message, is_blocked=is_blocked)
        if isinstance(plan, Create):
            return self._count(created=1)
        return self._count(updated=1) if changes else self._count(unchanged=1)

    def _changes(self, plan: Create | Change) -> bool:
        """Whether something would change. A lead that the file itself makes is not looked into."""
        now, commands = self._core.clock(), [plan.command]
        if isinstance(plan, Change) and plan.then is not None:
            commands.append(plan.then)
        changes = False
        for command in commands:
            assert isinstance(command, LeadCommand)
            lead = None if isinstance(plan, Create) else self._leads.get(command.lead_id)
            if lead is None and not isinstance(plan, Create):
                return True
            refuse_blocked(command, lead, self._setup, self._blocked)
            decision = decide(lead, self._channel, command, now)
            self._leads[command.lead_id] = decision.lead
            changes |= bool(decision.facts)
        return changes

    def _refuse(self, draft: Draft, why: str, *, is_blocked: bool = False) -> bool:
        self.refusals.append(refused(draft, why, is_blocked=is_blocked))
        self._count(refused=1)
        return False

    def _count(self, **more: int) -> bool:
        self.counts = self.counts.plus(Counts(**more))
        return True
