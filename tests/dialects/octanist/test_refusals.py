"""Octanist's envelope around all that goes wrong, and who is let in (contracts/octanist.md, sections 1 and 2)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel
from leadrail.core.errors import Code
from leadrail.core.leads.model import Lead
from leadrail.dialects.octanist import leads
from leadrail.dialects.octanist.errors import TABLE
from tests.dialects.octanist.conftest import JANE, PATH, nothing_changes, patch
from tests.people import People, Person

LOSE = b'{"email": "jane@example.com", "status": "lost"}'


async def send(person: Person, content: bytes, key: str | None = None) -> tuple[int, dict[str, Any]]:
    headers = [] if key is None else [(b"x-api-key", key.encode("latin-1"))]
    answer = await person.http.patch(PATH, content=content, headers=headers)
    return answer.status_code, answer.json()


def test_every_kind_of_refusal_has_a_status_and_a_code() -> None:
    assert set(TABLE) == set(Code)


# Who is let in


@pytest.mark.parametrize("identifier", ["id", "email"])
async def test_stranger_gets_404_and_nothing_changes(people: People, lead: Lead, identifier: str) -> None:
    body = {"id": str(lead.id)} if identifier == "id" else {"email": JANE}

    async with nothing_changes(people.owner):
        answer = await patch(people.stranger, **body, status="lost")

    assert (answer.status_code, answer.json()["message"]) == (404, "Lead not found")


async def test_partner_of_a_shared_channel_moves_its_lead(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel(), email=JANE)

    answer = await patch(people.partner, email=JANE, status="lost")

    assert answer.json()["leadId"] == str(lead.id)


async def test_key_bound_to_another_channel_finds_nothing(people: People, lead: Lead) -> None:
    key = await people.owner.another_key(channel_ids=((await people.owner.channel()).id,))

    async with nothing_changes(people.owner):
        status, body = await send(people.owner, LOSE, key)

    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")


async def test_read_only_key_is_forbidden_to_write(people: People, lead: Lead) -> None:
    key = await people.owner.another_key(scopes=(Scope.READ,))

    async with nothing_changes(people.owner):
        status, body = await send(people.owner, LOSE, key)

    assert (status, body["error"]["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_at = now() - interval '1 second'"])
async def test_key_that_is_no_longer_in_force_is_refused(people: People, lead: Lead, end: str) -> None:
    key = await people.owner.another_key(name="ended")
    await people.owner.rows(f"UPDATE api_keys SET {end} WHERE name = 'ended' RETURNING id")

    async with nothing_changes(people.owner):
        status, body = await send(people.owner, LOSE, key)

    assert (status, body["error"]["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("key", ["", "lr_wrong", "schlüssel"])
async def test_unknown_key_is_refused_in_the_newer_envelope(people: People, lead: Lead, key: str) -> None:
    async with nothing_changes(people.owner):
        status, body = await send(people.owner, LOSE, key)

    assert (status, body["success"], body["error"]["code"]) == (401, False, "UNAUTHORIZED")
    assert body["message"] == body["error"]["message"] == "Invalid or missing API key"


# Bodies that cannot be read


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b"null", None),
        (b"\xff\xfe", None),
        (b'{"id": "a\\u0000b"}', None),
        (b'{"id": 5}', "id"),
        (b'{"phone": 31612345678}', "phone"),
        (b'{"email": "jane@example.com", "status": true}', "status"),
        (b'{"email": "jane@example.com", "value": "much"}', "value"),
        (b'{"email": "jane@example.com", "value": true}', "value"),
        (b'{"email": "jane@example.com", "value": "NaN"}', "value"),
        (b'{"email": "jane@example.com", "value": -1}', "value"),
        (b'{"email": "jane@example.com", "value": 1e400}', "value"),
        (b'{"email": "jane@example.com", "currency": "euro"}', "currency"),
        (b'{"email": "jane@example.com", "alsoQualified": "yes"}', "alsoQualified"),
        (b'{"status": "lost"}', "id"),
        (b'{"email": "jane@example.com"}', "status"),
        (b'{"email": "jane@example.com", "stauts": "lost"}', "status"),
    ],
)
async def test_bad_body_is_refused_and_names_the_member(
    people: People, lead: Lead, content: bytes, field: str | None
) -> None:
    async with nothing_changes(people.owner):
        status, body = await send(people.owner, content)

    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR"), body
    assert body["error"]["details"].get("field") == field


async def test_note_that_is_too_long_is_refused_by_its_name(people: People, lead: Lead) -> None:
    async with nothing_changes(people.owner):
        answer = await patch(people.owner, email=JANE, note="x" * 20_001)

    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, "note")


async def test_huge_body_is_refused(people: People, lead: Lead) -> None:
    async with nothing_changes(people.owner):
        answer = await patch(people.owner, email=JANE, note="x" * (1 << 20))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "VALIDATION_ERROR")


# Places that are not there


async def test_unknown_path_is_answered_in_the_envelope(people: People) -> None:
    answer = await people.owner.http.patch("/octanist/api/contacts", json={})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_unknown_method_names_the_one_that_is_served(people: People) -> None:
    answer = await people.owner.http.delete(PATH)

    assert (answer.status_code, answer.json()["success"]) == (405, False)
    assert "PATCH" in answer.headers["allow"]


async def test_status_that_may_not_follow_is_a_conflict(people: People, channel: Channel, lead: Lead) -> None:
    await people.owner.rows("UPDATE statuses SET next = '{}' WHERE id = $1 RETURNING id", lead.status_id)
    await people.owner.rows("UPDATE channels SET config_version = 9 WHERE id = $1 RETURNING id", channel.id)

    async with nothing_changes(people.owner):
        answer = await patch(people.owner, email=JANE, status="lost")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")


# Faults of ours


async def _broken(*_: object) -> None:
    raise RuntimeError("wires crossed")


async def _away(*_: object) -> None:
    raise ConnectionRefusedError


@pytest.mark.parametrize(("failure", "expected"), [(_broken, 500), (_away, 503)])
async def test_fault_is_answered_in_the_envelope(
    people: People, monkeypatch: pytest.MonkeyPatch, failure: Callable[..., Awaitable[None]], expected: int
) -> None:
    monkeypatch.setattr(leads, "the_leads", failure)

    status, body = await send(people.owner, LOSE)

    assert (status, body["error"]["code"]) == (expected, "INTERNAL_ERROR")
    assert "wires" not in body["message"]
