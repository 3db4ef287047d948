"""Webhook endpoints over the native API."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.answers import all_pages, good, refused
from tests.people import NOBODYS, People, Person

HOOK = "https://example.com/hooks?team=1"


async def add(person: Person, **body: Any) -> Any:
    return good(await person.http.post("/v1/webhooks", json={"url": HOOK} | body), 201)


async def due(person: Person) -> list[tuple[str, str]]:
    """The endpoint and the event type of every delivery of this person's leads."""
    statement = """
        SELECT d.endpoint_id::text, e.type FROM deliveries d
        JOIN events e ON e.company_id = d.company_id AND e.seq = d.event_seq
        WHERE d.company_id = $1 ORDER BY e.seq, d.endpoint_id
    """
    return [tuple(row.values()) for row in await person.rows(statement, person.company_id)]


async def test_an_endpoint_shows_its_secret_once(people: People) -> None:
    made = await add(people.owner)

    (listed,) = good(await people.owner.http.get("/v1/webhooks"))["data"]

    assert made == listed | {"secret": made["secret"]}
    assert made["secret"].startswith("whsec_")
    assert (listed["url"], listed["events"], listed["format"], listed["state"]) == (HOOK, [], "native", "active")


async def test_every_endpoint_has_a_secret_of_its_own(people: People) -> None:
    assert (await add(people.owner))["secret"] != (await add(people.owner))["secret"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"url": "ftp://example.com"}, (422, "invalid", "/url")),
        ({"url": "file:///etc/passwd"}, (422, "invalid", "/url")),
        ({"url": "javascript:alert(1)"}, (422, "invalid", "/url")),
        ({"url": ""}, (422, "invalid", "/url")),
        ({"url": "https://"}, (422, "invalid", "/url")),
        ({"url": "https://10.0.0.1/hook"}, (422, "invalid", "/url")),
        ({"url": "http://169.254.169.254/latest/meta-data"}, (422, "invalid", "/url")),
        ({"url": "http://[::ffff:10.0.0.1]/"}, (422, "invalid", "/url")),
        ({"url": "http://[fe80::1]/"}, (422, "invalid", "/url")),
        ({"url": "http://0x0a000001/"}, (422, "invalid", "/url")),
        ({"url": "https://example.com/" + "x" * 2000}, (400, "malformed", "/url")),
        ({"url": None}, (400, "malformed", "/url")),
        ({"events": ["lead.exploded"]}, (400, "malformed", "/events/0")),
        ({"events": ["lead.created"] * 101}, (400, "malformed", "/events")),
        ({"format": "xml"}, (400, "malformed", "/format")),
        ({"channel_id": str(uuid4())}, (404, "channel_not_found", "/channel_id")),
        ({"secret": "whsec_mine"}, (400, "malformed", "/secret")),
    ],
)
async def test_an_endpoint_that_may_not_be_is_not_made(people: People, body: Any, answer: Any) -> None:
    sent = await people.owner.http.post("/v1/webhooks", json={"url": HOOK} | body)

    assert refused(sent) == answer
    assert await people.owner.count("endpoints") == 0


async def test_an_endpoint_hears_the_events_and_channels_that_it_chose(people: People) -> None:
    one, other = await people.owner.channel(), await people.owner.channel()
    everything = await add(people.owner)
    moves = await add(people.owner, events=["lead.status_changed", "lead.status_changed"])
    elsewhere = await add(people.owner, channel_id=str(other.id))

    lead = await people.owner.lead(one)
    await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"})

    assert await due(people.owner) == [
        (everything["id"], "lead.created"),
        *sorted([(everything["id"], "lead.status_changed"), (moves["id"], "lead.status_changed")]),
    ]
    await people.owner.lead(other)
    assert (elsewhere["id"], "lead.created") in await due(people.owner)


async def test_a_removed_endpoint_hears_nothing_more_and_is_not_listed(people: People) -> None:
    channel, made = await people.owner.channel(), await add(people.owner)
    await people.owner.lead(channel)

    assert (await people.owner.http.delete(f"/v1/webhooks/{made['id']}")).status_code == 204
    await people.owner.lead(channel)

    assert await due(people.owner) == [(made["id"], "lead.created")]
    assert good(await people.owner.http.get("/v1/webhooks"))["data"] == []
    assert refused(await people.owner.http.delete(f"/v1/webhooks/{made['id']}")) == (404, "not_found", None)


@pytest.mark.parametrize("id", ["x", NOBODYS])
async def test_an_endpoint_that_does_not_exist_is_not_found(people: People, id: str) -> None:
    assert refused(await people.owner.http.delete(f"/v1/webhooks/{id}")) == (404, "not_found", None)


async def test_a_member_hears_of_the_shared_channel_and_of_no_other(people: People) -> None:
    shared, private = await people.shared_channel(), await people.owner.channel()
    theirs = await add(people.partner)
    await add(people.stranger)

    await people.owner.lead(shared)
    await people.owner.lead(private)

    assert await due(people.owner) == [(theirs["id"], "lead.created")]


async def test_a_member_that_left_hears_nothing_more(people: People) -> None:
    channel = await people.shared_channel()
    await add(people.partner)

    path = f"/v1/channels/{channel.id}/members/{people.partner.company_id}"
    assert (await people.owner.http.delete(path, params={"role": "referring"})).status_code == 204
    await people.owner.lead(channel)

    assert await due(people.owner) == []


async def test_endpoints_are_listed_oldest_first_in_pages(people: People) -> None:
    made = [(await add(people.owner))["id"] for _ in range(5)]

    assert [row["id"] for row in await all_pages(people.owner.http, "/v1/webhooks", limit=2)] == made


async def test_what_is_due_says_the_event_with_the_lead_after_it(people: People) -> None:
    await add(people.owner)
    lead = await people.owner.lead(await people.owner.channel(), email="jane@example.com")
    shown = good(await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"}))

    (last,) = await people.owner.rows(
        "SELECT event_id, payload::json->'data'->'lead'->>'version' AS version FROM deliveries"
        " WHERE company_id = $1 ORDER BY event_seq DESC LIMIT 1",
        people.owner.company_id,
    )

    history = good(await people.owner.http.get(f"/v1/leads/{lead.id}/events"))["data"]
    assert (str(last["event_id"]), last["version"]) == (history[-1]["id"], str(shown["version"]))
