"""Channels through their life: renamed, reordered, archived with their callers unbroken, cloned."""

from typing import Any

import pytest

from leadrail.core.channels.model import Channel
from tests.api.answers import good, refused
from tests.people import NOBODYS, NewProperty, People, Person


@pytest.fixture
async def channel(people: People) -> Channel:
    return await people.owner.channel(currency="EUR")


def path(channel: Channel, *more: Any) -> str:
    return "/".join(("/v1/channels", str(channel.id), *map(str, more)))


async def rename(person: Person, channel: Channel, before: str, after: str) -> Any:
    status = (await person.channel_now(channel.id)).status_by_name[before.casefold()]
    return good(await person.http.patch(path(channel, "statuses", status.id), json={"name": after}))


async def archive(person: Person, channel: Channel, name: str, to: str | None = None) -> None:
    by_name = (await person.channel_now(channel.id)).status_by_name
    query = {"move_to": str(by_name[to.casefold()].id)} if to else {}
    answer = await person.http.delete(path(channel, "statuses", by_name[name.casefold()].id), params=query)
    assert answer.status_code == 204, answer.text


async def reached(person: Person, channel: Channel, **status: Any) -> str:
    """The status in which a new lead is after this change."""
    lead = await person.lead(channel)
    answer = good(await person.http.put(f"/v1/leads/{lead.id}/status", json=status))
    return str(answer["status"]["name"])


# A new name


