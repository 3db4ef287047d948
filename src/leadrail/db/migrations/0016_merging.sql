-- Leads of one person made one, and apart again.

-- merged_into: the lead that stands for this one; it is in no list and has no keys then. merged_keys: by what those that
-- were merged into a lead were found, by kind, so that the lead is found by it too; null where none ever was.
ALTER TABLE leads
    ADD COLUMN merged_into uuid,
    ADD COLUMN merged_keys jsonb,
    ADD CONSTRAINT leads_merged_into FOREIGN KEY (company_id, merged_into) REFERENCES leads (company_id, id);
-- Whom a lead stands for. By the lead first: who earns of another company's lead asks without knowing whose it is.
CREATE INDEX leads_merged ON leads (merged_into, company_id) WHERE merged_into IS NOT NULL;
-- Lists and counts go along these and show no merged lead.
DROP INDEX leads_board;
CREATE INDEX leads_board ON leads (company_id, channel_id, status_id, number) WHERE merged_into IS NULL;
DROP INDEX leads_updated;
CREATE INDEX leads_updated ON leads (company_id, updated_at, number) WHERE merged_into IS NULL;
DROP INDEX leads_status_changed;
CREATE INDEX leads_status_changed ON leads (company_id, status_changed_at, number) WHERE merged_into IS NULL;
DROP INDEX leads_value;
CREATE INDEX leads_value ON leads (company_id, value, number) WHERE value IS NOT NULL AND merged_into IS NULL;

-- A lead and all for which it stands. Without a company: whosever they are.
CREATE FUNCTION lead_family(company uuid, lead uuid) RETURNS uuid[] LANGUAGE sql STABLE AS $$
    WITH RECURSIVE family (id) AS (
        SELECT lead
        UNION
        SELECT l.id FROM family f JOIN leads l ON l.merged_into = f.id AND (company IS NULL OR l.company_id = company)
    )
    SELECT array_agg(id) FROM family
$$;

-- lead_id is the lead that stands for the others since. kept: what taking it back needs, gone with it or the person.
CREATE TABLE merges (
    company_id   uuid NOT NULL,
    id           uuid NOT NULL,
    lead_id      uuid NOT NULL,
    merged_ids   uuid[] NOT NULL,
    merged_at    timestamptz NOT NULL,
    undone_at    timestamptz,
    kept         jsonb,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads
);
CREATE INDEX merges_lead ON merges (company_id, lead_id, id);

-- Such a lead is not counted, and keeps what it was counted by.
ALTER TABLE counted_leads ADD COLUMN merged boolean NOT NULL DEFAULT false;

-- An object without what says who somebody is, as in 0006 and 0014, and what the answer to a merge says of it besides.
CREATE OR REPLACE FUNCTION blanked(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN key IN ('properties', 'attribution', 'changed') THEN '{}'::jsonb
        WHEN key IN ('withdrawn', 'given_back') THEN '[]'::jsonb
        WHEN key IN ('email', 'phone', 'linkedin_url', 'first_name', 'last_name', 'name', 'title', 'company_name',
            'source', 'assignee', 'notes', 'business_id', 'reason', 'text', 'author', 'description',
            'followed_up_by', 'created_by', 'proof') THEN 'null'::jsonb
        WHEN key = 'lead' AND jsonb_typeof(inner_value) = 'object' THEN blanked(inner_value)
        ELSE inner_value END), '{}')
    FROM jsonb_each(value) AS member(key, inner_value)
$$;

-- The data of an event without the person, as in 0006, 0012 and 0014, and of what is told of merges too.
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
        'reversible_until', 'reverses', 'lead', 'matched', 'sent', 'consent', 'merge_id', 'into', 'leads',
        'taken', 'kept')
$$;
