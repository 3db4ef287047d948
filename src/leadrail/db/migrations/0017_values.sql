-- Values of leads in a table of their own, as in 0013 what else leads are listed by: as an index of leads, each change of
-- status wrote the value of its lead anew, on a page that nothing else of the change needs.

-- Of each lead that has a value and was not merged into another.
CREATE TABLE lead_values (
    company_id  uuid NOT NULL,
    value       numeric NOT NULL,
    number      bigint NOT NULL
);

INSERT INTO lead_values (company_id, value, number)
SELECT company_id, value, number FROM leads WHERE value IS NOT NULL AND merged_into IS NULL;

ALTER TABLE lead_values ADD PRIMARY KEY (company_id, value, number);
DROP INDEX leads_value;
