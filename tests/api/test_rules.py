"""Rules of a channel over the API, and moves that are taken back."""

from typing import Any
from uuid import uuid4

from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from tests.api.answers import good
from tests.people import People, Person


async def add(person: Person, channel: Channel, **wanted: Any) -> Any:
    body = {"name": f"Rule {uuid4()}", "cause": "purchase", "to_status": "Won"}
    return await person.http.post(f"/v1/channels/{channel.id}/rules", json=body | wanted)


async def untouched(person: Person, channel: Channel, source: str, target: str) -> Any:
    return await add(person, channel, cause="untouched", from_status=source, to_status=target, after_days=3)


async def sold(people: People) -> tuple[Lead, dict[str, Any]]:
    """A lead that a rule moved when it bought something, and the event of that move."""
    channel = await people.owner.channel(currency="EUR")
    assert (await add(people.owner, channel, name="Sold")).status_code == 201
    lead = await people.owner.lead(channel)
    bought = await people.owner.http.post(f"/v1/leads/{lead.id}/purchases", json={"amount": "500"})
    assert bought.json()["status"]["name"] == "Won"
    return lead, (await history(people.owner, lead))[-1]


async def history(person: Person, lead: Lead) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = good(await person.http.get(f"/v1/leads/{lead.id}/events"))["data"]
    return events


async def test_a_circle_is_refused_with_its_statuses(people: People) -> None:
    channel = await people.owner.channel()
    assert (await untouched(people.owner, channel, "New", "Lost")).status_code == 201

    answer = await untouched(people.owner, channel, "lost", "NEW")

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert '"Lost" → "New" → "Lost"' in answer.json()["detail"]


async def test_a_status_that_a_rule_names_stays_until_the_rule_is_removed(people: People) -> None:
    channel = await people.owner.channel()
    rule = (await untouched(people.owner, channel, "New", "Lost")).json()
    path = f"/v1/channels/{channel.id}"

    answer = await people.owner.http.delete(f"{path}/statuses/{rule['to_status_id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")

    await people.owner.http.delete(f"{path}/rules/{rule['id']}")
    assert (await people.owner.http.delete(f"{path}/statuses/{rule['to_status_id']}")).status_code == 204


async def test_a_channel_has_fifty_rules_at_most(people: People) -> None:
    channel = await people.owner.channel()
    answers = [await add(people.owner, channel, state="paused") for _ in range(51)]

    assert [answer.status_code for answer in answers] == [201] * 50 + [409]


async def test_the_move_upon_a_purchase_shows_its_rule(people: People) -> None:
    lead, move = await sold(people)

    assert [event["type"] for event in await history(people.owner, lead)][1:] == [
        "purchase.recorded",
        "lead.status_changed",
    ]
    assert (move["data"]["rule"]["name"], move["data"]["value"]) == ("Sold", "500")
    assert move["data"]["reversible_until"] > move["recorded_at"]


async def test_a_move_is_taken_back_once(people: People) -> None:
    lead, move = await sold(people)
    path = f"/v1/leads/{lead.id}/events/{move['id']}/reverse"

    back = good(await people.owner.http.post(path))
    assert (back["status"]["name"], back["value"], back["closed_at"]) == ("New", None, None)
    last = (await history(people.owner, lead))[-1]["data"]
    assert (last["from"]["name"], last["to"]["name"], last["reverses"]) == ("Won", "New", move["id"])

    before = await people.owner.digests()
    assert (await people.owner.http.post(path)).json()["code"] == "conflict"
    assert await people.owner.digests() == before


async def test_taking_back_honours_the_version_and_the_idempotency_key(people: People) -> None:
    lead, move = await sold(people)
    path, key = f"/v1/leads/{lead.id}/events/{move['id']}/reverse", {"Idempotency-Key": str(uuid4())}

    stale = await people.owner.http.post(path, headers={"If-Match": '"1"'})
    first, again = [await people.owner.http.post(path, headers=key) for _ in range(2)]

    assert stale.status_code == 412
    assert (first.status_code, again.status_code, first.content) == (200, 200, again.content)


async def test_what_no_rule_did_is_not_taken_back(people: People) -> None:
    lead, move = await sold(people)
    moved = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Lost"})
    assert moved.status_code == 200

    for event in (move["id"], uuid4()):
        answer = await people.owner.http.post(f"/v1/leads/{lead.id}/events/{event}/reverse")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
