-- The foundation: companies, channels, leads, events, deliveries, rewards.
--
-- Every tenant table has company_id first in its key, and every row that a change of a lead writes carries the
-- company_id of that lead (also when a partner of a shared channel wrote it or will receive it), so a change stays
-- inside one company. Directories (companies, api_keys, channels, channel_members) are small and may be looked up
-- without naming a company.

CREATE TABLE companies (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    country     text CHECK (country ~ '^[A-Z]{2}$'),
    time_zone   text NOT NULL DEFAULT 'UTC',
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- The last number of the company's event feed. Locked last in a write, so the numbers are gapless and in commit order.
CREATE TABLE event_counters (
    company_id  uuid PRIMARY KEY REFERENCES companies,
    last_seq    bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20);

CREATE TABLE users (
    company_id  uuid NOT NULL REFERENCES companies,
    id          uuid NOT NULL,
    email       text NOT NULL,
    role        text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX users_email ON users (company_id, lower(email));

CREATE TABLE channels (
    company_id          uuid NOT NULL REFERENCES companies,
    id                  uuid NOT NULL UNIQUE,
    public_id           uuid NOT NULL UNIQUE,
    number              bigint GENERATED ALWAYS AS IDENTITY,
    title               text NOT NULL,
    currency            text CHECK (currency ~ '^[A-Z]{3}$'),
    template            text NOT NULL,
    public_submissions  boolean NOT NULL DEFAULT false,
    duplicates          text NOT NULL DEFAULT 'allow' CHECK (duplicates IN ('allow')),
    config_version      bigint NOT NULL DEFAULT 1,
    created_at          timestamptz NOT NULL DEFAULT now(),
    archived_at         timestamptz,
    PRIMARY KEY (company_id, id)
);

CREATE TABLE statuses (
    company_id   uuid NOT NULL,
    channel_id   uuid NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    category     text NOT NULL CHECK (category IN ('open', 'qualified', 'won', 'lost', 'on_hold', 'deleted')),
    position     integer NOT NULL,
    color        text NOT NULL,
    visible      boolean NOT NULL DEFAULT true,
    requires     text[] NOT NULL DEFAULT '{}',
    next         uuid[],
    archived_at  timestamptz,
    PRIMARY KEY (company_id, channel_id, id),
    FOREIGN KEY (company_id, channel_id) REFERENCES channels
);
CREATE UNIQUE INDEX statuses_name ON statuses (company_id, channel_id, lower(name)) WHERE archived_at IS NULL;

CREATE TABLE properties (
    company_id   uuid NOT NULL,
    channel_id   uuid NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    type         text NOT NULL CHECK (type IN ('text', 'number', 'boolean', 'date', 'select')),
    options      text[] NOT NULL DEFAULT '{}',
    position     integer NOT NULL,
    visible      boolean NOT NULL DEFAULT true,
    archived_at  timestamptz,
    PRIMARY KEY (company_id, channel_id, id),
    FOREIGN KEY (company_id, channel_id) REFERENCES channels
);
CREATE UNIQUE INDEX properties_name ON properties (company_id, channel_id, lower(name)) WHERE archived_at IS NULL;

CREATE TABLE channel_members (
    company_id         uuid NOT NULL,
    channel_id         uuid NOT NULL,
    member_company_id  uuid NOT NULL REFERENCES companies,
    role               text NOT NULL CHECK (role IN ('creator', 'partner', 'referring', 'receiving')),
    PRIMARY KEY (company_id, channel_id, member_company_id, role),
    FOREIGN KEY (company_id, channel_id) REFERENCES channels
);
CREATE INDEX channel_members_member ON channel_members (member_company_id);

-- Why a change was made. The number is for faces that name reasons by an integer.
CREATE TABLE reasons (
    company_id  uuid NOT NULL REFERENCES companies,
    id          uuid NOT NULL,
    number      bigint GENERATED ALWAYS AS IDENTITY,
    text        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX reasons_text ON reasons (company_id, lower(text));

CREATE TABLE sub_statuses (
    company_id  uuid NOT NULL REFERENCES companies,
    id          uuid NOT NULL,
    category    text NOT NULL CHECK (category IN ('open', 'qualified', 'won', 'lost', 'on_hold', 'deleted')),
    name        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX sub_statuses_name ON sub_statuses (company_id, category, lower(name));

-- A key is found by its SHA-256 alone: 256 random bits need no salt. A till's password is a person's, hence Argon2.
CREATE TABLE api_keys (
    company_id       uuid NOT NULL REFERENCES companies,
    id               uuid NOT NULL,
    name             text NOT NULL,
    digest           bytea UNIQUE,
    till             text UNIQUE,
    till_password    text,
    till_number      bigint GENERATED ALWAYS AS IDENTITY,
    scopes           text[] NOT NULL,
    channel_ids      uuid[] NOT NULL DEFAULT '{}',
    default_channel  uuid,
    created_at       timestamptz NOT NULL DEFAULT now(),
    expires_at       timestamptz,
    revoked_at       timestamptz,
    last_used_at     timestamptz,
    PRIMARY KEY (company_id, id)
);

CREATE SEQUENCE lead_numbers;

CREATE TABLE leads (
    company_id         uuid NOT NULL,
    id                 uuid NOT NULL,
    number             bigint NOT NULL,
    channel_id         uuid NOT NULL,
    status_id          uuid NOT NULL,
    sub_status         text,
    reason_id          uuid,
    reason             text,
    email              text,
    phone              text,
    linkedin_url       text,
    first_name         text,
    last_name          text,
    name               text,
    title              text,
    company_name       text,
    source             text,
    assignee           text,
    notes              text,
    business_id        text,
    value              numeric,
    currency           text,
    properties         jsonb NOT NULL DEFAULT '{}',
    attribution        jsonb NOT NULL DEFAULT '{}',
    next_follow_up_at  timestamptz,
    last_follow_up_at  timestamptz,
    qualified_at       timestamptz,
    closed_at          timestamptz,
    status_changed_at  timestamptz NOT NULL,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    version            bigint NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, channel_id, status_id) REFERENCES statuses (company_id, channel_id, id)
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX leads_number ON leads (company_id, number);
CREATE INDEX leads_board ON leads (company_id, channel_id, status_id, number);

-- By what a lead is found: folded e-mail, E.164 phone, LinkedIn slug, business id. Apart from leads, because a
-- status change writes a new row version into every index of leads and must not touch these.
CREATE TABLE lead_keys (
    company_id  uuid NOT NULL,
    kind        text NOT NULL,
    key         text NOT NULL,
    lead_id     uuid NOT NULL,
    PRIMARY KEY (company_id, kind, key, lead_id),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads ON DELETE CASCADE
);
CREATE INDEX lead_keys_lead ON lead_keys (company_id, lead_id);

CREATE TABLE events (
    company_id      uuid NOT NULL,
    seq             bigint NOT NULL,
    id              uuid NOT NULL,
    type            text NOT NULL,
    lead_id         uuid,
    channel_id      uuid,
    from_status_id  uuid,
    to_status_id    uuid,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    actor_kind      text NOT NULL,
    actor_id        uuid,
    face            text NOT NULL,
    notice          boolean NOT NULL,
    data            json NOT NULL,
    PRIMARY KEY (company_id, seq),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads
);
CREATE INDEX events_lead ON events (company_id, lead_id, seq);

CREATE TABLE follow_ups (
    company_id      uuid NOT NULL,
    lead_id         uuid NOT NULL,
    id              uuid NOT NULL,
    number          bigint GENERATED ALWAYS AS IDENTITY,
    scheduled_at    timestamptz,
    followed_up_at  timestamptz,
    followed_up_by  text,
    notes           text,
    created_by      text,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (company_id, lead_id, id),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads
);

CREATE TABLE reward_triggers (
    company_id   uuid NOT NULL,
    channel_id   uuid NOT NULL,
    id           uuid NOT NULL,
    cause        text NOT NULL CHECK (cause IN ('new_lead', 'status_change', 'purchase')),
    status_id    uuid,
    kind         text NOT NULL CHECK (kind IN ('fixed', 'percent')),
    amount       numeric NOT NULL CHECK (amount > 0),
    repeat       boolean NOT NULL DEFAULT false,
    state        text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
    archived_at  timestamptz,
    PRIMARY KEY (company_id, channel_id, id),
    FOREIGN KEY (company_id, channel_id) REFERENCES channels,
    FOREIGN KEY (company_id, channel_id, status_id) REFERENCES statuses (company_id, channel_id, id),
    CHECK ((cause = 'status_change') = (status_id IS NOT NULL))
);

CREATE TABLE rewards (
    company_id         uuid NOT NULL,
    id                 uuid NOT NULL,
    lead_id            uuid NOT NULL,
    channel_id         uuid NOT NULL,
    trigger_id         uuid NOT NULL,
    earner_company_id  uuid NOT NULL REFERENCES companies,
    once               boolean NOT NULL,
    amount             numeric NOT NULL CHECK (amount > 0),
    currency           text,
    state              text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'paid')),
    created_at         timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads,
    FOREIGN KEY (company_id, channel_id, trigger_id) REFERENCES reward_triggers (company_id, channel_id, id)
);
-- A reward is never paid twice for the same lead and trigger, unless the trigger says so.
CREATE UNIQUE INDEX rewards_once ON rewards (company_id, lead_id, trigger_id) WHERE once;
CREATE INDEX rewards_lead ON rewards (company_id, lead_id);
CREATE INDEX rewards_earner ON rewards (earner_company_id, id);

CREATE TABLE endpoints (
    company_id   uuid NOT NULL REFERENCES companies,
    id           uuid NOT NULL,
    url          text NOT NULL,
    events       text[] NOT NULL,
    channel_id   uuid,
    format       text NOT NULL CHECK (format IN ('native', 'keenpartner', 'sendpilot')),
    ordered      boolean NOT NULL DEFAULT false,
    state        text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'deleted')),
    secret       text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, id)
);

