"""Leads over the native API: create, read, edit, follow up."""

from typing import Any
from uuid import uuid4

import pytest

from leadrail.core.channels.model import Category, PropertyType, Requirement
from tests.api.answers import good, refused
from tests.people import NOBODYS, NewProperty, NewStatus, People, Person

EVERYTHING = {
    "email": "jane@example.com",
    "phone": "+45 20 12 34 56",
    "linkedin_url": "https://linkedin.com/in/jane",
    "first_name": "Jane",
    "last_name": "Doe",
    "name": "Dr. Jane Doe",
    "title": "CEO",
    "company_name": "Acme",
    "source": "website",
    "assignee": "sam",
    "notes": "Likes blue — \U0001f600",
    "business_id": "B-1",
    "value": "1234.5",
    "currency": "DKK",
    "next_follow_up_at": "2026-03-02T12:00:00Z",
    "properties": {"Size": 5},
    "attribution": {"gclid": "x", "nested": {"a": [1, None, True]}},
}


async def found(person: Person, **query: Any) -> list[str]:
    return [row["id"] for row in good(await person.http.get("/v1/leads", params=query))["data"]]


async def history(person: Person, lead_id: Any) -> list[str]:
    return [event["type"] for event in good(await person.http.get(f"/v1/leads/{lead_id}/events"))["data"]]


# Create


async def test_a_lead_is_created_in_the_first_status(people: People) -> None:
    channel = await people.owner.channel()

    answer = await people.owner.http.post(
        "/v1/leads", json={"channel_id": str(channel.id), "email": "jane@example.com"}
    )

    lead = good(answer, 201)
    assert lead["status"]["name"] == "New"
    assert (answer.headers["etag"], answer.headers["location"]) == ('"1"', f"/v1/leads/{lead['id']}")


async def test_a_lead_is_read_as_it_was_sent(people: People) -> None:
    channel = await people.owner.channel(properties=(NewProperty(name="Size", type=PropertyType.NUMBER),))

    made = good(await people.owner.http.post("/v1/leads", json=EVERYTHING | {"channel_id": str(channel.id)}), 201)

    read = await people.owner.http.get(f"/v1/leads/{made['id']}")
    assert good(read) | {"outcome": "created"} == made
    assert {name: made[name] for name in EVERYTHING} == EVERYTHING
    assert read.headers["etag"] == '"1"'


async def test_an_almost_empty_lead_is_a_lead(people: People) -> None:
    channel = await people.owner.channel(currency="EUR")

    lead = good(await people.owner.http.post("/v1/leads", json={"channel_id": str(channel.id)}), 201)

    assert (lead["email"], lead["name"], lead["value"], lead["currency"]) == (None, None, None, "EUR")
    assert await history(people.owner, lead["id"]) == ["lead.created"]


async def test_two_leads_with_one_address_are_two_leads(people: People) -> None:
    channel = await people.owner.channel()

    ids = [str((await people.owner.lead(channel, email=email)).id) for email in ("A@x.com", "a@X.com")]

    assert await found(people.owner, email="a@x.COM") == ids[::-1]


@pytest.mark.parametrize("where", [{"status": "won"}, {"status_id": "won"}])
async def test_a_lead_may_start_in_a_named_status(people: People, where: dict[str, str]) -> None:
    channel = await people.owner.channel()
    named = {key: str(channel.status_by_name["won"].id) if key == "status_id" else name for key, name in where.items()}

    lead = good(await people.owner.http.post("/v1/leads", json={"channel_id": str(channel.id), **named}), 201)

    assert lead["status"]["name"] == "Won"
    assert lead["closed_at"] == lead["created_at"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"status": "Bogus"}, (422, "unknown_status", "/status")),
        ({"status_id": str(uuid4())}, (422, "unknown_status", "/status")),
        ({"channel_id": str(uuid4())}, (404, "channel_not_found", "/channel_id")),
        ({"channel_id": None}, (422, "channel_required", "/channel_id")),
        ({"channel_id": "mine"}, (400, "malformed", "/channel_id")),
        ({"colour": "red"}, (400, "malformed", "/colour")),
        ({"email": 5}, (400, "malformed", "/email")),
        ({"name": "n" * 401}, (422, "invalid", "/name")),
        ({"value": "-1"}, (422, "invalid", "/value")),
        ({"value": "NaN"}, (422, "invalid", "/value")),
        ({"value": 1e300}, (422, "invalid", "/value")),
        ({"value": "much"}, (400, "malformed", "/value")),
        ({"currency": "euro"}, (422, "invalid", "/currency")),
        ({"next_follow_up_at": "2026-03-02T12:00:00"}, (400, "malformed", "/next_follow_up_at")),
        ({"properties": {"Size": 5}}, (422, "unknown_property", "/properties/Size")),
        ({"properties": []}, (400, "malformed", "/properties")),
        ({"attribution": {"note": "x" * 20_000}}, (422, "invalid", "/attribution")),
    ],
)
async def test_a_lead_that_cannot_be_made_leaves_nothing(people: People, body: Any, answer: Any) -> None:
    channel = await people.owner.channel()
    before = await people.owner.counts()

    sent = await people.owner.http.post("/v1/leads", json={"channel_id": str(channel.id), **body})

    assert refused(sent) == answer
    assert await people.owner.counts() == before


