"""HTTP posts to addresses that strangers chose: every failure is a word, and nothing private is ever reached.

An address is checked when its name is resolved and once more when its socket is made, so a literal address, a
name that changes its mind and an oddity of the HTTP library all end at the same guard.
"""

import asyncio
import errno
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from leadrail.kit.addresses import Network, is_allowed, parse_address

KEPT_BODY_BYTES = 4096
LONGEST_RETRY_AFTER_S = 86_400

# Below the 5 s after which Node and uvicorn hang up on an idle connection: a post that meets the hang-up
# fails, as it must not be sent again unasked.
_KEEP_ALIVE_S = 4

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# What ends in a number (127.1, 0x7f.1, 2130706433) is an IPv4 address to some readers and a name to others.
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*(?!(?:\d+|0x[\da-f]*)\.?\Z){_LABEL}\.?", re.IGNORECASE | re.ASCII)
_LONGEST_HOST_NAME = 254
_WHITESPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")

Resolve = Callable[[str, int], Awaitable[list[str]]]


class Outcome(StrEnum):
    OK = "ok"
    DNS = "dns"
    REFUSED = "refused"
    TLS = "tls"
    TIMEOUT = "timeout"
    PRIVATE_ADDRESS = "private_address"
    TOO_LARGE = "too_large"
    REDIRECT = "redirect"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    RESET = "reset"
    BAD_RESPONSE = "bad_response"
    INVALID_URL = "invalid_url"


@dataclass(frozen=True, slots=True)
class Reply:
    outcome: Outcome
    status: int | None
    body: bytes
    duration_ms: int
    retry_after_s: int | None


def check_url(url: str, allow: Sequence[Network] = ()) -> str | None:
    """Why this URL may not be called, or None. Nothing is looked up: a name is judged when it is called."""
    try:
        host = _parse(url).raw_host or ""
    except ValueError as error:
        return str(error)
    address = "127.0.0.1" if _is_localhost(host) else host
    if parse_address(address) is not None and not is_allowed(address, allow):
        return f"{host} is not a public address"
    return None


