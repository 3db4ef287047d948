"""A lead goes to another channel: its history stays whole, and everything that counts, tells or pays agrees."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
import pytest

from leadrail.api.bulk import chosen
from leadrail.core.actor import Scope
from leadrail.core.bulk.running import step
from leadrail.core.channels.model import Channel, PropertyType
from leadrail.core.core import Core
from leadrail.core.leads.model import Lead
from leadrail.worker.counting import count
from tests.api.answers import all_pages, good, refused
from tests.people import NOBODYS, NewProperty, NewStatus, People, Person

SIZE = NewProperty(name="Size", type=PropertyType.NUMBER)


@dataclass
class Place:
    """Two channels of the owner; the partner shares the first."""

    here: Channel
    there: Channel
    lead: Lead


@pytest.fixture
async def place(people: People) -> Place:
    here = await people.shared_channel(title="Website", currency="EUR", properties=(SIZE,))
    there = await people.owner.channel(title="Partners", currency="DKK", properties=(SIZE,))
    lead = await people.owner.lead(here, {"Size": 5}, email="jane@example.com", value=Decimal(100))
    return Place(here, there, lead)


async def go(person: Person, lead: Lead, to: Channel, expect: int = 200, **body: Any) -> Any:
    url = f"/v1/leads/{lead.id}/channel"
    return good(await person.http.put(url, json={"channel_id": str(to.id)} | body), expect)


async def change(person: Person, lead: Lead, status: str, **body: Any) -> Any:
    return good(await person.http.put(f"/v1/leads/{lead.id}/status", json={"status": status} | body))


async def history(person: Person, lead: Lead) -> list[dict[str, Any]]:
    return await all_pages(person.http, f"/v1/leads/{lead.id}/events")


async def test_a_lead_moves_with_its_history(people: People, place: Place) -> None:
    owner, lead = people.owner, place.lead
    await change(owner, lead, "Qualified")
    before = await history(owner, lead)

    moved = await go(owner, lead, place.there, note="Wrong form")

    there = place.there.status_by_name["qualified"]
    assert moved["channel_id"] == str(place.there.id)
    assert moved["status"] == {"id": str(there.id), "name": "Qualified", "category": "qualified"}
    assert (moved["id"], moved["number"], moved["properties"]) == (str(lead.id), lead.number, {"Size": 5})
    assert (moved["value"], moved["currency"], moved["version"]) == ("100", "EUR", 3)
    assert good(await owner.http.get(f"/v1/leads/{lead.id}")) == moved
    *kept, left, arrived = await history(owner, lead)
    assert kept == before
    assert (left["type"], left["channel_id"]) == ("lead.left", str(place.here.id))
    assert (arrived["type"], arrived["channel_id"]) == ("lead.moved", str(place.there.id))
    source = before[-1]["data"]["to"] | {"channel": told(place.here)}
    assert left["data"] == {"from": source, "seconds_in_previous": arrived["data"]["seconds_in_previous"]}
    assert arrived["data"]["from"] == source
    assert arrived["data"]["to"] == moved["status"] | {"channel": told(place.there)}
    assert arrived["data"]["note"] == "Wrong form"

    await change(owner, lead, "Won")
    assert (await history(owner, lead))[-1]["data"]["from"] == moved["status"]


def told(channel: Channel) -> dict[str, Any]:
    return {"id": str(channel.id), "number": channel.number, "title": channel.title}


async def test_a_dry_run_tells_and_writes_nothing(people: People, place: Place) -> None:
    before = await people.owner.digests()
    url = f"/v1/leads/{place.lead.id}/channel"
    body = {"channel_id": str(place.there.id), "status": "Won"}

    told = good(await people.owner.http.put(url, json=body, params={"dry_run": "true"}))

    assert (told["dry_run"], told["changed"], told["lead"]["channel_id"]) == (True, True, str(place.there.id))
    assert [event["type"] for event in told["events"]] == ["lead.left", "lead.moved"]
    assert await people.owner.digests() == before


async def test_what_has_no_place_is_told_and_left_behind_only_when_said(people: People, place: Place) -> None:
    owner, url = people.owner, f"/v1/leads/{place.lead.id}/channel"
    bare = await owner.channel(title="Bare")
    before = await owner.digests()

    answer = await owner.http.put(url, json={"channel_id": str(bare.id)})

    assert refused(answer) == (422, "unknown_property", "/drop_properties")
    assert answer.json()["details"] == {"properties": ["Size"]}
    assert await owner.digests() == before
    assert (await go(owner, place.lead, bare, drop_properties=True))["properties"] == {}
    assert (await history(owner, place.lead))[-1]["data"]["changed"] == {
        "properties": {"Size": {"from": 5, "to": None}}
    }


async def test_it_is_done_once(people: People, place: Place) -> None:
    owner, url = people.owner, f"/v1/leads/{place.lead.id}/channel"
    body = {"channel_id": str(place.there.id)}
    stale = await owner.http.put(url, json=body, headers={"If-Match": '"7"'})
    assert refused(stale) == (412, "version_conflict", None)

    first = await owner.http.put(url, json=body)
    again = await owner.http.put(url, json=body)

    assert (good(first), first.headers["etag"]) == (good(again), again.headers["etag"])
    assert len([one for one in await history(owner, place.lead) if one["type"] == "lead.moved"]) == 1
    other = await owner.http.put(url, json=body | {"status": "Won"})
    assert refused(other) == (409, "conflict", "/channel_id")


async def test_where_no_lead_can_go(people: People, place: Place) -> None:
    owner, url = people.owner, f"/v1/leads/{place.lead.id}/channel"
    theirs, archived = await people.stranger.channel(), await owner.channel(title="Old")
    good(await owner.http.post(f"/v1/channels/{archived.id}/archive"))

    for id, expected in (
        (theirs.id, (404, "channel_not_found", "/channel_id")),
        (NOBODYS, (404, "channel_not_found", "/channel_id")),
        (archived.id, (409, "channel_archived", "/channel_id")),
    ):
        assert refused(await owner.http.put(url, json={"channel_id": str(id)})) == expected
    partners = await people.partner.channel()
    body = {"channel_id": str(partners.id)}
    assert refused(await people.partner.http.put(url, json=body)) == (409, "conflict", "/channel_id")
    # A channel that the partner does not share is none, whatever it may do to the lead.
    body = {"channel_id": str(place.there.id)}
    assert refused(await people.partner.http.put(url, json=body))[1] == "channel_not_found"
    # Whether there is such a lead is nobody's to learn by way of a channel.
    hidden = await owner.lead(place.there)
    answer = await people.partner.http.put(f"/v1/leads/{hidden.id}/channel", json={"channel_id": NOBODYS})
    assert refused(answer)[1] == "lead_not_found"


async def test_an_erased_lead_stays_where_it_is(people: People, place: Place) -> None:
    good(await people.owner.http.delete(f"/v1/leads/{place.lead.id}"))

    answer = await people.owner.http.put(f"/v1/leads/{place.lead.id}/channel", json={"channel_id": str(place.there.id)})

    assert refused(answer) == (409, "conflict", None)


async def test_after_an_erase_the_way_between_channels_can_be_told(people: People, place: Place) -> None:
    bare = await people.owner.channel(title="Bare")
    await go(people.owner, place.lead, bare, drop_properties=True, note="Said Jane", reason="Jane")
    good(await people.owner.http.delete(f"/v1/leads/{place.lead.id}"))

    (moved,) = [one for one in await history(people.owner, place.lead) if one["type"] == "lead.moved"]

    assert (moved["data"]["from"]["channel"], moved["data"]["to"]["channel"]) == (told(place.here), told(bare))
    assert (moved["data"]["note"], moved["data"]["reason"], moved["data"]["changed"]) == (None, None, {})


# Counting


async def board(person: Person, channel: Channel) -> dict[str, int]:
    answer = good(await person.http.get("/v1/analytics/board", params={"channel": str(channel.id)}))
    assert answer["exact"]
    rows = {row["status"]["name"]: row["leads"] for row in answer["data"] if row["leads"]}
    assert sum(rows.values()) == answer["leads"]
    listed = await all_pages(person.http, "/v1/leads", channel=str(channel.id))
    names = [lead["status"]["name"] for lead in listed]
    assert rows == {name: names.count(name) for name in names}
    return rows


@pytest.mark.parametrize("folded", [False, True])
async def test_both_boards_are_exact(people: People, place: Place, folded: bool) -> None:
    owner, core = people.owner, people.owner.core
    stays = await owner.lead(place.here)
    await change(owner, place.lead, "Qualified")
    if folded:
        await count(core)

    await go(owner, place.lead, place.there)

    for _ in range(2):  # before and after the worker has counted it
        assert await board(owner, place.here) == {"New": 1}
        assert await board(owner, place.there) == {"Qualified": 1}
        await count(core)
    await go(owner, place.lead, place.here)
    await go(owner, stays, place.there, status="Lost")
    assert await board(owner, place.here) == {"Qualified": 1}
    assert await board(owner, place.there) == {"Lost": 1}


async def test_funnel_moves_and_stays_know_both_channels(people: People, place: Place) -> None:
    owner = people.owner
    await change(owner, place.lead, "Qualified")
    await go(owner, place.lead, place.there)

    async def asked(what: str, channel: Channel) -> Any:
        return good(await owner.http.get(f"/v1/analytics/{what}", params={"channel": str(channel.id)}))

    def cells(answer: Any, *members: str) -> dict[str, tuple[int, ...]]:
        return {row["status"]["name"]: tuple(row[member] for member in members) for row in answer["data"]}

    here, there = await asked("funnel", place.here), await asked("funnel", place.there)
    assert cells(here, "reached", "standing") == {"New": (1, 0), "Qualified": (1, 0), "Won": (0, 0), "Lost": (0, 0)}
    assert cells(there, "reached", "standing")["Qualified"] == (1, 1)
    assert (here["leads"], there["leads"], there["conversions"]) == (0, 1, [])
    moves = await asked("moves", place.here)
    assert cells(moves, "entered", "left") == {"New": (1, 1), "Qualified": (1, 1), "Won": (0, 0), "Lost": (0, 0)}
    assert cells(await asked("moves", place.there), "entered", "left")["Qualified"] == (1, 0)
    assert cells(await asked("velocity", place.here), "stays")["Qualified"] == (1,)
    ways = good(await owner.http.get("/v1/analytics/moves"))["ways"]
    between = place.here.status_by_name["qualified"].id, place.there.status_by_name["qualified"].id
    assert [way["rate"] for way in ways if (way["from_id"], way["to_id"]) == tuple(map(str, between))] == [1.0]


async def test_a_reason_is_counted_where_the_lead_stands_with_it(people: People, place: Place) -> None:
    owner = people.owner
    await change(owner, place.lead, "Lost", reason="Price")

    assert (await go(owner, place.lead, place.there))["reason"] == "Price"

    for channel, leads in ((place.here, 0), (place.there, 1)):
        query = {"channel": str(channel.id)}
        (row,) = good(await owner.http.get("/v1/reasons/counts", params=query))["data"]
        assert (row["reason"], row["leads"], row["moves"]) == ("Price", leads, 1)


# Telling


async def test_each_side_hears_its_own_of_it(people: People, place: Place) -> None:
    owner = people.owner
    endpoints = {
        "here": await owner.endpoint("https://example.com/1", channel_id=place.here.id),
        "there": await owner.endpoint("https://example.com/2", channel_id=place.there.id),
        "all": await owner.endpoint("https://example.com/3"),
        "won": await owner.endpoint("https://example.com/4", statuses=("Won",), events=("lead.moved",)),
        "partner": await people.partner.endpoint("https://example.com/5"),
    }

    await go(owner, place.lead, place.there)

    statement = "SELECT endpoint_id, payload FROM deliveries WHERE company_id = $1 ORDER BY event_seq"
    rows = await owner.rows(statement, owner.company_id)
    heard: dict[str, list[Any]] = {
        name: [msgspec.json.decode(row["payload"]) for row in rows if row["endpoint_id"] == endpoint.id]
        for name, endpoint in endpoints.items()
    }
    assert {name: [one["type"] for one in told] for name, told in heard.items()} == {
        "here": ["lead.left"],
        "there": ["lead.moved"],
        "all": ["lead.left", "lead.moved"],
        "won": [],
        "partner": ["lead.left"],
    }
    assert heard["there"][0]["data"]["lead"]["channel_id"] == str(place.there.id)
    (left,) = [row["payload"] for row in rows if row["endpoint_id"] == endpoints["partner"].id]
    assert str(place.there.id) not in left
    assert "jane@example.com" not in left


async def test_feeds_and_lists_of_one_channel_do_not_show_the_other(people: People, place: Place) -> None:
    owner = people.owner
    bound = {
        name: {"X-API-Key": await owner.another_key(scopes=tuple(Scope), channel_ids=(channel.id,))}
        for name, channel in (("here", place.here), ("there", place.there))
    }
    await go(owner, place.lead, place.there)

    async def types(name: str) -> list[str]:
        feed = good(await owner.http.get("/v1/events", params={"start": "first"}, headers=bound[name]))["data"]
        return [event["type"] for event in feed]

    url = f"/v1/leads/{place.lead.id}"
    assert (await types("here"), await types("there")) == (["lead.created", "lead.left"], ["lead.moved"])
    assert refused(await owner.http.get(url, headers=bound["here"]))[1] == "lead_not_found"
    assert good(await owner.http.get(url, headers=bound["there"]))["channel_id"] == str(place.there.id)
    assert refused(await people.partner.http.get(url))[1] == "lead_not_found"
    notices = good(await owner.http.get("/v1/notifications"))["data"]
    assert [one["event"]["type"] if "event" in one else one["type"] for one in notices][:1] == ["lead.moved"]


# Paying


async def rewards(person: Person, lead: Lead) -> list[tuple[str, str]]:
    rows = good(await person.http.get("/v1/rewards", params={"lead": str(lead.id)}))["data"]
    return [(row["channel_id"], row["state"]) for row in reversed(rows)]


async def test_what_is_there_what_it_was_here_neither_earns_nor_loses(people: People, place: Place) -> None:
    owner = people.owner
    for channel in (place.here, place.there):
        await owner.trigger(channel, cause="status_change", status="Won", amount=5, hold_days=30, repeat=True)
        await owner.trigger(channel, cause="new_lead", amount=7)
    await change(owner, place.lead, "Won")

    await go(owner, place.lead, place.there)

    assert await rewards(owner, place.lead) == [(str(place.here.id), "pending")]


async def test_another_category_loses_what_is_held_and_earns_there(people: People, place: Place) -> None:
    owner = people.owner
    await owner.trigger(place.here, cause="status_change", status="Qualified", amount=5, hold_days=30)
    await owner.trigger(place.there, cause="status_change", status="Won", amount=9)
    await people.partner.endpoint("https://example.com/partner")
    await change(owner, place.lead, "Qualified")

    await go(owner, place.lead, place.there, status="Won")

    assert await rewards(owner, place.lead) == [(str(place.here.id), "rejected"), (str(place.there.id), "pending")]
    events = {(one["type"], one["channel_id"]) for one in await history(owner, place.lead)}
    assert {("reward.changed", str(place.here.id)), ("reward.created", str(place.there.id))} <= events
    statement = "SELECT event_type, payload FROM deliveries WHERE company_id = $1 AND event_type LIKE 'reward.%'"
    heard = {row["event_type"]: row["payload"] for row in await owner.rows(statement, owner.company_id)}
    assert heard.keys() == {"reward.created", "reward.changed"}  # that of the first channel made, and taken back
    assert str(place.there.id) not in heard["reward.changed"]


async def test_a_reward_of_a_channel_that_the_lead_left_is_decided_there(people: People, place: Place) -> None:
    owner = people.owner
    await owner.trigger(place.here, cause="status_change", status="Won", amount=5)
    await change(owner, place.lead, "Won")
    (reward,) = good(await owner.http.get("/v1/rewards"))["data"]
    await go(owner, place.lead, place.there)
    await people.partner.endpoint("https://example.com/partner")

    for decision in ("approve", "pay"):
        good(await owner.http.post(f"/v1/rewards/{reward['id']}/{decision}"))
    body = {"amount": "2", "reason": "Discount"}
    good(await owner.http.post(f"/v1/rewards/{reward['id']}/corrections", json=body), 201)

    decided = [one for one in await history(owner, place.lead) if one["type"] == "reward.changed"]
    assert {one["channel_id"] for one in decided} == {str(place.here.id)}
    rows = await owner.rows("SELECT payload FROM deliveries WHERE company_id = $1", owner.company_id)
    assert len(rows) == len(decided) == 3  # the partner, who earned it, hears of it
    assert not any("jane@example.com" in row["payload"] for row in rows)


# What plans and moves by itself


async def test_rules_and_plans_are_those_of_the_channel_that_it_is_in(people: People, place: Place) -> None:
    owner = people.owner
    rule = {"name": "Sold", "cause": "purchase", "from_status": "New", "to_status": "Won"}
    good(await owner.http.post(f"/v1/channels/{place.here.id}/rules", json=rule), 201)
    cold = {"name": "Cold", "cause": "untouched", "from_status": "Won", "to_status": "Lost", "after_days": 3}
    good(await owner.http.post(f"/v1/channels/{place.there.id}/rules", json=cold), 201)
    good(await owner.http.post(f"/v1/leads/{place.lead.id}/purchases", json={"amount": "5"}), 201)
    (by_rule,) = [one for one in await history(owner, place.lead) if "rule" in one["data"]]

    await go(owner, place.lead, place.there)

    row = (await owner.rows("SELECT rule_due_at, undo, updated_at FROM leads WHERE id = $1", place.lead.id))[0]
    assert (row["undo"], (row["rule_due_at"] - row["updated_at"]).days) == (None, 3)
    reverse = await owner.http.post(f"/v1/leads/{place.lead.id}/events/{by_rule['id']}/reverse")
    assert refused(reverse)[1] == "conflict"


# Many


async def work(core: Core) -> None:
    while await step(core, chosen):
        pass


async def test_many_move_at_once(core: Core, people: People, place: Place) -> None:
    owner = people.owner
    named = await owner.channel(
        title="Named", properties=(SIZE,), statuses=(NewStatus(name="Inbox"), NewStatus(name="Talks"))
    )
    leads = [place.lead, *[await owner.lead(place.here, source="fair") for _ in range(3)]]
    await change(owner, leads[1], "Qualified")
    await change(owner, leads[2], "Won")
    action = {"type": "move", "channel_id": str(named.id), "statuses": {"QUALIFIED": "talks"}, "note": "New pipeline"}

    asked = await owner.http.post(
        "/v1/bulk-changes", json={"filter": {"channel": str(place.here.id)}, "action": action}
    )
    await work(core)

    ended = good(await owner.http.get(f"/v1/bulk-changes/{good(asked, 202)['id']}"))
    assert ended["action"] | {"channel_id": None} == {
        "type": "move",
        "status": None,
        "fields": [],
        "properties": [],
        "channel_id": None,
    }
    assert ended["action"]["channel_id"] == str(named.id)
    assert [ended[name] for name in ("changed", "unchanged", "refused")] == [3, 0, 1]
    (stayed,) = await all_pages(owner.http, f"/v1/bulk-changes/{ended['id']}/outcomes", outcome="refused")
    assert (stayed["lead_id"], stayed["code"]) == (str(leads[2].id), "unknown_status")
    assert await board(owner, named) == {"Inbox": 2, "Talks": 1}
    assert await board(owner, place.here) == {"Won": 1}
    assert (await history(owner, leads[1]))[-1]["data"]["note"] == "New pipeline"

    again = await owner.http.post("/v1/bulk-changes", json={"ids": [str(leads[0].id)], "action": action})
    await work(core)
    assert good(await owner.http.get(f"/v1/bulk-changes/{good(again, 202)['id']}"))["unchanged"] == 1


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        ({"statuses": {"New": "Nowhere"}}, (422, "unknown_status", "/action/statuses")),
        ({"channel_id": NOBODYS}, (404, "channel_not_found", "/action/channel_id")),
        ({"reason": "x" * 1001}, (422, "invalid", "/action/reason")),
    ],
)
async def test_what_no_lead_could_do_is_refused_at_once(
    people: People, place: Place, wrong: dict[str, Any], answer: tuple[int, str, str]
) -> None:
    action = {"type": "move", "channel_id": str(place.there.id)} | wrong
    body = {"ids": [str(place.lead.id)], "action": action}

    assert refused(await people.owner.http.post("/v1/bulk-changes", json=body)) == answer
    theirs = action | {"channel_id": str((await people.stranger.channel()).id)}
    assert refused(await people.owner.http.post("/v1/bulk-changes", json=body | {"action": theirs}))[0] == 404


async def test_many_writers_leave_one_place(people: People, place: Place) -> None:
    """Moves between channels, of status and of the set-up at once: one chain, and the lead stands where it ended."""
    owner, lead = people.owner, place.lead

    async def tried(number: int) -> None:
        to = (place.here, place.there)[number % 2]
        if number % 3 == 0:
            await owner.http.put(
                f"/v1/leads/{lead.id}/status", json={"status": ("New", "Won", "Lost")[number % 9 // 3]}
            )
        else:
            await owner.http.put(f"/v1/leads/{lead.id}/channel", json={"channel_id": str(to.id)})

    await asyncio.gather(*(tried(number) for number in range(30)))

    moves = [one for one in await history(owner, lead) if "to" in one["data"]]
    for before, after in pairwise(moves):
        assert after["data"]["from"]["id"] == before["data"]["to"]["id"]
    now = good(await owner.http.get(f"/v1/leads/{lead.id}"))
    assert (moves[-1]["data"]["to"]["id"], moves[-1]["channel_id"]) == (now["status"]["id"], now["channel_id"])
    assert UUID(now["channel_id"]) in (place.here.id, place.there.id)
