"""Contacts with a lead, recorded by people: what may be said of them, who may, and that none is lost or doubled."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadrail.core.leads.model import Lead
from tests.api.answers import all_pages, good, refused
from tests.people import People, Person

DONE = {"done_at": "2026-03-02T12:00:00Z"}
KEY = {"Idempotency-Key": "contact-1"}


def path(lead: Lead) -> str:
    return f"/v1/leads/{lead.id}/follow-ups"


async def record(person: Person, lead: Lead, **body: Any) -> Any:
    """The lead after it."""
    return good(await person.http.post(path(lead), json=body), 201)


async def recorded(person: Person, lead: Lead, **query: Any) -> list[Any]:
    return await all_pages(person.http, path(lead), **query)


async def a_lead(people: People) -> Lead:
    return await people.owner.lead(await people.owner.channel())


# What is recorded


@pytest.mark.parametrize(
    ("body", "planned", "done"),
    [
        ({"scheduled_at": "2031-01-01T00:00:00Z"}, "2031-01-01T00:00:00Z", None),
        ({"next_at": "2031-01-01T00:00:00Z"}, "2031-01-01T00:00:00Z", None),
        (DONE, None, "2026-03-02T12:00:00Z"),
        (DONE | {"scheduled_at": "2031-01-01T00:00:00Z"}, None, "2026-03-02T12:00:00Z"),
        (DONE | {"next_at": "2020-01-01T00:00:00Z"}, "2020-01-01T00:00:00Z", "2026-03-02T12:00:00Z"),
        ({"next_at": "1900-01-01T00:00:00Z"}, "1900-01-01T00:00:00Z", None),
        ({"next_at": "2200-01-01T00:00:00Z"}, "2200-01-01T00:00:00Z", None),
        ({"next_at": "2031-01-01T00:30:00+14:00"}, "2030-12-31T10:30:00Z", None),
        ({"next_at": "2031-01-01 00:00:00.1234567-00:30"}, "2031-01-01T00:30:00.123457Z", None),
    ],
)
async def test_the_lead_says_what_is_next_and_the_list_what_was_done(
    people: People, body: Any, planned: str | None, done: str | None
) -> None:
    lead = await a_lead(people)

    after = await record(people.owner, lead, **body)

    (kept,) = await recorded(people.owner, lead)
    assert (after["next_follow_up_at"], kept["followed_up_at"]) == (planned, done)
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}")) == after


async def test_what_was_planned_before_stays_until_a_contact_after_it_is_done(people: People) -> None:
    lead = await a_lead(people)
    await record(people.owner, lead, next_at="2026-03-03T12:00:00Z")

    before = await record(people.owner, lead, **DONE)
    after = await record(people.owner, lead, done_at="2026-03-03T12:00:00Z")

    assert before["next_follow_up_at"] == "2026-03-03T12:00:00Z"
    assert after["next_follow_up_at"] is None


@pytest.mark.parametrize("text", ["n" * 20_000, "\U0001f600" * 20_000, "İß\u202e\uffff\u0301", "a\r\n\t", "\\u0000"])
async def test_words_come_back_as_they_were_sent(people: People, text: str) -> None:
    lead = await a_lead(people)
    name = text[:200]

    await record(people.owner, lead, **DONE, notes=text, done_by=name)

    (kept,) = await recorded(people.owner, lead)
    assert (kept["notes"], kept["followed_up_by"]) == (text, name)


async def test_empty_words_are_none(people: People) -> None:
    lead = await a_lead(people)
    await record(people.owner, lead, **DONE, notes="", done_by="")
    (kept,) = await recorded(people.owner, lead)
    assert (kept["notes"], kept["followed_up_by"]) == (None, None)


@pytest.mark.parametrize("name", ["done_at", "scheduled_at", "next_at"])
@pytest.mark.parametrize(
    ("time", "status", "code"),
    [
        ('"2026-03-02T12:00:00"', 400, "malformed"),
        ('"2026-03-02"', 400, "malformed"),
        ('"2026-02-30T12:00:00Z"', 400, "malformed"),
        ('""', 400, "malformed"),
        ("1772452800", 400, "malformed"),
        ("true", 400, "malformed"),
        ('"0001-01-01T00:00:00+14:00"', 422, "invalid"),
        ('"1899-12-31T23:59:59Z"', 422, "invalid"),
        ('"2200-01-01T00:00:00.000001Z"', 422, "invalid"),
        ('"9999-12-31T23:59:59-14:00"', 422, "invalid"),
    ],
)
async def test_a_time_that_nobody_can_mean_is_refused_and_leaves_nothing(
    people: People, name: str, time: str, status: int, code: str
) -> None:
    lead = await a_lead(people)
    before = await people.owner.digests()

    answer = await people.owner.http.post(path(lead), content=f'{{"{name}": {time}}}')

    assert refused(answer) == (status, code, f"/{name}")
    assert await people.owner.digests() == before


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"next_at": null}', (422, "invalid", "/done_at")),
        (b'{"done_at": "2026-03-02T12:00:00Z", "done_by": "' + b"x" * 201 + b'"}', (422, "invalid", "/done_by")),
        (b'{"done_at": "2026-03-02T12:00:00Z", "done_by": 5}', (400, "malformed", "/done_by")),
        (b'{"done_at": "2026-03-02T12:00:00Z", "notes": []}', (400, "malformed", "/notes")),
        (b'{"done_at": "2026-03-02T12:00:00Z", "notes": "a\\u0000"}', (400, "malformed", None)),
        (b'{"done_at": "2026-03-02T12:00:00Z", "notes": "\\ud800"}', (400, "malformed", None)),
        (b"[]", (400, "malformed", None)),
        (b"", (400, "malformed", None)),
    ],
    ids=str,
)
async def test_a_contact_that_is_none_is_refused_and_leaves_nothing(people: People, body: bytes, answer: Any) -> None:
    lead = await a_lead(people)
    before = await people.owner.digests()

    assert refused(await people.owner.http.post(path(lead), content=body)) == answer
    assert await people.owner.digests() == before


# Who


async def test_a_partner_records_and_reads_like_the_owner_and_a_stranger_finds_no_lead(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel())

    await record(people.partner, lead, **DONE, done_by="kim")
    await record(people.owner, lead, next_at="2031-01-01T00:00:00Z")

    ours, theirs = [await recorded(person, lead) for person in (people.owner, people.partner)]
    assert ours == theirs
    assert [one["followed_up_by"] for one in ours] == ["kim", None]
    for answer in (await people.stranger.http.get(path(lead)), await people.stranger.http.post(path(lead), json=DONE)):
        assert refused(answer) == (404, "lead_not_found", None)


@pytest.mark.parametrize("rest", ["pause", "archive"])
async def test_in_a_channel_at_rest_contacts_are_still_recorded(people: People, rest: str) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)
    good(await people.owner.http.post(f"/v1/channels/{channel.id}/{rest}"))

    assert (await record(people.owner, lead, next_at="2031-01-01T00:00:00Z"))["version"] == 2


async def test_of_an_erased_lead_only_the_times_of_contacts_stay(people: People) -> None:
    lead = await a_lead(people)
    await record(people.owner, lead, **DONE, notes="Jane was ill", done_by="sam", next_at="2031-01-01T00:00:00Z")

    good(await people.owner.http.delete(f"/v1/leads/{lead.id}"))

    (kept,) = await recorded(people.owner, lead)
    assert (kept["followed_up_at"], kept["notes"], kept["followed_up_by"]) == ("2026-03-02T12:00:00Z", None, None)
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["next_follow_up_at"] is None


# At once


async def test_many_at_once_under_one_key_are_one_contact(people: People) -> None:
    lead, other = [await a_lead(people) for _ in range(2)]
    asked: dict[str, Any] = {"json": DONE, "headers": KEY}

    answers = await asyncio.gather(*(people.owner.http.post(path(lead), **asked) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(await recorded(people.owner, lead)) == 1
    mismatch = (422, "idempotency_mismatch", None)
    assert refused(await people.owner.http.post(path(other), **asked)) == mismatch
    more = asked | {"json": DONE | {"notes": "a"}}
    assert refused(await people.owner.http.post(path(lead), **more)) == mismatch
    assert len(await recorded(people.owner, lead)) == 1


async def test_many_at_once_are_all_kept_in_their_order_and_the_lead_knows_the_last(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel())
    start = datetime(2026, 3, 1, tzinfo=UTC)
    who = (people.owner, people.partner)
    times = [(start + timedelta(hours=n)).isoformat() for n in range(60)]

    after = await asyncio.gather(*(record(who[n % 2], lead, done_at=time) for n, time in enumerate(reversed(times))))

    found = await recorded(people.owner, lead, limit=7)
    assert sorted(one["version"] for one in after) == list(range(2, 62))
    assert [one["number"] for one in found] == sorted({one["number"] for one in found})
    assert {one["followed_up_at"] for one in found} == {time.replace("+00:00", "Z") for time in times}
    (row,) = await people.owner.rows("SELECT last_follow_up_at FROM leads WHERE id = $1", lead.id)
    assert row["last_follow_up_at"] == start + timedelta(hours=59)


async def test_a_contact_recorded_while_a_list_is_read_comes_at_its_end(people: People) -> None:
    lead = await a_lead(people)
    for _ in range(3):
        await record(people.owner, lead, **DONE)
    first = good(await people.owner.http.get(path(lead), params={"limit": 2}))
    await record(people.owner, lead, **DONE, notes="later")

    rest = good(await people.owner.http.get(path(lead), params={"limit": 2, "cursor": first["next_cursor"]}))

    whole = [*first["data"], *rest["data"]]
    assert len({one["id"] for one in whole}) == 4
    assert ([one["notes"] for one in whole], rest["next_cursor"]) == ([None, None, None, "later"], None)
