"""What a person agreed to: rows that are added, how it stands now, and what is told of it."""

from typing import Any

import pytest

from tests.api.answers import good, refused
from tests.people import People, Person

GIVEN = {"purpose": "newsletter", "basis": "consent", "state": "given"}
WITHDRAWN = GIVEN | {"state": "withdrawn"}


async def record(person: Person, lead_id: Any, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = good(await person.http.post(f"/v1/leads/{lead_id}/consents", json=body), 201)
    return made


async def read(person: Person, lead_id: Any, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = good(await person.http.get(f"/v1/leads/{lead_id}/consents", params=query))
    return found


async def lead_of(person: Person) -> Any:
    return (await person.lead(await person.channel(), email="ada@example.com")).id


async def test_a_ledger_grows_and_says_how_it_stands_by_purpose(people: People) -> None:
    owner, id = people.owner, await lead_of(people.owner)
    at = "2026-01-05T10:00:00Z"
    first = await record(owner, id, **GIVEN, at=at, source="Form", proof="Ticked")
    other = await record(owner, id, purpose=" Calls.By-phone ", basis="legitimate_interest", state="given")
    second = await record(owner, id, **WITHDRAWN)

    found = await read(owner, id)

    assert [first[name] for name in ("at", "source", "proof")] == [at, "Form", "Ticked"]
    assert (other["purpose"], other["source"], other["proof"]) == ("calls.by-phone", None, None)
    assert found == {"current": [other, second], "data": [second, other, first], "next_cursor": None}


async def test_what_is_recorded_late_does_not_undo_what_came_after_it(people: People) -> None:
    owner, id = people.owner, await lead_of(people.owner)
    newest = await record(owner, id, **WITHDRAWN, at="2026-01-06T10:00:00Z")
    await record(owner, id, **GIVEN, at="2026-01-05T10:00:00Z")

    assert (await read(owner, id))["current"] == [newest]

    same = await record(owner, id, **GIVEN, at="2026-01-06T10:00:00Z")
    assert (await read(owner, id))["current"] == [same]


async def test_the_ledger_is_paged_and_every_page_says_how_it_stands(people: People) -> None:
    owner, id = people.owner, await lead_of(people.owner)
    made = [await record(owner, id, **GIVEN) for _ in range(5)]

    found, cursor = [], None
    while True:
        part = await read(owner, id, limit=2, **({"cursor": cursor} if cursor else {}))
        assert part["current"] == [made[-1]]
        found += part["data"]
        if (cursor := part["next_cursor"]) is None:
            break

    assert found == made[::-1]


async def test_it_is_told_and_changes_nothing_of_the_lead(people: People) -> None:
    owner, id = people.owner, await lead_of(people.owner)
    await owner.endpoint("https://example.com/hook", events=("consent.recorded",))
    before = good(await owner.http.get(f"/v1/leads/{id}"))

    made = await record(owner, id, **GIVEN, at="2026-01-05T10:00:00Z", proof="Ticked")

    (told,) = good(await owner.http.get(f"/v1/leads/{id}/events", params={"limit": 50}))["data"][1:]
    assert (told["type"], told["occurred_at"], told["data"]) == (
        "consent.recorded",
        "2026-01-05T10:00:00Z",
        {"consent": made},
    )
    assert await owner.count("deliveries") == 1
    assert good(await owner.http.get(f"/v1/leads/{id}")) == before
    assert await owner.count("rewards") == 0


async def test_a_repeat_records_once(people: People) -> None:
    owner, id = people.owner, await lead_of(people.owner)
    path, headers = f"/v1/leads/{id}/consents", {"Idempotency-Key": "once"}

    answers = [good(await owner.http.post(path, json=GIVEN, headers=headers), 201) for _ in range(2)]

    assert answers[0] == answers[1]
    assert len((await read(owner, id))["data"]) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"purpose": ""}, "/purpose"),
        ({"purpose": "Ada agreed"}, "/purpose"),
        ({"purpose": "x" * 61}, "/purpose"),
        ({"purpose": "æ"}, "/purpose"),
        ({"at": "2999-01-01T00:00:00Z"}, "/at"),
        ({"source": "x" * 201}, "/source"),
        ({"proof": "x" * 4_001}, "/proof"),
    ],
)
async def test_what_is_none_is_refused(people: People, wrong: dict[str, str], field: str) -> None:
    id = await lead_of(people.owner)

    answer = await people.owner.http.post(f"/v1/leads/{id}/consents", json=GIVEN | wrong)

    assert refused(answer)[1:] == ("invalid", field)
    assert await people.owner.count("consents") == 0


async def test_an_erased_lead_shows_that_there_was_one_and_takes_no_more(people: People) -> None:
    owner, id = people.owner, await lead_of(people.owner)
    made = await record(owner, id, **GIVEN, source="Ada's form", proof="Ada ticked")
    good(await owner.http.delete(f"/v1/leads/{id}"))

    assert (await read(owner, id))["data"] == [made | {"source": None, "proof": None}]
    history = good(await owner.http.get(f"/v1/leads/{id}/events"))["data"]
    assert history[1]["data"] == {"consent": made | {"source": None, "proof": None}}
    assert refused(await owner.http.post(f"/v1/leads/{id}/consents", json=GIVEN))[:2] == (409, "conflict")


async def test_a_report_of_a_person_gives_the_ledger_along(people: People) -> None:
    owner, id = people.owner, await lead_of(people.owner)
    made = await record(owner, id, **GIVEN, proof="Ticked")

    (told,) = good(await owner.http.post("/v1/persons/report", json={"email": "ada@example.com"}))["data"]

    assert told["consents"] == [made]


async def test_a_partner_records_it_and_a_stranger_knows_of_none(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel())
    made = await record(people.partner, lead.id, **GIVEN)

    assert (await read(people.owner, lead.id))["current"] == [made]
    assert refused(await people.stranger.http.get(f"/v1/leads/{lead.id}/consents"))[0] == 404
    assert refused(await people.stranger.http.post(f"/v1/leads/{lead.id}/consents", json=GIVEN))[0] == 404
