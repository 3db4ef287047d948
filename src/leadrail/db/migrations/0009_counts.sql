-- What is counted of leads, kept beside them: a worker folds the feed of events into it (docs/decisions/counts.md).

-- How far a company's feed has been counted. Whoever counts holds its row; nobody who writes a lead looks at it.
CREATE TABLE count_places (
    company_id  uuid PRIMARY KEY REFERENCES companies,
    seq         bigint NOT NULL
);

-- The words by which leads are counted, the first of each kind; a word whose last lead is gone leaves its number empty.
CREATE TABLE count_words (
    company_id  uuid NOT NULL REFERENCES companies,
    kind        text NOT NULL CHECK (kind IN ('source', 'assignee', 'campaign', 'partner')),
    id          integer NOT NULL,
    word        text,
    leads       bigint NOT NULL,
    PRIMARY KEY (company_id, kind, id)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX count_words_word ON count_words (company_id, kind, word);

-- A lead as it was counted last: what it has become since is what is to be added. words: numbers of source, assignee,
-- campaign and partner, 0 for none, -1 for one beyond those that have numbers. passed: the statuses that it has been in, by
-- when it first was. No reference to leads: checking it would cost as much as the row.
CREATE TABLE counted_leads (
    company_id  uuid NOT NULL,
    lead_id     uuid NOT NULL,
    status_id   uuid NOT NULL,
    value       numeric,
    currency    text,
    words       integer[] NOT NULL,
    created_on  date NOT NULL,
    since_on    date NOT NULL,
    closed_on   date,
    passed      uuid[] NOT NULL,
    PRIMARY KEY (company_id, lead_id)
) WITH (fillfactor = 80);

-- The sums. A status is one channel's, so no channel is named. `day` is a month's first but where the kind is `daily`.
-- `detail` is a currency or the step of a length of time.
CREATE TABLE counts (
    company_id  uuid NOT NULL,
    status_id   uuid NOT NULL,
    measure     text COLLATE "C" NOT NULL CHECK (measure IN ('standing', 'closed', 'since', 'passed', 'moved', 'stayed')),
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('daily', 'all', 'source', 'assignee', 'campaign', 'partner')),
    day         date NOT NULL,
    word        integer NOT NULL,
    from_id     uuid NOT NULL,
    detail      text COLLATE "C" NOT NULL,
    n           bigint NOT NULL,
    value       numeric NOT NULL,
    PRIMARY KEY (company_id, status_id, measure, kind, day, word, from_id, detail)
) WITH (fillfactor = 70);

-- Leads that were changed without an event (a vendor's quiet edit), to be counted anew.
CREATE TABLE quiet_edits (
    company_id  uuid NOT NULL,
    number      bigint GENERATED ALWAYS AS IDENTITY,
    lead_id     uuid NOT NULL,
    PRIMARY KEY (company_id, number)
);
