"""POST and PATCH /v2/leads: what is made, for whom and where, what is refused (contracts/capillary.md, 5.2)."""

import asyncio
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Category, Channel, Reason, Requirement
from leadrail.core.companies import store as companies
from tests.dialects.capillary.conftest import TOM, Till, make_sub_status, make_till, move_to
from tests.people import NewProperty, NewStatus, People, Person

MINIMAL = {"leadFor": "item001", "idType": "EMAIL", "identifier": TOM}


async def native(person: Person, number: int) -> Any:
    """The lead with this number as the native API shows it."""
    (row,) = await person.rows("SELECT id FROM leads WHERE number = $1", number)
    return (await person.http.get(f"/v1/leads/{row['id']}")).json()


async def move_abroad(person: Person, country: str) -> None:
    async with person.core.database.transaction() as connection:
        company = await companies.company(connection, person.company_id)
        moved = type(company)(company.id, company.name, country, company.time_zone, company.created_at)
        await companies.update_company(connection, moved)
        await connection.execute("UPDATE channels SET config_version = config_version + 1")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_lead_is_recorded_once_with_all_that_follows(
    people: People, channel: Channel, till: Till, method: str
) -> None:
    await people.owner.trigger(channel, cause="new_lead", amount=Decimal(25))
    await people.owner.endpoint("http://127.0.0.1:9/hook")

    answer = await till.good(method, "", MINIMAL)

    assert (answer["status"], answer["type"], answer["orgSourceId"], answer["warnings"]) == ("OPEN", "SKU", -1, [])
    assert (answer["createdBy"], answer["lastUpdatedBy"]) == (till.number, till.number)
    assert [entry["status"] for entry in answer["statusLogDetails"]] == ["OPEN"]
    assert await people.owner.counts() == {"leads": 1, "events": 2, "deliveries": 2, "rewards": 1}


async def test_lead_is_whole_for_the_other_faces(people: People, channel: Channel, till: Till) -> None:
    answer = await till.add(owner="anita", orgSourceId=7, type="brand", createdBy=5)

    seen = await native(people.owner, answer["id"])
    assert (seen["email"], seen["assignee"], seen["status"]["name"]) == (TOM, "anita", "OPEN")
    assert seen["attribution"] == {
        "lead_type": "BRAND",
        "lead_for": "item001",
        "user_id": answer["userId"],
        "org_source_id": 7,
        "created_by": 5,
        "entity_type": "TILL",
        "entity_code": till.name,
        "external_ids": {"capillary_customer": str(answer["userId"])},
    }


# Whose lead it is


@pytest.mark.parametrize(
    ("id_type", "first", "second"),
    [
        ("EMAIL", "Tom.Sawyer@Example.com", " tom.sawyer@example.com "),
        ("MOBILE", "+91 98765 43210", "+919876543210"),
        ("MOBILE", "9876543210", "+919876543210"),
        ("mobile", "09876543210", "919876543210"),
    ],
)
async def test_same_person_in_another_spelling_is_the_same_customer(
    people: People, channel: Channel, till: Till, id_type: str, first: str, second: str
) -> None:
    await move_abroad(people.owner, "IN")

    one = await till.add(idType=id_type, identifier=first)
    other = await till.add(idType=id_type, identifier=second, leadFor="item002")

    assert (one["userId"] == other["userId"], one["id"] == other["id"]) == (True, False)
    assert await till.listed(userId=one["userId"]) == [one["id"], other["id"]]


async def test_another_person_is_another_customer(people: People, channel: Channel, till: Till) -> None:
    one, other = await till.add(), await till.add(identifier="huck.finn@example.com", idType="EMAIL")

    assert one["userId"] != other["userId"]
    assert await people.owner.count("capillary_customers") == 2


async def test_customers_of_two_companies_are_two(people: People, channel: Channel, till: Till) -> None:
    await people.stranger.channel(template="capillary")
    theirs = await make_till(people.stranger)

    assert (await till.add())["userId"] != (await theirs.add())["userId"]


