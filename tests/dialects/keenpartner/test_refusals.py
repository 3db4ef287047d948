"""Whatever is refused is said in KeenPartner's envelope, and changes nothing."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from leadrail.core.actor import Scope
from leadrail.core.channels.commands import archive_channel, change_status_definition
from leadrail.core.channels.model import PropertyType, Requirement
from leadrail.core.companies.commands import digest_of
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.model import Lead
from leadrail.dialects.keenpartner.errors import TABLE
from leadrail.kit.ids import new_id
from tests.dialects.keenpartner.keen import DEFINITION, KEEN_API, ask, error, with_ids
from tests.people import NewProperty, NewStatus, People, Person

NOBODY = "0190a0a0-0000-7000-8000-000000000000"
Body = dict[str, Any]


async def send(person: Person, body: bytes | str, key: str | None = None) -> httpx.Response:
    return await person.http.post(KEEN_API, content=body, headers={"X-Api-Key": person.key if key is None else key})


# Who may


@pytest.mark.parametrize("key", ["", "nonsense", NOBODY])
async def test_a_missing_and_a_wrong_key_get_the_same_401(people: People, key: str) -> None:
    answer = await send(people.owner, '{"action": "create_lead"}', key)

    assert error(answer) == (401, "Invalid API key")


async def test_no_key_header_at_all_is_a_401(people: People) -> None:
    async with httpx.AsyncClient(base_url=people.owner.http.base_url, trust_env=False) as anybody:
        answer = await anybody.post(KEEN_API, json={"action": "update_status"})

    assert error(answer) == (401, "Invalid API key")


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
async def test_a_key_that_has_ended_moves_nothing(people: People, column: str) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="keenpartner"))
    key, before = await people.owner.another_key(), await people.owner.counts()
    ended = f"UPDATE api_keys SET {column} = now() - interval '1 second' WHERE digest = $1 RETURNING id"
    assert await people.owner.rows(ended, digest_of(key))

    answer = await send(people.owner, f'{{"action": "update_status", "lead_id": "{lead.id}", "status": "Won"}}', key)

    assert error(answer) == (401, "Invalid API key")
    assert await people.owner.counts() == before


@pytest.mark.parametrize("action", ["create_lead", "update_status"])
async def test_a_key_that_only_reads_writes_nothing(people: People, action: str) -> None:
    channel = await people.owner.channel(template="keenpartner")
    lead, key = await people.owner.lead(channel), await people.owner.another_key(scopes=(Scope.READ,))
    before = await people.owner.counts()
    body = f'{{"action": "{action}", "channel_id": "{channel.id}", "lead_id": "{lead.id}", "status": "Won"}}'

    answer = await send(people.owner, body, key)

    assert error(answer) == (403, 'The API key lacks the scope "write"')
    assert await people.owner.counts() == before


async def test_the_stranger_creates_nothing(people: People) -> None:
    channel = await people.shared_channel(template="keenpartner")

    answer = await ask(people.stranger, "create_lead", channel_id=channel.id, email="jane@example.com")

    assert error(answer) == (403, "Channel not accessible")
    assert await people.owner.count("leads") == await people.stranger.count("leads") == 0


async def test_the_stranger_moves_nothing(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel(template="keenpartner"))
    before = await people.owner.counts()

    answer = await ask(people.stranger, "update_status", lead_id=lead.id, status="Won")

    assert error(answer) == (403, "Lead not accessible")
    assert await people.owner.counts() == before


async def test_a_key_of_another_channel_moves_nothing(people: People) -> None:
    other = await people.owner.channel()
    lead = await people.owner.lead(await people.owner.channel(template="keenpartner"))
    key = await people.owner.another_key(channel_ids=(other.id,))

    answer = await send(people.owner, f'{{"action": "update_status", "lead_id": "{lead.id}", "status": "Won"}}', key)

    assert error(answer) == (403, "Lead not accessible")


async def test_what_does_not_exist_is_said_as_the_page_says_it(people: People) -> None:
    lead = await ask(people.owner, "update_status", lead_id=NOBODY, status="Won")
    channel = await ask(people.owner, "create_lead", channel_id=NOBODY)

    assert error(lead) == (404, "Lead not found")
    assert error(channel) == (403, "Channel not accessible")


# What was asked

CREATE: list[tuple[Body, int, str]] = [
    ({"channel_id": None}, 400, "channel_id required"),
    ({"channel_id": ""}, 400, "channel_id required"),
    ({"channel_id": "a1b2"}, 400, "channel_id is not a UUID"),
    ({"channel_id": 5}, 400, 'channel_id: Expected "str | null", got "int"'),
    ({"email": ["jane@example.com"]}, 400, 'email: Expected "str | null", got "array"'),
    ({"first_name": "x" * 201}, 400, "first_name is longer than 200 characters"),
    ({"properties": {}}, 400, 'properties: Expected "array | null", got "object"'),
    ({"properties": [{"value": "1"}]}, 400, "properties.0.property_definitions_id: Object missing required field"),
    (
        {"properties": [{"property_definitions_id": "x", "value": "1"}]},
        400,
        "properties.0.property_definitions_id: Inv",
    ),
    ({"properties": [{"property_definitions_id": NOBODY}]}, 400, "properties.0.value: Object missing required field"),
    ({"properties": [{"property_definitions_id": NOBODY, "value": None}]}, 400, "properties.0.value: Expected"),
    ({"properties": [{"property_definitions_id": NOBODY, "value": "1"}]}, 400, "The channel has no property"),
    ({"properties": [{"property_definitions_id": DEFINITION, "value": "many"}]}, 400, '"Deal size" takes a number'),
]


@pytest.mark.parametrize(("wrong", "status", "text"), CREATE)
async def test_a_wrong_creation_says_what_is_wrong_and_creates_nothing(
    people: People, wrong: Body, status: int, text: str
) -> None:
    deal_size = NewProperty(name="Deal size", type=PropertyType.NUMBER)
    channel = await people.owner.channel(template="keenpartner", properties=(deal_size,))
    body = {"action": "create_lead", "channel_id": str(channel.id)} | wrong

    answer = await people.owner.http.post(KEEN_API, json=with_ids(body, {DEFINITION: channel.properties[0].id}))

    found, words = error(answer)
    assert (found, words[: len(text)]) == (status, text)
    assert await people.owner.counts() == {"leads": 0, "events": 0, "deliveries": 0, "rewards": 0}


UPDATE: list[tuple[Body, int, str]] = [
    ({"lead_id": None}, 400, "lead_id and status required"),
    ({"status": None}, 400, "lead_id and status required"),
    ({"lead_id": "", "status": ""}, 400, "lead_id and status required"),
    ({"lead_id": "12345"}, 400, "lead_id is not a UUID"),
    ({"status": 3}, 400, 'status: Expected "str | null", got "int"'),
    ({"status": "Lost forever"}, 404, 'Status "Lost forever" not found for this channel'),
    ({"status": 'Say "hi"'}, 404, 'Status "Say "hi"" not found for this channel'),
    ({"old_status_id": "New lead"}, 400, "old_status_id is not a UUID"),
]


@pytest.mark.parametrize(("wrong", "status", "text"), UPDATE)
async def test_a_wrong_move_says_what_is_wrong_and_moves_nothing(
    people: People, wrong: Body, status: int, text: str
) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="keenpartner"))
    before = await state(people, lead)

    answer = await ask(people.owner, "update_status", **({"lead_id": str(lead.id), "status": "Won"} | wrong))

    assert error(answer) == (status, text)
    assert await state(people, lead) == before


async def test_a_move_without_what_its_status_requires_is_refused(people: People) -> None:
    statuses = (NewStatus(name="New lead"), NewStatus(name="Won", requires=(Requirement.VALUE,)))
    lead = await people.owner.lead(await people.owner.channel(statuses=statuses))
    before = await state(people, lead)

    answer = await ask(people.owner, "update_status", lead_id=lead.id, status="Won")

    assert error(answer) == (400, 'The status "Won" requires value; send it along')
    assert await state(people, lead) == before


async def test_a_move_to_a_status_that_may_not_follow_is_refused(people: People) -> None:
    channel = await people.owner.channel(template="keenpartner")
    new, qualified = channel.statuses[:2]
    async with people.owner.core.database.transaction() as connection:
        await change_status_definition(connection, channel, replace(new, next=(qualified.id,)))
    lead = await people.owner.lead(channel)

    answer = await ask(people.owner, "update_status", lead_id=lead.id, status="Won")

    assert error(answer) == (400, '"New lead" may be followed by Qualified, not by "Won"')
    assert (await people.owner.rows("SELECT version FROM leads WHERE id = $1", lead.id)) == [{"version": 1}]


async def test_an_archived_channel_takes_no_lead(people: People) -> None:
    channel = await people.owner.channel(template="keenpartner")
    async with people.owner.core.database.transaction() as connection:
        await archive_channel(connection, channel, datetime.now(UTC))

    answer = await ask(people.owner, "create_lead", channel_id=channel.id)

    assert error(answer) == (400, "The channel is archived and takes no new leads")


async def state(people: People, lead: Lead) -> tuple[Any, ...]:
    """All that a refused move could have touched."""
    rows = await people.owner.rows("SELECT status_id, version, updated_at FROM leads WHERE id = $1", lead.id)
    return rows, await people.owner.counts()


# What cannot be read


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "The body is empty; send JSON"),
        (b"{", "The body is not valid JSON"),
        (b'{"action": "create_lead", "email": "\xff"}', "The body is not valid JSON"),
        (b'{"action": "create_lead", "email": "\\u0000"}', "Text must not contain the character U+0000"),
        (b"[]", 'Expected "object", got "array"'),
        (b"null", 'Expected "object", got "null"'),
        (b"{}", "Invalid action"),
        (b'{"action": null}', "Invalid action"),
        (b'{"action": 7}', "Invalid action"),
        (b'{"action": "delete_lead"}', "Invalid action"),
        (b'{"action": "Create_Lead"}', "Invalid action"),
    ],
)
async def test_what_cannot_be_read_is_a_400(people: People, body: bytes, text: str) -> None:
    status, words = error(await send(people.owner, body))

    assert (status, words[: len(text)]) == (400, text)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_only_post_is_taken(people: People, method: str) -> None:
    answer = await people.owner.http.request(method, KEEN_API)

    assert error(answer) == (405, "Method not allowed")
    assert answer.headers["allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("path", ["/keenpartner", "/keenpartner/", "/keenpartner/functions/v1", f"{KEEN_API}/more"])
async def test_another_path_is_a_404(people: People, path: str) -> None:
    answer = await people.owner.http.post(path, json={"action": "create_lead"})

    assert error(answer) == (404, "Not found")


async def test_too_large_a_body_is_a_413(people: People) -> None:
    answer = await send(people.owner, b" " * (1 << 20) + b" ")

    assert error(answer) == (413, "The body is larger than 1048576 bytes")


# What fails on our side


def failing(with_error: Exception) -> Callable[..., Any]:
    async def execute_one(_command: Any) -> Any:
        raise with_error

    return execute_one


async def test_a_database_that_is_away_is_a_503(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    away = refuse(Code.UNAVAILABLE, "away; repeat with the same Idempotency-Key")
    monkeypatch.setattr(people.owner.core.engine, "execute_one", failing(away))

    answer = await ask(people.owner, "create_lead", channel_id=new_id())

    assert error(answer) == (503, "The service is busy or away; look whether a new lead is there before you repeat it")
    assert answer.headers["retry-after"] == "1"


async def test_a_fault_of_ours_is_a_500_and_is_logged(
    people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(people.owner.core.engine, "execute_one", failing(RuntimeError("the secret inside")))

    with caplog.at_level(logging.ERROR):
        answer = await ask(people.owner, "create_lead", channel_id=new_id())

    assert error(answer) == (500, "Internal server error")
    assert "the secret inside" in caplog.text


def test_every_kind_of_refusal_has_a_status() -> None:
    assert set(TABLE) == set(Code)
