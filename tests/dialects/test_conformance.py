"""One suite over all dialects: who may not, what is no call, what a repeat does, and the rows of the native API.

Every route of a dialect's table has its row in `tests/dialects/<vendor>/conformance.py`; the first test says which
has none.
"""

import itertools
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from importlib import import_module
from ipaddress import ip_address
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadrail.core.channels.model import Category
from leadrail.core.channels.templates import TEMPLATES
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.kit.http import BodyTooLarge, MethodNotAllowed, PathNotFound, Request, Route
from leadrail.kit.wire import BadInput
from tests.api.test_bad_input import NASTY
from tests.dialects.bodies import members, put, texts_replaced, wrong_types
from tests.dialects.conformance import Dialect, Row, Sent, Told, as_it_is, dialects
from tests.dialects.scene import OF_THE_COMPANY, SECRETS, Scene
from tests.dialects.written import Recorder
from tests.people import three_people

ALL = dialects()
Scenes = Callable[[Dialect, str], Awaitable[Scene]]

each_dialect = pytest.mark.parametrize("dialect", ALL, ids=repr)


def rows(wanted: Callable[[Row], Any] = bool) -> pytest.MarkDecorator:
    """The test for each row that is wanted, of every dialect."""
    found = [(dialect, row) for dialect in ALL for row in dialect.rows if wanted(row)]
    names = [f"{dialect} {row}" for dialect, row in found]
    return pytest.mark.parametrize(("dialect", "row"), found, ids=names)


def needs_key(row: Row) -> bool:
    return not row.is_keyless


def has_body(row: Row) -> bool:
    return row.has_body


def writes(row: Row) -> bool:
    return row.writes