async def test_many_at_once_make_one_customer(people: People, channel: Channel, till: Till) -> None:
    spellings = [TOM, TOM.upper(), TOM.title()] * 8

    answers = await asyncio.gather(*(till.add(idType="EMAIL", identifier=one) for one in spellings))

    assert len({answer["userId"] for answer in answers}) == 1
    assert len({answer["id"] for answer in answers}) == 24
    assert await people.owner.count("capillary_customers") == 1


async def test_a_blank_user_id_is_none(people: People, channel: Channel, till: Till) -> None:
    answer = await till.add(userId="", idType="EMAIL", identifier=TOM)

    assert (await native(people.owner, answer["id"]))["email"] == TOM
    assert await people.owner.count("capillary_customers") == 1


async def test_a_given_user_id_is_taken_as_it_is(people: People, channel: Channel, till: Till) -> None:
    answer = await till.add(userId=368754334)

    assert answer["userId"] == 368754334
    assert (await native(people.owner, answer["id"]))["email"] is None
    assert await people.owner.count("capillary_customers") == 0
    assert await till.listed(userId=368754334) == [answer["id"]]


async def test_a_user_id_of_ours_brings_its_identifier(people: People, channel: Channel, till: Till) -> None:
    known = await till.add(idType="MOBILE", identifier="+919876543210")

    answer = await till.add(userId=known["userId"], leadFor="item002")

    assert (await native(people.owner, answer["id"]))["phone"] == "+919876543210"
    assert await till.listed(userId=known["userId"]) == [known["id"], answer["id"]]


async def test_a_number_of_a_lead_brings_nobodys_identifier(people: People, channel: Channel, till: Till) -> None:
    lead = await people.owner.lead(channel, email="huck.finn@example.com")

    answer = await till.add(userId=lead.number)  # which may just as well be a customer of the caller's own books

    assert (await native(people.owner, answer["id"]))["email"] is None


async def test_a_user_id_and_an_identifier_go_together(people: People, channel: Channel, till: Till) -> None:
    answer = await till.add(userId=77, idType="EMAIL", identifier=TOM)

    assert (answer["userId"], (await native(people.owner, answer["id"]))["email"]) == (77, TOM)


async def test_a_user_id_tells_a_bound_till_nothing_of_other_channels(people: People, till: Till) -> None:
    elsewhere = await people.owner.channel(title="Elsewhere")
    secret = await till.add()
    bound = await make_till(people.owner, channel_ids=((await people.owner.channel()).id,))

    answer = await bound.add(userId=secret["userId"])

    assert (await native(people.owner, secret["id"]))["channel_id"] == str(elsewhere.id)
    assert (await native(people.owner, answer["id"]))["email"] is None


# What it brings along


async def test_created_on_is_the_leads_and_its_first_entrys(people: People, channel: Channel) -> None:
    till = await make_till(people.owner, time_zone="Asia/Kolkata")

    answer = await till.add(createdOn="2018-10-04T13:30:00")

    assert answer["createdOn"] == answer["statusLogDetails"][0]["createdOn"] == "2018-10-04T13:30:00+05:30"
    updated = datetime.fromisoformat(answer["lastUpdatedOn"])
    assert people.owner.core.clock() - updated < timedelta(minutes=1)


async def test_the_tills_own_zone_wins_over_the_companys(people: People, channel: Channel, till: Till) -> None:
    await move_to(people.owner, "Europe/Copenhagen")
    indian = await make_till(people.owner, time_zone="Asia/Kolkata")

    answer = await till.add(nextFollowUp="2030-07-01T12:00:00")
    (seen,) = (await indian.good("GET", ""))["data"]

    assert (answer["nextFollowUp"], seen["nextFollowUp"]) == ("2030-07-01T12:00:00+02:00", "2030-07-01T15:30:00+05:30")


