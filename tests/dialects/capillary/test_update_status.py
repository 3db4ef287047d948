"""PUT /v2/leads/{leadId}/status: what it changes and what follows (contracts/capillary.md, section 5.5)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadrail.core.channels.model import Category, Channel, PropertyType, Reason, Requirement
from leadrail.core.leads.model import Lead
from leadrail.dialects.capillary import reading
from leadrail.dialects.capillary.wire import shown
from tests.dialects.capillary.conftest import (
    Till,
    events,
    key_number,
    make_sub_status,
    make_till,
    move_to,
    nothing_changes,
)
from tests.people import NewProperty, NewStatus, People


async def test_win_is_recorded_once_with_all_that_follows(
    people: People, channel: Channel, lead: Lead, till: Till, reason: int
) -> None:
    await people.owner.trigger(channel, cause="status_change", status="WON", amount=Decimal(25))
    await people.owner.endpoint("http://127.0.0.1:9/hook")

    answer = await till.put(lead, status="WON", reasonId=reason)

    assert (answer.json()["status"], answer.json()["warnings"]) == ("WON", [])
    won, _ = await events(people.owner, lead)
    assert (won["type"], won["face"], won["data"]["to"]["name"]) == ("lead.status_changed", "capillary", "WON")
    assert await people.owner.counts() == {"leads": 1, "events": 3, "deliveries": 2, "rewards": 1}


@pytest.mark.parametrize("status", ["OPEN", "WON", "LOST", "ON_HOLD", "DELETED"])
async def test_every_status_can_be_set(people: People, lead: Lead, till: Till, reason: int, status: str) -> None:
    answer = await till.put(lead, status=status, reasonId=reason)

    assert answer.json()["status"] == status
    assert [entry["status"] for entry in answer.json()["statusLogDetails"]] == ["OPEN", status]


@pytest.mark.parametrize("kind", [int, str])
async def test_reason_id_is_a_number_or_its_text(
    people: People, lead: Lead, till: Till, reasons: list[Reason], kind: type
) -> None:
    answer = await till.put(lead, status="LOST", reasonId=kind(reasons[1].number))

    entry = answer.json()["statusLogDetails"][-1]
    assert (entry["reasonId"], entry["reason"]) == (reasons[1].number, reasons[1].text)


async def test_sub_status_is_kept_with_its_status(people: People, lead: Lead, till: Till, reason: int) -> None:
    await make_sub_status(people.owner, Category.ON_HOLD, "YetToDecide")

    held = await till.put(lead, status="ON_HOLD", subStatus="yettodecide", reasonId=reason)
    won = await till.put(lead, status="WON", reasonId=reason)

    assert held.json()["subStatus"] == "YetToDecide"
    assert "subStatus" not in won.json()
    assert [entry.get("subStatus") for entry in won.json()["statusLogDetails"]] == [None, "YetToDecide", None]


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        ("2018-10-05T08:00:00+05:30", "2018-10-05T08:00:00+05:30"),
        ("2018-10-05T08:00:00Z", "2018-10-05T13:30:00+05:30"),
        ("2018-10-05T08:00:00.250+0530", "2018-10-05T08:00:00+05:30"),
        ("2018-10-05T08:00:00", "2018-10-05T08:00:00+05:30"),
        ("2018-10-05", "2018-10-05T00:00:00+05:30"),
    ],
)
async def test_log_carries_the_time_that_the_caller_gives(
    people: People, lead: Lead, till: Till, reason: int, sent: str, logged: str
) -> None:
    await move_to(people.owner, "Asia/Kolkata")

    answer = await till.put(lead, status="LOST", reasonId=reason, createdOn=sent)

    assert answer.json()["statusLogDetails"][-1]["createdOn"] == logged
    (lost,) = await events(people.owner, lead)
    assert lost["occurred_at"].replace(microsecond=0) == datetime.fromisoformat(logged)


async def test_backdated_change_keeps_the_servers_time_as_that_of_the_update(
    people: People, lead: Lead, till: Till, reason: int
) -> None:
    answer = await till.put(lead, status="LOST", reasonId=reason, createdOn="2018-10-05T08:00:00Z")

    updated = datetime.fromisoformat(answer.json()["lastUpdatedOn"])
    assert people.owner.core.clock() - updated < timedelta(minutes=1)


async def test_log_names_the_staff_member_and_the_lead_the_till(
    people: People, lead: Lead, till: Till, reason: int
) -> None:
    answer = (await till.put(lead, status="WON", reasonId=reason, createdBy=28812689)).json()

    assert answer["statusLogDetails"][-1]["createdBy"] == 28812689
    assert answer["lastUpdatedBy"] == till.number
    (won,) = await events(people.owner, lead)
    assert won["data"]["context"] == {"created_by": 28812689}


async def test_log_names_the_till_that_made_each_change(people: People, lead: Lead, till: Till, reason: int) -> None:
    other = await make_till(people.owner)
    await other.put(lead, status="ON_HOLD", reasonId=reason)

    answer = (await till.put(lead, status="WON", reasonId=reason)).json()

    assert [entry["createdBy"] for entry in answer["statusLogDetails"]] == [
        await key_number(people.owner),
        other.number,
        till.number,
    ]


async def test_repeat_gets_the_same_answer_and_writes_nothing(
    people: People, lead: Lead, till: Till, reason: int
) -> None:
    first = await till.put(lead, status="LOST", reasonId=reason, createdBy=5)

    async with nothing_changes(people.owner):
        second = await till.put(lead, status="LOST", reasonId=str(reason), createdBy=5)

    assert second.json() == first.json()


async def test_another_reason_for_the_same_status_is_logged(
    people: People, lead: Lead, till: Till, reasons: list[Reason]
) -> None:
    await till.put(lead, status="LOST", reasonId=reasons[0].number)

    answer = await till.put(lead, status="LOST", reasonId=reasons[1].number)

    log = answer.json()["statusLogDetails"]
    assert [entry.get("reasonId") for entry in log] == [None, reasons[0].number, reasons[1].number]


async def test_log_ids_are_those_of_the_event_feed(people: People, lead: Lead, till: Till, reason: int) -> None:
    answer = await till.put(lead, status="WON", reasonId=reason)

    (won,) = await events(people.owner, lead)
    assert answer.json()["statusLogDetails"][-1]["id"] == won["seq"]


async def test_long_history_is_answered_whole(
    people: People, lead: Lead, till: Till, reasons: list[Reason], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_PAGE", 2)
    for turn in range(4):
        answer = await till.put(lead, status="LOST", reasonId=reasons[turn % 2].number)

    assert len(answer.json()["statusLogDetails"]) == 5


# Leads that were made elsewhere


async def test_native_lead_comes_out_with_defaults(people: People, till: Till, reason: int) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sales"), name="Tom Sawyer")

    answer = (await till.put(lead, status="WON", reasonId=reason)).json()

    names = ("id", "userId", "type", "orgSourceId", "extendedFields", "createdBy")
    assert {name: answer[name] for name in names} == {
        "id": lead.number,
        "userId": lead.number,
        "type": "SKU",
        "orgSourceId": -1,
        "extendedFields": {},
        "createdBy": await key_number(people.owner),
    }
    assert not {"leadFor", "owner", "subStatus", "nextFollowUp", "lastFollowUp"} & set(answer)


async def test_null_members_are_left_out(people: People, lead: Lead, till: Till, reason: int) -> None:
    answer = await till.put(lead, status="WON", reasonId=reason)

    assert "null" not in answer.text


async def test_native_lead_is_read_natively_after_the_move(people: People, till: Till, reason: int) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sales"), name="Tom Sawyer")

    await till.put(lead, status="WON", reasonId=reason)

    seen = (await people.owner.http.get(f"/v1/leads/{lead.id}")).json()
    assert (seen["status"]["name"], seen["reason"]) == ("Won", "Item not available in store")


async def test_status_without_a_word_is_shown_by_its_category(people: People, till: Till, reason: int) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sales"), name="Tom Sawyer")
    await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Qualified", "reason": "Talked"})

    answer = await till.put(lead, status="WON", reasonId=reason)

    log = answer.json()["statusLogDetails"]
    assert [entry["status"] for entry in log] == ["OPEN", "OPEN", "WON"]
    assert (log[1]["reason"], "reasonId" in log[1], log[1]["createdBy"]) == (
        "Talked",
        False,
        await key_number(people.owner),
    )


async def test_extended_fields_are_the_properties_as_text(people: People, till: Till, reason: int) -> None:
    properties = (NewProperty(name="trial_status"), NewProperty(name="seats", type=PropertyType.NUMBER))
    channel = await people.owner.channel(template="capillary", properties=properties)
    lead = await people.owner.lead(channel, {"trial_status": "Done", "seats": 4}, assignee="anita")

    answer = (await till.put(lead, status="WON", reasonId=reason)).json()

    assert answer["extendedFields"] == {"trial_status": "Done", "seats": "4"}
    assert answer["owner"] == "anita"


async def test_partner_of_a_shared_channel_moves_its_lead(people: People, reason: int) -> None:
    lead = await people.owner.lead(await people.shared_channel(template="capillary"), name="Tom Sawyer")
    till = await make_till(people.partner)

    answer = await till.put(lead, status="WON", reasonId=reason)

    assert (answer.json()["id"], answer.json()["lastUpdatedBy"]) == (lead.number, till.number)


# Refusals by the rules


async def refused(till: Till, lead: Lead, **body: Any) -> tuple[int, int, str]:
    """The status, code and text of a refusal that changed nothing."""
    async with nothing_changes(till.person):
        answer = await till.put(lead, **body)
    (item,) = answer.json()["errors"]
    return answer.status_code, item["code"], item["message"]


@pytest.mark.parametrize("absent", [{}, {"reasonId": None}, {"reasonId": ""}])
async def test_missing_reason_is_refused_by_its_name(
    people: People, lead: Lead, till: Till, absent: dict[str, None]
) -> None:
    assert await refused(till, lead, status="WON", **absent) == (
        403,
        9702,
        'The mandatory field "reasonId" is missing',
    )


async def test_every_missing_field_is_named(people: People, lead: Lead, till: Till) -> None:
    async with nothing_changes(people.owner):
        answer = await till.put(lead)

    assert [item["message"] for item in answer.json()["errors"]] == [
        'The mandatory field "status" is missing',
        'The mandatory field "reasonId" is missing',
    ]


@pytest.mark.parametrize("reason_id", [0, -1, 1 << 40, 1 << 70, "abc", "-1", "9" * 30, "٣"])
async def test_unknown_reason_is_refused(people: People, lead: Lead, till: Till, reason_id: int | str) -> None:
    assert (await refused(till, lead, status="WON", reasonId=reason_id))[:2] == (400, 9705)


async def test_reason_of_another_company_is_unknown(people: People, lead: Lead, reason: int) -> None:
    channel = await people.stranger.channel(template="capillary")
    foreign = await people.stranger.lead(channel, name="Huck Finn")
    till = await make_till(people.stranger)

    assert (await refused(till, foreign, status="WON", reasonId=reason))[:2] == (400, 9705)


@pytest.mark.parametrize("sub_status", ["Unheard", "YetToDecide"])
async def test_sub_status_of_another_status_is_refused(
    people: People, lead: Lead, till: Till, reason: int, sub_status: str
) -> None:
    await make_sub_status(people.owner, Category.ON_HOLD, "YetToDecide")

    status, code, message = await refused(till, lead, status="WON", reasonId=reason, subStatus=sub_status)

    assert (status, code) == (400, 9704)
    assert message.startswith("subStatus: ")


async def test_unknown_status_is_refused(people: People, lead: Lead, till: Till, reason: int) -> None:
    status, code, message = await refused(till, lead, status="SOLD", reasonId=reason)

    assert (status, code) == (400, 9703)
    assert "OPEN, WON, LOST, ON_HOLD, DELETED" in message


async def test_status_that_the_channel_lacks_is_refused(people: People, till: Till, reason: int) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sales"), name="Tom Sawyer")

    assert (await refused(till, lead, status="ON_HOLD", reasonId=reason))[:2] == (400, 9703)


async def test_requirement_that_this_face_cannot_carry_says_where_to_meet_it(
    people: People, till: Till, reason: int
) -> None:
    won = NewStatus(name="WON", category=Category.WON, requires=(Requirement.VALUE, Requirement.CURRENCY))
    lead = await people.owner.lead(await people.owner.channel(statuses=(NewStatus(name="OPEN"), won)), name="Tom")

    message = 'The status "WON" requires value and currency; set it on the lead by the native API'
    assert await refused(till, lead, status="WON", reasonId=reason) == (400, 9707, message)


@pytest.mark.parametrize(
    "created_on", ["yesterday", "05/10/2018", "2018-13-01", "0001-01-01T00:00:00+05:30", "0001-01-01", "٢٠١٨"]
)
async def test_unreadable_time_is_refused(people: People, lead: Lead, till: Till, reason: int, created_on: str) -> None:
    status, _, message = await refused(till, lead, status="WON", reasonId=reason, createdOn=created_on)

    assert status == 400
    assert message.startswith("createdOn: ")


async def test_time_in_the_future_is_refused(people: People, lead: Lead, till: Till, reason: int) -> None:
    status, code, message = await refused(till, lead, status="WON", reasonId=reason, createdOn="2999-01-01")

    assert (status, code) == (400, 9700)
    assert message.startswith("createdOn: ")


@pytest.mark.parametrize("day", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_ends_of_the_calendar_are_shown_in_utc(day: datetime) -> None:
    zones = (ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata"))

    assert f"{day:%m-%dT%H:%M:%S}Z" in {shown(day, zone)[5:] for zone in zones}
