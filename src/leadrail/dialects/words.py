"""The one table of status words across dialects.

A word is tried as the exact (case-folded) name of a status in the lead's channel first; only when the channel has
no such status does the category count that the word stands for. Reading goes the same way back: a status whose name
is a word of the dialect is shown by that word, any other by the word of its category.
"""

import msgspec

from leadrail.core.channels.model import Category, Named, Status, StatusRef

KEENPARTNER: dict[str, Category] = {
    "new": Category.OPEN,
    "new lead": Category.OPEN,
    "qualified": Category.QUALIFIED,
    "won": Category.WON,
    "lost": Category.LOST,
}
"""What this vendor's usual names stand for in a channel that has them not; it shows every status by its own name."""


def reference(words: dict[str, Category], word: str) -> StatusRef:
    """What a word means in a channel: the status of that name, else the first of its category."""
    return StatusRef(name=word, category=words.get(word.casefold()))


class Vocabulary(msgspec.Struct, frozen=True):
    """One dialect's words. `stands_for` is for writing, `shown_as` for reading."""

    stands_for: dict[str, Category]
    shown_as: dict[Category, str]
    upper_case: bool

    def reference(self, word: str) -> StatusRef:
        """What the word means in a channel."""
        return reference(self.stands_for, word)

    def word(self, status: Status | Named) -> str:
        """How the dialect calls a status."""
        folded = status.name.casefold()
        if folded not in self.stands_for:
            return self.shown_as[status.category]
        return folded.upper() if self.upper_case else folded


SENDPILOT = Vocabulary(
    stands_for={
        "pending": Category.OPEN,
        "processing": Category.OPEN,
        "started": Category.OPEN,
        "icp_match": Category.OPEN,
        "view_profile_scheduled": Category.OPEN,
        "profile_viewed": Category.OPEN,
        "like_post_scheduled": Category.OPEN,
        "liked_post": Category.OPEN,
        "not_connected": Category.OPEN,
        "connection_scheduled": Category.OPEN,
        "connection_sent": Category.OPEN,
        "connection_already_sent": Category.OPEN,
        "connection_accepted": Category.OPEN,
        "connected": Category.OPEN,
        "withdrawal_scheduled": Category.OPEN,
        "withdrawal_not_possible": Category.OPEN,
        "connection_withdrawn": Category.OPEN,
        "message_scheduled": Category.OPEN,
        "message_sent": Category.OPEN,
        "followup_sent": Category.OPEN,
        "reply_received": Category.OPEN,
        "opportunity": Category.QUALIFIED,
        "meeting_booked": Category.QUALIFIED,
        "done": Category.WON,
        "success": Category.WON,
        "not_interested": Category.LOST,
        "unsubscribed": Category.LOST,
        "irrelevant": Category.LOST,
        "icp_not_match": Category.LOST,
        "skipped": Category.LOST,
        "blocked": Category.LOST,
        "profile_unreachable": Category.LOST,
        "failed": Category.LOST,
        "waiting": Category.ON_HOLD,
        "stopped": Category.ON_HOLD,
        "rate_limited": Category.ON_HOLD,
    },
    shown_as={
        Category.OPEN: "PENDING",
        Category.QUALIFIED: "OPPORTUNITY",
        Category.WON: "DONE",
        Category.LOST: "NOT_INTERESTED",
        Category.ON_HOLD: "WAITING",
        Category.DELETED: "IRRELEVANT",
    },
    upper_case=True,
)

OCTANIST = Vocabulary(
    stands_for={
        "open": Category.OPEN,
        "qualified": Category.QUALIFIED,
        "won": Category.WON,
        "lost": Category.LOST,
    },
    shown_as={
        Category.OPEN: "open",
        Category.QUALIFIED: "qualified",
        Category.WON: "won",
        Category.LOST: "lost",
        Category.ON_HOLD: "open",
        Category.DELETED: "lost",
    },
    upper_case=False,
)

CAPILLARY = Vocabulary(
    stands_for={
        "open": Category.OPEN,
        "won": Category.WON,
        "lost": Category.LOST,
        "on_hold": Category.ON_HOLD,
        "deleted": Category.DELETED,
    },
    shown_as={
        Category.OPEN: "OPEN",
        Category.QUALIFIED: "OPEN",
        Category.WON: "WON",
        Category.LOST: "LOST",
        Category.ON_HOLD: "ON_HOLD",
        Category.DELETED: "DELETED",
    },
    upper_case=True,
)