async def test_the_default_channel_is_used_when_none_is_named(people: People) -> None:
    channel, named = await people.owner.channel(), await people.owner.channel()
    key = {"X-API-Key": await people.owner.another_key(default_channel=channel.id)}

    default = await people.owner.http.post("/v1/leads", json={}, headers=key)
    other = await people.owner.http.post("/v1/leads", json={"channel_id": str(named.id)}, headers=key)

    assert [good(answer, 201)["channel_id"] for answer in (default, other)] == [str(channel.id), str(named.id)]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_key_may_come_as_a_bearer_token(people: People, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {people.owner.key}"}
    del people.owner.http.headers["X-API-Key"]

    assert good(await people.owner.http.get("/v1/leads", headers=headers))["data"] == []


@pytest.mark.parametrize("id", ["not-an-id", NOBODYS, "0", "%2e%2e", "x" * 500])
async def test_a_lead_that_does_not_exist_is_not_found(people: People, id: str) -> None:
    assert refused(await people.owner.http.get(f"/v1/leads/{id}")) == (404, "lead_not_found", None)
    assert refused(await people.owner.http.patch(f"/v1/leads/{id}", json={})) == (404, "lead_not_found", None)


# Edit


async def test_a_patch_changes_what_it_names_and_null_removes(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(), email="jane@example.com", source="ads", title="CEO")

    answer = await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"source": None, "title": "CTO"})

    edited = good(answer)
    assert (edited["source"], edited["title"], edited["email"], edited["version"]) == (
        None,
        "CTO",
        "jane@example.com",
        2,
    )
    assert answer.headers["etag"] == '"2"'
    assert edited == good(await people.owner.http.get(f"/v1/leads/{lead.id}"))


@pytest.mark.parametrize("patch", [{}, {"source": "ads"}, {"properties": {}}, {"attribution": {}}, {"title": ""}])
async def test_a_patch_that_changes_nothing_is_no_event(people: People, patch: Any) -> None:
    lead = await people.owner.lead(await people.owner.channel(), source="ads", attribution={"gclid": "x"})
    before = good(await people.owner.http.get(f"/v1/leads/{lead.id}"))

    assert good(await people.owner.http.patch(f"/v1/leads/{lead.id}", json=patch)) == before
    assert await history(people.owner, lead.id) == ["lead.created"]


async def test_properties_and_attribution_are_merged(people: People) -> None:
    channel = await people.owner.channel(properties=(NewProperty(name="A"), NewProperty(name="B")))
    lead = await people.owner.lead(channel, {"A": "1", "B": "2"}, attribution={"gclid": "x", "utm": "y"})
    patch = {"properties": {"a": None}, "attribution": {"utm": None, "fbclid": "z"}}

    edited = good(await people.owner.http.patch(f"/v1/leads/{lead.id}", json=patch))

    assert (edited["properties"], edited["attribution"]) == ({"B": "2"}, {"gclid": "x", "fbclid": "z"})


async def test_null_removes_all_of_the_attribution(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(), attribution={"gclid": "x"})

    edited = good(await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"attribution": None}))

    assert edited["attribution"] == {}


@pytest.mark.parametrize(
    ("patch", "answer"),
    [
        ({"status": "Won"}, (400, "malformed", "/status")),
        ({"channel_id": str(uuid4())}, (400, "malformed", "/channel_id")),
        ({"version": 7}, (400, "malformed", "/version")),
        ({"source": ["ads"]}, (400, "malformed", "/source")),
        ({"value": "1e15"}, (422, "invalid", "/value")),
        ({"properties": {"Size": 5}}, (422, "unknown_property", "/properties/Size")),
        ([], (400, "malformed", None)),
        (None, (400, "malformed", None)),
    ],
)
async def test_a_patch_that_is_refused_changes_nothing(people: People, patch: Any, answer: Any) -> None:
    lead = await people.owner.lead(await people.owner.channel(), source="ads")
    before = good(await people.owner.http.get(f"/v1/leads/{lead.id}"))

    assert refused(await people.owner.http.patch(f"/v1/leads/{lead.id}", json=patch)) == answer
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}")) == before


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "*", "1"])
async def test_a_patch_with_the_tag_that_was_read_is_taken(people: People, tag: str) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    answer = await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"source": "ads"}, headers={"If-Match": tag})

    assert good(answer)["version"] == 2