@pytest.fixture(scope="module")
async def client(server_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends no key of its own, and every time from another address: calls without a key are limited."""
    addresses = itertools.count(1)

    async def from_elsewhere(request: httpx.Request) -> None:
        request.headers["X-Forwarded-For"] = str(ip_address("10.0.0.0") + next(addresses))

    hooks = {"request": [from_elsewhere]}
    async with httpx.AsyncClient(
        base_url=server_url, timeout=30, trust_env=False, verify=False, event_hooks=hooks
    ) as client:
        yield client


@pytest.fixture(scope="module")
async def scenes(core: Core, server_url: str) -> AsyncIterator[Scenes]:
    """The scenes of each dialect, made once, each with people of its own."""
    made: dict[tuple[str, str], Scene] = {}
    async with AsyncExitStack() as stack:

        async def scene(dialect: Dialect, kind: str) -> Scene:
            if (dialect.name, kind) not in made:
                people = await stack.enter_async_context(three_people(core, server_url))
                made[dialect.name, kind] = await Scene.made(people, dialect.template, as_tills=dialect.as_tills)
            return made[dialect.name, kind]

        yield scene


@pytest.fixture
async def scene(dialect: Dialect, scenes: Scenes) -> Scene:
    """Where nothing that is tried may change the lead or its channel. It stays small, and is soon compared."""
    return await scenes(dialect, "still")


@pytest.fixture
async def busy(dialect: Dialect, scenes: Scenes) -> Scene:
    """Where tests make leads and channels of their own."""
    return await scenes(dialect, "busy")


@pytest.fixture
async def fresh(dialect: Dialect, row: Row, busy: Scene) -> Scene:
    return await fresh_scene(row, busy)


async def fresh_scene(row: Row, scene: Scene) -> Scene:
    """With a lead of the test's own, and with a channel if the call changes that."""
    return await scene.apart() if row.is_of_channel else await scene.another()


@each_dialect
def test_every_route_has_its_row(dialect: Dialect) -> None:
    assert {row.route for row in dialect.rows} == dialect.routes()


@each_dialect
async def test_every_path_that_is_served_is_sent_to_by_a_row(
    dialect: Dialect, core: Core, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Route] = []
    module = import_module(f"leadrail.dialects.{dialect.name}.routes")
    monkeypatch.setattr(module, "Face", lambda routes, *_, **__: served.extend(routes))
    module.face(core)

    sent = [row.sent(scene) for row in dialect.rows]
    paths = {f"{one.method} {one.path.rstrip('/')}" for one in sent}
    paths |= {path.replace(same, alike, 1) for alike, same in dialect.same_paths.items() for path in paths}
    without = [f"{route.method} {route.path}" for route in served if not any(map(pattern(route).fullmatch, paths))]
    assert [path for path in without if not path.startswith("OPTIONS ")] == []


def pattern(route: Route) -> re.Pattern[str]:
    return re.compile(f"{route.method} {re.sub('{[^}]+}', '[^/]+', route.path)}")


# The call as it should be: what is refused below is refused for its one fault


@rows()
async def test_a_call_that_is_right_is_served(
    dialect: Dialect, row: Row, fresh: Scene, client: httpx.AsyncClient
) -> None:
    answer = await dialect.call(client, row.sent(fresh), fresh.keys.good)

    dialect.served(row, answer)


@rows(lambda row: not row.writes)
async def test_a_call_that_reads_writes_nothing(
    dialect: Dialect, row: Row, scene: Scene, client: httpx.AsyncClient
) -> None:
    before = await scene.people.owner.digests()

    dialect.served(row, await dialect.call(client, row.sent(scene), scene.keys.good))

    assert await scene.people.owner.digests() == before


@rows(lambda row: not needs_key(row))
async def test_a_call_that_needs_no_key_is_served_without_one(
    dialect: Dialect, row: Row, fresh: Scene, client: httpx.AsyncClient
) -> None:
    dialect.served(row, await dialect.call(client, row.sent(fresh), None))


# Who may not


@pytest.mark.parametrize("key", ["missing", "unknown", "revoked", "expired", "disabled"])
@rows(needs_key)
async def test_a_key_that_is_not_in_force_opens_nothing(
    dialect: Dialect, row: Row, key: str, scene: Scene, client: httpx.AsyncClient
) -> None:
    before = await scene.people.owner.digests()

    answer = await dialect.call(client, row.sent(scene), None if key == "missing" else getattr(scene.keys, key))

    assert dialect.refused(answer) == (401, dialect.unauthorized)
    assert await scene.people.owner.digests() == before


@rows(lambda row: row.scope is not None)
async def test_a_key_without_the_scope_does_nothing(
    dialect: Dialect, row: Row, scene: Scene, client: httpx.AsyncClient
) -> None:
    before = await scene.people.owner.digests()

    for lacking in scene.keys.without(row.scope):
        assert dialect.refused(await dialect.call(client, row.sent(scene), lacking))[0] == 403

    assert await scene.people.owner.digests() == before


def assert_blind(
    dialect: Dialect, row: Row, scene: Scene, answer: httpx.Response, told: Told, secrets: Sequence[str] = SECRETS
) -> None:
    """Told as the vendor says it, and nothing of the lead in it but what was sent."""
    status, text = told
    dialect.served(replace(row, status=status), answer)
    if text is not None:
        assert dialect.refused(answer) == (status, text)
    sent = row.sent(scene)
    said = json.dumps([sent.path, sent.body, dict(sent.query)]).lower()
    assert [word for word in secrets if word.lower() in answer.text.lower() and word.lower() not in said] == []


@rows(needs_key)
async def test_the_stranger_sees_nothing_and_changes_nothing(
    dialect: Dialect, row: Row, scene: Scene, client: httpx.AsyncClient
) -> None:
    owner, stranger = scene.people.owner, scene.people.stranger
    before, theirs = await owner.digests(), await stranger.digests()

    answer = await dialect.call(client, row.sent(scene), scene.stranger)

    assert_blind(dialect, row, scene, answer, row.stranger, SECRETS + OF_THE_COMPANY)
    assert await owner.digests() == before
    if answer.status_code >= 400:
        assert await stranger.digests() == theirs


@rows(needs_key)
async def test_a_key_of_another_channel_sees_nothing_and_changes_nothing(
    dialect: Dialect, row: Row, fresh: Scene, client: httpx.AsyncClient
) -> None:
    lead = "SELECT to_jsonb(t) AS row FROM leads t WHERE company_id = $1 AND channel_id = $2 ORDER BY id"
    owner, channel_id = fresh.people.owner, fresh.channel.id
    before, all_of_it = await owner.rows(lead, owner.company_id, channel_id), await owner.digests()

    answer = await dialect.call(client, row.sent(fresh), fresh.keys.bound)

    assert_blind(dialect, row, fresh, answer, row.told_bound)
    assert await owner.rows(lead, owner.company_id, channel_id) == before
    if answer.status_code >= 400:
        assert await owner.digests() == all_of_it


# What is no call

NO_JSON = [b"", b"{", b"[", b'{"a": }', b"action=create_lead", b"\xff\xfe", b'"', b"{} {}"]
NO_OBJECT = [b"[]", b'"x"', b"null", b"5", b"true", b"[null]", b"[[]]", b'["x"]', b"[" * 2000 + b"]" * 2000]
IN_A_TEXT = ["a\\u0000b", "a\\ud800b", "\udcff\udcfe", "a\nb"]
"""Escapes and bytes that no JSON text may hold; the two surrogates stand for bytes that are no UTF-8."""


@rows(has_body)
async def test_what_is_no_json_object_is_refused(
    dialect: Dialect, row: Row, scene: Scene, client: httpx.AsyncClient
) -> None:
    before = await scene.people.owner.digests()

    for body in NO_JSON + ([] if row.takes_list else NO_OBJECT):
        answer = await dialect.call(client, row.sent(scene), scene.keys.good, body)
        assert dialect.refused(answer)[0] == 400, body[:40]

    assert await scene.people.owner.digests() == before


@rows(has_body)
async def test_a_member_of_a_wrong_type_is_refused(
    dialect: Dialect, row: Row, scene: Scene, client: httpx.AsyncClient
) -> None:
    sent, before = row.sent(scene), await scene.people.owner.digests()

    for pointer, body in wrong_types(row, sent.body):
        answer = await dialect.call(client, sent, scene.keys.good, body)
        if not row.is_judged_alone(pointer) or answer.status_code >= 400:
            assert dialect.refused(answer)[0] in (400, 403, 404), body

    assert await scene.people.owner.digests() == before


@rows(has_body)
async def test_a_text_that_is_none_is_refused(
    dialect: Dialect, row: Row, scene: Scene, client: httpx.AsyncClient
) -> None:
    sent, before = row.sent(scene), await scene.people.owner.digests()

    for text in IN_A_TEXT:
        for pointer, body in texts_replaced(sent.body, text):
            answer = await dialect.call(client, sent, scene.keys.good, body)
            if not row.is_judged_alone(pointer) or answer.status_code >= 400:
                assert dialect.refused(answer)[0] in (400, 403, 404), body

    assert await scene.people.owner.digests() == before


@rows(has_body)
async def test_nesting_without_end_is_refused(
    dialect: Dialect, row: Row, scene: Scene, client: httpx.AsyncClient
) -> None:
    sent, before = row.sent(scene), await scene.people.owner.digests()
    deep = b"[" * 30_000 + b"]" * 30_000

    for pointer, _ in members(sent.body):
        body = json.dumps(put(sent.body, pointer, "@@@")).encode().replace(b'"@@@"', deep)
        answer = await dialect.call(client, sent, scene.keys.good, body)
        if not row.is_judged_alone(pointer) or answer.status_code >= 400:
            assert dialect.refused(answer)[0] == 400, pointer

    assert await scene.people.owner.digests() == before


@rows(has_body)
async def test_a_body_over_the_limit_is_refused(
    dialect: Dialect, row: Row, scene: Scene, client: httpx.AsyncClient
) -> None:
    sent, before = row.sent(scene), await scene.people.owner.digests()
    body = json.dumps(sent.body).encode().ljust((row.body_limit or dialect.body_limit) + 1)

    answer = await dialect.call(client, sent, scene.keys.good, body)

    assert dialect.refused(answer)[0] == 413
    assert await scene.people.owner.digests() == before


@rows(has_body)
async def test_an_unknown_member_is_passed_over(
    dialect: Dialect, row: Row, fresh: Scene, client: httpx.AsyncClient
) -> None:
    sent = row.sent(fresh)
    more = {"zzz_unknown": {"a": [1, None]}}
    body = [item | more for item in sent.body] if isinstance(sent.body, list) else sent.body | more

    answer = await dialect.call(client, replace(sent, body=body), fresh.keys.good)

    dialect.served(row, answer)


# Paths and methods


@each_dialect
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path_is_said_in_the_envelope(
    dialect: Dialect, method: str, scene: Scene, client: httpx.AsyncClient
) -> None:
    for path in ("", "/", "/nothing", dialect.unknown_path, f"{dialect.unknown_path}/%00/%FF"):
        for key in (scene.keys.good, None):
            answer = await dialect.call(client, Sent(method, path), key)
            assert dialect.refused(answer)[0] == 404


@rows()
async def test_an_unknown_method_is_said_in_the_envelope(
    dialect: Dialect, row: Row, scene: Scene, client: httpx.AsyncClient
) -> None:
    sent = row.sent(scene)
    for method in ("DELETE", "TRACE", "PROPFIND"):
        for key in (scene.keys.good, None):
            answer = await dialect.call(client, replace(sent, method=method), key)
            assert dialect.refused(answer)[0] == 405
            assert sent.method in answer.headers["allow"].split(", ")


# Whatever is sent


@pytest.fixture
async def place(busy: Scene) -> Scene:
    """A lead in a channel where anything may happen."""
    return await busy.apart()


TEXT = st.text(max_size=12)
NUMBER = st.integers() | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 10**40, 1e308])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3),
    max_leaves=6,
)