async def test_log_becomes_events_of_the_till(
    people: People, channel: Channel, till: Till, reasons: list[Reason]
) -> None:
    log = [{"status": "OPEN", "createdBy": 5, "reasonId": str(reasons[0].number)}, {"status": "LOST", "createdBy": 5}]

    answer = await till.add(statusLogDetails=log, status="ON_HOLD")

    shown = [(entry["status"], entry.get("reason"), entry["createdBy"]) for entry in answer["statusLogDetails"]]
    assert shown == [
        ("OPEN", reasons[0].text, till.number),
        ("LOST", None, till.number),
        ("ON_HOLD", None, till.number),
    ]
    rows = await people.owner.rows(
        "SELECT type FROM events WHERE company_id = $1 ORDER BY seq", people.owner.company_id
    )
    assert [row["type"] for row in rows] == ["lead.created", "lead.status_changed", "lead.status_changed"]


@pytest.mark.parametrize("log", [[], [{"status": "OPEN"}], [{"status": "OPEN"}, {"status": "ON_HOLD"}]])
async def test_sub_status_is_that_of_the_status(people: People, channel: Channel, till: Till, log: list[Any]) -> None:
    await make_sub_status(people.owner, Category.ON_HOLD, "YetToDecide")

    answer = await till.add(status="ON_HOLD", subStatus="yettodecide", statusLogDetails=log)

    assert (answer["status"], answer["subStatus"]) == ("ON_HOLD", "YetToDecide")
    assert answer["statusLogDetails"][-1]["subStatus"] == "YetToDecide"
    assert len(answer["statusLogDetails"]) == max(len(log), 1) + (len(log) == 1)


async def test_follow_ups_are_the_tills(people: People, channel: Channel, till: Till) -> None:
    done = {"followedUpOn": "2018-10-04T12:45:00Z", "followedUpBy": -1, "createdBy": 5}
    planned = {"scheduledFollowUp": "2018-10-06T12:45:00Z", "nextFollowUp": "2018-10-06T12:45:00Z"}

    answer = await till.add(followUpDetails=[done, planned], lastFollowUp="2018-10-04")

    shown = [(one["createdBy"], one["followedUpBy"], one.get("followedUpOn")) for one in answer["followUpDetails"]]
    assert shown == [(till.number, -1, "2018-10-04T12:45:00Z"), (till.number, till.number, None)]
    assert (answer["lastFollowUp"], answer["nextFollowUp"]) == ("2018-10-04T12:45:00Z", "2018-10-06T12:45:00Z")


async def test_last_follow_up_alone_is_a_follow_up(people: People, channel: Channel, till: Till) -> None:
    answer = await till.add(lastFollowUp="2018-10-04T12:45:00Z")

    (one,) = answer["followUpDetails"]
    assert (answer["lastFollowUp"], one["followedUpOn"]) == ("2018-10-04T12:45:00Z", "2018-10-04T12:45:00Z")


async def test_extended_fields_are_properties_or_kept_beside(people: People, till: Till) -> None:
    channel = await people.owner.channel(template="capillary", properties=(NewProperty(name="trial_status"),))
    given = {"Trial_Status": "Done", "size": 7, "tags": ["a"], "paid": True, "gone": None}

    answer = await till.add(extendedFields=given)

    assert answer["extendedFields"] == {"trial_status": "Done", "size": "7", "tags": '["a"]', "paid": "true"}
    seen = await native(people.owner, answer["id"])
    assert (seen["channel_id"], seen["properties"]) == (str(channel.id), {"trial_status": "Done"})


# Where it goes


async def test_a_till_with_one_channel_uses_it(people: People, till: Till) -> None:
    channel = await people.owner.channel(template="sales")

    answer = await till.add(status="WON")

    seen = await native(people.owner, answer["id"])
    assert (seen["channel_id"], seen["status"]["name"]) == (str(channel.id), "Won")


