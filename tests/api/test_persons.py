"""What is known of a person, told and erased, whatever the leads are called under."""

from typing import Any

import pytest

from leadrail.core.imports import jobs as imports
from tests.api.answers import good, refused
from tests.people import People, Person


async def about(person: Person, path: str = "report", **body: Any) -> Any:
    return good(await person.http.post(f"/v1/persons/{path}", json=body))


async def test_a_report_has_every_lead_with_all_that_is_recorded(people: People) -> None:
    owner = people.owner
    good(await owner.http.patch("/v1/company", json={"country": "DK"}))
    channel, other = await owner.channel(currency="EUR"), await owner.channel()
    await owner.trigger(channel, cause="new_lead", kind="fixed", amount=5)
    first = await owner.lead(channel, email="Ada@example.com", first_name="Ada")
    second = await owner.lead(other, phone="+45 20 12 34 56", email="ada@example.com")
    await owner.lead(channel, email="bob@example.com")
    path = f"/v1/leads/{first.id}"
    good(await owner.http.post(f"{path}/notes", json={"text": "Met at the fair"}), 201)
    good(await owner.http.post(f"{path}/follow-ups", json={"done_at": "2026-11-01T10:00:00Z", "notes": "Called"}), 201)
    good(await owner.http.post(f"{path}/purchases", json={"amount": "10"}), 201)

    found = (await about(owner, email="ADA@example.com"))["data"]
    by_phone = (await about(owner, phone="20 12 34 56"))["data"] + (await about(owner, phone="+4520123456"))["data"]

    assert [one["lead"]["id"] for one in found] == [str(second.id), str(first.id)]
    told = found[1]
    assert (told["notes"][0]["text"], told["follow_ups"][0]["notes"]) == ("Met at the fair", "Called")
    assert (len(told["purchases"]), told["rewards"][0]["amount"]) == (1, "5")
    types = [event["type"] for event in told["events"]]
    assert types == ["lead.created", "reward.created", "note.added", "follow_up.recorded", "purchase.recorded"]
    assert {one["lead"]["id"] for one in by_phone} == {str(second.id)}


async def test_a_report_is_paged_and_its_histories_are_whole(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadrail.api.persons.SHOWN", 2)
    monkeypatch.setattr("leadrail.api.persons._PART", 2)
    owner, channel = people.owner, await people.owner.channel()
    made = [await owner.lead(channel, email="ada@example.com") for _ in range(5)]
    for number in range(5):
        good(await owner.http.post(f"/v1/leads/{made[0].id}/notes", json={"text": f"{number}"}), 201)

    found, cursor = [], None
    while True:
        answer = await about(owner, email="ada@example.com", cursor=cursor)
        found += answer["data"]
        if (cursor := answer["next_cursor"]) is None:
            break

    assert [one["lead"]["id"] for one in found] == [str(lead.id) for lead in reversed(made)]
    assert sorted(note["text"] for note in found[-1]["notes"]) == ["0", "1", "2", "3", "4"]
    assert len(found[-1]["events"]) == 6


async def test_rows_that_an_import_refused_are_told_and_erased_although_nobody_s_lead(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    rows = "email,status\nada@example.com,Nowhere\nbob@example.com,Nowhere\n"
    query = {"channel_id": str(channel.id), "start": "true"}
    made = good(await owner.http.post("/v1/imports", params=query, content=rows), 201)
    await imports.run_waiting(owner.core)

    told = await about(owner, email="ada@example.com")
    erased = await about(owner, "erase", email="ADA@example.com")

    assert told["data"] == []
    assert told["refused_rows"][0]["import_id"] == made["id"]
    assert (told["refused_rows"][0]["row"], told["refused_rows"][0]["cells"]) == (2, ["ada@example.com", "Nowhere"])
    assert erased == {"erased": [], "has_more": False, "blocked": []}
    assert (await about(owner, email="ada@example.com"))["refused_rows"] == []
    assert len((await about(owner, email="bob@example.com"))["refused_rows"]) == 1


async def test_a_person_is_erased_from_all_leads_and_then_unknown(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadrail.api.persons.ERASED_AT_ONCE", 2)
    owner, channel = people.owner, await people.owner.channel()
    made = [await owner.lead(channel, email="ada@example.com") for _ in range(3)]
    kept = await owner.lead(channel, email="bob@example.com")

    first = await about(owner, "erase", email="ada@example.com")
    second = await about(owner, "erase", email="ada@example.com")
    third = await about(owner, "erase", email="ada@example.com")

    assert (len(first["erased"]), first["has_more"], second["has_more"]) == (2, True, False)
    assert {*first["erased"], *second["erased"]} == {str(lead.id) for lead in made}
    assert third == {"erased": [], "has_more": False, "blocked": []}
    assert (await about(owner, email="ada@example.com"))["data"] == []
    assert good(await owner.http.get(f"/v1/leads/{kept.id}"))["email"] == "bob@example.com"
    for lead in made:
        assert good(await owner.http.get(f"/v1/leads/{lead.id}"))["erased_at"] is not None


@pytest.mark.parametrize("path", ["report", "erase"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/email"),
        ({"email": "ada@example.com", "phone": "+4520123456"}, "/email"),
        ({"email": "no address"}, "/email"),
        ({"phone": "call me"}, "/phone"),
        ({"linkedin_url": "https://example.com/"}, "/linkedin_url"),
    ],
)
async def test_who_is_meant_must_be_said(people: People, path: str, body: dict[str, str], field: str) -> None:
    answer = await people.owner.http.post(f"/v1/persons/{path}", json=body)
    assert refused(answer) == (422, "invalid", field)


async def test_what_another_company_knows_is_not_told_and_stays(people: People) -> None:
    channel = await people.stranger.channel()
    lead = await people.stranger.lead(channel, email="ada@example.com")

    assert (await about(people.owner, email="ada@example.com"))["data"] == []
    assert (await about(people.owner, "erase", email="ada@example.com"))["erased"] == []
    assert good(await people.stranger.http.get(f"/v1/leads/{lead.id}"))["email"] == "ada@example.com"