def assert_no_fault(dialect: Dialect, row: Row, answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        dialect.refused(answer)
    else:
        dialect.served(row, answer)


# Hypothesis lends its tests more stack than a server has: what is nested just within reach there is out of reach here.
VALUES = JSON.map(json.dumps) | st.sampled_from([text for text in NASTY if text.count("[") < 300])


@rows(has_body)
@given(data=st.data())
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
async def test_no_body_is_a_fault_of_ours(
    data: st.DataObject, dialect: Dialect, row: Row, place: Scene, client: httpx.AsyncClient
) -> None:
    sent = row.sent(place)
    pointers = [pointer for pointer, _ in members(sent.body)]
    changed: list[str] = data.draw(st.lists(st.sampled_from(pointers), max_size=3))
    body, values = sent.body, []
    for number, pointer in enumerate(changed):
        if pointer in dict(members(body)):
            body = put(body, pointer, f"@{number}@")
            values.append((f'"@{number}@"', data.draw(VALUES)))
    text: str = json.dumps(body) if changed else data.draw(VALUES)
    for mark, value in values:
        text = text.replace(mark, value)

    answer = await dialect.call(client, sent, place.keys.good, text.encode())

    assert_no_fault(dialect, row, answer)


NASTY_TEXTS = ["", "x", "\x00", "null", "-1", "0", "9" * 5000, "1e999", "1.5", "' OR 1=1 --", "😀", "[]", "\u202e", "%"]


@rows(lambda row: row.queries)
async def test_no_query_is_a_fault_of_ours(dialect: Dialect, row: Row, place: Scene, client: httpx.AsyncClient) -> None:
    sent = row.sent(place)
    for name in (*row.queries, "zzz_unknown"):
        for value in NASTY_TEXTS:
            query = {**sent.query, name: value}
            assert_no_fault(dialect, row, await dialect.call(client, replace(sent, query=query), place.keys.good))


@rows(lambda row: "{" in row.route and row.status < 400)
async def test_no_path_is_a_fault_of_ours(dialect: Dialect, row: Row, place: Scene, client: httpx.AsyncClient) -> None:
    sent = row.sent(place)
    before, after = re.split("{[^}]+}", row.route.split(" ")[1])
    base = sent.path[: sent.path.index(before)] + before
    for text in ["%00", "%FF", "%ED%A0%80", "9" * 5000, "' OR 1=1 --", "%F0%9F%98%80", "-1", "null", "{}"]:
        path = base + text + after
        answer = await dialect.call(client, replace(sent, path=path), place.keys.good)
        assert_no_fault(dialect, row, answer)
        assert answer.status_code >= 400, path


# What is written


@rows(writes)
async def test_the_same_write_again(dialect: Dialect, row: Row, fresh: Scene, client: httpx.AsyncClient) -> None:
    owner, recorder, sent = fresh.people.owner, Recorder(fresh), row.sent(fresh)
    dialect.served(row, await dialect.call(client, sent, fresh.keys.good))
    await recorder.pass_over()
    before = await owner.digests()

    again = await dialect.call(client, sent, fresh.keys.good)

    dialect.served(row, again)
    assert [event["type"] for event in (await recorder.new())["events"]] == list(row.again)
    assert bool(row.again) != (await owner.digests() == before)


@rows(lambda row: row.native)
async def test_a_write_leaves_the_rows_of_the_native_one(
    dialect: Dialect, row: Row, busy: Scene, client: httpx.AsyncClient
) -> None:
    native = row.native
    assert native is not None
    here, there = await fresh_scene(row, busy), await fresh_scene(row, busy)
    recorder = Recorder(there)
    await recorder.pass_over()

    sent = native.sent(there)
    answer = await there.people.owner.http.request(sent.method, sent.path, json=sent.body)
    assert answer.status_code < 300, answer.text
    natively = await recorder.new(there.lead)
    recorder.at(here)
    dialect.served(row, await dialect.call(client, row.sent(here), here.keys.good))
    written = await recorder.new(here.lead)

    assert natively["events"]
    assert written == native.here(natively)
    assert bool(native.why) == (native.here is not as_it_is)


# One lead through all of them


@pytest.mark.parametrize("template", list(TEMPLATES))
@each_dialect
async def test_a_lead_of_any_template_is_moved_by_every_dialects_own_word(
    dialect: Dialect, template: str, busy: Scene, client: httpx.AsyncClient
) -> None:
    place = await busy.another(await busy.people.shared_channel(template=template, currency="EUR"))

    for category in (Category.WON, Category.LOST):
        moved = await dialect.call(client, dialect.move(place, category), place.partner)
        assert moved.status_code == 200, moved.text
        statement = "SELECT status_id FROM leads WHERE id = $1"
        (row,) = await place.people.owner.rows(statement, place.lead.id)
        status = place.channel.status_by_id[row["status_id"]]
        assert status.category is category
        told = await dialect.call(client, dialect.read(place), place.partner)
        assert (told.status_code, dialect.status_in(told.json())) == (200, dialect.shown(status))


# What goes wrong, without HTTP


def request(path: str = "/x") -> Request:
    return Request({"method": "POST", "headers": [], "query_string": b"", "client": None}, path)


@each_dialect
@pytest.mark.parametrize("code", list(Code))
def test_every_kind_of_refusal_is_told_in_the_envelope(dialect: Dialect, code: Code) -> None:
    refusal = refuse(code, "In the core's own words", "/status", missing=["value"], status="Won", scope="write")

    answer = dialect.on_error(request(), refusal)

    assert 400 <= answer.status < 500 or answer.status == 503
    assert answer.media_type == b"application/json"
    assert dialect.failure(answer.status, json.loads(answer.body))
    assert answer.status != 503 or b"retry-after" in dict(answer.headers)


@each_dialect
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadInput("No", "/a/0/b"), 400),
        (BadInput("No"), 400),
        (PathNotFound("/x"), 404),
        (MethodNotAllowed(["PUT"]), 405),
        (BodyTooLarge(5), 413),
    ],
    ids=str,
)
def test_every_error_of_http_is_told_in_the_envelope(dialect: Dialect, error: Exception, status: int) -> None:
    answer = dialect.on_error(request(), error)

    assert (answer.status, bool(dialect.failure(status, json.loads(answer.body)))) == (status, True)


@each_dialect
def test_a_fault_of_ours_is_told_without_a_trace_and_logged(dialect: Dialect, caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise RuntimeError("secret of the house")
    except RuntimeError as error:
        with caplog.at_level(logging.ERROR):
            answer = dialect.on_error(request(), error)

    assert (answer.status, answer.media_type) == (500, b"application/json")
    assert dialect.failure(500, json.loads(answer.body))
    assert b"secret" not in answer.body
    assert b"RuntimeError" not in answer.body
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)
