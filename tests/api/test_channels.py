"""Channels over the native API, and what belongs to them."""

from typing import Any
from uuid import uuid4

import pytest

from leadrail.core.channels.model import Channel, PropertyType
from leadrail.core.channels.templates import TEMPLATES
from tests.api.answers import all_pages, good, refused
from tests.people import NOBODYS, NewProperty, NewStatus, People, Person


async def make(person: Person, **body: Any) -> Any:
    return good(await person.http.post("/v1/channels", json={"title": "Website"} | body), 201)


async def read(person: Person, channel: Channel) -> Any:
    return good(await person.http.get(f"/v1/channels/{channel.id}"))


# Channels


@pytest.mark.parametrize("template", TEMPLATES)
async def test_a_channel_has_the_statuses_of_its_template(people: People, template: str) -> None:
    made = await make(people.owner, template=template)

    assert [status["name"] for status in made["statuses"]] == [row[0] for row in TEMPLATES[template]]
    assert good(await people.owner.http.get(f"/v1/channels/{made['id']}")) == made


async def test_a_channel_is_made_whole(people: People) -> None:
    made = await make(
        people.owner,
        currency="EUR",
        statuses=[{"name": "In", "requires": ["note", "value", "note"]}, {"name": "Done", "category": "won"}],
        properties=[{"name": "Region", "type": "select", "options": ["EMEA"]}],
        members=[{"company_id": str(people.partner.company_id), "role": "referring"}],
        public_submissions=True,
    )

    assert [(row["name"], row["category"], row["requires"]) for row in made["statuses"]] == [
        ("In", "open", ["note", "value"]),
        ("Done", "won", []),
    ]
    assert (made["properties"][0]["options"], made["currency"], made["public_submissions"]) == (["EMEA"], "EUR", True)
    assert [row["role"] for row in made["members"]] == ["creator", "referring"]
    assert [row["id"] for row in good(await people.partner.http.get("/v1/channels"))["data"]] == [made["id"]]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"title": " "}, (422, "invalid", "/title")),
        ({"title": "t" * 121}, (422, "invalid", "/title")),
        ({"title": None}, (400, "malformed", "/title")),
        ({"currency": "euro"}, (422, "invalid", "/currency")),
        ({"template": "odd"}, (422, "invalid", "/template")),
        ({"duplicates": "merge"}, (400, "malformed", "/duplicates")),
        ({"statuses": [{"name": "A"}, {"name": "a"}]}, (409, "conflict", "/name")),
        ({"statuses": [{"name": "A", "category": "odd"}]}, (400, "malformed", "/statuses/0/category")),
        ({"statuses": [{"name": "A", "color": "red"}]}, (422, "invalid", "/color")),
        ({"statuses": [{"name": "A", "position": -1}]}, (422, "invalid", "/position")),
        ({"statuses": [{"name": str(n)} for n in range(201)]}, (422, "invalid", "/statuses")),
        ({"properties": [{"name": "A"}, {"name": "A"}]}, (409, "conflict", "/name")),
        ({"properties": [{"name": "A", "type": "select"}]}, (422, "invalid", "/options")),
        ({"properties": [{"name": "A", "options": ["x"]}]}, (422, "invalid", "/options")),
        ({"properties": [{"name": str(n)} for n in range(501)]}, (422, "invalid", "/properties")),
        ({"members": [{"company_id": str(uuid4()), "role": "partner"}]}, (404, "not_found", "/company_id")),
        ({"members": [{"company_id": "x", "role": "partner"}]}, (400, "malformed", "/members/0/company_id")),
    ],
)
async def test_a_channel_that_cannot_be_made_leaves_nothing(people: People, body: Any, answer: Any) -> None:
    sent = await people.owner.http.post("/v1/channels", json={"title": "Website"} | body)

    assert refused(sent) == answer
    assert [await people.owner.count(table) for table in ("channels", "statuses", "properties")] == [0, 0, 0]


async def test_a_patch_changes_what_it_names(people: People) -> None:
    channel = await people.owner.channel(currency="EUR")
    before = await read(people.owner, channel)

    edited = good(await people.owner.http.patch(f"/v1/channels/{channel.id}", json={"title": "Ads", "currency": None}))

    assert edited == before | {"title": "Ads", "currency": None} == await read(people.owner, channel)


