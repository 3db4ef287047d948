"""What several leads of one person come to as one, field by field, and how they come apart again. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.channels.model import Channel, Status, StatusRef
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.automatic import due_of
from leadrail.core.leads.decisions import Fact
from leadrail.core.leads.fields import ATTRIBUTION_LIMIT, TEXT_LIMITS
from leadrail.core.leads.model import Lead
from leadrail.core.leads.standing import move_data, stamped

_NAMES = ("name", "first_name", "last_name")
_SINGLE = tuple(name for name in TEXT_LIMITS if name not in _NAMES)

# What goes together, by what it is called: by which members a lead is seen to have it, and all of them.
_GROUPS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **{name: ((name,), (name,)) for name in _SINGLE},
    "name": (_NAMES, _NAMES),
    "value": (("value",), ("value", "currency")),
    "next_follow_up_at": (("next_follow_up_at",), ("next_follow_up_at", "follow_up_notice")),
}

_PROPERTY = "properties."


class Standing(msgspec.Struct, frozen=True):
    """All that a merge may change of the lead that stays."""

    email: str | None
    phone: str | None
    linkedin_url: str | None
    first_name: str | None
    last_name: str | None
    name: str | None
    title: str | None
    company_name: str | None
    source: str | None
    assignee: str | None
    notes: str | None
    business_id: str | None
    value: Decimal | None
    currency: str | None
    properties: dict[str, Any]
    attribution: dict[str, Any]
    next_follow_up_at: datetime | None
    follow_up_notice: str | None
    follow_up_status_id: UUID | None
    last_follow_up_at: datetime | None
    merged_keys: dict[str, list[str]] | None

    @classmethod
    def of(cls, lead: Lead) -> Self:
        return cls(**{name: getattr(lead, name) for name in cls.__struct_fields__})


_MEMBERS = tuple(
    name for name in Standing.__struct_fields__ if name not in ("properties", "attribution", "merged_keys")
)


class Contact(msgspec.Struct, frozen=True):
    """The contact that was planned with a lead when it was merged: there is one with the lead that stays, or none."""

    lead_id: UUID
    next_follow_up_at: datetime | None
    follow_up_notice: str | None
    follow_up_status_id: UUID | None

    @classmethod
    def of(cls, lead: Lead) -> Self:
        return cls(lead.id, lead.next_follow_up_at, lead.follow_up_notice, lead.follow_up_status_id)


def joined(
    into: Lead, others: Sequence[Lead], channel: Channel, take: Mapping[str, UUID], now: datetime
) -> tuple[Lead, dict[str, UUID]]:
    """The lead that stays with what it lacked, and from which lead each field is that it did not have.

    What it has stays, unless `take` names another lead for it; of the others the first that has it gives it.
    Raises Refused (`invalid`) for what cannot be taken.
    """
    lead, taken = into, dict[str, UUID]()
    wanted = _wanted(take, (into, *others), channel)
    for group, (telling, members) in _GROUPS.items():
        giver = wanted.get(group) or _first_with((into, *others), telling)
        if giver is not None and giver.id != into.id:
            lead = replace(lead, **{name: getattr(giver, name) for name in members})
            taken[group] = giver.id
    if "next_follow_up_at" in taken:
        lead = replace(lead, follow_up_status_id=None)
    properties = {}
    for key, giver in _givers((into, *others), wanted).items():
        properties[key] = giver.properties[key]
        if giver.id != into.id:
            taken[_property_name(channel, key)] = giver.id
    attribution, giver = _attribution(into, others)
    if giver is not None:
        taken["attribution"] = giver.id
    lead = replace(
        lead,
        properties=properties,
        attribution=attribution,
        last_follow_up_at=max(
            (one.last_follow_up_at for one in (into, *others) if one.last_follow_up_at), default=None
        ),
        merged_keys=_merged_keys((into, *others), channel),
        updated_at=now,
        version=into.version + 1,
    )
    return replace(lead, rule_due_at=due_of(lead, channel)), taken


def _wanted(take: Mapping[str, UUID], leads: Sequence[Lead], channel: Channel) -> dict[str, Lead]:
    """What `take` asks for, by group, or by `properties.` and the id of the definition."""
    by_id, found = {lead.id: lead for lead in leads}, dict[str, Lead]()
    for name, id in take.items():
        pointer = "/take/" + name.replace("~", "~0").replace("/", "~1")
        if (giver := by_id.get(id)) is None:
            raise refuse(Code.INVALID, "take names a lead that is not merged here", pointer)
        if name.startswith(_PROPERTY):
            key = name.removeprefix(_PROPERTY)
            known = channel.property_by_key.get(key) or channel.property_by_key.get(key.casefold())
            if known is None:
                raise refuse(Code.INVALID, f'The channel has no property "{key}"', pointer)
            name, has = _PROPERTY + str(known.id), str(known.id) in giver.properties
        elif name in _GROUPS:
            has = _has(giver, _GROUPS[name][0])
        else:
            names = ", ".join((*_GROUPS, "properties.<name>"))
            raise refuse(Code.INVALID, f"take knows {names}", pointer)
        if not has:
            raise refuse(Code.INVALID, f"The lead {id} has nothing there to take", pointer)
        found[name] = giver
    return found


def _has(lead: Lead, telling: tuple[str, ...]) -> bool:
    return any(getattr(lead, name) is not None for name in telling)


def _first_with(leads: Sequence[Lead], telling: tuple[str, ...]) -> Lead | None:
    return next((lead for lead in leads if _has(lead, telling)), None)


def _givers(leads: Sequence[Lead], wanted: Mapping[str, Lead]) -> dict[str, Lead]:
    """From which lead each property is, by the id of its definition."""
    givers: dict[str, Lead] = {}
    for lead in leads:
        for key in lead.properties:
            givers.setdefault(key, wanted.get(_PROPERTY + key, lead))
    return givers


def _property_name(channel: Channel, key: str) -> str:
    known = channel.property_by_key.get(key)
    return _PROPERTY + (known.name if known is not None else key)


def _attribution(into: Lead, others: Sequence[Lead]) -> tuple[dict[str, Any], Lead | None]:
    """Member by member what the first has that has it, as far as it may be large, and who gave something first.

    Members of objects, as the ids in other systems are, count one by one.
    """
    found, first = into.attribution, None
    for lead in others:
        for name, value in lead.attribution.items():
            own = found.get(name)
            whole = value | own if isinstance(own, dict) and isinstance(value, dict) else own
            grown = found | {name: value if own is None else whole}
            if grown != found and len(msgspec.json.encode(grown)) <= ATTRIBUTION_LIMIT:
                found, first = grown, first or lead
    return found, first


def _merged_keys(leads: Sequence[Lead], channel: Channel) -> dict[str, list[str]]:
    keys: dict[str, set[str]] = {kind: set(known) for kind, known in (leads[0].merged_keys or {}).items()}
    for lead in leads[1:]:
        for kind, key in lead.keys(channel.country):
            keys.setdefault(kind, set()).add(key)
    return {kind: sorted(known) for kind, known in sorted(keys.items())}


def stood_for(lead: Lead, into: Lead, now: datetime) -> Lead:
    """A merged lead: all that it was, and nobody's work."""
    return replace(
        lead,
        merged_into=into.id,
        next_follow_up_at=None,
        follow_up_notice=None,
        follow_up_status_id=None,
        rule_due_at=None,
        updated_at=now,
        version=lead.version + 1,
    )


