"""What is to be done: leads whose next contact is planned, has come, or is late."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.operation import Call, Operation
from leadrail.api.page import Cursor, Limit, Page, id_at
from leadrail.api.page import page as page_of
from leadrail.core.actor import Scope
from leadrail.core.errors import Code, refuse
from leadrail.core.followups import store
from leadrail.core.leads.model import LeadDocument, document
from leadrail.core.leads.planning import OVERDUE_AFTER
from leadrail.kit.http import Response, json_response

_EVER, _NEVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class State(StrEnum):
    PLANNED = "planned"
    DUE = "due"
    OVERDUE = "overdue"


class FollowUpQuery(msgspec.Struct, frozen=True, kw_only=True):
    state: State = State.DUE
    assignee: Annotated[str, Meta(max_length=200)] | None = None
    channel: UUID | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


def _span(state: State, now: datetime) -> store.Span:
    late = now - OVERDUE_AFTER
    return {
        State.PLANNED: store.Span(now, _NEVER),
        State.DUE: store.Span(late, now),
        State.OVERDUE: store.Span(_EVER, late),
    }[state]


async def list_work(call: Call[None, FollowUpQuery]) -> Response:
    query, actor, reader = call.query, call.actor, call.core.reader
    last = id_at(query.cursor)
    async with call.core.database.connection() as connection:
        setups = await reader.channels(connection, actor)
        if query.channel is not None:
            setups = [await reader.channel(connection, actor, query.channel)]
        place = await store.place_of(connection, actor.companies, last) if last else None
        if last is not None and place is None:
            raise refuse(Code.INVALID, "The lead at which the page before ended is planned no more", "?cursor")
        ids = await store.planned(
            connection,
            actor.companies,
            [setup.channel.id for setup in setups],
            _span(query.state, call.core.clock()),
            assignee=query.assignee,
            after=place,
            limit=query.limit + 1,
        )
        seen = await reader.leads_in_order(connection, actor, ids)
    shown = page_of(seen, query.limit, lambda row: row.lead.id, lambda row: document(row.lead, row.setup.channel))
    return json_response(200, shown)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/follow-ups",
        summary="List the leads to be contacted, earliest first",
        description="`due`: the time came within the last 24 hours. `overdue`: earlier. `planned`: it is to come."
        " Leads that are won, lost or deleted are left out.",
        tag="Leads",
        scope=Scope.READ,
        handler=list_work,
        query=FollowUpQuery,
        answer=Page[LeadDocument],
        answer_example={"data": [examples.LEAD | {"next_follow_up_at": examples.NOON}], "next_cursor": None},
    ),
)
