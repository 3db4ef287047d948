"""Channels, statuses, reasons and sub-statuses of a vendor: made here once, found again by the vendor's ids."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from msgspec.structs import replace

from leadrail.core.channels import commands, reason_store, store
from leadrail.core.channels.commands import (
    MOST_PROPERTIES,
    MOST_STATUSES,
    NAME_LIMIT,
    NewChannel,
    NewProperty,
    NewStatus,
)
from leadrail.core.channels.model import Category, Channel, PropertyType, StatusRef, SubStatus
from leadrail.core.core import Core
from leadrail.core.leads.fields import REASON_LIMIT
from leadrail.db.database import Connection
from leadrail.kit import money
from leadrail.kit.ids import new_id
from leadrail.moving.model import LARGEST_NUMBER, Inventory, Missing, SourceChannel, SourceLead, SourceReason
from leadrail.moving.store import Account, date_channel

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_Named = TypeVar("_Named", NewStatus, NewProperty)


class Channels:
    """The channels of an account, as they are here."""

    def __init__(self, core: Core, account: Account) -> None:
        self._core, self._account = core, account
        self._here: dict[str, Channel] = {}
        self.made: list[str] = []
        self.found: list[str] = []

    def __getitem__(self, id: str) -> Channel:
        return self._here[id]

    @property
    def ids(self) -> list[UUID]:
        return [channel.id for channel in self._here.values()]

    def with_id(self, id: UUID) -> Channel:
        return next(channel for channel in self._here.values() if channel.id == id)

    async def settle(self, inventory: Inventory) -> list[Missing]:
        """Makes what is not here yet; answers what could not be made as it was."""
        company_id = self._account.company_id
        async with self._core.database.transaction() as connection:
            missing = await _add_reasons(connection, company_id, inventory.reasons)
            await _add_sub_statuses(
                connection, company_id, {(one.category, one.name) for one in inventory.sub_statuses}
            )
            await store.renew_all(connection, company_id)
        for source in inventory.channels:
            fitting, changed = fitted(source)
            missing += changed
            async with self._core.database.transaction() as connection:
                self._here[source.id] = await self._settled(connection, fitting)
        return missing

    async def _settled(self, connection: Connection, source: SourceChannel) -> Channel:
        company_id, vendor = self._account.company_id, self._account.vendor
        id = await store.aliased(connection, [company_id], vendor, source.id)
        if id is None:
            self.made.append(source.title)
            id = await self._make(connection, source)
        else:
            self.found.append(source.title)
            await store.lock(connection, company_id, id)
            await _add_what_is_new(connection, self._core, await self._channel(connection, id), source)
        return await self._channel(connection, id)

    async def _make(self, connection: Connection, source: SourceChannel) -> UUID:
        company_id, form_id = self._account.company_id, source.form_id
        is_taken = form_id is not None and await store.with_public_id(connection, form_id) is not None
        new = NewChannel(
            title=source.title,
            currency=source.currency,
            template=source.template,
            statuses=source.statuses,
            properties=source.properties,
            public_submissions=source.public_submissions,
            aliases={self._account.vendor: source.id},
            public_id=None if is_taken else form_id,
        )
        id = await commands.create_channel(connection, company_id, new)
        if source.created_at is not None:
            await date_channel(connection, company_id, id, source.created_at)
        if source.is_paused:
            await store.set_paused(connection, company_id, id, self._core.clock())
        return id

    async def welcome(self, leads: Iterable[SourceLead]) -> None:
        """Makes room for statuses and sub-statuses that leads are in although their channel does not list them."""
        by_channel: dict[str, list[SourceLead]] = {}
        for lead in leads:
            by_channel.setdefault(lead.channel, []).append(lead)
        for id, mine in by_channel.items():
            channel = self._here[id]
            statuses = _unknown_statuses(channel, mine)
            sub_statuses = _unknown_sub_statuses(channel, mine)
            if statuses or sub_statuses:
                async with self._core.database.transaction() as connection:
                    await store.lock(connection, channel.company_id, channel.id)
                    await _add_statuses(connection, self._core, channel, statuses)
                    await _add_sub_statuses(connection, channel.company_id, sub_statuses)
                    await store.renew_all(connection, channel.company_id)
                    self._here[id] = await self._channel(connection, channel.id)

    async def _channel(self, connection: Connection, id: UUID) -> Channel:
        return (await self._core.setups.uncached(connection, [id]))[id].channel


def settled(channel: Channel, ref: StatusRef) -> StatusRef:
    """The status that a lead is in: by the vendor's id when the channel knows it, else by its exact name."""
    if ref.id is not None and channel.find_status(StatusRef(id=ref.id)) is not None:
        return StatusRef(id=ref.id)
    return StatusRef(name=clipped(ref.name or ""))


def _unknown_statuses(channel: Channel, leads: Sequence[SourceLead]) -> list[NewStatus]:
    refs = [step.status for lead in leads for step in lead.steps]
    unknown = [ref for ref in refs if channel.find_status(settled(channel, ref)) is None]
    # An archived status keeps its id: the name comes back under a new one.
    new = [
        NewStatus(
            name=clipped(ref.name or ""),
            id=None if ref.id in channel.status_by_id else ref.id,
            category=ref.category or Category.OPEN,
        )
        for ref in unknown
    ]
    return list({status.name.casefold(): status for status in new}.values())


