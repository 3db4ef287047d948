"""Tokens, attribution headers and the request id (contracts/capillary.md, sections 1.2 and 1.3)."""

from typing import Any

import httpx
import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel
from leadrail.core.companies import doors
from leadrail.core.leads.model import Lead
from tests.dialects.capillary.conftest import PASSWORD, Till, make_till
from tests.people import People

TOKEN = "X-CAP-API-OAUTH-TOKEN"
ATTRIBUTION = "X-CAP-API-ATTRIBUTION-"
MINIMAL = {"leadFor": "item001", "userId": 77}


async def token(people: People, key: Any, secret: Any) -> httpx.Response:
    body = {"key": key, "secret": secret}
    return await people.owner.http.post("/capillary/v3/oauth/token/generate", json=body)


async def granted(people: People, key: str, secret: str) -> dict[str, str]:
    """The header that a token call leads to."""
    answer = await token(people, key, secret)
    assert answer.status_code == 200, answer.text
    return {TOKEN: answer.json()["data"]["accessToken"]}


@pytest.mark.parametrize("secret", [PASSWORD, "8a16a6b70505eb1f1ff7cdc0cd5559a7", "8A16A6B70505EB1F1FF7CDC0CD5559A7"])
async def test_till_gets_a_token_for_its_password_or_its_md5(
    people: People, lead: Lead, till: Till, secret: str
) -> None:
    headers = await granted(people, till.name, secret)

    answer = await till.good("PUT", f"/{lead.number}", {"owner": "anita"}, auth=None, headers=headers)

    assert answer["lastUpdatedBy"] == till.number


async def test_api_key_gets_a_token_by_its_id(people: People, channel: Channel, till: Till) -> None:
    key = await people.owner.another_key(name="crm", scopes=(Scope.WRITE,))
    (row,) = await people.owner.rows(
        "SELECT id, till_number FROM api_keys WHERE name = 'crm' AND company_id = $1", people.owner.company_id
    )
    headers = await granted(people, str(row["id"]), key)

    answer = await till.good("POST", "", MINIMAL, auth=None, headers=headers)
    refused = await till.refused("GET", "", auth=None, headers=headers)

    assert (answer["createdBy"], refused[:2]) == (row["till_number"], (403, 403))
    assert await entity(people, answer) == ("TILL", str(row["till_number"]))


@pytest.mark.parametrize(
    ("key", "secret"), [("nobody", "x"), ("01976c1e-6b1c-7c3e-9a52-0f5d3c1b2a10", "lr_x"), ("😀", "x")]
)
async def test_unknown_client_gets_no_token(people: People, key: str, secret: str) -> None:
    answer = await token(people, key, secret)

    (item,) = answer.json()["errors"]
    assert (answer.status_code, item["code"], item["status"]) == (401, 401, False)
    assert item["message"] == "Authentication failed: check the key and its secret"


async def test_secret_of_another_key_gets_no_token(people: People, till: Till) -> None:
    key = await people.stranger.another_key()
    (row,) = await people.owner.rows(
        "SELECT id FROM api_keys WHERE company_id = $1 AND till IS NULL", people.owner.company_id
    )

    assert (await token(people, str(row["id"]), key)).status_code == 401
    assert (await token(people, till.name, "wrong")).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "codes"),
    [({}, 403, [9702, 9702]), ({"key": "x", "secret": ""}, 403, [9702]), ({"key": 5}, 400, [400]), ([], 400, [400])],
)
async def test_bad_token_call_is_refused(people: People, body: Any, status: int, codes: list[int]) -> None:
    answer = await people.owner.http.post("/capillary/v3/oauth/token/generate", json=body)

    assert (answer.status_code, [item["code"] for item in answer.json()["errors"]]) == (status, codes)


@pytest.mark.parametrize("forged", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "\xff\xfe"])
async def test_bad_token_is_refused_even_beside_a_login(lead: Lead, till: Till, forged: str) -> None:
    header = {TOKEN.encode(): forged.encode("latin-1")}

    status, code, message = await till.refused("GET", "", headers=header)

    assert (status, code) == (401, 401)
    assert "token" in message


async def test_token_of_a_revoked_key_is_refused(people: People, till: Till) -> None:
    headers = await granted(people, till.name, PASSWORD)
    await people.owner.rows("UPDATE api_keys SET revoked_at = now() WHERE till = $1 RETURNING id", till.name)

    assert (await till.refused("GET", "", auth=None, headers=headers))[:2] == (401, 401)


