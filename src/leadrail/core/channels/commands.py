"""Making and changing channels. Pure checks first, then the rows; the caller owns the transaction.

Every function takes the channel as it is under the lock of `store.lock`, and renews its configuration version.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.channels import store
from leadrail.core.channels.model import (
    Category,
    Channel,
    Duplicates,
    Member,
    Property,
    PropertyType,
    Requirement,
    Role,
    Status,
)
from leadrail.core.channels.templates import TEMPLATES
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection
from leadrail.kit import money
from leadrail.kit.ids import new_id

NAME_LIMIT = 120
MOST_STATUSES = 200
MOST_PROPERTIES = 500
MOST_MEMBERS = 100
MOST_FORMER_NAMES = 50
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_DEFAULT_COLORS = {
    Category.OPEN: "#3B82F6",
    Category.QUALIFIED: "#F59E0B",
    Category.WON: "#22C55E",
    Category.LOST: "#EF4444",
    Category.ON_HOLD: "#94A3B8",
    Category.DELETED: "#475569",
}


class NewStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is one that the status had elsewhere."""

    name: str
    id: UUID | None = None
    category: Category = Category.OPEN
    position: int | None = None
    color: str | None = None
    visible: bool = True
    requires: tuple[Requirement, ...] = ()
    follow_up_after_s: int | None = None
    follow_up_note: str | None = None


