"""update_status: the page's example, what follows from a move, and how a status is named."""

import json
from typing import Any
from uuid import UUID

import pytest

from leadrail.core.channels.commands import archive_status
from leadrail.core.channels.model import Category
from tests.dialects.keenpartner import keen
from tests.dialects.keenpartner.keen import ask, error, sample, with_ids
from tests.people import NewStatus, People


@pytest.mark.parametrize("path", [keen.KEEN_API, keen.OPENAPI_OPERATIONS])
async def test_the_sample_is_answered_as_on_the_page_but_with_the_new_name(people: People, path: str) -> None:
    channel, page = await people.owner.channel(template="keenpartner"), sample("update_status")
    lead = await people.owner.lead(channel, email="jane@example.com", first_name="Jane", last_name="Smith")
    ids = {keen.LEAD: lead.id, keen.CHANNEL: channel.id, keen.QUALIFIED_STATUS: channel.statuses[1].id}

    answer = await people.owner.http.post(path, json=with_ids(page["request"], ids))

    assert answer.status_code == 200, answer.text
    expected = with_ids(page["answer"], ids | {keen.MOMENT: answer.json()["lead"]["created_at"]})
    expected["lead"]["status"] = "Qualified"
    assert json.dumps(answer.json()) == json.dumps(expected)


@pytest.mark.parametrize("path", [keen.KEEN_API, keen.OPENAPI_OPERATIONS])
async def test_the_sample_by_id_is_answered_alike(people: People, path: str) -> None:
    channel, page = await people.owner.channel(template="keenpartner"), sample("update_status_id")
    lead = await people.owner.lead(channel, email="jane@example.com", first_name="Jane", last_name="Smith")
    new, qualified = channel.statuses[:2]
    ids = {keen.LEAD: lead.id, keen.CHANNEL: channel.id, keen.QUALIFIED_STATUS: qualified.id, keen.NEW_STATUS: new.id}

    answer = await people.owner.http.post(path, json=with_ids(page["request"], ids))

    assert answer.status_code == 200, answer.text
    expected = with_ids(page["answer"], ids | {keen.MOMENT: answer.json()["lead"]["created_at"]})
    expected["lead"]["status"] = "Qualified"
    assert json.dumps(answer.json()) == json.dumps(expected)
    assert [one["context"] for one in await moves(people, lead.id)] == [{"old_status_id": str(new.id)}]


async def test_an_id_that_is_no_status_of_the_channel_is_not_found(people: People) -> None:
    channel, other = await people.owner.channel(), await people.owner.channel()
    lead = await people.owner.lead(channel)
    async with people.owner.core.database.transaction() as connection:
        await archive_status(connection, channel, channel.statuses[3])

    for id in (other.statuses[1].id, channel.statuses[3].id, channel.id):
        answer = await ask(people.owner, "update_status_id", lead_id=lead.id, status_id=id)
        assert error(answer) == (404, "Status ID not found")
    assert await moves(people, lead.id) == []


@pytest.mark.parametrize(
    ("wrong", "status", "text"),
    [
        ({"lead_id": None}, 400, "lead_id and status_id required"),
        ({"status_id": ""}, 400, "lead_id and status_id required"),
        ({"lead_id": "12"}, 400, "lead_id is not a UUID"),
        ({"status_id": "Won"}, 400, "status_id is not a UUID"),
        ({"old_status_id": "New"}, 400, "old_status_id is not a UUID"),
        ({"lead_id": "0190a0a0-0000-7000-8000-000000000000"}, 404, "Lead not found"),
    ],
)
async def test_a_wrong_move_by_id_says_what_is_wrong(
    people: People, wrong: dict[str, Any], status: int, text: str
) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)

    members = {"lead_id": lead.id, "status_id": channel.statuses[1].id} | wrong
    answer = await ask(people.owner, "update_status_id", **members)

    assert error(answer) == (status, text)
    assert await moves(people, lead.id) == []


