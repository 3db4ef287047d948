"""Leads that a channel erases by itself, over days of a movable clock."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from leadrail.app import App
from leadrail.core.automation import move_due, place_leads, run_rules
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.leads.model import Lead
from leadrail.db.database import Database
from leadrail.worker.periodic import JOBS
from tests.api.answers import good, refused
from tests.conftest import serving
from tests.people import People, Person, three_people
from tests.worker.stage import FakeClock


@pytest.fixture
async def people(core: Core) -> AsyncIterator[People]:
    """Three people at a server whose clock is moved."""
    async with serving(App(core)) as url, three_people(core, url) as people:
        yield people


async def rule(person: Person, channel: Channel, **wanted: Any) -> dict[str, Any]:
    body = {"name": "Over", "after_days": 30, "state": "active"} | wanted
    made: dict[str, Any] = good(await person.http.post(f"/v1/channels/{channel.id}/retention-rules", json=body), 201)
    return made


async def edit(person: Person, channel: Channel, made: dict[str, Any], **wanted: Any) -> None:
    path = f"/v1/channels/{channel.id}/retention-rules/{made['id']}"
    good(await person.http.patch(path, json=wanted))


async def would_go(person: Person, channel: Channel, made: dict[str, Any]) -> Any:
    return good(await person.http.get(f"/v1/channels/{channel.id}/retention-rules/{made['id']}/due"))


async def move(person: Person, lead: Lead, status: str) -> None:
    good(await person.http.put(f"/v1/leads/{lead.id}/status", json={"status": status}))


async def erased(person: Person) -> list[str]:
    """The company's leads in their order, by their first names; one that has none was erased."""
    rows = await person.rows(
        "SELECT coalesce(first_name, 'erased') AS name FROM leads WHERE company_id = $1 ORDER BY number",
        person.company_id,
    )
    return [row["name"] for row in rows]


async def test_leads_of_a_category_are_erased_in_their_time_and_others_stay(
    core: Core, people: People, clock: FakeClock
) -> None:
    owner, channel = people.owner, await people.owner.channel()
    await rule(owner, channel, category="lost")
    lost, touched, _new = [await owner.lead(channel, first_name=name) for name in ("Ann", "Bob", "Cid")]
    for lead in (lost, touched):
        await move(owner, lead, "Lost")

    clock.advance(days=29)
    good(await owner.http.post(f"/v1/leads/{touched.id}/notes", json={"text": "Called again"}), 201)
    await run_rules(core)
    assert await erased(owner) == ["Ann", "Bob", "Cid"]

    clock.advance(days=1)
    await run_rules(core)
    assert await erased(owner) == ["erased", "Bob", "Cid"]

    clock.advance(days=30)
    await run_rules(core)
    assert await erased(owner) == ["erased", "erased", "Cid"]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"status": "Won"}, ["erased", "Bob", "Cid"]),
        ({"category": "lost"}, ["Ann", "erased", "Cid"]),
        ({}, ["erased", "erased", "erased"]),
        ({"since": "closed"}, ["erased", "erased", "Cid"]),
        ({"since": "closed", "category": "won"}, ["erased", "Bob", "Cid"]),
        ({"state": "paused"}, ["Ann", "Bob", "Cid"]),
    ],
)
@pytest.mark.parametrize("is_first", [True, False], ids=["rule first", "leads first"])
async def test_a_rule_covers_what_it_says_also_of_leads_that_were_there_before(
    core: Core, people: People, clock: FakeClock, wanted: dict[str, Any], left: list[str], is_first: bool
) -> None:
    owner, channel = people.owner, await people.owner.channel()
    if is_first:
        made = await rule(owner, channel, **wanted)
    won, lost, _ = [await owner.lead(channel, first_name=name) for name in ("Ann", "Bob", "Cid")]
    await move(owner, won, "Won")
    await move(owner, lost, "Lost")
    if not is_first:
        made = await rule(owner, channel, **wanted)
    clock.advance(days=30)

    told = await would_go(owner, channel, made)
    await run_rules(core)

    assert await erased(owner) == left
    assert told["exact"] is True
    assert wanted.get("state") == "paused" or told["leads"] == left.count("erased")
    assert (await would_go(owner, channel, made))["leads"] == (told["leads"] if "state" in wanted else 0)


async def test_what_is_closed_counts_from_then_whatever_is_done_later(
    core: Core, people: People, clock: FakeClock
) -> None:
    owner, channel = people.owner, await people.owner.channel()
    await rule(owner, channel, since="closed")
    lead = await owner.lead(channel, first_name="Ann")
    await move(owner, lead, "Won")

    clock.advance(days=29)
    good(await owner.http.patch(f"/v1/leads/{lead.id}", json={"title": "CEO"}))
    clock.advance(days=1)
    await run_rules(core)

    assert await erased(owner) == ["erased"]