@pytest.mark.parametrize("patch", [{"title": ""}, {"currency": "EURO"}, {"template": "sales"}, {"archived_at": None}])
async def test_a_patch_that_is_refused_changes_nothing(people: People, patch: Any) -> None:
    channel = await people.owner.channel()
    before = await read(people.owner, channel)

    refused(await people.owner.http.patch(f"/v1/channels/{channel.id}", json=patch))

    assert await read(people.owner, channel) == before


async def test_an_archived_channel_takes_no_lead_but_keeps_those_that_it_has(people: People) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)
    first = good(await people.owner.http.post(f"/v1/channels/{channel.id}/archive"))
    again = good(await people.owner.http.post(f"/v1/channels/{channel.id}/archive"))

    new = await people.owner.http.post("/v1/leads", json={"channel_id": str(channel.id)})
    moved = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"})

    assert first["archived_at"] == again["archived_at"] is not None
    assert refused(new) == (409, "channel_archived", "/channel_id")
    assert good(moved)["status"]["name"] == "Won"
    assert await people.owner.count("leads") == 1


# Statuses


async def add_status(person: Person, channel: Channel, **body: Any) -> Any:
    return good(await person.http.post(f"/v1/channels/{channel.id}/statuses", json=body), 201)


async def test_a_status_is_added_at_the_end_and_usable_at_once(people: People) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)

    made = await add_status(people.owner, channel, name="Offer", category="qualified", requires=["value", "value"])

    assert (await read(people.owner, channel))["statuses"][-1] == made
    assert (made["requires"], made["position"], made["next"]) == (["value"], 5, None)
    moved = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "offer", "value": 5})
    assert good(moved)["status"]["id"] == made["id"]


async def test_a_renamed_status_keeps_its_id_its_leads_and_its_history(people: People) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)
    new = channel.status_by_name["new"]

    edited = good(await people.owner.http.patch(f"/v1/channels/{channel.id}/statuses/{new.id}", json={"name": "Fresh"}))

    assert (edited["id"], edited["name"], edited["category"]) == (str(new.id), "Fresh", "open")
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["status"]["name"] == "Fresh"
    (event,) = good(await people.owner.http.get(f"/v1/leads/{lead.id}/events"))["data"]
    assert event["data"]["to"]["name"] == "New"


@pytest.mark.parametrize(
    ("patch", "answer"),
    [
        ({"name": "won"}, (409, "conflict", "/name")),
        ({"name": ""}, (422, "invalid", "/name")),
        ({"name": None}, (400, "malformed", "/name")),
        ({"category": "odd"}, (400, "malformed", "/category")),
        ({"color": "#12345"}, (422, "invalid", "/color")),
        ({"position": 10**20}, (422, "invalid", "/position")),
        ({"position": 1_000_001}, (422, "invalid", "/position")),
        ({"requires": ["money"]}, (400, "malformed", "/requires/0")),
        ({"next": [str(uuid4())]}, (422, "unknown_status", "/next")),
        ({"archived": True}, (400, "malformed", "/archived")),
    ],
)
async def test_a_status_that_cannot_be_so_stays_as_it_was(people: People, patch: Any, answer: Any) -> None:
    channel = await people.owner.channel()
    before = await read(people.owner, channel)
    path = f"/v1/channels/{channel.id}/statuses/{channel.status_by_name['new'].id}"

    assert refused(await people.owner.http.patch(path, json=patch)) == answer
    assert await read(people.owner, channel) == before


async def test_an_unused_status_is_removed_and_its_name_is_free(people: People) -> None:
    channel = await people.owner.channel()
    path = f"/v1/channels/{channel.id}/statuses"
    old = channel.status_by_name["lost"].id

    assert (await people.owner.http.delete(f"{path}/{old}")).status_code == 204
    made = await add_status(people.owner, channel, name="Lost", category="lost")

    assert made["id"] != str(old)
    assert [row["name"] for row in good(await people.owner.http.get(path))["data"]] == [
        "New",
        "Qualified",
        "Won",
        "Lost",
    ]
    assert refused(await people.owner.http.delete(f"{path}/{old}")) == (404, "not_found", None)


