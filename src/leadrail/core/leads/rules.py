"""Every command on a lead by its rule. Pure: no I/O, no clock, no framework."""

from datetime import datetime

from leadrail.core.channels.model import Channel
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.leads.arriving import attach
from leadrail.core.leads.automatic import after_purchase, apply_rule, reverse_move, settled, with_contact
from leadrail.core.leads.commands import (
    AddNote,
    ApplyRule,
    AttachArrival,
    ChangeChannel,
    ChangeStatus,
    CreateLead,
    EraseLead,
    LeadCommand,
    Origin,
    RecordConsent,
    RecordPurchase,
    RemindFollowUp,
    ReverseMove,
    TakeBack,
    UpdateLead,
)
from leadrail.core.leads.consenting import record_consent
from leadrail.core.leads.contacting import record_follow_up
from leadrail.core.leads.creating import create
from leadrail.core.leads.decisions import Decision
from leadrail.core.leads.editing import update
from leadrail.core.leads.erasing import erase
from leadrail.core.leads.model import Lead
from leadrail.core.leads.moving import change_status
from leadrail.core.leads.noting import add_note
from leadrail.core.leads.planning import remind, with_plan
from leadrail.core.leads.purchasing import record_purchase
from leadrail.core.leads.relocating import change_channel
from leadrail.core.leads.taking_back import take_back


def decide(
    lead: Lead | None,
    channel: Channel,
    command: LeadCommand,
    now: datetime,
    number: int = 0,
    target: Channel | None = None,
) -> Decision:
    """Applies one command. `number` is the number that a new lead gets, `target` the channel that one moves to.

    Raises Refused; then nothing has changed.
    """
    if not channel.allows(command.actor):
        raise _forbidden(command)
    home = target or channel
    decision = _applied(lead, channel, home, command, now, number)
    return with_contact(lead, with_plan(lead, channel, home, command, decision, now))


def _applied(
    lead: Lead | None, channel: Channel, home: Channel, command: LeadCommand, now: datetime, number: int
) -> Decision:
    """`home` is the lead's channel after it."""
    if isinstance(command, CreateLead):
        return settled(None, create(channel, command, now, number), channel)
    if lead is None:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    if command.version is not None and command.version != lead.version:
        message = f"The lead is at version {lead.version}, not {command.version}; read it again"
        raise refuse(Code.VERSION_CONFLICT, message)
    if isinstance(command, EraseLead):
        return erase(lead, command, now)
    if lead.erased_at is not None:
        raise refuse(Code.CONFLICT, "The lead was erased and takes no more changes")
    if isinstance(command, ChangeChannel):
        return settled(lead, change_channel(lead, channel, home, command, now), home)
    return settled(lead, _decided(lead, channel, command, now), channel)


def _decided(lead: Lead, channel: Channel, command: LeadCommand, now: datetime) -> Decision:
    if isinstance(command, ChangeStatus):
        return change_status(lead, channel, command, now)
    if isinstance(command, UpdateLead):
        return update(lead, channel, command, now)
    if isinstance(command, AttachArrival):
        return attach(lead, channel, command, now)
    if isinstance(command, RecordPurchase):
        bought = record_purchase(lead, channel, command, now)
        return bought if command.origin is Origin.IMPORT else after_purchase(lead, bought, channel, command, now)
    if isinstance(command, AddNote):
        return add_note(lead, command, now)
    if isinstance(command, RecordConsent):
        return record_consent(lead, command, now)
    if isinstance(command, RemindFollowUp):
        return remind(lead, channel, now)
    if isinstance(command, ApplyRule):
        return apply_rule(lead, channel, command, now)
    if isinstance(command, ReverseMove):
        return reverse_move(lead, channel, command, now)
    if isinstance(command, TakeBack):
        return take_back(lead, channel, command, now)
    assert not isinstance(command, CreateLead | ChangeChannel | EraseLead)
    return record_follow_up(lead, command, now)


def _forbidden(command: LeadCommand) -> Refused:
    if isinstance(command, CreateLead):
        return refuse(Code.CHANNEL_FORBIDDEN, "Channel not accessible", "/channel_id")
    return refuse(Code.LEAD_NOT_FOUND, "Lead not found")
