"""To whom a new lead goes when nobody is named. Pure."""

from datetime import datetime

from msgspec.structs import replace

from leadrail.core.channels.assignment import Turns
from leadrail.core.channels.model import Channel
from leadrail.core.leads.commands import CreateLead, Origin


def wants_turn(channel: Channel, command: CreateLead) -> bool:
    """Whether the channel says whose the lead is. What comes out of another system is whose it was there."""
    plan = channel.assignment
    return plan is not None and not plan.is_empty and command.origin is not Origin.IMPORT and _is_nobodys(command)


def _is_nobodys(command: CreateLead) -> bool:
    given = command.fields.get("assignee")
    return given is None or (isinstance(given, str) and not given.strip())


def assigned(
    channel: Channel, command: CreateLead, turns: Turns | None, now: datetime
) -> tuple[CreateLead, Turns | None]:
    """The lead with an assignee, and the turns after it; None when it took none. Of a batch there is one notice."""
    if turns is None or channel.assignment is None or not wants_turn(channel, command):
        return command, None
    source = command.fields.get("source")
    chosen = channel.assignment.next(source if isinstance(source, str) else None, turns, now)
    if chosen is None:
        return command, None
    assignee, after = chosen
    is_batched = command.batch_id is not None and command.origin is Origin.STANDARD
    origin = Origin.BATCH if is_batched else command.origin
    return replace(command, fields={**command.fields, "assignee": assignee}, origin=origin), after