async def test_the_stranger_moves_nothing_by_id(people: People) -> None:
    channel = await people.shared_channel()
    lead = await people.owner.lead(channel)

    answer = await ask(people.stranger, "update_status_id", lead_id=lead.id, status_id=channel.statuses[1].id)

    assert error(answer) == (403, "Lead not accessible")
    assert await moves(people, lead.id) == []


async def test_a_move_is_one_event_with_its_reward_deliveries_and_notice(people: People) -> None:
    channel = await people.shared_channel(template="keenpartner")
    await people.owner.trigger(channel, cause="status_change", status="Qualified", kind="fixed", amount=100)
    await people.owner.endpoint("https://example.com/hook", events=("lead.status_changed",), format="keenpartner")
    lead = await people.owner.lead(channel, email="jane@example.com")

    await ask(people.owner, "update_status", lead_id=lead.id, status="Qualified")

    (event,) = await people.owner.rows(
        "SELECT * FROM events WHERE type = 'lead.status_changed' AND lead_id = $1", lead.id
    )
    assert (event["from_status_id"], event["to_status_id"]) == (channel.statuses[0].id, channel.statuses[1].id)
    assert (event["face"], event["notice"]) == ("keenpartner", True)
    assert await people.owner.counts() == {"leads": 1, "events": 3, "deliveries": 1, "rewards": 1}


async def test_the_old_status_id_is_handed_on_in_the_event(people: People) -> None:
    channel = await people.owner.channel(template="keenpartner")
    lead = await people.owner.lead(channel)
    old = channel.statuses[3].id  # whatever the caller says: it is handed on, not checked

    await ask(people.owner, "update_status", lead_id=lead.id, status="Won", old_status_id=old)

    data = await moves(people, lead.id)
    assert [one["context"] for one in data] == [{"old_status_id": str(old)}]


async def test_a_name_is_found_whatever_its_case(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="keenpartner"))

    answer = await ask(people.owner, "update_status", lead_id=lead.id, status="qUALIFIED")

    assert answer.json()["lead"]["status"] == "Qualified"


async def test_a_usual_name_stands_for_its_category_where_the_channel_has_no_such_status(people: People) -> None:
    statuses = (NewStatus(name="New lead"), NewStatus(name="Signed", category=Category.WON))
    lead = await people.owner.lead(await people.owner.channel(statuses=statuses))

    answer = await ask(people.owner, "update_status", lead_id=lead.id, status="won")
    nowhere = await ask(people.owner, "update_status", lead_id=lead.id, status="Lost")

    assert answer.json()["lead"]["status"] == "Signed"
    assert (nowhere.status_code, nowhere.json()) == (404, {"error": 'Status "Lost" not found for this channel'})


async def test_the_partner_moves_a_lead_of_the_shared_channel(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel(template="keenpartner"))

    answer = await ask(people.partner, "update_status", lead_id=lead.id, status="Won")

    assert answer.status_code == 200, answer.text
    assert len(await moves(people, lead.id)) == 1


async def test_a_repeat_gets_the_same_answer_and_adds_nothing(people: People) -> None:
    channel = await people.owner.channel(template="keenpartner")
    await people.owner.trigger(channel, cause="status_change", status="Won", kind="fixed", amount=100, repeat=True)
    lead = await people.owner.lead(channel)
    first = await ask(people.owner, "update_status", lead_id=lead.id, status="Won")
    before = await people.owner.counts()

    again = await ask(people.owner, "update_status", lead_id=lead.id, status="Won")

    assert (again.status_code, again.json()) == (200, first.json())
    assert await people.owner.counts() == before


async def moves(people: People, lead_id: UUID) -> list[dict[str, Any]]:
    """The data of the lead's changes of status."""
    statement = "SELECT data FROM events WHERE lead_id = $1 AND type = 'lead.status_changed' ORDER BY seq"
    return [json.loads(row["data"]) for row in await people.owner.rows(statement, lead_id)]
