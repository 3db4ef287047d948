-- What follows a change: deliveries that are kept in order, logged and replayed, rewards with a hold, notes, reminders
-- and moves that a channel makes by itself.

-- follow_up_notice: the last notice given of the planned contact. rule_due_at: when the lead, if nobody touches it, is
-- moved by a rule of its channel. undo: what taking back the last move, made by a rule, needs.
ALTER TABLE leads
    ADD COLUMN follow_up_notice text CHECK (follow_up_notice IN ('due', 'overdue')),
    ADD COLUMN rule_due_at timestamptz,
    ADD COLUMN undo jsonb,
    ADD COLUMN erased_at timestamptz;
-- follow_up_status_id: the status that planned the next contact, if one did.
ALTER TABLE leads ADD COLUMN follow_up_status_id uuid;
-- What was missed before there were notices is not told late.
UPDATE leads SET follow_up_notice = 'overdue' WHERE next_follow_up_at < now() - interval '24 hours';
-- One for each notice, so that what was told is not looked at again before it is overdue; and one for the lists.
CREATE INDEX leads_follow_up ON leads (next_follow_up_at, id)
    WHERE next_follow_up_at IS NOT NULL AND follow_up_notice IS NULL;
CREATE INDEX leads_follow_up_told ON leads (next_follow_up_at, id) WHERE follow_up_notice = 'due';
CREATE INDEX leads_planned ON leads (company_id, next_follow_up_at, id) WHERE next_follow_up_at IS NOT NULL;
CREATE INDEX leads_rule ON leads (rule_due_at) WHERE rule_due_at IS NOT NULL;

-- What is planned when a lead enters the status.
ALTER TABLE statuses
    ADD COLUMN follow_up_after_s bigint CHECK (follow_up_after_s > 0),
    ADD COLUMN follow_up_note text;

CREATE TABLE notes (
    company_id  uuid NOT NULL,
    lead_id     uuid NOT NULL,
    id          uuid NOT NULL,
    text        text,
    author      text,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, lead_id, id),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads
);

-- placed_at: when the leads that were there before the rule had their rule_due_at.
CREATE TABLE channel_rules (
    company_id      uuid NOT NULL,
    channel_id      uuid NOT NULL,
    id              uuid NOT NULL,
    name            text NOT NULL,
    cause           text NOT NULL CHECK (cause IN ('untouched', 'purchase')),
    from_status_id  uuid,
    to_status_id    uuid NOT NULL,
    after_days      integer CHECK (after_days BETWEEN 1 AND 3650),
    reason          text,
    state           text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
    created_at      timestamptz NOT NULL,
    placed_at       timestamptz,
    archived_at     timestamptz,
    PRIMARY KEY (company_id, channel_id, id),
    FOREIGN KEY (company_id, channel_id) REFERENCES channels,
    FOREIGN KEY (company_id, channel_id, from_status_id) REFERENCES statuses (company_id, channel_id, id),
    FOREIGN KEY (company_id, channel_id, to_status_id) REFERENCES statuses (company_id, channel_id, id),
    CHECK ((cause = 'untouched') = (after_days IS NOT NULL)),
    CHECK (cause = 'purchase' OR from_status_id IS NOT NULL)
);
CREATE INDEX channel_rules_unplaced ON channel_rules (company_id, channel_id) WHERE placed_at IS NULL;

-- Endpoints: what each hears of, with which headers, and two secrets while one is rotated.
ALTER TABLE endpoints
    ADD COLUMN statuses text[] NOT NULL DEFAULT '{}',
    ADD COLUMN categories text[] NOT NULL DEFAULT '{}',
    ADD COLUMN changed text[] NOT NULL DEFAULT '{}',
    ADD COLUMN headers jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN previous_secret text,
    ADD COLUMN previous_secret_until timestamptz,
    ADD COLUMN disabled_at timestamptz,
    ADD COLUMN disabled_reason text,
    DROP CONSTRAINT endpoints_state_check,
    ADD CONSTRAINT endpoints_state_check CHECK (state IN ('active', 'paused', 'disabled', 'deleted'));

-- Endpoints that fail at present: how often in a row, and until when nothing is tried. One that takes deliveries has no
-- row, so a success has nothing to write.
CREATE TABLE endpoint_failures (
    company_id     uuid NOT NULL,
    endpoint_id    uuid NOT NULL,
    failing_since  timestamptz NOT NULL,
    failures       integer NOT NULL,
    trips          integer NOT NULL DEFAULT 0,
    resting_until  timestamptz,
    PRIMARY KEY (company_id, endpoint_id),
    FOREIGN KEY (company_id, endpoint_id) REFERENCES endpoints
);

-- event_seq is null for a test. attempts_before: those made before the delivery was last replayed.
ALTER TABLE deliveries
    ALTER COLUMN event_seq DROP NOT NULL,
    ADD COLUMN event_type text,
    ADD COLUMN lead_id uuid,
    ADD COLUMN ordered boolean NOT NULL DEFAULT false,
    ADD COLUMN attempts_before integer NOT NULL DEFAULT 0;
CREATE INDEX deliveries_ordered ON deliveries (company_id, endpoint_id, lead_id, event_seq)
    WHERE state = 'due' AND ordered;
