-- How far a move of a vendor's account has come, so that a broken one goes on there. A finished one leaves no row.

CREATE TABLE moving_places (
    company_id  uuid NOT NULL REFERENCES companies,
    vendor      text NOT NULL,
    source      text NOT NULL,
    place       jsonb NOT NULL,
    read        bigint NOT NULL,
    brought     bigint NOT NULL,
    known       bigint NOT NULL,
    refused     bigint NOT NULL,
    altered     bigint NOT NULL,
    unread      bigint NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, vendor, source)
);
