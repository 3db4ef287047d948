"""A channel with everything that a write needs to know, cached per process by its configuration version."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Channel
from leadrail.core.rewards.model import Trigger
from leadrail.core.webhooks.model import Subscription
from leadrail.db.database import Connection


class Setup(msgspec.Struct, frozen=True):
    """`has_rewards`: the channel has or had a trigger, so its leads may have rewards that a move concerns.

    `block_secret`: what the block list of the channel's company is hashed with; None when it blocks nobody.
    """

    channel: Channel
    triggers: tuple[Trigger, ...]
    subscriptions: tuple[Subscription, ...]
    has_rewards: bool = False
    block_secret: bytes | None = None


# One statement, one row a channel: every list is small, and reading them together gives one consistent version.
_LOAD = """
SELECT json_build_object(
    'channel', json_build_object(
        'id', c.id, 'company_id', c.company_id, 'version', c.config_version, 'public_id', c.public_id,
        'number', c.number, 'title', c.title, 'currency', c.currency, 'template', c.template,
        'public_submissions', c.public_submissions, 'duplicates', c.duplicates, 'created_at', c.created_at,
        'paused_at', c.paused_at, 'archived_at', c.archived_at, 'country', o.country, 'time_zone', o.time_zone,
        'statuses', coalesce((
            SELECT json_agg(json_build_object(
                'id', s.id, 'name', s.name, 'category', s.category, 'position', s.position, 'color', s.color,
                'visible', s.visible, 'requires', s.requires, 'next', s.next,
                'follow_up_after_s', s.follow_up_after_s, 'follow_up_note', s.follow_up_note,
                'archived', s.archived_at IS NOT NULL, 'former_names', s.former_names, 'replaced_by', s.replaced_by)
                ORDER BY s.position, s.id)
            FROM statuses s WHERE s.company_id = c.company_id AND s.channel_id = c.id), '[]'),
        'properties', coalesce((
            SELECT json_agg(json_build_object(
                'id', p.id, 'name', p.name, 'type', p.type, 'position', p.position, 'options', p.options,
                'visible', p.visible, 'archived', p.archived_at IS NOT NULL) ORDER BY p.position, p.id)
            FROM properties p WHERE p.company_id = c.company_id AND p.channel_id = c.id), '[]'),
        'members', coalesce((
            SELECT json_agg(json_build_object('company_id', m.member_company_id, 'role', m.role)
                ORDER BY m.role, m.member_company_id)
            FROM channel_members m WHERE m.company_id = c.company_id AND m.channel_id = c.id), '[]'),
        'reasons', coalesce((
            SELECT json_agg(json_build_object('id', r.id, 'number', r.number, 'text', r.text,
                'archived', r.archived_at IS NOT NULL) ORDER BY r.number)
            FROM reasons r WHERE r.company_id = c.company_id), '[]'),
        'sub_statuses', coalesce((
            SELECT json_agg(json_build_object('id', u.id, 'category', u.category, 'name', u.name,
                'archived', u.archived_at IS NOT NULL) ORDER BY u.id)
            FROM sub_statuses u WHERE u.company_id = c.company_id), '[]'),
        'rules', coalesce((
            SELECT json_agg(json_build_object(
                'id', r.id, 'name', r.name, 'cause', r.cause, 'from_status_id', r.from_status_id,
                'to_status_id', r.to_status_id, 'after_days', r.after_days, 'reason', r.reason, 'state', r.state)
                ORDER BY r.id)
            FROM channel_rules r
            WHERE r.company_id = c.company_id AND r.channel_id = c.id AND r.archived_at IS NULL), '[]'),
        'retentions', coalesce((
            SELECT json_agg(json_build_object(
                'id', r.id, 'name', r.name, 'since', r.since, 'after_days', r.after_days, 'status_id', r.status_id,
                'category', r.category, 'state', r.state) ORDER BY r.id)
            FROM retention_rules r
            WHERE r.company_id = c.company_id AND r.channel_id = c.id AND r.archived_at IS NULL), '[]'),
        'assignment', (
            SELECT a.plan || jsonb_build_object('disabled', coalesce((
                SELECT jsonb_agg(u.email) FROM users u
                WHERE u.company_id = a.company_id AND u.state = 'disabled'), '[]'))
            FROM assignments a WHERE a.company_id = c.company_id AND a.channel_id = c.id),
        'aliases', coalesce((
            SELECT json_object_agg(a.system, a.external_id)
            FROM channel_aliases a WHERE a.company_id = c.company_id AND a.channel_id = c.id), '{}')),
    'triggers', coalesce((
        SELECT json_agg(json_build_object(
            'id', t.id, 'cause', t.cause, 'status_id', t.status_id, 'kind', t.kind, 'amount', t.amount::text,
            'repeat', t.repeat, 'state', t.state, 'cap', t.cap::text, 'hold_days', t.hold_days) ORDER BY t.id)
        FROM reward_triggers t
        WHERE t.company_id = c.company_id AND t.channel_id = c.id AND t.archived_at IS NULL), '[]'),
    'has_rewards', EXISTS (
        SELECT FROM reward_triggers t WHERE t.company_id = c.company_id AND t.channel_id = c.id),
    'block_secret', (
        SELECT encode(b.secret, 'base64') FROM block_lists b WHERE b.company_id = c.company_id),
    'subscriptions', coalesce((
        SELECT json_agg(json_build_object(
            'endpoint_id', e.id, 'company_id', e.company_id, 'events', e.events, 'channel_id', e.channel_id,
            'statuses', e.statuses, 'categories', e.categories, 'changed', e.changed, 'ordered', e.ordered)
            ORDER BY e.id)
        FROM endpoints e
        WHERE e.state IN ('active', 'paused') AND (e.channel_id IS NULL OR e.channel_id = c.id)
          AND e.company_id IN (
              SELECT c.company_id UNION
              SELECT m.member_company_id FROM channel_members m
              WHERE m.company_id = c.company_id AND m.channel_id = c.id)), '[]'))
