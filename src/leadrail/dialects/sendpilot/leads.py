"""Leads: list, one, change of status (contract sections 6 and 7). Adding them is in `arrivals`."""

from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.errors import Code, refuse
from leadrail.core.queries import Seen
from leadrail.db.database import Connection
from leadrail.dialects.sendpilot import campaigns, mapping
from leadrail.dialects.sendpilot.auth import FACE
from leadrail.dialects.sendpilot.wire import LeadList, LeadQuery, LeadsQuery, Paging, StatusPatch, query_reader
from leadrail.kit import wire
from leadrail.kit.http import Request, Response
from leadrail.kit.ids import parse_id

_read_list, _read_one = query_reader(LeadsQuery), query_reader(LeadQuery)
_STATUS_PATCH = msgspec.json.Decoder(StatusPatch)
_encoder = msgspec.json.Encoder()


async def list_leads(core: Core, actor: Actor, request: Request) -> Response:
    """The newest first, of one campaign or of all. Refused: 400 query, 403 and 404 campaign."""
    asked = _read_list(request)
    async with core.database.connection() as connection:
        if asked.campaign_id is not None:
            channels = [await campaigns.found(core, connection, actor, asked.campaign_id)]
        else:
            channels = [setup.channel for setup in await core.reader.channels(connection, actor)]
        filter = mapping.filter_of(asked, channels)
        total = await core.reader.count(connection, actor, filter)
        page = await core.reader.leads(connection, actor, filter)
    leads = [mapping.shown(seen, is_full=asked.full) for seen in page]
    answer = LeadList(leads=leads, pagination=Paging.of(total, asked.page, asked.limit))
    return Response(200, _encoder.encode(answer))


async def one_lead(core: Core, actor: Actor, request: Request) -> Response:
    """Not wrapped in anything. Refused: 404."""
    asked = _read_one(request)
    async with core.database.connection() as connection:
        seen = await _found(core, connection, actor, request.params["id"])
    return Response(200, _encoder.encode(mapping.shown(seen, is_full=asked.full)))


async def change_status(core: Core, actor: Actor, request: Request) -> Response:
    """Refused: 400 when neither a status nor a label is given or the status is unknown, 404."""
    asked = wire.decode(_STATUS_PATCH, request.body)
    command = mapping.change_of_status(actor, await _id_of(core, actor, request.params["id"]), asked)
    done = await core.engine.execute_one(command)
    assert isinstance(done, Done)  # no idempotency key is ever sent along, so there is no kept answer
    return Response(200, _encoder.encode(mapping.changed(done)))


async def _id_of(core: Core, actor: Actor, text: str) -> UUID:
    """Our id of the lead that a path names: only an id of the vendor's has to be looked up."""
    if (id := parse_id(text)) is not None:
        return id
    async with core.database.connection() as connection:
        return (await _found(core, connection, actor, text)).lead.id


async def _found(core: Core, connection: Connection, actor: Actor, text: str) -> Seen:
    # No id of ours or the vendor's has control characters, and the database refuses some of them.
    if not text.isprintable():
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    return await core.reader.lead_called(connection, actor, FACE, text)
