"""The vendor's own examples, sent over HTTP as they are printed; ids and times are mapped."""

import re
from typing import Any

from leadrail.core.channels.model import Category, Reason
from leadrail.core.leads.model import Lead
from tests.dialects.capillary.conftest import Till, make_sub_status, make_till, move_to, sample
from tests.people import NewProperty, People

INDIAN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30")


async def printed_lead(people: People) -> Lead:
    """The lead of the printed answer, made natively in a company in India."""
    await move_to(people.owner, "Asia/Kolkata")
    channel = await people.owner.channel(template="capillary", properties=(NewProperty(name="trial_status"),))
    attribution = {"user_id": 368754334, "lead_type": "SKU", "lead_for": "item001", "org_source_id": -1}
    lead = await people.owner.lead(channel, {"trial_status": "Not Done"}, attribution=attribution)
    follow_up = {
        "scheduled_at": "2018-10-04T12:30:00+05:30",
        "done_at": "2018-10-04T12:45:00+05:30",
        "done_by": "28812689",
        "next_at": "2018-10-05T08:00:00+05:30",
        "notes": "notes 1",
    }
    await people.owner.http.post(f"/v1/leads/{lead.id}/follow-ups", json=follow_up)
    return lead


def types_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: types_of(member) for name, member in value.items()}
    return type(value)


async def test_printed_request_appends_the_printed_entry(people: People, till: Till, reasons: list[Reason]) -> None:
    example = sample("update-status")
    lead = await printed_lead(people)
    await make_sub_status(people.owner, Category.ON_HOLD, "YetToDecide")

    answer = await till.put(lead, **example["request"] | {"reasonId": reasons[1].number})

    assert answer.status_code == 200, answer.text
    entry = answer.json()["statusLogDetails"][-1]
    assert INDIAN_TIME.fullmatch(entry["createdOn"])
    mapped = {"id": entry["id"], "leadId": lead.number, "createdOn": entry["createdOn"]}
    assert entry == example["entry"] | mapped | {"reasonId": reasons[1].number}


async def test_whole_lead_has_the_printed_members(people: People, till: Till, reason: int) -> None:
    printed = sample("whole-lead")["answer"]
    lead = await printed_lead(people)

    answer = (await till.put(lead, status="ON_HOLD", reasonId=reason)).json()

    assert answer.pop("lastFollowUp") == "2018-10-04T12:45:00+05:30"  # printed on other pages
    assert types_of(answer) == types_of(printed)
    given = ("userId", "type", "leadFor", "status", "nextFollowUp", "extendedFields", "orgSourceId", "warnings")
    assert {name: answer[name] for name in given} == {name: printed[name] for name in given}


async def test_follow_up_and_log_have_the_printed_members(people: People, till: Till, reason: int) -> None:
    printed = sample("whole-lead")["answer"]
    lead = await printed_lead(people)

    answer = (await till.put(lead, status="ON_HOLD", reasonId=reason)).json()

    (follow_up,) = answer["followUpDetails"]
    assert types_of(follow_up) == types_of(printed["followUpDetails"][0])
    given = ("userId", "notes", "followedUpBy", "followedUpOn", "scheduledFollowUp")
    assert {name: follow_up[name] for name in given} == {name: printed["followUpDetails"][0][name] for name in given}
    assert types_of(answer["statusLogDetails"][1]) == types_of(printed["statusLogDetails"][1])
    assert [entry["status"] for entry in answer["statusLogDetails"]] == ["OPEN", "ON_HOLD"]


async def test_time_without_an_offset_is_printed_with_z(people: People, till: Till, lead: Lead, reason: int) -> None:
    printed = sample("status-log")["entry"]["createdOn"]

    answer = await till.put(lead, status="OPEN", reasonId=reason, createdOn=printed)

    assert answer.json()["statusLogDetails"][-1]["createdOn"] == printed


async def test_error_is_the_printed_item_in_the_printed_list(people: People, till: Till, reason: int) -> None:
    printed = sample("item")

    answer = await till.put(1 << 40, status="WON", reasonId=reason)

    body = answer.json()
    assert (list(body), body["data"], body["warnings"]) == (list(printed["list"]), [], [])
    assert types_of(body["errors"][0]) == types_of(printed["item"])


async def test_printed_login_is_let_in(people: People, lead: Lead, reason: int) -> None:
    printed = sample("basic-login")
    await people.owner.rows("DELETE FROM api_keys WHERE till = $1 RETURNING id", printed["till"])
    await make_till(people.owner, till=printed["till"], password=printed["password"])
    body = {"status": "WON", "reasonId": reason}

    answer = await people.owner.http.put(
        f"/capillary/v2/leads/{lead.number}/status", json=body, headers={"Authorization": printed["header"]}
    )

    assert answer.status_code == 200, answer.text
