-- Privacy: who may not come in again.

-- What the company's block list is hashed with. A company that blocks nobody has no row, and its writes look nothing up.
CREATE TABLE block_lists (
    company_id  uuid PRIMARY KEY REFERENCES companies,
    secret      bytea NOT NULL
);

-- digest: the keyed hash of a key, of its kind. Nothing else of a person is here; a domain is nobody's alone.
CREATE TABLE blocks (
    company_id  uuid NOT NULL REFERENCES block_lists,
    digest      bytea NOT NULL,
    id          uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('email', 'phone', 'linkedin', 'business_id', 'domain')),
    domain      text CHECK ((kind = 'domain') = (domain IS NOT NULL)),
    cause       text NOT NULL CHECK (cause IN ('request', 'erasure')),
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, digest)
);
CREATE UNIQUE INDEX blocks_id ON blocks (company_id, id);

-- How long a channel's leads keep their person: of a status, of a category, or all of them. When a lead's time comes is in
-- leads.rule_due_at, beside that of the channel's other rules: one mark and one index for all that time does to a lead.
CREATE TABLE retention_rules (
    company_id   uuid NOT NULL,
    channel_id   uuid NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    since        text NOT NULL CHECK (since IN ('last_change', 'closed')),
    after_days   integer NOT NULL CHECK (after_days BETWEEN 1 AND 36500),
    status_id    uuid,
    category     text CHECK (category IN ('open', 'qualified', 'won', 'lost', 'on_hold', 'deleted')),
    state        text NOT NULL CHECK (state IN ('active', 'paused')),
    created_at   timestamptz NOT NULL,
    archived_at  timestamptz,
    PRIMARY KEY (company_id, channel_id, id),
    FOREIGN KEY (company_id, channel_id) REFERENCES channels,
    FOREIGN KEY (company_id, channel_id, status_id) REFERENCES statuses (company_id, channel_id, id),
    CHECK (status_id IS NULL OR category IS NULL)
);

-- Statuses whose leads are to be made due anew, since a retention rule for them has changed.
CREATE TABLE retention_places (
    company_id  uuid NOT NULL,
    channel_id  uuid NOT NULL,
    status_id   uuid NOT NULL,
    PRIMARY KEY (company_id, channel_id, status_id),
    FOREIGN KEY (company_id, channel_id, status_id) REFERENCES statuses (company_id, channel_id, id)
);

-- What a person has agreed to, or on which other ground data is kept: rows are added and never changed, but that an erased
-- lead's lose source and proof. purpose is a word of the company's, not of anybody's.
CREATE TABLE consents (
    company_id   uuid NOT NULL,
    lead_id      uuid NOT NULL,
    id           uuid NOT NULL,
    purpose      text NOT NULL,
    basis        text NOT NULL CHECK (basis IN ('consent', 'contract', 'legal_obligation', 'vital_interest', 'public_task',
        'legitimate_interest')),
    state        text NOT NULL CHECK (state IN ('given', 'withdrawn')),
    at           timestamptz NOT NULL,
    source       text,
    proof        text,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, lead_id, id),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads
);

-- As in 0006 and 0012, and of consents too.
CREATE OR REPLACE FUNCTION blanked(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN key IN ('properties', 'attribution') THEN '{}'::jsonb
        WHEN key IN ('email', 'phone', 'linkedin_url', 'first_name', 'last_name', 'name', 'title', 'company_name',
            'source', 'assignee', 'notes', 'business_id', 'reason', 'text', 'author', 'description',
            'followed_up_by', 'created_by', 'proof') THEN 'null'::jsonb
        WHEN key = 'lead' AND jsonb_typeof(inner_value) = 'object' THEN blanked(inner_value)
        ELSE inner_value END), '{}')
    FROM jsonb_each(value) AS member(key, inner_value)
$$;

CREATE OR REPLACE FUNCTION without_person(data jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN key IN ('changed', 'sent') THEN '{}'::jsonb
        WHEN key IN ('lead', 'follow_up', 'purchase', 'reward', 'consent') THEN blanked(value)
        WHEN key = 'note' AND jsonb_typeof(value) = 'object' THEN blanked(value)
        WHEN key IN ('note', 'assignee') THEN 'null'::jsonb
        WHEN key = 'reason' AND coalesce(data -> 'reason_id', 'null') = 'null' THEN 'null'::jsonb
        ELSE value END), '{}')
    FROM jsonb_each(data)
    WHERE key IN ('from', 'to', 'value', 'currency', 'seconds_in_previous', 'reason', 'reason_id', 'sub_status', 'note',
        'changed', 'follow_up', 'next_follow_up_at', 'follow_up_at', 'assignee', 'purchase', 'reward', 'rule',
        'reversible_until', 'reverses', 'lead', 'matched', 'sent', 'consent')
$$;
