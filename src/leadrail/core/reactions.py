"""THE table: what follows from an event, by the door through which it came.

Nothing else in the product decides whether an event earns rewards, is delivered or is shown as a notice.
"""

import msgspec

from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import Origin


class Reaction(msgspec.Struct, frozen=True):
    """`rewards`: triggers are tried and what is on hold is taken back. `deliveries`: endpoints hear of it.

    `notice`: the owner's team is notified. `recorded`: it enters the history.
    """

    rewards: bool = False
    deliveries: bool = False
    notice: bool = False
    recorded: bool = True


ALL = Reaction(rewards=True, deliveries=True, notice=True)
TOLD = Reaction(deliveries=True, notice=True)
DELIVERED = Reaction(deliveries=True)
EARNING = Reaction(rewards=True)
KEPT = Reaction()
NOTHING = Reaction(recorded=False)

TABLE: dict[tuple[EventType, Origin], Reaction] = {
    (EventType.LEAD_CREATED, Origin.STANDARD): ALL,
    (EventType.LEAD_STATUS_CHANGED, Origin.STANDARD): ALL,
    (EventType.LEAD_MOVED, Origin.STANDARD): ALL,
    # For those who hear of the channel that it left and may not know where it went.
    (EventType.LEAD_LEFT, Origin.STANDARD): DELIVERED,
    (EventType.LEAD_UPDATED, Origin.STANDARD): DELIVERED,
    (EventType.LEAD_ATTACHED, Origin.STANDARD): TOLD,
    (EventType.LEAD_ERASED, Origin.STANDARD): TOLD,
    (EventType.FOLLOW_UP_RECORDED, Origin.STANDARD): DELIVERED,
    (EventType.FOLLOW_UP_DUE, Origin.STANDARD): TOLD,
    (EventType.FOLLOW_UP_OVERDUE, Origin.STANDARD): TOLD,
    (EventType.LEADS_ASSIGNED, Origin.STANDARD): TOLD,
    (EventType.NOTE_ADDED, Origin.STANDARD): DELIVERED,
    (EventType.CONSENT_RECORDED, Origin.STANDARD): DELIVERED,
    (EventType.PURCHASE_RECORDED, Origin.STANDARD): ALL,
    (EventType.REWARD_CREATED, Origin.STANDARD): TOLD,
    (EventType.REWARD_CHANGED, Origin.STANDARD): TOLD,
    (EventType.CHANNEL_PAUSED, Origin.STANDARD): TOLD,
    (EventType.CHANNEL_RESUMED, Origin.STANDARD): TOLD,
    (EventType.ENDPOINT_DISABLED, Origin.STANDARD): TOLD,
    # One of many that came together and were given out: the notice is leads.assigned.
    (EventType.LEAD_CREATED, Origin.BATCH): Reaction(rewards=True, deliveries=True),
    (EventType.LEAD_STATUS_CHANGED, Origin.BATCH): Reaction(rewards=True, deliveries=True),
    (EventType.FOLLOW_UP_RECORDED, Origin.BATCH): DELIVERED,
    (EventType.REWARD_CREATED, Origin.BATCH): TOLD,
    (EventType.REWARD_CHANGED, Origin.BATCH): TOLD,
    # A vendor's edit without any side effect, not even an entry in its log (contracts/keenpartner.md, section 5).
    (EventType.LEAD_UPDATED, Origin.QUIET_EDIT): NOTHING,
    # A vendor's form without a key: it earns, and nobody is told (contracts/keenpartner.md, section 5).
    (EventType.LEAD_CREATED, Origin.PUBLIC_FORM): EARNING,
    (EventType.LEAD_ATTACHED, Origin.PUBLIC_FORM): KEPT,
    (EventType.FOLLOW_UP_RECORDED, Origin.PUBLIC_FORM): KEPT,
    (EventType.REWARD_CREATED, Origin.PUBLIC_FORM): KEPT,
    # What happened elsewhere had its effects there.
    (EventType.LEAD_CREATED, Origin.IMPORT): KEPT,
    (EventType.LEAD_UPDATED, Origin.IMPORT): KEPT,
    (EventType.LEAD_ATTACHED, Origin.IMPORT): KEPT,
    (EventType.LEAD_STATUS_CHANGED, Origin.IMPORT): KEPT,
    (EventType.FOLLOW_UP_RECORDED, Origin.IMPORT): KEPT,
}

NOTICES = tuple(type for type in EventType if any(TABLE[key].notice for key in TABLE if key[0] is type))
"""The event types that can be a notice at all."""
