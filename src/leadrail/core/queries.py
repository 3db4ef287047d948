"""The guarded doors of reading: each answers "may this caller see it", and a thing it may not see does not exist."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor, Scope
from leadrail.core.channels import store as channels
from leadrail.core.errors import Code, refuse
from leadrail.core.identity import KeyKind, external_key
from leadrail.core.leads import store as leads
from leadrail.core.leads.filters import Filter
from leadrail.core.leads.model import Lead
from leadrail.core.leads.orders import Place
from leadrail.core.leads.search import Wanted, search
from leadrail.core.leads.store import Found, Tally
from leadrail.core.leads.walks import Counted, Lane
from leadrail.core.setup import Setup, Setups
from leadrail.db.database import Connection
from leadrail.kit.ids import parse_id


class Seen(msgspec.Struct, frozen=True):
    """A lead that the caller may see, with the setup of its channel."""

    lead: Lead
    setup: Setup


class Listed(msgspec.Struct, frozen=True):
    """A part of a list, where the next one begins if there is more to look at, and the count if it was asked for."""

    seen: list[Seen]
    next: Place | None
    counted: Counted


def lanes_of(setups: Sequence[Setup]) -> tuple[Lane, ...]:
    """All that is in these channels, for `Wanted`."""
    channels = [setup.channel for setup in setups]
    return tuple(Lane(channel.company_id, channel.id, status.id) for channel in channels for status in channel.statuses)


def are_all(actor: Actor, setups: Sequence[Setup]) -> bool:
    """Whether the channels that the actor may use are all that their companies have."""
    return not actor.channel_ids and all(setup.channel.company_id == actor.company_id for setup in setups)


def demand(actor: Actor, scope: Scope) -> None:
    """Raises Refused (`forbidden`) when the key lacks the scope."""
    if scope not in actor.scopes:
        raise refuse(Code.FORBIDDEN, f'The API key lacks the scope "{scope}"', scope=scope)


def demand_unbound(actor: Actor, why: str = "; this takes one that is not") -> None:
    """Raises Refused (`forbidden`) for a key that is bound to some channels: what is asked for is not only theirs."""
    if actor.channel_ids:
        raise refuse(Code.FORBIDDEN, f"This API key is bound to its channels{why}")


class Reader:
    """Reads leads and channels on behalf of an actor."""

    def __init__(self, setups: Setups) -> None:
        self._setups = setups

    async def lead(self, connection: Connection, actor: Actor, lead_id: UUID) -> Seen:
        """Raises Refused (`lead_not_found`)."""
        return await self._visible(connection, actor, await leads.by_id(connection, actor.companies, lead_id))

    async def lead_called(self, connection: Connection, actor: Actor, system: str, id: str) -> Seen:
        """The lead that a system's clients know by this id: its own here, or the one that it had there.

        Raises Refused (`lead_not_found`).
        """
        lead_id = parse_id(id)
        found = await leads.by_id(connection, actor.companies, lead_id) if lead_id else None
        if found is None:
            for seen in await self.leads_with(connection, actor, KeyKind.EXTERNAL_ID, external_key(system, id)):
                return seen
        return await self._visible(connection, actor, found)

    async def lead_numbered(self, connection: Connection, actor: Actor, number: int) -> Seen:
        """Raises Refused (`lead_not_found`)."""
        return await self._visible(connection, actor, await leads.by_number(connection, actor.companies, number))

    async def _visible(self, connection: Connection, actor: Actor, found: Found | None) -> Seen:
        """The lead, or the one that stands for it since they were merged."""
        while found is not None and (into := found.lead.merged_into) is not None:
            found = await leads.by_id(connection, [found.lead.company_id], into)
        for seen in await self._seen(connection, actor, [found] if found else []):
            return seen
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")

    async def leads_with(self, connection: Connection, actor: Actor, kind: KeyKind, key: str) -> list[Seen]:
        """The visible leads with this identity key, newest first."""
        bound = tuple(actor.channel_ids)
        found = await leads.by_key(connection, actor.companies, kind, key, channel_ids=bound)
        return await self._seen(connection, actor, found)

    async def leads(self, connection: Connection, actor: Actor, filter: Filter) -> list[Seen]:
        """`filter.channel_ids` must come from `channels`."""
        return await self._seen(connection, actor, await leads.listed(connection, actor.companies, filter))

    async def search(
        self,
        connection: Connection,
        actor: Actor,
        wanted: Wanted,
        *,
        after: Place | None,
        limit: int,
        with_count: bool = False,
    ) -> Listed:
        """`wanted.lanes` must come from `lanes_of` the `channels`. Raises Refused (`invalid`)."""
        found = await search(connection, wanted, after=after, limit=limit, with_count=with_count)
        seen = await self.leads_in_order(connection, actor, [spot.lead_id for spot in found.spots])
        return Listed(seen, found.next, found.counted)

    async def leads_in_order(self, connection: Connection, actor: Actor, ids: Sequence[UUID]) -> list[Seen]:
        """The visible ones of these leads, in this order."""
        found = {row.lead.id: row for row in await leads.by_ids(connection, actor.companies, ids)}
        return await self._seen(connection, actor, [found[id] for id in ids if id in found])

    async def count(self, connection: Connection, actor: Actor, filter: Filter) -> int:
        """`filter.channel_ids` must come from `channels`."""
        return await leads.count(connection, actor.companies, filter)

    async def tally(self, connection: Connection, actor: Actor, filter: Filter) -> list[Tally]:
        """`filter.channel_ids` must come from `channels`."""
        return await leads.tally(connection, actor.companies, filter)

    async def _seen(self, connection: Connection, actor: Actor, found: Sequence[Found]) -> list[Seen]:
        versions = {row.lead.channel_id: row.channel_version for row in found}
        setups = await self._setups.at_versions(connection, versions) if versions else {}
        seen = [Seen(row.lead, setups[row.lead.channel_id]) for row in found if row.lead.channel_id in setups]
        return [one for one in seen if one.setup.channel.allows(actor)]

    async def channel(self, connection: Connection, actor: Actor, channel_id: UUID) -> Setup:
        """Raises Refused (`channel_not_found` when there is none, `channel_forbidden` when it is another's)."""
        setup = (await self._setups.current(connection, [channel_id])).get(channel_id)
        if setup is None:
            raise refuse(Code.CHANNEL_NOT_FOUND, "Channel not found", "/channel_id")
        if not setup.channel.allows(actor):
            raise refuse(Code.CHANNEL_FORBIDDEN, "Channel not accessible", "/channel_id")
        return setup

    async def channel_called(self, connection: Connection, actor: Actor, system: str, id: str) -> Setup:
        """The channel that a system's clients know by this id: the one it had there, else its own here.

        Raises Refused as `channel` does.
        """
        channel_id = await channels.aliased(connection, actor.companies, system, id) or parse_id(id)
        if channel_id is None:
            raise refuse(Code.CHANNEL_NOT_FOUND, "Channel not found", "/channel_id")
        return await self.channel(connection, actor, channel_id)

    async def public_channel(self, connection: Connection, system: str, id: str) -> Setup:
        """The channel with this id or public id, or with the id that it had in a system, if it needs no key.

        Raises Refused (`channel_not_found`, `forbidden` when it takes no leads without a key).
        """
        known = parse_id(id)
        channel_id = await channels.with_public_id(connection, known) if known else None
        channel_id = channel_id or await channels.public_aliased(connection, system, id)
        found = await self._setups.current(connection, [channel_id]) if channel_id else {}
        for setup in found.values():
            if not setup.channel.public_submissions:
                raise refuse(Code.FORBIDDEN, "The channel takes no leads without a key", "/channel_id")
            return setup
        raise refuse(Code.CHANNEL_NOT_FOUND, "Channel not found", "/channel_id")

    async def channels(self, connection: Connection, actor: Actor) -> list[Setup]:
        """Every channel that the actor may use, in the order in which they were made."""
        ids = await channels.accessible(connection, actor.company_id)
        setups = await self._setups.current(connection, ids)
        return sorted(
            (setup for setup in setups.values() if setup.channel.allows(actor)),
            key=lambda setup: setup.channel.number,
        )

    async def own_channel(self, connection: Connection, actor: Actor, channel_id: UUID) -> Setup:
        """The channel, locked for a change of its configuration.

        Raises Refused (`channel_not_found`, `channel_forbidden`; `forbidden` when the company is only a member).
        """
        owned = await channels.lock(connection, actor.company_id, channel_id)
        setup = await self.channel(connection, actor, channel_id)
        if not owned:
            raise refuse(Code.FORBIDDEN, "Only the company that owns the channel may change it")
        return setup