# In whose name


async def entity(people: People, answer: Any) -> tuple[str, str]:
    """What is kept of in whose name a lead was made."""
    (row,) = await people.owner.rows("SELECT attribution FROM leads WHERE number = $1", answer["id"])
    return row["attribution"]["entity_type"], row["attribution"]["entity_code"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ENTITY-TYPE": "STORE_CODE", "ENTITY-CODE": "S12"}, ("STORE_CODE", "S12")),
        ({"ENTITY-TYPE": "till_code", "ENTITY-CODE": "T1"}, ("TILL", "T1")),
        ({"ENTITY-CODE": "T1"}, ("TILL", "T1")),
        ({"LOOKUP-TYPE": "TILL", "LOOKUP": "Other"}, ("TILL", "Other")),
        ({"LOOKUP-TYPE": "TILL", "LOOKUP": "Other", "ENTITY-CODE": "T1"}, ("TILL", "T1")),
    ],
)
async def test_entity_of_the_headers_is_kept(
    people: People, channel: Channel, till: Till, headers: dict[str, str], expected: tuple[str, str]
) -> None:
    sent = {ATTRIBUTION + name: value for name, value in headers.items()} | {"language": "zh"}

    answer = await till.good("POST", "", MINIMAL, headers=sent)

    assert await entity(people, answer) == expected
    assert answer["createdBy"] == till.number


@pytest.mark.parametrize("headers", [{}, {"ENTITY-TYPE": "STORE_CODE"}, {"LOOKUP-TYPE": "TILL"}])
async def test_without_a_code_it_is_the_till_itself(
    people: People, channel: Channel, till: Till, headers: dict[str, str]
) -> None:
    sent = {ATTRIBUTION + name: value for name, value in headers.items()}

    assert await entity(people, await till.good("POST", "", MINIMAL, headers=sent)) == ("TILL", till.name)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"LOOKUP": "Other"}, 1061),
        ({"LOOKUP-TYPE": "PERSON", "LOOKUP": "Other"}, 9715),
        ({"ENTITY-TYPE": "SHOP", "ENTITY-CODE": "S12"}, 9715),
    ],
)
async def test_bad_attribution_is_refused(channel: Channel, till: Till, headers: dict[str, str], code: int) -> None:
    sent = {ATTRIBUTION + name: value for name, value in headers.items()}

    assert (await till.refused("POST", "", MINIMAL, headers=sent))[:2] == (400, code)


async def test_look_up_widens_nothing(people: People, lead: Lead, till: Till) -> None:
    stranger = await make_till(people.stranger)
    headers = {ATTRIBUTION + "LOOKUP-TYPE": "TILL", ATTRIBUTION + "LOOKUP": till.name}

    answer = await stranger.call("GET", f"/{lead.number}/statusLog", headers=headers)

    assert answer.status_code == 404
    assert (await stranger.good("GET", "", headers=headers))["data"] == []


# The request id


@pytest.mark.parametrize(
    ("path", "status"), [("/v2/leads", 200), ("/v2/leads/1", 405), ("/v2/other", 404), ("/v2/leads/x/followups", 400)]
)
async def test_every_answer_has_a_request_id_of_its_own(people: People, till: Till, path: str, status: int) -> None:
    answers = [await people.owner.http.get(f"/capillary{path}", auth=till.login) for _ in range(2)]

    ids = {answer.headers["x-cap-request-id"] for answer in answers}
    assert {answer.status_code for answer in answers} == {status}
    assert [len(bytes.fromhex(id)) for id in ids] == [16, 16]


# The whole way


async def test_token_ends_with_its_five_minutes(people: People, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = await granted(people, till.name, PASSWORD)
    monkeypatch.setattr(doors, "GRANTED_S", 0)
    expired = await granted(people, till.name, PASSWORD)

    assert (await till.call("GET", "", auth=None, headers=fresh)).status_code == 200
    assert (await till.refused("GET", "", auth=None, headers=expired))[:2] == (401, 401)


async def test_refused_token_call_says_so_with_a_slash_at_its_end_too(people: People) -> None:
    body = {"key": "nobody", "secret": "x"}
    answer = await people.owner.http.post("/capillary/v3/oauth/token/generate/", json=body)

    assert answer.json()["errors"][0]["message"] == "Authentication failed: check the key and its secret"
