"""Leads: list, one, change of status (contract sections 6 and 7). Adding them is in `arrivals`."""

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.idempotency import Answer
from leadrail.core.queries import Seen
from leadrail.db.database import Connection
from leadrail.dialects.sendpilot import campaigns, mapping
from leadrail.dialects.sendpilot.auth import FACE
from leadrail.dialects.sendpilot.wire import LeadList, LeadQuery, LeadsQuery, Paging, StatusPatch, query_reader
from leadrail.kit import wire
from leadrail.kit.http import Request, Response
from leadrail.kit.ids import parse_id

_read_list, _read_one = query_reader(LeadsQuery), query_reader(LeadQuery)
_TRIES = 50
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
    done = await (_moved if asked.status else _labelled)(core, actor, request.params["id"], asked)
    assert isinstance(done, Done)  # no idempotency key is ever sent along, so there is no kept answer
    return Response(200, _encoder.encode(mapping.changed(done)))


async def _moved(core: Core, actor: Actor, text: str, asked: StatusPatch) -> Done | Answer:
    """Our own id costs no look-up; one that names no lead of ours may be what the vendor called it."""
    if (id := parse_id(text)) is not None:
        try:
            return await core.engine.execute_one(mapping.change_of_status(actor, id, asked))
        except Refused as error:
            if error.refusal.code is not Code.LEAD_NOT_FOUND:
                raise
    async with core.database.connection() as connection:
        seen = await _found(core, connection, actor, text)
    return await core.engine.execute_one(mapping.change_of_status(actor, seen.lead.id, asked))


async def _labelled(core: Core, actor: Actor, text: str, asked: StatusPatch) -> Done | Answer:
    """Where a label alone leads is told by where the lead is: it is read again when it changed meanwhile."""
    for _ in range(_TRIES):
        async with core.database.connection() as connection:
            seen = await _found(core, connection, actor, text)
        try:
            return await core.engine.execute_one(mapping.change_by_label(actor, seen, asked))
        except Refused as error:
            if error.refusal.code is not Code.VERSION_CONFLICT:
                raise
    raise refuse(Code.CONFLICT, "The lead is being changed all the time; repeat the call")


async def _found(core: Core, connection: Connection, actor: Actor, text: str) -> Seen:
    # No id of ours or the vendor's has control characters, and the database refuses some of them.
    if not text.isprintable():
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    return await core.reader.lead_called(connection, actor, FACE, text)
