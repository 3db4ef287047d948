"""PATCH lead status: the samples of every generation, the words, the label, and all that follows from a move."""

import asyncio
import json
import re
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from leadrail.core.channels.model import Category
from tests.dialects.sendpilot.pilot import BASES, LEAD, MOMENT, john, migrated, moves, patch, sample, state, with_ids
from tests.house import eventually
from tests.people import NewStatus, People

G1 = ["id", "linkedinUrl", "previousStatus", "status", "updatedAt"]
G3 = ["success", "leadId", "message"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("generation", ["update_lead_status_g1", "update_lead_status_g3"])
async def test_the_answer_holds_what_the_sample_of_each_generation_holds(
    people: People, base: str, generation: str
) -> None:
    page, lead = sample(generation), await john(people)
    path = with_ids(page["path"], {LEAD: lead.id}).removeprefix("/v1")

    answer = await people.owner.http.patch(base + path, json=page["request"])

    assert answer.status_code == 200, answer.text
    expected = with_ids(page["answer"], {LEAD: lead.id, MOMENT: answer.json()["updatedAt"]})
    assert expected.items() <= answer.json().items()
    assert list(answer.json()) == G1 + G3
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer.json()["updatedAt"])


async def test_a_move_is_one_event_with_its_note_reward_delivery_and_notice(people: People) -> None:
    channel = await people.shared_channel(template="sendpilot")
    await people.owner.trigger(channel, cause="status_change", status="OPPORTUNITY", kind="fixed", amount=100)
    await people.owner.endpoint("https://example.com/hook", events=("lead.status_changed",), format="sendpilot")
    lead = await people.owner.lead(channel)

    await patch(people.owner, lead.id, status="OPPORTUNITY", note="Interested in enterprise plan")

    (event,) = await people.owner.rows(
        "SELECT face, notice FROM events WHERE type = 'lead.status_changed' AND lead_id = $1", lead.id
    )
    (data,) = await moves(people, lead.id)
    assert event == {"face": "sendpilot", "notice": True}
    assert (data["note"], data["from"]["name"], data["to"]["name"]) == (
        "Interested in enterprise plan",
        "PENDING",
        "OPPORTUNITY",
    )
    assert await people.owner.counts() == {"leads": 1, "events": 3, "deliveries": 1, "rewards": 1}


async def test_the_partner_moves_a_lead_of_the_shared_channel(people: People) -> None:
    lead = await john(people)

    answer = await patch(people.partner, lead.id, status="DONE")

    assert (answer.status_code, answer.json()["status"]) == (200, "DONE")


async def test_a_repeat_gets_success_and_adds_nothing(people: People) -> None:
    channel = await people.shared_channel(template="sendpilot")
    await people.owner.trigger(channel, cause="status_change", status="DONE", kind="fixed", amount=1, repeat=True)
    lead = await john(people, channel, status="DONE")
    before = await state(people, lead.id)

    again = await patch(people.owner, lead.id, status="DONE")

    assert (again.status_code, again.json()["previousStatus"], again.json()["status"]) == (200, "DONE", "DONE")
    assert await state(people, lead.id) == before


async def test_a_lead_made_through_keenpartner_is_moved_through_sendpilot(people: People) -> None:
    channel = await people.owner.channel(template="keenpartner")
    body = {"action": "create_lead", "channel_id": str(channel.id), "email": "jane@example.com"}
    made = (await people.owner.http.post("/keenpartner/functions/v1/keen-api", json=body)).json()["lead"]

    answer = await patch(people.owner, made["id"], status="NOT_INTERESTED")

    told = answer.json()
    assert (told["previousStatus"], told["status"], told["linkedinUrl"]) == ("PENDING", "NOT_INTERESTED", None)
    assert [data["to"]["name"] for data in await moves(people, UUID(made["id"]))] == ["Lost"]


# Words

PAGE = ["PENDING", "CONNECTION_SENT", "CONNECTION_ACCEPTED", "MESSAGE_SENT", "REPLY_RECEIVED", "DONE"]
NEWER = ["OPPORTUNITY", "NOT_INTERESTED", "MEETING_BOOKED", "UNSUBSCRIBED", "IRRELEVANT"]


@pytest.mark.parametrize("word", PAGE + NEWER)
async def test_every_word_of_every_generation_moves_a_lead_there(people: People, word: str) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sendpilot"))

    answer = await patch(people.owner, lead.id, status=word)

    assert (answer.status_code, answer.json()["status"]) == (200, word)