def _unknown_sub_statuses(channel: Channel, leads: Sequence[SourceLead]) -> set[tuple[Category, str]]:
    known = {(one.category, one.name.casefold()) for one in channel.sub_statuses}
    wanted = {
        (step.status.category or Category.OPEN, step.sub_status)
        for lead in leads
        for step in lead.steps
        if step.sub_status
    }
    return {(category, name) for category, name in wanted if (category, name.casefold()) not in known}


async def _add_statuses(connection: Connection, core: Core, channel: Channel, new: Iterable[NewStatus]) -> None:
    """As many as there is room for; a lead in one of the others is refused."""
    room = MOST_STATUSES - len(channel.current_statuses)
    for status in [*new][:room]:
        await commands.add_status(connection, await _now(connection, core, channel), replace(status, position=None))


async def _add_what_is_new(connection: Connection, core: Core, channel: Channel, source: SourceChannel) -> None:
    """Statuses and properties that the vendor's channel has got since it was made here."""
    ids = {*channel.status_by_id, *(definition.id for definition in channel.properties)}
    statuses = [
        one for one in source.statuses if one.id not in ids and one.name.casefold() not in channel.status_by_name
    ]
    await _add_statuses(connection, core, channel, statuses)
    properties = [
        one for one in source.properties if one.id not in ids and one.name.casefold() not in channel.property_by_key
    ]
    for one in properties[: MOST_PROPERTIES - len(channel.current_properties)]:
        await commands.add_property(connection, await _now(connection, core, channel), one)


async def _now(connection: Connection, core: Core, channel: Channel) -> Channel:
    return (await core.setups.uncached(connection, [channel.id]))[channel.id].channel


async def _add_sub_statuses(connection: Connection, company_id: UUID, wanted: Iterable[tuple[Category, str]]) -> None:
    for category, name in sorted(wanted):
        await reason_store.insert_sub_status(connection, company_id, SubStatus(new_id(), category, name))


async def _add_reasons(connection: Connection, company_id: UUID, wanted: Iterable[SourceReason]) -> list[Missing]:
    """Adds the reasons under their numbers where these are free; answers those that are numbered otherwise now."""
    texts = {reason.number: reason.text[:REASON_LIMIT] for reason in wanted if 0 < reason.number < LARGEST_NUMBER}
    numbered = [(new_id(), *one) for one in sorted(texts.items())]
    await reason_store.insert_numbered_reasons(connection, company_id, numbered)
    await reason_store.insert_reasons(connection, company_id, [(new_id(), text) for text in texts.values()])
    numbers = {
        there: here.number
        for there, text in texts.items()
        if (here := await reason_store.reason_like(connection, company_id, text)) is not None
    }
    return [
        Missing("reason", str(there), f"its number was taken: clients that send a reasonId send {here} from now on")
        for there, here in numbers.items()
        if there != here
    ]


# What fits


def fitted(source: SourceChannel) -> tuple[SourceChannel, list[Missing]]:
    """The channel as Leadrail takes it, and what had to be changed for it."""
    missing = []
    currency = source.currency.upper() if source.currency else None
    if currency is not None and not money.is_currency(currency):
        missing.append(Missing("channel", source.id, f'its currency "{currency}" is no ISO 4217 code and was left out'))
        currency = None
    properties = [replace(one, name=name) for one, name in _distinct(source.properties)]
    missing += [
        Missing(
            "channel", source.id, f'more than {MOST_PROPERTIES} properties: the values of "{one.name}" are kept beside'
        )
        for one in properties[MOST_PROPERTIES:]
    ]
    statuses = [_fitted_status(one, name) for one, name in _distinct(source.statuses)]
    missing += [
        Missing("channel", source.id, f'more than {MOST_STATUSES} statuses: leads in "{one.name}" are refused')
        for one in statuses[MOST_STATUSES:]
    ]
    fitting = replace(
        source,
        title=clipped(source.title),
        currency=currency,
        statuses=tuple(statuses[:MOST_STATUSES]),
        properties=tuple(_fitted_property(one) for one in properties[:MOST_PROPERTIES]),
    )
    return fitting, missing


def _fitted_status(status: NewStatus, name: str) -> NewStatus:
    color = status.color if status.color and _COLOR.fullmatch(status.color) else None
    return replace(status, name=name, color=color, position=_fitted_position(status.position))


def _fitted_property(definition: NewProperty) -> NewProperty:
    """A choice whose options are not told takes any text."""
    is_select = definition.type is PropertyType.SELECT and bool(definition.options)
    kind = PropertyType.TEXT if definition.type is PropertyType.SELECT and not is_select else definition.type
    options = definition.options if is_select else ()
    return replace(definition, type=kind, options=options, position=_fitted_position(definition.position))


def _fitted_position(position: int | None) -> int | None:
    return position if position is not None and 0 <= position <= 1_000_000 else None


def _distinct(named: Sequence[_Named]) -> list[tuple[_Named, str]]:
    """Each with a name that no other before it has in any case."""
    taken: set[str] = set()
    pairs = []
    for one in named:
        name, place = clipped(one.name), 2
        while name.casefold() in taken:
            name, place = f"{clipped(one.name)[: NAME_LIMIT - 6]} ({place})", place + 1
        taken.add(name.casefold())
        pairs.append((one, name))
    return pairs


def clipped(name: str) -> str:
    """A name that a channel, a status or a property can have."""
    return name[:NAME_LIMIT] if name.strip() else "?"
