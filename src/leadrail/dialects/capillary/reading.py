"""Reading leads back with all that happened to them: a fixed number of questions, however many leads."""

import logging
from collections.abc import Sequence
from uuid import UUID

from leadrail.core.actor import Actor, ActorKind
from leadrail.core.channels.model import Channel
from leadrail.core.companies.store import key_numbers
from leadrail.core.engine import Done
from leadrail.core.events import store as events
from leadrail.core.events.model import Entry
from leadrail.core.followups import store as followups
from leadrail.core.followups.store import FollowUpRow
from leadrail.core.leads.commands import Command
from leadrail.core.leads.model import Lead
from leadrail.core.queries import Seen
from leadrail.db.database import UNREACHABLE, Connection
from leadrail.dialects.capillary.answers import Story, whole_lead
from leadrail.dialects.capillary.call import Call
from leadrail.dialects.capillary.errors import UNREAD_DETAILS
from leadrail.kit.http import Response, json_response

log = logging.getLogger(__name__)

_PAGE = 1000
LISTED = 100
"""How many events and how many follow-ups of a lead a list shows at most."""


async def carry_out(call: Call, command: Command) -> Response:
    """The whole lead as it is after the command. Raises Refused."""
    done = await call.core.engine.execute_one(command)
    assert isinstance(done, Done)  # no idempotency key was given
    lead, channel = done.lead, done.setup.channel
    try:
        async with call.core.database.connection() as connection:
            history = _up_to(done, await _history(connection, lead))
            contacts = await _contacts(connection, lead)
            tills = await _tills(connection, call.actor, [channel], history)
    except UNREACHABLE as error:
        # The change is committed: an error answer would deny it.
        log.warning("lead %d was changed and could not be read back: %r", lead.number, error)
        return json_response(200, whole_lead(call.actor, Story(lead, channel), (UNREAD_DETAILS,)))
    return json_response(200, whole_lead(call.actor, Story(lead, channel, history, contacts, tills), ()))


def _up_to(done: Done, history: Sequence[Entry]) -> Sequence[Entry]:
    """The entries up to this change: what somebody else did since is not part of its answer."""
    last = done.events[-1].id if done.events else None
    for place, entry in enumerate(history, 1):
        if entry.event.id == last:
            return history[:place]
    return history


async def log_of(connection: Connection, actor: Actor, seen: Seen) -> Story:
    """The lead with its history, whole."""
    lead, channel = seen.lead, seen.setup.channel
    history = await _history(connection, lead)
    return Story(lead, channel, history, tills=await _tills(connection, actor, [channel], history))


async def contacts_of(connection: Connection, seen: Seen) -> Story:
    """The lead with its follow-ups."""
    return Story(seen.lead, seen.setup.channel, contacts=await _contacts(connection, seen.lead))


async def stories(connection: Connection, actor: Actor, page: Sequence[Seen]) -> list[Story]:
    """The leads of a page, each with the newest of what happened to it."""
    keys = [(seen.lead.company_id, seen.lead.id) for seen in page]
    histories = await events.of_leads(connection, keys, limit=LISTED)
    contacts = await followups.of_leads(connection, keys, limit=LISTED)
    channels = [seen.setup.channel for seen in page]
    tills = await _tills(connection, actor, channels, [entry for one in histories.values() for entry in one])
    return [
        Story(seen.lead, seen.setup.channel, histories[seen.lead.id], contacts[seen.lead.id], tills) for seen in page
    ]


async def _contacts(connection: Connection, lead: Lead) -> list[FollowUpRow]:
    """The newest of them: without those, the answer to one more would hide it."""
    found = await followups.of_leads(connection, [(lead.company_id, lead.id)], limit=_PAGE)
    return found[lead.id]


async def _history(connection: Connection, lead: Lead) -> list[Entry]:
    """All of it: an answer without its newest entries would hide the change that it answers."""
    entries: list[Entry] = []
    while True:
        after = entries[-1].seq if entries else 0
        page = await events.of_lead(connection, lead.company_id, lead.id, after=after, limit=_PAGE)
        entries += page
        if len(page) < _PAGE:
            return entries


async def _tills(
    connection: Connection, actor: Actor, channels: Sequence[Channel], history: Sequence[Entry]
) -> dict[UUID, int]:
    """The numbers of the keys that acted; asked for only when there was another than the caller's."""
    acted = {entry.event.actor.id for entry in history if entry.event.actor.kind is ActorKind.API_KEY}
    known = {actor.id: actor.number} if actor.id else {}
    others = [id for id in acted - known.keys() if id is not None]
    if not others:
        return known
    companies = {channel.company_id for channel in channels}
    companies |= {member.company_id for channel in channels for member in channel.members}
    return known | await key_numbers(connection, list(companies), others)