-- With the event's place, since a replay makes many due at one moment: a claim must not sort them all.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (company_id, endpoint_id, due_at, event_seq) WHERE state = 'due';
CREATE INDEX deliveries_log ON deliveries (endpoint_company_id, endpoint_id, id);
CREATE INDEX deliveries_parked ON deliveries (endpoint_company_id, endpoint_id, id) WHERE state = 'parked';
-- By the lead first: the log of an endpoint asks for a lead without knowing whose it is.
CREATE INDEX deliveries_lead ON deliveries (lead_id, company_id) WHERE lead_id IS NOT NULL;
CREATE INDEX deliveries_kept ON deliveries (finished_at) WHERE payload IS NOT NULL AND finished_at IS NOT NULL;

-- Rewards: a cap, a hold, who pays, why it was decided so, and lines that correct others.
ALTER TABLE reward_triggers
    ADD COLUMN cap numeric CHECK (cap > 0),
    ADD COLUMN hold_days integer NOT NULL DEFAULT 0 CHECK (hold_days BETWEEN 0 AND 3650);
ALTER TABLE rewards
    ADD COLUMN payer_company_id uuid REFERENCES companies,
    ADD COLUMN hold_until timestamptz,
    ADD COLUMN reason text,
    ADD COLUMN corrects uuid,
    ADD COLUMN clawed_back boolean NOT NULL DEFAULT false,
    ADD COLUMN decided_at timestamptz,
    DROP CONSTRAINT rewards_amount_check,
    ADD CONSTRAINT rewards_amount_check CHECK (amount > 0 OR (amount < 0 AND corrects IS NOT NULL)),
    ADD CONSTRAINT rewards_corrects FOREIGN KEY (company_id, corrects) REFERENCES rewards (company_id, id);
-- Until now nobody but the channel's owner could be the one to pay.
UPDATE rewards SET payer_company_id = company_id;
ALTER TABLE rewards ALTER COLUMN payer_company_id SET NOT NULL;
DROP INDEX rewards_once;
-- A reward is never paid twice for the same lead and trigger, unless the trigger says so or it was taken back.
CREATE UNIQUE INDEX rewards_once ON rewards (company_id, lead_id, trigger_id) WHERE once AND NOT clawed_back;
-- By lead alone too: who earns of another company's lead asks for it without knowing whose it is.
DROP INDEX rewards_lead;
CREATE INDEX rewards_lead ON rewards (lead_id, company_id);
CREATE INDEX rewards_state ON rewards (company_id, state, id);
CREATE INDEX rewards_created ON rewards (company_id, created_at);
DROP INDEX rewards_earner;
CREATE INDEX rewards_earner ON rewards (earner_company_id, id) WHERE earner_company_id <> company_id;
CREATE INDEX rewards_payer ON rewards (payer_company_id, id) WHERE payer_company_id <> company_id;
CREATE INDEX rewards_corrected ON rewards (company_id, corrects) WHERE corrects IS NOT NULL;

-- What tells of a lead is found by it, to be erased. Deliveries from before they named theirs are found by their events;
-- of an erased lead's, what receivers answer is not kept.
ALTER TABLE idempotency_keys ADD COLUMN lead_company_id uuid, ADD COLUMN lead_id uuid;
CREATE INDEX idempotency_keys_lead ON idempotency_keys (lead_company_id, lead_id) WHERE lead_id IS NOT NULL;
ALTER TABLE deliveries ADD COLUMN erased boolean NOT NULL DEFAULT false;
CREATE INDEX deliveries_of_event ON deliveries (company_id, event_seq) WHERE lead_id IS NULL AND payload IS NOT NULL;

-- An object without what says who somebody is or what somebody wrote, its members kept.
CREATE FUNCTION blanked(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN key IN ('properties', 'attribution') THEN '{}'::jsonb
        WHEN key IN ('email', 'phone', 'linkedin_url', 'first_name', 'last_name', 'name', 'title', 'company_name',
            'source', 'assignee', 'notes', 'business_id', 'reason', 'text', 'author', 'description',
            'followed_up_by', 'created_by') THEN 'null'::jsonb
        WHEN key = 'lead' AND jsonb_typeof(inner_value) = 'object' THEN blanked(inner_value)
        ELSE inner_value END), '{}')
    FROM jsonb_each(value) AS member(key, inner_value)
$$;

-- The data of an event without the person: only members that are known to tell of the lead's way stay.
CREATE FUNCTION without_person(data jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN key = 'changed' THEN '{}'::jsonb
        WHEN key IN ('lead', 'follow_up', 'purchase', 'reward') THEN blanked(value)
        WHEN key = 'note' AND jsonb_typeof(value) = 'object' THEN blanked(value)
        WHEN key IN ('note', 'assignee') THEN 'null'::jsonb
        WHEN key = 'reason' AND coalesce(data -> 'reason_id', 'null') = 'null' THEN 'null'::jsonb
        ELSE value END), '{}')
    FROM jsonb_each(data)
    WHERE key IN ('from', 'to', 'value', 'currency', 'seconds_in_previous', 'reason', 'reason_id', 'sub_status', 'note',
        'changed', 'follow_up', 'next_follow_up_at', 'follow_up_at', 'assignee', 'purchase', 'reward', 'rule',
        'reversible_until', 'reverses', 'lead')
$$;
