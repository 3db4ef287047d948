"""Whatever is refused is said in SendPilot's envelope, and changes nothing."""

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Requirement
from leadrail.core.companies.commands import digest_of
from leadrail.core.errors import Code, refuse
from leadrail.dialects.sendpilot.errors import NAMES, TABLE
from leadrail.kit.ids import new_id
from tests.dialects.sendpilot.pilot import BASES, john, patch, state
from tests.people import NewStatus, People

UNAUTHORIZED = {"statusCode": 401, "message": "Invalid API key", "error": "Unauthorized"}
NOT_FOUND = {"statusCode": 404, "message": "Lead not found", "error": "Not Found"}


def error(answer: httpx.Response) -> tuple[int, str]:
    """Status and message; the envelope is complete and says nothing else."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert told == {
        "statusCode": answer.status_code,
        "message": told["message"],
        "error": NAMES[answer.status_code],
    }
    return answer.status_code, told["message"]


async def send(people: People, lead_id: object, headers: dict[str, str]) -> httpx.Response:
    """A move with these headers and no others of ours."""
    async with httpx.AsyncClient(base_url=people.owner.http.base_url, trust_env=False) as anybody:
        return await anybody.patch(f"{BASES[0]}/leads/{lead_id}/status", json={"status": "DONE"}, headers=headers)


# Who may


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": ""}, {"X-API-Key": "sp_live_abc123xyz"}, {"Authorization": "Bearer x"}, {"Authorization": "x"}],
)
async def test_a_missing_and_a_wrong_key_get_the_same_401(people: People, headers: dict[str, str]) -> None:
    lead = await john(people)
    before = await state(people, lead.id)

    answer = await send(people, lead.id, headers)

    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
    assert await state(people, lead.id) == before


async def test_a_bearer_token_is_a_key_too(people: People) -> None:
    lead = await john(people)

    answer = await send(people, lead.id, {"Authorization": f"Bearer {people.owner.key}"})

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
async def test_a_key_that_has_ended_moves_nothing(people: People, column: str) -> None:
    lead, key = await john(people), await people.owner.another_key()
    before = await state(people, lead.id)
    ended = f"UPDATE api_keys SET {column} = now() - interval '1 second' WHERE digest = $1 RETURNING id"
    assert await people.owner.rows(ended, digest_of(key))

    answer = await send(people, lead.id, {"X-API-Key": key})

    assert answer.json() == UNAUTHORIZED
    assert await state(people, lead.id) == before


async def test_a_key_that_only_reads_moves_nothing(people: People) -> None:
    lead, key = await john(people), await people.owner.another_key(scopes=(Scope.READ,))
    before = await state(people, lead.id)

    answer = await send(people, lead.id, {"X-API-Key": key})

    assert error(answer) == (403, "Key lacks leads:write")
    assert await state(people, lead.id) == before


async def test_the_stranger_moves_nothing_and_learns_nothing(people: People) -> None:
    lead = await john(people)
    before = await state(people, lead.id)

    answer = await patch(people.stranger, lead.id, status="DONE")

    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert await state(people, lead.id) == before


@pytest.mark.parametrize("lead_id", ["0190a0a0-0000-7000-8000-000000000000", "lead_abc123", "1", "%00"])
async def test_a_lead_that_is_not_there_is_a_404(people: People, lead_id: str) -> None:
    answer = await patch(people.owner, lead_id, status="DONE")

    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


# What was asked

REQUIRED = "At least one of status or customLeadStatus is required"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{}", REQUIRED),
        (b'{"note": "only a note"}', REQUIRED),
        (b'{"status": null, "customLeadStatus": null}', REQUIRED),
        (b'{"status": ""}', REQUIRED),
        (b'{"status": "SOLD"}', 'Status "SOLD" not found for this channel; it has: PENDING'),
        (b'{"status": 3}', 'status: Expected "str | null", got "int"'),
        (b'{"status": "DONE", "note": ["x"]}', 'note: Expected "str | null", got "array"'),
        (b'{"status": "DONE", "note": "' + b"x" * 20_001 + b'"}', "note is longer than 20000 characters"),
        (b'{"status": "", "customLeadStatus": ""}', REQUIRED),
        (b'{"customLeadStatus": "HAPPY"}', "customLeadStatus must be one of the following values: LEAD, INTERESTED, "),
        (b'{"status": "DONE", "customLeadStatus": "lead"}', "customLeadStatus must be one of the following values: "),
        (b'{"customLeadStatus": 1}', 'customLeadStatus: Expected "str | null", got "int"'),
        (b"", "The body is empty; send JSON"),
        (b"{", "The body is not valid JSON"),
        (b'{"status": "\xff"}', "The body is not valid JSON"),
        (b'{"status": "\\u0000"}', "Text must not contain the character U+0000"),
        (b'["DONE"]', 'Expected "object", got "array"'),
    ],
)
async def test_a_wrong_body_says_what_is_wrong_and_moves_nothing(people: People, body: bytes, text: str) -> None:
    lead = await john(people)
    before = await state(people, lead.id)

    answer = await people.owner.http.patch(f"{BASES[0]}/leads/{lead.id}/status", content=body)

    status, words = error(answer)
    assert (status, words[: len(text)]) == (400, text)
    assert await state(people, lead.id) == before


async def test_a_move_without_what_its_status_requires_is_refused(people: People) -> None:
    statuses = (NewStatus(name="REPLY_RECEIVED"), NewStatus(name="DONE", requires=(Requirement.VALUE,)))
    lead = await john(people, await people.owner.channel(statuses=statuses))
    before = await state(people, lead.id)

    answer = await patch(people.owner, lead.id, status="DONE", customLeadStatus="CLOSED")

    assert error(answer) == (400, 'The status "DONE" requires value; send it along')
    assert await state(people, lead.id) == before


@pytest.mark.parametrize("base", BASES)
async def test_another_method_is_a_405(people: People, base: str) -> None:
    answer = await people.owner.http.post(f"{base}/leads/{new_id()}/status", json={"status": "DONE"})

    assert error(answer)[0] == 405
    assert answer.headers["allow"] == "PATCH"


@pytest.mark.parametrize("path", ["/sendpilot", "/sendpilot/v2/leads/1/status", "/sendpilot/v1/leads/1/status/2"])
async def test_another_path_is_a_404(people: People, path: str) -> None:
    answer = await people.owner.http.patch(path, json={"status": "DONE"})

    assert error(answer) == (404, f"Cannot PATCH {path.removeprefix('/sendpilot')}")


async def test_too_large_a_body_is_a_413(people: People) -> None:
    answer = await people.owner.http.patch(f"{BASES[0]}/leads/1/status", content=b" " * ((4 << 20) + 1))

    assert error(answer) == (413, "The body is larger than 4194304 bytes")


# What fails on our side


def failing(with_error: Exception) -> Callable[..., Any]:
    async def execute_one(_command: Any) -> Any:
        raise with_error

    return execute_one


async def test_a_database_that_is_away_is_a_503(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people.owner.core.engine, "execute_one", failing(refuse(Code.UNAVAILABLE, "away")))

    answer = await patch(people.owner, new_id(), status="DONE")

    assert error(answer) == (503, "The service is busy or away; try again in a moment")
    assert answer.headers["retry-after"] == "1"


async def test_a_fault_of_ours_is_a_500_and_is_logged(
    people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(people.owner.core.engine, "execute_one", failing(RuntimeError("the secret inside")))

    with caplog.at_level(logging.ERROR):
        answer = await patch(people.owner, new_id(), status="DONE")

    assert error(answer) == (500, "Internal server error")
    assert "the secret inside" in caplog.text


def test_every_kind_of_refusal_has_a_status_and_every_status_a_name() -> None:
    assert set(TABLE) == set(Code)
    assert {status for status, _ in TABLE.values()} <= set(NAMES)
