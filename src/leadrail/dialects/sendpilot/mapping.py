"""SendPilot's requests as commands, and leads as SendPilot shows them (contract section 7)."""

from uuid import UUID

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Category, StatusRef
from leadrail.core.engine import Done
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.commands import ChangeStatus
from leadrail.dialects.sendpilot.wire import CustomLeadStatus, StatusAnswer, StatusPatch
from leadrail.dialects.words import SENDPILOT
from leadrail.kit.clock import with_milliseconds
from leadrail.kit.ids import parse_id

CUSTOM_LEAD_STATUS = "custom_lead_status"
"""The member of a lead's attribution that holds its label."""

LABELS: dict[CustomLeadStatus, Category] = {
    CustomLeadStatus.LEAD: Category.OPEN,
    CustomLeadStatus.INTERESTED: Category.QUALIFIED,
    CustomLeadStatus.MEETING_BOOKED: Category.QUALIFIED,
    CustomLeadStatus.MEETING_COMPLETE_NOT_CLOSED: Category.QUALIFIED,
    CustomLeadStatus.CLOSED: Category.WON,
    CustomLeadStatus.WRONG_PERSON: Category.LOST,
    CustomLeadStatus.NOT_INTERESTED: Category.LOST,
    CustomLeadStatus.NO_RESPONSE: Category.LOST,
}
"""What a label stands for when it comes without a status: the status of its name, else the first of this category."""


def lead_id_of(text: str) -> UUID:
    """The lead that a path names. Raises Refused (`lead_not_found`) when it is no id of ours."""
    if (id := parse_id(text)) is None:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    return id


def change_of_status(actor: Actor, lead_id: UUID, asked: StatusPatch) -> ChangeStatus:
    """Raises Refused (`invalid`) when neither a status nor a label is given."""
    label = asked.custom_lead_status
    return ChangeStatus(
        actor=actor,
        lead_id=lead_id,
        status=_reference(asked),
        fields={"attribution": {CUSTOM_LEAD_STATUS: label}} if label else {},
        note=asked.note,
    )


def _reference(asked: StatusPatch) -> StatusRef:
    if asked.status:
        return SENDPILOT.reference(asked.status)
    if (label := asked.custom_lead_status) is not None:
        return StatusRef(name=label, category=LABELS[label])
    raise refuse(Code.INVALID, "At least one of status or customLeadStatus is required")


def changed(done: Done) -> StatusAnswer:
    """The answer to a change: the lead's status by the word under which SendPilot reads it."""
    lead, statuses = done.lead, done.setup.channel.status_by_id
    word = SENDPILOT.word(statuses[lead.status_id])
    before = done.before or lead
    return StatusAnswer(
        id=lead.id,
        linkedin_url=lead.linkedin_url,
        previous_status=SENDPILOT.word(statuses[before.status_id]),
        status=word,
        updated_at=with_milliseconds(lead.updated_at),
        success=True,
        lead_id=lead.id,
        message=f"Lead status updated to '{word}'",
    )
