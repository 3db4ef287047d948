"""Bulk changes as they are asked for, watched and ended over HTTP."""

from typing import Any
from uuid import UUID

import pytest

from leadrail.api.bulk import chosen
from leadrail.core.actor import Scope
from leadrail.core.bulk.model import MOST_IDS
from leadrail.core.bulk.running import step
from leadrail.core.channels.model import PropertyType
from leadrail.core.core import Core
from leadrail.kit.ids import new_id
from tests.api.answers import all_pages, good, refused
from tests.people import NOBODYS, NewProperty, People, Person

ASSIGN = {"type": "assign", "assignee": "sam@example.com"}
PATH = "/v1/bulk-changes"


async def ask(person: Person, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = good(await person.http.post(PATH, json={"action": ASSIGN} | body), 202)
    return made


async def work(core: Core, **sizes: int) -> None:
    while await step(core, chosen, **sizes):
        pass


async def lead_ids(person: Person, number: int, **fields: Any) -> list[str]:
    channel = await person.channel()
    return [str((await person.lead(channel, **fields)).id) for _ in range(number)]


# Asked for


async def test_it_is_taken_waits_and_is_done(core: Core, people: People) -> None:
    ids = await lead_ids(people.owner, 2)

    asked = await ask(people.owner, ids=[*ids, ids[0], NOBODYS])
    assert (asked["state"], asked["total"], asked["done"], asked["filtered_by"]) == ("waiting", 3, 0, None)
    assert asked["action"] == {
        "type": "assign",
        "status": None,
        "fields": ["assignee"],
        "properties": [],
        "channel_id": None,
    }
    await work(core)

    ended = good(await people.owner.http.get(f"{PATH}/{asked['id']}"))
    counts = [ended[name] for name in ("state", "done", "changed", "unchanged", "refused")]
    assert counts == ["done", 3, 2, 0, 1]
    assert ended["started_at"]
    assert ended["finished_at"]
    assert good(await people.owner.http.get(f"/v1/leads/{ids[0]}"))["assignee"] == "sam@example.com"


async def test_every_filter_of_the_list_finds_what_the_list_finds(core: Core, people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    known: tuple[dict[str, Any], ...] = (
        {"email": "a@example.com", "source": "fair"},
        {"phone": "+4520123456"},
        {"assignee": "kim"},
    )
    for fields in known:
        await owner.lead(channel, **fields)
    await owner.lead(await owner.channel())
    filters: list[dict[str, str]] = [
        {"channel": str(channel.id)},
        {"status": "new"},
        {"category": "open", "source": "fair"},
        {"email": "A@example.com"},
        {"phone": "0045 20 12 34 56"},
        {"assignee": "kim"},
        {"created_from": "2020-01-01T00:00:00Z", "updated_from": "2020-01-01T00:00:00+01:00"},
        {"created_before": "2020-01-01T00:00:00Z"},
    ]
    for filter in filters:
        listed = [row["id"] for row in await all_pages(owner.http, "/v1/leads", **filter)]
        id = (await ask(owner, filter=filter, action=ASSIGN | {"assignee": "kim"}))["id"]
        await work(core)
        assert [row["lead_id"] for row in await all_pages(owner.http, f"{PATH}/{id}/outcomes")] == listed


async def test_a_repeat_with_the_same_key_asks_once(people: People) -> None:
    ids, headers = await lead_ids(people.owner, 1), {"Idempotency-Key": "once"}
    body = {"ids": ids, "action": ASSIGN}

    first = await people.owner.http.post(PATH, json=body, headers=headers)
    again = await people.owner.http.post(PATH, json=body, headers=headers)

    assert good(first, 202) == good(again, 202)
    assert again.headers["idempotent-replayed"] == "true"
    assert await people.owner.count("bulk_changes") == 1


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, (422, "invalid", "/ids")),
        ({"ids": [NOBODYS], "filter": {"source": "fair"}}, (422, "invalid", "/ids")),
        ({"ids": []}, (400, "malformed", "/ids")),
        ({"ids": ["x"]}, (400, "malformed", "/ids/0")),
        ({"ids": [NOBODYS] * (MOST_IDS + 1)}, (400, "malformed", "/ids")),
        ({"filter": {}}, (422, "invalid", "/filter")),
        ({"filter": {"source": None}}, (422, "invalid", "/filter")),
        ({"filter": {"limit": 5}}, (400, "malformed", "/filter/limit")),
        ({"filter": {"channel": NOBODYS}}, (404, "channel_not_found", "/filter/channel")),
        ({"filter": {"email": "a@b.example", "phone": "1"}}, (422, "invalid", "/filter/email")),
        ({"ids": [NOBODYS], "action": {"type": "status"}}, (400, "malformed", "/action/status")),
        ({"ids": [NOBODYS], "action": {"type": "merge"}}, (400, "malformed", "/action/type")),
        ({"ids": [NOBODYS], "action": {"type": "status", "status": "Sold"}}, (422, "unknown_status", "/action/status")),
        ({"ids": [NOBODYS], "action": {"type": "status", "status": "Won", "note": "x" * 20_001}},
         (422, "invalid", "/action/note")),
        ({"ids": [NOBODYS], "action": {"type": "assign", "assignee": "x" * 201}}, (422, "invalid", "/action/assignee")),
        ({"ids": [NOBODYS], "action": {"type": "edit"}}, (422, "invalid", "/action/fields")),
        ({"ids": [NOBODYS], "action": {"type": "edit", "fields": {"value": "-1"}}},
         (422, "invalid", "/action/fields/value")),
        ({"ids": [NOBODYS], "action": {"type": "edit", "fields": {"status": "Won"}}},
         (400, "malformed", "/action/fields/status")),
        ({"ids": [NOBODYS], "action": {"type": "edit", "properties": {"Hobby": 1}}},
         (422, "unknown_property", "/action/properties/Hobby")),
        ({"ids": [NOBODYS], "action": {"type": "edit", "properties": {"Deal size": "big"}}},
         (422, "invalid_property", "/action/properties/Deal size")),
    ],
)  # fmt: skip
async def test_what_no_lead_could_take_is_refused_at_once(
    people: People, body: dict[str, Any], answer: tuple[int, str, str]
) -> None:
    await people.owner.channel(properties=(NewProperty(name="Deal size", type=PropertyType.NUMBER),))

    assert refused(await people.owner.http.post(PATH, json={"action": ASSIGN} | body)) == answer
    assert await people.owner.count("bulk_changes") == 0


