"""What is to be done: leads whose next contact is planned, has come, or is late."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.operation import Call, Operation
from leadrail.api.page import Cursor, Limit, Page, cursor_of, moment_at
from leadrail.core.actor import Scope
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
    # The time as it was, not as it is by now: a lead that is planned anew between two pages takes none along with it.
    place = moment_at(query.cursor)
    async with call.core.database.connection() as connection:
        setups = await reader.channels(connection, actor)
        if query.channel is not None:
            setups = [await reader.channel(connection, actor, query.channel)]
        found = await store.planned(
            connection,
            actor.companies,
            [setup.channel.id for setup in setups],
            _span(query.state, call.core.clock()),
            assignee=query.assignee,
            after=place,
            limit=query.limit + 1,
        )
        kept = found[: query.limit]
        seen = await reader.leads_in_order(connection, actor, [id for _, id in kept])
    shown = [document(row.lead, row.setup.channel) for row in seen]
    return json_response(200, Page(shown, cursor_of(kept[-1]) if len(found) > query.limit else None))


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
