"""Making and changing how long a channel's leads keep their person. Pure checks first, then the rows.

Like `commands`: the caller owns the transaction and holds the channel's lock; the configuration version is renewed.
"""

from uuid import UUID

import msgspec

from leadrail.core.channels import retention_store, store
from leadrail.core.channels.model import CLOSED, Category, Channel, Retention, RuleState, Since
from leadrail.core.channels.rules import NAME_LIMIT, named_status
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id

MOST_RULES = 50
MOST_DAYS = 36_500


class NewRetention(msgspec.Struct, frozen=True, kw_only=True):
    """For the leads of a status (its id or its name), of a category, or of the channel. Paused, it can be looked at."""

    name: str
    after_days: int
    since: Since = Since.LAST_CHANGE
    status: str | None = None
    category: Category | None = None
    state: RuleState = RuleState.PAUSED


async def add_rule(connection: Connection, channel: Channel, new: NewRetention) -> UUID:
    """Raises Refused (`invalid`, `conflict`, `unknown_status`)."""
    if len(channel.retentions) >= MOST_RULES:
        raise refuse(Code.CONFLICT, f"A channel has at most {MOST_RULES} retention rules")
    if new.status is not None and new.category is not None:
        raise refuse(Code.INVALID, "A rule is for a status or for a category, not for both", "/category")
    status_id = named_status(channel, new.status, "/status").id if new.status is not None else None
    rule = Retention(new_id(), new.name, new.since, new.after_days, status_id, new.category, new.state)
    await change_rule(connection, channel, rule)
    return rule.id


async def change_rule(connection: Connection, channel: Channel, rule: Retention) -> None:
    """Writes a rule, new or edited. Raises Refused (`invalid`, `conflict`)."""
    _check(channel, rule)
    await retention_store.put(connection, channel.company_id, channel.id, rule)
    await _renew(connection, channel, rule)


async def archive_rule(connection: Connection, channel: Channel, rule: Retention) -> None:
    await retention_store.archive(connection, channel.company_id, channel.id, rule.id)
    await _renew(connection, channel, rule)


async def _renew(connection: Connection, channel: Channel, rule: Retention) -> None:
    covered = [status.id for status in channel.statuses if rule.covers(status)]
    await retention_store.place_anew(connection, channel.company_id, channel.id, covered)
    await store.renew(connection, channel.company_id, channel.id)


def _check(channel: Channel, rule: Retention) -> None:
    if not rule.name.strip() or len(rule.name) > NAME_LIMIT:
        raise refuse(Code.INVALID, f"name must have 1 to {NAME_LIMIT} characters", "/name")
    if not 1 <= rule.after_days <= MOST_DAYS:
        raise refuse(Code.INVALID, f"after_days is a number from 1 to {MOST_DAYS}", "/after_days")
    if any(known.name.casefold() == rule.name.casefold() and known.id != rule.id for known in channel.retentions):
        raise refuse(Code.CONFLICT, f'The channel has a retention rule "{rule.name}" already', "/name")
    covered = {status.category for status in channel.statuses if rule.covers(status)}
    if rule.since is Since.CLOSED and rule.category not in CLOSED and not covered & CLOSED:
        message = "Only leads that are won or lost are closed; count since last_change, or name such a status"
        raise refuse(Code.INVALID, message, "/since")