async def test_a_former_name_goes_on_naming_the_status(people: People, channel: Channel) -> None:
    owner, id = people.owner, channel.status_by_name["qualified"].id
    lead = await owner.lead(channel)
    good(await owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Qualified"}))

    await rename(owner, channel, "Qualified", "Offer")
    renamed = await rename(owner, channel, "Offer", "Proposal")

    assert renamed["id"] == str(id)
    for name in ("proposal", "OFFER", "Qualified"):
        assert await reached(owner, channel, status=name) == "Proposal"
        listed = good(await owner.http.get("/v1/leads", params={"channel": str(channel.id), "status": name}))
        assert str(lead.id) in [row["id"] for row in listed["data"]]
    assert await reached(owner, channel, status_id=str(id)) == "Proposal"
    history = good(await owner.http.get(f"/v1/leads/{lead.id}/events"))["data"]
    assert history[-1]["data"]["to"]["name"] == "Qualified"


async def test_who_has_a_name_now_goes_before_who_had_it(people: People, channel: Channel) -> None:
    owner = people.owner
    await rename(owner, channel, "Qualified", "Offer")
    await rename(owner, channel, "Lost", "Qualified")
    assert await reached(owner, channel, status="Qualified") == "Qualified"

    # Two have had it, and nobody has it: the one that had it last.
    await rename(owner, channel, "Qualified", "Gone")
    assert await reached(owner, channel, status="Qualified") == "Gone"
    # Back again.
    await rename(owner, channel, "Offer", "Qualified")
    assert await reached(owner, channel, status="Qualified") == "Qualified"
    assert await reached(owner, channel, status="Lost") == "Gone"


async def test_another_spelling_is_no_former_name(people: People, channel: Channel) -> None:
    await rename(people.owner, channel, "Won", "WON")

    assert (await people.owner.channel_now(channel.id)).status_by_name["won"].former_names == ()


async def test_an_endpoint_goes_on_hearing_of_the_status_that_it_named(people: People, channel: Channel) -> None:
    owner = people.owner
    by_id, by_name = channel.status_by_name["lost"].id, "qualified"
    for wanted in (str(by_id), by_name):
        await owner.endpoint("https://example.com/hook", statuses=(wanted,), events=("lead.status_changed",))
    await rename(owner, channel, "Qualified", "Offer")
    await archive(owner, channel, "Lost", "Won")

    await reached(owner, channel, status="Offer")
    await reached(owner, channel, status="Won")

    due = await owner.rows("SELECT endpoint_id FROM deliveries WHERE company_id = $1", owner.company_id)
    assert len({row["endpoint_id"] for row in due}) == len(due) == 2


# Another order


async def test_statuses_are_put_into_another_order(people: People, channel: Channel) -> None:
    names = channel.status_by_name
    ids = [str(names[name].id) for name in ("lost", "qualified")]

    ordered = good(await people.owner.http.put(path(channel, "statuses", "order"), json={"ids": ids}))

    assert [row["name"] for row in ordered["data"]] == ["Lost", "Qualified", "New", "Won"]
    assert [row["position"] for row in ordered["data"]] == [1, 2, 3, 4]
    assert good(await people.owner.http.get(path(channel)))["statuses"] == ordered["data"]


async def test_an_order_names_statuses_of_the_channel_once(people: People, channel: Channel) -> None:
    id, url = str(channel.statuses[0].id), path(channel, "statuses", "order")

    assert refused(await people.owner.http.put(url, json={"ids": [id, id]})) == (422, "invalid", "/ids")
    assert refused(await people.owner.http.put(url, json={"ids": [NOBODYS]})) == (422, "unknown_status", "/ids")
    assert refused(await people.owner.http.put(url, json={"ids": []}))[1] == "malformed"


# Archived


async def test_who_names_an_archived_status_means_the_one_that_its_leads_went_to(
    people: People, channel: Channel
) -> None:
    owner, id = people.owner, channel.status_by_name["qualified"].id
    lead = await owner.lead(channel)
    good(await owner.http.put(f"/v1/leads/{lead.id}/status", json={"status_id": str(id)}))
    await rename(owner, channel, "Qualified", "Offer")

    await archive(owner, channel, "Offer", "Lost")
    await archive(owner, channel, "Lost", "Won")

    assert good(await owner.http.get(f"/v1/leads/{lead.id}"))["status"]["name"] == "Won"
    for named in ({"status_id": str(id)}, {"status": "Offer"}, {"status": "qualified"}, {"status": "Lost"}):
        assert await reached(owner, channel, **named) == "Won"
    # A target that is itself replaced means its successor, which is not moved into itself.
    won = channel.status_by_name["won"].id
    answer = await owner.http.delete(path(channel, "statuses", won), params={"move_to": str(id)})
    assert refused(answer) == (422, "invalid", "?move_to")


async def test_one_that_nothing_replaces_is_not_found_any_more(people: People, channel: Channel) -> None:
    await archive(people.owner, channel, "Qualified")
    lead = await people.owner.lead(channel)

    answer = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Qualified"})

    assert refused(answer) == (422, "unknown_status", "/status")


async def test_what_could_be_followed_by_it_is_followed_by_its_successor(people: People, channel: Channel) -> None:
    owner, names = people.owner, channel.status_by_name
    new, qualified, won, lost = (str(names[name].id) for name in ("new", "qualified", "won", "lost"))
    for id, follow in ((new, [qualified, lost]), (won, [qualified, won]), (lost, [qualified])):
        good(await owner.http.patch(path(channel, "statuses", id), json={"next": follow}))

    await archive(owner, channel, "Qualified", "Won")

    rows = {row["id"]: row["next"] for row in good(await owner.http.get(path(channel)))["statuses"]}
    assert rows == {new: [won, lost], won: [], lost: [won]}


async def test_a_status_that_a_reward_trigger_waits_for_stays(people: People, channel: Channel) -> None:
    trigger = await people.owner.trigger(channel, cause="status_change", status="Won", amount=5, state="paused")
    url = path(channel, "statuses", channel.status_by_name["won"].id)

    assert refused(await people.owner.http.delete(url)) == (409, "conflict", None)
    await people.owner.http.delete(path(channel, "reward-triggers", trigger.id))
    assert (await people.owner.http.delete(url)).status_code == 204


# Cloned


async def test_a_clone_has_all_but_leads_under_ids_of_its_own(people: People) -> None:
    owner = people.owner
    size = NewProperty(name="Size")
    channel = await people.shared_channel(currency="EUR", properties=(size,), public_submissions=True)
    names = {name: str(status.id) for name, status in channel.status_by_name.items()}
    planned = {"next": [names["won"], names["lost"]], "follow_up": {"after_hours": 2, "note": "Call"}}
    good(await owner.http.patch(path(channel, "statuses", names["new"]), json=planned))
    await archive(owner, channel, "Qualified")
    await owner.trigger(channel, cause="status_change", status="Won", kind="percent", amount=5, cap=50, hold_days=3)
    await owner.trigger(channel, cause="new_lead", amount=1, state="paused")
    rule = {"name": "Cold", "cause": "untouched", "from_status": "New", "to_status": "Lost", "after_days": 30}
    good(await owner.http.post(path(channel, "rules"), json=rule), 201)
    await owner.lead(channel)
    good(await owner.http.patch(path(channel), json={"duplicates": "attach"}))
    plan = good(
        await owner.http.put(path(channel, "assignment"), json={"assignees": [{"assignee": "Sam", "weight": 2}]})
    )

    answer = await owner.http.post(path(channel, "clone"), json={"title": "Website, Denmark"})

    made = good(answer, 201)
    assert answer.headers["location"] == f"/v1/channels/{made['id']}"
    before = good(await owner.http.get(path(channel)))
    assert made["title"] == "Website, Denmark"
    assert set(ids_in(made)).isdisjoint(ids_in(before) - {str(owner.company_id)})
    assert by_names(made) == by_names(before)
    assert [member["role"] for member in made["members"]] == ["creator"]
    parts = [
        [without_ids(one, channel_now) for one in good(await owner.http.get(f"/v1/channels/{id}/{part}"))["data"]]
        for id, channel_now in ((made["id"], made), (before["id"], before))
        for part in ("reward-triggers", "rules")
    ]
    assert parts[:2] == parts[2:]
    assert len(parts[0]) == 2
    assert good(await owner.http.get(f"/v1/channels/{made['id']}/assignment")) == plan
    assert good(await owner.http.get("/v1/leads", params={"channel": made["id"]}))["data"] == []


def ids_in(channel: Any) -> set[str]:
    parts = [*channel["statuses"], *channel["properties"]]
    return {channel["id"], channel["public_id"], *(part["id"] for part in parts)}


def by_names(channel: Any) -> Any:
    """A channel with the names of statuses in the place of their ids."""
    names = {status["id"]: status["name"] for status in channel["statuses"]}
    statuses = [
        status | {"id": None, "next": status["next"] and [names[id] for id in status["next"]]}
        for status in channel["statuses"]
    ]
    plain = {name: channel[name] for name in ("currency", "template", "public_submissions", "duplicates")}
    properties = [definition | {"id": None} for definition in channel["properties"]]
    return plain | {"statuses": statuses, "properties": properties}


def without_ids(part: Any, channel: Any) -> Any:
    names = {status["id"]: status["name"] for status in channel["statuses"]} | {None: None}
    named = {key: names[value] for key, value in part.items() if key.endswith("status_id")}
    return part | {"id": None} | named


async def test_members_come_along_when_they_are_asked_for(people: People) -> None:
    channel = await people.shared_channel()

    body = {"title": "Again", "members": True}
    made = good(await people.owner.http.post(path(channel, "clone"), json=body), 201)

    assert {member["company_id"] for member in made["members"]} == {
        str(people.owner.company_id),
        str(people.partner.company_id),
    }
    assert good(await people.partner.http.get(f"/v1/channels/{made['id']}"))["title"] == "Again"


async def test_a_clone_is_asked_for_in_vain(people: People, channel: Channel) -> None:
    answer = await people.owner.http.post(path(channel, "clone"), json={"title": " "})
    assert refused(answer) == (422, "invalid", "/title")
    assert len(good(await people.owner.http.get("/v1/channels"))["data"]) == 1
