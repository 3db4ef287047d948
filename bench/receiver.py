"""A receiver that takes every webhook at once and says how many came, when, and how long each was on its way.

Run as `python -m bench.receiver PORT`. `GET /report` answers what came since `GET /reset`, `GET /count` how many.
"""

import asyncio
import json
import sys
import time
from datetime import datetime

import uvloop

_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
_RECORDED_AT = b'"recorded_at":"'


class _Arrivals:
    def __init__(self) -> None:
        self.first_s = self.last_s = 0.0
        self.delays_ms: list[float] = []

    def note(self, body: bytes) -> None:
        now = time.time()
        self.first_s, self.last_s = self.first_s or now, now
        begin = body.find(_RECORDED_AT) + len(_RECORDED_AT)
        recorded = datetime.fromisoformat(body[begin : body.index(b'"', begin)].decode())
        self.delays_ms.append((now - recorded.timestamp()) * 1000)

    def report(self) -> bytes:
        return json.dumps({"seconds": self.last_s - self.first_s, "delays_ms": sorted(self.delays_ms)}).encode()


class _Receiver(asyncio.Protocol):
    arrivals = _Arrivals()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            body, rest = self._data[end + 4 : end + 4 + length], self._data[end + 4 + length :]
            if len(body) < length:
                return
            self._data = rest
            self._transport.write(self._answer(head, body))  # type: ignore[attr-defined]

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"post"):
            self.arrivals.note(body)
            return _TAKEN
        if head.startswith(b"get /reset"):
            type(self).arrivals = _Arrivals()
        is_count = head.startswith(b"get /count")
        report = b'{"count": %d}' % len(self.arrivals.delays_ms) if is_count else self.arrivals.report()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(report) + report


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Receiver, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
