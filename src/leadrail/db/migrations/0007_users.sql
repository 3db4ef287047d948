-- Users: switched off without being deleted, keys that are theirs, and what each of them has read of the notices.

-- muted: the kinds of notices that the user does not want. notices_read_to: all up to this number of the feed are read.
ALTER TABLE users
    ADD COLUMN name text,
    ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    ADD COLUMN muted text[] NOT NULL DEFAULT '{}',
    ADD COLUMN notices_read_to bigint NOT NULL DEFAULT 0;
-- What happened before there were marks is not told late.
UPDATE users u SET notices_read_to = c.last_seq FROM event_counters c WHERE c.company_id = u.company_id;

-- user_id is null for a key of the company's own, as a website's form has one.
ALTER TABLE api_keys
    ADD COLUMN user_id uuid,
    ADD CONSTRAINT api_keys_user FOREIGN KEY (company_id, user_id) REFERENCES users;

-- What a user has read above notices_read_to. The place is the company for notices that were marked one by one, and a
-- channel for what was marked through a key that is bound to it. Kept as stretches that reach back to the notice before,
-- so there are as many as there are gaps of unread ones, however many were read.
CREATE TABLE notice_reads (
    company_id  uuid NOT NULL,
    user_id     uuid NOT NULL,
    place       uuid NOT NULL,
    seqs        int8multirange NOT NULL,
    PRIMARY KEY (company_id, user_id, place),
    FOREIGN KEY (company_id, user_id) REFERENCES users
);

-- The notices alone, so that what was imported or edited in between is stepped over; and one notice by its id.
CREATE INDEX events_notices ON events (company_id, seq) WHERE notice;
CREATE INDEX events_notice ON events (company_id, id) WHERE notice;
