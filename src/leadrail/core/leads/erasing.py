"""What an erased lead keeps: its status, value and times, and nothing of the person. Pure."""

from datetime import datetime

from msgspec.structs import replace

from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import ApplyRule, EraseLead
from leadrail.core.leads.decisions import Decision, Fact
from leadrail.core.leads.model import Lead
from leadrail.core.leads.told import LeadErasedData, RuleTold

PERSONAL = (
    ("email", "phone", "linkedin_url", "first_name", "last_name", "name", "title", "company_name")
    + ("source", "assignee", "notes", "business_id")
)  # fmt: skip
"""The fields of a lead that say who somebody is or what somebody wrote."""


def erase(lead: Lead, command: EraseLead | ApplyRule, now: datetime, rule: RuleTold | None = None) -> Decision:
    """Takes the person away, as a rule of the channel has it if one does. Erasing again changes nothing.

    Raises Refused (`forbidden` for a partner).
    """
    if command.actor.company_id != lead.company_id:
        raise refuse(Code.FORBIDDEN, "Only the company that owns the lead's channel may erase it")
    if lead.erased_at is not None:
        return Decision(lead)
    erased = replace(
        lead,
        **dict.fromkeys(PERSONAL),
        # A listed reason is the company's own word, any other is somebody's.
        reason=lead.reason if lead.reason_id is not None else None,
        properties={},
        attribution={},
        next_follow_up_at=None,
        follow_up_status_id=None,
        follow_up_notice=None,
        rule_due_at=None,
        undo=None,
        updated_at=now,
        version=lead.version + 1,
        erased_at=now,
    )
    data = LeadErasedData(rule=rule) if rule is not None else LeadErasedData()
    return Decision(erased, (Fact(EventType.LEAD_ERASED, data, now),))
