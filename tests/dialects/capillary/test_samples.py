"""The vendor's own examples, sent over HTTP as they are printed; ids, logins and the server's times are mapped."""

import re
from typing import Any

from leadrail.core import actor
from leadrail.core.channels.model import Category, Channel, Reason
from leadrail.core.leads.commands import ChangeStatus
from leadrail.core.leads.model import Lead
from leadrail.dialects.words import CAPILLARY
from tests.dialects.capillary.conftest import Till, make_reasons, make_sub_status, make_till, sample
from tests.people import People

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\+05:30|Z)")
OWN_IDS = ("id", "leadId", "userId", "reasonId")


def shape(value: Any) -> Any:
    """The value with the type of each member in its place, members in their order."""
    if isinstance(value, dict):
        return [(name, shape(member)) for name, member in value.items()]
    if isinstance(value, list):
        return [shape(member) for member in value]
    return type(value)


def mapped(printed: Any, answer: Any, *names: str) -> Any:
    """What is printed, with these members as they were answered."""
    if isinstance(printed, dict):
        return {
            name: answer[name] if name in names else mapped(member, answer[name], *names)
            for name, member in printed.items()
        }
    if isinstance(printed, list):
        return [mapped(*pair, *names) for pair in zip(printed, answer, strict=True)]
    return printed


def assert_as_printed(answer: Any, printed: Any, *names: str) -> None:
    """Every member in the printed order and of the printed type, and equal but for those named and ids of ours."""
    assert shape(answer) == shape(printed)
    assert answer == mapped(printed, answer, *OWN_IDS, *names)


async def indian_till(people: People) -> Till:
    return await make_till(people.owner, time_zone="Asia/Kolkata")


async def add_printed(people: People, till: Till) -> tuple[Any, list[Reason]]:
    """What adding the printed lead answers, and the reasons that it was sent with."""
    reasons = await make_reasons(people.owner, "Best price available at another store", "Item not available in store")
    request = sample("add-lead")["request"]
    for entry in request["statusLogDetails"]:
        entry["reasonId"] = reasons[entry["reasonId"] - 1].number
    return await till.good("POST", "", request), reasons


async def test_add_lead(people: People, channel: Channel) -> None:
    till = await indian_till(people)

    answer, reasons = await add_printed(people, till)

    assert answer.pop("lastFollowUp") == "2018-10-04T12:45:00+05:30"  # printed on other pages
    printed = sample("add-lead")["answer"]
    printed["lastUpdatedBy"] = till.number
    printed["createdBy"] = 28812689
    for entry in (*printed["followUpDetails"], *printed["statusLogDetails"]):
        entry["createdBy"] = till.number
        entry["createdOn"] = answer["lastUpdatedOn"]
    assert_as_printed(answer, printed, "lastUpdatedOn")
    assert TIME.fullmatch(answer["lastUpdatedOn"])
    assert [entry["reasonId"] for entry in answer["statusLogDetails"]] == [reason.number for reason in reasons]
    assert {entry["userId"] for entry in answer["statusLogDetails"]} == {answer["userId"]}
    assert {entry["leadId"] for entry in answer["followUpDetails"]} == {answer["id"]}


async def test_list(people: People, channel: Channel) -> None:
    till = await indian_till(people)
    added, _ = await add_printed(people, till)

    answer = await till.good("GET", "", params={"userId": added["userId"], "status": "ON_HOLD", "type": "ALL"})

    del added["warnings"]
    assert answer == sample("item")["list"] | {"data": [added]}
    assert list(answer) == list(sample("item")["list"])


async def test_update_lead(people: People, channel: Channel, till: Till) -> None:
    added = await till.add()

    answer = await till.good("PUT", f"/{added['id']}", sample("update-lead")["request"])

    printed = sample("update-lead")["request"]
    assert {name: answer[name] for name in printed} == printed
    assert list(answer)[-2:] == ["owner", "warnings"]


async def test_update_status(people: People, channel: Channel, reasons: list[Reason]) -> None:
    till, example = await indian_till(people), sample("update-status")
    await make_sub_status(people.owner, Category.ON_HOLD, "YetToDecide")
    lead = await till.add()

    answer = await till.put(lead["id"], **example["request"] | {"reasonId": reasons[1].number})

    entry = answer.json()["statusLogDetails"][-1]
    assert_as_printed(entry, example["entry"], "createdOn")
    assert TIME.fullmatch(entry["createdOn"])
    assert (entry["leadId"], entry["userId"], entry["reasonId"]) == (lead["id"], lead["userId"], reasons[1].number)
    assert (answer.json()["lastUpdatedBy"], answer.json()["subStatus"]) == (till.number, "YetToDecide")


