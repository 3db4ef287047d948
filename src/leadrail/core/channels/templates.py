"""Channel templates: the statuses of a way of working, as data."""

from leadrail.core.channels.model import Category, Requirement

Row = tuple[str, Category, str] | tuple[str, Category, str, tuple[Requirement, ...]]

BLUE, AMBER, GREEN, RED, GREY, DARK = "#3B82F6", "#F59E0B", "#22C55E", "#EF4444", "#94A3B8", "#475569"

TEMPLATES: dict[str, tuple[Row, ...]] = {
    "sales": (
        ("New", Category.OPEN, BLUE),
        ("Qualified", Category.QUALIFIED, AMBER),
        ("Won", Category.WON, GREEN),
        ("Lost", Category.LOST, RED),
    ),
    "keenpartner": (
        ("New lead", Category.OPEN, BLUE),
        ("Qualified", Category.QUALIFIED, AMBER),
        ("Won", Category.WON, GREEN),
        ("Lost", Category.LOST, RED),
    ),
    "sendpilot": (
        ("PENDING", Category.OPEN, BLUE),
        ("CONNECTION_SENT", Category.OPEN, BLUE),
        ("CONNECTION_ACCEPTED", Category.OPEN, BLUE),
        ("MESSAGE_SENT", Category.OPEN, BLUE),
        ("REPLY_RECEIVED", Category.OPEN, BLUE),
        ("OPPORTUNITY", Category.QUALIFIED, AMBER),
        ("MEETING_BOOKED", Category.QUALIFIED, AMBER),
        ("DONE", Category.WON, GREEN),
        ("NOT_INTERESTED", Category.LOST, RED),
        ("UNSUBSCRIBED", Category.LOST, RED),
        ("IRRELEVANT", Category.LOST, RED),
    ),
    "octanist": (
        ("open", Category.OPEN, BLUE),
        ("qualified", Category.QUALIFIED, AMBER, (Requirement.VALUE,)),
        ("won", Category.WON, GREEN, (Requirement.VALUE, Requirement.CURRENCY)),
        ("lost", Category.LOST, RED),
    ),
    "capillary": (
        ("OPEN", Category.OPEN, BLUE),
        ("WON", Category.WON, GREEN),
        ("LOST", Category.LOST, RED),
        ("ON_HOLD", Category.ON_HOLD, GREY),
        ("DELETED", Category.DELETED, DARK),
    ),
}
