-- What clients of other systems bring along: pausing, purchases, keys with a time zone, the names of webhook events.

ALTER TABLE channels ADD COLUMN paused_at timestamptz;

-- Where a till stands; null: the company's zone.
ALTER TABLE api_keys ADD COLUMN time_zone text;

-- By which of its vendor's names a dialect-format endpoint hears of an event.
ALTER TABLE endpoints ADD COLUMN event_names text NOT NULL DEFAULT 'first' CHECK (event_names IN ('first', 'newest'));

CREATE TABLE purchases (
    company_id    uuid NOT NULL,
    lead_id       uuid NOT NULL,
    id            uuid NOT NULL,
    name          text,
    description   text,
    amount        numeric,
    currency      text,
    purchased_at  timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (company_id, lead_id, id),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads
);

-- What the system that a channel was moved from called it: its clients go on using that name.
CREATE TABLE channel_aliases (
    company_id   uuid NOT NULL,
    system       text NOT NULL,
    external_id  text NOT NULL,
    channel_id   uuid NOT NULL,
    PRIMARY KEY (company_id, system, external_id),
    UNIQUE (company_id, channel_id, system),
    FOREIGN KEY (company_id, channel_id) REFERENCES channels
);
