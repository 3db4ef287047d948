"""Users: who they are, that an owner is always left, and that a disabled user's keys open nothing."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from leadrail.core.actor import Scope
from leadrail.core.companies.commands import bootstrap
from leadrail.core.companies.model import UserRole, UserState
from leadrail.core.core import Core
from leadrail.core.errors import Refused
from leadrail.db.database import Database
from tests.api.answers import all_pages, good, refused
from tests.house import eventually
from tests.people import NOBODYS, People, Person

SAM = {"email": "sam@example.com", "role": "member", "name": "Sam"}


async def add(person: Person, **body: Any) -> Any:
    return good(await person.http.post("/v1/users", json=SAM | body), 201)


async def edit(person: Person, id: object, **patch: Any) -> Any:
    return await person.http.patch(f"/v1/users/{id}", json=patch)


async def company_status(person: Person, key: str) -> int:
    return (await person.http.get("/v1/company", headers={"X-API-Key": key})).status_code


async def test_a_user_is_added_read_edited_and_listed(people: People) -> None:
    owner = people.owner
    made = await add(owner)

    edited = good(await edit(owner, made["id"], role="admin", name=None))

    assert made.items() >= {**SAM, "state": "active"}.items()
    assert edited == made | {"role": "admin", "name": None} == good(await owner.http.get(f"/v1/users/{made['id']}"))
    listed = await all_pages(owner.http, "/v1/users", limit=1)
    assert [(row["id"], row["role"]) for row in listed] == [(str(owner.user_id), "owner"), (made["id"], "admin")]
    assert good(await edit(owner, made["id"])) == edited


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"email": "sam"}, (422, "invalid", "/email")),
        ({"email": "sam@"}, (422, "invalid", "/email")),
        ({"email": ""}, (422, "invalid", "/email")),
        ({"email": "s@" + "x" * 320}, (400, "malformed", "/email")),
        ({"email": None}, (400, "malformed", "/email")),
        ({"role": "root"}, (400, "malformed", "/role")),
        ({"name": ""}, (400, "malformed", "/name")),
        ({"name": "  "}, (422, "invalid", "/name")),
        ({"name": "n" * 201}, (400, "malformed", "/name")),
        ({"state": "disabled"}, (400, "malformed", "/state")),
        ({"company_id": NOBODYS}, (400, "malformed", "/company_id")),
    ],
)
async def test_a_user_that_cannot_be_is_not_added(people: People, body: Any, answer: Any) -> None:
    assert refused(await people.owner.http.post("/v1/users", json=SAM | body)) == answer
    assert await people.owner.count("users") == 1


async def test_an_address_is_folded_and_nobody_elses_in_the_company(people: People) -> None:
    made = await add(people.owner, email=" Sam@Example.COM ")

    again = await people.owner.http.post("/v1/users", json=SAM | {"email": "SAM@example.com"})

    assert made["email"] == "sam@example.com"
    assert refused(again) == (409, "conflict", "/email")
    assert (await add(people.stranger))["email"] == "sam@example.com"


@pytest.mark.parametrize(
    ("patch", "answer"),
    [
        ({"role": None}, (400, "malformed", "/role")),
        ({"state": "deleted"}, (400, "malformed", "/state")),
        ({"name": " "}, (422, "invalid", "/name")),
        ({"email": "other@example.com"}, (400, "malformed", "/email")),
    ],
)
async def test_a_user_that_cannot_be_so_stays_as_it_was(people: People, patch: Any, answer: Any) -> None:
    made = await add(people.owner)

    assert refused(await edit(people.owner, made["id"], **patch)) == answer
    assert good(await people.owner.http.get(f"/v1/users/{made['id']}")) == made


@pytest.mark.parametrize("id", [NOBODYS, "1", "x" * 36])
async def test_a_user_that_there_is_not_is_not_found(people: People, id: str) -> None:
    assert refused(await people.owner.http.get(f"/v1/users/{id}")) == (404, "not_found", None)
    assert refused(await edit(people.owner, id, name="Sam")) == (404, "not_found", None)
    assert (await people.owner.http.delete(f"/v1/users/{id}")).status_code == 405


# The last owner


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"role": "admin"}, "/role"),
        ({"state": "disabled"}, "/state"),
        ({"role": "viewer", "state": "disabled"}, "/role"),
    ],
)
async def test_the_last_active_owner_stays_one(people: People, patch: dict[str, str], field: str) -> None:
    owner = people.owner
    await owner.user(UserRole.ADMIN)
    await owner.user(UserRole.OWNER, UserState.DISABLED)

    assert refused(await edit(owner, owner.user_id, **patch)) == (409, "last_owner", field)

    assert good(await edit(owner, owner.user_id, name="Ada"))["role"] == "owner"
    other = await owner.user(UserRole.OWNER)
    assert good(await edit(owner, owner.user_id, role="admin"))["role"] == "admin"
    assert refused(await edit(owner, other.id, **patch)) == (409, "last_owner", field)


async def test_of_two_owners_that_go_at_once_one_stays(people: People, database_url: str) -> None:
    owner, other = people.owner, await people.owner.user(UserRole.OWNER)
    spare = await Database.open(database_url, size=1)
    async with spare.transaction() as held:
        # Both have come as far as they come while another changes the company's users.
        await held.execute("SELECT 1 FROM companies WHERE id = $1 FOR UPDATE", owner.company_id)
        going = [
            asyncio.ensure_future(edit(owner, id, **patch))
            for id, patch in ((owner.user_id, {"role": "member"}), (other.id, {"state": "disabled"}))
        ]
        await eventually(_waiting(owner, 2), "both wait")
    answers = await asyncio.gather(*going)
    await spare.close()

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    users = good(await owner.http.get("/v1/users"))["data"]
    assert sum(user["role"] == "owner" and user["state"] == "active" for user in users) == 1


def _waiting(person: Person, n: int) -> Callable[[], Any]:
    async def holds() -> bool:
        blocked = "SELECT count(*) AS n FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
        return int((await person.rows(blocked))[0]["n"]) == n

    return holds


# Keys of users


async def test_a_key_says_whose_it_is(people: People) -> None:
    owner, sam = people.owner, await add(people.owner)

    of_sam = good(await owner.http.post("/v1/keys", json={"name": "sam's", "user_id": sam["id"]}), 201)
    of_company = good(await owner.http.post("/v1/keys", json={"name": "form"}), 201)

    assert (of_sam["user_id"], of_company["user_id"]) == (sam["id"], None)
    listed = {row["name"]: row["user_id"] for row in await all_pages(owner.http, "/v1/keys")}
    assert listed == {"bootstrap": str(owner.user_id), "sam's": sam["id"], "form": None}


async def test_a_key_is_not_made_for_nobody_anothers_or_a_disabled_user(people: People) -> None:
    gone = await people.owner.user(state=UserState.DISABLED)

    async def made_for(user_id: object) -> Any:
        return refused(await people.owner.http.post("/v1/keys", json={"name": "key", "user_id": str(user_id)}))

    assert await made_for(uuid4()) == (404, "not_found", "/user_id")
    assert await made_for(people.stranger.user_id) == (404, "not_found", "/user_id")
    assert await made_for(gone.id) == (409, "conflict", "/user_id")
    assert await people.owner.count("api_keys") == 1


async def test_the_keys_of_a_disabled_user_open_nothing_until_the_user_is_active_again(people: People) -> None:
    owner, sam = people.owner, await people.owner.user()
    of_sam, of_company = await owner.another_key(user_id=sam.id), await owner.another_key()
    assert [await company_status(owner, key) for key in (of_sam, of_company)] == [200, 200]

    good(await edit(owner, sam.id, state="disabled"))
    while_disabled = [await company_status(owner, key) for key in (of_sam, of_company)]
    good(await edit(owner, sam.id, state="active"))

    assert while_disabled == [401, 200]
    assert await company_status(owner, of_sam) == 200


async def test_a_token_of_a_till_ends_with_its_user(people: People) -> None:
    owner, sam = people.owner, await people.owner.user()
    till, _, secret = (await owner.till(user_id=sam.id)).partition(":")
    token = await owner.core.doors.grant(till, secret, "capillary")
    assert (await owner.core.doors.admit_granted(token, "capillary")).user_id == sam.id

    good(await edit(owner, sam.id, state="disabled"))

    with pytest.raises(Refused):
        await owner.core.doors.admit_granted(token, "capillary")
    with pytest.raises(Refused):
        await owner.core.doors.admit_till(till, secret, "capillary")


async def test_only_a_key_of_the_scope_admin_has_to_do_with_users(people: People) -> None:
    key = await people.owner.another_key(scopes=(Scope.READ, Scope.WRITE))

    answer = await people.owner.http.post("/v1/users", json=SAM, headers={"X-API-Key": key})

    assert refused(answer) == (403, "forbidden", None)


async def test_bootstrap_makes_a_key_of_the_owner_it_makes_or_finds(core: Core, people: People) -> None:
    name = good(await people.owner.http.get("/v1/company"))["name"]
    async with core.database.transaction() as connection:
        again = await bootstrap(connection, name, "OWNER@example.com", core.clock())
        other = await bootstrap(connection, name, "other@example.com", core.clock())

    assert (again.user_id, other.company_id) == (people.owner.user_id, people.owner.company_id)
    assert (await core.doors.admit_key(again.api_key, "api")).user_id == again.user_id
    assert (await core.doors.admit_key(other.api_key, "api")).user_id == other.user_id != again.user_id
