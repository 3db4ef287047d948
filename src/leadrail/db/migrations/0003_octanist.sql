-- What Octanist keeps of its own: a setting of the organisation, and what its advertisements cost.

CREATE TABLE octanist_settings (
    company_id    uuid PRIMARY KEY REFERENCES companies,
    bulk_updates  boolean NOT NULL
);

-- Spend that belongs to no campaign has the campaign id ''.
CREATE TABLE octanist_ad_spend (
    company_id     uuid NOT NULL REFERENCES companies,
    day            date NOT NULL,
    platform       text NOT NULL,
    campaign_id    text NOT NULL,
    campaign_name  text,
    cost           numeric NOT NULL CHECK (cost >= 0),
    currency       text CHECK (currency ~ '^[A-Z]{3}$'),
    impressions    bigint,
    clicks         bigint,
    conversions    numeric,
    PRIMARY KEY (company_id, day, platform, campaign_id)
);
