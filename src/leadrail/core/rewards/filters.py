"""Which rewards are meant, as SQL: those that a company may see, narrowed by what a caller asks for."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.rewards.model import RewardState
from leadrail.db.filters import Parameters


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """`company_id` is who looks; `channel_ids`, if any, are all that its key may see. `until` is not in the range."""

    company_id: UUID
    channel_ids: tuple[UUID, ...] = ()
    lead_id: UUID | None = None
    channel_id: UUID | None = None
    state: RewardState | None = None
    earner: UUID | None = None
    payer: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, actor: Actor) -> "Filter":
        """All that the actor may see."""
        return cls(company_id=actor.company_id, channel_ids=tuple(actor.channel_ids))


# Who sees a reward: the owner of its lead, who earns it, who pays it. No reward is in two of them, and each of them has
# an index in the order of ids, so a page is read from the ends of three. Where the owner itself earns or pays, the
# others' indexes do not hold the reward: most owners pay, and would be led past all of theirs to find nothing new.
VISIBLE = (
    "w.company_id = {me}",
    "w.earner_company_id = {me} AND w.earner_company_id <> w.company_id",
    "w.payer_company_id = {me} AND w.payer_company_id <> w.company_id AND w.earner_company_id <> {me}",
)


def visible(me: str) -> list[str]:
    """The conditions of VISIBLE for the company in this placeholder."""
    return [part.format(me=me) for part in VISIBLE]


def conditions(filter: Filter, parameters: Parameters) -> str:
    """What the filter asks beside who may see it, as the rest of a WHERE."""
    asked = [
        ("w.lead_id = ANY(lead_family(NULL, {}))", filter.lead_id, "uuid"),
        ("w.channel_id = {}", filter.channel_id, "uuid"),
        ("w.channel_id = ANY({})", list(filter.channel_ids) or None, "uuid[]"),
        ("w.state = {}", filter.state, "text"),
        ("w.earner_company_id = {}", filter.earner, "uuid"),
        ("w.payer_company_id = {}", filter.payer, "uuid"),
        ("w.created_at >= {}", filter.since, "timestamptz"),
        ("w.created_at < {}", filter.until, "timestamptz"),
    ]
    given = [text.format(parameters.add(value, type)) for text, value, type in asked if value is not None]
    return "".join(f" AND {text}" for text in given)


class Group(StrEnum):
    """By what totals are told apart, beside the currency."""

    EARNER = "earner"
    CHANNEL = "channel"
    MONTH = "month"


COLUMNS: dict[Group, str] = {
    Group.EARNER: "w.earner_company_id",
    Group.CHANNEL: "w.channel_id",
    Group.MONTH: "to_char(w.created_at AT TIME ZONE 'UTC', 'YYYY-MM')",
}
