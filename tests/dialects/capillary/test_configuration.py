"""Reasons and sub-statuses of the company (contracts/capillary.md, sections 5.9 and 5.10)."""

import asyncio
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Category, Channel
from leadrail.core.leads.model import Lead
from tests.dialects.capillary.conftest import Till, make_reasons, make_sub_status, make_till
from tests.people import People


async def test_one_reason_alone_is_taken_and_can_be_used_at_once(lead: Lead, admin: Till) -> None:
    (added,) = (await admin.good("POST", "/reasons", {"reason": " Too dear "}))["data"]

    answer = await admin.put(lead, status="LOST", reasonId=added["id"])

    assert added["reason"] == answer.json()["statusLogDetails"][-1]["reason"] == "Too dear"


async def test_known_reasons_are_answered_as_they_are(people: People, admin: Till) -> None:
    (first,) = (await admin.good("POST", "/reasons", {"reason": "Too dear"}))["data"]

    again = (await admin.good("POST", "/reasons", [{"reason": "new"}, {"reason": "TOO DEAR"}, {"reason": "New"}]))[
        "data"
    ]

    assert again[1] == first
    assert again[0] == again[2]
    assert (await admin.good("GET", "/reasons"))["data"] == [first, again[0]]


async def test_parallel_callers_make_each_reason_once(people: People, channel: Channel, admin: Till) -> None:
    texts = [{"reason": f"reason {n}"} for n in range(6)]

    answers = await asyncio.gather(*(admin.good("POST", "/reasons", texts[:: (-1) ** n]) for n in range(8)))

    ids = [{row["reason"]: row["id"] for row in answer["data"]} for answer in answers]
    assert all(one == ids[0] for one in ids)
    assert await people.owner.count("reasons") == 6


async def test_sub_status_can_be_used_at_once(lead: Lead, admin: Till, reason: int) -> None:
    await admin.good("POST", "/substatus", {"status": "on_hold", "subStatus": " YetToDecide "})

    answer = await admin.put(lead, status=" ON_HOLD ", subStatus=" YetToDecide ", reasonId=reason)
    added = await admin.add(status="on_hold ", subStatus=" YetToDecide ", statusLogDetails=[{"status": " ON_HOLD"}])

    assert answer.json()["subStatus"] == added["subStatus"] == "YetToDecide"
    assert len(added["statusLogDetails"]) == 1


async def test_sub_status_is_one_by_status_and_name(people: People, admin: Till) -> None:
    given = [("LOST", "Gone"), ("LOST", "GONE"), ("WON", "Gone")]
    answers = [await admin.good("POST", "/substatus", {"status": one, "subStatus": two}) for one, two in given]

    assert [(answer["status"], answer["subStatus"]) for answer in answers] == [
        ("LOST", "Gone"),
        ("LOST", "Gone"),
        ("WON", "Gone"),
    ]
    assert await people.owner.count("sub_statuses") == 2


async def test_sub_status_of_a_category_without_a_word_is_not_listed(people: People, admin: Till) -> None:
    await make_sub_status(people.owner, Category.QUALIFIED, "Hot")

    assert (await admin.good("GET", "/substatuses"))["data"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/reasons", {}, 403, 9702),
        ("/reasons", [], 403, 9702),
        ("/reasons", [{"reason": "good"}, {"reason": " "}], 403, 9702),
        ("/reasons", {"reason": "x" * 301}, 400, 400),
        ("/reasons", {"reason": 5}, 400, 400),
        ("/reasons", [{"reason": f"{n}"} for n in range(101)], 400, 400),
        ("/substatus", {"status": "WON"}, 403, 9702),
        ("/substatus", {"subStatus": "Gone"}, 403, 9702),
        ("/substatus", {"status": "SOLD", "subStatus": "Gone"}, 400, 9715),
        ("/substatus", {"status": "WON", "subStatus": "x" * 121}, 400, 400),
    ],
)
async def test_bad_configuration_is_refused(admin: Till, path: str, body: Any, status: int, code: int) -> None:
    assert (await admin.refused("POST", path, body))[:2] == (status, code)


