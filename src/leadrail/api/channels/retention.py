"""How long a channel's leads keep their person.

A key that is bound to channels erases no lead, so it does not say when leads are erased either.
"""

from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.api.channels.finding import among, change, given, setup_of
from leadrail.api.channels.shapes import DueLeads, RetentionBody, RetentionPatch
from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import Page
from leadrail.core.channels import retention, retention_store
from leadrail.core.channels.model import Channel, Retention
from leadrail.core.channels.retention import NewRetention
from leadrail.core.queries import demand_unbound
from leadrail.core.setup import Setup
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response

LOOKED_AT = 20_000
"""Leads that are looked at, at most, to say how many would go."""


async def list_rules(call: Call[None, NoQuery]) -> Response:
    return json_response(200, Page(list((await setup_of(call)).channel.retentions), None))


async def count_due(call: Call[None, NoQuery]) -> Response:
    channel = (await setup_of(call)).channel
    rule = among(channel.retentions, call, "retention rule")
    covered = [status.id for status in channel.statuses if rule.covers(status)]
    until = call.core.clock() - timedelta(days=rule.after_days)
    async with call.core.database.connection() as connection:
        leads, is_exact = await retention_store.over(
            connection, channel.company_id, channel.id, covered, rule.since, until, limit=LOOKED_AT
        )
    return json_response(200, DueLeads(leads, is_exact))


async def add_rule(call: Call[RetentionBody, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        return await retention.add_rule(connection, channel, NewRetention(**msgspec.structs.asdict(call.body)))

    demand_unbound(call.actor)
    return await change(call, 201, work, _shown)


async def edit_rule(call: Call[RetentionPatch, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        rule = replace(among(channel.retentions, call, "retention rule"), **given(call.body))
        await retention.change_rule(connection, channel, rule)
        return rule.id

    demand_unbound(call.actor)
    return await change(call, 200, work, _shown)


async def delete_rule(call: Call[None, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> None:
        await retention.archive_rule(connection, channel, among(channel.retentions, call, "retention rule"))

    demand_unbound(call.actor)
    return await change(call, 204, work, lambda *_: None)


def _shown(setup: Setup, id: UUID) -> Retention:
    return next(rule for rule in setup.channel.retentions if rule.id == id)
