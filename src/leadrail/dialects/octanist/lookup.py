"""Which leads a request means: by id, else e-mail, else phone (contracts/octanist.md, section 6).

Only the best identifier that is present counts: an id that finds nothing does not fall through to the e-mail.
"""

from leadrail.core.actor import Actor
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.core.identity import KeyKind, email_key, phone_key
from leadrail.core.queries import Seen
from leadrail.db.database import Connection
from leadrail.dialects.octanist.wire import LeadUpdate
from leadrail.kit.ids import parse_id


async def the_lead(core: Core, actor: Actor, body: LeadUpdate) -> Seen:
    """The one lead that is meant. Raises Refused (`invalid`, `lead_not_found`, `conflict` when several match)."""
    async with core.database.connection() as connection:
        found = await _matching(core, connection, actor, body)
    if not found:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    if len(found) > 1:
        message = f'{len(found)} leads match, and nothing was changed; send the "id" of the one you mean'
        raise refuse(Code.CONFLICT, message, leadIds=[str(seen.lead.id) for seen in found])
    return found[0]


async def _matching(core: Core, connection: Connection, actor: Actor, body: LeadUpdate) -> list[Seen]:
    if body.id:
        return await _by_id(core, connection, actor, body.id)
    if body.email:
        return await _by_email(core, connection, actor, body.email)
    if body.phone:
        return await _by_phone(core, connection, actor, body.phone)
    raise refuse(Code.INVALID, 'Say which lead: send "id", "email" or "phone"', "/id")


async def _by_id(core: Core, connection: Connection, actor: Actor, text: str) -> list[Seen]:
    lead_id = parse_id(text.strip().removeprefix("lead_"))
    return [await core.reader.lead(connection, actor, lead_id)] if lead_id is not None else []


async def _by_email(core: Core, connection: Connection, actor: Actor, text: str) -> list[Seen]:
    if (key := email_key(text)) is None:
        raise refuse(Code.INVALID, f'"{text}" is not an e-mail address', "/email")
    return await core.reader.leads_with(connection, actor, KeyKind.EMAIL, key)


async def _by_phone(core: Core, connection: Connection, actor: Actor, text: str) -> list[Seen]:
    if (key := phone_key(text)) is not None:
        return await core.reader.leads_with(connection, actor, KeyKind.PHONE, key)
    return await _by_national_phone(core, connection, actor, text)


async def _by_national_phone(core: Core, connection: Connection, actor: Actor, text: str) -> list[Seen]:
    """A number without a country code means another subscriber in the channels of each country."""
    channels = await core.reader.channels(connection, actor)
    countries = {setup.channel.country for setup in channels} - {None}
    keys = {country: key for country in countries if (key := phone_key(text, country)) is not None}
    if not keys:
        message = f'"{text}" cannot be read as a phone number; send it with its country code, like +31612345678'
        raise refuse(Code.INVALID, message, "/phone")
    found: list[Seen] = []
    for country, key in keys.items():
        candidates = await core.reader.leads_with(connection, actor, KeyKind.PHONE, key)
        found += [seen for seen in candidates if seen.setup.channel.country == country]
    return found