async def test_a_status_in_use_asks_where_its_leads_go(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.lead(channel)
    path = f"/v1/channels/{channel.id}/statuses/{channel.status_by_name['new'].id}"
    before = await read(people.owner, channel), await people.owner.counts()

    assert refused(await people.owner.http.delete(path)) == (409, "in_use", "?move_to")
    assert (await read(people.owner, channel), await people.owner.counts()) == before


async def test_its_leads_go_where_move_to_says_each_with_its_event_and_reward(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.trigger(channel, cause="status_change", status="Won", amount=5)
    leads = [await people.owner.lead(channel) for _ in range(3)]
    new, won = channel.status_by_name["new"], channel.status_by_name["won"]
    path = f"/v1/channels/{channel.id}/statuses/{new.id}"

    answer = await people.owner.http.delete(path, params={"move_to": str(won.id)})

    assert answer.status_code == 204
    shown = good(await people.owner.http.get("/v1/leads"))["data"]
    assert [(row["status"]["name"], row["version"]) for row in shown] == [("Won", 2)] * 3
    assert await people.owner.counts() == {"leads": 3, "events": 9, "deliveries": 0, "rewards": len(leads)}
    assert [row["name"] for row in (await read(people.owner, channel))["statuses"]] == ["Qualified", "Won", "Lost"]


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("new", (422, "invalid", "?move_to")),
        ("other", (422, "unknown_status", "?move_to")),
        ("won", (422, "missing_requirement", "/value")),
    ],
)
async def test_a_target_that_cannot_be_leaves_all_as_it_was(people: People, target: str, answer: Any) -> None:
    channel = await people.owner.channel(template="octanist")
    await people.owner.lead(channel)
    names = channel.status_by_name
    before = await read(people.owner, channel), await people.owner.counts()
    move_to = {"new": names["open"].id, "won": names["won"].id}.get(target, uuid4())

    path = f"/v1/channels/{channel.id}/statuses/{names['open'].id}"

    assert refused(await people.owner.http.delete(path, params={"move_to": str(move_to)})) == answer
    assert (await read(people.owner, channel), await people.owner.counts()) == before


async def test_the_last_status_stays(people: People) -> None:
    channel = await people.owner.channel(statuses=(NewStatus(name="Only"),))
    path = f"/v1/channels/{channel.id}/statuses/{channel.statuses[0].id}"

    assert refused(await people.owner.http.delete(path)) == (409, "conflict", None)


async def test_a_removed_status_is_no_longer_one_that_may_follow(people: People) -> None:
    channel = await people.owner.channel()
    names = channel.status_by_name
    path = f"/v1/channels/{channel.id}/statuses"
    follow = [str(names[name].id) for name in ("won", "lost")]
    good(await people.owner.http.patch(f"{path}/{names['new'].id}", json={"next": follow}))
    lead = await people.owner.lead(channel)

    assert (await people.owner.http.delete(f"{path}/{names['lost'].id}")).status_code == 204

    edited = good(await people.owner.http.patch(f"{path}/{names['new'].id}", json={"color": "#000000"}))
    assert edited["next"] == [str(names["won"].id)]
    refusal = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Qualified"})
    assert refusal.json()["details"] == {"next": ["Won"]}


# Properties


async def test_a_property_is_defined_renamed_and_removed(people: People) -> None:
    channel = await people.owner.channel()
    path = f"/v1/channels/{channel.id}/properties"
    made = good(await people.owner.http.post(path, json={"name": "Size", "type": "number"}), 201)
    lead = await people.owner.lead(channel, {"Size": 5})
    shown = f"/v1/leads/{lead.id}"

    edited = good(await people.owner.http.patch(f"{path}/{made['id']}", json={"name": "Volume"}))

    assert edited == made | {"name": "Volume"}
    assert good(await people.owner.http.get(shown))["properties"] == {"Volume": 5}
    assert (await people.owner.http.delete(f"{path}/{made['id']}")).status_code == 204
    assert good(await people.owner.http.get(shown))["properties"] == {}
    assert good(await people.owner.http.get(path))["data"] == []


async def test_a_lead_can_be_edited_after_a_property_that_it_has_is_gone(people: People) -> None:
    channel = await people.owner.channel(properties=(NewProperty(name="Size"), NewProperty(name="Region")))
    lead = await people.owner.lead(channel, {"Size": "5"})
    path = f"/v1/channels/{channel.id}/properties/{channel.properties[0].id}"
    assert (await people.owner.http.delete(path)).status_code == 204

    edited = await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"properties": {"Region": "EMEA"}})

    assert good(edited)["properties"] == {"Region": "EMEA"}


