"""What an erase leaves of a lead, and that no field is left unjudged."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from leadrail.core.actor import Actor
from leadrail.core.errors import Code
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import AddNote, EraseLead, RecordPurchase
from leadrail.core.leads.decisions import FollowUp, Note, Purchase
from leadrail.core.leads.erasing import PERSONAL
from leadrail.core.leads.model import Lead, LeadDocument
from leadrail.core.rewards.model import Reward
from tests.core import make
from tests.people import People

EMAIL = "zebulon@example.com"


def erasing(actor: Actor | None = None, version: int | None = None) -> EraseLead:
    return EraseLead(actor=actor or make.actor(), lead_id=make.LEAD_ID, version=version)


def zebulon(**fields: Any) -> Lead:
    return make.lead_in(**{"email": EMAIL, "value": Decimal(80), "currency": "EUR", **fields})


def test_an_erase_takes_every_personal_field_and_leaves_the_rest() -> None:
    lead = replace(zebulon(), **dict.fromkeys(PERSONAL, "Zebulon"), attribution={"gclid": "z"}, properties={"p": "z"})

    erased = make.after(lead, erasing()).lead

    gone = {name for name in Lead.__struct_fields__ if getattr(erased, name) != getattr(lead, name)}
    assert gone == {*PERSONAL, "attribution", "properties", "updated_at", "version", "erased_at"}
    assert (erased.erased_at, erased.version, erased.value) == (make.LATER, 2, Decimal(80))
    assert erased.keys(None) == frozenset()


def test_it_is_told_once_and_says_nothing_of_the_person() -> None:
    first = make.after(zebulon(), erasing())
    again = make.after(first.lead, erasing())

    assert [(fact.type, fact.data) for fact in first.facts] == [(EventType.LEAD_ERASED, {})]
    assert (again.lead, again.facts) == (first.lead, ())


@pytest.mark.parametrize(("reason", "kept"), [(make.PRICE.text, make.PRICE.text), ("Zebulon moved away", None)])
def test_a_listed_reason_stays_and_words_of_ones_own_go(reason: str, kept: str | None) -> None:
    lost = make.after(zebulon(), make.move(make.LOST, reason=reason)).lead

    assert make.after(lost, erasing()).lead.reason == kept


def test_nothing_is_planned_with_an_erased_lead() -> None:
    lead = make.after(zebulon(), make.contact(next_at=make.LATER)).lead

    erased = make.after(lead, erasing()).lead

    assert (lead.next_follow_up_at, erased.next_follow_up_at, erased.rule_due_at) == (make.LATER, None, None)


@pytest.mark.parametrize(
    "command",
    [
        make.update(email=EMAIL),
        make.move(make.WON),
        make.contact(done_at=make.NOW),
        RecordPurchase(actor=make.actor(), lead_id=make.LEAD_ID, purchase_id=make.FOLLOW_UP_ID),
        AddNote(actor=make.actor(), lead_id=make.LEAD_ID, note_id=make.FOLLOW_UP_ID, text="Zebulon"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_an_erased_lead_takes_no_more_changes(command: Any) -> None:
    erased = make.after(zebulon(), erasing()).lead

    assert make.refusal(erased, command).code is Code.CONFLICT


def test_only_the_owner_erases_and_only_what_it_has_seen() -> None:
    assert make.refusal(zebulon(), erasing(make.actor(make.PARTNER_ID))).code is Code.FORBIDDEN
    assert make.refusal(zebulon(), erasing(make.actor(make.STRANGER_ID))).code is Code.LEAD_NOT_FOUND
    assert make.refusal(zebulon(), erasing(version=7)).code is Code.VERSION_CONFLICT


# What was recorded is blanked by name, so every name is judged here; a new one belongs into one of the lists, and if
# it is personal, into `blanked` of a migration too.

TELLS_OF: dict[type[msgspec.Struct], set[str]] = {
    LeadDocument: {*PERSONAL, "reason", "properties", "attribution"},
    FollowUp: {"notes", "followed_up_by", "created_by"},
    Purchase: {"name", "description"},
    Note: {"text", "author"},
    Reward: {"reason"},
}
TELLS_NOT = {
    LeadDocument: {
        "id", "number", "channel_id", "status", "sub_status", "value", "currency", "next_follow_up_at", "qualified_at",
        "closed_at", "created_at", "updated_at", "version", "erased_at",
    },
    FollowUp: {"id", "scheduled_at", "followed_up_at", "created_at"},
    Purchase: {"id", "amount", "currency", "purchased_at", "created_at"},
    Note: {"id", "created_at"},
    Reward: {
        "id", "trigger_id", "lead_id", "channel_id", "company_id", "amount", "currency", "state", "created_at",
        "payer_company_id", "hold_until", "corrects", "clawed_back", "decided_at",
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", TELLS_OF, ids=lambda kind: kind.__name__)
async def test_of_what_was_told_every_member_is_judged_and_the_personal_ones_go(
    kind: type[msgspec.Struct], people: People
) -> None:
    assert set(kind.__struct_fields__) == TELLS_OF[kind] | TELLS_NOT[kind]
    whole = msgspec.json.encode(dict.fromkeys(kind.__struct_fields__, "Zebulon")).decode()

    (row,) = await people.owner.rows("SELECT blanked($1::text::jsonb)::text AS left_over", whole)

    left = {name for name, value in msgspec.json.decode(row["left_over"]).items() if value == "Zebulon"}
    assert left == TELLS_NOT[kind]
