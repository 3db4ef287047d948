"""HTTP in: a router and a face over bare ASGI, because a framework costs more than the change of a status itself.

See docs/decisions/http-layer.md for the measurements. Nothing in here knows what a lead is.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from leadrail.kit.wire import BadInput

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = b"application/json"
DEFAULT_BODY_LIMIT = 1 << 20
MOST_FIELDS = 200
DRAIN_LIMIT, DRAIN_S = 32 << 20, 2.0
BODILESS = frozenset({204, 304})

log = logging.getLogger(__name__)


_MORE: Mapping[str, Any] = {"more_body": True}


class PathNotFound(Exception):
    """No route has this path."""


class MethodNotAllowed(Exception):
    """The path is known, but not with this method."""

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__("method not allowed")
        self.allowed = tuple(sorted(allowed))


class BodyTooLarge(Exception):
    """The body exceeds the limit, in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes")
        self.limit = limit


class _Gone(Exception):
    """The client went away before its body was read."""


class Request:
    """One request, its body read whole, or left in `chunks` by a route that streams.

    Header names are lower-case bytes, as ASGI gives them.
    """

    __slots__ = ("body", "chunks", "client", "headers", "method", "params", "path", "query_string")

    def __init__(self, scope: Scope, path: str) -> None:
        self.method: str = scope["method"]
        self.path = path
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.query_string: bytes = scope["query_string"]
        self.client: str = scope["client"][0] if scope.get("client") else ""
        self.params: Mapping[str, str] = {}
        self.body = b""
        self.chunks: AsyncIterator[bytes] = _nothing()

    def header(self, name: bytes) -> str | None:
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1").strip()
        return None

    def query(self) -> list[tuple[str, str]]:
        """The query's pairs in order, blanks kept; bytes that are no UTF-8 come as U+FFFD. Raises BadInput."""
        try:
            return parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise BadInput(f"The query has more than {MOST_FIELDS} parameters") from None


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield


