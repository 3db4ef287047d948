"""The OpenAPI document: whole in itself, true to the code, and true to what the server answers."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from leadrail.api import examples, service
from leadrail.api.catalogue import CATALOGUE
from leadrail.api.face import OPERATIONS
from leadrail.api.openapi import describe
from leadrail.api.openapi.operations import operation_id
from leadrail.api.openapi.schemas import alternatives, name_of
from leadrail.api.openapi.words import CODES, WORDS
from leadrail.api.operation import Operation
from leadrail.api.writes import SHOWN_ONCE
from leadrail.core.actor import Scope, system
from leadrail.core.core import Core
from leadrail.core.disabling import disable_endpoint
from leadrail.core.errors import Code
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import RemindFollowUp
from leadrail.core.webhooks.model import Format, Why
from leadrail.core.webhooks.queue import Claim, Destination
from leadrail.dialects.registry import DIALECTS
from leadrail.kit import signing
from leadrail.worker.formats import Message, message
from tests.api.world import IN_TURN, World
from tests.people import People, three_people

DOCUMENT: dict[str, Any] = json.loads(json.dumps(describe(OPERATIONS)))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
DOCUMENTED: list[dict[str, Any]] = [row for methods in DOCUMENT["paths"].values() for row in methods.values()]

each_operation = pytest.mark.parametrize("row", OPERATIONS, ids=operation_id)


@pytest.fixture
async def world(people: People) -> World:
    return await World.made(people)


def documented(row: Operation) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][row.path][row.method.lower()]
    return found


# A value against its schema


def check(schema: dict[str, Any], value: Any, at: str = "$", *, exact: bool = True) -> None:
    """Fails where the value is not what the schema says; `exact` allows no member that it does not name."""
    if "$ref" in schema:
        return check(SCHEMAS[schema["$ref"].rpartition("/")[2]], value, at, exact=exact)
    if "anyOf" in schema:
        assert any(fits(part, value) for part in schema["anyOf"]), f"{at}: {value!r} fits no alternative"
    for part in schema.get("allOf", ()):
        check(part, value, at, exact=False)
    assert "allOf" not in schema or set(value) <= names(schema), f"{at} has members that are not documented"
    assert value in schema.get("enum", [value]), f"{at}: {value!r} is not in {schema.get('enum')}"
    assert value == schema.get("const", value), at
    assert TYPES[schema.get("type", "anything")](value), f"{at}: {value!r} is no {schema['type']}"
    if isinstance(value, str):
        FORMATS[schema.get("format", "")](value)
    for place, item in enumerate(value if isinstance(value, list) else ()):
        check(schema["items"], item, f"{at}[{place}]")
    if "properties" in schema:
        check_members(schema, value, at, exact=exact)
    return None


def check_members(schema: dict[str, Any], value: dict[str, Any], at: str, *, exact: bool) -> None:
    assert set(schema.get("required", ())) <= set(value), f"{at} lacks members"
    assert not exact or set(value) <= set(schema["properties"]), f"{at} has members that are not documented"
    for name, part in schema["properties"].items():
        if name in value:
            check(part, value[name], f"{at}.{name}")


def names(schema: dict[str, Any]) -> set[str]:
    """The members that the parts of a schema name together."""
    parts = [SCHEMAS[schema["$ref"].rpartition("/")[2]]] if "$ref" in schema else schema.get("allOf", [])
    return set(schema.get("properties", ())).union(*map(names, parts))


def fits(schema: dict[str, Any], value: Any) -> bool:
    try:
        check(schema, value)
    except (AssertionError, ValueError, ArithmeticError):
        return False
    return True


TYPES: dict[str, Callable[[Any], bool]] = {
    "anything": lambda _: True,
    "null": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def moment(text: str) -> None:
    assert datetime.fromisoformat(text).tzinfo is not None, f"{text} has no offset"


FORMATS: dict[str, Callable[[str], Any]] = {
    "": str,
    "uuid": UUID,
    "date-time": moment,
    "date": date.fromisoformat,
    "decimal": Decimal,
}


def test_the_checker_sees_what_is_wrong() -> None:
    lead = examples.LEAD

    assert fits(SCHEMAS["Lead"], lead)
    assert not fits(SCHEMAS["Lead"], lead | {"more": 1})
    assert not fits(SCHEMAS["Lead"], {name: value for name, value in lead.items() if name != "email"})
    assert not fits(SCHEMAS["Lead"], lead | {"id": "42"})
    assert not fits(SCHEMAS["Lead"], lead | {"created_at": "2026-11-21T12:00:00"})
    assert not fits(SCHEMAS["Lead"], lead | {"status": lead["status"] | {"category": "new"}})  # type: ignore[operator]


# Whole in itself


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else ()
        for part in node.values():
            yield from refs(part)
    if isinstance(node, list):
        for part in node:
            yield from refs(part)


def test_every_reference_resolves_and_every_schema_is_used() -> None:
    assert {ref.removeprefix("#/components/schemas/") for ref in refs(DOCUMENT)} == set(SCHEMAS)
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", name) for name in SCHEMAS)


def test_every_route_is_documented_and_nothing_else(core: Core) -> None:
    beside = {(route.method, route.path) for route in service.routes(core) if route.path != "/"}
    served = {(row.method, row.path) for row in OPERATIONS} | beside | {("GET", "/openapi.json")}

    listed = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}

    assert listed == served


def test_operations_have_ids_of_their_own_and_tags_that_are_told() -> None:
    ids = [row["operationId"] for row in DOCUMENTED]
    tags = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", id) for id in ids)
    assert {tag for row in DOCUMENTED for tag in row["tags"]} == set(tags)
    assert all(tags.values())


@pytest.mark.parametrize(("method", "path"), [(m, p) for p, ms in DOCUMENT["paths"].items() for m in ms])
def test_parameters_are_those_of_the_path_and_each_is_told(method: str, path: str) -> None:
    parameters = DOCUMENT["paths"][path][method].get("parameters", [])

    assert [one["name"] for one in parameters if one["in"] == "path"] == re.findall(r"\{(\w+)\}", path)
    assert all(one["description"] and "type" in resolved(one["schema"]) for one in parameters)
    assert all(one["required"] for one in parameters if one["in"] == "path")


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


@each_operation
def test_examples_are_what_the_schemas_say(row: Operation) -> None:
    said = documented(row)
    contents = [said["requestBody"]["content"]] if row.body is not None else []
    contents += [answer["content"] for answer in said["responses"].values() if "content" in answer]

    for media in (content["application/json"] for content in contents if "application/json" in content):
        for example in media.get("examples", {"": {"value": media.get("example")}}).values():
            check(media["schema"], example["value"])


def test_the_version_is_the_package_s_and_the_server_is_this_one() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", DOCUMENT["info"]["version"])
    assert DOCUMENT["servers"] == [{"url": "/"}]
    assert set(DOCUMENT["components"]["securitySchemes"]) == {"bearer", "apiKey"}


# True to the code


def test_every_code_is_told_with_its_status() -> None:
    # Another company's channel is answered as one that does not exist.
    assert set(Code) - set(CODES) == {Code.CHANNEL_FORBIDDEN}
    assert {code: said["status"] for code, said in DOCUMENT["x-problems"].items()} == CODES
    assert SCHEMAS["Problem"]["properties"]["code"]["enum"] == list(CODES)
    check(SCHEMAS["Problem"], examples.PROBLEM)


def test_no_word_is_left_over() -> None:
    members = {name for schema in SCHEMAS.values() for name in schema.get("properties", ())}
    queries = {one["name"] for row in DOCUMENTED for one in row.get("parameters", ()) if one["in"] == "query"}
    types = {name_of(type) for row in OPERATIONS for type in (row.body, row.query)}

    assert set(WORDS["tags"]) >= {row.tag for row in OPERATIONS}
    assert set(WORDS["codes"]) == set(CODES)
    assert set(WORDS["refusals"]) <= types
    assert {code for codes in WORDS["refusals"].values() for code in codes} <= set(CODES)
    assert set(WORDS["schemas"].values()) <= set(SCHEMAS)
    assert set(WORDS["members"]) <= members
    assert all(set(notes) <= set(SCHEMAS[name]["properties"]) for name, notes in WORDS["members_of"].items())
    assert set(WORDS["parameters"]) | set(WORDS["given"]) <= queries
    assert set(WORDS["dialects"]) >= set(DIALECTS)


@each_operation
def test_scopes_and_headers_are_told(row: Operation) -> None:
    said = documented(row)
    headers = {one["name"] for one in said["parameters"] if one["in"] == "header"}

    assert said["security"] == [{"bearer": [row.scope]}, {"apiKey": [row.scope]}]
    assert f"`{row.scope}`" in said["description"]
    assert ("Idempotency-Key" in headers) == ((row.method == "POST" and not row.only_asks) or "If-Match" in headers)
    assert ("If-Match" in headers) <= any("ETag" in answer.get("headers", {}) for answer in said["responses"].values())


def test_batches_name_the_type_of_their_items() -> None:
    assert SCHEMAS["LeadBatch"]["properties"]["leads"]["items"] == {"$ref": "#/components/schemas/NewLead"}
    assert SCHEMAS["StatusBatch"]["properties"]["changes"]["items"] == {"$ref": "#/components/schemas/BatchedChange"}
    assert SCHEMAS["LeadBatch"]["properties"]["leads"]["maxItems"] == 1000


def test_a_dry_run_is_another_answer() -> None:
    row = next(row for row in OPERATIONS if len(alternatives(row.answer)) > 1)
    assert set(documented(row)["responses"]["200"]["content"]["application/json"]["examples"]) == {"Lead", "Preview"}


# True to the server


@pytest.fixture(scope="module")
async def answers(core: Core, server_url: str) -> dict[str, httpx.Response]:
    """What each operation answers to its example; one world is enough for them all."""
    async with three_people(core, server_url) as people:
        world = await World.made(people)
        return {operation_id(row): await world.send(row) for row in IN_TURN}


@each_operation
def test_every_example_is_accepted_and_answered_as_documented(
    row: Operation, answers: dict[str, httpx.Response]
) -> None:
    said = documented(row)["responses"][str(row.status)]

    answer = answers[operation_id(row)]

    assert answer.status_code == row.status, answer.text
    if row.answer is not None:
        check(said["content"]["application/json"]["schema"], answer.json())
    sent = {name for name in ("ETag", "Location") if name in answer.headers}
    assert sent == set(said.get("headers", {})) - {"Idempotent-Replayed"}


@pytest.fixture(scope="module")
async def refusals(core: Core, server_url: str) -> dict[str, list[httpx.Response]]:
    """What each operation answers to calls that are wrong; those that it takes all the same come late."""
    async with three_people(core, server_url) as people:
        world = await World.made(people)
        keys = {scope: await people.owner.another_key(scopes=OTHER_SCOPES[scope]) for scope in OTHER_SCOPES}
        refused: dict[str, list[httpx.Response]] = {}
        for row in IN_TURN:
            wrong: list[dict[str, Any]] = [
                {"headers": {"X-API-Key": "lr_wrong"}},
                {"headers": {"X-API-Key": keys[row.scope]}},
                {"http": people.stranger.http},
                {"query": {"unheard": "of"}},
                {"query": {"cursor": "?"}},
                {"content": b"{"},
                {"headers": {"Idempotency-Key": "x" * 300}},
                {"headers": {"If-Match": '"999"'}},
            ]
            refused[operation_id(row)] = [await world.send(row, **call) for call in wrong]
        return refused


@each_operation
def test_every_refusal_is_documented(row: Operation, refusals: dict[str, list[httpx.Response]]) -> None:
    for answer in refusals[operation_id(row)]:
        check_refusal(row, answer)


# A key without the scope that an operation needs: admin holds every other.
OTHER_SCOPES = {Scope.READ: (Scope.WRITE,), Scope.WRITE: (Scope.READ,), Scope.ADMIN: (Scope.READ, Scope.WRITE)}


def check_refusal(row: Operation, answer: httpx.Response) -> None:
    if answer.status_code == row.status:
        return
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    said = documented(row)["responses"][str(answer.status_code)]["content"]["application/problem+json"]["schema"]
    check(said, answer.json())


KEPT = [row for row in IN_TURN if any(one["name"] == "Idempotency-Key" for one in documented(row)["parameters"])]


@pytest.fixture(scope="module")
async def repeats(core: Core, server_url: str) -> dict[str, tuple[httpx.Response, httpx.Response]]:
    """What each operation answers to the first and to the second call under one idempotency key."""
    async with three_people(core, server_url) as people:
        world, twice = await World.made(people), dict[str, tuple[httpx.Response, httpx.Response]]()
        for name, row in ((operation_id(row), row) for row in KEPT):
            headers = {"Idempotency-Key": f"once {name}"}
            twice[name] = (await world.send(row, headers=headers), await world.send(row, headers=headers))
        return twice


@pytest.mark.parametrize("row", KEPT, ids=operation_id)
def test_a_repeat_under_an_idempotency_key_is_answered_as_documented(
    row: Operation, repeats: dict[str, tuple[httpx.Response, httpx.Response]]
) -> None:
    first, again = repeats[operation_id(row)]

    assert first.status_code == row.status, first.text
    shown_once = {name: None for name in SHOWN_ONCE if name in first.json()}
    assert (again.status_code, again.json()) == (first.status_code, first.json() | shown_once)
    marked = "Idempotent-Replayed" in documented(row)["responses"][str(row.status)].get("headers", {})
    assert again.headers.get("idempotent-replayed") == ("true" if marked else None)


async def test_a_body_that_is_too_large_is_refused_before_it_comes(server_url: str) -> None:
    host, _, port = server_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /v1/leads HTTP/1.1\r\nHost: {host}\r\nContent-Length: {5 << 20}\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()

    assert head.startswith(b"HTTP/1.1 413 ")
    check(SCHEMAS["Problem"], json.loads(body))


async def test_the_document_is_published_and_asked_for_once(people: People) -> None:
    first = await people.owner.http.get("/openapi.json")
    again = await people.owner.http.get("/openapi.json", headers={"If-None-Match": f"W/{first.headers['etag']}"})

    assert first.json() == DOCUMENT
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


# Webhooks


def test_every_event_is_documented_with_its_example() -> None:
    assert set(DOCUMENT["webhooks"]) == set(EventType)
    for webhook in DOCUMENT["webhooks"].values():
        media = webhook["post"]["requestBody"]["content"]["application/json"]
        check(media["schema"], media["example"])


async def test_a_test_event_of_every_type_is_what_is_documented(world: World) -> None:
    for type in EventType:
        await world.people.owner.http.post(f"/v1/webhooks/{world.ids['WEBHOOK_ID']}/test", json={"type": type})

    sent = [json.loads(one.body) for one in await messages(world)]

    assert {body["type"] for body in sent} == set(EventType)
    for body in sent:
        said = DOCUMENT["webhooks"][body["type"]]["post"]
        check(said["requestBody"]["content"]["application/json"]["schema"], body)


async def test_what_is_sent_to_endpoints_is_what_is_documented(world: World) -> None:
    owner, lead = world.people.owner.http, f"/v1/leads/{world.lead.id}"
    await owner.post("/v1/leads", json={"channel_id": str(world.channel.id)})
    again = {"channel_id": str(world.channel.id), "email": world.lead.email, "on_duplicate": "attach"}
    await owner.post("/v1/leads", json=again)
    await owner.patch(lead, json={"title": "Head of Operations", "value": "5000"})
    await owner.put(f"{lead}/status", json={"status": "New", "note": "Called"})
    await owner.put(f"{lead}/status", json={"status": "Won"})
    await owner.post(f"{lead}/follow-ups", json=examples.NEW_FOLLOW_UP)
    await owner.post(f"{lead}/purchases", json=examples.NEW_PURCHASE)
    await owner.post(f"{lead}/notes", json=examples.NEW_NOTE)
    await owner.post(f"{lead}/consents", json=examples.NEW_CONSENT)
    await owner.put(f"/v1/channels/{world.channel.id}/assignment", json=examples.ASSIGNMENT)
    await owner.post("/v1/leads/batch", json={"leads": [{"channel_id": str(world.channel.id)}]})
    for act in ("pause", "resume"):
        await owner.post(f"/v1/channels/{world.channel.id}/{act}")
    await make_overdue(world)
    pair = {"into": world.ids["LEAD_ID"], "leads": [world.ids["OTHER_LEAD_ID"]]}
    merge = (await owner.post("/v1/leads/merge", json=pair)).json()
    await owner.post(f"{lead}/merges/{merge['id']}/undo")
    await owner.put(f"{lead}/channel", json={"channel_id": world.ids["OTHER_CHANNEL_ID"]})
    gone = await world.people.owner.lead(world.channel, email="gone@example.com")
    await owner.delete(f"/v1/leads/{gone.id}")
    await disable_another(world)

    sent = await messages(world)

    assert {json.loads(one.body)["type"] for one in sent} == set(EventType)
    for body, headers in ((json.loads(one.body), one.headers) for one in sent):
        said = DOCUMENT["webhooks"][body["type"]]["post"]
        check(said["requestBody"]["content"]["application/json"]["schema"], body)
        assert {one["name"] for one in said["parameters"]} == set(headers) - {"content-type"}


async def make_overdue(world: World) -> None:
    """A contact was to be made two days ago, and the worker's job comes round."""
    late = await world.people.owner.lead(world.channel, email="late@example.com")
    planned = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    await world.people.owner.http.patch(f"/v1/leads/{late.id}", json={"next_follow_up_at": planned})
    actor = system(late.company_id, "reminder")
    await world.people.owner.core.engine.execute_one(RemindFollowUp(actor=actor, lead_id=late.id))