@pytest.mark.parametrize(
    ("patch", "answer"),
    [
        ({"name": "REGION"}, (409, "conflict", "/name")),
        ({"type": "number"}, (400, "malformed", "/type")),
        ({"options": ["x"]}, (422, "invalid", "/options")),
        ({"position": -1}, (422, "invalid", "/position")),
    ],
)
async def test_a_property_that_cannot_be_so_stays_as_it_was(people: People, patch: Any, answer: Any) -> None:
    channel = await people.owner.channel(properties=(NewProperty(name="Size"), NewProperty(name="Region")))
    before = await read(people.owner, channel)

    path = f"/v1/channels/{channel.id}/properties/{channel.properties[0].id}"

    assert refused(await people.owner.http.patch(path, json=patch)) == answer
    assert await read(people.owner, channel) == before


async def test_a_choice_that_is_gone_may_stay_on_a_lead_but_not_be_taken(people: People) -> None:
    region = NewProperty(name="Region", type=PropertyType.SELECT, options=("EMEA", "APAC"))
    channel = await people.owner.channel(properties=(region,))
    lead = await people.owner.lead(channel, {"Region": "APAC"})
    path = f"/v1/channels/{channel.id}/properties/{channel.properties[0].id}"

    good(await people.owner.http.patch(path, json={"options": ["EMEA"]}))

    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["properties"] == {"Region": "APAC"}
    answer = await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"properties": {"Region": "APAC"}})
    assert refused(answer) == (422, "invalid_property", "/properties/Region")


# Members


async def test_a_member_sees_the_channel_from_its_joining_to_its_leaving(people: People) -> None:
    channel = await people.owner.channel()
    await people.owner.lead(channel)
    path = f"/v1/channels/{channel.id}/members"
    member = {"company_id": str(people.partner.company_id), "role": "receiving"}

    async def seen() -> int:
        return len(good(await people.partner.http.get("/v1/leads"))["data"])

    before = await seen()
    assert good(await people.owner.http.post(path, json=member), 201) == member
    during = await seen()
    gone = await people.owner.http.delete(f"{path}/{people.partner.company_id}", params={"role": "receiving"})

    assert (before, during, gone.status_code, await seen()) == (0, 1, 204, 0)


async def test_a_member_may_have_two_roles_and_keeps_the_other(people: People) -> None:
    channel = await people.shared_channel()
    path = f"/v1/channels/{channel.id}/members"
    partner = str(people.partner.company_id)
    for _ in range(2):
        good(await people.owner.http.post(path, json={"company_id": partner, "role": "receiving"}), 201)

    assert (await people.owner.http.delete(f"{path}/{partner}", params={"role": "referring"})).status_code == 204

    assert [row["role"] for row in good(await people.owner.http.get(path))["data"]] == ["creator", "receiving"]
    assert (await people.partner.http.get(f"/v1/channels/{channel.id}")).status_code == 200


async def test_members_that_cannot_be_changed(people: People) -> None:
    channel = await people.shared_channel()
    path = f"/v1/channels/{channel.id}/members"
    owner, partner = people.owner.company_id, people.partner.company_id

    unknown = await people.owner.http.post(path, json={"company_id": str(uuid4()), "role": "partner"})
    missing_role = await people.owner.http.delete(f"{path}/{partner}")
    other_role = await people.owner.http.delete(f"{path}/{partner}", params={"role": "partner"})
    creator = await people.owner.http.delete(f"{path}/{owner}", params={"role": "creator"})

    assert refused(unknown) == (404, "not_found", "/company_id")
    assert refused(missing_role) == (400, "malformed", "?role")
    assert refused(other_role) == (404, "not_found", None)
    assert refused(creator) == (409, "conflict", None)
    assert len(good(await people.owner.http.get(path))["data"]) == 2


