"""A lead that may be there already: by which keys that is seen, and what an arrival then comes to. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from leadrail.core.actor import ActorKind
from leadrail.core.channels.model import Channel, Duplicates
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.events.model import EventType
from leadrail.core.identity import KeyKind, keys_of
from leadrail.core.leads.commands import AttachArrival, CreateLead, Origin, UpdateLead
from leadrail.core.leads.decisions import Decision, Fact, Note
from leadrail.core.leads.fields import NOTE_LIMIT, checked_fields, checked_past, checked_properties, merged_attribution
from leadrail.core.leads.model import Lead
from leadrail.core.leads.told import LeadAttachedData
from leadrail.kit.ids import new_id

IDENTITY = (KeyKind.BUSINESS_ID, KeyKind.EMAIL, KeyKind.LINKEDIN, KeyKind.PHONE)
"""The kinds of keys that say who somebody is. What another system calls a lead may be many leads' there."""


class Match(msgspec.Struct, frozen=True):
    """A lead of the channel that has keys of these kinds in common with an arrival."""

    lead: Lead
    kinds: frozenset[KeyKind]


def policy_of(channel: Channel, command: CreateLead) -> Duplicates:
    return channel.duplicates if command.on_duplicate is None else command.on_duplicate


def arrival_keys(channel: Channel, command: CreateLead) -> frozenset[tuple[KeyKind, str]]:
    """The keys by which the channel is searched for leads that are this one; none when it does not matter."""
    kinds = () if policy_of(channel, command) is Duplicates.ALLOW else IDENTITY
    if not kinds and command.unique_by is None:
        return frozenset()
    given = command.fields
    keys = keys_of(
        given.get("email"),
        given.get("phone"),
        given.get("linkedin_url"),
        given.get("business_id"),
        given.get("attribution") or {},
        channel.country,
    )
    return frozenset((kind, key) for kind, key in keys if kind in kinds or kind is command.unique_by)


def meant_by(
    channel: Channel, command: CreateLead, matches: Sequence[Match]
) -> CreateLead | UpdateLead | AttachArrival:
    """What is to be done about an arrival that these leads match.

    Somebody without a key neither changes a lead nor learns of one: his arrival is attached, and where it could be
    several leads' it is a lead of its own. Raises Refused (`duplicate`, `ambiguous`).
    """
    is_closed = channel.archived_at is not None and command.origin is not Origin.IMPORT
    if not matches or is_closed or not channel.allows(command.actor):
        return command
    is_visitor = command.actor.kind is ActorKind.VISITOR
    policy = policy_of(channel, command)
    claimed = [match for match in matches if command.unique_by in match.kinds]
    if claimed or policy is Duplicates.REJECT:
        raise _duplicate(claimed or matches, is_visitor=is_visitor)
    if policy is Duplicates.ALLOW or (is_visitor and len(matches) > 1):
        return command
    if len(matches) > 1:
        message = "Several leads of the channel could be this one; say which by its id, or merge them"
        raise refuse(Code.AMBIGUOUS, message, lead_ids=[str(match.lead.id) for match in matches])
    (match,) = matches
    return _update(command, match) if policy is Duplicates.UPDATE and not is_visitor else _attach(command, match)


def _duplicate(matches: Sequence[Match], *, is_visitor: bool) -> Refused:
    kinds = sorted({kind for match in matches for kind in match.kinds})
    named = " or ".join(kind.replace("_", " ") for kind in kinds)
    ids = [str(match.lead.id) for match in matches]
    details: dict[str, Any] = {} if is_visitor else {"lead_id": ids[0]}
    if len(ids) > 1 and not is_visitor:
        details["lead_ids"] = ids
    return refuse(Code.DUPLICATE, f"The channel has a lead with this {named} already", **details)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What an arrival brings: it adds and replaces, and takes nothing away."""
    return {name: value for name, value in values.items() if value not in (None, "", {})}


def _update(command: CreateLead, match: Match) -> UpdateLead:
    return UpdateLead(
        actor=command.actor,
        lead_id=match.lead.id,
        fields=_given(command.fields),
        properties=_given(command.properties),
        origin=command.origin,
        idempotency=command.idempotency,
    )


def _attach(command: CreateLead, match: Match) -> AttachArrival:
    return AttachArrival(
        actor=command.actor,
        lead_id=match.lead.id,
        note_id=new_id(),
        fields=_given(command.fields),
        properties=_given(command.properties),
        matched=tuple(sorted(match.kinds)),
        at=command.at,
        origin=command.origin,
        idempotency=command.idempotency,
    )


def attach(lead: Lead, channel: Channel, command: AttachArrival, now: datetime) -> Decision:
    """Writes down what was sent, as a note and in the history, by the rules of a new lead; the lead stays as it is."""
    sent = checked_fields(command.fields)
    if "attribution" in sent:
        sent["attribution"] = merged_attribution({}, sent["attribution"])
    names = {str(definition.id): definition.name for definition in channel.current_properties}
    properties = {names[id]: value for id, value in checked_properties(channel, command.properties).items()}
    if properties:
        sent["properties"] = properties
    at = checked_past("at", command.at, now) if command.at is not None else now
    note = Note(command.note_id, _text(sent), None, now)
    data = LeadAttachedData(matched=list(command.matched), sent=sent, note=note)
    return Decision(lead, (Fact(EventType.LEAD_ATTACHED, data, at),), note=note)


def _text(sent: Mapping[str, Any]) -> str:
    lines = [f"{name}: {_word(value)}" for name, value in sent.items()]
    return "\n".join(("This person came in again.", *lines))[:NOTE_LIMIT]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
