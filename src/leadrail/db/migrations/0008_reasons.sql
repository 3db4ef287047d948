-- Reasons and sub-statuses that can be renamed and archived, and moves counted by reason.

ALTER TABLE reasons ADD COLUMN archived_at timestamptz;
ALTER TABLE sub_statuses ADD COLUMN archived_at timestamptz;

-- A lead names its sub-status by id too, as it does its reason: the name beside the id is the one that was said.
ALTER TABLE leads ADD COLUMN sub_status_id uuid;
UPDATE leads l SET sub_status_id = u.id
FROM statuses s JOIN sub_statuses u ON u.company_id = s.company_id AND u.category = s.category
WHERE l.sub_status IS NOT NULL AND s.company_id = l.company_id AND s.channel_id = l.channel_id AND s.id = l.status_id
  AND lower(u.name) = lower(l.sub_status);

-- Only of what gave a reason, which most events do not: those are not in it.
CREATE INDEX events_reason ON events (company_id, channel_id, occurred_at)
    WHERE to_status_id IS NOT NULL AND (data ->> 'reason') IS NOT NULL;
