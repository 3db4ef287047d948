"""Changes of status over the native API, with all that follows from one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from leadrail.core.channels.model import Category, Requirement
from leadrail.core.leads.model import Lead
from tests.api.answers import good, refused
from tests.people import NewStatus, People, Person

HOOK = "https://example.com/hook"
OPTIONS = tuple(
    NewStatus(name=name, category=category, requires=requires)
    for name, category, requires in (
        ("New", Category.OPEN, ()),
        ("Qualified", Category.QUALIFIED, (Requirement.VALUE,)),
        ("Won", Category.WON, (Requirement.VALUE, Requirement.CURRENCY)),
        ("Lost", Category.LOST, (Requirement.REASON,)),
    )
)


async def history(person: Person, lead: Lead) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = good(await person.http.get(f"/v1/leads/{lead.id}/events"))["data"]
    return events


async def put(person: Person, lead: Lead, body: Any, **rest: Any) -> Any:
    return await person.http.put(f"/v1/leads/{lead.id}/status", json=body, **rest)


async def test_a_status_change_is_recorded_once_with_all_that_follows(people: People) -> None:
    channel = await people.owner.channel(currency="EUR")
    await people.owner.trigger(channel, cause="status_change", status="Won", kind="percent", amount=10)
    await people.owner.endpoint(HOOK)
    lead = await people.owner.lead(channel)

    answer = await put(people.owner, lead, {"status": "won", "value": "5000"})

    assert good(answer)["status"] == {"id": str(channel.status_by_name["won"].id), "name": "Won", "category": "won"}
    assert answer.headers["etag"] == '"2"'
    types = ["lead.created", "lead.status_changed", "reward.created"]
    assert [event["type"] for event in await history(people.owner, lead)] == types
    assert await people.owner.counts() == {"leads": 1, "events": 3, "deliveries": 3, "rewards": 1}
    notices = good(await people.owner.http.get("/v1/notifications"))["data"]
    assert [notice["event"]["type"] for notice in notices] == types[::-1]


async def test_the_event_says_who_moved_what_from_where_to_where(people: People) -> None:
    channel = await people.owner.channel(currency="EUR")
    lead = await people.owner.lead(channel)

    await put(people.owner, lead, {"status": "Lost", "value": 7.5, "reason": "Budget", "note": "Called"})

    event = (await history(people.owner, lead))[1]
    keys = good(await people.owner.http.get("/v1/keys"))["data"]
    assert event["actor"] == {"kind": "api_key", "id": keys[0]["id"], "face": "api"}
    assert [event["data"][side]["name"] for side in ("from", "to")] == ["New", "Lost"]
    said = {name: event["data"][name] for name in ("reason", "note", "value", "currency")}
    assert said == {"reason": "Budget", "note": "Called", "value": "7.5", "currency": "EUR"}


@pytest.mark.parametrize("target", [{"status": "WON"}, {"status_id": "won"}, {"category": "won"}])
async def test_a_status_is_named_by_name_id_or_category(people: People, target: dict[str, str]) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)
    ids = {"status_id": str(channel.status_by_name["won"].id)}

    moved = good(await put(people.owner, lead, {name: ids.get(name, value) for name, value in target.items()}))

    assert moved["status"]["name"] == "Won"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, (422, "invalid", "/status")),
        ({"status": "Bogus"}, (422, "unknown_status", "/status")),
        ({"status": ""}, (422, "unknown_status", "/status")),
        ({"status_id": str(uuid4())}, (422, "unknown_status", "/status")),
        ({"category": "deleted"}, (422, "unknown_status", "/status")),
        ({"category": "bogus"}, (400, "malformed", "/category")),
        ({"status": "Qualified"}, (422, "missing_requirement", "/value")),
        ({"status": "Won", "value": 5}, (422, "missing_requirement", "/currency")),
        ({"status": "Lost"}, (422, "missing_requirement", "/reason")),
        ({"status": "Lost", "reason_id": str(uuid4())}, (422, "unknown_reason", "/reason_id")),
        ({"status": "Won", "sub_status": "Odd"}, (422, "unknown_sub_status", "/sub_status")),
        ({"status": "New", "note": "n" * 20_001}, (422, "invalid", "/note")),
        ({"status": "New", "at": "2026-01-01"}, (400, "malformed", "/at")),
        ({"status": "New", "at": "9999-01-01T00:00:00Z"}, (422, "invalid", "/at")),
        ({"status": "New", "at": "0001-01-01T00:00:00+14:00"}, (422, "invalid", "/at")),
        ({"status": "Qualified", "value": -1}, (422, "invalid", "/value")),
        ({"status": "Qualified", "stage": 1}, (400, "malformed", "/stage")),
    ],
)
async def test_a_change_that_is_refused_leaves_nothing(people: People, body: Any, answer: Any) -> None:
    channel = await people.owner.channel(statuses=OPTIONS)
    await people.owner.endpoint(HOOK)
    lead = await people.owner.lead(channel)
    before = await people.owner.counts()

    assert refused(await put(people.owner, lead, body)) == answer
    assert await people.owner.counts() == before
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["version"] == 1


async def test_the_same_status_and_nothing_new_is_success_without_an_event(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    answer = await put(people.owner, lead, {"status": "New"})

    assert (good(answer)["version"], answer.headers["etag"]) == (1, '"1"')
    assert len(await history(people.owner, lead)) == 1


@pytest.mark.parametrize(("tag", "status"), [('"1"', 200), ('"2"', 412), ("*", 200), ('"x"', 412)])
async def test_if_match_is_honoured(people: People, tag: str, status: int) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    answer = await put(people.owner, lead, {"status": "Won"}, headers={"If-Match": tag})

    assert answer.status_code == status
    assert len(await history(people.owner, lead)) == (2 if status == 200 else 1)


async def test_qualified_on_the_way_to_won_is_two_events_and_two_rewards(people: People) -> None:
    channel = await people.owner.channel()
    for status in ("Qualified", "Won"):
        await people.owner.trigger(channel, cause="status_change", status=status, amount=5)
    lead = await people.owner.lead(channel)

    moved = good(await put(people.owner, lead, {"status": "Won", "also_qualified": True}))

    events = [event["data"] for event in await history(people.owner, lead) if event["type"] == "lead.status_changed"]
    assert [(data["from"]["name"], data["to"]["name"]) for data in events] == [
        ("New", "Qualified"),
        ("Qualified", "Won"),
    ]
    assert moved["qualified_at"] == moved["closed_at"] == moved["updated_at"]
    assert await people.owner.count("rewards") == 2


async def test_a_backdated_change_shows_both_times_in_utc(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    moved = good(await put(people.owner, lead, {"status": "Won", "at": "2026-01-02T01:00:00+02:00"}))

    event = (await history(people.owner, lead))[1]
    assert event["occurred_at"] == "2026-01-01T23:00:00Z"
    assert event["recorded_at"] == moved["closed_at"] == moved["updated_at"]


async def test_a_webhook_shows_times_in_utc_too(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    await people.owner.endpoint(HOOK)

    await put(people.owner, lead, {"status": "Won", "at": "2026-01-02T01:00:00+02:00"})

    (due,) = await people.owner.rows("SELECT payload FROM deliveries WHERE company_id = $1", people.owner.company_id)
    assert '"occurred_at":"2026-01-01T23:00:00Z"' in due["payload"]


async def test_a_reason_is_given_by_text_or_by_id(people: People) -> None:
    channel = await people.owner.channel()
    reason = good(await people.owner.http.post("/v1/reasons", json={"text": "Too dear"}), 201)
    lead = await people.owner.lead(channel)

    by_id = good(await put(people.owner, lead, {"status": "Lost", "reason_id": reason["id"]}))
    by_text = good(await put(people.owner, lead, {"status": "Lost", "reason": "Something else"}))

    assert (by_id["reason"], by_text["reason"]) == ("Too dear", "Something else")


async def test_a_sub_status_belongs_to_its_category(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    good(await people.owner.http.post("/v1/sub-statuses", json={"category": "lost", "name": "Later"}), 201)

    assert good(await put(people.owner, lead, {"status": "Lost", "sub_status": "LATER"}))["sub_status"] == "Later"
    refusal = await put(people.owner, lead, {"status": "Won", "sub_status": "Later"})
    assert refused(refusal) == (422, "unknown_sub_status", "/sub_status")


# What may follow


async def test_transitions_say_where_a_lead_may_go_and_what_it_lacks(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(statuses=OPTIONS), value=Decimal(5))

    data = good(await people.owner.http.get(f"/v1/leads/{lead.id}/transitions"))["data"]

    shown = {row["status"]["name"]: (row["requires"], row["missing"]) for row in data}
    assert shown == {
        "Qualified": (["value"], []),
        "Won": (["value", "currency"], ["currency"]),
        "Lost": (["reason"], ["reason"]),
    }


async def test_a_status_that_may_not_follow_is_neither_offered_nor_taken(people: People) -> None:
    channel = await people.owner.channel()
    new, lost = channel.status_by_name["new"], channel.status_by_name["lost"]
    path = f"/v1/channels/{channel.id}/statuses/{new.id}"
    good(await people.owner.http.patch(path, json={"next": [str(lost.id)]}))
    lead = await people.owner.lead(channel)

    offered = good(await people.owner.http.get(f"/v1/leads/{lead.id}/transitions"))["data"]
    answer = await put(people.owner, lead, {"status": "Won"})

    assert [row["status"]["name"] for row in offered] == ["Lost"]
    assert refused(answer) == (409, "transition_not_allowed", "/status")
    assert answer.json()["details"] == {"next": ["Lost"]}


# Dry runs


async def test_a_dry_run_says_all_and_writes_nothing(people: People) -> None:
    channel = await people.shared_channel(currency="EUR")
    await people.owner.trigger(channel, cause="status_change", status="Won", amount=5)
    endpoint = await people.owner.endpoint(HOOK)
    lead = await people.owner.lead(channel)
    before = await people.owner.counts()

    preview = good(await put(people.owner, lead, {"status": "Won"}, params={"dry_run": "true"}))

    assert (preview["dry_run"], preview["changed"], preview["lead"]["status"]["name"]) == (True, True, "Won")
    types = ["lead.status_changed", "reward.created"]
    assert [event["type"] for event in preview["events"]] == types
    assert [(row["endpoint_id"], row["event_type"]) for row in preview["deliveries"]] == [
        (str(endpoint.id), type) for type in types
    ]
    assert [(row["amount"], row["company_id"]) for row in preview["rewards"]] == [("5", str(people.partner.company_id))]
    assert await people.owner.counts() == before
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["version"] == 1


async def test_a_dry_run_of_nothing_new_says_so(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    preview = good(await put(people.owner, lead, {"status": "New"}, params={"dry_run": "1"}))

    assert (preview["changed"], preview["events"], preview["rewards"]) == (False, [], [])


async def test_a_dry_run_is_refused_like_the_deed_and_uses_no_key_up(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    key = {"Idempotency-Key": "k"}

    assert refused(await put(people.owner, lead, {"status": "Bogus"}, params={"dry_run": "true"}))[0] == 422
    assert good(await put(people.owner, lead, {"status": "Won"}, params={"dry_run": "true"}, headers=key))["dry_run"]
    assert good(await put(people.owner, lead, {"status": "Won"}, headers=key))["version"] == 2


async def test_a_dry_run_that_is_neither_yes_nor_no_is_not_a_deed(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    answer = await put(people.owner, lead, {"status": "Won"}, params={"dry_run": "perhaps"})

    assert refused(answer) == (400, "malformed", "?dry_run")
    assert len(await history(people.owner, lead)) == 1


# Rewards


@pytest.mark.parametrize(
    ("currency", "value", "percent", "amount"),
    [
        ("EUR", "5000", "10", "500"),
        ("EUR", "100", "33.333", "33.33"),
        ("EUR", "0.05", "50", "0.03"),
        ("JPY", "5000", "0.03", "2"),
        ("KWD", "1", "0.25", "0.003"),
        ("EUR", "999999999999999.99", "100", "999999999999999.99"),
        ("EUR", "0.01", "1", None),
        ("EUR", "0", "10", None),
        (None, "10", "10", "1"),
    ],
)
async def test_a_percentage_is_rounded_to_what_the_currency_can_pay(
    people: People, currency: str | None, value: str, percent: str, amount: str | None
) -> None:
    channel = await people.owner.channel(currency=currency)
    await people.owner.trigger(channel, cause="status_change", status="Won", kind="percent", amount=percent)
    lead = await people.owner.lead(channel)

    good(await put(people.owner, lead, {"status": "Won", "value": value}))

    rewards = good(await people.owner.http.get("/v1/rewards"))["data"]
    assert [(row["amount"], row["currency"]) for row in rewards] == ([(amount, currency)] if amount else [])


async def test_a_percentage_of_no_value_is_no_reward(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.trigger(channel, cause="status_change", status="Won", kind="percent", amount=10)
    lead = await people.owner.lead(channel)

    good(await put(people.owner, lead, {"status": "Won"}))

    assert await people.owner.count("rewards") == 0
    assert [event["type"] for event in await history(people.owner, lead)] == ["lead.created", "lead.status_changed"]


async def test_a_reward_is_the_referring_members_and_both_see_it(people: People) -> None:
    channel = await people.shared_channel()
    await people.owner.trigger(channel, cause="new_lead", amount="7.50")
    await people.owner.lead(channel)

    mine, theirs, strangers = [
        good(await person.http.get("/v1/rewards"))["data"] for person in (people.owner, people.partner, people.stranger)
    ]

    assert mine == theirs != strangers == []
    assert (mine[0]["company_id"], mine[0]["amount"]) == (str(people.partner.company_id), "7.5")


async def test_moving_in_and_out_pays_once(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.trigger(channel, cause="status_change", status="Won", amount=5)
    lead = await people.owner.lead(channel)

    for status in ("Won", "New", "Won"):
        good(await put(people.owner, lead, {"status": status}))

    assert await people.owner.count("rewards") == 1


async def test_the_future_is_a_little_elastic_for_clocks_that_differ(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    soon = (datetime.now(UTC) + timedelta(minutes=3)).isoformat()

    assert good(await put(people.owner, lead, {"status": "Won", "at": soon}))["version"] == 2
