"""What is sent and answered for channels and what belongs to them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.api.page import Cursor, Limit
from leadrail.core.channels import commands
from leadrail.core.channels.model import (
    Category,
    Duplicates,
    Member,
    Property,
    PropertyType,
    Requirement,
    Role,
    RuleCause,
    RuleState,
    Since,
    Status,
)
from leadrail.core.rewards.commands import MOST_HOLD_DAYS
from leadrail.core.rewards.model import Cause, Kind, TriggerState
from leadrail.core.setup import Setup


class PlannedContact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contact that a status plans for a lead that enters it, so many hours later."""

    after_hours: Annotated[int, Meta(ge=1, le=87_600)]
    note: Annotated[str, Meta(max_length=1_000)] | None = None


class StatusBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`position` left out puts it last; `requires` lists what a lead needs to enter it."""

    name: str
    category: Category = Category.OPEN
    position: int | None = None
    color: str | None = None
    visible: bool = True
    requires: tuple[Requirement, ...] = ()
    follow_up: PlannedContact | None = None


class StatusPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`next` lists the statuses that may follow by their ids; null means any."""

    name: str | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    position: int | UnsetType = UNSET
    color: str | UnsetType = UNSET
    visible: bool | UnsetType = UNSET
    requires: tuple[Requirement, ...] | UnsetType = UNSET
    next: tuple[UUID, ...] | None | UnsetType = UNSET
    follow_up: PlannedContact | None | UnsetType = UNSET


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Statuses in the order in which they are to stand; those that are not named come behind them as they stood."""

    ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=commands.MOST_STATUSES)]


class PropertyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`options` are the choices of a `select`."""

    name: str
    type: PropertyType = PropertyType.TEXT
    options: tuple[str, ...] = ()
    position: int | None = None
    visible: bool = True


class PropertyPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    options: tuple[str, ...] | UnsetType = UNSET
    position: int | UnsetType = UNSET
    visible: bool | UnsetType = UNSET


class MemberBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    company_id: UUID
    role: Role


class ChannelBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`template` is sales, keenpartner, sendpilot, octanist or capillary; `statuses` given replace the template's."""

    title: str
    currency: str | None = None
    template: str = "sales"
    statuses: tuple[StatusBody, ...] = ()
    properties: tuple[PropertyBody, ...] = ()
    members: Annotated[tuple[MemberBody, ...], Meta(max_length=commands.MOST_MEMBERS)] = ()
    public_submissions: bool = False
    duplicates: Duplicates = Duplicates.ALLOW


class ChannelPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    public_submissions: bool | UnsetType = UNSET
    duplicates: Duplicates | UnsetType = UNSET


class CloneBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The title of the new channel; `members` shares it with the companies that share the other one."""

    title: str
    members: bool = False


class TriggerBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`amount` is money for `fixed`, a percentage of the lead's value or of the purchase for `percent`."""

    cause: Cause
    amount: Decimal
    kind: Kind = Kind.FIXED
    status_id: UUID | None = None
    status: str | None = None
    repeat: bool = False
    state: TriggerState = TriggerState.ACTIVE
    cap: Decimal | None = None
    hold_days: Annotated[int, Meta(ge=0, le=MOST_HOLD_DAYS)] = 0


class TriggerPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state: TriggerState | UnsetType = UNSET
    amount: Decimal | UnsetType = UNSET
    cap: Decimal | None | UnsetType = UNSET
    hold_days: Annotated[int, Meta(ge=0, le=MOST_HOLD_DAYS)] | UnsetType = UNSET


class RuleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Statuses are named by id or by name. `untouched` takes `after_days` and `from_status`."""

    name: str
    cause: RuleCause
    to_status: str
    from_status: str | None = None
    after_days: int | None = None
    reason: str | None = None
    state: RuleState = RuleState.ACTIVE


class RulePatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    to_status: str | UnsetType = UNSET
    after_days: int | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET
    state: RuleState | UnsetType = UNSET


class RetentionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For the leads of a status (named by id or by name), of a category, or of the whole channel."""

    name: str
    after_days: int
    since: Since = Since.LAST_CHANGE
    status: str | None = None
    category: Category | None = None
    state: RuleState = RuleState.PAUSED


class RetentionPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    after_days: int | UnsetType = UNSET
    state: RuleState | UnsetType = UNSET


# What is shown


class DueLeads(msgspec.Struct, frozen=True):
    """How many leads a rule would erase now; not `exact`: at least so many, since there are too many to look at."""

    leads: int
    exact: bool


class ShownStatus(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    category: Category
    position: int
    color: str
    visible: bool
    requires: tuple[Requirement, ...]
    next: tuple[UUID, ...] | None
    follow_up: PlannedContact | None


class ShownProperty(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    type: PropertyType
    options: tuple[str, ...]
    position: int
    visible: bool


class ShownChannel(msgspec.Struct, frozen=True):
    id: UUID
    public_id: UUID
    number: int
    title: str
    currency: str | None
    template: str
    public_submissions: bool
    duplicates: Duplicates
    statuses: list[ShownStatus]
    properties: list[ShownProperty]
    members: tuple[Member, ...]
    created_at: datetime
    paused_at: datetime | None
    archived_at: datetime | None


def shown_status(status: Status) -> ShownStatus:
    seconds = status.follow_up_after_s
    planned = PlannedContact(seconds // 3600, status.follow_up_note) if seconds else None
    plain = {name: getattr(status, name) for name in ShownStatus.__struct_fields__ if name != "follow_up"}
    return ShownStatus(**plain, follow_up=planned)


def status_values(given: dict[str, Any]) -> dict[str, Any]:
    """What was given of a status, the contact that it plans in the words of the core."""
    values = dict(given)
    if "follow_up" in values:
        planned = values.pop("follow_up")
        values["follow_up_after_s"] = planned.after_hours * 3600 if planned else None
        values["follow_up_note"] = planned.note if planned else None
    return values


def shown_property(definition: Property) -> ShownProperty:
    return ShownProperty(*(getattr(definition, name) for name in ShownProperty.__struct_fields__))


def shown_channel(setup: Setup) -> ShownChannel:
    channel = setup.channel
    return ShownChannel(
        id=channel.id,
        public_id=channel.public_id,
        number=channel.number,
        title=channel.title,
        currency=channel.currency,
        template=channel.template,
        public_submissions=channel.public_submissions,
        duplicates=channel.duplicates,
        statuses=[shown_status(status) for status in channel.current_statuses],
        properties=[shown_property(definition) for definition in channel.current_properties],
        members=channel.members,
        created_at=channel.created_at,
        paused_at=channel.paused_at,
        archived_at=channel.archived_at,
    )


class ChannelQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class MoveQuery(msgspec.Struct, frozen=True):
    move_to: Annotated[UUID, Meta(description="Where the leads of the status go.")] | None = None


class RoleQuery(msgspec.Struct, frozen=True):
    role: Role
