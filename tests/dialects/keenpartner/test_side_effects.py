"""The side-effect matrix (contract section 5) as one table."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from leadrail.dialects.keenpartner import outgoing
from tests.dialects.keenpartner.keen import ask
from tests.people import People


class Effects(msgspec.Struct):
    """What followed: types of events and of what was told, causes of rewards. `webhooks` are Keen's own."""

    events: list[str] = []
    rewards: list[str] = []
    webhooks: list[str] = []
    deliveries: list[str] = []
    notices: list[str] = []


def all_told(*events: str, reward: str, webhooks: list[str]) -> Effects:
    types = [*events, "reward.created"]
    return Effects(types, [reward], webhooks, types, types)


Members = Callable[[Channel, Lead], dict[str, Any]]


def in_channel(channel: Channel, _lead: Lead) -> dict[str, Any]:
    return {"channel_id": channel.id, "email": "joan@example.com"}


def of_lead(**members: Any) -> Members:
    return lambda _channel, lead: {"lead_id": lead.id} | members


def to_qualified(channel: Channel, lead: Lead) -> dict[str, Any]:
    new, qualified = channel.statuses[:2]
    return {"lead_id": lead.id, "status_id": qualified.id, "old_status_id": new.id}


MOVED = all_told("lead.status_changed", reward="status_change", webhooks=["lead.status_changed"])

MATRIX: dict[str, tuple[Members, Effects]] = {
    "create_lead": (in_channel, all_told("lead.created", reward="new_lead", webhooks=["lead.created"])),
    "lead_external": (in_channel, Effects(["lead.created", "reward.created"], ["new_lead"])),
    "update_lead": (of_lead(email="new@example.com"), Effects()),
    "update_status": (of_lead(status="Qualified"), MOVED),
    "update_status_id": (to_qualified, MOVED),
    "create_purchase": (of_lead(purchase_amount=100), all_told("purchase.recorded", reward="purchase", webhooks=[])),
    "get_channels": (lambda *_: {}, Effects()),
    "get_leads": (in_channel, Effects()),
    "get_lead_by_id": (of_lead(), Effects()),
    "get_lead_by_legacy_id": (lambda _, lead: {"legacy_id": lead.number}, Effects()),
}


@pytest.mark.parametrize("action", MATRIX)
async def test_exactly_what_the_matrix_says_follows(people: People, action: str) -> None:
    members, expected = MATRIX[action]
    channel = await people.shared_channel(template="keenpartner", public_submissions=True)
    lead = await people.owner.lead(channel, email="jane@example.com")
    await people.owner.trigger(channel, cause="new_lead", kind="fixed", amount=1)
    await people.owner.trigger(channel, cause="status_change", status="Qualified", kind="fixed", amount=2)
    await people.owner.trigger(channel, cause="purchase", kind="percent", amount=3)
    await people.owner.endpoint("https://example.com/keen", format="keenpartner")
    await people.owner.endpoint("https://example.com/native")
    (before,) = await people.owner.rows("SELECT max(seq) AS seq FROM events WHERE channel_id = $1", channel.id)

    answer = await ask(people.owner, action, **members(channel, lead))

    assert answer.status_code == 200, answer.text
    assert await effects(people, channel, before["seq"]) == expected


async def effects(people: People, channel: Channel, since: int) -> Effects:
    rows = people.owner.rows
    statement = "SELECT id, type, notice FROM events WHERE channel_id = $1 AND seq > $2 ORDER BY seq"
    events = await rows(statement, channel.id, since)
    statement = "SELECT t.cause FROM rewards r JOIN reward_triggers t ON t.id = r.trigger_id WHERE r.channel_id = $1"
    rewards = await rows(statement, channel.id)
    statement = """SELECT d.payload, p.format FROM deliveries d JOIN endpoints p ON p.id = d.endpoint_id
        JOIN events e ON e.id = d.event_id WHERE e.channel_id = $1 AND e.seq > $2 ORDER BY e.seq"""
    due = [(row["format"], msgspec.json.decode(row["payload"])) for row in await rows(statement, channel.id, since)]
    return Effects(
        events=[row["type"] for row in events],
        rewards=[row["cause"] for row in rewards],
        webhooks=[event["type"] for format, event in due if format == "keenpartner" and outgoing.body(event)],
        deliveries=[event["type"] for format, event in due if format == "native"],
        notices=[row["type"] for row in events if row["notice"]],
    )


async def test_the_quiet_edit_and_the_form_did_happen(people: People) -> None:
    channel = await people.shared_channel(template="keenpartner", public_submissions=True)
    lead = await people.owner.lead(channel, email="jane@example.com")

    await ask(people.owner, "update_lead", lead_id=lead.id, email="new@example.com")
    await ask(people.owner, "lead_external", channel_id=channel.id, email="joan@example.com")

    leads = await people.owner.rows("SELECT email FROM leads WHERE channel_id = $1 ORDER BY number", channel.id)
    assert [row["email"] for row in leads] == ["new@example.com", "joan@example.com"]