async def resolve_by_system(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Outgoing:
    """A pool of connections for posts. Use it as an async context manager; share one per process."""

    def __init__(
        self,
        allow: Sequence[Network] = (),
        *,
        connect_timeout_s: float = 5,
        total_timeout_s: float = 15,
        max_response_bytes: int = 1024 * 1024,
        user_agent: str = "Leadrail",
        resolve: Resolve = resolve_by_system,
        dns_cache_s: int = 10,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow = tuple(allow)
        self._timeout = aiohttp.ClientTimeout(total=total_timeout_s, connect=connect_timeout_s)
        self._max_response_bytes = max_response_bytes
        # Bodies are kept as they come, so nothing compressed is asked for.
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        self._resolve = resolve
        self._dns_cache_s = dns_cache_s
        self._tls = tls
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=self._connector(),
            timeout=self._timeout,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Sends one post. Whatever the receiver or the network does is in the reply and never raised.

        What is raised is our own: OSError when the process is out of sockets, ValueError for a broken header.
        """
        started_s = time.perf_counter()
        try:
            target = _parse(url)
        except ValueError:
            return _failed(Outcome.INVALID_URL, started_s)
        try:
            response = await self._session.post(target, data=body, headers=headers, allow_redirects=False)
        except (aiohttp.ClientError, OSError) as error:
            return _failed(_outcome_of_error(error), started_s)
        try:
            return await self._read(response, started_s)
        finally:
            # A response read to its end has given its connection back already; any other is cut.
            response.close()

    async def _read(self, response: aiohttp.ClientResponse, started_s: float) -> Reply:
        kept, seen_bytes = bytearray(), 0
        try:
            while seen_bytes <= self._max_response_bytes and (chunk := await response.content.readany()):
                kept += chunk[: max(0, KEPT_BODY_BYTES - seen_bytes)]
                seen_bytes += len(chunk)
        except (aiohttp.ClientError, OSError):
            # The receiver's answer is its status line; a body that stalls or breaks off does not change it.
            pass
        too_large = seen_bytes > self._max_response_bytes
        return Reply(
            Outcome.TOO_LARGE if too_large else _outcome_of_status(response.status),
            response.status,
            bytes(kept),
            _elapsed_ms(started_s),
            retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC)),
        )

    def _connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(
            limit=0,  # the caller bounds its posts; one that waited here would look like a slow receiver
            keepalive_timeout=_KEEP_ALIVE_S,
            resolver=_CheckedResolver(self._resolve, self._allow),
            ttl_dns_cache=self._dns_cache_s,  # what is cached has passed the check
            socket_factory=self._checked_socket,
            ssl=self._tls or True,
        )

    def _checked_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        # The library never asks its resolver about a literal address, so this is where one is checked.
        if not is_allowed(str(address[0]), self._allow):
            raise _AddressRefusedError
        return socket.socket(family, kind, protocol)


class _AddressRefusedError(OSError):
    """An OSError, because the library hands those through from its resolver and from its sockets."""


class _CheckedResolver(AbstractResolver):
    def __init__(self, resolve: Resolve, allow: Sequence[Network]) -> None:
        self._resolve = resolve
        self._allow = allow

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - the library's; any family will do
    ) -> list[ResolveResult]:
        addresses = await self._resolve(host, port)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        # One private address among public ones is how a name slips past a check of the first.
        if not all(is_allowed(address, self._allow) for address in addresses):
            raise _AddressRefusedError
        return [_resolved(host, address, port) for address in addresses]

    async def close(self) -> None:
        pass


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


@lru_cache(maxsize=4096)
def _parse(url: str) -> URL:
    """The URL as it will be called. ValueError says why it will not be."""
    if _WHITESPACE_OR_CONTROL.search(url):
        raise ValueError("the URL contains white space or a control character")
    # ASCII is sent exactly as written: some receivers sign the query, and normalising it would break that.
    target = URL(url, encoded=url.isascii())
    if target.scheme not in ("http", "https"):
        raise ValueError("the URL must start with http:// or https://")
    if "@" in target.raw_authority:
        raise ValueError("the URL contains a user name or password")
    if target.port == 0:
        raise ValueError("the port is out of range")
    _check_host(target.raw_host)
    return target


def _check_host(host: str | None) -> None:
    if not host:
        raise ValueError("the URL has no host")
    if parse_address(host) is not None:
        return
    if len(host) > _LONGEST_HOST_NAME or _HOST_NAME.fullmatch(host) is None:
        raise ValueError(f"{host} is neither a host name nor a plain address")


def _is_localhost(host: str) -> bool:
    return f".{host.lower().removesuffix('.')}".endswith(".localhost")


def _failed(outcome: Outcome, started_s: float) -> Reply:
    return Reply(outcome, None, b"", _elapsed_ms(started_s), None)


def _elapsed_ms(started_s: float) -> int:
    return round((time.perf_counter() - started_s) * 1000)


def _outcome_of_error(error: Exception) -> Outcome:
    match error:
        case aiohttp.ClientConnectorError():
            return _outcome_of_connecting(error)
        case TimeoutError():
            return Outcome.TIMEOUT
        case aiohttp.ClientConnectionError() | OSError():
            return Outcome.RESET
        case _:
            return Outcome.BAD_RESPONSE


def _outcome_of_connecting(error: aiohttp.ClientConnectorError) -> Outcome:
    match error.os_error:
        case _AddressRefusedError():
            return Outcome.PRIVATE_ADDRESS
        case ssl.SSLError():
            return Outcome.TLS
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            raise error.os_error  # says nothing about the receiver, and must not count against it
        case TimeoutError():
            return Outcome.TIMEOUT
        case ConnectionResetError() | ConnectionAbortedError():
            return Outcome.RESET
    return Outcome.DNS if isinstance(error, aiohttp.ClientConnectorDNSError) else Outcome.REFUSED


_OUTCOME_OF_STATUS_CLASS = {2: Outcome.OK, 3: Outcome.REDIRECT, 4: Outcome.HTTP_4XX, 5: Outcome.HTTP_5XX}


def _outcome_of_status(status: int) -> Outcome:
    return _OUTCOME_OF_STATUS_CLASS.get(status // 100, Outcome.BAD_RESPONSE)


def retry_after_s(value: str | None, now: datetime) -> int | None:
    """Seconds that a Retry-After header asks for as a number or a date, at most a day; None for neither."""
    if value is None:
        return None
    seconds = _seconds(value.strip(), now)
    return None if seconds is None else min(max(seconds, 0), LONGEST_RETRY_AFTER_S)


def _seconds(value: str, now: datetime) -> int | None:
    if value.isascii() and value.isdigit():
        return int(value[:10])
    try:
        date = parsedate_to_datetime(value)
        return int((date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
