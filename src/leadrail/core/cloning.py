"""A new channel like another: its statuses, properties, reward triggers, rules and assignment, no lead."""

from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.channels import assignment_store, commands, rule_store, store
from leadrail.core.channels.assignment import Plan
from leadrail.core.channels.commands import NewChannel, NewProperty, NewStatus
from leadrail.core.channels.model import Channel, Property, Status, StatusRef
from leadrail.core.rewards import store as rewards
from leadrail.core.setup import Setup
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the new channel. `members`: who shares the other one shares it too."""

    title: str
    members: bool = False


async def clone_channel(connection: Connection, setup: Setup, wanted: Likeness) -> UUID:
    """Makes the channel; what is archived in the other one is left out. Raises Refused (`invalid`)."""
    source = setup.channel
    ids = {status.id: new_id() for status in source.current_statuses}
    id = await commands.create_channel(connection, source.company_id, _like(source, ids, wanted))
    statuses = [_status_like(status, ids) for status in source.current_statuses]
    await store.put_statuses(connection, source.company_id, id, statuses)
    for trigger in setup.triggers:
        awaited = source.find_status(StatusRef(id=trigger.status_id)) if trigger.status_id is not None else None
        # One for a status that was archived without a successor waits for nothing.
        if awaited is not None or trigger.status_id is None:
            like = replace(trigger, id=new_id(), status_id=ids[awaited.id] if awaited is not None else None)
            await rewards.insert_trigger(connection, source.company_id, id, like)
    for rule in source.rules:
        left = ids[rule.from_status_id] if rule.from_status_id is not None else None
        same = replace(rule, id=new_id(), from_status_id=left, to_status_id=ids[rule.to_status_id])
        await rule_store.put(connection, source.company_id, id, same)
    if (plan := source.assignment) is not None:
        same_plan = Plan(assignees=plan.assignees, rules=plan.rules, absences=plan.absences)
        await assignment_store.put(connection, source.company_id, id, same_plan)
    return id


def _like(source: Channel, ids: dict[UUID, UUID], wanted: Likeness) -> NewChannel:
    return NewChannel(
        title=wanted.title,
        currency=source.currency,
        template=source.template,
        statuses=tuple(_new_status(status, ids[status.id]) for status in source.current_statuses),
        properties=tuple(_new_property(definition) for definition in source.current_properties),
        members=source.members if wanted.members else (),
        public_submissions=source.public_submissions,
        duplicates=source.duplicates,
    )


def _new_status(status: Status, id: UUID) -> NewStatus:
    return NewStatus(
        id=id,
        name=status.name,
        category=status.category,
        position=status.position,
        color=status.color,
        visible=status.visible,
        requires=status.requires,
        follow_up_after_s=status.follow_up_after_s,
        follow_up_note=status.follow_up_note,
    )


def _status_like(status: Status, ids: dict[UUID, UUID]) -> Status:
    """The same status of the new channel, with what may follow it there."""
    follow = None if status.next is None else tuple(ids[one] for one in status.next if one in ids)
    return replace(status, id=ids[status.id], next=follow, former_names=())


def _new_property(definition: Property) -> NewProperty:
    return NewProperty(
        name=definition.name,
        type=definition.type,
        options=definition.options,
        position=definition.position,
        visible=definition.visible,
    )