@pytest.mark.parametrize("tag", ['"2"', '"0"', '"etag-of-another-thing"', "", '"1", "2"', '"' + "9" * 40 + '"'])
async def test_a_patch_with_another_tag_is_refused(people: People, tag: str) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    answer = await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"source": "ads"}, headers={"If-Match": tag})

    assert refused(answer) == (412, "version_conflict", None)
    assert await history(people.owner, lead.id) == ["lead.created"]


async def test_a_lead_is_found_by_its_new_keys_and_no_longer_by_its_old_ones(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(), email="old@example.com", phone="+4520123456")
    patch = {"email": "new@example.com", "phone": None, "business_id": " B-2 "}

    good(await people.owner.http.patch(f"/v1/leads/{lead.id}", json=patch))

    assert await found(people.owner, email="NEW@example.com") == [str(lead.id)]
    assert await found(people.owner, business_id="B-2") == await found(people.owner, business_id=" B-2 ")
    assert await found(people.owner, business_id="B-2") == [str(lead.id)]
    assert await found(people.owner, email="old@example.com") == await found(people.owner, phone="+4520123456") == []


async def test_a_lead_is_not_found_by_an_old_number_after_the_company_moved_country(people: People) -> None:
    good(await people.owner.http.patch("/v1/company", json={"country": "DK"}))
    lead = await people.owner.lead(await people.owner.channel(), phone="20 12 34 56")
    assert await found(people.owner, phone="+4520123456") == [str(lead.id)]

    good(await people.owner.http.patch("/v1/company", json={"country": "SE"}))
    good(await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"phone": "+45 70 10 10 10"}))

    assert await found(people.owner, phone="+4570101010") == [str(lead.id)]
    assert await found(people.owner, phone="+4520123456") == []


# Follow-ups


async def test_a_follow_up_is_kept_shown_and_told(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    path = f"/v1/leads/{lead.id}/follow-ups"
    sent = {"done_at": "2026-03-02T12:00:00Z", "done_by": "sam", "notes": "Left a message"}

    after = good(await people.owner.http.post(path, json=sent | {"next_at": "2026-03-09T12:00:00+01:00"}), 201)

    (kept,) = good(await people.owner.http.get(path))["data"]
    assert (after["next_follow_up_at"], after["version"]) == ("2026-03-09T11:00:00Z", 2)
    assert [kept[name] for name in ("followed_up_at", "followed_up_by", "notes")] == list(sent.values())
    assert await history(people.owner, lead.id) == ["lead.created", "follow_up.recorded"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, (422, "invalid", "/done_at")),
        ({"notes": "Nothing"}, (422, "invalid", "/done_at")),
        ({"done_at": "today"}, (400, "malformed", "/done_at")),
        ({"done_at": "2026-03-02T12:00:00Z", "notes": "n" * 20_001}, (422, "invalid", "/notes")),
        ({"done_at": "2026-03-02T12:00:00Z", "created_by": "me"}, (400, "malformed", "/created_by")),
    ],
)
async def test_a_follow_up_that_is_refused_leaves_nothing(people: People, body: Any, answer: Any) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    path = f"/v1/leads/{lead.id}/follow-ups"

    assert refused(await people.owner.http.post(path, json=body)) == answer
    assert good(await people.owner.http.get(path))["data"] == []
    assert await history(people.owner, lead.id) == ["lead.created"]


async def test_a_follow_up_honours_if_match(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    path, body = f"/v1/leads/{lead.id}/follow-ups", {"done_at": "2026-03-02T12:00:00Z"}

    answers = [await people.owner.http.post(path, json=body, headers={"If-Match": '"1"'}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 412]
    assert len(good(await people.owner.http.get(path))["data"]) == 1


async def test_a_lead_may_begin_where_a_reason_is_required(people: People) -> None:
    statuses = (NewStatus(name="New"), NewStatus(name="Lost", category=Category.LOST, requires=(Requirement.REASON,)))
    channel = await people.owner.channel(statuses=statuses)
    body = {"channel_id": str(channel.id), "status": "Lost", "email": "jane@example.com"}

    without = await people.owner.http.post("/v1/leads", json=body)
    made = good(await people.owner.http.post("/v1/leads", json=body | {"reason": "Too dear", "note": "By phone"}), 201)
    nowhere = {"channel_id": str(channel.id), "reason": "Too dear"}
    unsaid = await people.owner.http.post("/v1/leads", json=nowhere)

    assert refused(without)[:2] == (422, "missing_requirement")
    assert (made["status"]["name"], made["reason"]) == ("Lost", "Too dear")
    (event,) = good(await people.owner.http.get(f"/v1/leads/{made['id']}/events"))["data"]
    assert (event["data"]["reason"], event["data"]["note"]) == ("Too dear", "By phone")
    assert refused(unsaid) == (422, "invalid", "/status")