FROM channels c JOIN companies o ON o.id = c.company_id
WHERE c.id = ANY($1)
"""


class Setups:
    """The process's cache of setups. Whoever read a row learns the version, so a stale setup is never used.

    `at_versions` and `current` are for transactions that have not changed any configuration themselves: what
    such a one sees may be rolled back, and must not be remembered.
    """

    def __init__(self, capacity: int = 20_000) -> None:
        self._by_channel: OrderedDict[UUID, Setup] = OrderedDict()
        self._capacity = capacity
        self._decoder = msgspec.json.Decoder(Setup)

    async def at_versions(self, connection: Connection, versions: Mapping[UUID, int]) -> dict[UUID, Setup]:
        """The setups of these channels, none older than the version named for it."""
        known = {id: self._by_channel.get(id) for id in versions}
        stale = [id for id, setup in known.items() if setup is None or setup.channel.version < versions[id]]
        fresh = await self._load(connection, stale) if stale else {}
        return {id: setup for id, setup in (known | fresh).items() if setup is not None}

    async def current(self, connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Setup]:
        """The setups of these channels as they are now; channels that do not exist are left out."""
        rows = await connection.fetch("SELECT id, config_version FROM channels WHERE id = ANY($1)", list(ids))
        return await self.at_versions(connection, dict(map(tuple, rows)))

    async def held(self, connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Setup]:
        """The same, and until the transaction ends nothing is taken away from them (see channels.store.lock)."""
        statement = "SELECT id, config_version FROM channels WHERE id = ANY($1) ORDER BY id FOR KEY SHARE"
        rows = await connection.fetch(statement, list(ids))
        return await self.at_versions(connection, dict(map(tuple, rows)))

    async def uncached(self, connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Setup]:
        """The setups as this transaction sees them, its own uncommitted changes too; never remembered."""
        rows: list[Any] = await connection.fetch(_LOAD, list(ids))
        setups = (self._decoder.decode(row[0]) for row in rows)
        return {setup.channel.id: setup for setup in setups}

    async def _load(self, connection: Connection, ids: list[UUID]) -> dict[UUID, Setup]:
        fresh = await self.uncached(connection, ids)
        self._by_channel.update(fresh)
        while len(self._by_channel) > self._capacity:
            self._by_channel.popitem(last=False)
        return fresh
