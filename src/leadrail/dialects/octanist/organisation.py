"""Octanist's calls about the organisation: the key, the settings, the figures (contracts/octanist.md, section 7.1)."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from leadrail.core.errors import Code, refuse
from leadrail.core.leads.filters import Condition, Filter, Operator
from leadrail.core.leads.store import Tally
from leadrail.core.setup import Setup
from leadrail.dialects.octanist import store
from leadrail.dialects.octanist.call import Call
from leadrail.dialects.octanist.days import Span, days, period
from leadrail.dialects.octanist.envelope import succeeded
from leadrail.dialects.octanist.wire import Conversion, LeadCounts, Settings, Stats, StatsRequest, Usage
from leadrail.dialects.words import OCTANIST
from leadrail.kit import money, wire
from leadrail.kit.clock import with_milliseconds
from leadrail.kit.http import Response, json_response

NO_SOURCE = "unknown"

_STATS = msgspec.json.Decoder(StatsRequest)
_SETTINGS = msgspec.json.Decoder(Settings)


async def check_key(_call: Call) -> Response:
    """Section 3: the one answer without an envelope."""
    return json_response(200, {"success": True})


# Settings, a call of ours


async def settings(call: Call) -> Response:
    async with call.core.database.connection() as connection:
        value = await store.bulk_updates(connection, call.actor.company_id)
    return succeeded(Settings(value), call.now)


async def change_settings(call: Call) -> Response:
    call.demand_whole_company()
    body = wire.decode(_SETTINGS, call.request.body)
    async with call.core.database.connection() as connection:
        await store.set_bulk_updates(connection, call.actor.company_id, body.bulk_updates)
    return succeeded(body, call.now)


# Figures


async def stats(call: Call) -> Response:
    body = wire.decode(_STATS, call.request.body)
    async with call.core.database.connection() as connection:
        span = _span(body, call, await call.zone(connection))
        setups = await call.core.reader.channels(connection, call.actor)
        chosen = Filter(
            channel_ids=tuple(setup.channel.id for setup in setups),
            conditions=(
                Condition("created_at", Operator.GTE, span.start),
                Condition("created_at", Operator.LT, span.end),
            ),
        )
        tallies = await call.core.reader.tally(connection, call.actor, chosen)
    return succeeded(_figures(tallies, setups, span), call.now)


def _span(body: StatsRequest, call: Call, zone: ZoneInfo) -> Span:
    """Raises Refused (`invalid`) and Unusable (`INVALID_DATE`)."""
    word = body.period or "current"
    if word == "custom":
        return days(*period(body.start_date, body.end_date), zone)
    first = call.now.astimezone(zone).date().replace(day=1)
    if word == "current":
        return days(first, _last_of_month(first), zone)
    if word == "previous":
        last = first - timedelta(days=1)
        return days(last.replace(day=1), last, zone)
    raise refuse(Code.INVALID, f'"period" is current, previous or custom, not "{word}"', "/period")


def _last_of_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _figures(tallies: Sequence[Tally], setups: Sequence[Setup], span: Span) -> Stats:
    words = {status.id: OCTANIST.word(status) for setup in setups for status in setup.channel.statuses}
    # A status that was added while this was counted is where nearly all of them begin.
    counted = [(words.get(row.status_id, "open"), row) for row in tallies]
    by_status = dict.fromkeys(OCTANIST.stands_for, 0) | _counted((word, row.leads) for word, row in counted)
    by_source = _counted((row.source or NO_SOURCE, row.leads) for row in tallies)
    total = sum(by_status.values())
    value = sum((row.value for word, row in counted if word == "won"), Decimal(0))
    return Stats(
        Usage(
            leads_used=total,
            leads_limit=None,
            locked_leads=0,
            period_start=with_milliseconds(span.start),
            period_end=with_milliseconds(span.end - timedelta(milliseconds=1)),
        ),
        LeadCounts(total, by_status, dict(sorted(by_source.items(), key=lambda pair: (-pair[1], pair[0])))),
        _conversion(by_status, total, value),
    )


def _counted(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, number in pairs:
        counts[name] = counts.get(name, 0) + number
    return counts


def _conversion(by_status: dict[str, int], total: int, value: Decimal) -> Conversion:
    """Section 7.1: a won lead has been qualified; rates are fractions."""
    won = by_status["won"]
    qualified = by_status["qualified"] + won
    return Conversion(
        qualified=qualified,
        qualification_rate=_rate(total - by_status["open"], total),
        win_rate=_rate(won, qualified),
        average_value=money.plain(money.round_to_currency(value / won, None)) if won else Decimal(0),
        total_value=money.plain(value),
    )


def _rate(part: int, whole: int) -> float:
    return part / whole if whole else 0
