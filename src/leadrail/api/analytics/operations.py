"""The rows of analytics."""

from typing import Any

from leadrail.api import examples
from leadrail.api.analytics import reading
from leadrail.api.analytics.shapes import (
    Ageing,
    AgeingQuery,
    Board,
    BoardQuery,
    Funnel,
    Moves,
    MovesQuery,
    Shares,
    SharesQuery,
    Velocity,
    WonList,
    WonQuery,
)
from leadrail.api.operation import Handler, Operation
from leadrail.core.actor import Scope

_MONTHS = "With `source`, `assignee`, `campaign` or `partner` (one of them) the time is one of whole months."


def _row(path: str, summary: str, handler: Handler, **rest: Any) -> Operation:
    path = f"/v1/analytics/{path}"
    return Operation(
        method="GET", path=path, summary=summary, tag="Analytics", scope=Scope.READ, handler=handler, **rest
    )


OPERATIONS = (
    _row(
        "board",
        "Count leads by status",
        reading.board,
        description=f"Leads where they stand and what they are worth; `since` and `until` are when they were created. "
        f"{_MONTHS}",
        query=BoardQuery,
        answer=Board,
        answer_example=examples.BOARD,
    ),
    _row(
        "funnel",
        "Follow leads from status to status",
        reading.funnel,
        description="Of the leads that were created in the time, how many have ever been in each status, and how many "
        f"of those that were in one came to another later, with or without others between. {_MONTHS}",
        query=BoardQuery,
        answer=Funnel,
        answer_example=examples.FUNNEL,
    ),
    _row(
        "moves",
        "Count moves between statuses",
        reading.moves,
        description="The moves that happened in the time, whenever their leads were created.",
        query=MovesQuery,
        answer=Moves,
        answer_example=examples.MOVES,
    ),
    _row(
        "sources",
        "Count leads by source, assignee, campaign or partner",
        reading.shares,
        description="Leads that were created in the time (whole months), by what they have now. The campaign is "
        "`attribution.utm_campaign`; the partner is the member of the channel whose key created the lead, by its id.",
        query=SharesQuery,
        answer=Shares,
        answer_example=examples.SHARES,
    ),
    _row(
        "won",
        "Sum up what was won",
        reading.won,
        description="Leads that are won, by when they were, with the value that they have now. "
        f"{_MONTHS} So is the interval.",
        query=WonQuery,
        answer=WonList,
        answer_example=examples.WON_LIST,
    ),
    _row(
        "velocity",
        "Measure how long leads stay in each status",
        reading.velocity,
        description="Stays that ended in the time, as median and as what nine of ten do not exceed; each is less than "
        "5 percent off.",
        query=MovesQuery,
        answer=Velocity,
        answer_example=examples.VELOCITY,
    ),
    _row(
        "ageing",
        "Count open leads by how long they have stood",
        reading.ageing,
        description="Leads in statuses that are neither won, lost nor deleted, by the whole days (UTC) since they came "
        "to where they are.",
        query=AgeingQuery,
        answer=Ageing,
        answer_example=examples.AGEING,
    ),
)
