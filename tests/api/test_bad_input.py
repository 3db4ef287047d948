"""Whatever is sent, the answer is a problem of the caller's and never a fault of ours."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadrail.api.face import BODY_LIMIT, OPERATIONS
from leadrail.api.operation import NoQuery, Operation
from leadrail.app import App
from leadrail.core.core import Core
from tests.api.answers import good, refused
from tests.people import People, Person, three_people

# Texts as they would stand in JSON: types that do not fit, numbers that are too large, letters that are none.
NASTY = [
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e308",
    "1e400",
    "-0.0",
    str(2**63),
    str(10**40),
    "9" * 5000,
    '""',
    '" "',
    '"x"',
    '"NaN"',
    '"-Infinity"',
    '"1e999999999"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\u202e\\uffff"',
    '"\U0001f600İß"',
    '"DK\\n"',
    '"' + "y" * 30_000 + '"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59-14:00"',
    '"2026-02-30T25:61:61Z"',
    '"00000000-0000-0000-0000-000000000000"',
    "[]",
    "[null]",
    "{}",
    '{"":null}',
    '{"a":{"b":[1,{"c":"d"}]}}',
    "[" * 200 + "]" * 200,
    '{"x":' + "[" * 975 + "]" * 975 + "}",
    '{"x":' + "[" * 985 + "]" * 985 + "}",
]
NASTY_TEXT = [
    "",
    "x",
    "%00",
    "%FF",
    "%ED%A0%80",
    "null",
    "-1",
    "9" * 5000,
    "1e999",
    "' OR 1=1 --",
    "%F0%9F%98%80",
    "[]",
]

NASTY_PATHS = ["", "%00", "%ED%A0%80", "9" * 5000, "' OR 1=1 --"]


@pytest.fixture(scope="module")
async def world(core: Core, server_url: str) -> AsyncIterator[tuple[People, dict[str, str]]]:
    """Three people, and what the paths of the operations name."""
    async with three_people(core, server_url) as people:
        channel = await people.shared_channel(template="octanist")
        lead = await people.owner.lead(channel)
        # What a path names must survive what is tried on it, so ids of collections are of nothing.
        ids = {"channels": str(channel.id), "leads": str(lead.id)}
        ids |= {kind: str(uuid4()) for kind in ("keys", "webhooks", "rewards")}
        yield people, ids


World = tuple[People, dict[str, str]]


def path_of(operation: Operation, ids: dict[str, str], item: str | None = None) -> str:
    kind = operation.path.split("/")[2]
    return operation.path.replace("{id}", ids.get(kind, "")).replace("{item}", item or str(uuid4()))


def named(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def bodies(operation: Operation, ids: dict[str, str]) -> Iterator[str]:
    """Nasty values in the place of the body and of each of its members, the others as they should be."""
    yield from NASTY
    example = {"channel_id": ids["channels"], "lead_id": ids["leads"]}
    members = json.loads(json.dumps(operation.request_example))
    members |= {name: id for name, id in example.items() if name in members}
    for name in {*members, *(field for field in operation.body.__struct_fields__)}:
        others = ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in members.items() if key != name)
        yield from (f"{{{others}{',' if others else ''}{json.dumps(name)}:{nasty}}}" for nasty in NASTY)


async def ask(app: App, key: str, method: str, target: str, body: bytes) -> tuple[int, bytes]:
    """The status and body of an answer, without a socket: thousands of these have to be quick."""
    path, _, query = target.partition("?")
    headers = [(b"x-api-key", key.encode())]
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "query_string": query.encode(),
        "headers": headers,
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.fixture(scope="module")
def app(core: Core) -> App:
    return App(core)


async def assert_no_fault(app: App, person: Person, method: str, asked: Iterable[tuple[str, bytes]]) -> None:
    for target, body in asked:
        status, answer = await ask(app, person.key, method, target, body)
        assert status < 500, f"{method} {target[:300]} {body[:300]!r} -> {status} {answer!r}"


@pytest.mark.parametrize("operation", [row for row in OPERATIONS if row.body is not None], ids=named)
async def test_no_body_is_a_fault_of_ours(operation: Operation, world: World, app: App) -> None:
    people, ids = world
    # What is tried on the company itself is tried on the stranger's, so that the others stay as they are.
    person = people.owner if operation.path.startswith(("/v1/leads", "/v1/channels/")) else people.stranger
    path = path_of(operation, ids)

    await assert_no_fault(app, person, operation.method, ((path, body.encode()) for body in bodies(operation, ids)))


@pytest.mark.parametrize("operation", [row for row in OPERATIONS if row.query is not NoQuery], ids=named)
async def test_no_query_is_a_fault_of_ours(operation: Operation, world: World, app: App) -> None:
    people, ids = world
    names = [field.name for field in msgspec.structs.fields(operation.query)]
    queries = [f"{name}={value}" for name in names for value in NASTY_TEXT]
    queries += ["&", "=", "a", "limit", "%", "x=" + "y" * 30_000]
    content = json.dumps(operation.request_example).encode()
    end = "&seconds=0" if operation.media_type == "text/event-stream" else ""  # a stream ends only when told to
    paths = (f"{path_of(operation, ids)}?{query}{end}" for query in queries)

    await assert_no_fault(app, people.stranger, operation.method, ((path, content) for path in paths))


@pytest.mark.parametrize("operation", [row for row in OPERATIONS if "{" in row.path], ids=named)
async def test_no_path_is_a_fault_of_ours(operation: Operation, world: World, app: App) -> None:
    people, ids = world
    content = json.dumps(operation.request_example).encode()
    paths = [operation.path.replace("{id}", text).replace("{item}", text) for text in NASTY_PATHS]
    if "{item}" in operation.path:
        paths += [path_of(operation, ids, item=text) for text in NASTY_PATHS]

    await assert_no_fault(app, people.owner, operation.method, ((path, content) for path in paths))


@pytest.mark.parametrize(
    "headers",
    [
        [(b"If-Match", b"\xff")],
        [(b"If-Match", b'"' + b"9" * 5000 + b'"')],
        [(b"Idempotency-Key", b"\xff\xfe")],
        [(b"Idempotency-Key", b"'; DROP TABLE leads; --")],
        [(b"Content-Type", b"text/plain")],
        [(b"Content-Type", b"application/x-www-form-urlencoded")],
        [(b"Content-Encoding", b"gzip")],
        [(b"Accept", b"text/html")],
        [(b"Range", b"bytes=0-1")],
        [(b"X-Forwarded-For", b"not an address")],
    ],
)
async def test_no_header_is_a_fault_of_ours(headers: Any, world: World) -> None:
    people, ids = world

    answer = await people.owner.http.patch(f"/v1/leads/{ids['leads']}", content=b'{"source": "ads"}', headers=headers)

    assert answer.status_code in (200, 412)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
# PostgreSQL keeps numbers, not floats: a very large one comes back as the digits of an integer.
NUMBER = st.integers() | st.floats(-1e15, 1e15)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXT, children, max_size=4),
    max_leaves=12,
)


@given(attribution=st.dictionaries(TEXT, JSON, max_size=5), text=TEXT)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
async def test_what_is_taken_is_given_back(attribution: Any, text: str, world: World) -> None:
    people, ids = world
    body = {"channel_id": ids["channels"], "attribution": attribution, "name": text, "notes": text}

    answer = await people.owner.http.post("/v1/leads", json=body)

    kept = {name: value for name, value in attribution.items() if value is not None}
    made = good(answer, 201)
    read = good(await people.owner.http.get(f"/v1/leads/{made['id']}"))
    assert (read | {"outcome": "created"}, read["attribution"]) == (made, kept)
    assert read["name"] == read["notes"] == (text or None)


# Sizes


async def test_a_body_that_is_too_large_is_refused_and_the_answer_arrives(people: People) -> None:
    body = b" " * (BODY_LIMIT + 1)

    answer = await people.owner.http.post("/v1/leads", content=body)

    assert refused(answer) == (413, "body_too_large", None)


async def test_a_body_without_a_length_that_is_too_large_is_refused(people: People) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // (1 << 18) + 1):
            yield b" " * (1 << 18)

    assert refused(await people.owner.http.post("/v1/leads", content=chunks())) == (413, "body_too_large", None)


async def test_a_body_of_exactly_the_limit_is_read(people: People) -> None:
    channel = await people.owner.channel()
    body = json.dumps({"channel_id": str(channel.id)}).encode()

    answer = await people.owner.http.post("/v1/leads", content=body.ljust(BODY_LIMIT))

    good(answer, 201)


async def test_a_query_of_very_many_parameters_is_refused(people: People) -> None:
    assert refused(await people.owner.http.get("/v1/leads?" + "&".join(["limit=1"] * 300)))[0] == 400


# Paths, methods and types


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/lead", "/v2/leads", "/v1/leads/batch/more", "/v1/keys/x/y"])
async def test_an_unknown_path_is_a_404(people: People, path: str) -> None:
    assert refused(await people.owner.http.get(path)) == (404, "path_not_found", None)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/leads", {"GET", "POST"}),
        ("GET", "/v1/leads/batch", {"POST"}),
        ("POST", "/v1/company", {"GET", "PATCH"}),
        ("PUT", "/v1/keys/x", {"DELETE"}),
        ("OPTIONS", "/v1/reasons", {"GET", "POST"}),
    ],
)
async def test_a_method_that_is_not_taken_is_a_405_with_allow(
    people: People, method: str, path: str, allow: set[str]
) -> None:
    answer = await people.owner.http.request(method, path)

    assert refused(answer) == (405, "method_not_allowed", None)
    assert set(answer.headers["allow"].split(", ")) >= allow


async def test_head_is_answered_like_get_without_a_body(people: People) -> None:
    get, head = await people.owner.http.get("/v1/company"), await people.owner.http.head("/v1/company")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    "type", ["text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json", ""]
)
async def test_json_is_read_whatever_it_calls_itself(people: People, type: str) -> None:
    answer = await people.owner.http.post("/v1/reasons", content=b'{"text": "a"}', headers={"Content-Type": type})

    assert good(answer, 201)["text"] == "a"


@pytest.mark.parametrize("body", [b"", b"{", b"text=a", b"<a/>", b"\xff", b'{"text": "a"} {}', b'{"text": a}', b"["])
async def test_what_is_no_json_is_a_400(people: People, body: bytes) -> None:
    assert refused(await people.owner.http.post("/v1/reasons", content=body)) == (400, "malformed", None)
    assert await people.owner.count("reasons") == 0


async def test_the_last_of_two_equal_members_counts(people: People) -> None:
    answer = await people.owner.http.post("/v1/reasons", content=b'{"text": "a", "text": "b"}')

    assert good(answer, 201)["text"] == "b"


async def test_a_byte_order_mark_is_not_json(people: People) -> None:
    assert refused(await people.owner.http.post("/v1/reasons", content=b'\xef\xbb\xbf{"text": "a"}'))[0] == 400


# The service itself


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_the_service_says_that_it_lives_without_a_key(people: People, path: str) -> None:
    del people.owner.http.headers["X-API-Key"]

    assert good(await people.owner.http.get(path)) == {"status": "ok"}
