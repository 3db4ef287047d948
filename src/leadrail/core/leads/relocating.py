"""A lead that goes to another channel of its company: where it stands there, and what it takes along. Pure."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from leadrail.core.channels.model import Channel, Property, PropertyType, Status, StatusRef
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import ChangeChannel
from leadrail.core.leads.decisions import Decision, Fact
from leadrail.core.leads.editing import edited_lead
from leadrail.core.leads.fields import NOTE_LIMIT, checked_text
from leadrail.core.leads.model import Lead, reason_of, sub_status_of
from leadrail.core.leads.standing import found_reason, found_status, found_sub_status, require, stamped
from leadrail.core.leads.told import ChannelStatus, LeadLeftData, LeadMovedData


def change_channel(lead: Lead, source: Channel, target: Channel, command: ChangeChannel, now: datetime) -> Decision:
    """The lead enters a status there as a new lead would: what it demands holds, what may come before it does not.

    Raises Refused (`channel_not_found` also for a channel that the actor may not use).
    """
    if not target.allows(command.actor):
        raise refuse(Code.CHANNEL_NOT_FOUND, "Channel not found", "/channel_id")
    if target.company_id != source.company_id:
        raise refuse(Code.CONFLICT, "A lead moves between channels of one company only", "/channel_id")
    left = source.status_by_id[lead.status_id]
    if target.id == source.id:
        return _stayed(lead, target, left, command)
    if target.archived_at is not None:
        raise refuse(Code.CHANNEL_ARCHIVED, "The channel is archived and takes no new leads", "/channel_id")
    entered = _entered(target, left, command)
    edited, changed = edited_lead(lead, target, command.fields, {})
    why = _why(lead, source, target, entered, command)
    note = checked_text("note", command.note, NOTE_LIMIT) if command.note and not command.note.isspace() else None
    require(entered, edited, why["reason"], note)
    values, dropped = placed_properties(lead, source, target)
    if dropped and not command.drop_properties:
        raise _no_place(target, dropped)
    if dropped:
        changed["properties"] = {one.name: {"from": lead.properties[str(one.id)], "to": None} for one in dropped}
    moved = replace(
        edited,
        channel_id=target.id,
        status_id=entered.id,
        **why,
        properties=values,
        undo=None,  # a rule's move is taken back in the channel of the rule
        status_changed_at=now,
        updated_at=now,
        version=lead.version + 1,
    )
    moved = stamped(moved, entered, now)
    places = ChannelStatus.of(left, source), ChannelStatus.of(entered, target)
    spent = max(int((now - lead.status_changed_at).total_seconds()), 0)
    told = (
        Fact(EventType.LEAD_LEFT, _left_data(places[0], spent), now, left),
        Fact(EventType.LEAD_MOVED, _moved_data(*places, moved, note, changed, spent), now, left, entered),
    )
    return Decision(moved, told)


def _stayed(lead: Lead, channel: Channel, current: Status, command: ChangeChannel) -> Decision:
    """The lead is in that channel: a repeat has nothing to do."""
    if command.status is not None and found_status(channel, command.status).id != current.id:
        message = "The lead is in this channel already, in another status; change its status"
        raise refuse(Code.CONFLICT, message, "/channel_id")
    return Decision(lead)


def _entered(channel: Channel, left: Status, command: ChangeChannel) -> Status:
    """The status that is asked for, else the one that the caller's list has, else the one like that which it left."""
    if command.status is not None:
        return found_status(channel, command.status)
    listed = command.statuses.get(left.name.casefold())
    ref = StatusRef(name=listed) if listed is not None else StatusRef(name=left.name, category=left.category)
    if (status := channel.find_status(ref)) is not None:
        return status
    names = ", ".join(known.name for known in channel.current_statuses)
    message = f'Say where leads in "{left.name}" go: the channel has no such status, and none {left.category}; it has: '
    raise refuse(Code.UNKNOWN_STATUS, message + names, "/status", status=left.name)


def _why(lead: Lead, source: Channel, target: Channel, entered: Status, command: ChangeChannel) -> dict[str, Any]:
    """Sub-status and reason: those given, else those that the lead has as long as its category stays what it is."""
    stays = source.status_by_id[lead.status_id].category is entered.category
    had_reason, had_sub_status = (lead.reason_id, lead.sub_status_id) if stays else (None, None)
    reason, text = found_reason(target, command.reason, command.reason_id, None, had=had_reason)
    reason_id = reason.id if reason is not None else None
    if stays and text is None:
        reason_id, text = lead.reason_id, reason_of(lead, source)
    sub_status = found_sub_status(target, entered, command.sub_status, had=had_sub_status)
    sub_status_id, name = (sub_status.id, sub_status.name) if sub_status is not None else (None, None)
    if stays and sub_status is None:
        sub_status_id, name = lead.sub_status_id, sub_status_of(lead, source)
    return {"reason_id": reason_id, "reason": text, "sub_status_id": sub_status_id, "sub_status": name}


def placed_properties(lead: Lead, source: Channel, target: Channel) -> tuple[dict[str, Any], list[Property]]:
    """The values under the target's definitions of the same name and type, and the definitions that have none there.

    Values of archived definitions, which nobody is shown, stay as they are.
    """
    places = {definition.name.casefold(): definition for definition in target.current_properties}
    values, dropped = dict(lead.properties), []
    for definition in source.current_properties:
        if (value := values.pop(str(definition.id), None)) is None:
            continue
        place = places.get(definition.name.casefold())
        if place is not None and _fits(value, definition, place):
            values[str(place.id)] = value
        else:
            dropped.append(definition)
    return values, dropped


def _fits(value: Any, definition: Property, place: Property) -> bool:
    return place.type is definition.type and (place.type is not PropertyType.SELECT or value in place.options)


def _no_place(target: Channel, dropped: list[Property]) -> Refused:
    named = ", ".join(f'"{one.name}" ({one.type})' for one in dropped)
    message = f'The channel "{target.title}" has no place for {named}; drop_properties leaves them behind'
    names = [one.name for one in dropped]
    return refuse(Code.UNKNOWN_PROPERTY, message, "/drop_properties", properties=names)


def _left_data(left: ChannelStatus, spent: int) -> LeadLeftData:
    return {"from": left, "seconds_in_previous": spent}


def _moved_data(
    left: ChannelStatus, entered: ChannelStatus, after: Lead, note: str | None, changed: dict[str, Any], spent: int
) -> LeadMovedData:
    return {
        "from": left,
        "to": entered,
        "reason": after.reason,
        "reason_id": after.reason_id,
        "sub_status": after.sub_status,
        "note": note,
        "value": after.value,
        "currency": after.currency,
        "changed": changed,
        "seconds_in_previous": spent,
    }
