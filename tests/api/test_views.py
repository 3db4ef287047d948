"""Saved views: whose they are, who sees and changes them, and the lists that they make."""

from typing import Any

import pytest

from leadrail.core.actor import Scope
from tests.api.answers import all_pages, good, refused
from tests.people import People, Person

PATH = "/v1/views"
OPEN = {"field": "category", "eq": "open"}


async def save(person: Person, key: str | None = None, **body: Any) -> Any:
    headers = {"X-API-Key": key} if key else {}
    return good(await person.http.post(PATH, json={"name": "Open"} | body, headers=headers), 201)


async def names(person: Person, key: str | None = None) -> set[str]:
    answer = await person.http.get(PATH, headers={"X-API-Key": key} if key else {})
    return {row["name"] for row in good(answer)["data"]}


async def key_of_user(person: Person, **wanted: Any) -> str:
    user = await person.user()
    return await person.another_key(scopes=tuple(Scope), user_id=user.id, **wanted)


async def test_a_view_makes_the_list_that_its_filter_its_order_and_its_members_make(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    leads = [await owner.lead(channel, source=source, title="x") for source in ("fair", "ads", "fair")]
    good(await owner.http.put(f"/v1/leads/{leads[2].id}/status", json={"status": "Won"}))
    view = await save(owner, filter=OPEN, sort=["created_at"], fields=["source"])

    shown = await all_pages(owner.http, "/v1/leads", view=view["id"], limit=1)
    narrowed = await all_pages(owner.http, "/v1/leads", view=view["id"], source="fair", fields="id,title")
    turned = await all_pages(owner.http, "/v1/leads", view=view["id"], sort="-created_at")

    assert shown == [{"id": str(lead.id), "source": lead.source} for lead in leads[:2]]
    assert narrowed == [{"id": str(leads[0].id), "title": "x"}]
    assert turned == shown[::-1]


async def test_what_is_saved_is_read_and_changed_and_deleted(people: People) -> None:
    await people.owner.channel()
    view = await save(people.owner, filter=OPEN)
    path = f"{PATH}/{view['id']}"
    assert (view["shared"], view["user_id"]) == (False, str(people.owner.user_id))
    assert good(await people.owner.http.get(path)) == view

    changed = good(await people.owner.http.patch(path, json={"name": "Mine", "fields": ["name"]}))
    assert changed == view | {"name": "Mine", "fields": ["id", "name"], "updated_at": changed["updated_at"]}
    assert (await people.owner.http.delete(path)).status_code == 204
    assert refused(await people.owner.http.get(path))[:2] == (404, "not_found")
    assert refused(await people.owner.http.get("/v1/leads", params={"view": view["id"]}))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"name": ""}, (400, "malformed", "/name")),
        ({"filter": {"field": "colour", "eq": 1}}, (422, "invalid", "/filter/field")),
        ({"sort": ["colour"]}, (422, "invalid", "/sort/0")),
        ({"fields": ["colour"]}, (422, "invalid", "/fields")),
    ],
)
async def test_a_view_of_which_no_list_can_be_made_is_refused(
    people: People, body: dict[str, Any], answer: tuple[int, str, str]
) -> None:
    await people.owner.channel()
    view = await save(people.owner)

    assert refused(await people.owner.http.post(PATH, json={"name": "x"} | body)) == answer
    assert refused(await people.owner.http.patch(f"{PATH}/{view['id']}", json=body)) == answer


async def test_a_users_own_view_is_seen_by_that_user_only(people: People) -> None:
    owner = people.owner
    mine, others = await key_of_user(owner), await key_of_user(owner)
    own = await save(owner, mine, name="own")
    await save(owner, mine, name="shared", shared=True)

    assert not own["shared"]
    assert await names(owner, mine) == {"own", "shared"}
    assert await names(owner, others) == await names(people.owner) - {"own"} == {"shared"}
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        answer = await owner.http.request(method, f"{PATH}/{own['id']}", json=body, headers={"X-API-Key": others})
        assert refused(answer)[:2] == (404, "not_found")
    assert await names(people.stranger) == set()


async def test_only_who_made_a_view_takes_it_back(people: People) -> None:
    owner = people.owner
    mine, others = await key_of_user(owner), await key_of_user(owner)
    view = await save(owner, mine, shared=True)
    path = f"{PATH}/{view['id']}"

    taken = await owner.http.patch(path, json={"shared": False}, headers={"X-API-Key": others})
    assert refused(taken) == (403, "forbidden", "/shared")
    good(await owner.http.patch(path, json={"name": "Ours"}, headers={"X-API-Key": others}))
    good(await owner.http.patch(path, json={"shared": False}, headers={"X-API-Key": mine}))
    assert await names(owner, others) == set()


async def test_a_bound_key_neither_shares_nor_sees_what_is_shared(people: People) -> None:
    owner = people.owner
    one, other = await owner.channel(), await owner.channel()
    user = await owner.user()
    keys = [
        await owner.another_key(scopes=tuple(Scope), user_id=user.id, channel_ids=ids)
        for ids in ((one.id,), (one.id, other.id))
    ]
    await save(owner, name="shared")
    await save(owner, keys[1], name="of both", filter={"field": "channel", "eq": str(other.id)})
    await save(owner, keys[0], name="of one")

    assert await names(owner, keys[0]) == {"of one"}
    assert await names(owner, keys[1]) == {"of one", "of both"}
    answer = await owner.http.post(PATH, json={"name": "x", "shared": True}, headers={"X-API-Key": keys[0]})
    assert refused(answer)[:2] == (403, "forbidden")


async def test_a_view_of_nobody_is_shared(people: People) -> None:
    key = await people.owner.another_key(scopes=tuple(Scope))

    answer = await people.owner.http.post(PATH, json={"name": "x", "shared": False}, headers={"X-API-Key": key})

    assert refused(answer)[1:] == ("user_required", "/shared")


async def test_a_view_that_names_what_is_gone_says_so(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    view = await save(owner, filter={"field": "status", "eq": "New"})
    renamed = next(status.id for status in channel.statuses if status.name == "New")
    good(await owner.http.patch(f"/v1/channels/{channel.id}/statuses/{renamed}", json={"name": "Fresh"}))

    assert refused(await owner.http.get("/v1/leads", params={"view": view["id"]}))[1] == "invalid"
