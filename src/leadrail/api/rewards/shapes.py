"""What the reward operations take and answer, beside the reward itself."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api.leads.shapes import Moment
from leadrail.api.page import Cursor, Limit
from leadrail.api.problems import Problem
from leadrail.core.actor import Actor
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.commands import RewardDecision
from leadrail.core.leads.fields import checked_time
from leadrail.core.rewards.filters import Filter, Group
from leadrail.core.rewards.model import Reward, RewardState

Since = Annotated[Moment, Meta(description="Rewards made at this time or later.")]
Until = Annotated[Moment, Meta(description="Rewards made before this time.")]
Earner = Annotated[UUID, Meta(description="Rewards that this company earns.")]


class RewardQuery(msgspec.Struct, frozen=True, kw_only=True):
    lead: UUID | None = None
    channel: UUID | None = None
    state: Annotated[RewardState, Meta(description="Rewards in this state.")] | None = None
    earner: Earner | None = None
    payer: Annotated[UUID, Meta(description="Rewards that this company pays.")] | None = None
    since: Since | None = None
    until: Until | None = None

    def filter(self, actor: Actor) -> Filter:
        """Raises Refused (`invalid`) for a time that nobody can mean."""
        return msgspec.structs.replace(
            Filter.of(actor),
            lead_id=self.lead,
            channel_id=self.channel,
            state=self.state,
            earner=self.earner,
            payer=self.payer,
            since=self.since and checked_time("since", self.since),
            until=self.until and checked_time("until", self.until),
        )


class RewardPaging(RewardQuery, frozen=True, kw_only=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class TotalsQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    from_: Since | None = None
    to: Until | None = None
    channel: UUID | None = None
    earner: Earner | None = None
    group: Annotated[
        str, Meta(description="By what the sums are told apart: any of `earner`, `channel`, `month`, with commas.")
    ] = "earner,channel,month"

    def filter(self, actor: Actor) -> Filter:
        """Raises Refused (`invalid`) for a time that nobody can mean."""
        return msgspec.structs.replace(
            Filter.of(actor),
            channel_id=self.channel,
            earner=self.earner,
            since=self.from_ and checked_time("from", self.from_),
            until=self.to and checked_time("to", self.to),
        )

    def groups(self) -> frozenset[Group]:
        """Raises Refused (`invalid`)."""
        try:
            return frozenset(Group(word.strip()) for word in self.group.split(",") if word.strip())
        except ValueError:
            raise refuse(Code.INVALID, "group names earner, channel and month, or some of them", "?group") from None


class Rejection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str


class NewCorrection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount`, above zero, is what is taken back of the reward."""

    amount: Decimal
    reason: str


class RewardBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One decision on up to a thousand rewards. `reason` is needed to reject."""

    decision: RewardDecision
    ids: Annotated[list[UUID], Meta(min_length=1, max_length=1000)]
    reason: str | None = None


class RewardOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one reward of a batch."""

    outcome: Literal["changed", "unchanged", "refused"]
    reward: Reward | None = None
    error: Problem | None = None


class RewardOutcomes(msgspec.Struct, frozen=True):
    """One outcome for each id, in order."""

    data: list[RewardOutcome]
