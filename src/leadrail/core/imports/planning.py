"""What is to be done for each row: make a lead, change one, nothing, or say why not. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Channel
from leadrail.core.imports.matching import Ambiguous, Nobody, ambiguity, keys_to_match, match
from leadrail.core.imports.model import Import, OnDuplicate
from leadrail.core.imports.rows import Draft, Key, new_lead
from leadrail.core.leads.commands import ChangeStatus, Command, CreateLead, Origin, UpdateLead


class Create(msgspec.Struct, frozen=True):
    draft: Draft
    command: CreateLead


class Change(msgspec.Struct, frozen=True):
    """`then` is done when `command` was not refused."""

    draft: Draft
    command: Command
    then: UpdateLead | None


class Skip(msgspec.Struct, frozen=True):
    draft: Draft


class Refuse(msgspec.Struct, frozen=True):
    draft: Draft
    why: str


class Later(msgspec.Struct, frozen=True):
    """The row is about a lead that an earlier one is only about to make, or to change."""

    draft: Draft


Plan = Create | Change | Skip | Refuse | Later


def plans(made: Import, channel: Channel, drafts: Sequence[Draft], known: Mapping[Key, Sequence[UUID]]) -> list[Plan]:
    """One plan a draft, in order. `known`: the leads that there are, by the keys that are looked at."""
    awaited: set[Key | UUID] = set()
    return [_plan(made, channel, draft, known, awaited) for draft in drafts]


def _plan(
    made: Import, channel: Channel, draft: Draft, known: Mapping[Key, Sequence[UUID]], awaited: set[Key | UUID]
) -> Plan:
    options = made.options
    if options.duplicates is not OnDuplicate.CREATE:
        keys = keys_to_match(draft, options.match_by)
        found = match(keys, known)
        if isinstance(found, Ambiguous) and options.duplicates is OnDuplicate.UPDATE:
            return Refuse(draft, ambiguity(found))
        if found is not Nobody.NOBODY:
            if not isinstance(found, UUID) or options.duplicates is OnDuplicate.SKIP:
                return Skip(draft)
            if found in awaited:
                return Later(draft)
            awaited.add(found)
            return _change(made, draft, found)
        if not awaited.isdisjoint(keys):
            return Later(draft)
        awaited.update(keys)
    return Create(draft, new_lead(draft, channel, made, origin_of(made)))


def _change(made: Import, draft: Draft, lead_id: UUID) -> Change:
    """What the row says is laid over the lead; an empty cell takes nothing away."""
    actor, origin = made.actor, origin_of(made)
    if draft.status is None:
        edit = UpdateLead(actor=actor, lead_id=lead_id, fields=draft.fields, properties=draft.properties, origin=origin)
        return Change(draft, edit, None)
    told: dict[str, Any] = {name: draft.fields[name] for name in ("value", "currency") if name in draft.fields}
    move = ChangeStatus(
        actor=actor,
        lead_id=lead_id,
        status=draft.status,
        fields=told,
        edits={name: value for name, value in draft.fields.items() if name not in told},
        sub_status=draft.sub_status,
        reason=draft.reason,
        at=draft.times.get("status_changed_at") or draft.times.get("closed_at"),
        origin=origin,
    )
    more = UpdateLead(actor=actor, lead_id=lead_id, properties=draft.properties, origin=origin)
    return Change(draft, move, more if draft.properties else None)


def origin_of(made: Import) -> Origin:
    """Whether anything follows from what the import does."""
    return Origin.STANDARD if made.options.tell else Origin.IMPORT