async def test_a_system_job_is_logged_as_minus_one(people: People, lead: Lead, till: Till) -> None:
    printed = sample("update-status")["older"]
    (reason,) = await make_reasons(people.owner, printed["reason"])
    job = actor.system(people.owner.company_id, "worker")
    to = CAPILLARY.reference(printed["status"])
    close = ChangeStatus(actor=job, lead_id=lead.id, status=to, reason_number=reason.number)
    await people.owner.core.engine.execute_one(close)

    (_, entry) = (await till.good("GET", f"/{lead.number}/statusLog"))["data"]

    assert {name: entry[name] for name in printed} == printed | {"reasonId": reason.number}


async def test_status_log(people: People, channel: Channel, till: Till) -> None:
    printed = sample("status-log")["answer"]
    (entry,) = printed["data"]
    (reason,) = await make_reasons(people.owner, entry["reason"])
    log = [{"status": entry["status"], "reasonId": reason.number}]
    lead = await till.add(statusLogDetails=log)

    answer = await till.good("GET", f"/{lead['id']}/statusLog")

    assert_as_printed(answer, printed, "createdBy", "createdOn")
    assert TIME.fullmatch(answer["data"][0]["createdOn"])
    assert answer["data"][0]["createdBy"] == till.number


async def test_status_log_shows_the_printed_time(people: People, lead: Lead, till: Till, reason: int) -> None:
    printed = sample("status-log")["answer"]["data"][0]["createdOn"]

    answer = await till.put(lead, status="OPEN", reasonId=reason, createdOn=printed)

    assert answer.json()["statusLogDetails"][-1]["createdOn"] == printed


async def test_record_follow_up(people: People, channel: Channel) -> None:
    till, request = await indian_till(people), sample("follow-up")["request"]
    lead = await till.add()

    answer = await till.good("POST", f"/{lead['id']}/followup", request)

    (entry,) = answer["followUpDetails"]
    assert entry | {"id": 0, "createdOn": ""} == {
        "id": 0,
        "userId": lead["userId"],
        "leadId": lead["id"],
        "createdBy": 124,
        "createdOn": "",
        "followedUpBy": 124,
        "followedUpOn": "2018-10-05T08:00:00+05:30",
        "scheduledFollowUp": "2018-10-05T08:00:00+05:30",
    }
    assert (answer["lastFollowUp"], answer["lastUpdatedBy"]) == ("2018-10-05T08:00:00+05:30", till.number)


async def test_follow_ups(people: People, channel: Channel, till: Till) -> None:
    printed = sample("follow-ups")["answer"]
    names = ("notes", "createdBy", "followedUpBy", "followedUpOn", "scheduledFollowUp")
    lead = await till.add()
    await till.good("POST", f"/{lead['id']}/followup", {name: printed["data"][0][name] for name in names})

    answer = await till.good("GET", f"/{lead['id']}/followups")

    assert_as_printed(answer, printed, "createdOn")
    assert TIME.fullmatch(answer["data"][0]["createdOn"])


async def test_reasons(people: People, admin: Till) -> None:
    example = sample("reasons")

    added = await admin.good("POST", "/reasons", example["request"])
    listed = await admin.good("GET", "/reasons")

    assert_as_printed(added, example["answer"])
    assert listed == added
    assert added["data"][0]["id"] < added["data"][1]["id"]


async def test_sub_statuses(people: People, admin: Till) -> None:
    example = sample("sub-statuses")

    added = await admin.good("POST", "/substatus", example["request"])
    await admin.good("POST", "/substatus", example["list"]["data"][0])
    listed = await admin.good("GET", "/substatuses")

    assert (added, listed) == (example["answer"], example["list"])
    assert (shape(added), shape(listed)) == (shape(example["answer"]), shape(example["list"]))


async def test_token(people: People, channel: Channel, till: Till) -> None:
    example = sample("token")
    request = {"key": till.name, "secret": "server123"}
    assert list(request) == list(example["request"])

    answer = await people.owner.http.post("/capillary/v3/oauth/token/generate", json=request)

    assert_as_printed(answer.json(), example["answer"], "accessToken")
    token = {"X-CAP-API-OAUTH-TOKEN": answer.json()["data"]["accessToken"]}
    assert (await till.good("GET", "", auth=None, headers=token))["data"] == []


async def test_error_is_the_printed_item_in_the_printed_list(people: People, till: Till, reason: int) -> None:
    printed = sample("item")

    answer = await till.put(1 << 40, status="WON", reasonId=reason)

    body = answer.json()
    assert (list(body), body["data"], body["warnings"]) == (list(printed["list"]), [], [])
    assert shape(body["errors"][0]) == shape(printed["item"])


async def test_printed_login_is_let_in(people: People, lead: Lead, reason: int) -> None:
    printed = sample("basic-login")
    await people.owner.rows("DELETE FROM api_keys WHERE till = $1 RETURNING id", printed["till"])
    await make_till(people.owner, till=printed["till"], password=printed["password"])
    body = {"status": "WON", "reasonId": reason}

    answer = await people.owner.http.put(
        f"/capillary/v2/leads/{lead.number}/status", json=body, headers={"Authorization": printed["header"]}
    )

    assert answer.status_code == 200, answer.text
