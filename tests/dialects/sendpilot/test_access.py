"""Who is calling, what a key may do, and what is not offered to anybody."""

from datetime import timedelta

import httpx
import pytest

from leadrail.core.actor import Scope
from leadrail.dialects.sendpilot.routes import BASES, CALLS, NOT_OFFERED, Row
from leadrail.kit.clock import now
from leadrail.kit.ids import new_id
from tests.dialects.sendpilot.pilot import assert_is_time, get, holding
from tests.people import People

READING = ["workspace:read", "senders:read", "campaigns:read", "leads:read"]
WRITING = ["campaigns:write", "leads:write"]


@pytest.mark.parametrize(
    ("scopes", "held", "missing"),
    [
        ((Scope.READ,), READING, WRITING),
        ((Scope.READ, Scope.WRITE), [*READING[:3], "campaigns:write", "leads:read", "leads:write"], []),
        ((Scope.ADMIN,), [*READING[:3], "campaigns:write", "leads:read", "leads:write"], []),
    ],
)
async def test_a_key_is_told_who_it_is_and_what_it_may_do(
    people: People, scopes: tuple[Scope, ...], held: list[str], missing: list[str]
) -> None:
    expires_at = now() + timedelta(days=1)
    key = await people.owner.another_key(name="n8n", scopes=scopes, expires_at=expires_at)
    async with holding(people.owner, key) as person:
        told = (await get(person, "/me")).json()

    assert list(told) == ["apiKey", "workspace", "subscription", "missingScopes"]
    assert list(told["apiKey"]) == ["id", "name", "scopes", "expiresAt", "createdAt", "rateLimit"]
    assert (told["apiKey"]["name"], told["apiKey"]["scopes"], told["missingScopes"]) == ("n8n", held, missing)
    assert told["apiKey"]["expiresAt"][:23] == expires_at.isoformat()[:23]
    assert_is_time(told["apiKey"]["createdAt"])
    assert told["workspace"]["id"] == str(people.owner.company_id)
    assert told["workspace"]["name"].startswith("owner ")
    assert told["subscription"] == {"status": "active", "plan": "self-hosted", "currentPeriodEnd": None}


async def test_a_key_for_ever_has_no_end(people: People) -> None:
    assert (await get(people.owner, "/me")).json()["apiKey"]["expiresAt"] is None


def path_of(template: str) -> str:
    return template.replace("{id}", str(new_id()))


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("row", CALLS, ids=lambda row: f"{row.method} {row.path}")
async def test_every_call_takes_its_right(people: People, base: str, row: Row) -> None:
    method, path, right = row.method, f"/sendpilot{base}{path_of(row.path)}", row.right
    other = Scope.WRITE if right.scope is Scope.READ else Scope.READ
    async with holding(people.owner, await people.owner.another_key(scopes=(other,))) as person:
        answer = await person.http.request(method, path, json={})

    assert (answer.status_code, answer.json()["message"]) == (403, f"Key lacks {right}")


@pytest.mark.parametrize("base", BASES)
async def test_what_is_not_offered_says_so_to_a_key_and_to_nobody_else(people: People, base: str) -> None:
    async with (
        holding(people.owner, await people.owner.another_key(scopes=(Scope.READ,))) as person,
        httpx.AsyncClient(base_url=people.owner.http.base_url, trust_env=False) as anybody,
    ):
        for method, path, words in NOT_OFFERED:
            told = (await person.http.request(method, f"/sendpilot{base}{path_of(path)}", json={})).json()
            assert list(told.items()) == [("statusCode", 501), ("message", words), ("error", "Not Implemented")]
            assert (await anybody.request(method, f"/sendpilot{base}{path_of(path)}", json={})).status_code == 401


ENDPOINTS = """
GET /me, GET /credits, GET /campaigns, GET /campaigns/{id}, PATCH /campaigns/{id},
GET /leads, GET /leads/{id}, POST /leads, PATCH /leads/{id}/status,
GET /senders/quotas, GET /inbox/senders, GET /inbox/conversations, GET /inbox/conversations/{id}/messages,
POST /inbox/send, POST /inbox/send/lead/{id}, POST /inbox/connect,
GET /lead-database/filters, POST /lead-database/searches, GET /lead-database/searches/{id}/status,
GET /lead-database/searches/{id}/results, POST /lead-extractor/campaigns, GET /lead-extractor/campaigns/{id}/status,
GET /lead-extractor/campaigns/{id}/results
"""
"""The table of the contract's section 3."""


def test_every_endpoint_of_the_vendor_has_a_route() -> None:
    ours = {f"{row.method} {row.path}" for row in CALLS} | {f"{method} {path}" for method, path, _ in NOT_OFFERED}

    assert ours == {endpoint.strip() for endpoint in ENDPOINTS.replace("\n", " ").split(",")}
