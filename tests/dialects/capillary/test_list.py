"""GET /v2/leads: every filter, the order, the pages (contracts/capillary.md, section 5.3)."""

import asyncio
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Category, Channel
from leadrail.core.leads.model import Lead
from tests.dialects.capillary.conftest import Till, key_number, make_sub_status, make_till
from tests.people import People


async def test_every_lead_is_whole_as_its_own_calls_show_it(
    people: People, channel: Channel, till: Till, reason: int
) -> None:
    other = await make_till(people.owner)
    one, two = await till.add(extendedFields={"trial": "Done"}, owner="anita"), await other.add(createdBy=9)
    await other.good("PUT", f"/{one['id']}/status", {"status": "ON_HOLD", "reasonId": reason})
    one = await till.good("POST", f"/{one['id']}/followup", {"followedUpOn": "2018-10-05", "notes": "rang"})

    answer = await till.good("GET", "")

    assert [list(lead) for lead in answer["data"]] == [
        [name for name in lead if name != "warnings"] for lead in (one, two)
    ]
    assert [lead | {"warnings": []} for lead in answer["data"]] == [one, two]
    assert {entry["createdBy"] for entry in answer["data"][0]["statusLogDetails"]} == {till.number, other.number}


async def test_leads_of_other_faces_are_listed(people: People, till: Till) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="octanist"), name="Tom Sawyer")

    (seen,) = (await till.good("GET", ""))["data"]

    assert (seen["id"], seen["userId"], seen["status"]) == (lead.number, lead.number, "OPEN")
    assert seen["statusLogDetails"][0]["status"] == "OPEN"


async def test_numbers_of_other_faces_that_no_client_can_hold_are_not_shown(people: People, till: Till) -> None:
    beyond = 1 << 63
    attribution = {"user_id": beyond, "created_by": -beyond - 1, "org_source_id": beyond}
    lead = await people.owner.lead(await people.owner.channel(), name="Tom Sawyer", attribution=attribution)
    contact = {"done_at": "2018-10-05T08:00:00Z", "done_by": str(beyond)}
    await people.owner.http.post(f"/v1/leads/{lead.id}/follow-ups", json=contact)

    (seen,) = (await till.good("GET", "", params={"userId": lead.number}))["data"]

    assert (seen["userId"], seen["createdBy"], seen["orgSourceId"]) == (lead.number, await key_number(people.owner), -1)
    assert "followedUpBy" not in seen["followUpDetails"][0]


async def test_a_long_story_is_shown_by_its_newest_part(people: People, channel: Channel, till: Till) -> None:
    log = [{"status": word} for word in ("OPEN", "LOST") * 60]
    added = await till.add(statusLogDetails=log)

    (seen,) = (await till.good("GET", ""))["data"]

    assert (len(added["statusLogDetails"]), len(seen["statusLogDetails"])) == (120, 100)
    assert seen["statusLogDetails"] == added["statusLogDetails"][-100:]
    assert seen["createdBy"] == till.number


# Who sees what


async def test_stranger_sees_nothing(people: People, lead: Lead) -> None:
    till = await make_till(people.stranger)

    assert await till.listed() == await till.listed(userId=lead.number) == []


async def test_bound_till_sees_its_channels_only(people: People, lead: Lead, channel: Channel) -> None:
    other = await people.owner.channel()
    hidden = await people.owner.lead(other, name="Huck Finn")
    till = await make_till(people.owner, channel_ids=(channel.id,))

    assert await till.listed() == [lead.number]
    assert await till.listed(userId=hidden.number) == []


async def test_partner_sees_the_shared_channel_only(people: People, lead: Lead) -> None:
    shared = await people.owner.lead(await people.shared_channel(), name="Huck Finn")

    assert await (await make_till(people.partner)).listed() == [shared.number]


async def test_till_without_the_scope_lists_nothing(people: People, lead: Lead) -> None:
    till = await make_till(people.owner, scopes=(Scope.WRITE,))

    assert (await till.refused("GET", ""))[:2] == (403, 403)


# Filters


@pytest.fixture
async def ids(people: People, channel: Channel, till: Till) -> dict[str, int]:
    """Leads that differ in what a list can be narrowed by."""
    await make_sub_status(people.owner, Category.ON_HOLD, "YetToDecide")
    store = {"X-CAP-API-ATTRIBUTION-ENTITY-TYPE": "STORE_CODE", "X-CAP-API-ATTRIBUTION-ENTITY-CODE": "S12"}
    named = {
        "plain": await till.add(),
        "held": await till.add(status="ON_HOLD", subStatus="YetToDecide", type="BRAND"),
        "won": await till.add(status="WON", owner="28812689", orgSourceId=7),
        "deleted": await till.add(status="DELETED"),
        "crm": await till.add(userId=77, type="SKU", orgSourceId=-1),
        "store": await till.good("POST", "", {"leadFor": "item", "userId": 78}, headers=store),
    }
    lead = await people.owner.lead(channel, name="Huck Finn")
    return {name: answer["id"] for name, answer in named.items()} | {"native": lead.number}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, "plain held won crm store native"),
        ({"status": "", "limit": "", "unheard": "of"}, "plain held won crm store native"),
        ({"status": "OPEN"}, "plain crm store native"),
        ({"status": "on_hold"}, "held"),
        ({"status": "DELETED"}, "deleted"),
        ({"status": "LOST"}, ""),
        ({"substatus": "yettodecide"}, "held"),
        ({"substatus": "Unheard"}, ""),
        ({"status": "WON", "substatus": "YetToDecide"}, ""),
        ({"type": "ALL"}, "plain held won crm store native"),
        ({"type": "SKU"}, "plain won crm store native"),
        ({"type": "BRAND"}, "held"),
        ({"orgSourceId": -1}, "plain held crm store native"),
        ({"orgSourceId": 7}, "won"),
        ({"owner": "28812689"}, "won"),
        ({"owner": "nobody"}, ""),
        ({"userId": 77}, "crm"),
        ({"userId": 77, "status": "WON"}, ""),
        ({"userId": 1 << 60}, ""),
        ({"entityType": "STORE", "entityCode": "S12"}, "store"),
        ({"entityType": "STORE", "entityCode": "S13"}, ""),
        ({"entityType": "TILL", "entityCode": "S12"}, ""),
        ({"entityType": "ZONE", "entityCode": "S12"}, ""),
    ],
)
async def test_a_filter_lets_through_what_it_says(
    ids: dict[str, int], till: Till, query: dict[str, Any], names: str
) -> None:
    assert await till.listed(**query) == [ids[name] for name in names.split()]


