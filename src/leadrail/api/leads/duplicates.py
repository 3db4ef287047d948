"""Leads that may be the same person."""

from typing import Annotated
from urllib.parse import quote, unquote
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.leads.commands import lead_id_of
from leadrail.api.operation import Call, Operation
from leadrail.api.page import Limit, Page, Paging, cursor_of, id_at, text_at
from leadrail.core.actor import Scope
from leadrail.core.errors import Code, refuse
from leadrail.core.identity import KeyKind
from leadrail.core.leads import duplicates
from leadrail.core.leads.arriving import IDENTITY
from leadrail.core.leads.duplicates import Group, Place
from leadrail.core.leads.model import LeadDocument, document
from leadrail.kit.http import Response, json_response

_FIRST = UUID(int=0)


class Duplicate(msgspec.Struct, frozen=True):
    """A lead, and which keys it has in common with the one that was asked about."""

    matched: tuple[KeyKind, ...]
    lead: LeadDocument


class DuplicateQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A key may be long, so its cursor is too."""

    channel: UUID
    limit: Limit = 50
    cursor: Annotated[str, Meta(description="`next_cursor` of the page before.", max_length=8_000)] | None = None


async def of_lead(call: Call[None, Paging]) -> Response:
    after = id_at(call.query.cursor) or _FIRST
    async with call.core.database.connection() as connection:
        one = (await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))).lead
        twins = await duplicates.of_lead(
            connection, one.company_id, one.id, one.channel_id, after=after, limit=call.query.limit
        )
        kinds = {twin.lead_id: twin.kinds for twin in twins.found}
        seen = await call.core.reader.leads_in_order(connection, call.actor, list(kinds))
    data = [Duplicate(kinds[row.lead.id], document(row.lead, row.setup.channel)) for row in seen]
    return json_response(200, Page(data, cursor_of(twins.after) if twins.after is not None else None))


async def of_channel(call: Call[None, DuplicateQuery]) -> Response:
    query = call.query
    after = _place_at(query.cursor) if query.cursor is not None else None
    async with call.core.database.connection() as connection:
        channel = (await call.core.reader.channel(connection, call.actor, query.channel)).channel
        groups = await duplicates.groups(connection, channel.company_id, channel.id, after=after, limit=query.limit)
    following = f"{groups.after[0]} {quote(groups.after[1])}" if groups.after is not None else None
    return json_response(200, Page(groups.found, cursor_of(following) if following is not None else None))


def _place_at(cursor: str) -> Place:
    kind, _, key = text_at(cursor).partition(" ")
    if kind not in IDENTITY or "\0" in unquote(key):
        raise refuse(Code.INVALID, "cursor is not one that this list gave; start without it", "?cursor")
    return KeyKind(kind), unquote(key)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/leads/{id}/duplicates",
        summary="List the leads that may be the same person",
        description="Those of its channel that have the e-mail, phone, LinkedIn profile or `business_id` in common. A"
        " page may be short, or empty, and still have a `next_cursor`.",
        tag="Leads",
        scope=Scope.READ,
        handler=of_lead,
        query=Paging,
        answer=Page[Duplicate],
        answer_example={"data": [{"matched": ["email", "phone"], "lead": examples.LEAD}], "next_cursor": None},
    ),
    Operation(
        method="GET",
        path="/v1/duplicates",
        summary="List what several leads of a channel have in common",
        description="One entry for each key, with up to 100 of the leads that have it. A page may be short, or empty,"
        " and still have a `next_cursor`.",
        tag="Leads",
        scope=Scope.READ,
        handler=of_channel,
        query=DuplicateQuery,
        answer=Page[Group],
        answer_example={
            "data": [
                {
                    "kind": "email",
                    "key": "jane@example.com",
                    "lead_ids": [examples.LEAD_ID, examples.OTHER_LEAD_ID],
                    "more": False,
                }
            ],
            "next_cursor": None,
        },
    ),
)