async def test_a_status_that_one_of_the_channels_has_is_taken(core: Core, people: People) -> None:
    await people.owner.channel(template="octanist")
    ids = await lead_ids(people.owner, 1)

    asked = await ask(people.owner, ids=ids, action={"type": "status", "status": "lost"})
    await work(core)

    assert good(await people.owner.http.get(f"{PATH}/{asked['id']}"))["changed"] == 1


async def test_only_a_key_that_may_erase_one_lead_may_erase_many(people: People) -> None:
    owner = people.owner
    body = {"ids": [NOBODYS], "action": {"type": "erase"}}
    channel = await owner.channel()
    writing = await owner.another_key(scopes=(Scope.WRITE,))
    bound = await owner.another_key(scopes=tuple(Scope), channel_ids=(channel.id,))

    for key in (writing, bound):
        answer = await owner.http.post(PATH, json=body, headers={"X-API-Key": key})
        assert refused(answer) == (403, "forbidden", None)
    good(await owner.http.post(PATH, json=body), 202)


# Watched and ended


async def test_outcomes_come_in_pages_all_or_the_refused(core: Core, people: People) -> None:
    ids = await lead_ids(people.owner, 3)
    wanted = [ids[0], NOBODYS, ids[1], str(new_id()), ids[2]]
    path = f"{PATH}/{(await ask(people.owner, ids=wanted))['id']}/outcomes"
    assert await all_pages(people.owner.http, path) == []
    await work(core, chunk=2)

    every = await all_pages(people.owner.http, path, limit=2)
    refusals = await all_pages(people.owner.http, path, limit=1, outcome="refused")

    assert [row["lead_id"] for row in every] == wanted
    assert [row["n"] for row in refusals] == [2, 4]
    assert refusals == [row for row in every if row["outcome"] == "refused"]
    assert (refusals[0]["code"], refusals[0]["message"]) == ("lead_not_found", "Lead not found")


