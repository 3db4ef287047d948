"""The SQL that says what a stretch of a company's feed adds to its sums.

Nothing is taken from what the events of a lead say of it: each lead that they touch is compared, as it is now, with how
it was counted last. So it does not matter in which steps the feed is counted, nor that an erasure empties events.

All leads together are summed by day and by month, apart by a word by month only: by day, there would be more sums than
leads.
"""

# Parameters: the company, the feed after $2 up to $3, further leads that are counted already, how many words of a kind
# have numbers, and how many characters of a word are kept.
#
# OFFSET 0 keeps rows from being found in any other way than by their key: the tables are many companies'. What a lead
# was and is stand in one row, since a join of the two would be taken for a million rows. A lead without a word is not
# summed under that kind: it is what all have more than the words together. The steps of `stayed` are eighths of a
# doubling.
_NOBODY = "'00000000-0000-0000-0000-000000000000'::uuid"

DELTAS = f"""
grains (kind, grain) AS (VALUES ('daily', 'day'), ('all', 'month'), ('source', 'month'), ('assignee', 'month'),
    ('campaign', 'month'), ('partner', 'month')),
happened AS MATERIALIZED (
    SELECT seq, lead_id, type, actor_id, from_status_id, to_status_id,
        (occurred_at AT TIME ZONE 'UTC')::date AS day,
        CASE WHEN from_status_id <> to_status_id THEN (data ->> 'seconds_in_previous')::float8 END AS seconds
    FROM events WHERE company_id = $1 AND seq > $2 AND seq <= $3 AND lead_id IS NOT NULL),
touched AS MATERIALIZED (
    SELECT lead_id FROM happened
    UNION SELECT lead_id FROM counted_leads WHERE company_id = $1
        AND lead_id IN (SELECT lead_id FROM quiet_edits WHERE company_id = $1 UNION ALL SELECT unnest($4::uuid[]))),
compared AS MATERIALIZED (
    SELECT t.lead_id, l.*, c.* FROM touched t CROSS JOIN LATERAL (
        SELECT status_id, value, currency, source, assignee,
            nullif(left(attribution ->> 'utm_campaign', $6), '') AS campaign,
            (created_at AT TIME ZONE 'UTC')::date AS created_on,
            (status_changed_at AT TIME ZONE 'UTC')::date AS since_on, (closed_at AT TIME ZONE 'UTC')::date AS closed_on
        FROM leads WHERE company_id = $1 AND id = t.lead_id OFFSET 0) l
    LEFT JOIN LATERAL (
        SELECT status_id AS old_status_id, value AS old_value, currency AS old_currency, words AS old_words,
            created_on AS old_created_on, since_on AS old_since_on, closed_on AS old_closed_on, passed AS old_passed
        FROM counted_leads WHERE company_id = $1 AND lead_id = t.lead_id OFFSET 0) c ON true),
brought AS MATERIALIZED (
    SELECT h.lead_id, min(k.company_id::text) AS partner FROM happened h JOIN api_keys k ON k.id = h.actor_id
    WHERE h.type = 'lead.created' AND k.company_id <> $1 GROUP BY h.lead_id),
known AS MATERIALIZED (SELECT kind, id, word FROM count_words WHERE company_id = $1),
said AS (
    SELECT 'source' AS kind, source AS word FROM compared UNION SELECT 'assignee', assignee FROM compared
    UNION SELECT 'campaign', campaign FROM compared UNION SELECT 'partner', partner FROM brought),
fresh AS (
    SELECT s.kind, s.word, (coalesce(k.last, 0) + row_number() OVER (PARTITION BY s.kind ORDER BY s.word))::int AS id
    FROM said s LEFT JOIN (SELECT kind, max(id) AS last FROM known GROUP BY kind) k USING (kind)
    WHERE s.word IS NOT NULL AND NOT EXISTS (SELECT FROM known n WHERE n.kind = s.kind AND n.word = s.word)),
named AS MATERIALIZED (
    SELECT kind, id, word FROM known WHERE word IS NOT NULL
    UNION ALL SELECT kind, id, word FROM fresh WHERE id <= $5),
walked AS (
    SELECT lead_id, array_agg(to_status_id ORDER BY seq) AS passed FROM (
        SELECT h.lead_id, h.to_status_id, min(h.seq) AS seq FROM happened h JOIN compared c USING (lead_id)
        WHERE h.to_status_id IS NOT NULL AND h.to_status_id <> ALL (coalesce(c.old_passed, '{{}}'))
        GROUP BY h.lead_id, h.to_status_id) AS first
    GROUP BY lead_id),
counted AS MATERIALIZED (
    SELECT c.*, coalesce(c.old_passed, '{{}}') || coalesce(w.passed, '{{}}') AS passed, ARRAY[
            CASE WHEN c.source IS NULL THEN 0 ELSE coalesce(s.id, -1) END,
            CASE WHEN c.assignee IS NULL THEN 0 ELSE coalesce(a.id, -1) END,
            CASE WHEN c.campaign IS NULL THEN 0 ELSE coalesce(u.id, -1) END,
            coalesce(c.old_words[4], CASE WHEN b.partner IS NULL THEN 0 ELSE coalesce(p.id, -1) END)] AS words
    FROM compared c LEFT JOIN walked w USING (lead_id) LEFT JOIN brought b USING (lead_id)
    LEFT JOIN named s ON s.kind = 'source' AND s.word = c.source
    LEFT JOIN named a ON a.kind = 'assignee' AND a.word = c.assignee
    LEFT JOIN named u ON u.kind = 'campaign' AND u.word = c.campaign
    LEFT JOIN named p ON p.kind = 'partner' AND p.word = b.partner),
sides AS MATERIALIZED (
    SELECT c.lead_id, s.* FROM counted c CROSS JOIN LATERAL (VALUES
        (-1, old_status_id, old_value, old_currency, old_words, old_created_on, old_since_on, old_closed_on,
            old_passed),
        (1, status_id, value, currency, words, created_on, since_on, closed_on, passed)
    ) AS s(sign, status_id, value, currency, words, created_on, since_on, closed_on, passed)
    WHERE s.status_id IS NOT NULL
      AND (old_status_id, old_value, old_currency, old_words, old_created_on, old_since_on, old_closed_on, old_passed)
        IS DISTINCT FROM
        (c.status_id, c.value, c.currency, c.words, c.created_on, c.since_on, c.closed_on, c.passed)),
spread AS MATERIALIZED (
    SELECT s.sign, s.status_id, coalesce(s.value, 0) AS value, coalesce(s.currency, '') AS currency, s.passed, k.*,
        date_trunc(g.grain, s.created_on::timestamp)::date AS created_on,
        date_trunc(g.grain, s.closed_on::timestamp)::date AS closed_on,
        CASE WHEN k.kind = 'daily' THEN s.since_on END AS since_on
    FROM sides s CROSS JOIN LATERAL (VALUES ('daily', 0), ('all', 0), ('source', s.words[1]),
        ('assignee', s.words[2]), ('campaign', s.words[3]), ('partner', s.words[4])) AS k(kind, word)
    JOIN grains g USING (kind)
    WHERE k.word <> 0 OR k.kind IN ('daily', 'all')),
deltas AS MATERIALIZED (
    SELECT measure, kind, status_id, day, word, from_id, detail, sum(n)::bigint AS n, sum(value) AS value FROM (
        SELECT m.measure, s.kind, s.status_id, m.day, s.word, {_NOBODY} AS from_id, m.detail, s.sign AS n,
            s.sign * m.value AS value
        FROM spread s CROSS JOIN LATERAL (VALUES
            ('standing', s.created_on, s.currency, s.value), ('closed', s.closed_on, s.currency, s.value),
            ('since', s.since_on, '', 0)) AS m(measure, day, detail, value)
        WHERE m.day IS NOT NULL
        UNION ALL
        SELECT 'passed', s.kind, t.id, s.created_on, s.word, CASE WHEN f.place < t.place THEN f.id ELSE {_NOBODY} END,
            '', s.sign, 0
        FROM spread s CROSS JOIN LATERAL unnest(s.passed) WITH ORDINALITY AS t(id, place)
        CROSS JOIN LATERAL unnest(s.passed) WITH ORDINALITY AS f(id, place)
        WHERE f.place <= t.place
        UNION ALL
        SELECT 'moved', g.kind, h.to_status_id, date_trunc(g.grain, h.day::timestamp)::date, 0,
            coalesce(h.from_status_id, {_NOBODY}), '', 1, 0
        FROM happened h CROSS JOIN grains g
        WHERE h.to_status_id IS NOT NULL AND h.from_status_id IS DISTINCT FROM h.to_status_id
            AND g.kind IN ('daily', 'all')
        UNION ALL
        SELECT 'stayed', g.kind, h.from_status_id, date_trunc(g.grain, h.day::timestamp)::date, 0, {_NOBODY},
            (CASE WHEN h.seconds > 0 THEN 1 + floor(8 * ln(h.seconds) / ln(2::float8))::int ELSE 0 END)::text, 1, 0
        FROM happened h CROSS JOIN grains g
        WHERE h.seconds IS NOT NULL AND g.kind IN ('daily', 'all')) AS every
    GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(n) <> 0 OR sum(value) <> 0)
"""
