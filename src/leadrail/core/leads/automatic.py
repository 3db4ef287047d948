"""What a channel does to leads by itself when time has passed or something was bought, and taking moves back. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.channels.model import CLOSED, Category, Channel, Retention, Rule, RuleCause, Since, StatusRef
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import ApplyRule, ChangeStatus, RecordPurchase, ReverseMove
from leadrail.core.leads.decisions import Decision, Fact, Purchase
from leadrail.core.leads.erasing import erase
from leadrail.core.leads.model import Lead, reason_of, sub_status_of
from leadrail.core.leads.moving import change_status
from leadrail.core.leads.standing import move_data
from leadrail.core.leads.told import RuleTold
from leadrail.kit.ids import new_id

REVERSIBLE = timedelta(days=30)
_NOT_BY_ITSELF = CLOSED | {Category.DELETED}


class RuleRef(msgspec.Struct, frozen=True):
    """A rule as it was named when it moved a lead."""

    id: UUID
    name: str


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """What taking back a rule's move needs: how the lead stood before, and what the rule gave it besides."""

    event_id: UUID
    rule: RuleRef
    until: datetime
    status_id: UUID
    sub_status: str | None
    reason_id: UUID | None
    reason: str | None
    qualified_at: datetime | None
    closed_at: datetime | None
    status_changed_at: datetime
    next_follow_up_at: datetime | None
    follow_up_given: datetime | None
    value_given: Decimal | None
    currency: str | None
    sub_status_id: UUID | None = None


_STOOD = (
    ("status_id", "sub_status", "sub_status_id", "reason_id", "reason")
    + ("qualified_at", "closed_at", "status_changed_at")
)  # fmt: skip


def settled(before: Lead | None, decision: Decision, channel: Channel) -> Decision:
    """After every command: when a rule will move the lead, and whether its last move may still be taken back."""
    if not decision.facts:
        return decision
    lead = decision.lead
    moved = any(fact.type is EventType.LEAD_STATUS_CHANGED for fact in decision.facts)
    undo = None if moved and before is not None and lead.undo == before.undo else lead.undo
    due_at = due_of(lead, channel)
    if (undo, due_at) == (lead.undo, lead.rule_due_at):
        return decision
    return replace(decision, lead=replace(lead, undo=undo, rule_due_at=due_at))


def due_of(lead: Lead, channel: Channel) -> datetime | None:
    """When a rule moves or erases the lead, if nobody touches it."""
    if lead.erased_at is not None:
        return None
    move, ending = _move_of(lead, channel), _ending_of(lead, channel)
    return min((due[0] for due in (move, ending) if due is not None), default=None)


def _move_of(lead: Lead, channel: Channel) -> tuple[datetime, Rule] | None:
    """When the rule for its status moves the lead."""
    rule = channel.active_rules.get((RuleCause.UNTOUCHED, lead.status_id))
    if rule is None or rule.after_days is None:
        return None
    return lead.updated_at + timedelta(days=rule.after_days), rule


def _ending_of(lead: Lead, channel: Channel) -> tuple[datetime, Retention] | None:
    """When the first of the retention rules for its status erases the lead."""
    ends = []
    for rule in channel.active_retentions.get(lead.status_id, ()):
        since = lead.closed_at if rule.since is Since.CLOSED else lead.updated_at
        if since is not None:
            ends.append((since + timedelta(days=rule.after_days), rule))
    return min(ends, key=lambda end: end[0], default=None)


def apply_rule(lead: Lead, channel: Channel, command: ApplyRule, now: datetime) -> Decision:
    """Erases or moves a lead that is due. One that may not move is not tried again before it is touched."""
    if lead.rule_due_at is None:
        return Decision(lead)
    move, ending = _move_of(lead, channel), _ending_of(lead, channel)
    if ending is not None and ending[0] <= now:
        return erase(lead, command, now, RuleTold(id=ending[1].id, name=ending[1].name))
    if move is None or move[0] > now:
        return Decision(replace(lead, rule_due_at=due_of(lead, channel)))
    try:
        return _moved_by(move[1], lead, lead, channel, command, now)
    except Refused:
        return Decision(replace(lead, rule_due_at=ending[0] if ending is not None else None))


def after_purchase(
    before: Lead, bought: Decision, channel: Channel, command: RecordPurchase, now: datetime
) -> Decision:
    """The purchase, and the move that a rule makes upon it; a move that is refused leaves the purchase standing."""
    rule = _purchase_rule(before, channel)
    if rule is None:
        return bought
    try:
        moved = _moved_by(rule, before, _worth(bought.lead, bought.purchase), channel, command, now)
    except Refused as error:
        (fact,) = bought.facts
        told = RuleTold(id=rule.id, name=rule.name, refused=error.refusal.code)
        return replace(bought, facts=(replace(fact, data={**fact.data, "rule": told}),))
    # One command is one version, whatever it comes to.
    lead = replace(moved.lead, version=bought.lead.version)
    return replace(bought, lead=lead, facts=bought.facts + moved.facts)


