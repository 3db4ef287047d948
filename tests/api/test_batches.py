"""Many leads made or moved in one call: one outcome each, in order."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.answers import good, refused
from tests.people import People, Person


async def send(person: Person, path: str, body: Any, **rest: Any) -> list[Any]:
    data: list[Any] = good(await person.http.post(f"/v1/leads/{path}", json=body, **rest))["data"]
    return data


def outcomes(data: list[Any]) -> list[Any]:
    return [(row["error"]["code"], row["error"].get("field")) if "error" in row else row["outcome"] for row in data]


async def test_each_lead_has_its_own_outcome_in_order(people: People) -> None:
    channel = await people.owner.channel()
    good_one = {"channel_id": str(channel.id), "email": "jane@example.com"}
    leads = [
        good_one,
        good_one | {"status": "Bogus"},
        good_one | {"email": 5},
        good_one | {"colour": "red"},
        good_one | {"channel_id": str(uuid4())},
        {"email": "jane@example.com"},
        good_one | {"name": "n" * 401},
        "a lead",
        good_one,
    ]

    data = await send(people.owner, "batch", {"leads": leads})

    assert outcomes(data) == [
        "created",
        ("unknown_status", "/leads/1/status"),
        ("malformed", "/leads/2/email"),
        ("malformed", "/leads/3/colour"),
        ("channel_not_found", "/leads/4/channel_id"),
        ("channel_required", "/leads/5/channel_id"),
        ("invalid", "/leads/6/name"),
        ("malformed", "/leads/7"),
        "created",
    ]
    assert await people.owner.counts() == {"leads": 2, "events": 2, "deliveries": 0, "rewards": 0}


async def test_each_change_has_its_own_outcome_in_order(people: People) -> None:
    channel = await people.owner.channel()
    first, second = await people.owner.lead(channel), await people.owner.lead(channel)
    theirs = await people.stranger.lead(await people.stranger.channel())
    changes = [
        {"lead_id": str(first.id), "status": "Won"},
        {"lead_id": str(first.id), "status": "Won"},
        {"lead_id": str(second.id), "status": "Bogus"},
        {"lead_id": str(second.id)},
        {"status": "Won"},
        {"lead_id": str(uuid4()), "status": "Won"},
        {"lead_id": str(theirs.id), "status": "Won"},
        {"lead_id": str(first.id), "category": "lost", "reason": "Budget"},
    ]

    data = await send(people.owner, "status/batch", {"changes": changes})

    assert outcomes(data) == [
        "changed",
        "unchanged",
        ("unknown_status", "/changes/2/status"),
        ("invalid", "/changes/3/status"),
        ("malformed", "/changes/4/lead_id"),
        ("lead_not_found", "/changes/5"),
        ("lead_not_found", "/changes/6"),
        "changed",
    ]
    assert [row["lead"]["version"] for row in data if "lead" in row] == [2, 2, 3]
    assert good(await people.owner.http.get(f"/v1/leads/{second.id}"))["version"] == 1
    assert good(await people.stranger.http.get(f"/v1/leads/{theirs.id}"))["version"] == 1


async def test_a_thousand_leads_are_made_and_moved_in_one_call_each(people: People) -> None:
    channel = await people.owner.channel()
    leads = [{"channel_id": str(channel.id), "business_id": f"B-{n}"} for n in range(1000)]

    made = await send(people.owner, "batch", {"leads": leads})
    changes = [{"lead_id": row["lead"]["id"], "status": "Won"} for row in made]
    moved = await send(people.owner, "status/batch", {"changes": changes})

    assert [row["lead"]["business_id"] for row in moved] == [lead["business_id"] for lead in leads]
    assert {(row["outcome"], row["lead"]["version"]) for row in moved} == {("changed", 2)}
    assert await people.owner.counts() == {"leads": 1000, "events": 2000, "deliveries": 0, "rewards": 0}


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("batch", {"leads": []}, (400, "malformed", "/leads")),
        ("batch", {"leads": [{}] * 1001}, (400, "malformed", "/leads")),
        ("batch", {"leads": {}}, (400, "malformed", "/leads")),
        ("batch", {}, (400, "malformed", "/leads")),
        ("batch", [], (400, "malformed", None)),
        ("batch", {"leads": [{}], "atomic": True}, (400, "malformed", "/atomic")),
        ("status/batch", {"changes": []}, (400, "malformed", "/changes")),
        ("status/batch", {"changes": [{}] * 1001}, (400, "malformed", "/changes")),
        ("status/batch", {"leads": [{}]}, (400, "malformed", "/leads")),
    ],
)
async def test_a_batch_that_is_none_is_refused_whole(people: People, path: str, body: Any, answer: Any) -> None:
    assert refused(await people.owner.http.post(f"/v1/leads/{path}", json=body)) == answer
    assert await people.owner.count("leads") == 0


async def test_one_item_with_text_that_cannot_be_stored_fails_alone(people: People) -> None:
    sound = {"channel_id": str((await people.owner.channel()).id)}

    data = await send(people.owner, "batch", {"leads": [sound, sound | {"name": "a\u0000b"}, sound]})

    assert [row["outcome"] for row in data] == ["created", "refused", "created"]


async def test_one_item_with_a_time_that_cannot_be_stored_fails_alone(people: People) -> None:
    sound = {"channel_id": str((await people.owner.channel()).id)}
    broken = sound | {"next_follow_up_at": "0001-01-01T00:00:00+14:00"}

    data = await send(people.owner, "batch", {"leads": [sound, broken, sound]})

    assert outcomes(data) == ["created", ("invalid", "/leads/1/next_follow_up_at"), "created"]


async def test_the_default_channel_serves_a_batch_too(people: People) -> None:
    channel = await people.owner.channel()
    key = {"X-API-Key": await people.owner.another_key(default_channel=channel.id)}

    (row,) = await send(people.owner, "batch", {"leads": [{}]}, headers=key)

    assert row["lead"]["channel_id"] == str(channel.id)


async def test_bulk_writes_obey_the_rules_of_single_ones(people: People) -> None:
    channel = await people.shared_channel(currency="EUR")
    await people.owner.trigger(channel, cause="new_lead", amount=5)
    await people.owner.endpoint("https://example.com/hook")
    single = good(await people.owner.http.post("/v1/leads", json={"channel_id": str(channel.id)}), 201)
    alone = await people.owner.counts()

    (row,) = await send(people.owner, "batch", {"leads": [{"channel_id": str(channel.id)}]})

    assert single.pop("outcome") == row["outcome"] == "created"
    own = ("id", "number", "created_at", "updated_at")
    assert {k: v for k, v in row["lead"].items() if k not in own} == {k: v for k, v in single.items() if k not in own}
    assert await people.owner.counts() == {table: 2 * count for table, count in alone.items()}
