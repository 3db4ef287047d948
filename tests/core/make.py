"""Channels, actors and commands made by hand, for rules that need no database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from leadrail.core.actor import Actor, ActorKind, Scope
from leadrail.core.channels.model import (
    Category,
    Channel,
    Duplicates,
    Member,
    Property,
    PropertyType,
    Reason,
    Requirement,
    Role,
    Status,
    StatusRef,
    SubStatus,
)
from leadrail.core.errors import Refusal, Refused
from leadrail.core.leads.commands import ChangeStatus, CreateLead, LeadCommand, RecordFollowUp, UpdateLead
from leadrail.core.leads.decisions import Decision
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
OWNER_ID, PARTNER_ID, STRANGER_ID = UUID(int=1), UUID(int=2), UUID(int=3)
CHANNEL_ID, LEAD_ID, FOLLOW_UP_ID = UUID(int=10), UUID(int=20), UUID(int=30)
PRICE = Reason(UUID(int=40), 5, "Best price elsewhere")
UNDECIDED = SubStatus(UUID(int=50), Category.ON_HOLD, "Undecided")
PARKED = SubStatus(UUID(int=51), Category.ON_HOLD, "Parked")
HOT = SubStatus(UUID(int=52), Category.OPEN, "Hot")


def actor(company_id: UUID = OWNER_ID, **rest: Any) -> Actor:
    return Actor(ActorKind.API_KEY, UUID(int=60), company_id, "test", frozenset(Scope), **rest)


def status(
    number: int,
    name: str,
    category: Category = Category.OPEN,
    *,
    requires: tuple[Requirement, ...] = (),
    next: tuple[Status, ...] | None = None,
    archived: bool = False,
) -> Status:
    follow = None if next is None else tuple(one.id for one in next)
    return Status(UUID(int=100 + number), name, category, number, "#000000", True, requires, follow, archived)


NEW = status(1, "New")
QUALIFIED = status(2, "Qualified", Category.QUALIFIED)
WON = status(3, "Won", Category.WON)
LOST = status(4, "Lost", Category.LOST)
HELD = status(5, "Held", Category.ON_HOLD)
STATUSES = (NEW, QUALIFIED, WON, LOST, HELD)


def prop(
    type: PropertyType, name: str | None = None, options: tuple[str, ...] = (), archived: bool = False
) -> Property:
    number = 200 + list(PropertyType).index(type)
    return Property(UUID(int=number), name or f"A {type}", type, number, options, archived=archived)


def channel(*statuses: Status, properties: tuple[Property, ...] = (), **rest: Any) -> Channel:
    """A channel of the owner in which the partner is a member; without statuses named, the usual five."""
    made = Channel(
        id=CHANNEL_ID,
        company_id=OWNER_ID,
        version=1,
        public_id=UUID(int=11),
        number=1,
        title="Inbound",
        currency=None,
        template="sales",
        public_submissions=False,
        duplicates=Duplicates.ALLOW,
        created_at=NOW,
        paused_at=None,
        aliases={},
        archived_at=None,
        country=None,
        time_zone="UTC",
        statuses=statuses or STATUSES,
        properties=properties,
        members=(Member(OWNER_ID, Role.CREATOR), Member(PARTNER_ID, Role.REFERRING)),
        reasons=(PRICE,),
        sub_statuses=(UNDECIDED, PARKED, HOT),
    )
    return replace(made, **rest)


def create(fields: Mapping[str, Any] | None = None, **rest: Any) -> CreateLead:
    given: dict[str, Any] = {"actor": actor(), "channel_id": CHANNEL_ID, "lead_id": LEAD_ID, **rest}
    return CreateLead(fields=fields or {}, **given)


def update(**fields: Any) -> UpdateLead:
    return UpdateLead(actor=actor(), lead_id=LEAD_ID, fields=fields)


def move(to: Status | StatusRef, fields: Mapping[str, Any] | None = None, **rest: Any) -> ChangeStatus:
    target = StatusRef(id=to.id) if isinstance(to, Status) else to
    given: dict[str, Any] = {"actor": actor(), "lead_id": LEAD_ID, **rest}
    return ChangeStatus(status=target, fields=fields or {}, **given)


def contact(**rest: Any) -> RecordFollowUp:
    return RecordFollowUp(actor=actor(), lead_id=LEAD_ID, follow_up_id=FOLLOW_UP_ID, **rest)


def lead_in(at: Status | None = None, within: Channel | None = None, **fields: Any) -> Lead:
    """A lead as it was made at NOW, in the first status unless one is named."""
    ref = StatusRef(id=at.id) if at is not None else None
    return decide(None, within or channel(), create(fields, status=ref), NOW, 7).lead


def after(lead: Lead, command: LeadCommand, within: Channel | None = None) -> Decision:
    """The decision on a command one hour after NOW."""
    return decide(lead, within or channel(), command, LATER)


def refusal(lead: Lead | None, command: LeadCommand, within: Channel | None = None) -> Refusal:
    try:
        decision = decide(lead, within or channel(), command, LATER)
    except Refused as error:
        return error.refusal
    raise AssertionError(f"was not refused: {decision}")
