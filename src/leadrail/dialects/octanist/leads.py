"""Octanist's calls about leads: create, list, one, update (contracts/octanist.md, sections 4 to 6)."""

from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels.model import only_one
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.errors import Code, Refusal, Refused, refuse
from leadrail.core.leads.commands import Command
from leadrail.core.leads.model import Lead
from leadrail.core.queries import Seen
from leadrail.dialects.octanist import mapping
from leadrail.dialects.octanist.call import Call
from leadrail.dialects.octanist.envelope import answered, paginated, succeeded
from leadrail.dialects.octanist.listing import listing
from leadrail.dialects.octanist.lookup import lead_called, the_leads
from leadrail.dialects.octanist.wire import LeadCreation, LeadUpdate
from leadrail.kit import wire
from leadrail.kit.http import Response

TEMPLATE = "octanist"

_CREATION = msgspec.json.Decoder(LeadCreation)
_UPDATE = msgspec.json.Decoder(LeadUpdate)


async def create_lead(call: Call) -> Response:
    """Section 4."""
    body = wire.decode(_CREATION, call.request.body)
    channel_id = call.actor.default_channel or await _only_channel(call.core, call.actor)
    done = await call.core.engine.execute_one(mapping.creation(call.actor, channel_id, body))
    assert isinstance(done, Done)  # no idempotency key was given
    return answered(mapping.created(done, call.now))


async def _only_channel(core: Core, actor: Actor) -> UUID:
    """The one channel that can be meant by a key that names none. Raises Refused (`channel_required`)."""
    async with core.database.connection() as connection:
        channels = [setup.channel for setup in await core.reader.channels(connection, actor)]
    channel = only_one([channel for channel in channels if channel.archived_at is None], TEMPLATE)
    if channel is not None:
        return channel.id
    message = "The key does not say which channel takes its leads; make one with a default_channel (POST /v1/keys)"
    raise refuse(Code.CHANNEL_REQUIRED, message)


async def list_leads(call: Call) -> Response:
    """Section 5.1."""
    async with call.core.database.connection() as connection:
        setups = await call.core.reader.channels(connection, call.actor)
        asked = listing(call.request.query(), setups, await call.zone(connection))
        total = await call.core.reader.count(connection, call.actor, asked.filter)
        seen = await call.core.reader.leads(connection, call.actor, asked.filter)
    data = [_shown(one, asked.fields) for one in seen]
    return succeeded(data, call.now, paginated(asked.page, asked.filter.limit, total))


def _shown(seen: Seen, fields: frozenset[str] | None) -> Any:
    view = mapping.view(seen)
    if fields is None:
        return view
    names = zip(view.__struct_encode_fields__, view.__struct_fields__, strict=True)
    return {told: getattr(view, name) for told, name in names if told in fields}


async def get_lead(call: Call) -> Response:
    """Section 5.2."""
    async with call.core.database.connection() as connection:
        seen = await lead_called(call.core, connection, call.actor, call.request.params["id"])
    return succeeded(mapping.view(seen), call.now)


async def update_lead(call: Call) -> Response:
    """Section 6."""
    body = wire.decode(_UPDATE, call.request.body)
    mapping.check(body)
    found = await the_leads(call.core, call.actor, body)
    if len(found) == 1:
        done = await call.core.engine.execute_one(mapping.command(call.actor, body, found[0]))
        assert isinstance(done, Done)  # no idempotency key was given
        return answered(mapping.updated([done], (), call.now))
    return await _update_all(call, body, found)


async def _update_all(call: Call, body: LeadUpdate, found: list[Seen]) -> Response:
    """Changes what can be changed, each lead by its own channel's rules, and names the others.

    Raises Refused when none can be.
    """
    wanted = [(seen.lead, _command(call.actor, body, seen)) for seen in found]
    commands = [command for _, command in wanted if not isinstance(command, Refusal)]
    outcomes = iter(await call.core.engine.execute(commands))
    settled = [(lead, one if isinstance(one, Refusal) else next(outcomes)) for lead, one in wanted]
    done = [outcome for _, outcome in settled if isinstance(outcome, Done)]
    refused: list[tuple[Lead, Refusal]] = [(lead, one) for lead, one in settled if isinstance(one, Refusal)]
    if not done:
        raise Refused(refused[0][1])
    return answered(mapping.updated(done, refused, call.now))


def _command(actor: Actor, body: LeadUpdate, seen: Seen) -> Command | Refusal:
    try:
        return mapping.command(actor, body, seen)
    except Refused as error:
        return error.refusal
