"""What a channel is: statuses, properties, members, and the pure questions about them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TypedDict
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.channels.assignment import Assignment, Giver


class Category(StrEnum):
    OPEN = "open"
    QUALIFIED = "qualified"
    WON = "won"
    LOST = "lost"
    ON_HOLD = "on_hold"
    DELETED = "deleted"


CLOSED = frozenset({Category.WON, Category.LOST})
# Where nobody is reminded of a contact that was planned.
QUIET = CLOSED | {Category.DELETED}


class Requirement(StrEnum):
    VALUE = "value"
    CURRENCY = "currency"
    REASON = "reason"
    NOTE = "note"


class PropertyType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    SELECT = "select"


class Duplicates(StrEnum):
    """What becomes of an arrival whose person the channel has already."""

    ALLOW = "allow"
    REJECT = "reject"
    UPDATE = "update"
    ATTACH = "attach"


class Role(StrEnum):
    CREATOR = "creator"
    PARTNER = "partner"
    REFERRING = "referring"
    RECEIVING = "receiving"


class Status(msgspec.Struct, frozen=True):
    """A named stage. `next` lists the statuses that may follow; None means any.

    A lead that enters it is to be contacted `follow_up_after_s` seconds later, for what `follow_up_note` says. It is
    still found by `former_names`, the latest last; an archived one is found as `replaced_by`.
    """

    id: UUID
    name: str
    category: Category
    position: int
    color: str
    visible: bool = True
    requires: tuple[Requirement, ...] = ()
    next: tuple[UUID, ...] | None = None
    archived: bool = False
    follow_up_after_s: int | None = None
    follow_up_note: str | None = None
    former_names: tuple[str, ...] = ()
    replaced_by: UUID | None = None


class Property(msgspec.Struct, frozen=True):
    """The definition of a custom field."""

    id: UUID
    name: str
    type: PropertyType
    position: int
    options: tuple[str, ...] = ()
    visible: bool = True
    archived: bool = False


class Member(msgspec.Struct, frozen=True):
    company_id: UUID
    role: Role


class Reason(msgspec.Struct, frozen=True):
    id: UUID
    number: int
    text: str
    archived: bool = False


class SubStatus(msgspec.Struct, frozen=True):
    id: UUID
    category: Category
    name: str
    archived: bool = False


class RuleCause(StrEnum):
    UNTOUCHED = "untouched"
    PURCHASE = "purchase"


class RuleState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class Rule(msgspec.Struct, frozen=True):
    """A move that the channel makes by itself. `from_status_id` None, of a purchase only: from wherever it is open."""

    id: UUID
    name: str
    cause: RuleCause
    from_status_id: UUID | None
    to_status_id: UUID
    after_days: int | None = None
    reason: str | None = None
    state: RuleState = RuleState.ACTIVE


class Since(StrEnum):
    LAST_CHANGE = "last_change"
    CLOSED = "closed"


class Retention(msgspec.Struct, frozen=True):
    """How long leads keep their person: those of a status, of a category or, where neither is named, of the channel."""

    id: UUID
    name: str
    since: Since
    after_days: int
    status_id: UUID | None
    category: Category | None
    state: RuleState

    def covers(self, status: Status) -> bool:
        return self.status_id in (None, status.id) and self.category in (None, status.category)


class StatusRef(msgspec.Struct, frozen=True):
    """How a caller names a status: by id, by exact name, or by category. The first that is given and fits wins."""

    id: UUID | None = None
    name: str | None = None
    category: Category | None = None


class Channel(msgspec.Struct, frozen=True, dict=True):
    """A channel with all that the rules ask about, as of `version`. `aliases`: what other systems call it."""

    id: UUID
    company_id: UUID
    version: int
    public_id: UUID
    number: int
    title: str
    currency: str | None
    template: str
    public_submissions: bool
    duplicates: Duplicates
    created_at: datetime
    paused_at: datetime | None
    archived_at: datetime | None
    country: str | None
    time_zone: str
    statuses: tuple[Status, ...]
    properties: tuple[Property, ...]
    members: tuple[Member, ...]
    reasons: tuple[Reason, ...]
    sub_statuses: tuple[SubStatus, ...]
    aliases: dict[str, str]
    rules: tuple[Rule, ...] = ()
    retentions: tuple[Retention, ...] = ()
    assignment: Assignment | None = None

    @property
    def giver(self) -> Giver:
        return (self.company_id, self.id)

    @cached_property
    def status_by_id(self) -> dict[UUID, Status]:
        return {status.id: status for status in self.statuses}

    @cached_property
    def status_by_name(self) -> dict[str, Status]:
        """The current status that is meant by a case-folded name: it has it, or had it, or replaces one that had it."""
        replaced = [(one, status) for one in self.statuses if one.archived and (status := self._current(one.id))]
        current = [(status, status) for status in self.current_statuses]
        by_former = {name.casefold(): meant for one, meant in replaced + current for name in one.former_names}
        return {one.name.casefold(): meant for one, meant in replaced} | by_former | self._by_present_name

    @cached_property
    def _by_present_name(self) -> dict[str, Status]:
        return {status.name.casefold(): status for status in self.current_statuses}

    def _current(self, id: UUID) -> Status | None:
        """The status with this id, or the one that its leads went to when it was archived."""
        status = self.status_by_id.get(id)
        while status is not None and status.archived:
            status = self.status_by_id.get(status.replaced_by) if status.replaced_by is not None else None
        return status

    @cached_property
    def current_statuses(self) -> tuple[Status, ...]:
        return tuple(status for status in self.statuses if not status.archived)

    @cached_property
    def current_properties(self) -> tuple[Property, ...]:
        return tuple(definition for definition in self.properties if not definition.archived)

    @cached_property
    def property_by_key(self) -> dict[str, Property]:
        """Current definitions under their id and under their case-folded name."""
        by_name = {definition.name.casefold(): definition for definition in self.current_properties}
        return by_name | {str(definition.id): definition for definition in self.current_properties}

    @cached_property
    def first_status(self) -> Status | None:
        return self.current_statuses[0] if self.current_statuses else None

    def first_of(self, category: Category) -> Status | None:
        return next((status for status in self.current_statuses if status.category is category), None)

    @cached_property
    def reason_by_id(self) -> dict[UUID, Reason]:
        return {reason.id: reason for reason in self.reasons}

    @cached_property
    def reason_by_text(self) -> dict[str, Reason]:
        """Every reason, archived or not, under its case-folded text; of two that fold alike the one on offer."""
        in_turn = sorted(self.reasons, key=lambda reason: not reason.archived)
        return {reason.text.strip().casefold(): reason for reason in in_turn}

    @cached_property
    def sub_status_by_id(self) -> dict[UUID, SubStatus]:
        return {sub_status.id: sub_status for sub_status in self.sub_statuses}

    @cached_property
    def active_rules(self) -> dict[tuple[RuleCause, UUID | None], Rule]:
        """The rule in force for each cause and status; there is never more than one."""
        active = (rule for rule in self.rules if rule.state is RuleState.ACTIVE)
        return {(rule.cause, rule.from_status_id): rule for rule in active}

    @cached_property
    def active_retentions(self) -> dict[UUID, tuple[Retention, ...]]:
        """The retention rules in force for each status that has some."""
        active = [rule for rule in self.retentions if rule.state is RuleState.ACTIVE]
        covering = {status.id: tuple(rule for rule in active if rule.covers(status)) for status in self.statuses}
        return {id: rules for id, rules in covering.items() if rules}

    def find_status(self, ref: StatusRef) -> Status | None:
        """The current status that ref names, by its id or name or by one that it had: an exact name wins, then the
        first of the category.
        """
        if ref.id is not None:
            return self._current(ref.id)
        if ref.name is not None and (named := self.status_by_name.get(ref.name.casefold())):
            return named
        return self.first_of(ref.category) if ref.category is not None else None

    def is_called(self, status: Status, name: str) -> bool:
        """Whether the status, archived or not, is meant by a case-folded name."""
        meant = self.status_by_name.get(name)
        return status.name.casefold() == name or (meant is not None and meant.id == status.id)

    def called(self, system: str) -> str:
        """The id by which the clients of a system know the channel: the one it had there, else its own."""
        return self.aliases.get(system, str(self.id))

    def allows(self, actor: Actor) -> bool:
        """Whether the actor's company owns this channel or is a member, and its key is not bound to others."""
        if actor.channel_ids and self.id not in actor.channel_ids:
            return False
        return actor.company_id == self.company_id or actor.company_id in self._member_ids

    def member_with(self, role: Role) -> UUID | None:
        return next((member.company_id for member in self.members if member.role is role), None)

    @cached_property
    def _member_ids(self) -> frozenset[UUID]:
        return frozenset(member.company_id for member in self.members)


def only_one(channels: Sequence[Channel], template: str) -> Channel | None:
    """The channel that can be meant where none is named: the only one, else the only one of the template."""
    for few in (channels, [channel for channel in channels if channel.template == template]):
        if len(few) == 1:
            return few[0]
    return None


class ChannelTold(TypedDict):
    """A channel as an event names it."""

    id: UUID
    number: int
    title: str


class ChannelPausedData(TypedDict):
    """`data` of channel.paused and channel.resumed."""

    channel: ChannelTold


class Named(msgspec.Struct, frozen=True):
    """A status as it was named at a moment: what events and answers carry."""

    id: UUID
    name: str
    category: Category

    @classmethod
    def of(cls, status: Status) -> "Named":
        return cls(status.id, status.name, status.category)
