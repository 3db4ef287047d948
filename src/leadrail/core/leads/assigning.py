"""To whom a new lead goes when nobody is named. Pure."""

from datetime import datetime

from msgspec.structs import replace

from leadrail.core.channels.assignment import Turns
from leadrail.core.channels.model import Channel
from leadrail.core.leads.commands import CreateLead, Origin


def _wants_turn(command: CreateLead) -> bool:
    """What was brought over from another system, and not in a batch of new leads, is whose it was there."""
    return (command.origin is not Origin.IMPORT or command.batch_id is not None) and _is_nobodys(command)


def _is_nobodys(command: CreateLead) -> bool:
    given = command.fields.get("assignee")
    return given is None or (isinstance(given, str) and not given.strip())


def assigned(channel: Channel, command: CreateLead, turns: Turns, now: datetime) -> tuple[CreateLead, Turns | None]:
    """The lead with an assignee, and the turns after it; None when it takes none. Of a batch there is one notice."""
    if channel.assignment is None or not _wants_turn(command):
        return command, None
    source = command.fields.get("source")
    chosen = channel.assignment.next(source if isinstance(source, str) else None, turns, now)
    if chosen is None:
        return command, None
    assignee, after = chosen
    is_batched = command.batch_id is not None and command.origin is Origin.STANDARD
    origin = Origin.BATCH if is_batched else command.origin
    return replace(command, fields={**command.fields, "assignee": assignee}, origin=origin), after