@pytest.mark.parametrize(
    ("path", "body"), [("/reasons", {"reason": "x"}), ("/substatus", {"status": "WON", "subStatus": "x"})]
)
async def test_an_unbound_till_that_may_write_configures(
    people: People, channel: Channel, till: Till, path: str, body: Any
) -> None:
    bound = await make_till(people.owner, scopes=tuple(Scope), channel_ids=(channel.id,))
    reader = await make_till(people.owner, scopes=(Scope.READ,))

    answers = [await one.refused("POST", path, body) for one in (bound, reader)]

    assert [answer[:2] for answer in answers] == [(403, 403), (403, 403)]
    assert await till.good("POST", path, body)


@pytest.mark.parametrize("path", ["/reasons", "/substatuses"])
async def test_another_companys_words_are_not_listed(people: People, reason: int, path: str) -> None:
    await make_sub_status(people.owner, Category.LOST, "Gone")
    stranger = await make_till(people.stranger)

    assert (await stranger.good("GET", path))["data"] == []


# A channel shared by another company


@pytest.fixture
async def shared(people: People) -> Lead:
    """A lead of the owner in a channel that the partner may use, and words of both companies."""
    for person in (people.owner, people.partner):
        await make_reasons(person, "Too dear", f"of {person.company_id}")
        await make_sub_status(person, Category.LOST, "Gone")
        await make_sub_status(person, Category.LOST, f"of {person.company_id}")
    return await people.owner.lead(await people.shared_channel(template="capillary"), name="Tom Sawyer")


async def test_partner_lists_and_uses_the_words_of_the_owner(people: People, shared: Lead) -> None:
    till, owners = await make_till(people.partner), await make_till(people.owner)
    of_owner, of_partner = f"of {people.owner.company_id}", f"of {people.partner.company_id}"

    reasons = (await till.good("GET", "/reasons"))["data"]
    names = [row["subStatus"] for row in (await till.good("GET", "/substatuses"))["data"]]

    assert [row["reason"] for row in reasons] == ["Too dear", of_owner, "Too dear", of_partner]
    assert [row["id"] for row in reasons] == sorted(row["id"] for row in reasons)
    assert names == ["Gone", *sorted((of_owner, of_partner))]
    moved = await till.put(shared, status="LOST", reasonId=reasons[1]["id"], subStatus=of_owner)
    assert (moved.status_code, moved.json()["subStatus"]) == (200, of_owner)
    assert await till.refused("PUT", f"/{shared.number}/status", {"status": "WON", "reasonId": reasons[3]["id"]}) == (
        400,
        9705,
        "reasonId: The company that owns the channel of the lead has no such reason",
    )
    assert (await owners.good("GET", "/reasons"))["data"] == reasons[:2]
    assert len((await owners.good("GET", "/substatuses"))["data"]) == 2


async def test_bound_till_lists_what_counts_in_its_channels(people: People, shared: Lead, channel: Channel) -> None:
    there = await make_till(people.partner, channel_ids=(shared.channel_id,))
    elsewhere = await make_till(people.partner, channel_ids=((await people.partner.channel()).id,))

    seen = {
        till.name: [row["reason"] for row in (await till.good("GET", "/reasons"))["data"]]
        for till in (there, elsewhere)
    }

    assert seen[there.name] == ["Too dear", f"of {people.owner.company_id}"]
    assert seen[elsewhere.name] == ["Too dear", f"of {people.partner.company_id}"]
    statuses = (await there.good("GET", "/substatuses"))["data"]
    assert {row["subStatus"] for row in statuses} == {"Gone", f"of {people.owner.company_id}"}


async def test_words_of_a_channel_that_is_shared_no_more_are_not_listed(people: People, shared: Lead) -> None:
    till = await make_till(people.partner)
    await people.owner.rows("DELETE FROM channel_members WHERE channel_id = $1 RETURNING 1", shared.channel_id)

    assert [row["reason"] for row in (await till.good("GET", "/reasons"))["data"]] == [
        "Too dear",
        f"of {people.partner.company_id}",
    ]