async def test_a_paused_rule_is_looked_at_before_it_acts(core: Core, people: People, clock: FakeClock) -> None:
    owner, channel = people.owner, await people.owner.channel()
    body = {"name": "Over", "after_days": 30}
    made = good(await owner.http.post(f"/v1/channels/{channel.id}/retention-rules", json=body), 201)
    await owner.lead(channel, first_name="Ann")
    clock.advance(days=31)
    await owner.lead(channel, first_name="Bob")
    await run_rules(core)

    assert (made["state"], await would_go(owner, channel, made)) == ("paused", {"leads": 1, "exact": True})
    assert await erased(owner) == ["Ann", "Bob"]

    await edit(owner, channel, made, state="active")
    await run_rules(core)
    assert await erased(owner) == ["erased", "Bob"]


async def test_a_long_list_is_not_counted_whole(
    people: People, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadrail.api.channels.retention.LOOKED_AT", 3)
    owner, channel = people.owner, await people.owner.channel()
    made = await rule(owner, channel, state="paused")
    for _ in range(5):
        await owner.lead(channel)
    clock.advance(days=31)

    assert await would_go(owner, channel, made) == {"leads": 3, "exact": False}


async def test_a_rule_that_is_paused_lengthened_or_removed_lets_leads_be(
    core: Core, people: People, clock: FakeClock
) -> None:
    owner, channel = people.owner, await people.owner.channel()
    made = await rule(owner, channel)
    await owner.lead(channel, first_name="Ann")
    clock.advance(days=40)

    await edit(owner, channel, made, state="paused")
    await move_due(core)  # before its leads are placed anew
    await edit(owner, channel, made, state="active", after_days=60)
    await run_rules(core)
    assert await erased(owner) == ["Ann"]

    path = f"/v1/channels/{channel.id}/retention-rules/{made['id']}"
    assert (await owner.http.delete(path)).status_code == 204
    clock.advance(days=40)
    await run_rules(core)
    assert await erased(owner) == ["Ann"]
    assert await owner.count("retention_places") == 0
    assert (
        await owner.rows("SELECT 1 FROM leads WHERE company_id = $1 AND rule_due_at IS NOT NULL", owner.company_id)
        == []
    )


async def test_it_is_told_as_the_rule_s_and_money_stays_without_the_person(
    core: Core, people: People, clock: FakeClock
) -> None:
    owner, channel = people.owner, await people.shared_channel(currency="EUR")
    await owner.trigger(channel, cause="new_lead", kind="fixed", amount=5)
    endpoint = await owner.endpoint("https://example.com/hook", events=["lead.erased"])
    made = await rule(owner, channel)
    lead = await owner.lead(channel, first_name="Ann", email="ann@example.com")
    good(await owner.http.post(f"/v1/leads/{lead.id}/purchases", json={"amount": "10", "name": "Ann's boat"}), 201)
    clock.advance(days=30)

    await run_rules(core)

    *_, last = good(await owner.http.get(f"/v1/leads/{lead.id}/events"))["data"]
    assert (last["type"], last["data"]) == ("lead.erased", {"rule": {"id": made["id"], "name": "Over"}})
    assert (last["actor"]["kind"], last["actor"]["face"]) == ("system", "rule")
    (sent,) = await owner.rows(
        "SELECT payload FROM deliveries WHERE company_id = $1 AND endpoint_id = $2", owner.company_id, endpoint.id
    )
    assert '"Over"' in sent["payload"]
    (bought,) = good(await owner.http.get(f"/v1/leads/{lead.id}/purchases"))["data"]
    assert (bought["amount"], bought["name"]) == ("10", None)
    (reward,) = good(await owner.http.get("/v1/rewards", params={"lead": str(lead.id)}))["data"]
    assert (reward["amount"], reward["state"]) == ("5", "pending")


async def test_two_processes_and_one_that_begins_anew_erase_once(
    core: Core, own_url: str, people: People, clock: FakeClock
) -> None:
    owner, channel = people.owner, await people.owner.channel()
    await rule(owner, channel)
    for _ in range(20):
        await owner.lead(channel, email="ann@example.com")
    clock.advance(days=30)
    other = Core(await Database.open(own_url), clock=clock)

    await asyncio.gather(move_due(core, 7), move_due(other, 7), run_rules(core), run_rules(other))
    await run_rules(other)
    await other.close()

    told = await owner.rows("SELECT 1 FROM events WHERE company_id = $1 AND type = 'lead.erased'", owner.company_id)
    assert (len(told), await owner.count("lead_keys")) == (20, 0)


async def test_a_move_that_cannot_be_made_does_not_keep_a_lead_for_ever(
    core: Core, people: People, clock: FakeClock
) -> None:
    owner, channel = people.owner, await people.owner.channel()
    lost = channel.status_by_name["lost"]
    good(await owner.http.patch(f"/v1/channels/{channel.id}/statuses/{lost.id}", json={"requires": ["value"]}))
    move = {"name": "Cold", "cause": "untouched", "from_status": "New", "to_status": "Lost", "after_days": 3}
    good(await owner.http.post(f"/v1/channels/{channel.id}/rules", json=move), 201)
    await rule(owner, channel)
    await owner.lead(channel, first_name="Ann")

    for days, left in ((3, "Ann"), (26, "Ann"), (1, "erased")):
        clock.advance(days=days)
        await run_rules(core)
        assert await erased(owner) == [left]


async def test_a_move_by_a_rule_comes_first_when_it_is_due_first(core: Core, people: People, clock: FakeClock) -> None:
    owner, channel = people.owner, await people.owner.channel()
    move = {"name": "Cold", "cause": "untouched", "from_status": "New", "to_status": "Lost", "after_days": 3}
    good(await owner.http.post(f"/v1/channels/{channel.id}/rules", json=move), 201)
    await rule(owner, channel)
    lead = await owner.lead(channel, first_name="Ann")

    clock.advance(days=3)
    await run_rules(core)
    assert good(await owner.http.get(f"/v1/leads/{lead.id}"))["status"]["name"] == "Lost"
    clock.advance(days=29)
    await run_rules(core)
    assert await erased(owner) == ["Ann"]
    clock.advance(days=1)
    await run_rules(core)
    assert await erased(owner) == ["erased"]


async def test_the_worker_does_it_in_its_round(core: Core, people: People, clock: FakeClock) -> None:
    await rule(people.owner, channel := await people.owner.channel())
    await people.owner.lead(channel, first_name="Ann")
    clock.advance(days=30)

    for job in JOBS:
        await job.run(core)

    assert await erased(people.owner) == ["erased"]


async def test_leads_are_placed_in_chunks_by_several_at_once(core: Core, people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    for _ in range(7):
        await owner.lead(channel)
    await rule(owner, channel)

    await asyncio.gather(place_leads(core, 2), place_leads(core, 2))

    due = await owner.rows("SELECT 1 FROM leads WHERE company_id = $1 AND rule_due_at IS NOT NULL", owner.company_id)
    assert (len(due), await owner.count("retention_places")) == (7, 0)


@pytest.mark.parametrize(
    ("wanted", "code", "field"),
    [
        ({"name": " "}, "invalid", "/name"),
        ({"after_days": 0}, "invalid", "/after_days"),
        ({"after_days": 36_501}, "invalid", "/after_days"),
        ({"status": "Nowhere"}, "unknown_status", "/status"),
        ({"status": "Lost", "category": "lost"}, "invalid", "/category"),
        ({"status": "New", "since": "closed"}, "invalid", "/since"),
        ({"category": "open", "since": "closed"}, "invalid", "/since"),
        ({"name": "OVER"}, "conflict", "/name"),
    ],
)
async def test_what_no_rule_can_be_is_refused(people: People, wanted: dict[str, Any], code: str, field: str) -> None:
    owner, channel = people.owner, await people.owner.channel()
    await rule(owner, channel)
    body = {"name": "Another", "after_days": 30} | wanted

    answer = await owner.http.post(f"/v1/channels/{channel.id}/retention-rules", json=body)

    assert refused(answer)[1:] == (code, field)


async def test_a_status_of_which_a_rule_speaks_is_not_removed(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    made = await rule(owner, channel, status="Lost")
    path = f"/v1/channels/{channel.id}"
    status = f"{path}/statuses/{channel.status_by_name['lost'].id}"

    assert refused(await owner.http.delete(status))[:2] == (409, "conflict")
    assert (await owner.http.delete(f"{path}/retention-rules/{made['id']}")).status_code == 204
    assert (await owner.http.delete(status)).status_code == 204


async def test_a_key_that_is_bound_to_the_channel_may_look_and_no_more(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    made = await rule(owner, channel)
    headers = {"X-API-Key": await owner.another_key(scopes=("admin",), channel_ids=(channel.id,))}
    path = f"/v1/channels/{channel.id}/retention-rules"

    assert len(good(await owner.http.get(path, headers=headers))["data"]) == 1
    for answer in (
        await owner.http.post(path, json={"name": "Mine", "after_days": 1}, headers=headers),
        await owner.http.patch(f"{path}/{made['id']}", json={"after_days": 1}, headers=headers),
        await owner.http.delete(f"{path}/{made['id']}", headers=headers),
    ):
        assert refused(answer)[:2] == (403, "forbidden")