async def disable_another(world: World) -> None:
    owner = world.people.owner
    broken = await owner.endpoint(url="https://gone.example.com/hook")
    async with owner.core.database.transaction() as connection:
        await disable_endpoint(connection, owner.company_id, broken.id, Why.GONE, datetime.now(UTC), datetime.now(UTC))


async def messages(world: World) -> list[Message]:
    """What the worker makes of everything that is due to the owner's endpoint."""
    owner = world.people.owner
    endpoint = Destination(
        UUID(world.ids["WEBHOOK_ID"]), owner.company_id, "https://example.com", Format.NATIVE, (signing.new_secret(),)
    )
    due = await owner.rows("SELECT id, event_id, payload FROM deliveries WHERE endpoint_id = $1", endpoint.id)
    claims = [Claim(owner.company_id, row["id"], 1, row["event_id"], row["payload"], endpoint) for row in due]
    return [made for claim in claims if (made := message(claim, timestamp=1_795_262_400)) is not None]


async def test_history_is_what_is_documented(world: World) -> None:
    lead = f"/v1/leads/{world.lead.id}"
    await world.people.owner.http.put(f"{lead}/status", json={"status": "Won", "value": "5000"})

    history = (await world.people.owner.http.get(f"{lead}/events")).json()["data"]

    assert [event["type"] for event in history] == ["lead.created", "lead.status_changed", "reward.created"]
    for event in history:
        check(SCHEMAS[CATALOGUE[event["type"]].data.__name__], event["data"])
