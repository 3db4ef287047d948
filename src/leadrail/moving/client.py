"""The HTTP client of a move: patient with what passes, clear about what does not.

A connection that breaks, an answer cut short, 429 and 5xx are tried again after a pause that grows (or as long as
`Retry-After` says). Nothing is followed elsewhere: the key goes to the address that was given and to no other.
"""

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec
from yarl import URL

log = logging.getLogger(__name__)

RESUME = "Run the same command again: it goes on where it stopped"
NO_LIST = "The answer is not the list that this vendor documents; check --url"
LONGEST_RETRY_AFTER_S = 300
_TIMEOUT = aiohttp.ClientTimeout(total=300, connect=15, sock_read=90)
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})


class VendorError(Exception):
    """The vendor could not be reached or refuses; the text says what to do. `status` is what it answered, if it did."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Patience(msgspec.Struct, frozen=True):
    """How often a call is tried, and the pauses between. Before the vendor has ever answered, `first_tries` apply."""

    tries: int = 10
    first_tries: int = 3
    first_pause_s: float = 0.5
    longest_pause_s: float = 30

    def pause_s(self, attempt: int) -> float:
        return float(min(self.first_pause_s * 2**attempt, self.longest_pause_s))


class _Again(msgspec.Struct, frozen=True):
    """Why a try came to nothing, and how long the vendor wants to be left alone."""

    why: str
    after_s: float = 0


def base_url(text: str) -> URL:
    """The address of an account's API. Raises VendorError when it is none or carries more than an address."""
    try:
        url = URL(text.strip())
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise VendorError(f'"{text}" is no address; --url takes one like https://api.example.com')
    if url.user or url.password or url.query_string or url.fragment:
        raise VendorError("--url takes a plain address: no login, query or fragment in it")
    return url.with_path(url.path.rstrip("/"))


class Client:
    """Calls below one base URL. Use it as an async context manager."""

    def __init__(self, base: URL, headers: Mapping[str, str], patience: Patience | None = None) -> None:
        self.base = base
        self._headers = {"User-Agent": "Leadrail", "Accept": "application/json", **headers}
        self._secrets = tuple(headers.values())
        self._patience = patience or Patience()
        self._was_reached = False
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, **query: str | int) -> Any:
        """The JSON that the vendor answers. Raises VendorError."""
        return await self._call("GET", path, {name: str(value) for name, value in query.items()}, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The same."""
        return await self._call("POST", path, {}, body)

    async def _call(self, method: str, path: str, query: dict[str, str], body: Mapping[str, Any] | None) -> Any:
        attempt = 0
        while True:
            answer = await self._tried(method, path, query, body)
            if not isinstance(answer, _Again):
                return answer
            attempt += 1
            if attempt >= (self._patience.tries if self._was_reached else self._patience.first_tries):
                hint = RESUME if self._was_reached else "Check --url"
                raise VendorError(f"{self.base} fails ({answer.why}), {attempt} times now. {hint}.")
            pause_s = max(self._patience.pause_s(attempt - 1), answer.after_s)
            log.warning("%s: %s; trying again in %.1f s", self.base, answer.why, pause_s)
            await asyncio.sleep(pause_s)

    async def _tried(
        self, method: str, path: str, query: dict[str, str], body: Mapping[str, Any] | None
    ) -> Any | _Again:
        try:
            async with self._session.request(
                method, f"{self.base}{path}", params=query, json=body, allow_redirects=False
            ) as response:
                content = await response.read()
        except aiohttp.ClientConnectorCertificateError as error:
            raise VendorError(f"{self.base} shows a certificate that is not to be trusted: {error}") from None
        except (aiohttp.ClientError, OSError) as error:
            return _Again(_cause(error))
        if response.status in _PASSING:
            return self._later(response)
        self._was_reached = True
        if response.status >= 300:
            raise self._refused(response, path, content)
        try:
            return decoded(content)
        except ValueError:
            return _Again("an answer that is no JSON")

    def _later(self, response: aiohttp.ClientResponse) -> _Again:
        after_s = _retry_after_s(response.headers.get("Retry-After", ""))
        if after_s > LONGEST_RETRY_AFTER_S:
            raise VendorError(f"{self.base} wants to be left alone for {after_s:.0f} s. {RESUME} after that.")
        return _Again(f"HTTP {response.status}", after_s)

    def _refused(self, response: aiohttp.ClientResponse, path: str, content: bytes) -> VendorError:
        status = response.status
        if status in (301, 302, 303, 307, 308):
            where = response.headers.get("Location", "elsewhere")
            return VendorError(f"{self.base} sends on to {where}; give the address of the API itself as --url", status)
        if status == 401:
            return VendorError(f"{self.base} does not take the key (HTTP 401); check --key", status)
        return VendorError(f"{self.base}{path} answers HTTP {status}: {self._words(content)}", status)

    def _words(self, content: bytes) -> str:
        """What the vendor says, without the key in case it repeats it."""
        words = content[:300].decode(errors="replace").strip()
        for secret in self._secrets:
            words = words.replace(secret, "…")
        return "".join(character if character.isprintable() else " " for character in words) or "nothing more"


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _retry_after_s(text: str) -> float:
    """Source: RFC 9110, section 10.2.3: seconds or a date."""
    if text.strip().isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0)


def decoded(content: bytes) -> Any:
    """JSON, with what PostgreSQL cannot keep taken out of it (U+0000, half characters, NaN). Raises ValueError."""
    if b"\\u0000" not in content:
        try:
            return msgspec.json.decode(content)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
    try:
        return _clean(json.loads(content))
    except RecursionError as error:
        raise ValueError from error


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {_clean(name): _clean(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