async def test_leads_of_a_till_are_found_by_its_name(ids: dict[str, int], till: Till) -> None:
    assert len(await till.listed(entityType="TILL", entityCode=till.name)) == 4


@pytest.mark.parametrize(
    ("query", "code", "start"),
    [
        ({"status": "SOLD"}, 9715, "status: "),
        ({"type": "THING"}, 9715, "type: "),
        ({"sortBy": "name"}, 9715, "sortBy: "),
        ({"sortOrder": "UP"}, 9715, "sortOrder: "),
        ({"entityType": "SHOP", "entityCode": "1"}, 9715, "entityType: "),
        ({"entityType": "STORE"}, 9717, "entityType and entityCode"),
        ({"entityCode": "S12"}, 9717, "entityType and entityCode"),
        ({"limit": 0}, 400, "limit: "),
        ({"limit": 101}, 400, "limit: "),
        ({"offset": -1}, 400, "offset: "),
        ({"offset": 1 << 63}, 400, "offset: "),
        ({"userId": "tom"}, 400, "userId: "),
        ({"orgSourceId": "WEBSITE"}, 400, "orgSourceId: "),
        ({"owner": "\0"}, 400, "owner: "),
    ],
)
async def test_what_no_list_can_be_narrowed_by_is_refused(
    lead: Lead, till: Till, query: dict[str, Any], code: int, start: str
) -> None:
    status, told, message = await till.refused("GET", "", params=query)

    assert (status, told) == (400, code)
    assert message.startswith(start)


# Order and pages


async def test_pages_are_in_the_order_of_creation(people: People, channel: Channel, till: Till) -> None:
    ids = [(await till.add())["id"] for _ in range(5)]

    pages = [await till.listed(limit=2, offset=offset) for offset in (0, 2, 4, 6)]

    assert pages == [ids[:2], ids[2:4], ids[4:], []]
    assert await till.listed(sortOrder="DESC") == ids[::-1]


async def test_twenty_are_shown_if_no_limit_is_said(people: People, channel: Channel, till: Till) -> None:
    await asyncio.gather(*(till.add() for _ in range(22)))

    assert (len(await till.listed()), len(await till.listed(limit=100))) == (20, 22)


@pytest.mark.parametrize(
    ("order", "expected"), [({}, "bca"), ({"sortOrder": "asc"}, "bca"), ({"sortOrder": "DESC"}, "acb")]
)
async def test_leads_are_sorted_by_when_they_were_made(
    people: People, channel: Channel, till: Till, order: dict[str, str], expected: str
) -> None:
    days = {"a": "2020-03-01", "b": "2018-01-01", "c": "2019-02-01"}
    ids = {(await till.add(createdOn=day))["id"]: name for name, day in days.items()}

    listed = await till.listed(sortBy="createdon", **order)

    assert "".join(ids[id] for id in listed) == expected


async def test_leads_are_sorted_by_when_they_were_changed(
    people: People, channel: Channel, till: Till, reason: int
) -> None:
    first, second = await till.add(), await till.add()
    await till.put(first["id"], status="WON", reasonId=reason)

    assert await till.listed(sortBy="lastUpdatedOn", sortOrder="DESC") == [first["id"], second["id"]]


# A lead of another face is its own customer, and may get company


@pytest.mark.parametrize("order", ["ASC", "DESC"])
async def test_lead_of_another_face_is_found_among_its_customers_leads(
    people: People, channel: Channel, till: Till, order: str
) -> None:
    lead = await people.owner.lead(channel, name="Huck Finn")
    await till.add(createdOn="2016-01-01")  # somebody else's
    days = ("2017-01-01", "2018-01-01", "2019-01-01")
    older = [(await till.add(userId=lead.number, createdOn=day))["id"] for day in days]
    newer = (await till.add(userId=lead.number))["id"]
    expected = [*older, lead.number, newer] if order == "ASC" else [newer, lead.number, *older[::-1]]

    wanted = {"userId": lead.number, "sortBy": "createdon", "sortOrder": order}
    pages = [await till.listed(**wanted, offset=offset, limit=2) for offset in range(6)]

    assert pages == [expected[offset : offset + 2] for offset in range(6)]


async def test_lead_with_a_customer_is_not_found_by_its_number(people: People, channel: Channel, till: Till) -> None:
    lead = await till.add(userId=77)

    assert await till.listed(userId=lead["id"]) == []


async def test_lead_whose_key_is_its_number_is_listed_once(people: People, channel: Channel, till: Till) -> None:
    lead = await people.owner.lead(channel, name="Huck Finn")
    keys = {"attribution": {"external_ids": {"capillary_customer": lead.number}}}
    await people.owner.http.patch(f"/v1/leads/{lead.id}", json=keys)

    assert await till.listed(userId=lead.number) == [lead.number]
