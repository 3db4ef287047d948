-- Finding leads: words, sorted lists, saved views.
--
-- Apart from leads, because a change of status writes a new row version into every index of leads and must not touch
-- these. A lead is named by its number, in whose order lists go. Neither table refers to leads: that would cost a
-- look-up for every word, and a lead that was there stays.

-- Of each lead what lists are ordered and narrowed by, and its words, each after a blank.
CREATE TABLE lead_finds (
    company_id  uuid NOT NULL,
    number      bigint NOT NULL,
    created_at  timestamptz NOT NULL,
    assignee    text COLLATE "C",
    source      text COLLATE "C",
    words       text COLLATE "C" NOT NULL,
    PRIMARY KEY (company_id, number)
) WITH (fillfactor = 90);

-- By what each lead is found: every word that is not the beginning of another one of it, and a mark for each value of a
-- property or of a campaign.
CREATE TABLE lead_words (
    company_id  uuid NOT NULL,
    word        text COLLATE "C" NOT NULL,
    number      bigint NOT NULL
);

-- What core/leads/words.py does, for the leads that are there. Words of the notes are the first hundred.
CREATE FUNCTION pg_temp.folded(given text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(replace(replace(
        translate(replace(replace(replace(
            lower(CASE WHEN given ~ '[^\x01-\x7f]' THEN regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]', '', 'g')
                ELSE given END),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'øłđıς', 'oldiσ'),
        'ae', 'a'), 'oe', 'o'), 'ue', 'u')
$$;

CREATE FUNCTION pg_temp.words_in(given text, most integer) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    SELECT substr(token, regexp_instr(token, '[[:alnum:]]+', 1, run))
    FROM regexp_split_to_table(pg_temp.folded(given), '\s+') WITH ORDINALITY AS part(raw, place),
        left(regexp_replace(raw, '^[^[:alnum:]]+|[^[:alnum:]]+$', '', 'g'), 100) AS token,
        regexp_count(token, '[[:alnum:]]+') AS runs,
        generate_series(1, least(6, runs - CASE WHEN token LIKE '%_@_%' THEN 1 ELSE 0 END)) AS run
    WHERE token <> '' AND place <= most
$$;

CREATE FUNCTION pg_temp.phone_words(raw text, key text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    -- Of alternatives the longest matches here, so three digits are said to be none of the others.
    SELECT digits FROM (VALUES ('1|7|2[07]|3[0123469]|4[013456789]|5[12345678]|6[0123456]|8[1246]|9[0123458]')) AS known(codes)
    CROSS JOIN LATERAL (VALUES
        (CASE WHEN key IS NOT NULL THEN substr(key, 2) ELSE ltrim(regexp_replace(raw, '[^0-9]', '', 'g'), '0') END),
        (regexp_replace(key, '^\+(' || codes || '|(?!' || codes || ')\d{3})', ''))
    ) AS found(digits) WHERE digits <> ''
$$;

CREATE FUNCTION pg_temp.mark(member text, value jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '=' || left(md5(member || '=' || CASE jsonb_typeof(value) WHEN 'number' THEN trim_scale(value::numeric)::text
        ELSE value #>> '{}' END), 16)
    WHERE jsonb_typeof(value) IN ('string', 'number', 'boolean')
$$;

INSERT INTO lead_finds (company_id, number, created_at, assignee, source, words)
SELECT l.company_id, l.number, l.created_at, l.assignee, l.source, coalesce((
    SELECT string_agg(' ' || word, '' ORDER BY word) FROM (
        SELECT word, lead(word) OVER (ORDER BY word) AS following FROM (
            SELECT DISTINCT word COLLATE "C" AS word FROM (
                SELECT pg_temp.words_in(concat_ws(' ', l.email, l.first_name, l.last_name, l.name, l.company_name), 100)
                UNION ALL SELECT pg_temp.phone_words(l.phone, (
                    SELECT min(k.key) FROM lead_keys k
                    WHERE k.company_id = l.company_id AND k.lead_id = l.id AND k.kind = 'phone'))
                WHERE l.phone IS NOT NULL
                UNION ALL SELECT pg_temp.words_in(l.notes, 100) WHERE l.notes IS NOT NULL
                UNION ALL SELECT pg_temp.mark(member, value) FROM jsonb_each(l.properties) AS p(member, value)
                UNION ALL SELECT pg_temp.mark(member, value) FROM jsonb_each(l.attribution) AS a(member, value)
                WHERE member IN ('utm_source', 'utm_medium', 'utm_campaign') AND jsonb_typeof(value) = 'string'
            ) AS every(word)
        ) AS each
    ) AS pairs WHERE following IS NULL OR NOT starts_with(following, word)
), '')
FROM leads l;

INSERT INTO lead_words (company_id, word, number)
SELECT company_id, word, number FROM lead_finds, string_to_table(substr(words, 2), ' ') AS word WHERE words <> '';

ALTER TABLE lead_words ADD PRIMARY KEY (company_id, word, number);
CREATE INDEX lead_finds_created ON lead_finds (company_id, created_at, number);
CREATE INDEX lead_finds_assignee ON lead_finds (company_id, assignee, number) WHERE assignee IS NOT NULL;
CREATE INDEX lead_finds_source ON lead_finds (company_id, source, number) WHERE source IS NOT NULL;

-- Orders that go by what a change of status writes. Both times only grow, so their indexes are written at one end.
CREATE INDEX leads_updated ON leads (company_id, updated_at, number);
CREATE INDEX leads_status_changed ON leads (company_id, status_changed_at, number);
CREATE INDEX leads_value ON leads (company_id, value, number) WHERE value IS NOT NULL;

-- user_id: who made it, null for a key of no user. bound_to: the channels to which that key was bound.
CREATE TABLE views (
    company_id  uuid NOT NULL REFERENCES companies,
    id          uuid NOT NULL,
    name        text NOT NULL,
    shared      boolean NOT NULL,
    user_id     uuid,
    bound_to    uuid[] NOT NULL,
    filter      jsonb NOT NULL,
    sort        text[] NOT NULL,
    fields      text[] NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, user_id) REFERENCES users,
    CHECK (shared OR user_id IS NOT NULL)
);
