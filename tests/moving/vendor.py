"""A vendor of a few lines, for what our own dialects never answer: it says what it is told to, over a real socket."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.conftest import serving


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Answer:
    """`body` is JSON, or bytes that are sent as they are."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Callable[[Asked], Answer]


@dataclass
class Vendor:
    """Answers by its script, and remembers what it was asked."""

    script: Script
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        content = b""
        while (message := await receive())["type"] == "http.request":
            content += message["body"]
            if not message["more_body"]:
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode()))
        asked = Asked(scope["method"], scope["path"], query, headers, json.loads(content) if content else None)
        self.asked.append(asked)
        answer = self.script(asked)
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        told = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        await send({"type": "http.response.body", "body": body})


def in_turn(answers: Sequence[Answer]) -> Script:
    """One after the other, the last for ever."""
    rest = list(answers)
    return lambda _: rest.pop(0) if len(rest) > 1 else rest[0]


@asynccontextmanager
async def playing(script: Script) -> AsyncIterator[Vendor]:
    vendor = Vendor(script)
    async with serving(vendor) as url:  # type: ignore[arg-type]  # any ASGI application will do
        vendor.url = url
        yield vendor