class Response(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b""
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Stream(msgspec.Struct, frozen=True):
    """An answer whose body is sent piece by piece, each as soon as it is made, so none of it is held.

    A client that goes away ends `chunks` where they are (an async generator may tidy up in a `finally`). What goes
    wrong in between can no longer be told: the connection is cut, so that nobody takes a part for the whole.
    """

    status: int
    chunks: AsyncIterator[bytes]
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_response(status: int, value: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
    return Response(status, msgspec.json.encode(value), JSON, headers)


Handler = Callable[[Request], Awaitable[Response | Stream]]


class Route(msgspec.Struct, frozen=True):
    """`path` is made of segments; one in braces matches anything and is handed over under its name.

    `body_limit`, in bytes, is its face's unless it has one of its own. With `streams` the body is not read: the handler
    takes it from `Request.chunks` as it comes.
    """

    method: str
    path: str
    handler: Handler
    body_limit: int | None = None
    streams: bool = False


class _Node:
    __slots__ = ("children", "names", "parameter", "routes")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.routes: dict[str, Route] = {}
        self.names: dict[str, tuple[str, ...]] = {}


class Router:
    """Finds the handler of a method and path. A literal segment wins over a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for segment in _segments(route.path):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node = node.parameter or _Node()
            else:
                node = node.children.setdefault(segment, _Node())
        node.routes[route.method] = route
        node.names[route.method] = tuple(names)

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and its parameters. Raises PathNotFound, MethodNotAllowed."""
        node, values = self._root, []
        for segment in _segments(path):
            if (child := node.children.get(segment)) is not None:
                node = child
            elif node.parameter is not None:
                values.append(segment)
                node = node.parameter
            else:
                raise PathNotFound(path)
        if method == "HEAD" and "HEAD" not in node.routes:
            method = "GET"  # the same answer, sent without its body
        if (route := node.routes.get(method)) is not None:
            return route, dict(zip(node.names[method], values, strict=True))
        if not node.routes:
            raise PathNotFound(path)
        raise MethodNotAllowed(node.routes)


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")


class Face:
    """An ASGI application over routes. Whatever goes wrong becomes an answer through `on_error`."""

    def __init__(
        self,
        routes: Iterable[Route],
        on_error: Callable[[Request, Exception], Response],
        *,
        body_limit: int = DEFAULT_BODY_LIMIT,
    ) -> None:
        self._router, self._on_error, self._body_limit = Router(routes), on_error, body_limit

    async def answer(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Serves one request whose path below the face's prefix is `path`."""
        request = Request(scope, path)
        body: _Body | None = None
        try:
            route, request.params = self._router.match(request.method, path)
            body = _Body(request, receive, route.body_limit or self._body_limit)
            if route.streams:
                request.chunks = body.chunks()
            else:
                request.body = b"".join([chunk async for chunk in body.chunks()])
            response: Response | Stream = await route.handler(request)
        except _Gone:
            return
        except Exception as error:  # noqa: BLE001 - the face owns an answer for everything, our own faults too
            response = self._on_error(request, error)
        if body is not None:
            await body.drain()
        with_body = request.method != "HEAD"
        if isinstance(response, Stream):
            await _stream(response, receive, send, with_body=with_body)
        else:
            await _send(response, send, with_body=with_body)


class _Body:
    """The body of a request as it comes in."""

    def __init__(self, request: Request, receive: Receive, limit: int) -> None:
        self._receive, self._limit = receive, limit
        self._declared = request.header(b"content-length")
        self._message = _MORE

    async def chunks(self) -> AsyncIterator[bytes]:
        """Raises BodyTooLarge, and _Gone when the client went away before all of it was there."""
        if self._declared is not None and int(self._declared) > self._limit:
            raise BodyTooLarge(self._limit)
        read = 0
        while self._message.get("more_body"):
            self._message = await self._receive()
            chunk = self._message.get("body", b"")
            read += len(chunk)
            if read > self._limit:
                raise BodyTooLarge(self._limit)
            if chunk:
                yield chunk
        if self._message.get("type") == "http.disconnect":
            raise _Gone

    async def drain(self) -> None:
        """Drops what nobody has read, within bounds: a client that is sending would meet a reset instead."""
        read = 0
        if not self._message.get("more_body"):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while self._message.get("more_body") and read < DRAIN_LIMIT:
                    self._message = await self._receive()
                    read += len(self._message.get("body", b""))


async def _send(response: Response, send: Send, *, with_body: bool) -> None:
    headers = list(response.headers)
    if response.status not in BODILESS:
        headers += [(b"content-type", response.media_type), (b"content-length", str(len(response.body)).encode())]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body if with_body else b""})


async def _stream(stream: Stream, receive: Receive, send: Send, *, with_body: bool) -> None:
    headers = [*stream.headers, (b"content-type", stream.media_type)]
    await send({"type": "http.response.start", "status": stream.status, "headers": headers})
    if not with_body:
        await send({"type": "http.response.body", "body": b""})
        return
    sending = asyncio.create_task(_pump(stream.chunks, send))
    watching = asyncio.create_task(_cancel_when_gone(receive, sending))
    try:
        await asyncio.wait([sending])
    finally:
        for task in (sending, watching):
            task.cancel()
        await asyncio.gather(sending, watching, return_exceptions=True)
    if not sending.cancelled():
        sending.result()


async def _pump(chunks: AsyncIterator[bytes], send: Send) -> None:
    try:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        # Not left to the garbage collector: a generator may hold a connection.
        if (close := getattr(chunks, "aclose", None)) is not None:
            await close()


async def _cancel_when_gone(receive: Receive, sending: asyncio.Task[None]) -> None:
    """The request was read whole, so the next message is that the client has gone, whenever that is."""
    if (await receive())["type"] == "http.disconnect":
        sending.cancel()
