"""Duplicates over the native API and through the faces of the vendors: what is answered, kept, told and found."""

import asyncio
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Channel, Duplicates
from leadrail.core.leads import duplicates
from tests.api.answers import good, refused
from tests.people import People, Person


def lead(channel: Channel, **fields: Any) -> dict[str, Any]:
    return {"channel_id": str(channel.id), "email": "jane@example.com"} | fields


async def post(person: Person, channel: Channel, **fields: Any) -> httpx.Response:
    return await person.http.post("/v1/leads", json=lead(channel, **fields))


# What is answered


async def test_the_answer_says_what_became_of_the_lead(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.UPDATE)

    answers = [
        await post(owner, channel),
        await post(owner, channel, title="CEO"),
        await post(owner, channel, title="CEO"),
        await post(owner, channel, on_duplicate="attach"),
        await post(owner, channel, on_duplicate="allow"),
        await post(owner, channel),
    ]

    said = [(answer.status_code, answer.json().get("outcome") or answer.json()["code"]) for answer in answers]
    assert said == [
        (201, "created"),
        (200, "updated"),
        (200, "unchanged"),
        (200, "attached"),
        (201, "created"),
        (409, "ambiguous"),
    ]
    first, last = answers[0].json()["id"], answers[4].json()["id"]
    assert [answer.headers["location"] for answer in answers[:4]] == [f"/v1/leads/{first}"] * 4
    assert [answer.headers["etag"] for answer in answers[:4]] == ['"1"', '"2"', '"2"', '"2"']
    assert answers[5].json()["details"] == {"lead_ids": [first, last]}


