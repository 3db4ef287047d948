"""A repeated write is answered, not done again."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.answers import good, refused
from tests.people import People, Person

KEY = {"Idempotency-Key": "order-66"}


def is_replay(answer: httpx.Response) -> bool:
    return "idempotent-replayed" in answer.headers


async def fifty(person: Person, path: str, body: Any) -> list[httpx.Response]:
    return await asyncio.gather(*(person.http.post(path, json=body, headers=KEY) for _ in range(50)))


async def test_of_fifty_identical_creates_one_is_done_and_all_get_its_answer(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.trigger(channel, cause="new_lead", amount=5)

    answers = await fifty(people.owner, "/v1/leads", {"channel_id": str(channel.id)})

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum(map(is_replay, answers)) == 49
    assert await people.owner.counts() == {"leads": 1, "events": 2, "deliveries": 0, "rewards": 1}


async def test_of_fifty_identical_writes_of_configuration_one_is_done(people: People) -> None:
    channel = await people.owner.channel()
    path = f"/v1/channels/{channel.id}/statuses"

    answers = await fifty(people.owner, path, {"name": "Offer"})

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum(map(is_replay, answers)) == 49
    assert len(good(await people.owner.http.get(path))["data"]) == 5


@pytest.mark.parametrize(
    ("path", "body", "other"),
    [
        ("/v1/leads", {"email": "a@b.com"}, {"email": "b@b.com"}),
        ("/v1/leads", {"email": "a@b.com"}, {"email": "a@b.com", "phone": None}),
        ("/v1/reasons", {"text": "a"}, {"text": "b"}),
        ("/v1/webhooks", {"url": "https://example.com"}, {"url": "https://example.com/"}),
    ],
)
async def test_a_key_with_another_body_is_refused_and_nothing_is_done(
    people: People, path: str, body: Any, other: Any
) -> None:
    key = KEY | {"X-API-Key": await people.owner.another_key(default_channel=(await people.owner.channel()).id)}
    people.owner.http.headers.update(KEY if path != "/v1/leads" else key)
    good(await people.owner.http.post(path, json=body), 201)
    before = await people.owner.counts(), await people.owner.count("reasons"), await people.owner.count("endpoints")

    assert refused(await people.owner.http.post(path, json=other)) == (422, "idempotency_mismatch", None)
    after = await people.owner.counts(), await people.owner.count("reasons"), await people.owner.count("endpoints")
    assert after == before


async def test_a_key_with_another_path_is_refused(people: People) -> None:
    good(await people.owner.http.post("/v1/reasons", json={"text": "a"}, headers=KEY), 201)

    answer = await people.owner.http.post("/v1/sub-statuses", json={"category": "lost", "name": "a"}, headers=KEY)

    assert refused(answer) == (422, "idempotency_mismatch", None)
    assert await people.owner.count("sub_statuses") == 0


async def test_a_move_an_edit_and_a_follow_up_are_done_once_too(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    path = f"/v1/leads/{lead.id}"
    calls = (
        ("PUT", f"{path}/status", {"status": "Won", "note": "Yes"}),
        ("PATCH", path, {"source": "ads"}),
        ("POST", f"{path}/follow-ups", {"done_at": "2026-03-02T12:00:00Z"}),
    )

    for version, (method, url, body) in enumerate(calls, 2):
        headers = {"Idempotency-Key": f"k{version}"}
        first, second = [await people.owner.http.request(method, url, json=body, headers=headers) for _ in range(2)]
        assert (first.json()["version"], second.text, is_replay(second)) == (version, first.text, True)


async def test_the_first_answer_stays_even_when_the_lead_has_moved_on(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    path = f"/v1/leads/{lead.id}/status"
    first = await people.owner.http.put(path, json={"status": "Won"}, headers=KEY)
    good(await people.owner.http.put(path, json={"status": "Lost"}))

    again = await people.owner.http.put(path, json={"status": "Won"}, headers=KEY)

    assert again.text == first.text
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["status"]["name"] == "Lost"


async def test_a_refused_write_leaves_its_key_free(people: People) -> None:
    channel = await people.owner.channel()
    path = f"/v1/channels/{channel.id}/statuses"
    assert refused(await people.owner.http.post(path, json={"name": "Won"}, headers=KEY))[0] == 409
    lead = {"channel_id": str(channel.id)}
    assert refused(await people.owner.http.post("/v1/leads", json=lead | {"status": "X"}, headers=KEY))[0] == 422

    good(await people.owner.http.post("/v1/leads", json=lead, headers=KEY), 201)


async def test_a_key_belongs_to_its_company(people: People) -> None:
    answers = [
        await person.http.post("/v1/reasons", json={"text": "a"}, headers=KEY)
        for person in (people.owner, people.stranger)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]


async def test_an_answer_is_not_given_to_a_key_that_may_not_see_it(people: People) -> None:
    private, public = await people.owner.channel(), await people.owner.channel()
    body = {"channel_id": str(private.id), "email": "secret@example.com"}
    good(await people.owner.http.post("/v1/leads", json=body, headers=KEY), 201)
    bound = {"X-API-Key": await people.owner.another_key(channel_ids=(public.id,))}

    answer = await people.owner.http.post("/v1/leads", json=body, headers=KEY | bound)

    assert answer.status_code in (404, 422)
    assert "secret@example.com" not in answer.text


@pytest.mark.parametrize("key", ["", "k" * 256])
@pytest.mark.parametrize("path", ["/v1/leads", "/v1/leads/batch", "/v1/reasons"])
async def test_a_key_that_is_none_is_refused(people: People, key: str, path: str) -> None:
    body = {"/v1/leads": {}, "/v1/leads/batch": {"leads": [{}]}, "/v1/reasons": {"text": "a"}}[path]

    answer = await people.owner.http.post(path, json=body, headers={"Idempotency-Key": key})

    assert refused(answer)[1] in ("invalid", "channel_required")
    assert answer.status_code == 422
    assert await people.owner.count("reasons") == 0


async def test_any_other_key_is_a_key(people: People) -> None:
    for key in ("k" * 255, " spaced ", "ключ".encode().decode("latin-1"), "a/b?c=d", "0"):
        headers = [(b"Idempotency-Key", key.strip().encode("latin-1"))]
        answers = [await people.owner.http.post("/v1/reasons", json={"text": key}, headers=headers) for _ in range(2)]
        assert [is_replay(answer) for answer in answers] == [False, True]


async def test_a_key_is_forgotten_after_a_day(people: People) -> None:
    first = await people.owner.http.post("/v1/reasons", json={"text": "a"}, headers=KEY)
    day_ago = datetime.now(UTC) - timedelta(hours=24)
    statement = "UPDATE idempotency_keys SET created_at = $2 WHERE company_id = $1 RETURNING 1 AS one"
    await people.owner.rows(statement, people.owner.company_id, day_ago)

    other = await people.owner.http.post("/v1/reasons", json={"text": "b"}, headers=KEY)

    assert (first.status_code, other.status_code, is_replay(other)) == (201, 201, False)
    assert await people.owner.count("idempotency_keys") == 1


# Batches


async def test_a_repeated_batch_does_only_what_is_missing(people: People) -> None:
    channel = await people.owner.channel()
    sound = {"channel_id": str(channel.id)}
    batch = {"leads": [sound, sound | {"status": "Offer"}, sound]}
    first = good(await people.owner.http.post("/v1/leads/batch", json=batch, headers=KEY))["data"]
    good(await people.owner.http.post(f"/v1/channels/{channel.id}/statuses", json={"name": "Offer"}), 201)

    second = good(await people.owner.http.post("/v1/leads/batch", json=batch, headers=KEY))["data"]
    third = good(await people.owner.http.post("/v1/leads/batch", json=batch, headers=KEY))["data"]

    assert [row["outcome"] for row in first] == ["created", "refused", "created"]
    assert (second[0], second[2], second[1]["outcome"]) == (first[0], first[2], "created")
    assert third == second
    assert await people.owner.count("leads") == 3


async def test_of_many_identical_batches_at_once_each_item_is_done_once(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    changes = [{"lead_id": str(lead.id), "status": status} for status in ("Qualified", "Won")]

    answers = await fifty(people.owner, "/v1/leads/status/batch", {"changes": changes})

    assert len({answer.text for answer in answers}) == 1
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["version"] == 3


async def test_a_batch_in_another_order_is_another_request(people: People) -> None:
    channel = str((await people.owner.channel()).id)
    one, other = {"channel_id": channel, "email": "a@b.com"}, {"channel_id": channel, "email": "b@b.com"}
    good(await people.owner.http.post("/v1/leads/batch", json={"leads": [one, other]}, headers=KEY))

    answer = await people.owner.http.post("/v1/leads/batch", json={"leads": [other, one]}, headers=KEY)

    assert [row["error"]["code"] for row in good(answer)["data"]] == ["idempotency_mismatch"] * 2
    assert await people.owner.count("leads") == 2
