"""Contacts that a status plans: configured over the API, planned on entering, planned anew, given up on leaving."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.api.answers import all_pages, good, refused
from tests.people import People, Person

CALL = {"after_hours": 48, "note": "Call"}
TWO_DAYS = timedelta(hours=48)


async def calling(person: Person, **more: Any) -> Any:
    """A channel in whose first status leads are to be called after two days, and in whose second after one hour."""
    statuses = [
        {"name": "New", "follow_up": CALL},
        {"name": "Hot", "follow_up": {"after_hours": 1}},
        {"name": "Parked", "category": "on_hold"},
        {"name": "Won", "category": "won"},
    ]
    body = {"title": "Calling", "statuses": statuses} | more
    return good(await person.http.post("/v1/channels", json=body), 201)


async def lead_in(person: Person, channel: Any, **fields: Any) -> Any:
    return good(await person.http.post("/v1/leads", json={"channel_id": channel["id"]} | fields), 201)


async def move(person: Person, lead: Any, status: str, **query: Any) -> Any:
    path = f"/v1/leads/{lead['id']}/status"
    return good(await person.http.put(path, json={"status": status}, params=query))


async def contacts(person: Person, lead: Any) -> list[Any]:
    return await all_pages(person.http, f"/v1/leads/{lead['id']}/follow-ups")


def status_path(channel: Any, place: int) -> str:
    return f"/v1/channels/{channel['id']}/statuses/{channel['statuses'][place]['id']}"


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def after(lead: Any, wait: timedelta) -> datetime:
    """So long after the lead was last touched."""
    return datetime.fromisoformat(lead["updated_at"]) + wait


async def test_entering_plans_what_the_status_says_and_leaving_gives_it_up(people: People) -> None:
    owner = people.owner
    lead = await lead_in(owner, await calling(owner))
    assert moment(lead["next_follow_up_at"]) == after(lead, TWO_DAYS)

    hot = await move(owner, lead, "Hot")
    assert moment(hot["next_follow_up_at"]) == after(hot, timedelta(hours=1))
    assert (await move(owner, lead, "Parked"))["next_follow_up_at"] is None
    again = await move(owner, lead, "New")
    assert moment(again["next_follow_up_at"]) == after(again, TWO_DAYS)
    assert (await move(owner, lead, "Won"))["next_follow_up_at"] is None

    kept = await contacts(owner, lead)
    assert [(moment(one["scheduled_at"]), one["notes"], one["created_by"]) for one in kept] == [
        (after(lead, TWO_DAYS), "Call", None),
        (after(hot, timedelta(hours=1)), None, None),
        (after(again, TWO_DAYS), "Call", None),
    ]
    history = await all_pages(owner.http, f"/v1/leads/{lead['id']}/events")
    assert [event["type"] for event in history].count("follow_up.recorded") == 3


async def test_what_a_person_planned_outlives_the_status(people: People) -> None:
    owner = people.owner
    lead = await lead_in(owner, await calling(owner))
    path = f"/v1/leads/{lead['id']}/follow-ups"
    good(await owner.http.post(path, json={"next_at": "2190-01-01T00:00:00Z"}), 201)

    assert (await move(owner, lead, "Parked"))["next_follow_up_at"] == "2190-01-01T00:00:00Z"
    hot = await move(owner, lead, "Hot")
    assert moment(hot["next_follow_up_at"]) == after(hot, timedelta(hours=1))


async def test_an_earlier_contact_that_was_asked_for_with_the_lead_wins(people: People) -> None:
    owner, channel = people.owner, await calling(people.owner)
    soon = (datetime.fromisoformat(channel["created_at"]) + timedelta(hours=5)).isoformat()
    lead = await lead_in(owner, channel, next_follow_up_at=soon)

    assert moment(lead["next_follow_up_at"]) == moment(soon)
    assert await contacts(owner, lead) == []


async def test_a_rehearsal_tells_the_plan_and_writes_nothing(people: People) -> None:
    owner = people.owner
    lead = await lead_in(owner, await calling(owner))
    before = await owner.digests()

    preview = await move(owner, lead, "Hot", dry_run="true")

    assert [event["type"] for event in preview["events"]] == ["lead.status_changed", "follow_up.recorded"]
    assert moment(preview["lead"]["next_follow_up_at"]) == after(preview["lead"], timedelta(hours=1))
    assert await owner.digests() == before


async def test_a_batch_that_goes_round_plans_each_time_it_enters(people: People) -> None:
    owner = people.owner
    lead = await lead_in(owner, await calling(owner))
    steps = [{"lead_id": lead["id"], "status": status} for status in ("Hot", "New", "Hot", "Hot", "Parked", "New")]

    done = good(await owner.http.post("/v1/leads/status/batch", json={"changes": steps}))["data"]

    outcomes = [row["outcome"] for row in done]
    assert outcomes == ["changed", "changed", "changed", "unchanged", "changed", "changed"]
    last = done[-1]["lead"]
    assert moment(last["next_follow_up_at"]) == after(last, TWO_DAYS)
    assert [one["notes"] for one in await contacts(owner, lead)] == ["Call", None, "Call", None, "Call"]


async def test_a_partners_move_plans_too_and_both_find_the_work(people: People) -> None:
    channel = await calling(people.owner, members=[{"company_id": str(people.partner.company_id), "role": "partner"}])
    lead = await lead_in(people.owner, channel, status="Parked")

    await move(people.partner, lead, "Hot")

    for person in (people.owner, people.partner):
        work = await all_pages(person.http, "/v1/follow-ups", state="planned")
        assert [one["id"] for one in work] == [lead["id"]]
        assert len(await contacts(person, lead)) == 1
    assert await all_pages(people.stranger.http, "/v1/follow-ups", state="planned") == []


async def test_in_a_paused_channel_contacts_are_planned_too(people: People) -> None:
    owner = people.owner
    channel = await calling(owner)
    good(await owner.http.post(f"/v1/channels/{channel['id']}/pause"))
    lead = await lead_in(owner, channel)
    assert moment(lead["next_follow_up_at"]) == after(lead, TWO_DAYS)


async def test_a_status_that_is_removed_takes_its_plan_along(people: People) -> None:
    owner, channel = people.owner, await calling(people.owner)
    lead = await lead_in(owner, channel)
    target = {"move_to": channel["statuses"][2]["id"]}

    assert (await owner.http.delete(status_path(channel, 0), params=target)).status_code == 204

    now = good(await owner.http.get(f"/v1/leads/{lead['id']}"))
    assert (now["status"]["name"], now["next_follow_up_at"]) == ("Parked", None)


# Configured


async def test_a_change_of_the_status_concerns_who_enters_it_from_then_on(people: People) -> None:
    owner, channel = people.owner, await calling(people.owner)
    before = await lead_in(owner, channel)
    path = status_path(channel, 0)

    edited = good(await owner.http.patch(path, json={"follow_up": {"after_hours": 87_600, "note": "n" * 1000}}))
    later = await lead_in(owner, channel)
    renamed = good(await owner.http.patch(path, json={"name": "Fresh"}))
    gone = good(await owner.http.patch(path, json={"follow_up": None}))
    none = await lead_in(owner, channel)

    assert edited["follow_up"] == renamed["follow_up"] == {"after_hours": 87_600, "note": "n" * 1000}
    assert moment(later["next_follow_up_at"]) == after(later, timedelta(hours=87_600))
    assert (gone["follow_up"], none["next_follow_up_at"]) == (None, None)
    kept = good(await owner.http.get(f"/v1/leads/{before['id']}"))
    assert (kept["next_follow_up_at"], kept["version"]) == (before["next_follow_up_at"], 1)
    assert (await move(owner, before, "Parked"))["next_follow_up_at"] is None


async def test_a_status_shows_what_it_plans(people: People) -> None:
    owner, channel = people.owner, await calling(people.owner)
    path = f"/v1/channels/{channel['id']}/statuses"

    added = good(await owner.http.post(path, json={"name": "Warm", "follow_up": {"after_hours": 2}}), 201)

    shown = [CALL, {"after_hours": 1, "note": None}, None, None]
    assert [status["follow_up"] for status in channel["statuses"]] == shown
    assert added["follow_up"] == {"after_hours": 2, "note": None}
    listed = good(await owner.http.get(path))["data"]
    assert [status["follow_up"] for status in listed] == [*shown, added["follow_up"]]


@pytest.mark.parametrize(
    ("follow_up", "field"),
    [
        (b'{"after_hours": 0}', "/follow_up/after_hours"),
        (b'{"after_hours": -1}', "/follow_up/after_hours"),
        (b'{"after_hours": 87601}', "/follow_up/after_hours"),
        (b'{"after_hours": 1.5}', "/follow_up/after_hours"),
        (b'{"after_hours": "48"}', "/follow_up/after_hours"),
        (b'{"after_hours": null}', "/follow_up/after_hours"),
        (b'{"after_hours": 1e400}', "/follow_up/after_hours"),
        (b"{}", "/follow_up/after_hours"),
        (b'{"note": "Call"}', "/follow_up/after_hours"),
        (b'{"after_hours": 1, "note": "' + b"n" * 1001 + b'"}', "/follow_up/note"),
        (b'{"after_hours": 1, "note": 5}', "/follow_up/note"),
        (b'{"after_hours": 1, "note": "a\\u0000"}', None),
        (b'{"after_hours": 1, "days": 2}', "/follow_up/days"),
        (b"48", "/follow_up"),
        (b"[]", "/follow_up"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_plan_that_makes_no_sense_is_refused_and_changes_nothing(
    people: People, follow_up: bytes, field: str | None
) -> None:
    owner, channel = people.owner, await calling(people.owner)
    before = await owner.digests()

    changed = await owner.http.patch(status_path(channel, 0), content=b'{"follow_up": %b}' % follow_up)
    new = b'{"name": "Warm", "follow_up": %b}' % follow_up
    added = await owner.http.post(f"/v1/channels/{channel['id']}/statuses", content=new)

    for answer in (changed, added):
        assert refused(answer) == (400, "malformed", field)
    assert await owner.digests() == before


async def test_only_the_owner_may_change_what_a_status_plans(people: People) -> None:
    channel = await calling(people.owner, members=[{"company_id": str(people.partner.company_id), "role": "partner"}])
    path, body = status_path(channel, 0), {"follow_up": None}

    assert refused(await people.partner.http.patch(path, json=body))[0] == 403
    assert refused(await people.stranger.http.patch(path, json=body))[0] == 404
    lead = await lead_in(people.owner, channel)
    assert lead["next_follow_up_at"] is not None
