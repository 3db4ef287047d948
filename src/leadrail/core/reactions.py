"""THE table: what follows from an event, by the door through which it came.

Nothing else in the product decides whether an event earns rewards, is delivered or is shown as a notice.
"""

import msgspec

from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import Origin


class Reaction(msgspec.Struct, frozen=True):
    """`rewards`: triggers are tried. `deliveries`: endpoints hear of it. `notice`: the owner's team is notified."""

    rewards: bool
    deliveries: bool
    notice: bool


ALL = Reaction(rewards=True, deliveries=True, notice=True)
TOLD = Reaction(rewards=False, deliveries=True, notice=True)
DELIVERED = Reaction(rewards=False, deliveries=True, notice=False)

TABLE: dict[tuple[EventType, Origin], Reaction] = {
    (EventType.LEAD_CREATED, Origin.STANDARD): ALL,
    (EventType.LEAD_STATUS_CHANGED, Origin.STANDARD): ALL,
    (EventType.LEAD_UPDATED, Origin.STANDARD): DELIVERED,
    (EventType.FOLLOW_UP_RECORDED, Origin.STANDARD): DELIVERED,
    (EventType.REWARD_CREATED, Origin.STANDARD): TOLD,
}