async def test_among_many_the_one_of_the_template_is_used(people: People, channel: Channel, till: Till) -> None:
    await people.owner.channel(template="sales")

    assert (await native(people.owner, (await till.add())["id"]))["channel_id"] == str(channel.id)


async def test_the_default_channel_goes_first(people: People, channel: Channel) -> None:
    other = await people.owner.channel(template="capillary")
    till = await make_till(people.owner, default_channel=other.id)

    assert (await native(people.owner, (await till.add())["id"]))["channel_id"] == str(other.id)


async def test_partner_adds_to_the_shared_channel(people: People) -> None:
    await people.shared_channel(template="capillary")
    till = await make_till(people.partner)

    answer = await till.add()

    assert answer["lastUpdatedBy"] == till.number
    assert (await people.owner.count("leads"), await people.partner.count("capillary_customers")) == (1, 1)


@pytest.mark.parametrize("count", [0, 2])
async def test_no_way_to_choose_a_channel_says_what_to_do(people: People, till: Till, count: int) -> None:
    for _ in range(count):
        await people.owner.channel(template="capillary")

    status, code, message = await till.refused("POST", "", MINIMAL)

    assert (status, code) == (400, 9712)
    assert "default_channel" in message


async def test_archived_channel_takes_no_lead(people: People, channel: Channel) -> None:
    till = await make_till(people.owner, default_channel=channel.id)
    await people.owner.http.post(f"/v1/channels/{channel.id}/archive")

    assert (await till.refused("POST", "", MINIMAL))[:2] == (400, 9711)


# Refusals


@pytest.mark.parametrize(
    ("changed", "code", "start"),
    [
        ({"leadFor": None}, 9702, 'The mandatory field "leadFor"'),
        ({"leadFor": " "}, 9702, 'The mandatory field "leadFor"'),
        ({"identifier": ""}, 9702, 'The mandatory field "identifier"'),
        ({"idType": None}, 9702, 'The mandatory field "idType"'),
        ({"statusLogDetails": [{}]}, 9702, 'The mandatory field "statusLogDetails[0].status"'),
        ({"followUpDetails": [{"notes": "x"}]}, 9702, 'The mandatory field "followUpDetails[0].followedUpOn"'),
        ({"idType": "PHONE"}, 9715, 'idType: "PHONE" is none of EMAIL, MOBILE'),
        ({"type": "ALL"}, 9715, "type: "),
        ({"identifier": "tom"}, 9716, "identifier: "),
        ({"idType": "MOBILE"}, 9716, "identifier: "),
        ({"idType": "MOBILE", "identifier": "9876543210"}, 9716, "identifier: "),
        ({"status": "SOLD"}, 9703, "status: "),
        ({"statusLogDetails": [{"status": "SOLD"}, {"status": "WON"}]}, 9703, "status: "),
        ({"statusLogDetails": [{"status": "WON", "reasonId": 9}]}, 9705, "reasonId: "),
        ({"statusLogDetails": [{"status": "WON", "reasonId": "x"}]}, 9705, "reasonId: "),
        ({"subStatus": "Unheard"}, 9704, "subStatus: "),
        ({"createdOn": "2999-01-01"}, 9700, "createdOn: "),
        ({"createdOn": "soon"}, 400, "createdOn: "),
        ({"nextFollowUp": "9999-01-01"}, 9700, "nextFollowUp: "),
        ({"lastFollowUp": "05/10/2018"}, 400, "lastFollowUp: "),
        ({"followUpDetails": [{"followedUpOn": "soon"}]}, 400, "followedUpOn: "),
        ({"owner": "x" * 201}, 9700, "owner: "),
        ({"leadFor": "x" * 20000}, 9700, "leadFor and extendedFields"),
        ({"extendedFields": {"x": "x" * 20000}}, 9700, "leadFor and extendedFields"),
        ({"extendedFields": {"seats": "many"}}, 9709, "extendedFields/seats: "),
        ({"userId": 0}, 400, "userId: "),
        ({"userId": 1 << 63}, 400, "userId: "),
        ({"statusLogDetails": [{"status": "OPEN"}] * 1001}, 400, "statusLogDetails: "),
        ({"statusLogDetails": [{"status": "OPEN"}] * 1000, "status": "WON"}, 9700, "statusLogDetails: "),
    ],
)
async def test_refusal_leaves_neither_lead_nor_customer(
    people: People, changed: dict[str, Any], code: int, start: str
) -> None:
    properties = (NewProperty(name="seats", type="number"),)  # type: ignore[arg-type]  # as a request has it
    await people.owner.channel(template="capillary", properties=properties)
    till = await make_till(people.owner)

    status, told, message = await till.refused("POST", "", MINIMAL | changed)

    assert (status, told) == (403 if code == 9702 else 400, code)
    assert message.startswith(start)


