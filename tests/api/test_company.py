"""The company over the native API: its keys and what they open."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from leadrail.core.companies import doors
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refused
from leadrail.db.database import Database
from tests.api.answers import all_pages, good, refused
from tests.people import People, Person


async def make_key(person: Person, **body: Any) -> Any:
    return good(await person.http.post("/v1/keys", json={"name": "form"} | body), 201)


async def status_with(person: Person, key: str, method: str = "GET", path: str = "/v1/leads", **rest: Any) -> int:
    return (await person.http.request(method, path, headers={"X-API-Key": key}, **rest)).status_code


# The company


async def test_the_company_is_read_and_edited(people: People) -> None:
    before = good(await people.owner.http.get("/v1/company"))
    patch = {"name": f"Acme {uuid4()}", "country": "DK", "time_zone": "Europe/Copenhagen"}

    edited = good(await people.owner.http.patch("/v1/company", json=patch))

    assert edited == before | patch == good(await people.owner.http.get("/v1/company"))
    assert before["id"] == str(people.owner.company_id)


@pytest.mark.parametrize(
    ("patch", "answer"),
    [
        ({"name": ""}, (400, "malformed", "/name")),
        ({"name": "  "}, (422, "invalid", "/name")),
        ({"name": "n" * 201}, (400, "malformed", "/name")),
        ({"country": "Denmark"}, (400, "malformed", "/country")),
        ({"country": "DK\n"}, (400, "malformed", "/country")),
        ({"time_zone": "Moon/Crater"}, (422, "invalid", "/time_zone")),
        ({"time_zone": "../etc/passwd"}, (422, "invalid", "/time_zone")),
        ({"time_zone": None}, (400, "malformed", "/time_zone")),
        ({"id": str(uuid4())}, (400, "malformed", "/id")),
    ],
)
async def test_a_company_that_cannot_be_so_stays_as_it_was(people: People, patch: Any, answer: Any) -> None:
    before = good(await people.owner.http.get("/v1/company"))

    assert refused(await people.owner.http.patch("/v1/company", json=patch)) == answer
    assert good(await people.owner.http.get("/v1/company")) == before


async def test_two_companies_do_not_have_one_name(people: People) -> None:
    name = good(await people.owner.http.get("/v1/company"))["name"]

    assert refused(await people.stranger.http.patch("/v1/company", json={"name": name})) == (409, "conflict", "/name")
    assert good(await people.owner.http.patch("/v1/company", json={"name": name}))["name"] == name


async def test_two_companies_that_want_one_name_at_once_do_not_both_get_it(people: People, database_url: str) -> None:
    name = f"Acme {uuid4()}"
    first = await asyncpg.connect(database_url)
    transaction = first.transaction()
    await transaction.start()
    await first.execute("UPDATE companies SET name = $1 WHERE id = $2", name, people.owner.company_id)

    second = asyncio.ensure_future(people.stranger.http.patch("/v1/company", json={"name": name}))
    for _ in range(1000):
        if await first.fetchval(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        ):
            break
        await asyncio.sleep(0.005)
    await transaction.commit()
    await first.close()

    assert refused(await second)[:2] == (409, "conflict")


# Keys


async def test_a_key_is_shown_once_and_never_again(people: People) -> None:
    made = await make_key(people.owner, scopes=["read"])

    listed = await all_pages(people.owner.http, "/v1/keys", limit=1)

    assert await status_with(people.owner, made["api_key"]) == 200
    assert [row["name"] for row in listed] == ["bootstrap", "form"]
    assert made["api_key"] not in str(listed)
    assert not any({"api_key", "digest", "password", "till_password"} & set(row) for row in listed)


async def test_a_key_is_not_kept_where_it_could_be_read(people: People) -> None:
    made = await make_key(people.owner)

    (row,) = await people.owner.rows("SELECT * FROM api_keys WHERE id = $1", made["id"])

    assert made["api_key"] not in str(row)
    assert made["api_key"].removeprefix("lr_") not in str(row)


@pytest.mark.parametrize(
    ("scopes", "reads", "writes", "administers"),
    [
        (["read"], 200, 403, 403),
        (["write"], 403, 201, 403),
        (["read", "write"], 200, 201, 403),
        (["admin"], 200, 201, 200),
    ],
)
async def test_a_key_opens_what_its_scopes_say(
    people: People, scopes: list[str], reads: int, writes: int, administers: int
) -> None:
    channel = await people.owner.channel()
    key = (await make_key(people.owner, scopes=scopes))["api_key"]

    assert await status_with(people.owner, key) == reads
    assert await status_with(people.owner, key, "POST", json={"channel_id": str(channel.id)}) == writes
    assert await status_with(people.owner, key, "GET", "/v1/keys") == administers


async def test_without_scopes_named_a_key_reads_and_writes(people: People) -> None:
    assert (await make_key(people.owner))["scopes"] == ["read", "write"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"name": ""}, (400, "malformed", "/name")),
        ({"scopes": []}, (400, "malformed", "/scopes")),
        ({"scopes": ["root"]}, (400, "malformed", "/scopes/0")),
        ({"till": "till-1"}, (422, "invalid", "/till")),
        ({"password": "long enough"}, (422, "invalid", "/till")),
        ({"till": "till:1", "password": "long enough"}, (422, "invalid", "/till")),
        ({"till": "till-1", "password": "short"}, (400, "malformed", "/password")),
        ({"expires_at": "2020-01-01T00:00:00Z"}, (422, "invalid", "/expires_at")),
        ({"expires_at": "2020-01-01"}, (400, "malformed", "/expires_at")),
        ({"channel_ids": [str(uuid4())]}, (404, "channel_not_found", "/channel_ids")),
        ({"default_channel": str(uuid4())}, (404, "channel_not_found", "/channel_ids")),
        ({"company_id": str(uuid4())}, (400, "malformed", "/company_id")),
    ],
)
async def test_a_key_that_cannot_be_is_not_made(people: People, body: Any, answer: Any) -> None:
    assert refused(await people.owner.http.post("/v1/keys", json={"name": "form"} | body)) == answer
    assert await people.owner.count("api_keys") == 1


async def test_a_default_channel_must_be_among_the_channels(people: People) -> None:
    one, other = [str((await people.owner.channel()).id) for _ in range(2)]
    body = {"name": "form", "channel_ids": [one], "default_channel": other}

    assert refused(await people.owner.http.post("/v1/keys", json=body)) == (422, "invalid", "/default_channel")


async def test_a_till_has_its_password_and_no_bearer_key(people: People) -> None:
    till = f"till-{uuid4()}"
    body = {"till": till, "password": "long enough"}

    assert (await make_key(people.owner, **body))["api_key"] is None
    again = await people.stranger.http.post("/v1/keys", json={"name": "mine"} | body)
    assert refused(again) == (409, "conflict", "/till")


async def test_a_revoked_key_opens_nothing_at_once(people: People) -> None:
    made = await make_key(people.owner)
    assert await status_with(people.owner, made["api_key"]) == 200

    assert (await people.owner.http.delete(f"/v1/keys/{made['id']}")).status_code == 204

    assert await status_with(people.owner, made["api_key"]) == 401
    again = await people.owner.http.delete(f"/v1/keys/{made['id']}")
    assert refused(again) == (404, "not_found", None)


async def test_another_process_learns_of_a_revoked_key_within_seconds(
    people: People, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doors.REMEMBERED_S <= 2
    monkeypatch.setattr(doors, "REMEMBERED_S", 0)  # as if what was remembered had just run out
    other = Core(await Database.open(database_url, size=1))
    made = await make_key(people.owner)
    assert (await other.doors.admit_key(made["api_key"], "api")).company_id == people.owner.company_id

    await people.owner.http.delete(f"/v1/keys/{made['id']}")

    with pytest.raises(Refused) as caught:
        await other.doors.admit_key(made["api_key"], "api")
    await other.close()
    assert caught.value.refusal.code is Code.UNAUTHORIZED


async def test_a_key_ends_when_it_says_even_while_it_is_remembered(people: People, database_url: str) -> None:
    now = datetime.now(UTC)
    clock = [now]
    core = Core(await Database.open(database_url, size=1), clock=lambda: clock[0])
    made = await make_key(people.owner, expires_at=(now + timedelta(hours=1)).isoformat())
    await core.doors.admit_key(made["api_key"], "api")

    clock[0] = now + timedelta(hours=1)

    with pytest.raises(Refused):
        await core.doors.admit_key(made["api_key"], "api")
    await core.close()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "lr_unknown"},
        {"X-API-Key": "x" * 5000},
        {"X-API-Key": "é"},
        {"Authorization": "Basic bGVhZDpyYWls"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer lr_unknown"},
    ],
)
async def test_without_a_good_key_nothing_opens(people: People, headers: dict[str, str]) -> None:
    del people.owner.http.headers["X-API-Key"]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    answer = await people.owner.http.get("/v1/company", headers=raw)

    assert refused(answer) == (401, "unauthorized", None)
    assert answer.headers["www-authenticate"] == 'Bearer realm="leadrail"'


async def test_the_use_of_a_key_is_noted(people: People) -> None:
    made = await make_key(people.owner)

    await status_with(people.owner, made["api_key"])

    used = {row["name"]: row["last_used_at"] for row in await all_pages(people.owner.http, "/v1/keys")}
    assert used["form"] is not None
    assert made["last_used_at"] is None


async def test_a_kept_answer_does_not_hold_the_key(people: People) -> None:
    answer = await people.owner.http.post("/v1/keys", json={"name": "kept"}, headers={"Idempotency-Key": "once"})

    (row,) = await people.owner.rows("SELECT body FROM idempotency_keys WHERE company_id = $1", people.owner.company_id)

    assert answer.json()["api_key"]
    assert answer.json()["api_key"].encode() not in row["body"]
