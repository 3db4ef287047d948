"""A real HTTP receiver on a loopback port: it records what comes and answers, or misbehaves, as scripted."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import responses
from types import TracebackType
from typing import Self

_TLS_HANDSHAKE = b"\x16"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0


@dataclass(frozen=True, slots=True)
class Raw:
    """Sends these bytes whatever they mean, and hangs up."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Endless:
    """Sends a body that never ends: chunk after chunk, with a pause between."""

    status: int = 200
    chunk: bytes = b"x" * 16_384
    pause_s: float = 0


@dataclass(frozen=True, slots=True)
class Reset:
    """Breaks the connection off with a TCP reset instead of an answer."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Takes the request and never answers."""


Behaviour = Answer | Raw | Endless | Reset | Hang
Script = Behaviour | Sequence[Behaviour] | Callable[[Request], Behaviour]


def redirect(to: str, status: int = 302) -> Answer:
    return Answer(status, {"Location": to})


class Receiver:
    """Serves HTTP (HTTPS with `tls`) from `async with` until its end.

    A script is one behaviour, a list (one per request, then the last for ever) or a function of the request.
    Request bodies must come with a Content-Length.
    """

    def __init__(
        self,
        script: Script = Answer(),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer_with(script)
        self.host, self.port = host, port
        self.requests: list[Request] = []
        self.connections = 0
        self._tls = tls
        self._arrived = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}/hook"

    def answer_with(self, script: Script) -> None:
        """Replaces the script, from the next request on; a list starts at its beginning."""
        self._script, self._turns = script, 0

    async def wait_for(self, count: int, timeout_s: float = 10) -> list[Request]:
        """All requests so far, as soon as there are at least count; AssertionError when they do not come."""
        try:
            async with asyncio.timeout(timeout_s):
                while len(self.requests) < count:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise AssertionError(f"{len(self.requests)} of {count} requests in {timeout_s} s") from None
        return list(self.requests)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                self._arrived.set()
                if not await _behave(self._next_behaviour(request), writer):
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass  # the caller hung up
        except asyncio.CancelledError:
            writer.transport.abort()  # a close would wait for a caller who does not read
            raise
        except _NotHttpError:
            writer.write(_head(400, {"Connection": "close"}))
        finally:
            writer.close()

    def _next_behaviour(self, request: Request) -> Behaviour:
        self._turns += 1
        if callable(self._script):
            return self._script(request)
        if isinstance(self._script, Sequence):
            return self._script[min(self._turns, len(self._script)) - 1]
        return self._script


class _NotHttpError(Exception):
    pass


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    first = await reader.read(1)
    if not first:
        return None
    if first == _TLS_HANDSHAKE:
        raise _NotHttpError
    head = first + await reader.readuntil(b"\r\n\r\n")
    request_line, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, path, _ = request_line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body, datetime.now(UTC))


async def _behave(behaviour: Behaviour, writer: asyncio.StreamWriter) -> bool:
    """Does what the script says; True when the connection may carry another request."""
    match behaviour:
        case Answer():
            return await _answer(behaviour, writer)
        case Raw(data):
            writer.write(data)
            await writer.drain()
        case Endless():
            await _send_without_end(behaviour, writer)
        case Reset():
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
        case Hang():
            await asyncio.Event().wait()
    return False


async def _answer(answer: Answer, writer: asyncio.StreamWriter) -> bool:
    if answer.delay_s:
        await asyncio.sleep(answer.delay_s)
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    writer.write(_head(answer.status, headers) + answer.body)
    await writer.drain()
    return headers.get("Connection") != "close"


async def _send_without_end(endless: Endless, writer: asyncio.StreamWriter) -> None:
    writer.write(_head(endless.status, {"Connection": "close"}))
    while True:
        writer.write(endless.chunk)
        await writer.drain()
        await asyncio.sleep(endless.pause_s)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = (f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {responses.get(status, '')}\r\n{''.join(lines)}\r\n".encode("latin-1")
