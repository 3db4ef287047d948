"""Notes on a lead: written by whoever may write, kept as they are, paged, and gone with the person."""

import asyncio
from typing import Any

import httpx
import pytest

from leadrail.core.leads.model import Lead
from tests.api.answers import all_pages, good, refused
from tests.people import People, Person

KEY = {"Idempotency-Key": "note-1"}


def path(lead: Lead) -> str:
    return f"/v1/leads/{lead.id}/notes"


async def write(person: Person, lead: Lead, text: str, **more: Any) -> Any:
    return good(await person.http.post(path(lead), json={"text": text} | more), 201)


async def texts(person: Person, lead: Lead, **query: Any) -> list[str]:
    return [note["text"] for note in await all_pages(person.http, path(lead), **query)]


async def told(person: Person, lead: Lead) -> list[Any]:
    history = await all_pages(person.http, f"/v1/leads/{lead.id}/events")
    return [event for event in history if event["type"] == "note.added"]


async def test_a_note_stands_beside_the_lead_and_is_told(people: People) -> None:
    owner = people.owner
    await owner.endpoint("https://example.com/hook", events=("note.added",))
    lead = await owner.lead(await owner.channel(), notes="As it came")

    note = await write(owner, lead, "Met at the fair", author="sam")

    assert good(await owner.http.get(path(lead))) == {"data": [note], "next_cursor": None}
    (event,) = await told(owner, lead)
    assert event["data"]["note"] == note
    now = good(await owner.http.get(f"/v1/leads/{lead.id}"))
    assert (now["notes"], now["version"], now["updated_at"]) == ("As it came", 2, note["created_at"])
    assert await owner.count("deliveries") == 1


@pytest.mark.parametrize(
    "text",
    [
        "x" * 20_000,
        "\U0001f600" * 20_000,
        "İß\u202e\uffff\u200d\u0301\x01\x7f",
        "a\r\n\tb\u2028",
        "' OR 1=1 --",
        "\\u0000",
        "  x  ",
    ],
    ids=["long", "astral", "odd", "lines", "quotes", "escape", "spaces"],
)
async def test_a_text_comes_back_as_it_was_sent(people: People, text: str) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    note = await write(people.owner, lead, text)

    assert note["text"] == text
    assert await texts(people.owner, lead) == [text]
    assert (await told(people.owner, lead))[0]["data"]["note"]["text"] == text


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"{}", (400, "malformed", "/text")),
        (b'{"text": ""}', (400, "malformed", "/text")),
        (b'{"text": null}', (400, "malformed", "/text")),
        (b'{"text": 1}', (400, "malformed", "/text")),
        (b'{"text": ["a"]}', (400, "malformed", "/text")),
        (b'{"text": " \\t\\u2003"}', (422, "invalid", "/text")),
        (b'{"text": "' + b"x" * 20_001 + b'"}', (400, "malformed", "/text")),
        (b'{"text": "a\\u0000b"}', (400, "malformed", None)),
        (b'{"text": "a\\ud800"}', (400, "malformed", None)),
        (b'{"text": "a\xff"}', (400, "malformed", None)),
        (b'{"text": "a", "author": "' + b"x" * 201 + b'"}', (400, "malformed", "/author")),
        (b'{"text": "a", "author": {}}', (400, "malformed", "/author")),
        (b'{"text": "a", "lead_id": "x"}', (400, "malformed", "/lead_id")),
        (b'["a"]', (400, "malformed", None)),
    ],
    ids=str,
)
async def test_a_note_that_is_none_is_refused_and_leaves_nothing(people: People, body: bytes, answer: Any) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    before = await people.owner.digests()

    assert refused(await people.owner.http.post(path(lead), content=body)) == answer
    assert await people.owner.digests() == before


