"""What a lead is, and how it is shown."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Channel, Named
from leadrail.core.identity import EXTERNAL_IDS, KeyKind, keys_of


class Lead(msgspec.Struct, frozen=True):
    """One contact in one channel with a status. Field order is the column order of `store`.

    `sub_status` and `reason` are the words that were said; where there is an id, what that is called now counts (see
    `reason_of`, `sub_status_of`). `merged_into` is the lead that stands for this one; `merged_keys` are those of the
    leads that were merged into it, by kind, None where none ever was.
    """

    company_id: UUID
    id: UUID
    number: int
    channel_id: UUID
    status_id: UUID
    sub_status: str | None
    reason_id: UUID | None
    reason: str | None
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
    last_follow_up_at: datetime | None
    qualified_at: datetime | None
    closed_at: datetime | None
    status_changed_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int
    follow_up_notice: str | None = None
    rule_due_at: datetime | None = None
    undo: dict[str, Any] | None = None
    erased_at: datetime | None = None
    follow_up_status_id: UUID | None = None
    sub_status_id: UUID | None = None
    merged_into: UUID | None = None
    merged_keys: dict[str, list[str]] | None = None

    @property
    def full_name(self) -> str | None:
        """The name as given, else first and last name together."""
        return self.name or " ".join(part for part in (self.first_name, self.last_name) if part) or None

    def called(self, system: str) -> str:
        """The id by which the clients of a system know the lead: the one it had there, else its own."""
        return called(self.attribution, system) or str(self.id)

    def keys(self, country: str | None) -> frozenset[tuple[KeyKind, str]]:
        """By what the lead is found. One that another stands for is not found: that one is."""
        if self.merged_into is not None:
            return frozenset()
        own = self.own_keys(country)
        if not self.merged_keys:
            return own
        return own | {(KeyKind(kind), key) for kind, keys in self.merged_keys.items() for key in keys}

    def own_keys(self, country: str | None) -> frozenset[tuple[KeyKind, str]]:
        return keys_of(self.email, self.phone, self.linkedin_url, self.business_id, self.attribution, country)


def called(attribution: Mapping[str, Any], system: str) -> str | None:
    """The id in another system that an attribution holds."""
    ids = attribution.get(EXTERNAL_IDS)
    id = ids.get(system) if isinstance(ids, dict) else None
    return str(id) if isinstance(id, str | int) and not isinstance(id, bool) else None


def standing(leads: Mapping[UUID, Lead], id: UUID) -> Lead | None:
    """Of these leads the one with the id, or the one that stands for it since they were merged."""
    lead = leads.get(id)
    while lead is not None and lead.merged_into is not None:
        lead = leads.get(lead.merged_into)
    return lead


class LeadDocument(msgspec.Struct, frozen=True):
    """A lead as the native API and the native webhooks show it. Properties are keyed by their names."""

    id: UUID
    number: int
    channel_id: UUID
    status: Named
    sub_status: str | None
    reason: str | None
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
    qualified_at: datetime | None
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    erased_at: datetime | None


def document(lead: Lead, channel: Channel) -> LeadDocument:
    return LeadDocument(
        id=lead.id,
        number=lead.number,
        channel_id=lead.channel_id,
        status=Named.of(channel.status_by_id[lead.status_id]),
        sub_status=sub_status_of(lead, channel),
        reason=reason_of(lead, channel),
        email=lead.email,
        phone=lead.phone,
        linkedin_url=lead.linkedin_url,
        first_name=lead.first_name,
        last_name=lead.last_name,
        name=lead.full_name,
        title=lead.title,
        company_name=lead.company_name,
        source=lead.source,
        assignee=lead.assignee,
        notes=lead.notes,
        business_id=lead.business_id,
        value=lead.value,
        currency=lead.currency,
        properties=named_properties(lead, channel) if lead.properties else {},
        attribution=lead.attribution,
        next_follow_up_at=lead.next_follow_up_at,
        qualified_at=lead.qualified_at,
        closed_at=lead.closed_at,
        created_at=lead.created_at,
        updated_at=lead.updated_at,
        version=lead.version,
        erased_at=lead.erased_at,
    )


def reason_of(lead: Lead, channel: Channel) -> str | None:
    """The lead's reason by the text that it has now."""
    listed = channel.reason_by_id.get(lead.reason_id) if lead.reason_id is not None else None
    return listed.text if listed is not None else lead.reason


def sub_status_of(lead: Lead, channel: Channel) -> str | None:
    """The lead's sub-status by the name that it has now."""
    listed = channel.sub_status_by_id.get(lead.sub_status_id) if lead.sub_status_id is not None else None
    return listed.name if listed is not None else lead.sub_status


def named_properties(lead: Lead, channel: Channel) -> dict[str, Any]:
    """The lead's property values by the names of their current definitions, in the channel's order."""
    values = lead.properties
    return {
        definition.name: values[str(definition.id)]
        for definition in channel.current_properties
        if str(definition.id) in values
    }