-- company_id is the lead's company; the endpoint may be a partner's.
CREATE TABLE deliveries (
    company_id           uuid NOT NULL,
    id                   uuid NOT NULL,
    event_seq            bigint NOT NULL,
    event_id             uuid NOT NULL,
    endpoint_company_id  uuid NOT NULL,
    endpoint_id          uuid NOT NULL,
    state                text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'delivered', 'parked', 'cancelled')),
    due_at               timestamptz NOT NULL,
    attempts             integer NOT NULL DEFAULT 0,
    last_outcome         text,
    payload              text,
    created_at           timestamptz NOT NULL,
    finished_at          timestamptz,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, event_seq) REFERENCES events
) WITH (fillfactor = 85);
-- By endpoint too, so that a worker steps over the whole backlog of an endpoint in one probe.
CREATE INDEX deliveries_due ON deliveries (company_id, endpoint_id, due_at) WHERE state = 'due';

CREATE TABLE attempts (
    company_id   uuid NOT NULL,
    delivery_id  uuid NOT NULL,
    number       integer NOT NULL,
    started_at   timestamptz NOT NULL,
    duration_ms  integer NOT NULL,
    outcome      text NOT NULL,
    status_code  integer,
    response     bytea,
    PRIMARY KEY (company_id, delivery_id, number),
    FOREIGN KEY (company_id, delivery_id) REFERENCES deliveries
);

CREATE TABLE idempotency_keys (
    company_id   uuid NOT NULL REFERENCES companies,
    key          text NOT NULL,
    fingerprint  bytea NOT NULL,
    status       integer NOT NULL,
    body         bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (company_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
