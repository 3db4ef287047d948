-- Whom Capillary's clients know by a number: the customer behind an e-mail address or a mobile number.

-- The numbers begin where neither lead numbers nor the customer ids of the callers' own books reach, so that a
-- `userId` names one customer only.
CREATE TABLE capillary_customers (
    company_id      uuid NOT NULL REFERENCES companies,
    id_type         text NOT NULL CHECK (id_type IN ('EMAIL', 'MOBILE')),
    identifier_key  text NOT NULL,
    number          bigint GENERATED ALWAYS AS IDENTITY (START WITH 1000000000000),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id_type, identifier_key)
);
