"""The feed: who sees what, what a cursor is, and what a stream does when nothing happens."""

import asyncio
import signal
from uuid import uuid4

import httpx
import pytest

from leadrail.core import feed
from leadrail.core.core import Core
from leadrail.core.events.places import cursor_of, places_at
from tests.api.answers import good, refused
from tests.feed.reading import Listening, poll, poll_all
from tests.house import House, eventually
from tests.people import People, Person


async def leads_seen(person: Person, **query: str) -> list[str]:
    return [event["lead_id"] for event in await poll_all(person, **query)]


# Who sees what


async def test_the_partner_sees_the_events_of_shared_channels_only_and_the_stranger_none(people: People) -> None:
    shared = await people.owner.lead(await people.shared_channel())
    private = await people.owner.lead(await people.owner.channel())
    own = await people.partner.lead(await people.partner.channel())

    assert await leads_seen(people.owner) == [str(shared.id), str(private.id)]
    assert await leads_seen(people.partner) == [str(shared.id), str(own.id)]
    assert await leads_seen(people.stranger) == []


async def test_a_bound_key_sees_its_channels_and_nothing_that_has_no_channel(people: People) -> None:
    one, other = await people.owner.channel(), await people.owner.channel()
    lead, _ = await people.owner.lead(one), await people.owner.lead(other)
    await people.owner.rows("UPDATE events SET channel_id = NULL WHERE channel_id = $1 RETURNING 1", other.id)
    key = await people.owner.another_key(channel_ids=(one.id,))

    seen = good(await people.owner.http.get("/v1/events", headers={"X-API-Key": key}))["data"]

    assert [event["lead_id"] for event in seen] == [str(lead.id)]
    assert len(await leads_seen(people.owner)) == 2
    answer = await people.owner.http.get(f"/v1/events?channel={other.id}", headers={"X-API-Key": key})
    assert refused(answer)[:2] == (404, "channel_not_found")


async def test_types_and_a_channel_choose(people: People) -> None:
    one, other = await people.owner.channel(), await people.owner.channel()
    lead, _ = await people.owner.lead(one), await people.owner.lead(other)
    good(await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"}))
    moved, created = "lead.status_changed", "lead.created"

    assert [event["type"] for event in await poll_all(people.owner, channel=str(one.id))] == [created, moved]
    assert [event["type"] for event in await poll_all(people.owner, type=moved)] == [moved]
    assert [event["type"] for event in await poll_all(people.owner, type=[moved, created])] == [created, created, moved]


async def test_a_channel_of_another_is_not_found(people: People) -> None:
    theirs = await people.stranger.channel()
    for path in ("/v1/events", "/v1/events/stream"):
        for id in (theirs.id, uuid4()):
            answer = await people.owner.http.get(path, params={"channel": str(id)})
            assert refused(answer)[:2] == (404, "channel_not_found")


async def test_one_call_looks_at_a_part_and_the_cursor_moves_on(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOKED_AT", 2)
    channel = await people.owner.channel()
    lead, *_ = [await people.owner.lead(channel) for _ in range(5)]
    good(await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"}))

    first = await poll(people.owner, type="lead.status_changed")

    assert (first["data"], first["has_more"]) == ([], True)
    assert len(await poll_all(people.owner, type="lead.status_changed")) == 1


# Cursors


async def test_who_starts_at_the_end_sees_what_comes_from_then_on(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.lead(channel)
    page = await poll(people.owner, start="latest")
    lead = await people.owner.lead(channel)

    later = await poll(people.owner, page["next_cursor"])

    assert (page["data"], page["has_more"]) == ([], False)
    assert [event["lead_id"] for event in later["data"]] == [str(lead.id)]
    assert (await poll(people.owner, later["next_cursor"]))["next_cursor"] == later["next_cursor"]


async def test_a_broken_cursor_and_anothers_are_refused(people: People) -> None:
    await people.owner.lead(await people.owner.channel())
    cursor = (await poll(people.owner))["next_cursor"]
    altered = ("B" if cursor[0] == "A" else "A") + cursor[1:]

    for path in ("/v1/events", "/v1/events/stream"):
        for bad in ("", "x", "AAAAAA", "!!!!", cursor[:-3], altered, "é"):
            answer = await people.owner.http.get(path, params={"cursor": bad, **_ended(path)})
            assert refused(answer) == (422, "invalid", "?cursor"), bad
        answer = await people.stranger.http.get(path, params={"cursor": cursor, **_ended(path)})
        assert refused(answer) == (422, "invalid", "?cursor")


def _ended(path: str) -> dict[str, str]:
    return {"seconds": "0"} if path.endswith("stream") else {}


def test_a_cursor_says_the_places_that_went_in() -> None:
    reader, other, untouched = uuid4(), uuid4(), uuid4()

    cursor = cursor_of(reader, {other: 7, untouched: 0})

    assert places_at(reader, cursor) == {reader: 0, other: 7}


# Streams


async def test_a_stream_tells_at_once_and_goes_on_where_it_broke_off(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.lead(channel)
    async with Listening(people.owner) as stream:
        await stream.opened()
        told = await people.owner.lead(channel)
        (event,) = await stream.events(1)
    missed = await people.owner.lead(channel)
    async with Listening(people.owner, last=stream.last_id) as again:
        (later,) = await again.events(1)

    assert stream.answer.headers["content-type"] == "text/event-stream"
    assert (event["lead_id"], later["lead_id"]) == (str(told.id), str(missed.id))


async def test_a_stream_without_events_beats_and_its_place_is_kept(cores: list[Core], people: People) -> None:
    cores[0].tail.heartbeat_s = 0.05
    async with Listening(people.owner) as stream:
        opened = await stream.opened()
        beats = [await asyncio.wait_for(stream.block(), 30) for _ in range(2)]

    assert beats == [{"": "heartbeat", "id": opened.last_id}] * 2


async def test_the_stream_of_a_revoked_key_ends(cores: list[Core], people: People) -> None:
    cores[0].tail.heartbeat_s = 0.05
    key = await people.owner.another_key(name="short")
    async with Listening(people.owner, key=key) as stream:
        await stream.opened()
        (row,) = await people.owner.rows("SELECT id FROM api_keys WHERE name = 'short'")
        await people.owner.http.delete(f"/v1/keys/{row['id']}")
        async with asyncio.timeout(30):
            while await stream.block() is not None:
                pass


async def test_streams_of_a_company_are_counted_and_gone_when_their_clients_are(
    cores: list[Core], people: People
) -> None:
    cores[0].tail.most = 1
    async with Listening(people.owner) as stream:
        await stream.opened()
        answer = await people.owner.http.get("/v1/events/stream", params={"seconds": 0})
        assert refused(answer)[:2] == (429, "rate_limited")
        assert (await people.partner.http.get("/v1/events/stream", params={"seconds": 0})).status_code == 200

    async def is_free() -> bool:
        return not cores[0].tail.is_full(people.owner.company_id)

    await eventually(is_free, "the stream is closed")


async def test_a_server_that_is_told_to_stop_does_not_wait_for_open_streams(house: House) -> None:
    headers = {"X-API-Key": house.bootstrap()["api_key"]}
    url = f"{house.url}/v1/events/stream"
    async with (
        httpx.AsyncClient(trust_env=False, verify=False) as client,
        client.stream("GET", url, headers=headers) as stream,
    ):
        chunks = stream.aiter_bytes()
        await anext(chunks)
        async with asyncio.timeout(8):  # less than uvicorn's own patience
            await house.kill(signal.SIGTERM)
            assert [chunk async for chunk in chunks] == []

    assert house.process is not None
    assert house.process.returncode == 0
