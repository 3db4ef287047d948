"""The actions on leads and channels with a key (contract sections 4.1 to 4.7)."""

from uuid import UUID

from msgspec.structs import replace

from leadrail.core.actor import Actor, Scope
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.identity import KeyKind, external_key
from leadrail.core.leads import store
from leadrail.core.leads.filters import Filter, Sort
from leadrail.core.queries import Seen
from leadrail.core.setup import Setup
from leadrail.db.database import Connection
from leadrail.dialects.keenpartner import mapping, views, wire
from leadrail.dialects.keenpartner.auth import admit
from leadrail.dialects.keenpartner.calls import Call, Generation, answer, execute, found, reached
from leadrail.dialects.keenpartner.views import LEGACY, VENDOR
from leadrail.dialects.keenpartner.wire import ChannelsAnswer, LeadAnswer, LeadsAnswer
from leadrail.kit.http import Response

MOST_LEADS = {Generation.FIRST: 1_000, Generation.NEWEST: 100}
"""The newest page says 100; the first one names no limit, and a list without one could not be answered at all."""

_NEWEST_FIRST = (Sort("created_at", descending=True),)


# Reading


async def get_channels(call: Call, _asked: wire.GetChannels) -> Response:
    actor = await admit(call.core, call.request, Scope.READ)
    async with call.core.database.connection() as connection:
        setups = await call.core.reader.channels(connection, actor)
    shown = [views.channel(setup.channel) for setup in setups if setup.channel.archived_at is None]
    return answer(ChannelsAnswer(shown))


async def get_leads(call: Call, asked: wire.GetLeads) -> Response:
    actor = await admit(call.core, call.request, Scope.READ)
    async with call.core.database.connection() as connection:
        setup = await _channel(call.core, connection, actor, asked.channel_id)
        wanted = Filter(channel_ids=(setup.channel.id,), sort=_NEWEST_FIRST, limit=MOST_LEADS[call.generation])
        seen = await call.core.reader.leads(connection, actor, wanted)
    if call.generation is Generation.FIRST:
        return answer(LeadsAnswer([views.nested(one.lead, one.setup.channel) for one in seen]))
    return answer([views.flat(one.lead, one.setup.channel) for one in seen])


async def get_lead_by_id(call: Call, asked: wire.GetLeadById) -> Response:
    actor = await admit(call.core, call.request, Scope.READ)
    lead_id = mapping.lead_id(asked.lead_id)
    seen = await reached(call.core, lead_id, _with_id(call.core, actor, lead_id))
    return answer(LeadAnswer(views.full(seen.lead, seen.setup.channel)))


async def _with_id(core: Core, actor: Actor, lead_id: UUID) -> Seen:
    async with core.database.connection() as connection:
        return await core.reader.lead(connection, actor, lead_id)


async def get_lead_by_legacy_id(call: Call, asked: wire.GetLeadByLegacyId) -> Response:
    actor = await admit(call.core, call.request, Scope.READ)
    number = mapping.legacy_id(asked.legacy_id)
    key = external_key(LEGACY, str(number))
    seen = await found(
        call.core,
        _with_legacy_id(call.core, actor, number, key),
        lambda connection: store.is_numbered_anywhere(connection, number, key),
    )
    return answer(LeadAnswer(views.numbered(seen.lead, seen.setup.channel)))


async def _with_legacy_id(core: Core, actor: Actor, number: int, key: str) -> Seen:
    async with core.database.connection() as connection:
        for seen in await core.reader.leads_with(connection, actor, KeyKind.EXTERNAL_ID, key):
            return seen
        seen = await core.reader.lead_numbered(connection, actor, number)
    if seen.lead.number == number and views.legacy_id(seen.lead, seen.setup.channel) != number:
        # It came from the vendor under another number, or none: whoever asks means a lead that is not here.
        raise refuse(Code.NOT_FOUND, "Lead not found")
    return seen


# Writing


async def create_lead(call: Call, asked: wire.CreateLead) -> Response:
    actor = await admit(call.core, call.request, Scope.WRITE)
    done = await _created(call.core, actor, asked)
    return answer(LeadAnswer(views.nested(done.lead, done.setup.channel)))


async def _created(core: Core, actor: Actor, asked: wire.CreateLead) -> Done:
    command = mapping.creation(actor, mapping.channel_id(asked.channel_id), asked)
    try:
        return await execute(core, command)
    except Refused as error:
        if error.refusal.code not in (Code.CHANNEL_NOT_FOUND, Code.CHANNEL_FORBIDDEN):
            raise
    # Only now, since most ids are our own: is it one that the channel had at the vendor?
    async with core.database.connection() as connection:
        setup = await _channel(core, connection, actor, asked.channel_id)
    return await execute(core, replace(command, channel_id=setup.channel.id))


async def _channel(core: Core, connection: Connection, actor: Actor, text: str | None) -> Setup:
    id = mapping.channel_id(text)
    return await core.reader.channel_called(connection, actor, VENDOR, str(id))


async def update_lead(call: Call, asked: wire.UpdateLead) -> Response:
    actor = await admit(call.core, call.request, Scope.WRITE)
    done = await execute(call.core, mapping.edit(actor, asked))
    return answer(LeadAnswer(views.full(done.lead, done.setup.channel)))


async def update_status(call: Call, asked: wire.UpdateStatus) -> Response:
    actor = await admit(call.core, call.request, Scope.WRITE)
    done = await execute(call.core, mapping.move_by_name(actor, asked))
    return answer(LeadAnswer(views.moved(done.lead, done.setup.channel)))


async def update_status_id(call: Call, asked: wire.UpdateStatusId) -> Response:
    actor = await admit(call.core, call.request, Scope.WRITE)
    try:
        done = await execute(call.core, mapping.move_by_id(actor, asked))
    except Refused as error:
        if error.refusal.code is Code.UNKNOWN_STATUS:
            raise refuse(Code.NOT_FOUND, "Status ID not found") from None
        raise
    return answer(LeadAnswer(views.moved(done.lead, done.setup.channel)))