@pytest.mark.parametrize(
    ("word", "name", "shown"),
    [
        ("OPPORTUNITY", "Qualified", "OPPORTUNITY"),
        ("MEETING_BOOKED", "Qualified", "OPPORTUNITY"),
        ("DONE", "Won", "DONE"),
        ("NOT_INTERESTED", "Lost", "NOT_INTERESTED"),
        ("UNSUBSCRIBED", "Lost", "NOT_INTERESTED"),
        ("won", "Won", "DONE"),
    ],
)
async def test_a_word_finds_its_stage_in_another_way_of_working(
    people: People, word: str, name: str, shown: str
) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sales"))

    answer = await patch(people.owner, lead.id, status=word)

    assert (answer.json()["status"], answer.json()["message"]) == (shown, f"Lead status updated to '{shown}'")
    assert [data["to"]["name"] for data in await moves(people, lead.id)] == [name]


async def test_a_status_of_that_name_wins_over_the_category(people: People) -> None:
    statuses = (NewStatus(name="New"), NewStatus(name="Signed", category=Category.WON), NewStatus(name="Done"))
    lead = await people.owner.lead(await people.owner.channel(statuses=statuses))

    await patch(people.owner, lead.id, status="DONE")

    assert [data["to"]["name"] for data in await moves(people, lead.id)] == ["Done"]


# The label


async def edits(people: People, lead_id: UUID) -> list[Any]:
    """What the lead's edits changed, oldest first."""
    statement = "SELECT data FROM events WHERE lead_id = $1 AND type = 'lead.updated' ORDER BY seq"
    return [json.loads(row["data"])["changed"] for row in await people.owner.rows(statement, lead_id)]


async def test_a_label_beside_a_status_is_one_change_and_two_events(people: People) -> None:
    channel = await people.shared_channel(template="sendpilot")
    await people.owner.trigger(channel, cause="status_change", status="OPPORTUNITY", kind="fixed", amount=100)
    lead = await john(people, channel)
    await people.owner.endpoint("https://example.com/hook", format="sendpilot")
    before = await people.owner.counts()

    answer = await patch(people.owner, lead.id, status="OPPORTUNITY", customLeadStatus="NO_RESPONSE")

    assert answer.json()["status"] == "OPPORTUNITY"
    label = {"custom_lead_status": "NO_RESPONSE"}
    now = await native(people, lead.id)
    assert (now["attribution"], now["version"]) == (label, 3)
    _, moved = await moves(people, lead.id)  # the samples' reply, and this
    assert moved["changed"] == {}
    assert await edits(people, lead.id) == [{"attribution": {"from": {}, "to": label}}]
    # the move, the label and the reward; the deliveries of all three
    assert await people.owner.counts() == before | {"events": before["events"] + 3, "deliveries": 3, "rewards": 1}


async def test_a_label_alone_that_moves_nothing_is_one_event(people: People) -> None:
    lead = await john(people, status="NOT_INTERESTED")

    answers = [await patch(people.owner, lead.id, customLeadStatus="NOT_INTERESTED") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(await moves(people, lead.id)) == len(await edits(people, lead.id)) == 1


async def test_a_migrated_lead_is_moved_by_either_id_and_answered_with_the_old_one(people: People) -> None:
    lead = await migrated(people.owner, await people.shared_channel(template="sendpilot"), LEAD)

    told = [
        (await patch(people.partner, id, status=word)).json() for id, word in ((LEAD, "DONE"), (lead.id, "PENDING"))
    ]

    assert [(one["id"], one["leadId"], one["status"]) for one in told] == [
        (LEAD, LEAD, "DONE"),
        (LEAD, LEAD, "PENDING"),
    ]
    assert len(await moves(people, lead.id)) == 2


async def test_moves_at_once_are_each_recorded_from_where_the_one_before_led(people: People) -> None:
    lead = await john(people)
    words = ["OPPORTUNITY", "MEETING_BOOKED", "DONE"] * 3

    await asyncio.gather(*(patch(people.owner, lead.id, status=word) for word in words))

    names = [(data["from"]["name"], data["to"]["name"]) for data in await moves(people, lead.id)]
    assert all(before[1] == after[0] != after[1] for before, after in pairwise(names))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("LEAD", "New"),
        ("INTERESTED", "Qualified"),
        ("MEETING_BOOKED", "Qualified"),
        ("MEETING_COMPLETE_NOT_CLOSED", "Qualified"),
        ("CLOSED", "Won"),
        ("WRONG_PERSON", "Lost"),
        ("NOT_INTERESTED", "Lost"),
        ("NO_RESPONSE", "Lost"),
    ],
)
async def test_a_label_alone_moves_the_lead_to_its_stage(people: People, label: str, name: str) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sales"))

    answer = await patch(people.owner, lead.id, customLeadStatus=label, note="by label")

    assert answer.status_code == 200, answer.text
    now = await native(people, lead.id)
    assert (now["status"]["name"], now["attribution"]) == (name, {"custom_lead_status": label})