def _purchase_rule(lead: Lead, channel: Channel) -> Rule | None:
    """The rule for the lead's own status, else the one for any; that one leaves closed leads alone."""
    if own := channel.active_rules.get((RuleCause.PURCHASE, lead.status_id)):
        return own
    rule = channel.active_rules.get((RuleCause.PURCHASE, None))
    is_open = channel.status_by_id[lead.status_id].category not in _NOT_BY_ITSELF
    return rule if rule is not None and is_open and rule.to_status_id != lead.status_id else None


def _worth(lead: Lead, purchase: Purchase | None) -> Lead:
    """The lead with the purchase's amount as its value, when it has none."""
    if purchase is None or purchase.amount is None or lead.value is not None:
        return lead
    return replace(lead, value=purchase.amount, currency=purchase.currency or lead.currency)


def _moved_by(
    rule: Rule, before: Lead, lead: Lead, channel: Channel, command: ApplyRule | RecordPurchase, now: datetime
) -> Decision:
    """Raises Refused."""
    to = StatusRef(id=rule.to_status_id)
    asked = ChangeStatus(actor=command.actor, lead_id=lead.id, status=to, reason=rule.reason, origin=command.origin)
    decision = change_status(lead, channel, asked, now)
    undo = _undo(rule, before, decision.lead, now)
    told = {"rule": RuleTold(id=rule.id, name=rule.name), "reversible_until": undo.until}
    facts = tuple(_shown(fact, undo.event_id, told) for fact in decision.facts)
    return replace(decision, lead=replace(decision.lead, undo=msgspec.to_builtins(undo)), facts=facts)


def _shown(fact: Fact, event_id: UUID, told: dict[str, Any]) -> Fact:
    if fact.type is not EventType.LEAD_STATUS_CHANGED:
        return fact
    return replace(fact, id=event_id, data={**fact.data, **told})


def _undo(rule: Rule, before: Lead, after: Lead, now: datetime) -> Undo:
    return Undo(
        event_id=new_id(),
        rule=RuleRef(rule.id, rule.name),
        until=now + REVERSIBLE,
        # What the status planned, it plans anew when the lead comes back to it.
        next_follow_up_at=before.next_follow_up_at if before.follow_up_status_id is None else None,
        follow_up_given=after.next_follow_up_at,
        value_given=after.value if before.value is None else None,
        currency=before.currency,
        **{name: getattr(before, name) for name in _STOOD},
    )


def with_contact(before: Lead | None, decision: Decision) -> Decision:
    """A move that a rule has just made, knowing which contact is planned after it: only that one is taken back."""
    lead = decision.lead
    if lead.undo is None or (before is not None and lead.undo == before.undo):
        return decision
    undo = lead.undo | {"follow_up_given": msgspec.to_builtins(lead.next_follow_up_at)}
    return replace(decision, lead=replace(lead, undo=undo))


def reverse_move(lead: Lead, channel: Channel, command: ReverseMove, now: datetime) -> Decision:
    """Takes the lead back to where it stood before a rule moved it, whatever its status demands or may follow.

    Raises Refused (`conflict`) when the move is not the last one, was no rule's, or its time is over.
    """
    undo = msgspec.convert(lead.undo, Undo) if lead.undo is not None else None
    if undo is None or undo.event_id != command.event_id:
        message = "The lead has moved since, or no rule made this move; only the last move can be taken back"
        raise refuse(Code.CONFLICT, message)
    if now > undo.until:
        raise refuse(Code.CONFLICT, f"The time for taking this move back ended on {undo.until:%Y-%m-%d}")
    source, target = channel.status_by_id[lead.status_id], channel.status_by_id[undo.status_id]
    if target.archived:
        raise refuse(Code.CONFLICT, f'The status "{target.name}", from which the lead came, is archived')
    former = {name: getattr(undo, name) for name in _STOOD} | _given_back(lead, undo)
    restored = replace(lead, **former, undo=None, updated_at=now, version=lead.version + 1)
    restored = replace(restored, sub_status=sub_status_of(restored, channel), reason=reason_of(restored, channel))
    spent = max(int((now - lead.status_changed_at).total_seconds()), 0)
    data = move_data(source, target, restored, None, {}, {}, spent)
    data["rule"], data["reverses"] = RuleTold(id=undo.rule.id, name=undo.rule.name), undo.event_id
    return Decision(restored, (Fact(EventType.LEAD_STATUS_CHANGED, data, now, source, target),))


def _given_back(lead: Lead, undo: Undo) -> dict[str, Any]:
    """What the rule set besides the status, unless somebody has changed it since."""
    former: dict[str, Any] = {}
    if undo.value_given is not None and lead.value == undo.value_given:
        former |= {"value": None, "currency": undo.currency}
    if lead.next_follow_up_at == undo.follow_up_given:
        former["next_follow_up_at"] = undo.next_follow_up_at
    return former
