"""The moves that a channel makes by itself."""

from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.api.channels.finding import among, change, given, setup_of
from leadrail.api.channels.shapes import RuleBody, RulePatch
from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import Page
from leadrail.core.channels import rules
from leadrail.core.channels.model import Channel, Rule
from leadrail.core.channels.rules import NewRule
from leadrail.core.setup import Setup
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response


async def list_rules(call: Call[None, NoQuery]) -> Response:
    return json_response(200, Page(list((await setup_of(call)).channel.rules), None))


async def add_rule(call: Call[RuleBody, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        return await rules.add_rule(connection, channel, NewRule(**msgspec.structs.asdict(call.body)))

    return await change(call, 201, work, _shown)


async def edit_rule(call: Call[RulePatch, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> UUID:
        edits = given(call.body)
        if "to_status" in edits:
            edits["to_status_id"] = rules.named_status(channel, edits.pop("to_status"), "/to_status").id
        rule = replace(among(channel.rules, call, "rule"), **edits)
        await rules.change_rule(connection, channel, rule)
        return rule.id

    return await change(call, 200, work, _shown)


async def delete_rule(call: Call[None, NoQuery]) -> Response:
    async def work(connection: Connection, channel: Channel) -> None:
        await rules.archive_rule(connection, channel, among(channel.rules, call, "rule"))

    return await change(call, 204, work, lambda *_: None)


def _shown(setup: Setup, id: UUID) -> Rule:
    return next(rule for rule in setup.channel.rules if rule.id == id)
