"""Routing, reading and answering, one ASGI message at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import pytest

from leadrail.kit.http import (
    BodyTooLarge,
    Face,
    MethodNotAllowed,
    PathNotFound,
    Request,
    Response,
    Route,
    Router,
    Stream,
    json_response,
)
from leadrail.kit.wire import BadInput

Message = MutableMapping[str, Any]


async def echo(request: Request) -> Response:
    return json_response(200, {"params": dict(request.params), "body": request.body.decode()})


async def fail(_request: Request) -> Response:
    raise ValueError("a fault")


async def count(_request: Request) -> Stream:
    return Stream(200, pieces(b"one\n", b"two\n"), b"text/csv", ((b"x-rows", b"2"),))


async def pieces(*texts: bytes) -> AsyncIterator[bytes]:
    for text in texts:
        yield text


def named(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def handler(_request: Request) -> Response:
        return Response(200, name.encode())

    return handler


ROUTES = (
    Route("GET", "/", named("home")),
    Route("GET", "/leads", named("list")),
    Route("POST", "/leads", echo),
    Route("GET", "/leads/{id}", named("read")),
    Route("POST", "/leads/batch", named("batch")),
    Route("PUT", "/leads/{id}/status", named("move")),
    Route("GET", "/channels/{id}/statuses/{item}", named("status")),
    Route("GET", "/fault", fail),
    Route("GET", "/count", count),
)


def on_error(_request: Request, error: Exception) -> Response:
    return Response(418, type(error).__name__.encode())


class Exchange:
    """One request through a face: what it sends, what comes back, how much of the body was asked for."""

    def __init__(self, method: str, path: str, *chunks: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self.scope: Message = {"method": method, "headers": list(headers), "query_string": b"", "client": None}
        self.path = path
        parts = chunks or (b"",)
        self.incoming: list[Message] = [
            {"type": "http.request", "body": part, "more_body": place < len(parts)}
            for place, part in enumerate(parts, 1)
        ]
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        if not self.incoming:  # as a server: nothing more comes until the client goes
            await asyncio.Event().wait()
        return self.incoming.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def through(self, **options: Any) -> "Exchange":
        face = Face(options.pop("routes", ROUTES), on_error, **options)
        await asyncio.wait_for(face.answer(self.scope, self.receive, self.send, self.path), 1)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        return bytes(self.sent[1]["body"])


# Routing


@pytest.mark.parametrize(
    ("method", "path", "found", "params"),
    [
        ("GET", "/", b"home", {}),
        ("GET", "/leads", b"list", {}),
        ("GET", "/leads/", b"list", {}),
        ("GET", "/leads/7", b"read", {"id": "7"}),
        ("POST", "/leads/batch", b"batch", {}),
        ("PUT", "/leads/7/status", b"move", {"id": "7"}),
        ("GET", "/channels/7/statuses/8", b"status", {"id": "7", "item": "8"}),
    ],
)
async def test_a_path_finds_its_handler_and_its_parameters(method: str, path: str, found: bytes, params: Any) -> None:
    route, values = Router(ROUTES).match(method, path)

    assert (values, (await route.handler(None)).body) == (params, found)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/nothing", "/leads/7/nothing", "/leads/7/status/x", "/channels", "/channels/7", "x"])
def test_a_path_that_no_route_has_is_not_found(path: str) -> None:
    with pytest.raises(PathNotFound):
        Router(ROUTES).match("GET", path)


def test_a_known_path_with_another_method_names_the_methods_that_it_takes() -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        Router(ROUTES).match("DELETE", "/leads")

    assert caught.value.allowed == ("GET", "POST")


def test_the_names_of_one_place_may_differ_by_method() -> None:
    router = Router([Route("GET", "/x/{one}", echo), Route("PUT", "/x/{other}", echo)])

    assert router.match("GET", "/x/7")[1] == {"one": "7"}
    assert router.match("PUT", "/x/7")[1] == {"other": "7"}


# Reading


async def test_a_body_in_pieces_is_read_whole() -> None:
    exchange = await Exchange("POST", "/leads", b"one ", b"two ", b"three").through()

    assert exchange.body == b'{"params":{},"body":"one two three"}'


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange("POST", "/leads", b"x" * 11, headers=[(b"content-length", b"11")]),
        Exchange("POST", "/leads", b"x" * 6, b"x" * 5),
        Exchange("POST", "/leads", b"x" * 11),
    ],
    ids=["declared", "in pieces", "in one piece"],
)
async def test_a_body_over_the_limit_is_refused(exchange: Exchange) -> None:
    await exchange.through(body_limit=10)

    assert (exchange.status, exchange.body) == (418, BodyTooLarge.__name__.encode())


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    assert (await Exchange("POST", "/leads", b"x" * 10).through(body_limit=10)).status == 200


async def test_a_route_may_have_a_limit_of_its_own() -> None:
    for limit, status in ((10, 200), (9, 418)):
        face = Face([Route("POST", "/leads", echo, limit)], on_error, body_limit=1)
        exchange = Exchange("POST", "/leads", b"x" * 10)
        await asyncio.wait_for(face.answer(exchange.scope, exchange.receive, exchange.send, exchange.path), 1)
        assert exchange.status == status


async def test_a_client_that_goes_away_while_sending_gets_no_answer() -> None:
    exchange = Exchange("POST", "/leads", b"half", b"more")
    exchange.incoming[1] = {"type": "http.disconnect"}

    await exchange.through()

    assert exchange.sent == []


def test_a_query_with_more_fields_than_are_read_is_no_fault_of_ours() -> None:
    request = Request({"method": "GET", "headers": [], "query_string": b"a=1&" * 300, "client": None}, "/")

    with pytest.raises(BadInput):
        request.query()


def test_a_query_keeps_blanks_and_order_and_marks_what_is_no_text() -> None:
    scope = {"method": "GET", "headers": [], "query_string": b"b=&a=1&a=%C3%A9+x&c=%FF", "client": ("::1", 1)}
    request = Request(scope, "/")

    assert request.query() == [("b", ""), ("a", "1"), ("a", "é x"), ("c", "\ufffd")]
    assert (request.client, request.header(b"accept")) == ("::1", None)


# Answering


async def test_an_answer_has_its_length_its_type_and_its_headers() -> None:
    exchange = await Exchange("GET", "/leads").through()

    assert exchange.sent[0]["headers"] == [(b"content-type", b"application/json"), (b"content-length", b"4")]


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("GET", "/fault", b"ValueError"),
        ("GET", "/nothing", b"PathNotFound"),
        ("PATCH", "/leads", b"MethodNotAllowed"),
    ],
)
async def test_whatever_goes_wrong_becomes_an_answer_of_the_face(method: str, path: str, error: bytes) -> None:
    exchange = await Exchange(method, path).through()

    assert (exchange.status, exchange.body) == (418, error)


async def test_head_is_answered_like_get_without_the_body() -> None:
    exchange = await Exchange("HEAD", "/leads").through()

    assert (exchange.status, exchange.body) == (200, b"")
    assert (b"content-length", b"4") in exchange.sent[0]["headers"]


# Streaming


async def test_a_stream_is_sent_piece_by_piece_without_a_length() -> None:
    exchange = await Exchange("GET", "/count").through()

    assert exchange.sent[0]["headers"] == [(b"x-rows", b"2"), (b"content-type", b"text/csv")]
    assert [(one["body"], one.get("more_body", False)) for one in exchange.sent[1:]] == [
        (b"one\n", True),
        (b"two\n", True),
        (b"", False),
    ]


async def test_head_of_a_stream_makes_none_of_it() -> None:
    exchange = await Exchange("HEAD", "/count").through()

    assert [one.get("body") for one in exchange.sent] == [None, b""]


class Endless:
    """A stream that tidies up when it ends."""

    def __init__(self) -> None:
        self.has_tidied = False

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            self.has_tidied = True

    async def handler(self, _request: Request) -> Stream:
        return Stream(200, self.chunks())


async def test_a_client_that_goes_away_ends_the_stream_where_it_is() -> None:
    endless, exchange = Endless(), Exchange("GET", "/endless")
    exchange.incoming.append({"type": "http.disconnect"})

    await exchange.through(routes=[Route("GET", "/endless", endless.handler)])

    assert endless.has_tidied
    assert exchange.sent[-1] == {"type": "http.response.body", "body": b"first", "more_body": True}


async def test_a_stream_that_cannot_go_on_is_cut_and_not_ended() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"part"
        raise ValueError("a fault")

    async def handler(_request: Request) -> Stream:
        return Stream(200, broken())

    exchange = Exchange("GET", "/broken")
    with pytest.raises(ValueError, match="a fault"):
        await exchange.through(routes=[Route("GET", "/broken", handler)])

    assert exchange.sent[-1]["more_body"]