def taken_back(
    lead: Lead, before: Standing, after: Standing, channel: Channel, now: datetime
) -> tuple[Lead, list[str]]:
    """The lead that stayed without what a merge gave it, and what it keeps because it was changed since."""
    values, kept = dict[str, Any](), list[str]()
    for name in _MEMBERS:
        if getattr(after, name) == getattr(before, name):
            continue
        if getattr(lead, name) == getattr(after, name):
            values[name] = getattr(before, name)
        elif name in ("next_follow_up_at", *TEXT_LIMITS, "value", "currency"):
            kept.append(name)
    for document in ("properties", "attribution"):
        values[document], members = _members_back(*(getattr(one, document) for one in (lead, before, after)))
        is_property = document == "properties"
        kept += [_property_name(channel, name) if is_property else f"{document}.{name}" for name in members]
    lead = replace(lead, **values, merged_keys=before.merged_keys, updated_at=now, version=lead.version + 1)
    return replace(lead, rule_due_at=due_of(lead, channel)), kept


def _members_back(
    now: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    given = [name for name, value in after.items() if value != before.get(name)]
    back = [name for name in given if now.get(name) == after[name]]
    former = {name: before[name] for name in back if name in before}
    members = {name: value for name, value in now.items() if name not in back} | former
    return members, [name for name in given if name not in back]


def apart(lead: Lead, contact: Contact, channel: Channel, now: datetime) -> tuple[Lead, Fact | None]:
    """A merged lead, one of its own again, and its move when the status in which it was is archived by now."""
    lead = replace(
        lead,
        merged_into=None,
        next_follow_up_at=contact.next_follow_up_at,
        follow_up_notice=contact.follow_up_notice,
        follow_up_status_id=contact.follow_up_status_id,
        updated_at=now,
        version=lead.version + 1,
    )
    status = channel.status_by_id[lead.status_id]
    target = _standing_in(channel, status)
    fact = None
    if target.id != status.id:
        spent = max(int((now - lead.status_changed_at).total_seconds()), 0)
        lead = replace(lead, status_id=target.id, sub_status=None, sub_status_id=None, status_changed_at=now)
        lead = stamped(lead, target, now)
        data = move_data(status, target, lead, None, {}, {}, spent)
        fact = Fact(EventType.LEAD_STATUS_CHANGED, data, now, status, target)
    return replace(lead, rule_due_at=due_of(lead, channel)), fact


def _standing_in(channel: Channel, status: Status) -> Status:
    """The status, or what stands in for it: where its leads went, else the first of its category, or the channel's."""
    current = channel.find_status(StatusRef(id=status.id))
    return current or channel.first_of(status.category) or channel.first_status or status
