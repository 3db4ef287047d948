-- Bulk changes: one change of many leads, worked through in the background, with what became of each lead.

-- action and filter may say something of a person, so they go when nothing is left to do; summary and filtered_by are
-- what is shown, without values. lead_below: the list is not whole yet, and what follows has numbers below this one.
-- The items are done in their order, so changed + unchanged + refused is also the place of the last one done.
-- lease_until: who works on it may do so until then; past, it is free, and the one free for longest comes first.
CREATE TABLE bulk_changes (
    company_id   uuid NOT NULL REFERENCES companies,
    id           uuid NOT NULL,
    key_id       uuid NOT NULL,
    state        text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'cancelled', 'stopped')),
    summary      jsonb NOT NULL,
    filtered_by  text[],
    action       jsonb,
    filter       jsonb,
    lead_below   bigint,
    total        integer NOT NULL DEFAULT 0,
    changed      integer NOT NULL DEFAULT 0,
    unchanged    integer NOT NULL DEFAULT 0,
    refused      integer NOT NULL DEFAULT 0,
    stopped_because text,
    created_at   timestamptz NOT NULL,
    started_at   timestamptz,
    finished_at  timestamptz,
    lease_until  timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, key_id) REFERENCES api_keys
);
-- For the worker, which asks every second and finds it empty as a rule.
CREATE INDEX bulk_changes_open ON bulk_changes (company_id, id) WHERE state IN ('waiting', 'running');

-- The lead may be another company's, in a channel that is shared with this one, or nobody's.
CREATE TABLE bulk_items (
    company_id  uuid NOT NULL,
    bulk_id     uuid NOT NULL,
    n           integer NOT NULL,
    lead_id     uuid NOT NULL,
    outcome     text CHECK (outcome IN ('changed', 'unchanged', 'refused')),
    code        text,
    message     text,
    PRIMARY KEY (company_id, bulk_id, n),
    FOREIGN KEY (company_id, bulk_id) REFERENCES bulk_changes
);
-- The refused ones of a long list, which are few as a rule.
CREATE INDEX bulk_items_refused ON bulk_items (company_id, bulk_id, n) WHERE outcome = 'refused';
