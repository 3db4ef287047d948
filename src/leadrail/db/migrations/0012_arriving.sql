-- What becomes of somebody who comes in again.

ALTER TABLE channels
    DROP CONSTRAINT channels_duplicates_check,
    ADD CONSTRAINT channels_duplicates_check CHECK (duplicates IN ('allow', 'reject', 'update', 'attach'));

-- The data of an event without the person, as in 0006, and of what is told of arrivals too.
CREATE OR REPLACE FUNCTION without_person(data jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN key IN ('changed', 'sent') THEN '{}'::jsonb
        WHEN key IN ('lead', 'follow_up', 'purchase', 'reward') THEN blanked(value)
        WHEN key = 'note' AND jsonb_typeof(value) = 'object' THEN blanked(value)
        WHEN key IN ('note', 'assignee') THEN 'null'::jsonb
        WHEN key = 'reason' AND coalesce(data -> 'reason_id', 'null') = 'null' THEN 'null'::jsonb
        ELSE value END), '{}')
    FROM jsonb_each(data)
    WHERE key IN ('from', 'to', 'value', 'currency', 'seconds_in_previous', 'reason', 'reason_id', 'sub_status', 'note',
        'changed', 'follow_up', 'next_follow_up_at', 'follow_up_at', 'assignee', 'purchase', 'reward', 'rule',
        'reversible_until', 'reverses', 'lead', 'matched', 'sent')
$$;

-- Who gets a channel's new leads.
CREATE TABLE assignments (
    company_id  uuid NOT NULL,
    channel_id  uuid NOT NULL,
    plan        jsonb NOT NULL,
    PRIMARY KEY (company_id, channel_id),
    FOREIGN KEY (company_id, channel_id) REFERENCES channels
);

-- Whose turn it is. Apart from the plan, since every batch of new leads writes it once.
CREATE TABLE assignment_turns (
    company_id  uuid NOT NULL,
    channel_id  uuid NOT NULL,
    turns       jsonb NOT NULL,
    PRIMARY KEY (company_id, channel_id),
    FOREIGN KEY (company_id, channel_id) REFERENCES assignments
) WITH (fillfactor = 20);

-- Who got how many leads of a batch that is under way, or of which nobody has told yet. A batch that was told leaves none.
CREATE TABLE assigned_batches (
    company_id  uuid NOT NULL,
    batch_id    uuid NOT NULL,
    channel_id  uuid NOT NULL,
    assignee    text NOT NULL,
    leads       bigint NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (company_id, batch_id, channel_id, assignee),
    FOREIGN KEY (company_id, channel_id) REFERENCES channels
);
CREATE INDEX assigned_batches_age ON assigned_batches (at);