# Reward triggers


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"cause": "new_lead", "amount": 0}, (422, "invalid", "/amount")),
        ({"cause": "new_lead", "amount": "-5"}, (422, "invalid", "/amount")),
        ({"cause": "new_lead", "amount": "NaN"}, (422, "invalid", "/amount")),
        ({"cause": "new_lead", "amount": "0.0000001"}, (422, "invalid", "/amount")),
        ({"cause": "new_lead", "amount": 101, "kind": "percent"}, (422, "invalid", "/amount")),
        ({"cause": "new_lead"}, (400, "malformed", "/amount")),
        ({"cause": "odd", "amount": 5}, (400, "malformed", "/cause")),
        ({"cause": "new_lead", "amount": 5, "status": "Won"}, (422, "invalid", "/status_id")),
        ({"cause": "status_change", "amount": 5}, (422, "invalid", "/status_id")),
        ({"cause": "status_change", "amount": 5, "status": "Odd"}, (422, "unknown_status", "/status_id")),
        ({"cause": "status_change", "amount": 5, "status_id": str(uuid4())}, (422, "unknown_status", "/status_id")),
    ],
)
async def test_a_trigger_that_makes_no_sense_is_refused(people: People, body: Any, answer: Any) -> None:
    channel = await people.owner.channel()
    path = f"/v1/channels/{channel.id}/reward-triggers"

    assert refused(await people.owner.http.post(path, json=body)) == answer
    assert good(await people.owner.http.get(path))["data"] == []


async def test_a_trigger_pays_while_it_is_active(people: People) -> None:
    channel = await people.owner.channel()
    path = f"/v1/channels/{channel.id}/reward-triggers"
    made = good(await people.owner.http.post(path, json={"cause": "new_lead", "amount": "5.50"}), 201)

    async def rewards_after_a_lead() -> int:
        await people.owner.lead(channel)
        return await people.owner.count("rewards")

    assert (made["amount"], await rewards_after_a_lead()) == ("5.5", 1)
    paused = good(await people.owner.http.patch(f"{path}/{made['id']}", json={"state": "paused"}))
    assert (paused, await rewards_after_a_lead()) == (made | {"state": "paused"}, 1)
    good(await people.owner.http.patch(f"{path}/{made['id']}", json={"state": "active"}))
    assert await rewards_after_a_lead() == 2
    assert (await people.owner.http.delete(f"{path}/{made['id']}")).status_code == 204
    assert (good(await people.owner.http.get(path))["data"], await rewards_after_a_lead()) == ([], 2)


async def test_a_trigger_that_is_gone_can_be_neither_edited_nor_removed(people: People) -> None:
    channel = await people.owner.channel()
    trigger = await people.owner.trigger(channel, cause="new_lead", amount=5)
    path = f"/v1/channels/{channel.id}/reward-triggers/{trigger.id}"
    assert (await people.owner.http.delete(path)).status_code == 204

    assert refused(await people.owner.http.delete(path)) == (404, "not_found", None)
    assert refused(await people.owner.http.patch(path, json={"state": "active"})) == (404, "not_found", None)


# What does not exist


@pytest.mark.parametrize("collection", ["statuses", "properties", "reward-triggers"])
@pytest.mark.parametrize("item", ["x", NOBODYS])
async def test_a_thing_of_another_channel_is_not_found(people: People, collection: str, item: str) -> None:
    channel = await people.owner.channel()
    path = f"/v1/channels/{channel.id}/{collection}/{item}"
    patch = {"state": "active"} if collection == "reward-triggers" else {"name": "X"}

    assert refused(await people.owner.http.patch(path, json=patch)) == (404, "not_found", None)
    assert refused(await people.owner.http.delete(path)) == (404, "not_found", None)


@pytest.mark.parametrize("id", ["x", NOBODYS])
async def test_a_channel_that_does_not_exist_is_not_found(people: People, id: str) -> None:
    for method, rest in (("GET", ""), ("PATCH", ""), ("POST", "/archive"), ("GET", "/statuses"), ("GET", "/members")):
        answer = await people.owner.http.request(method, f"/v1/channels/{id}{rest}", json={})
        assert refused(answer)[:2] == (404, "channel_not_found")


async def test_channels_are_listed_oldest_first_in_pages(people: People) -> None:
    made = [str((await people.owner.channel(title=str(n))).id) for n in range(5)]

    assert [row["id"] for row in await all_pages(people.owner.http, "/v1/channels", limit=2)] == made
