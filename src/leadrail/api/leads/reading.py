"""Leads read: one, many, their history, their follow-ups, where they may go."""

from typing import Any

from leadrail.api.leads.commands import lead_id_of
from leadrail.api.leads.shapes import Transition
from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import Page, Paging, id_at, number_at, page
from leadrail.api.writes import etag
from leadrail.core.channels.model import Named
from leadrail.core.events import store as events
from leadrail.core.followups import store as followups
from leadrail.core.leads.model import LeadDocument, document
from leadrail.core.leads.standing import missing_requirements, next_statuses
from leadrail.core.notes import store as notes
from leadrail.core.purchases import store as purchases
from leadrail.core.queries import Seen
from leadrail.kit.http import Response, json_response


def _document(seen: Seen) -> LeadDocument:
    return document(seen.lead, seen.setup.channel)


async def _seen(call: Call[Any, Any]) -> Seen:
    async with call.core.database.connection() as connection:
        return await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))


async def read(call: Call[None, NoQuery]) -> Response:
    seen = await _seen(call)
    return json_response(200, _document(seen), (etag(seen.lead.version),))


async def transitions(call: Call[None, NoQuery]) -> Response:
    seen = await _seen(call)
    data = [
        Transition(Named.of(status), status.requires, missing_requirements(status, seen.lead))
        for status in next_statuses(seen.lead, seen.setup.channel)
    ]
    return json_response(200, Page(data, None))


async def history(call: Call[None, Paging]) -> Response:
    after = number_at(call.query.cursor) or 0
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        entries = await events.of_lead(
            connection, seen.lead.company_id, seen.lead.id, after=after, limit=call.query.limit + 1
        )
    return json_response(200, page(entries, call.query.limit, lambda row: row.seq, lambda row: row.event))


async def list_follow_ups(call: Call[None, Paging]) -> Response:
    limit, after = call.query.limit, number_at(call.query.cursor) or 0
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        rows = await followups.of_lead(connection, seen.lead.company_id, seen.lead.id, after=after, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.number, lambda row: row))


async def list_notes(call: Call[None, Paging]) -> Response:
    limit, before = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        rows = await notes.of_lead(connection, seen.lead.company_id, seen.lead.id, before=before, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, lambda row: row))


async def list_purchases(call: Call[None, Paging]) -> Response:
    limit, before = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        rows = await purchases.of_lead(connection, seen.lead.company_id, seen.lead.id, before=before, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, lambda row: row))
