"""Asking for sums on behalf of a caller: in the channels that it may use, over every company that owns one of them."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.api.analytics.shapes import AgeingQuery, BoardQuery, MovesQuery
from leadrail.api.operation import Call
from leadrail.core.channels.model import Channel, Status
from leadrail.core.counts import reading
from leadrail.core.counts.reading import Cell, Grain, Kind, Measure, Question
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.fields import EARLIEST, LATEST


class Counts(msgspec.Struct, frozen=True):
    """What was found, with the channels in which it was looked for."""

    channels: list[Channel]
    cells: list[Cell]
    exact: bool
    complete_until: datetime | None

    def of(self, measure: Measure, kind: Kind = Kind.ALL) -> list[Cell]:
        return [cell for cell in self.cells if cell.measure is measure and cell.kind is kind]

    def statuses(self) -> Iterator[tuple[Channel, Status]]:
        """Every status in the order of the channels; an archived one where something is counted of it."""
        counted = {cell.status_id for cell in self.cells}
        for channel in self.channels:
            for status in channel.statuses:
                if not status.archived or status.id in counted:
                    yield channel, status

    @property
    def said(self) -> dict[str, Any]:
        return {"exact": self.exact, "complete_until": self.complete_until}


async def ask(
    call: Call[Any, Any],
    *measures: Measure,
    kinds: tuple[Kind, ...] = (Kind.ALL,),
    grain: Grain = Grain.EVER,
    earliest: date | None = None,
) -> Counts:
    """The sums of these measures in the channels and the time that the query names. Raises Refused."""
    query: AgeingQuery = call.query
    word = _word(query)
    since, until = _span(query)
    if word is not None:
        kinds = (word[0],)
    if kinds != (Kind.ALL,):
        _check_months(since, until, grain)
    now = call.core.clock()
    async with call.core.database.connection() as connection:
        if query.channel is not None:
            setups = [await call.core.reader.channel(connection, call.actor, query.channel)]
        else:
            setups = await call.core.reader.channels(connection, call.actor)
        channels = [setup.channel for setup in setups]
        owners: dict[UUID, list[UUID]] = {channel.company_id: [] for channel in channels}
        for channel in channels:
            owners[channel.company_id] += [status.id for status in channel.statuses]
        found = []
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for company_id, status_ids in owners.items():
                question = Question(
                    measures=measures,
                    status_ids=status_ids,
                    kinds=kinds,
                    word=word[1] if word is not None else None,
                    since=since,
                    until=until,
                    grain=grain,
                    earliest=earliest,
                )
                found.append(await reading.read(connection, company_id, question, now))
    untils = [one.complete_until for one in found]
    complete = None if None in untils else min((until for until in untils if until is not None), default=now)
    return Counts(channels, [cell for one in found for cell in one.cells], all(one.is_exact for one in found), complete)


def _word(query: AgeingQuery) -> tuple[Kind, str] | None:
    """By what leads are told apart, if by anything."""
    if not isinstance(query, BoardQuery):
        return None
    given = {
        Kind.SOURCE: query.source,
        Kind.ASSIGNEE: query.assignee,
        Kind.CAMPAIGN: query.campaign,
        Kind.PARTNER: str(query.partner) if query.partner is not None else None,
    }
    words = [(kind, word) for kind, word in given.items() if word is not None]
    if len(words) > 1:
        raise refuse(Code.INVALID, f"Give one of {', '.join(given)}; they are not counted together", f"?{words[1][0]}")
    return words[0] if words else None


def _span(query: AgeingQuery) -> tuple[date | None, date | None]:
    if not isinstance(query, MovesQuery):
        return None, None
    for name, day in (("since", query.since), ("until", query.until)):
        if day is not None and not EARLIEST.date() <= day <= LATEST.date():
            raise refuse(Code.INVALID, f"{name} is between {EARLIEST:%Y} and {LATEST:%Y}", f"?{name}")
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise refuse(Code.INVALID, "until is later than since", "?until")
    return query.since, query.until


def _check_months(since: date | None, until: date | None, grain: Grain) -> None:
    """What is told apart is counted by the month: by day, there would be more counts than leads."""
    message = "By source, assignee, campaign and partner leads are counted by whole months; give the first day of one"
    for name, day in (("since", since), ("until", until)):
        if day is not None and day.day != 1:
            raise refuse(Code.INVALID, message, f"?{name}")
    if grain in (Grain.DAY, Grain.WEEK):
        raise refuse(Code.INVALID, "By source, assignee, campaign and partner the interval is month", "?interval")
