-- By what else a status is found: the names that it had, and for an archived one the status to which its leads went.
ALTER TABLE statuses
    ADD COLUMN former_names text[] NOT NULL DEFAULT '{}',
    ADD COLUMN replaced_by uuid,
    ADD CONSTRAINT statuses_replaced_by FOREIGN KEY (company_id, channel_id, replaced_by)
        REFERENCES statuses (company_id, channel_id, id);
