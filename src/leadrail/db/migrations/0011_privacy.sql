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
