"""What is read from the sums: they are joined by what the feed has beyond them, in one view of the database."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import msgspec

from leadrail.core.counts.deltas import DELTAS
from leadrail.core.counts.folding import MOST_WORDS, WORD_LIMIT
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection

MOST_BEYOND = 4_000
"""How many events a reader adds to the sums by itself; what is further behind is left to the worker."""


class Measure(StrEnum):
    """What is summed, and by which day.

    Leads where they stand, by their creation, by when they were closed, and by since when they stand there; each status
    that a lead has been in and each pair of them in the order in which it first came to them, by its creation; moves;
    lengths of stays, by when they ended.
    """

    STANDING = "standing"
    CLOSED = "closed"
    SINCE = "since"
    PASSED = "passed"
    MOVED = "moved"
    STAYED = "stayed"


class Kind(StrEnum):
    """By what leads are told apart; those of a word can be asked for by whole months only."""

    ALL = "all"
    SOURCE = "source"
    ASSIGNEE = "assignee"
    CAMPAIGN = "campaign"
    PARTNER = "partner"


class Grain(StrEnum):
    """What days are taken together; `ever` tells none apart."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    EVER = "ever"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """From the day `since` on and before `until`. `word` narrows the kind to one. Days before `earliest` count as it.
    By since when leads stand is asked by day or week only.
    """

    measures: tuple[Measure, ...]
    status_ids: Sequence[UUID]
    kinds: tuple[Kind, ...] = (Kind.ALL,)
    word: str | None = None
    since: date | None = None
    until: date | None = None
    grain: Grain = Grain.EVER
    earliest: date | None = None


class Cell(msgspec.Struct, frozen=True):
    """A sum. `from_id` is the status before, if one is meant; `detail` a currency or the step of a length.

    `word` None: those of all words, or with `is_beyond` those of the words that are not told apart.
    """

    measure: Measure
    kind: Kind
    status_id: UUID
    from_id: UUID | None
    detail: str
    word: str | None
    is_beyond: bool
    day: date | None
    n: int
    value: Decimal


class Reading(msgspec.Struct, frozen=True):
    """`is_exact`: nothing is missing. Else what was recorded until `complete_until` is there, and part of the rest."""

    cells: list[Cell]
    is_exact: bool
    complete_until: datetime | None


_PLACE = """
SELECT coalesce(p.seq, 0), c.last_seq, (SELECT recorded_at FROM events WHERE company_id = $1 AND seq = p.seq)
FROM event_counters c LEFT JOIN count_places p USING (company_id) WHERE c.company_id = $1
"""

_KNOWN = "SELECT count(*), count(*) FILTER (WHERE word = $3) FROM count_words WHERE company_id = $1 AND kind = $2"

# What a list of kinds and days asks for, of the sums (as `c`) that are kept or to be added.
_CHOSEN = """
unnest($9::text[], $10::date[], $11::date[]) AS q(kind, first, last) JOIN {table} c
    ON c.status_id = ANY($7::uuid[]) AND c.measure = ANY($8::text[]) AND c.kind = q.kind
    AND c.day >= coalesce(q.first, '-infinity') AND c.day < coalesce(q.last, 'infinity')
    AND ($12::text IS NULL OR c.word = (SELECT id FROM named WHERE kind = $9[1] AND named.word = $12))
"""
_PART = "c.measure, c.kind, c.status_id, c.from_id, c.detail, c.word, c.day, c.n, c.value"

_READ = f"""
WITH {DELTAS}
SELECT f.measure, f.kind, f.status_id, nullif(f.from_id, '00000000-0000-0000-0000-000000000000'), f.detail, w.word,
    f.word < 0, f.day, f.n, f.value
FROM (
    SELECT measure, CASE kind WHEN 'daily' THEN 'all' ELSE kind END AS kind, status_id, from_id, detail, word,
        date_trunc(nullif($13, 'ever'), greatest(day, $14::date)::timestamp)::date AS day,
        sum(n)::bigint AS n, sum(value) AS value
    FROM (
        SELECT {_PART} FROM {_CHOSEN.format(table="counts")} AND c.company_id = $1
        UNION ALL
        SELECT {_PART} FROM {_CHOSEN.format(table="deltas")}) AS parts
    GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(n) <> 0) AS f
LEFT JOIN named w ON w.kind = f.kind AND w.id = f.word
"""


async def read(
    connection: Connection,
    company_id: UUID,
    question: Question,
    now: datetime,
    *,
    most_beyond: int = MOST_BEYOND,
    most_words: int = MOST_WORDS,
) -> Reading:
    """The sums of a company. The transaction must be one of repeatable reads.

    Raises Refused (`invalid`) for a word that may be among those that are not told apart.
    """
    place, last, until = await connection.fetchrow(_PLACE, company_id)
    is_exact = last - place <= most_beyond
    if question.word is not None:
        numbers, found = await connection.fetchrow(_KNOWN, company_id, question.kinds[0], question.word)
        if numbers >= most_words and not found:
            message = f"There are more than {most_words} of these; this one is counted with the others. List its leads."
            raise refuse(Code.INVALID, message, f"?{question.kinds[0]}")
    rows = await connection.fetch(
        _READ,
        company_id,
        place,
        last if is_exact else place,
        (),
        most_words,
        WORD_LIMIT,
        question.status_ids,
        question.measures,
        *zip(*_spans(question), strict=True),
        question.word,
        question.grain,
        question.earliest,
    )
    cells = [Cell(Measure(measure), Kind(kind), *rest) for measure, kind, *rest in rows]
    return Reading(cells, is_exact, now if is_exact else until)


Span = tuple[str, date | None, date | None]


def _spans(question: Question) -> list[Span]:
    """The kinds and days that make up the question: whole months, and the days before and behind them."""
    since, until = question.since, question.until
    if question.grain in (Grain.DAY, Grain.WEEK):
        return [(_DAILY, since, until)]
    first = since and _month_from(since)
    last = until and until.replace(day=1)
    if first is not None and last is not None and first > last:
        return [(_DAILY, since, until)]
    spans: list[Span] = [(kind, first, last) for kind in question.kinds]
    if since != first:
        spans.append((_DAILY, since, first))
    if until != last:
        spans.append((_DAILY, last, until))
    return spans


_DAILY = "daily"


def _month_from(day: date) -> date:
    """The first month that begins on this day or later."""
    return day if day.day == 1 else (day.replace(day=1) + timedelta(days=32)).replace(day=1)