@pytest.mark.parametrize(
    ("status", "label"),
    [
        ("REPLY_RECEIVED", "LEAD"),
        ("MEETING_BOOKED", "INTERESTED"),
        ("DONE", "CLOSED"),
        ("UNSUBSCRIBED", "NO_RESPONSE"),
        ("IRRELEVANT", "WRONG_PERSON"),
    ],
)
async def test_a_label_alone_leaves_a_lead_of_its_stage_where_it_is(people: People, status: str, label: str) -> None:
    lead = await john(people, status=status)
    before = await moves(people, lead.id)

    answer = await patch(people.owner, lead.id, customLeadStatus=label)

    assert (answer.status_code, answer.json()["status"], answer.json()["previousStatus"]) == (200, status, status)
    assert await moves(people, lead.id) == before
    assert (await native(people, lead.id))["attribution"] == {"custom_lead_status": label}


async def test_labels_at_the_same_time_all_go_through_and_never_undo_a_move(people: People) -> None:
    lead = await john(people, status="OPPORTUNITY")
    labels = [patch(people.owner, lead.id, customLeadStatus="INTERESTED", note=str(number)) for number in range(12)]

    answers = await asyncio.gather(patch(people.owner, lead.id, status="MEETING_BOOKED"), *labels)

    assert [answer.status_code for answer in answers] == [200] * 13
    assert (await native(people, lead.id))["status"]["name"] == "MEETING_BOOKED"
    assert [moved["to"]["name"] for moved in await moves(people, lead.id)] == [
        "OPPORTUNITY",
        "MEETING_BOOKED",
    ]


async def test_a_label_is_decided_anew_when_the_lead_moved_after_it_was_read(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")
    lead = await john(people, channel, status="OPPORTUNITY")
    booked = next(status.id for status in channel.statuses if status.name == "MEETING_BOOKED")

    async with people.owner.core.database.transaction() as connection:
        move = "UPDATE leads SET status_id = $2, version = version + 1 WHERE id = $1"
        await connection.execute(move, lead.id, booked)
        labelling = asyncio.create_task(patch(people.owner, lead.id, customLeadStatus="INTERESTED"))
        await eventually(lambda: a_lock_is_waited_for(people), "the label waits for the move")

    assert (await labelling).json()["status"] == "MEETING_BOOKED"
    assert len(await moves(people, lead.id)) == 1


async def a_lock_is_waited_for(people: People) -> bool:
    return bool(await people.owner.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


async def test_an_old_id_may_look_like_one_of_ours(people: People) -> None:
    old = "3f0d9a52-8c1e-4b7a-9a52-0d3f8c1e4b7a"
    lead = await migrated(people.owner, await people.owner.channel(template="sendpilot"), old)

    told = [
        await patch(people.owner, old, status="OPPORTUNITY"),
        await patch(people.owner, old, customLeadStatus="CLOSED"),
    ]
    foreign = await patch(people.stranger, old, status="PENDING")

    assert [(answer.status_code, answer.json()["id"]) for answer in told] == [(200, old)] * 2
    assert (foreign.status_code, foreign.json()["message"]) == (404, "Lead not found")
    assert len(await moves(people, lead.id)) == 2


async def test_a_label_that_is_a_name_moves_the_lead_to_that_status(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sendpilot"))

    answer = await patch(people.owner, lead.id, customLeadStatus="MEETING_BOOKED")

    assert answer.json()["status"] == "MEETING_BOOKED"


async def test_nulls_and_unknown_members_are_passed_over(people: People) -> None:
    lead = await john(people)

    answer = await patch(people.owner, lead.id, status="DONE", customLeadStatus=None, note=None, colour="red")

    assert answer.json()["status"] == "DONE"
    assert (await native(people, lead.id))["attribution"] == {}


async def native(people: People, lead_id: UUID) -> dict[str, Any]:
    lead: dict[str, Any] = (await people.owner.http.get(f"/v1/leads/{lead_id}")).json()
    return lead
