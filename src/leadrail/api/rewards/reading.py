"""Rewards listed, read, summed up and exported."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from typing import Any

from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import Page, id_at, page
from leadrail.api.rewards.shapes import RewardPaging, RewardQuery, TotalsQuery
from leadrail.core.errors import Code, refuse
from leadrail.core.rewards import store as rewards
from leadrail.core.rewards.filters import Filter
from leadrail.core.rewards.model import Reward
from leadrail.core.rewards.store import Placed
from leadrail.db.database import Database
from leadrail.kit.http import Response, Stream, json_response
from leadrail.kit.ids import parse_id

MOST_TOTALS = 10_000
CHUNK = 1_000


async def listed(call: Call[None, RewardPaging]) -> Response:
    limit, before = call.query.limit, id_at(call.query.cursor)
    filter = call.query.filter(call.actor)
    async with call.core.database.connection() as connection:
        rows = await rewards.listed(connection, filter, before=before, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, lambda row: row))


async def read(call: Call[None, NoQuery]) -> Response:
    return json_response(200, (await placed(call)).reward)


async def placed(call: Call[Any, Any]) -> Placed:
    """The reward that the path names, if the caller may see it. Raises Refused (`not_found`)."""
    id = parse_id(call.request.params["id"])
    if id is not None:
        async with call.core.database.connection() as connection:
            found = await rewards.seen(connection, Filter.of(call.actor), [id])
        if id in found:
            return found[id]
    raise refuse(Code.NOT_FOUND, "Reward not found")


async def totals(call: Call[None, TotalsQuery]) -> Response:
    filter, groups = call.query.filter(call.actor), call.query.groups()
    async with call.core.database.connection() as connection:
        rows = await rewards.totals(connection, filter, groups, limit=MOST_TOTALS + 1)
    if len(rows) > MOST_TOTALS:
        raise refuse(Code.INVALID, f"These are more than {MOST_TOTALS} totals; ask for a shorter time", "?from")
    return json_response(200, Page(rows, None))


async def export(call: Call[None, RewardQuery]) -> Stream:
    name = b'attachment; filename="rewards.csv"'
    chunks = _chunks(call.core.database, call.query.filter(call.actor))
    return Stream(200, chunks, b"text/csv; charset=utf-8", ((b"content-disposition", name),))


async def _chunks(database: Database, filter: Filter) -> AsyncIterator[bytes]:
    """The export, a thousand rewards at a time; between two chunks no connection is held."""
    yield _lines([_COLUMNS])
    before = None
    while True:
        async with database.connection() as connection:
            rows = await rewards.listed(connection, filter, before=before, limit=CHUNK)
        if rows:
            yield _lines(map(_cells, rows))
            before = rows[-1].id
        if len(rows) < CHUNK:
            return


_COLUMNS = ("id", "created_at", "state", "amount", "currency", "earner", "payer", "channel_id", "lead_id") + (
    "trigger_id",
    "hold_until",
    "corrects",
    "clawed_back",
    "decided_at",
    "reason",
)


def _cells(reward: Reward) -> tuple[object, ...]:
    return (
        reward.id,
        reward.created_at.isoformat(),
        reward.state.value,
        format(reward.amount, "f"),
        reward.currency,
        reward.company_id,
        reward.payer_company_id,
        reward.channel_id,
        reward.lead_id,
        reward.trigger_id,
        reward.hold_until and reward.hold_until.isoformat(),
        reward.corrects,
        "true" if reward.clawed_back else "false",
        reward.decided_at and reward.decided_at.isoformat(),
        reward.reason and harmless(reward.reason),
    )


def harmless(text: str) -> str:
    """Somebody's words as a cell: a spreadsheet would run what begins like a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