async def test_a_rejection_names_the_lead_that_is_there(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    first = good(await post(owner, channel), 201)

    answer = await post(owner, channel, on_duplicate="reject")

    assert refused(answer) == (409, "duplicate", None)
    assert answer.json()["details"] == {"lead_id": first["id"]}


async def test_each_item_of_a_batch_has_a_policy_of_its_own(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    items = [lead(channel, on_duplicate=policy) for policy in ("reject", "reject", "attach", "update", "allow")]

    answer = good(await owner.http.post("/v1/leads/batch", json={"leads": items}))

    assert [one["outcome"] for one in answer["data"]] == ["created", "refused", "attached", "unchanged", "created"]
    assert answer["data"][1]["error"]["field"] == "/leads/1"


async def test_a_repeat_under_the_same_key_gets_the_same_word(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.ATTACH)
    good(await post(owner, channel), 201)

    calls = [
        owner.http.post("/v1/leads", json=lead(channel, title="x"), headers={"Idempotency-Key": "once"})
        for _ in range(5)
    ]
    answers = await asyncio.gather(*calls)

    assert {(answer.status_code, answer.json()["outcome"]) for answer in answers} == {(200, "attached")}
    assert await owner.count("notes") == 1


async def test_the_policy_of_a_channel_is_shown_and_changed(people: People) -> None:
    owner = people.owner
    made = good(await owner.http.post("/v1/channels", json={"title": "Web", "duplicates": "reject"}), 201)
    changed = good(await owner.http.patch(f"/v1/channels/{made['id']}", json={"duplicates": "attach"}))
    kept = good(await owner.http.patch(f"/v1/channels/{made['id']}", json={"title": "Site"}))

    assert (made["duplicates"], changed["duplicates"], kept["duplicates"]) == ("reject", "attach", "attach")
    wrong = await owner.http.patch(f"/v1/channels/{made['id']}", json={"duplicates": "merge"})
    assert refused(wrong) == (400, "malformed", "/duplicates")


async def test_an_arrival_that_is_attached_is_told_and_erased_with_its_lead(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.ATTACH)
    await owner.endpoint("https://example.com/hook", events=("lead.attached",))
    first = good(await post(owner, channel), 201)
    good(await post(owner, channel, notes="call me at noon"))
    (delivery,) = await owner.rows("SELECT payload FROM deliveries WHERE company_id = $1", owner.company_id)
    notices = good(await owner.http.get("/v1/notifications"))["data"]

    good(await owner.http.delete(f"/v1/leads/{first['id']}"))

    assert "call me at noon" in delivery["payload"]
    assert "lead.attached" in [one["event"]["type"] for one in notices]
    history = good(await owner.http.get(f"/v1/leads/{first['id']}/events"))["data"]
    (attached,) = [event["data"] for event in history if event["type"] == "lead.attached"]
    assert (attached["matched"], attached["sent"]) == (["email"], {})
    assert (attached["note"]["text"], attached["note"]["author"]) == (None, None)
    (note,) = await owner.rows("SELECT text FROM notes WHERE company_id = $1", owner.company_id)
    assert note == {"text": None}


# Every door


async def keyless(people: People, channel: Channel, **fields: Any) -> httpx.Response:
    body = {"name": "Eve", "email": "jane@example.com"} | fields
    return await people.stranger.http.post(f"/octanist/api/integrations/incoming/wp/{channel.public_id}", json=body)


@pytest.mark.parametrize("policy", [Duplicates.UPDATE, Duplicates.ATTACH])
async def test_a_form_obeys_the_channel_and_shows_nothing_of_the_lead(people: People, policy: Duplicates) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=policy, public_submissions=True)
    first = good(await post(owner, channel, notes="secret"), 201)

    answer = await keyless(people, channel)

    assert answer.status_code == 200
    assert first["id"] not in answer.text
    assert await owner.count("leads") == 1
    assert await owner.count("notes") == 1


async def test_a_form_that_is_rejected_does_not_name_the_lead(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.REJECT, public_submissions=True)
    first = good(await post(owner, channel), 201)

    answer = await keyless(people, channel)

    assert answer.status_code == 409
    assert first["id"] not in answer.text


async def test_octanist_s_own_call_obeys_the_channel(people: People) -> None:
    owner = people.owner
    await owner.channel(duplicates=Duplicates.UPDATE)
    ids = []
    for phone in ("+4512345678", "+4587654321"):
        body = {"name": "Jane", "email": "jane@example.com", "phone": phone}
        ids.append((await owner.http.post("/octanist/api/leads", json=body)).json()["id"])

    assert ids[0] == ids[1]
    (row,) = await owner.rows("SELECT phone FROM leads WHERE company_id = $1", owner.company_id)
    assert row["phone"] == "+4587654321"


async def test_sendpilot_counts_whom_the_campaign_has_as_skipped(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.UPDATE, template="sendpilot")
    good(await post(owner, channel, phone="+4512345678"), 201)
    entries = [
        {"linkedinUrl": "https://www.linkedin.com/in/jane", "email": "jane@example.com"},
        {"linkedinUrl": "https://www.linkedin.com/in/jane", "email": "other@example.com"},
        {"linkedinUrl": "https://www.linkedin.com/in/john"},
    ]

    answer = await owner.http.post("/sendpilot/v1/leads", json={"campaignId": str(channel.id), "leads": entries})

    assert (answer.json()["leadsAdded"], answer.json()["duplicatesSkipped"]) == (1, 2)
    rows = await owner.rows(
        "SELECT email, linkedin_url FROM leads WHERE company_id = $1 ORDER BY number", owner.company_id
    )
    assert [row["email"] for row in rows] == ["jane@example.com", None]
    assert rows[0]["linkedin_url"] == entries[0]["linkedinUrl"]


# Found afterwards


async def test_the_duplicates_of_a_lead_are_those_of_its_channel_with_what_they_share(people: People) -> None:
    owner = people.owner
    channel, other = await owner.channel(), await owner.channel()
    jane = await owner.lead(channel, email="jane@example.com", phone="+4512345678", business_id="7")
    both = await owner.lead(channel, email="JANE@example.com", phone="+45 12345678")
    one = await owner.lead(channel, business_id="7")
    await owner.lead(channel, email="john@example.com")
    await owner.lead(other, email="jane@example.com")
    await people.stranger.lead(await people.stranger.channel(), email="jane@example.com")

    found = good(await owner.http.get(f"/v1/leads/{jane.id}/duplicates"))

    assert [(row["lead"]["id"], row["matched"]) for row in found["data"]] == [
        (str(both.id), ["email", "phone"]),
        (str(one.id), ["business_id"]),
    ]
    assert found["next_cursor"] is None
    assert good(await owner.http.get(f"/v1/leads/{one.id}/duplicates"))["data"][0]["lead"]["id"] == str(jane.id)


async def every_page(person: Person, path: str, **params: Any) -> list[Any]:
    rows: list[Any] = []
    cursor: str | None = None
    for _ in range(200):
        page = good(await person.http.get(path, params=params | ({"cursor": cursor} if cursor else {})))
        rows += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("looked_at", [4, 8, 4000])
@pytest.mark.parametrize("limit", [1, 3, 200])
async def test_the_pages_show_every_one_once(
    people: People, monkeypatch: pytest.MonkeyPatch, looked_at: int, limit: int
) -> None:
    monkeypatch.setattr(duplicates, "LOOKED_AT", looked_at)
    owner = people.owner
    channel, other = await owner.channel(), await owner.channel()
    twins = [await owner.lead(channel, email="jane@example.com", phone="+4512345678") for _ in range(5)]
    triplets = [await owner.lead(channel, email="æøå@example.com", business_id="A / B") for _ in range(3)]
    for place in (channel, other, other):
        await owner.lead(place, email="once@example.com", phone="+4587654321")
    for n in range(12):
        await owner.lead(channel, email=f"{n}@example.com", phone=f"+45200000{n:02}")

    found = await every_page(owner, f"/v1/leads/{twins[2].id}/duplicates", limit=limit)
    groups = await every_page(owner, "/v1/duplicates", channel=str(channel.id), limit=limit)

    assert [row["lead"]["id"] for row in found] == [str(lead.id) for lead in twins if lead is not twins[2]]
    if looked_at < 5:
        # Of a key that more leads have than are looked at, the first are named, and that there are more.
        assert [(one["kind"], one["lead_ids"], one["more"]) for one in groups if one["kind"] == "phone"] == [
            ("phone", [str(lead.id) for lead in twins[:4]], True)
        ]
        return
    assert [(one["kind"], one["lead_ids"], one["more"]) for one in groups] == [
        ("business_id", [str(lead.id) for lead in triplets], False),
        ("email", [str(lead.id) for lead in twins], False),
        ("email", [str(lead.id) for lead in triplets], False),
        ("phone", [str(lead.id) for lead in twins], False),
    ]


async def test_no_group_names_more_than_a_hundred(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    items = [lead(channel) for _ in range(120)]
    good(await owner.http.post("/v1/leads/batch", json={"leads": items}))

    (group,) = good(await owner.http.get("/v1/duplicates", params={"channel": str(channel.id)}))["data"]

    assert (len(group["lead_ids"]), group["more"]) == (100, True)


@pytest.mark.parametrize("cursor", ["x", "", "cGhvbmU", "ZW1haWwgJTAw", "bm9uZSB4", "é"])
async def test_a_cursor_of_another_list_is_refused(people: People, cursor: str) -> None:
    owner = people.owner
    channel = await owner.channel()

    answer = await owner.http.get("/v1/duplicates", params={"channel": str(channel.id), "cursor": cursor})

    assert answer.status_code in (200, 422)
    if answer.status_code == 422:
        assert refused(answer) == (422, "invalid", "?cursor")


async def test_an_erased_lead_is_nobody_s_duplicate(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    jane, again = [await owner.lead(channel, email="jane@example.com") for _ in range(2)]
    good(await owner.http.delete(f"/v1/leads/{again.id}"))

    assert good(await owner.http.get(f"/v1/leads/{jane.id}/duplicates"))["data"] == []
    assert good(await owner.http.get("/v1/duplicates", params={"channel": str(channel.id)}))["data"] == []
