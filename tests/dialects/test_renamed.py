"""A reason and a sub-status that the native API renames or archives, as the dialects that show them show them then."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Category, Channel
from leadrail.core.leads.model import Lead
from tests.dialects.capillary.conftest import Till, make_reasons, make_sub_status, make_till
from tests.people import People


@dataclass
class Words:
    """A reason and a sub-status, and a lead on hold with both, moved there by the till."""

    reason: Any
    sub_status: Any
    lead: Lead


@pytest.fixture
async def channel(people: People) -> Channel:
    return await people.owner.channel(template="capillary")


@pytest.fixture
async def till(people: People) -> Till:
    return await make_till(people.owner)


@pytest.fixture
async def words(people: People, channel: Channel, till: Till) -> Words:
    await make_reasons(people.owner, "Price", "Other")
    await make_sub_status(people.owner, Category.ON_HOLD, "Later")
    reason = (await people.owner.http.get("/v1/reasons")).json()["data"][0]
    sub_status = (await people.owner.http.get("/v1/sub-statuses")).json()["data"][0]
    lead = await people.owner.lead(channel, email="jane@example.com")
    moved = await till.put(lead, status="ON_HOLD", subStatus="later", reasonId=reason["number"])
    assert moved.status_code == 200
    return Words(reason, sub_status, lead)


async def rename(people: People, words: Words) -> None:
    reason, sub_status = f"/v1/reasons/{words.reason['id']}", f"/v1/sub-statuses/{words.sub_status['id']}"
    assert (await people.owner.http.patch(reason, json={"text": "Dear"})).status_code == 200
    assert (await people.owner.http.patch(sub_status, json={"name": "Soon"})).status_code == 200


async def archive(people: People, words: Words) -> None:
    for path in (f"/v1/reasons/{words.reason['id']}", f"/v1/sub-statuses/{words.sub_status['id']}"):
        assert (await people.owner.http.delete(path)).status_code == 204


async def reasons_of(till: Till) -> dict[int, str]:
    return {row["id"]: row["reason"] for row in (await till.good("GET", "/reasons"))["data"]}


async def test_capillary_shows_new_names_under_the_old_numbers_and_its_log_what_was_said(
    people: People, till: Till, words: Words
) -> None:
    number = words.reason["number"]

    await rename(people, words)

    assert (await reasons_of(till))[number] == "Dear"
    (listed,) = (await till.good("GET", "/substatuses"))["data"]
    assert listed["subStatus"] == "Soon"
    (lead,) = (await till.good("GET", "", params={"substatus": "soon"}))["data"]
    entry = lead["statusLogDetails"][-1]
    assert (lead["id"], lead["subStatus"]) == (words.lead.number, "Soon")
    assert (entry["reasonId"], entry["reason"], entry["subStatus"]) == (number, "Price", "Later")
    assert await till.listed(substatus="later") == []
    repeated = await till.put(words.lead, status="ON_HOLD", subStatus="Soon", reasonId=number)
    assert len(repeated.json()["statusLogDetails"]) == len(lead["statusLogDetails"])


async def test_capillary_neither_offers_nor_takes_what_is_archived_and_shows_it_on_leads(
    people: People, channel: Channel, till: Till, words: Words
) -> None:
    number, other = words.reason["number"], await people.owner.lead(channel)

    await archive(people, words)

    assert number not in await reasons_of(till)
    assert (await till.good("GET", "/substatuses"))["data"] == []
    assert await till.listed(substatus="later") == [words.lead.number]
    for body, code in (
        ({"status": "LOST", "reasonId": number}, 9705),
        ({"status": "ON_HOLD", "reasonId": min(set(await reasons_of(till))), "subStatus": "Later"}, 9704),
    ):
        assert (await till.refused("PUT", f"/{other.number}/status", body))[:2] == (400, code)
    repeated = await till.put(words.lead, status="ON_HOLD", subStatus="Later", reasonId=number)
    assert repeated.json()["statusLogDetails"][-1]["reasonId"] == number


async def test_capillary_takes_an_archived_word_back_under_its_number(people: People, till: Till, words: Words) -> None:
    admin = await make_till(people.owner, scopes=("read", "write", "admin"))
    await archive(people, words)

    (reason,) = (await admin.good("POST", "/reasons", [{"reason": "PRICE"}]))["data"]
    sub_status = await admin.good("POST", "/substatus", {"status": "ON_HOLD", "subStatus": "LATER"})

    assert (reason["id"], reason["reason"]) == (words.reason["number"], "PRICE")
    assert sub_status["subStatus"] == "LATER"
    assert (await reasons_of(till))[reason["id"]] == "PRICE"
    seen = (await people.owner.http.get(f"/v1/leads/{words.lead.id}")).json()
    assert (seen["reason"], seen["sub_status"]) == ("PRICE", "LATER")


async def test_octanist_shows_the_new_name_as_the_loss_reason_and_knows_it_again(people: People, words: Words) -> None:
    path, body = "/octanist/api/leads", {"id": str(words.lead.id), "status": "lost", "note": "Called"}
    http: httpx.AsyncClient = people.owner.http
    headers = {"Authorization": f"Bearer {people.owner.key}"}
    moved = await http.patch(path, json=body | {"lossReason": "price"}, headers=headers)
    assert moved.status_code == 200, moved.text
    await rename(people, words)
    before = await people.owner.digests()

    shown = (await http.get(f"{path}/{words.lead.id}", headers=headers)).json()["data"]
    again = await http.patch(path, json=body | {"lossReason": "Dear"}, headers=headers)

    assert shown["lossReason"] == "Dear"
    assert again.status_code == 200
    assert await people.owner.digests() == before