async def test_every_missing_field_is_named(people: People, channel: Channel, till: Till) -> None:
    answer = await till.call("POST", "", {})

    assert answer.status_code == 403
    assert [item["code"] for item in answer.json()["errors"]] == [9702, 9702, 9702]


async def test_reason_that_the_status_requires_says_how_to_send_it(people: People, till: Till, reason: int) -> None:
    lost = NewStatus(name="LOST", category=Category.LOST, requires=(Requirement.REASON,))
    await people.owner.channel(statuses=(NewStatus(name="OPEN"), lost))

    _, code, message = await till.refused("POST", "", MINIMAL | {"status": "LOST"})
    answer = await till.add(status="LOST", statusLogDetails=[{"status": "LOST", "reasonId": reason}])

    assert (code, "statusLogDetails" in message) == (9707, True)
    assert answer["status"] == "LOST"


async def test_read_only_till_adds_nothing(people: People, channel: Channel) -> None:
    till = await make_till(people.owner, scopes=(Scope.READ,))

    assert (await till.refused("POST", "", MINIMAL))[:2] == (403, 403)


@pytest.mark.parametrize(
    ("time_zone", "sent", "expected"),
    [
        ("Asia/Kolkata", "2018-10-05", "2018-10-05T00:00:00+05:30"),
        ("America/St_Johns", "2018-07-05T08:00:00", "2018-07-05T08:00:00-02:30"),
        ("America/St_Johns", "2018-12-05T08:00:00Z", "2018-12-05T04:30:00-03:30"),
        ("America/St_Johns", "1930-01-01", "1930-01-01T03:30:52Z"),
        ("Asia/Kolkata", "1905-06-01T00:00:00", "1905-05-31T18:38:50Z"),
    ],
)
async def test_times_are_those_of_the_tills_zone_with_an_offset_that_clients_can_read(
    people: People, channel: Channel, time_zone: str, sent: str, expected: str
) -> None:
    till = await make_till(people.owner, time_zone=time_zone)

    assert (await till.add(createdOn=sent))["createdOn"] == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"createdOn": "2999-01-01"}, "createdOn: must lie between 1900 and 2200"),
        ({"nextFollowUp": "2999-01-01"}, "nextFollowUp: must lie between 1900 and 2200"),
        ({"owner": "x" * 201}, "owner: is longer than 200 characters"),
        (
            {"extendedFields": {"x": json.loads("[" * 40 + "]" * 40)}},
            "leadFor and extendedFields are too long or nested too deeply; a lead keeps 16 KiB of them that are no"
            " properties, and no more than 30 levels",
        ),
    ],
)
async def test_refusal_speaks_of_the_vendors_members(
    channel: Channel, till: Till, body: dict[str, Any], message: str
) -> None:
    body = {"leadFor": "item001", "userId": 5} | body

    assert (await till.refused("POST", "", body)) == (400, 9700, message)