async def test_an_author_without_a_name_is_nobody(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    assert (await write(people.owner, lead, "a", author=""))["author"] is None


async def test_owner_and_partner_read_what_the_other_wrote_and_history_knows_who_did(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel())

    await write(people.owner, lead, "ours")
    await write(people.partner, lead, "theirs")

    for person in (people.owner, people.partner):
        assert await texts(person, lead) == ["theirs", "ours"]
    ours, theirs = await told(people.owner, lead)
    assert ours["actor"]["id"] != theirs["actor"]["id"]
    for refusal in (await people.stranger.http.get(path(lead)), await write_as(people.stranger, lead)):
        assert refused(refusal) == (404, "lead_not_found", None)


async def write_as(person: Person, lead: Lead, **headers: str) -> httpx.Response:
    return await person.http.post(path(lead), json={"text": "a"}, headers=headers)


async def test_a_partner_that_has_left_reads_and_writes_no_more(people: People) -> None:
    channel = await people.shared_channel()
    lead = await people.owner.lead(channel)
    await write(people.partner, lead, "theirs")
    member = f"/v1/channels/{channel.id}/members/{people.partner.company_id}"
    assert (await people.owner.http.delete(member, params={"role": "referring"})).status_code == 204

    for answer in (await people.partner.http.get(path(lead)), await write_as(people.partner, lead)):
        assert refused(answer) == (404, "lead_not_found", None)
    assert await texts(people.owner, lead) == ["theirs"]


@pytest.mark.parametrize("rest", ["pause", "archive"])
async def test_in_a_channel_at_rest_notes_are_still_written(people: People, rest: str) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)
    good(await people.owner.http.post(f"/v1/channels/{channel.id}/{rest}"))

    await write(people.owner, lead, "a")

    assert await texts(people.owner, lead) == ["a"]


async def test_of_an_erased_lead_no_note_is_read_written_or_answered_again(people: People) -> None:
    owner = people.owner
    lead = await owner.lead(await owner.channel())
    asked: dict[str, Any] = {"json": {"text": "Jane called", "author": "sam"}, "headers": KEY}
    good(await owner.http.post(path(lead), **asked), 201)
    good(await owner.http.delete(f"/v1/leads/{lead.id}"))
    before = await owner.digests()

    assert refused(await write_as(owner, lead))[:2] == (409, "conflict")
    (blank,) = good(await owner.http.get(path(lead)))["data"]
    assert (blank["text"], blank["author"]) == ("", None)
    again = await owner.http.post(path(lead), **asked)
    assert again.headers["idempotent-replayed"] == "true"
    assert "Jane" not in again.text
    assert "sam" not in again.text
    assert await owner.digests() == before


async def test_many_at_once_under_one_key_are_one_note(people: People) -> None:
    lead, other = [await people.owner.lead(await people.owner.channel()) for _ in range(2)]

    answers = await asyncio.gather(*(write_as(people.owner, lead, **KEY) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await texts(people.owner, lead) == ["a"]
    mismatch = (422, "idempotency_mismatch", None)
    assert refused(await people.owner.http.post(path(lead), json={"text": "b"}, headers=KEY)) == mismatch
    assert refused(await write_as(people.owner, other, **KEY)) == mismatch


async def test_many_at_once_are_all_kept_and_each_is_a_version(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel())
    writers = (people.owner, people.partner)

    await asyncio.gather(*(write(writers[n % 2], lead, f"{n}") for n in range(60)))

    found = await texts(people.owner, lead, limit=7)
    assert sorted(found, key=int) == [str(n) for n in range(60)]
    assert len(await told(people.owner, lead)) == 60
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["version"] == 61


async def test_pages_skip_none_and_show_none_twice_while_others_write(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    for n in range(7):
        await write(people.owner, lead, f"{n}")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = good(await people.owner.http.get(path(lead), params=query))
        seen += [note["text"] for note in page["data"]]
        if page["next_cursor"] is None:
            break
        await write(people.owner, lead, "later")
        query["cursor"] = page["next_cursor"]

    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize("cursor", ["x", "MQ", "AA==", "%00", "9" * 200])
async def test_a_cursor_of_no_list_is_refused(people: People, cursor: str) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    assert refused(await people.owner.http.get(path(lead), params={"cursor": cursor})) == (422, "invalid", "?cursor")