async def test_they_are_listed_newest_first_in_pages(people: People) -> None:
    made = [(await ask(people.owner, ids=[NOBODYS]))["id"] for _ in range(3)]

    assert [row["id"] for row in await all_pages(people.owner.http, PATH, limit=2)] == made[::-1]
    assert await all_pages(people.stranger.http, PATH) == []


async def test_a_key_that_is_bound_to_channels_sees_what_it_asked_for_itself(people: People) -> None:
    owner = people.owner
    bound = await owner.another_key(scopes=tuple(Scope), channel_ids=((await owner.channel()).id,))
    theirs = await ask(owner, ids=[NOBODYS])
    headers = {"X-API-Key": bound}
    own = good(await owner.http.post(PATH, json={"ids": [NOBODYS], "action": ASSIGN}, headers=headers), 202)

    assert [row["id"] for row in good(await owner.http.get(PATH, headers=headers))["data"]] == [own["id"]]
    assert good(await owner.http.get(f"{PATH}/{own['id']}", headers=headers)) == own
    for call in (
        owner.http.get(f"{PATH}/{theirs['id']}", headers=headers),
        owner.http.get(f"{PATH}/{theirs['id']}/outcomes", headers=headers),
        owner.http.post(f"{PATH}/{theirs['id']}/cancel", headers=headers),
    ):
        assert refused(await call)[:2] == (404, "not_found")
    assert len(await all_pages(owner.http, PATH)) == 2


async def test_one_that_is_cancelled_does_nothing_more_and_one_that_is_done_stays_done(
    core: Core, people: People
) -> None:
    (id,) = await lead_ids(people.owner, 1)
    waiting = await ask(people.owner, ids=[id])

    cancelled = good(await people.owner.http.post(f"{PATH}/{waiting['id']}/cancel"))
    again = good(await people.owner.http.post(f"{PATH}/{waiting['id']}/cancel"))
    await work(core)

    assert (cancelled["state"], cancelled["done"], again) == ("cancelled", 0, cancelled)
    assert good(await people.owner.http.get(f"/v1/leads/{id}"))["assignee"] is None
    ended = await ask(people.owner, ids=[id])
    await work(core)
    assert good(await people.owner.http.post(f"{PATH}/{ended['id']}/cancel"))["state"] == "done"


@pytest.mark.parametrize("id", ["x", NOBODYS])
async def test_one_that_is_not_there_is_not_found(people: People, id: str) -> None:
    assert refused(await people.owner.http.get(f"{PATH}/{id}")) == (404, "not_found", None)
    assert refused(await people.owner.http.get(f"{PATH}/{id}/outcomes")) == (404, "not_found", None)
    assert refused(await people.owner.http.post(f"{PATH}/{id}/cancel")) == (404, "not_found", None)


async def test_its_leads_have_a_webhook_and_a_reward_each(core: Core, people: People) -> None:
    owner = people.owner
    channel = await owner.channel(currency="EUR")
    await owner.trigger(channel, cause="status_change", status="Won", amount=5)
    await owner.endpoint("https://example.com/hook")
    ids = [str((await owner.lead(channel)).id) for _ in range(3)]
    await ask(owner, ids=ids, action={"type": "status", "status": "Won"})

    await work(core)

    (moved,) = await owner.rows(
        "SELECT count(*) AS n FROM deliveries WHERE company_id = $1 AND event_type = 'lead.status_changed'",
        owner.company_id,
    )
    rewarded = await owner.rows("SELECT lead_id FROM rewards WHERE company_id = $1", owner.company_id)
    assert moved["n"] == 3
    assert {row["lead_id"] for row in rewarded} == {UUID(id) for id in ids}
