"""Which endpoint hears which event."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from leadrail.core.channels.model import Category
from leadrail.core.events.model import EventType
from leadrail.core.leads.decisions import Fact
from leadrail.core.webhooks.model import Subscription
from tests.core.make import channel

CHANNEL = channel()
WON = next(status for status in CHANNEL.statuses if status.category is Category.WON)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
EVERYTHING = Subscription(UUID(int=1), UUID(int=2), (), None)


def moved() -> Fact:
    return Fact(EventType.LEAD_STATUS_CHANGED, {"changed": {}}, NOW, to_status=WON)


def edited(**changed: Any) -> Fact:
    return Fact(EventType.LEAD_UPDATED, {"changed": changed}, NOW)


def hears(fact: Fact, **filters: Any) -> bool:
    return replace(EVERYTHING, **filters).hears(fact, CHANNEL)


@pytest.mark.parametrize(
    ("filters", "heard"),
    [
        ({}, True),
        ({"statuses": (WON.name.upper(),)}, True),
        ({"statuses": (str(WON.id),)}, True),
        ({"statuses": ("Lost", WON.name)}, True),
        ({"statuses": ("Lost",)}, False),
        ({"categories": ("won", "lost")}, True),
        ({"categories": ("lost",)}, False),
        ({"categories": ("won",), "statuses": ("Lost",)}, False),
        ({"changed": ("value",)}, True),
        ({"events": ("lead.created",)}, False),
        ({"channel_id": UUID(int=9)}, False),
        ({"channel_id": CHANNEL.id}, True),
    ],
)
def test_a_move_is_heard_by_its_target(filters: dict[str, Any], heard: bool) -> None:
    assert hears(moved(), **filters) is heard


@pytest.mark.parametrize(
    ("changed", "heard"),
    [(("assignee",), True), (("Deal size",), True), (("value", "assignee"), True), (("value",), False), ((), True)],
)
def test_an_edit_is_heard_by_what_it_changed(changed: tuple[str, ...], heard: bool) -> None:
    fact = edited(assignee={"from": None, "to": "sam"}, properties={"Deal size": {"from": 1, "to": 2}})

    assert hears(fact, changed=changed) is heard


def test_what_a_filter_cannot_speak_of_is_heard() -> None:
    recorded = Fact(EventType.PURCHASE_RECORDED, {}, NOW)

    assert hears(recorded, statuses=("Lost",), categories=("lost",), changed=("value",))
