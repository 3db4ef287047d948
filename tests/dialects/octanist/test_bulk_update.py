"""The setting by which one PATCH changes every lead that it matches (contracts/octanist.md, section 6)."""

import asyncio
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from leadrail.dialects.octanist import lookup
from tests.dialects.octanist.conftest import API, JANE, PHONE, creation, events, made, nothing_changes, patch
from tests.people import People, Person

SETTINGS = f"{API}/settings"


async def switch(person: Person, value: bool) -> None:
    answer = await person.http.put(SETTINGS, json={"bulkUpdates": value})
    assert answer.json()["data"] == {"bulkUpdates": value}


async def setting(person: Person) -> Any:
    return (await person.http.get(SETTINGS)).json()["data"]


@pytest.fixture
async def twin(people: People, channel: Channel, lead: Lead) -> Lead:
    """A second, newer lead of the same person, in a channel of another way of working."""
    return await people.owner.lead(await people.owner.channel(template="sales"), email=JANE, phone=PHONE)


@pytest.mark.parametrize("body", [{"email": JANE}, {"phone": PHONE}])
async def test_all_matches_are_changed_when_it_is_on(
    people: People, lead: Lead, twin: Lead, body: dict[str, str]
) -> None:
    await switch(people.owner, True)

    answer = await patch(people.owner, **body, status="lost", lossReason="Price")

    told = answer.json()
    assert list(told) == ["success", "leadId", "status", "data", "meta"]
    assert told["data"] == {"leadId": str(twin.id), "leadsUpdated": 2, "message": "Lead updated successfully"}
    for one in (lead, twin):
        (moved,) = await events(people.owner, one)
        assert (moved["type"], moved["data"]["reason"]) == ("lead.status_changed", "Price")


async def test_what_cannot_be_changed_is_named(people: People, lead: Lead, twin: Lead) -> None:
    await switch(people.owner, True)

    answer = await patch(people.owner, email=JANE, status="won")  # the lead's own channel requires a value

    data = answer.json()["data"]
    assert (answer.status_code, data["leadId"], data["leadsUpdated"]) == (200, str(twin.id), 1)
    (refused,) = data["refused"]
    assert (refused["leadId"], refused["code"]) == (str(lead.id), "VALIDATION_ERROR")
    assert await events(people.owner, lead) == []


async def test_first_generations_own_demands_are_made_of_each_lead(people: People, lead: Lead, twin: Lead) -> None:
    await switch(people.owner, True)

    answer = await patch(people.owner, email=JANE, changedTo="won", value=5)  # the twin has no currency

    assert (answer.json()["leadId"], answer.json()["data"]["leadsUpdated"]) == (str(lead.id), 1)
    assert await events(people.owner, twin) == []


async def test_refusal_of_all_is_a_refusal(people: People, lead: Lead, twin: Lead) -> None:
    await switch(people.owner, True)

    async with nothing_changes(people.owner):
        answer = await patch(people.owner, email=JANE, changedTo="won")

    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, "value")


async def test_several_matches_are_a_conflict_when_it_is_off_again(people: People, lead: Lead, twin: Lead) -> None:
    await switch(people.owner, True)
    await switch(people.owner, False)

    async with nothing_changes(people.owner):
        answer = await patch(people.owner, email=JANE, status="lost")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")


async def test_many_matches_are_all_changed(people: People, channel: Channel) -> None:
    await made(people.owner, *[await creation(people.owner, channel, fields={"email": JANE}) for _ in range(230)])
    await switch(people.owner, True)

    answer = await patch(people.owner, email=JANE, status="lost")

    assert answer.json()["data"]["leadsUpdated"] == 230
    assert len(await people.owner.rows("SELECT 1 FROM events WHERE channel_id = $1", channel.id)) == 460


async def test_too_many_matches_are_a_conflict(
    people: People, lead: Lead, twin: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "BULK_LIMIT", 1)
    await switch(people.owner, True)

    async with nothing_changes(people.owner):
        answer = await patch(people.owner, email=JANE, status="lost")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")


async def test_setting_of_one_company_is_not_anothers(people: People, lead: Lead, twin: Lead) -> None:
    await switch(people.stranger, True)

    assert await setting(people.owner) == {"bulkUpdates": False}
    assert (await patch(people.owner, email=JANE, status="lost")).status_code == 409


async def test_bulk_update_leaves_the_leads_of_others_alone(people: People, lead: Lead, twin: Lead) -> None:
    await switch(people.owner, True)
    theirs = await people.stranger.lead(await people.stranger.channel(), email=JANE)

    await patch(people.owner, email=JANE, status="lost")

    assert await events(people.stranger, theirs) == []


async def test_parallel_bulk_updates_write_each_change_once(people: People, lead: Lead, twin: Lead) -> None:
    await switch(people.owner, True)

    answers = await asyncio.gather(*[patch(people.owner, email=JANE, status="lost") for _ in range(5)])

    assert [answer.json()["data"]["leadsUpdated"] for answer in answers] == [2] * 5
    assert [len(await events(people.owner, one)) for one in (lead, twin)] == [1, 1]


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
async def test_only_an_admin_changes_the_setting(people: People, scope: Scope) -> None:
    headers = {"X-API-KEY": await people.owner.another_key(scopes=(scope,))}

    answer = await people.owner.http.put(SETTINGS, json={"bulkUpdates": True}, headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert await setting(people.owner) == {"bulkUpdates": False}


async def test_key_of_some_channels_does_not_change_the_setting_of_all(people: People, channel: Channel) -> None:
    headers = {"X-API-KEY": await people.owner.another_key(scopes=(Scope.ADMIN,), channel_ids=(channel.id,))}

    answer = await people.owner.http.put(SETTINGS, json={"bulkUpdates": True}, headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert await setting(people.owner) == {"bulkUpdates": False}


@pytest.mark.parametrize("body", [{}, {"bulkUpdates": None}, {"bulkUpdates": "on"}])
async def test_setting_is_true_or_false(people: People, body: dict[str, Any]) -> None:
    answer = await people.owner.http.put(SETTINGS, json=body)

    assert (answer.status_code, answer.json()["error"]["details"]) == (400, {"field": "bulkUpdates"})
