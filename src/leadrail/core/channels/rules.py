"""Making and changing the moves that a channel makes by itself. Pure checks first, then the rows.

Like `commands`: the caller owns the transaction and holds the channel's lock; the configuration version is renewed.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from leadrail.core.channels import rule_store, store
from leadrail.core.channels.model import Channel, Rule, RuleCause, RuleState, Status, StatusRef
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id, parse_id

MOST_RULES = 50
MOST_DAYS = 3650
NAME_LIMIT = 120
REASON_LIMIT = 500


class NewRule(msgspec.Struct, frozen=True, kw_only=True):
    """`from_status` and `to_status` name a status by its id or its name."""

    name: str
    cause: RuleCause
    to_status: str
    from_status: str | None = None
    after_days: int | None = None
    reason: str | None = None
    state: RuleState = RuleState.ACTIVE


async def add_rule(connection: Connection, channel: Channel, new: NewRule) -> UUID:
    """Raises Refused (`invalid`, `conflict`, `unknown_status`)."""
    if len(channel.rules) >= MOST_RULES:
        raise refuse(Code.CONFLICT, f"A channel has at most {MOST_RULES} rules")
    source = named_status(channel, new.from_status, "/from_status").id if new.from_status is not None else None
    target = named_status(channel, new.to_status, "/to_status").id
    rule = Rule(new_id(), new.name, new.cause, source, target, new.after_days, new.reason, new.state)
    await change_rule(connection, channel, rule)
    return rule.id


async def change_rule(connection: Connection, channel: Channel, rule: Rule) -> None:
    """Writes a rule, new or edited. Raises Refused (`invalid`, `conflict`)."""
    check_rule(channel, rule)
    await rule_store.put(connection, channel.company_id, channel.id, rule)
    await store.renew(connection, channel.company_id, channel.id)


async def archive_rule(connection: Connection, channel: Channel, rule: Rule) -> None:
    await rule_store.archive(connection, channel.company_id, channel.id, rule.id)
    await store.renew(connection, channel.company_id, channel.id)


def named_status(channel: Channel, wanted: str, pointer: str) -> Status:
    """The current status with this id or name. Raises Refused (`unknown_status`)."""
    id = parse_id(wanted)
    by_id = channel.find_status(StatusRef(id=id)) if id is not None else None
    if (status := by_id or channel.find_status(StatusRef(name=wanted))) is not None:
        return status
    names = ", ".join(known.name for known in channel.current_statuses)
    message = f'Status "{wanted}" not found for this channel; it has: {names}'
    raise refuse(Code.UNKNOWN_STATUS, message, pointer, status=wanted)


def check_rule(channel: Channel, rule: Rule) -> None:
    """Whether the channel may have the rule. Raises Refused (`invalid`, `conflict`, `unknown_reason`)."""
    if not rule.name.strip() or len(rule.name) > NAME_LIMIT:
        raise refuse(Code.INVALID, f"name must have 1 to {NAME_LIMIT} characters", "/name")
    if rule.reason is not None and not 1 <= len(rule.reason.strip()) <= len(rule.reason) <= REASON_LIMIT:
        raise refuse(Code.INVALID, f"reason must have 1 to {REASON_LIMIT} characters", "/reason")
    listed = channel.reason_by_text.get(rule.reason.strip().casefold()) if rule.reason is not None else None
    if listed is not None and listed.archived:
        raise refuse(Code.UNKNOWN_REASON, f'The reason "{listed.text}" is archived; give another', "/reason")
    _check_cause(rule)
    if rule.from_status_id == rule.to_status_id:
        raise refuse(Code.INVALID, "A rule leads to another status than it starts from", "/to_status")
    others = [known for known in channel.rules if known.id != rule.id]
    if any(known.name.casefold() == rule.name.casefold() for known in others):
        raise refuse(Code.CONFLICT, f'The channel has a rule "{rule.name}" already', "/name")
    if rule.state is RuleState.ACTIVE:
        _check_active(channel, [known for known in others if known.state is RuleState.ACTIVE], rule)


def _check_cause(rule: Rule) -> None:
    if rule.cause is RuleCause.PURCHASE:
        if rule.after_days is not None:
            raise refuse(Code.INVALID, "after_days belongs to a rule for untouched leads only", "/after_days")
        return
    if rule.after_days is None or not 1 <= rule.after_days <= MOST_DAYS:
        raise refuse(Code.INVALID, f"after_days is a number from 1 to {MOST_DAYS}", "/after_days")
    if rule.from_status_id is None:
        raise refuse(Code.INVALID, "A rule for untouched leads names the status that they wait in", "/from_status")


def _check_active(channel: Channel, others: list[Rule], rule: Rule) -> None:
    for known in others:
        if (known.cause, known.from_status_id) == (rule.cause, rule.from_status_id):
            message = f'The rule "{known.name}" is in force for this status already; pause or remove it first'
            raise refuse(Code.CONFLICT, message, "/from_status")
    if rule.cause is RuleCause.UNTOUCHED and (circle := circle_with(others, rule)):
        names = " → ".join(f'"{channel.status_by_id[id].name}"' for id in circle)
        raise refuse(Code.CONFLICT, f"Leads would go round in a circle: {names}", "/to_status")


def circle_with(others: Iterable[Rule], rule: Rule) -> list[UUID]:
    """The statuses of the circle that the rule closes, the first one again at its end; empty when it closes none."""
    follows = {known.from_status_id: known.to_status_id for known in others if known.cause is RuleCause.UNTOUCHED}
    assert rule.from_status_id is not None
    way = [rule.from_status_id, rule.to_status_id]
    # What is there has no circle and no fork, so the way ends or comes back to where it began.
    while way[-1] != way[0]:
        if (following := follows.get(way[-1])) is None:
            return []
        way.append(following)
    return way


def refuse_named(channel: Channel, status: Status) -> None:
    """Raises Refused (`conflict`) when a rule, paused or not, needs the status."""
    for rule in channel.rules:
        if status.id in (rule.from_status_id, rule.to_status_id):
            message = f'The rule "{rule.name}" names the status "{status.name}"; change or remove the rule first'
            raise refuse(Code.CONFLICT, message)
    for retention in channel.retentions:
        if status.id == retention.status_id:
            message = f'The retention rule "{retention.name}" is for the status "{status.name}"; remove the rule first'
            raise refuse(Code.CONFLICT, message)
