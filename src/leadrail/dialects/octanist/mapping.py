"""Octanist's words to commands, and leads back to Octanist's words (contracts/octanist.md, sections 6 and 8.1)."""

from datetime import datetime
from typing import Any

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Category, Status
from leadrail.core.engine import Done
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.commands import ChangeStatus, Command, UpdateLead
from leadrail.core.leads.model import Lead
from leadrail.core.queries import Seen
from leadrail.dialects.octanist.wire import LeadUpdate, UpdateAnswer, Updated, meta
from leadrail.dialects.words import OCTANIST


def command(actor: Actor, body: LeadUpdate, seen: Seen) -> Command:
    """What the request asks of this lead. Raises Refused for what the request itself lacks."""
    word, fields = body.word, _fields(body)
    if word is None:
        return UpdateLead(actor=actor, lead_id=seen.lead.id, fields=fields)
    reference = OCTANIST.reference(word)
    target = seen.setup.channel.find_status(reference)
    if body.is_first_generation and target is not None:
        _demand_of_first_generation(body, target, seen.lead)
    reason = body.loss_reason if target is not None and target.category is Category.LOST else None
    return ChangeStatus(
        actor=actor,
        lead_id=seen.lead.id,
        status=reference,
        fields=fields,
        reason=reason,
        note=None if _repeats(body, seen.lead, target, reason) else body.note,
        also_qualified=bool(body.also_qualified),
    )


def check(body: LeadUpdate) -> None:
    """Raises Refused (`invalid`, `unknown_status`) for a request that no lead could satisfy."""
    if body.word is None and not _fields(body):
        raise refuse(Code.INVALID, 'Nothing to change: send "status", "value" or "note"', "/status")
    if body.word is not None and body.word.casefold() == "open":
        message = 'A lead cannot be reopened by this call; "status" is qualified, won or lost'
        raise refuse(Code.UNKNOWN_STATUS, message, "/status")


def _fields(body: LeadUpdate) -> dict[str, Any]:
    currency = body.currency.strip().upper() if body.currency else None
    given = {"value": body.value, "currency": currency, "notes": body.note}
    return {name: value for name, value in given.items() if value is not None}


def _demand_of_first_generation(body: LeadUpdate, target: Status, lead: Lead) -> None:
    """Generation A's own requirements, whatever the channel's statuses require."""
    if target.category not in (Category.WON, Category.QUALIFIED):
        return
    if body.value is None:
        message = f'To mark a lead as {body.changed_to}, send its "value", like 10000'
        raise refuse(Code.MISSING_REQUIREMENT, message, "/value")
    if target.category is Category.WON and not (lead.currency or body.currency):
        message = 'To mark a lead as won it needs a currency and has none; send "currency", like "EUR"'
        raise refuse(Code.MISSING_REQUIREMENT, message, "/currency")


def _repeats(body: LeadUpdate, lead: Lead, target: Status | None, reason: str | None) -> bool:
    """Whether the lead is already there with this note, so that a repeated call is not recorded as a second note."""
    stays = target is not None and target.id == lead.status_id
    return stays and body.note == lead.notes and reason in (None, lead.reason)


def answer(done: Done, now: datetime) -> UpdateAnswer:
    lead_id = str(done.lead.id)
    status = done.setup.channel.status_by_id[done.lead.status_id]
    data = Updated(lead_id, 1, "Lead updated successfully")
    return UpdateAnswer(True, lead_id, OCTANIST.word(status), data, meta(now))
