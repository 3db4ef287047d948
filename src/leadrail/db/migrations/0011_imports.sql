-- Leads brought in from files. A lead that an import makes has the import's id plus the number of its row, so which
-- ones these are needs no table.

CREATE TABLE imports (
    company_id       uuid NOT NULL REFERENCES companies,
    id               uuid NOT NULL,
    channel_id       uuid NOT NULL,
    lead_company_id  uuid NOT NULL,
    name             text NOT NULL,
    digest           bytea NOT NULL,
    size             bigint NOT NULL,
    stored           boolean NOT NULL,
    state            text NOT NULL
        CHECK (state IN ('draft', 'checking', 'running', 'done', 'failed', 'undoing', 'undone')),
    layout           jsonb NOT NULL,
    options          jsonb NOT NULL,
    rows             bigint NOT NULL,
    place            bigint NOT NULL DEFAULT 0,
    counts           jsonb NOT NULL DEFAULT '{}',
    checked          jsonb,
    undo             jsonb,
    undo_place       uuid,
    error            text,
    actor_kind       text NOT NULL,
    actor_id         uuid,
    created_at       timestamptz NOT NULL,
    started_at       timestamptz,
    finished_at      timestamptz,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (lead_company_id, channel_id) REFERENCES channels (company_id, id)
);
CREATE INDEX imports_digest ON imports (company_id, digest);
CREATE INDEX imports_open ON imports (id) WHERE state IN ('checking', 'running', 'undoing');
-- What is kept for a while only: files that were not started, rows that were refused, leads as they were.
CREATE INDEX imports_age ON imports (created_at);

-- The file, from its upload to the end of its import.
CREATE TABLE import_chunks (
    company_id  uuid NOT NULL,
    import_id   uuid NOT NULL,
    place       integer NOT NULL,
    body        bytea NOT NULL,
    PRIMARY KEY (company_id, import_id, place),
    FOREIGN KEY (company_id, import_id) REFERENCES imports ON DELETE CASCADE
);

-- The rows that were refused, with the identity keys (as kind:key) by which an erasure finds them.
CREATE TABLE import_refusals (
    company_id  uuid NOT NULL,
    import_id   uuid NOT NULL,
    row         bigint NOT NULL,
    cells       text[] NOT NULL,
    error       text NOT NULL,
    keys        text[] NOT NULL,
    PRIMARY KEY (company_id, import_id, row),
    FOREIGN KEY (company_id, import_id) REFERENCES imports ON DELETE CASCADE
);
CREATE INDEX import_refusals_keys ON import_refusals USING gin (keys);

-- The leads that an import changed: as they were (null: it made them), and the version that it left.
CREATE TABLE import_leads (
    company_id  uuid NOT NULL,
    import_id   uuid NOT NULL,
    lead_id     uuid NOT NULL,
    before      jsonb,
    version     bigint NOT NULL,
    PRIMARY KEY (company_id, import_id, lead_id),
    FOREIGN KEY (company_id, import_id) REFERENCES imports ON DELETE CASCADE
);
CREATE INDEX import_leads_lead ON import_leads (company_id, lead_id) WHERE before IS NOT NULL;

-- A mapping of columns, kept under a name.
CREATE TABLE import_presets (
    company_id  uuid NOT NULL REFERENCES companies,
    id          uuid NOT NULL,
    name        text NOT NULL,
    options     jsonb NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    UNIQUE (company_id, name)
);
