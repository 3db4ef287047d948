"""Writes that are done once: the caller's Idempotency-Key, and If-Match."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from leadrail.api.operation import Call
from leadrail.core import idempotency
from leadrail.core.engine import Done
from leadrail.core.errors import Code, refuse
from leadrail.core.idempotency import Answer
from leadrail.core.leads.commands import Idempotency
from leadrail.db.database import Connection
from leadrail.kit.http import Request, Response

SHOWN_ONCE = ("api_key", "secret")
REPLAYED = (b"idempotent-replayed", b"true")


def idempotency_key(request: Request) -> str | None:
    """The caller's key. Raises Refused (`invalid`) for one that is empty or too long."""
    key = request.header(b"idempotency-key")
    if key is not None and not 0 < len(key) <= idempotency.KEY_LIMIT:
        raise refuse(Code.INVALID, f"Idempotency-Key has 1 to {idempotency.KEY_LIMIT} characters", "Idempotency-Key")
    return key


def fingerprint(call: Call[Any, Any], part: bytes | None = None, *, of_user: bool = False) -> bytes:
    """The digest of what was asked: method, path, query and body (or the part of it that one item is).

    The channels that the API key is bound to belong to it, so that no key gets an answer which it may not see.
    `of_user`: its user does too, since the same call does something else for another.
    """
    request = call.request
    asked = hashlib.sha256(f"{request.method} {request.path}?".encode() + request.query_string + b"\n")
    asked.update(",".join(sorted(map(str, call.actor.channel_ids))).encode())
    if of_user:
        asked.update(f" {call.actor.user_id}".encode())
    asked.update(request.body if part is None else part)
    return asked.digest()


def idempotent(call: Call[Any, Any], render: Callable[[Done], tuple[int, bytes]]) -> Idempotency | None:
    """What the engine needs to do this write once, when the caller gave a key."""
    key = idempotency_key(call.request)
    return Idempotency(key, fingerprint(call), render) if key is not None else None


def replay(answer: Answer) -> Response:
    return Response(answer.status, answer.body, headers=(REPLAYED,))


def demanded_version(request: Request) -> int | None:
    """The lead version that If-Match demands, None for any. Raises Refused (`version_conflict`) for a foreign tag."""
    tag = request.header(b"if-match")
    if tag is None or tag.strip() == "*":
        return None
    number = tag.strip().removeprefix("W/").strip('"')
    if not number.isdecimal() or len(number) > 18:
        raise refuse(Code.VERSION_CONFLICT, f"{tag} is not an ETag of a lead; read it again")
    return int(number)


def etag(version: int) -> tuple[bytes, bytes]:
    return (b"etag", f'"{version}"'.encode())


async def write(
    call: Call[Any, Any],
    work: Callable[[Connection], Awaitable[Response]],
    *,
    of_user: bool = False,
    part: bytes | None = None,
) -> Response:
    """Runs a write in one transaction, once per Idempotency-Key; `of_user`: what it writes is the user's own.

    `part` stands for a body that was not kept.
    """
    key = idempotency_key(call.request) if call.request.method == "POST" else None
    company_id = call.actor.company_id
    async with call.core.database.transaction() as connection:
        if key is None:
            return await work(connection)
        asked = fingerprint(call, part, of_user=of_user)
        answer = await idempotency.claim(connection, company_id, key, asked, call.core.clock())
        if answer is not None:
            return replay(answer.matching(asked))
        response = await work(connection)
        await idempotency.keep(connection, company_id, key, response.status, _without_secrets(response.body))
        return response


def _without_secrets(body: bytes) -> bytes:
    """The answer as it is kept: what is shown once is not, and is null in a repeat."""
    shown = msgspec.json.decode(body)
    return msgspec.json.encode(shown | {name: None for name in SHOWN_ONCE if name in shown})
