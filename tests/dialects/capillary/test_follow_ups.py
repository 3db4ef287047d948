"""Follow-ups and the status log (contracts/capillary.md, sections 5.6 to 5.8)."""

from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from leadrail.dialects.capillary import reading
from tests.dialects.capillary.conftest import Till, events, key_number, make_till
from tests.people import People


async def test_follow_up_is_recorded_once_with_what_follows(people: People, lead: Lead, till: Till) -> None:
    await people.owner.endpoint("http://127.0.0.1:9/hook")
    body = {"followedUpOn": "2018-10-05T08:00:00Z", "createdBy": 124, "followedUpBy": 5, "notes": "rang"}

    answer = await till.good("POST", f"/{lead.number}/followup", body | {"createdOn": "2018-10-06"})

    (one,) = answer["followUpDetails"]
    assert (one["createdBy"], one["followedUpBy"], one["notes"]) == (124, 5, "rang")
    assert (one["scheduledFollowUp"], answer["lastFollowUp"]) == ("2018-10-05T08:00:00Z", "2018-10-05T08:00:00Z")
    assert [event["type"] for event in await events(people.owner, lead)] == ["follow_up.recorded"]
    assert await people.owner.counts() == {"leads": 1, "events": 2, "deliveries": 1, "rewards": 0}
    assert await people.owner.count("follow_ups") == 1


async def test_next_follow_up_is_the_leads(people: People, lead: Lead, till: Till) -> None:
    planned = {"followedUpOn": "2018-10-05", "nextFollowUp": "2018-10-09T08:00:00Z"}

    one = await till.good("POST", f"/{lead.number}/followup", planned)
    two = await till.good("POST", f"/{lead.number}/followup", {"followedUpOn": "2018-10-09T08:00:00Z"})

    assert (one["nextFollowUp"], "nextFollowUp" in two) == ("2018-10-09T08:00:00Z", False)
    assert [entry.get("nextFollowUp") for entry in one["followUpDetails"]] == [None]


@pytest.mark.parametrize("name", ["scheduledFollowUp", "nextFollowUp"])
async def test_a_plan_alone_is_a_follow_up_of_the_till(people: People, lead: Lead, till: Till, name: str) -> None:
    answer = await till.good("POST", f"/{lead.number}/followup", {name: "2030-01-01T08:00:00Z"})

    (one,) = answer["followUpDetails"]
    assert (answer["nextFollowUp"], one["createdBy"]) == ("2030-01-01T08:00:00Z", till.number)
    assert not {"lastFollowUp", "followedUpOn"} & {*answer, *one}


@pytest.mark.parametrize(
    ("body", "status", "code", "start"),
    [
        ({"createdBy": 124}, 403, 9702, 'The mandatory field "followedUpOn"'),
        ({"followedUpOn": "", "notes": "x"}, 403, 9702, 'The mandatory field "followedUpOn"'),
        ({"followedUpOn": "soon"}, 400, 400, "followedUpOn: "),
        ({"followedUpOn": "9999-01-01"}, 400, 9700, "followedUpOn: "),
        ({"followedUpOn": "2018-10-05", "nextFollowUp": "9999-01-01"}, 400, 9700, "nextFollowUp: "),
        ({"followedUpOn": "2018-10-05", "createdBy": "me"}, 400, 400, "createdBy: "),
        ({"followedUpOn": "2018-10-05", "notes": "x" * 20001}, 400, 9700, "notes: "),
    ],
)
async def test_bad_follow_up_is_refused(
    lead: Lead, till: Till, body: dict[str, Any], status: int, code: int, start: str
) -> None:
    answer = await till.refused("POST", f"/{lead.number}/followup", body)

    assert answer[:2] == (status, code)
    assert answer[2].startswith(start)


async def test_follow_ups_of_another_face_are_listed(people: People, lead: Lead, till: Till) -> None:
    body = {"done_at": "2018-10-05T08:00:00Z", "done_by": "anita"}
    await people.owner.http.post(f"/v1/leads/{lead.id}/follow-ups", json=body)

    (one,) = (await till.good("GET", f"/{lead.number}/followups"))["data"]

    assert (one["createdBy"], "followedUpBy" in one, one["followedUpOn"]) == (-1, False, "2018-10-05T08:00:00Z")


async def test_status_log_is_that_of_the_whole_lead(people: People, lead: Lead, till: Till, reason: int) -> None:
    moved = (await till.put(lead, status="WON", reasonId=reason)).json()

    log = (await till.good("GET", f"/{lead.number}/statusLog"))["data"]

    assert log == moved["statusLogDetails"]
    assert [entry["createdBy"] for entry in log] == [await key_number(people.owner), till.number]


async def test_log_names_a_partners_till_by_its_number(people: People, till: Till, reason: int) -> None:
    lead = await people.owner.lead(await people.shared_channel(template="capillary"), name="Tom Sawyer")
    partner = await make_till(people.partner)
    await partner.put(lead, status="WON", reasonId=reason)

    log = (await till.good("GET", f"/{lead.number}/statusLog"))["data"]

    assert [entry["createdBy"] for entry in log] == [await key_number(people.owner), partner.number]


async def test_status_log_is_listed_whole(
    people: People, channel: Channel, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_PAGE", 50)
    lead = await till.add(statusLogDetails=[{"status": word} for word in ("OPEN", "LOST") * 60])

    log = (await till.good("GET", f"/{lead['id']}/statusLog"))["data"]

    assert [entry["id"] for entry in log] == sorted(entry["id"] for entry in log)
    assert len(log) == 120


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [("POST", "followup", Scope.WRITE), ("GET", "followups", Scope.READ), ("GET", "statusLog", Scope.READ)],
)
async def test_others_see_and_change_nothing(people: People, lead: Lead, method: str, path: str, needed: Scope) -> None:
    stranger = await make_till(people.stranger)
    bound = await make_till(people.owner, channel_ids=((await people.owner.channel()).id,))
    unfit = await make_till(people.owner, scopes=tuple({Scope.READ, Scope.WRITE} - {needed}))
    body, before = {"followedUpOn": "2018-10-05"}, await people.owner.digests()

    answers = [await till.refused(method, f"/{lead.number}/{path}", body) for till in (stranger, bound, unfit)]

    assert [answer[:2] for answer in answers] == [(404, 9701), (404, 9701), (403, 403)]
    assert await people.owner.digests() == before


async def test_of_very_many_follow_ups_the_newest_are_shown(channel: Channel, till: Till) -> None:
    lead = await till.add(followUpDetails=[{"followedUpOn": "2018-01-01"}] * 1000)

    answer = await till.good("POST", f"/{lead['id']}/followup", {"followedUpOn": "2018-10-05", "notes": "rang"})
    listed = (await till.good("GET", f"/{lead['id']}/followups"))["data"]

    assert listed[-1]["notes"] == "rang"
    assert (len(listed), listed) == (1000, answer["followUpDetails"])
