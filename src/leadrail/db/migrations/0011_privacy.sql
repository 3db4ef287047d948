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
