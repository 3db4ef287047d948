-- What becomes of somebody who comes in again.

ALTER TABLE channels
    DROP CONSTRAINT channels_duplicates_check,
    ADD CONSTRAINT channels_duplicates_check CHECK (duplicates IN ('allow', 'reject', 'update', 'attach'));
