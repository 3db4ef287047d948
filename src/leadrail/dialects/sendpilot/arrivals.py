"""Adding leads to a campaign: each entry by itself, and one call of the engine for all (contract section 6)."""

from typing import Any
from uuid import UUID

import msgspec

from leadrail.core import assigning
from leadrail.core.actor import Actor
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.engine import Done, Outcome
from leadrail.core.errors import Code, Refusal, Refused, refuse
from leadrail.core.identity import KeyKind, linkedin_key
from leadrail.core.leads.commands import CreateLead
from leadrail.core.leads.fields import checked_fields, checked_properties
from leadrail.dialects.custom import CUSTOM, split
from leadrail.dialects.sendpilot import campaigns
from leadrail.dialects.sendpilot.errors import fault_of
from leadrail.dialects.sendpilot.wire import MOST_LEADS, EntryFault, NewLead, NewLeads, NewLeadsAnswer
from leadrail.kit import wire
from leadrail.kit.http import Request, Response
from leadrail.kit.ids import new_id
from leadrail.kit.wire import BadInput

_NEW_LEADS = msgspec.json.Decoder(NewLeads)
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_NEW_LEAD = msgspec.json.Decoder(NewLead)
_encoder = msgspec.json.Encoder()

_KNOWN = frozenset(field.encode_name for field in msgspec.structs.fields(NewLead))
_NO_PROFILE = "linkedinUrl must be the address of a LinkedIn profile, such as https://www.linkedin.com/in/john-doe"

_OF_THE_CALL = frozenset(
    {Code.CHANNEL_NOT_FOUND, Code.CHANNEL_FORBIDDEN, Code.CHANNEL_ARCHIVED, Code.UNKNOWN_STATUS, Code.UNAVAILABLE}
)
"""Refusals that are not the entry's fault: they are the answer to the whole call, which can be repeated unharmed."""


_THERE_ALREADY = frozenset({Code.DUPLICATE, Code.AMBIGUOUS})


class _Unread(msgspec.Struct, frozen=True):
    """An entry that never came to be a command."""

    linkedin_url: str | None
    message: str


async def add_leads(core: Core, actor: Actor, request: Request) -> Response:
    """Counts what was added, skipped and invalid; never an id. Refused: 400 body, 403 and 404 campaign."""
    asked = wire.decode_items(_NEW_LEADS, request.body)
    if not asked.campaign_id:
        raise refuse(Code.INVALID, "campaignId is required")
    if not asked.leads or len(asked.leads) > MOST_LEADS:
        raise refuse(Code.INVALID, f"leads is required: an array of 1 to {MOST_LEADS} entries")
    async with core.database.connection() as connection:
        channel = await campaigns.found(core, connection, actor, asked.campaign_id)
    batch_id = new_id()
    entries = [_read(actor, channel, batch_id, bytes(item)) for item in asked.leads]
    done = await core.engine.execute([entry for entry in entries if isinstance(entry, CreateLead)])
    await assigning.tell(core, actor, assigning.owners(done), batch_id)
    outcomes = iter(done)
    ends = [(entry, next(outcomes) if isinstance(entry, CreateLead) else None) for entry in entries]
    return Response(201, _encoder.encode(_summed_up(ends)))


def _read(actor: Actor, channel: Channel, batch_id: UUID, item: bytes) -> CreateLead | _Unread:
    url: Any = None
    try:
        given = wire.decode(_OBJECT, item)
        url = given.get("linkedinUrl")
        return _creation(actor, channel, batch_id, wire.decode(_NEW_LEAD, item), given)
    except BadInput as error:
        return _Unread(url if isinstance(url, str) else None, fault_of(error))


def _creation(actor: Actor, channel: Channel, batch_id: UUID, entry: NewLead, given: dict[str, Any]) -> CreateLead:
    """The command that adds one entry. Raises BadInput when it names no profile."""
    if entry.linkedin_url is None or linkedin_key(entry.linkedin_url) is None:
        raise BadInput(_NO_PROFILE)
    flat = {name: value for name, value in given.items() if name not in _KNOWN}
    custom = _without_nulls(entry.custom_fields or {}) | _without_nulls(flat)
    fields = {
        "linkedin_url": entry.linkedin_url,
        "first_name": entry.first_name,
        "last_name": entry.last_name,
        "company_name": entry.company,
        "title": entry.title,
    }
    fields |= {name: str(custom.pop(name)) for name in ("email", "phone") if _fits_the_lead(name, custom.get(name))}
    properties, others = _kept(channel, custom)
    return CreateLead(
        actor=actor,
        channel_id=channel.id,
        lead_id=new_id(),
        fields=fields | ({"attribution": {CUSTOM: others}} if others else {}),
        properties=properties,
        unique_by=KeyKind.LINKEDIN,
        batch_id=batch_id,
    )


def _kept(channel: Channel, custom: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The custom fields that the channel's properties take, and the rest: a value that does not fit is no lead lost."""
    known = split(channel, custom).properties
    properties = {name: value for name, value in known.items() if _fits(channel, name, value)}
    return properties, {name: value for name, value in custom.items() if name not in properties}


def _fits(channel: Channel, name: str, value: Any) -> bool:
    try:
        checked_properties(channel, {name: value})
    except Refused:
        return False
    return True


def _without_nulls(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _fits_the_lead(name: str, value: Any) -> bool:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return False
    try:
        checked_fields({name: str(value)})
    except Refused:
        return False
    return True


def _summed_up(ends: list[tuple[CreateLead | _Unread, Outcome | None]]) -> NewLeadsAnswer:
    """Raises Refused when an entry was refused for what is not its own fault."""
    added = duplicates = 0
    faults: list[EntryFault] = []
    for index, (entry, outcome) in enumerate(ends):
        if isinstance(outcome, Done) and outcome.before is None:
            added += 1
        elif isinstance(outcome, Done) or (isinstance(outcome, Refusal) and outcome.code in _THERE_ALREADY):
            duplicates += 1
        else:
            faults.append(_fault(index, entry, outcome))
    return NewLeadsAnswer(
        success=True,
        leads_added=added,
        duplicates_skipped=duplicates,
        invalid_entries=len(faults),
        errors=faults or msgspec.UNSET,
    )


def _fault(index: int, entry: CreateLead | _Unread, outcome: Outcome | None) -> EntryFault:
    if isinstance(entry, _Unread):
        return EntryFault(index=index, linkedin_url=entry.linkedin_url, message=entry.message)
    assert isinstance(outcome, Refusal)  # no idempotency key is ever sent along, so there is no kept answer
    if outcome.code in _OF_THE_CALL:
        raise Refused(outcome)
    return EntryFault(index=index, linkedin_url=entry.fields["linkedin_url"], message=outcome.message)
