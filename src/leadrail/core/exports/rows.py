"""The rows of an export, some at a time; between two pieces no connection is held."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

from msgspec.structs import replace

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.events import store as events
from leadrail.core.exports.columns import EVENT, Column, LeadColumns, Value, event_row
from leadrail.core.leads.filters import Filter
from leadrail.core.queries import Seen

CHUNK = 1_000
MOST_EVENTS = 2_000

Rows = AsyncIterator[list[list[Value]]]


class Table(Protocol):
    """Something that can be exported."""

    @property
    def columns(self) -> tuple[Column, ...]: ...

    def rows(self) -> Rows: ...


class Leads:
    """Leads, newest first. `filter.channel_ids` are those of `channels`, as `Reader.channels` gives them."""

    def __init__(self, core: Core, actor: Actor, channels: Sequence[Channel], filter: Filter) -> None:
        self._core, self._actor, self._filter = core, actor, filter
        self._columns = LeadColumns(channels)
        self.columns = self._columns.all

    async def rows(self) -> Rows:
        async for seen in _pages(self._core, self._actor, self._filter):
            yield [self._columns.row(one.lead, one.setup.channel) for one in seen]


class History:
    """The events of such leads: lead by lead, each one's oldest first."""

    columns = EVENT

    def __init__(self, core: Core, actor: Actor, filter: Filter) -> None:
        self._core, self._actor, self._filter = core, actor, filter

    async def rows(self) -> Rows:
        async for seen in _pages(self._core, self._actor, self._filter):
            keys = [(one.lead.company_id, one.lead.id) for one in seen]
            async for found in self._of(keys):
                yield found

    async def _of(self, keys: Sequence[tuple[UUID, UUID]]) -> Rows:
        after = (1, 0)
        while True:
            async with self._core.database.connection() as connection:
                found = await events.all_of_leads(connection, keys, after=after, limit=MOST_EVENTS)
            if found:
                yield [event_row(entry.event) for _, entry in found]
                after = (found[-1][0], found[-1][1].seq)
            if len(found) < MOST_EVENTS:
                return


def table_of(core: Core, actor: Actor, channels: Sequence[Channel], filter: Filter, *, history: bool) -> Table:
    """The leads that are meant, or their events."""
    return History(core, actor, filter) if history else Leads(core, actor, channels, filter)


async def _pages(core: Core, actor: Actor, filter: Filter) -> AsyncIterator[list[Seen]]:
    below = filter.below
    while True:
        async with core.database.connection() as connection:
            seen = await core.reader.leads(connection, actor, replace(filter, below=below, limit=CHUNK))
        if seen:
            yield seen
            below = min(one.lead.number for one in seen)
        if len(seen) < CHUNK:
            return