class NewProperty(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is one that the definition had elsewhere."""

    name: str
    id: UUID | None = None
    type: PropertyType = PropertyType.TEXT
    options: tuple[str, ...] = ()
    position: int | None = None
    visible: bool = True


class NewChannel(msgspec.Struct, frozen=True, kw_only=True):
    """`statuses` given replace those of the template; `aliases` are the ids that it had in other systems.

    `public_id` is a free one by which public forms know it from elsewhere.
    """

    title: str
    currency: str | None = None
    template: str = "sales"
    statuses: tuple[NewStatus, ...] = ()
    properties: tuple[NewProperty, ...] = ()
    members: tuple[Member, ...] = ()
    public_submissions: bool = False
    duplicates: Duplicates = Duplicates.ALLOW
    aliases: Mapping[str, str] = {}
    public_id: UUID | None = None


async def create_channel(connection: Connection, company_id: UUID, wanted: NewChannel) -> UUID:
    """Makes a channel with its statuses, properties and members. Raises Refused (`invalid`, `not_found`)."""
    _check_name("title", wanted.title)
    _check_currency(wanted.currency)
    statuses = _checked_statuses(_wanted_statuses(wanted))
    properties = _checked_properties([_property(new, place) for place, new in enumerate(wanted.properties, 1)])
    channel_id = new_id()
    await store.insert_channel(
        connection,
        company_id,
        channel_id,
        wanted.public_id or new_id(),
        wanted.title,
        wanted.currency,
        wanted.template,
        wanted.public_submissions,
        wanted.duplicates,
    )
    await store.put_statuses(connection, company_id, channel_id, statuses)
    await store.put_properties(connection, company_id, channel_id, properties)
    await _check_members(connection, wanted.members)
    members = dict.fromkeys((Member(company_id, Role.CREATOR), *wanted.members))
    await store.put_members(connection, company_id, channel_id, tuple(members))
    for system, external_id in wanted.aliases.items():
        await store.insert_alias(connection, company_id, channel_id, system, external_id)
    return channel_id


def _wanted_statuses(wanted: NewChannel) -> list[Status]:
    if wanted.template not in TEMPLATES:
        message = f'There is no template "{wanted.template}"; there are: {", ".join(TEMPLATES)}'
        raise refuse(Code.INVALID, message, "/template")
    if wanted.statuses:
        return [_status(new, place) for place, new in enumerate(wanted.statuses, 1)]
    rows = enumerate(TEMPLATES[wanted.template], 1)
    return [Status(new_id(), row[0], row[1], place, row[2], requires=(*row[3:], ())[0]) for place, row in rows]


def _status(new: NewStatus, place: int) -> Status:
    color = new.color or _DEFAULT_COLORS[new.category]
    position = place if new.position is None else new.position
    return Status(
        new.id or new_id(),
        new.name,
        new.category,
        position,
        color,
        new.visible,
        new.requires,
        follow_up_after_s=new.follow_up_after_s,
        follow_up_note=new.follow_up_note,
    )


def _property(new: NewProperty, place: int) -> Property:
    position = place if new.position is None else new.position
    return Property(new.id or new_id(), new.name, new.type, position, new.options, new.visible)


async def update_channel(
    connection: Connection,
    channel: Channel,
    *,
    title: str,
    currency: str | None,
    public_submissions: bool,
    duplicates: Duplicates,
) -> None:
    """Raises Refused (`invalid`)."""
    _check_name("title", title)
    _check_currency(currency)
    settings = (title, currency, public_submissions, duplicates, channel.archived_at)
    await store.update_channel(connection, channel.company_id, channel.id, *settings)
    await store.renew(connection, channel.company_id, channel.id)


async def archive_channel(connection: Connection, channel: Channel, now: datetime) -> None:
    """Closes the channel to new leads; its leads stay and may still be read and moved."""
    await store.update_channel(
        connection,
        channel.company_id,
        channel.id,
        channel.title,
        channel.currency,
        channel.public_submissions,
        channel.duplicates,
        channel.archived_at or now,
    )
    await store.renew(connection, channel.company_id, channel.id)


async def add_status(connection: Connection, channel: Channel, new: NewStatus) -> UUID:
    """Raises Refused (`invalid`, `conflict`)."""
    last = max((status.position for status in channel.current_statuses), default=0)
    status = _status(new, last + 1)
    status = _checked_statuses([*channel.current_statuses, status])[-1]
    await _put_statuses(connection, channel, [status])
    return status.id


async def change_status_definition(connection: Connection, channel: Channel, status: Status) -> None:
    """Writes an edited status. Its id never changes, and the name that it had goes on naming it, so callers that hold
    one of them are not broken by a new name.

    Raises Refused (`invalid`, `conflict`, `unknown_status` for a `next` that the channel lacks).
    """
    others = [known for known in channel.current_statuses if known.id != status.id]
    status = _checked_statuses([*others, status])[-1]
    if unknown := set(status.next or ()) - {known.id for known in channel.current_statuses}:
        raise refuse(Code.UNKNOWN_STATUS, f"The channel has no status {min(map(str, unknown))}", "/next")
    former = channel.status_by_id[status.id].name
    if former.casefold() == status.name.casefold():
        await _put_statuses(connection, channel, [status])
        return
    names = (*_without(status.former_names, former), former)
    status = replace(status, former_names=_without(names, status.name)[-MOST_FORMER_NAMES:])
    # Who had the name last is meant by it.
    others = [replace(known, former_names=_without(known.former_names, former)) for known in others]
    changed = [known for known in others if known != channel.status_by_id[known.id]]
    await _put_statuses(connection, channel, [status, *changed])


def _without(names: Sequence[str], name: str) -> tuple[str, ...]:
    return tuple(known for known in names if known.casefold() != name.casefold())


async def order_statuses(connection: Connection, channel: Channel, ids: Sequence[UUID]) -> None:
    """Puts the statuses into this order, those that are not named behind them as they stand.

    Raises Refused (`invalid`, `unknown_status`).
    """
    if len(set(ids)) != len(ids):
        raise refuse(Code.INVALID, "Name each status once", "/ids")
    known = {status.id: status for status in channel.current_statuses}
    if unknown := set(ids) - known.keys():
        raise refuse(Code.UNKNOWN_STATUS, f"The channel has no status {min(map(str, unknown))}", "/ids")
    places = enumerate(dict.fromkeys((*ids, *known)), 1)
    await _put_statuses(connection, channel, [replace(known[id], position=place) for place, id in places])


async def _put_statuses(connection: Connection, channel: Channel, statuses: Sequence[Status]) -> None:
    await store.put_statuses(connection, channel.company_id, channel.id, statuses)
    await store.renew(connection, channel.company_id, channel.id)


async def archive_status(
    connection: Connection, channel: Channel, status: Status, replacement: Status | None = None
) -> None:
    """Takes a status out of service; from then on no lead can enter it, and who names it means the replacement.

    Raises Refused (`conflict`).
    """
    if len(channel.current_statuses) == 1:
        raise refuse(Code.CONFLICT, "A channel keeps at least one status")
    replaced_by = replacement.id if replacement is not None else None
    await store.archive_status(connection, channel.company_id, channel.id, status.id, replaced_by)
    before = [known for known in channel.current_statuses if known.id != status.id and status.id in (known.next or ())]
    after = [replace(known, next=_next_without(known, status.id, replaced_by)) for known in before]
    await _put_statuses(connection, channel, after)


def _next_without(status: Status, gone: UUID, replaced_by: UUID | None) -> tuple[UUID, ...]:
    """What may follow the status when one of those is replaced, or taken away."""
    ids = (replaced_by if id == gone else id for id in status.next or ())
    return tuple(dict.fromkeys(id for id in ids if id is not None and id != status.id))


async def add_property(connection: Connection, channel: Channel, new: NewProperty) -> UUID:
    """Raises Refused (`invalid`, `conflict`)."""
    last = max((definition.position for definition in channel.current_properties), default=0)
    definition = _property(new, last + 1)
    await change_property(connection, channel, definition)
    return definition.id


async def change_property(connection: Connection, channel: Channel, definition: Property) -> None:
    """Raises Refused (`invalid`, `conflict`)."""
    others = [known for known in channel.current_properties if known.id != definition.id]
    _checked_properties([*others, definition])
    await store.put_properties(connection, channel.company_id, channel.id, [definition])
    await store.renew(connection, channel.company_id, channel.id)


async def archive_property(connection: Connection, channel: Channel, property_id: UUID) -> None:
    await store.archive_property(connection, channel.company_id, channel.id, property_id)
    await store.renew(connection, channel.company_id, channel.id)


async def add_member(connection: Connection, channel: Channel, member: Member) -> None:
    """Raises Refused (`not_found` when there is no such company)."""
    await _check_members(connection, [member])
    if len(channel.members) >= MOST_MEMBERS:
        raise refuse(Code.INVALID, f"A channel has at most {MOST_MEMBERS} members", "/company_id")
    await store.put_members(connection, channel.company_id, channel.id, [member])
    await store.renew(connection, channel.company_id, channel.id)


async def remove_member(connection: Connection, channel: Channel, member: Member) -> None:
    """Raises Refused (`not_found`, `conflict` for the owner itself)."""
    if member not in channel.members:
        raise refuse(Code.NOT_FOUND, "The company does not have this role in the channel")
    if member.role is Role.CREATOR and member.company_id == channel.company_id:
        raise refuse(Code.CONFLICT, "The company that owns the channel stays its creator")
    await store.delete_member(connection, channel.company_id, channel.id, member)
    await store.renew(connection, channel.company_id, channel.id)


async def _check_members(connection: Connection, members: Sequence[Member]) -> None:
    ids = {member.company_id for member in members}
    if unknown := ids - await store.known_companies(connection, tuple(ids)):
        raise refuse(Code.NOT_FOUND, f"There is no company {min(map(str, unknown))}", "/company_id")


# Checks


def _check_name(field: str, text: str, pointer: str | None = None) -> None:
    if not text.strip() or len(text) > NAME_LIMIT:
        raise refuse(Code.INVALID, f"{field} must have 1 to {NAME_LIMIT} characters", pointer or f"/{field}")


def _check_currency(code: str | None) -> None:
    if code is not None and not money.is_currency(code):
        raise refuse(Code.INVALID, "currency must be an ISO 4217 code of three capital letters", "/currency")


def _checked_statuses(statuses: list[Status]) -> list[Status]:
    if len(statuses) > MOST_STATUSES:
        raise refuse(Code.INVALID, f"A channel has at most {MOST_STATUSES} statuses", "/statuses")
    for status in statuses:
        _check_name("name", status.name)
        if not _COLOR.fullmatch(status.color):
            raise refuse(Code.INVALID, "color is written like #3B82F6", "/color")
        _check_position(status.position)
    _check_distinct([status.name for status in statuses], "status")
    return [replace(status, requires=tuple(dict.fromkeys(status.requires))) for status in statuses]


def _checked_properties(properties: list[Property]) -> list[Property]:
    if len(properties) > MOST_PROPERTIES:
        raise refuse(Code.INVALID, f"A channel has at most {MOST_PROPERTIES} properties", "/properties")
    for definition in properties:
        _check_name("name", definition.name)
        _check_position(definition.position)
        if (definition.type is PropertyType.SELECT) != bool(definition.options):
            raise refuse(Code.INVALID, "A select property, and no other, has options", "/options")
    _check_distinct([definition.name for definition in properties], "property")
    return properties


def _check_position(position: int) -> None:
    if not 0 <= position <= 1_000_000:
        raise refuse(Code.INVALID, "position is a number from 0 to 1000000", "/position")


def _check_distinct(names: list[str], kind: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise refuse(Code.CONFLICT, f'The channel has a {kind} "{name}" already', "/name")
        seen.add(name.casefold())
