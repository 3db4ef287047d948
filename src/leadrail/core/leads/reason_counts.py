"""How often each reason was given, and how many leads stand with it.

A move counts when its event names a reason: into another status, at a lead's creation, or a reason given anew where the
lead is. Reasons of the list go by their id under their name of today; others by their text in any case, and with the
listed reason of that text when there is one.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.db.database import Connection


class ReasonCount(msgspec.Struct, frozen=True):
    """`reason_id` None: a text that is not in the list. Both None: those beyond the most frequent, together."""

    reason_id: UUID | None
    reason: str | None
    leads: int
    moves: int


class Span(msgspec.Struct, frozen=True):
    """From `since` on, and before `until`, by when a move happened."""

    since: datetime | None = None
    until: datetime | None = None


# The channel and its company together find the events in events_reason, and OFFSET keeps the leads from being found any
# other way than by their key: the tables are many companies'. A status event that stays in its status names
# the reason that the lead had when another was not given; it counts when it differs from that of the event before.
_COUNT = """
WITH given AS MATERIALIZED (
    SELECT e.company_id, e.lead_id, e.to_status_id, e.data ->> 'reason' AS reason,
        (e.data ->> 'reason_id')::uuid AS reason_id
    FROM events e
    WHERE e.company_id = ANY($1::uuid[]) AND e.channel_id = ANY($2::uuid[])
      AND e.to_status_id IS NOT NULL AND (e.data ->> 'reason') IS NOT NULL
      AND ($3::uuid[] IS NULL OR e.to_status_id = ANY($3))
      AND e.occurred_at >= coalesce($4::timestamptz, '-infinity')
      AND e.occurred_at < coalesce($5::timestamptz, 'infinity')
      AND CASE WHEN e.from_status_id = e.to_status_id THEN
          coalesce(e.data ->> 'reason_id', e.data ->> 'reason') IS DISTINCT FROM (
              SELECT coalesce(b.data ->> 'reason_id', b.data ->> 'reason') FROM events b
              WHERE b.company_id = e.company_id AND b.lead_id = e.lead_id AND b.seq < e.seq
                AND b.to_status_id IS NOT NULL
              ORDER BY b.seq DESC LIMIT 1)
          ELSE true END),
tallied AS (
    SELECT g.company_id, g.reason_id, CASE WHEN g.reason_id IS NULL THEN lower(g.reason) END AS folded,
        min(g.reason) AS reason, count(*) AS moves, count(DISTINCT l.id) AS leads
    FROM given g LEFT JOIN LATERAL (
        SELECT id FROM leads
        WHERE company_id = g.company_id AND id = g.lead_id AND status_id = g.to_status_id AND merged_into IS NULL
          AND CASE WHEN g.reason_id IS NOT NULL THEN reason_id = g.reason_id
              ELSE reason_id IS NULL AND lower(reason) = lower(g.reason) END
        OFFSET 0) l ON true
    GROUP BY 1, 2, 3),
named AS (
    SELECT r.id AS reason_id, min(coalesce(r.text, t.reason)) AS reason, sum(t.leads) AS leads, sum(t.moves) AS moves
    FROM tallied t LEFT JOIN reasons r
        ON r.company_id = t.company_id AND r.id = coalesce(t.reason_id, (
            SELECT f.id FROM reasons f WHERE f.company_id = t.company_id AND lower(f.text) = t.folded))
    GROUP BY r.id, CASE WHEN r.id IS NULL THEN t.folded END),
ranked AS (
    SELECT *, reason_id IS NULL AND row_number() OVER (
        PARTITION BY reason_id IS NULL ORDER BY moves DESC, leads DESC, reason) > $6::bigint AS beyond
    FROM named)
SELECT reason_id, CASE WHEN NOT beyond THEN reason END, sum(leads)::bigint, sum(moves)::bigint FROM ranked
GROUP BY reason_id, CASE WHEN NOT beyond THEN reason END, beyond
ORDER BY beyond, 4 DESC, 3 DESC, 2
"""


async def counts(
    connection: Connection,
    companies: Sequence[UUID],
    channel_ids: Sequence[UUID],
    status_ids: Sequence[UUID] | None,
    span: Span,
    *,
    most_texts: int,
) -> list[ReasonCount]:
    """The most frequent first, what is beyond `most_texts` texts that are not in the list last.

    `companies` own the channels. `status_ids` are those that moves lead to, None for any.
    """
    rows = await connection.fetch(
        _COUNT, list(companies), list(channel_ids), status_ids, span.since, span.until, most_texts
    )
    return [ReasonCount(*row) for row in rows]
