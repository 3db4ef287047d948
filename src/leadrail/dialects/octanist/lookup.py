"""Which leads a request means: by id, else e-mail, else phone (contracts/octanist.md, section 6).

Only the best identifier that is present counts: an id that finds nothing does not fall through to the e-mail.
"""

from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.identity import KeyKind, email_key, phone_key
from leadrail.core.leads.filters import Filter
from leadrail.core.queries import Seen
from leadrail.db.database import Connection
from leadrail.dialects.octanist import store
from leadrail.dialects.octanist.auth import FACE
from leadrail.dialects.octanist.wire import LeadUpdate
from leadrail.kit.ids import parse_id

BULK_LIMIT = 1_000
"""As many leads as one update may change."""


class Identity(msgspec.Struct, frozen=True):
    """A key that the leads have; with a country, only those of that country's channels count."""

    kind: KeyKind
    key: str
    country: str | None = None

    def fits(self, channel: Channel) -> bool:
        return self.country is None or channel.country == self.country


async def the_leads(core: Core, actor: Actor, body: LeadUpdate) -> list[Seen]:
    """The leads that are meant, newest first: one, or all that match where the organisation updates in bulk.

    Raises Refused (`invalid`, `lead_not_found`, `conflict` when several match and only one may).
    """
    async with core.database.connection() as connection:
        if body.id:
            return [await lead_called(core, connection, actor, body.id)]
        identities = await _identities(core, connection, actor, body)
        found = await _matching(core, connection, actor, identities)
        if len(found) == 1:
            return found
        if not found:
            raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
        if not await store.bulk_updates(connection, actor.company_id):
            raise _several(found)
        return await _all_matching(core, connection, actor, identities)


async def lead_called(core: Core, connection: Connection, actor: Actor, text: str) -> Seen:
    """The lead with this id: ours, `lead_` before it or not, or the one that it had at Octanist.

    Raises Refused (`lead_not_found`).
    """
    given = text.strip()
    bare = given.removeprefix("lead_")
    try:
        return await core.reader.lead_called(connection, actor, FACE, given)
    except Refused:
        if bare == given or parse_id(bare) is None:
            raise
        return await core.reader.lead_called(connection, actor, FACE, bare)


def _several(found: list[Seen]) -> Refused:
    message = f'{len(found)} leads match, and nothing was changed; send the "id" of the one you mean'
    return refuse(Code.CONFLICT, message, leadIds=[seen.lead.called(FACE) for seen in found])


async def _identities(core: Core, connection: Connection, actor: Actor, body: LeadUpdate) -> list[Identity]:
    if body.email:
        if (key := email_key(body.email)) is None:
            raise refuse(Code.INVALID, f'"{body.email}" is not an e-mail address', "/email")
        return [Identity(KeyKind.EMAIL, key)]
    if body.phone:
        if (key := phone_key(body.phone)) is not None:
            return [Identity(KeyKind.PHONE, key)]
        return await _national_phones(core, connection, actor, body.phone)
    raise refuse(Code.INVALID, 'Say which lead: send "id", "email" or "phone"', "/id")


async def _national_phones(core: Core, connection: Connection, actor: Actor, text: str) -> list[Identity]:
    """A number without a country code means another subscriber in the channels of each country."""
    channels = await core.reader.channels(connection, actor)
    countries = {setup.channel.country for setup in channels} - {None}
    keys = {country: key for country in countries if (key := phone_key(text, country)) is not None}
    if not keys:
        message = f'"{text}" cannot be read as a phone number; send it with its country code, like +31612345678'
        raise refuse(Code.INVALID, message, "/phone")
    return [Identity(KeyKind.PHONE, key, country) for country, key in keys.items()]


async def _matching(core: Core, connection: Connection, actor: Actor, identities: list[Identity]) -> list[Seen]:
    """The newest of them, enough to know whether there are several."""
    found: list[Seen] = []
    for identity in identities:
        candidates = await core.reader.leads_with(connection, actor, identity.kind, identity.key)
        found += [seen for seen in candidates if identity.fits(seen.setup.channel)]
    return found


async def _all_matching(core: Core, connection: Connection, actor: Actor, identities: list[Identity]) -> list[Seen]:
    channels = [setup.channel for setup in await core.reader.channels(connection, actor)]
    found: list[Seen] = []
    for identity in identities:
        fitting: tuple[UUID, ...] = tuple(channel.id for channel in channels if identity.fits(channel))
        chosen = Filter(channel_ids=fitting, key=(identity.kind, identity.key), limit=BULK_LIMIT + 1)
        found += await core.reader.leads(connection, actor, chosen)
    if len(found) > BULK_LIMIT:
        message = f'More than {BULK_LIMIT} leads match, and nothing was changed; change them by their "id"'
        raise refuse(Code.CONFLICT, message)
    return sorted(found, key=lambda seen: seen.lead.number, reverse=True)
