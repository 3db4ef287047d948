"""Making, changing and removing webhook endpoints. The caller owns the transaction."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Category
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.webhooks import store
from leadrail.core.webhooks.model import Endpoint, EndpointState, EventNames, Format
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id
from leadrail.kit.outgoing import check_url
from leadrail.kit.signing import new_secret

Networks = Sequence[IPv4Network | IPv6Network]

URL_LIMIT = 2_000
MOST_HEADERS = 20
HEADER_LIMIT = 1_000
OVERLAP = timedelta(hours=24)
"""How long the secret before the last still signs."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_VISIBLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_OURS = frozenset(
    {"content-type", "content-length", "host", "connection", "transfer-encoding", "user-agent", "accept-encoding"}
)
_OUR_PREFIXES = ("webhook-", "svix-")  # a dialect signs under these names too


class NewEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`events` empty means every event; `channel_id` None means every channel of the company.

    `event_names` says which of its vendor's names a dialect format uses, where that vendor has renamed its events.
    """

    url: str
    events: tuple[EventType, ...] = ()
    channel_id: UUID | None = None
    format: Format = Format.NATIVE
    ordered: bool = False
    event_names: EventNames = EventNames.FIRST
    statuses: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    changed: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}


async def add_endpoint(
    connection: Connection, company_id: UUID, new: NewEndpoint, allow: Networks, now: datetime
) -> Endpoint:
    """Makes an endpoint with a fresh secret.

    Raises Refused (`invalid`) for an address that is never called, or a header that is not the caller's to set.
    """
    endpoint = Endpoint(
        id=new_id(),
        company_id=company_id,
        state=EndpointState.ACTIVE,
        secret=new_secret(),
        created_at=now,
        **_checked(msgspec.structs.asdict(new), allow),
    )
    await store.insert_endpoint(connection, endpoint)
    await store.renew_channels(connection, company_id)
    return endpoint


async def edit_endpoint(
    connection: Connection, company_id: UUID, endpoint_id: UUID, changes: dict[str, Any], allow: Networks
) -> Endpoint:
    """Changes the fields named; made active again, its failures are forgotten.

    Raises Refused (`not_found`; `invalid` as `add_endpoint` does).
    """
    before = await locked_endpoint(connection, company_id, endpoint_id)
    after = msgspec.structs.replace(before, **_checked(changes, allow))
    if "state" in changes and after.state is not before.state:
        after = msgspec.structs.replace(after, disabled_at=None, disabled_reason=None)
        if after.state is EndpointState.ACTIVE:
            await store.forget_failures(connection, company_id, endpoint_id)
            after = msgspec.structs.replace(after, failing_since=None)
    await _save(connection, after)
    return after


async def rotate_secret(connection: Connection, company_id: UUID, endpoint_id: UUID, now: datetime) -> Endpoint:
    """Gives it a new secret, beside which the old one still signs for a while. Raises Refused (`not_found`)."""
    before = await locked_endpoint(connection, company_id, endpoint_id)
    after = msgspec.structs.replace(
        before, secret=new_secret(), previous_secret=before.secret, previous_secret_until=now + OVERLAP
    )
    await _save(connection, after)
    return after


async def _save(connection: Connection, endpoint: Endpoint) -> None:
    await store.update_endpoint(connection, endpoint)
    await store.renew_channels(connection, endpoint.company_id)


async def locked_endpoint(connection: Connection, company_id: UUID, endpoint_id: UUID) -> Endpoint:
    """The endpoint, locked until the transaction ends. Raises Refused (`not_found`)."""
    # Its failures first, as whoever records results does: neither then waits for the other in a circle.
    await store.lock_failures(connection, company_id, endpoint_id)
    found = await store.endpoint(connection, company_id, endpoint_id, channel_ids=[], locked=True)
    if found is None:
        raise no_endpoint()
    return found


def no_endpoint() -> Exception:
    return refuse(Code.NOT_FOUND, "There is no such endpoint")


def demand_active(endpoint: Endpoint) -> None:
    """Raises Refused (`conflict`) for one that sends nothing at present."""
    if endpoint.state is not EndpointState.ACTIVE:
        raise refuse(Code.CONFLICT, f"The endpoint is {endpoint.state}; make it active first")


async def remove_endpoint(connection: Connection, company_id: UUID, endpoint_id: UUID) -> None:
    """Raises Refused (`not_found`)."""
    await store.lock_failures(connection, company_id, endpoint_id)
    if not await store.delete_endpoint(connection, company_id, endpoint_id):
        raise no_endpoint()
    await store.forget_failures(connection, company_id, endpoint_id)
    await store.renew_channels(connection, company_id)


def _checked(given: dict[str, Any], allow: Networks) -> dict[str, Any]:
    """The fields as they are stored: lists without repeats, the address and the headers such as may be."""
    if "url" in given:
        _check_url(given["url"], allow)
    _check_headers(given.get("headers", {}))
    return {name: tuple(dict.fromkeys(value)) if isinstance(value, tuple) else value for name, value in given.items()}


def _check_url(url: str, allow: Networks) -> None:
    if len(url) > URL_LIMIT:
        raise refuse(Code.INVALID, f"url has at most {URL_LIMIT} characters", "/url")
    if (reason := check_url(url, allow)) is not None:
        raise refuse(Code.INVALID, reason, "/url")


def _check_headers(headers: Mapping[str, str]) -> None:
    if len(headers) > MOST_HEADERS:
        raise refuse(Code.INVALID, f"An endpoint has at most {MOST_HEADERS} headers", "/headers")
    known = set[str]()
    for name, value in headers.items():
        if (reason := _wrong_header(name, value, known)) is not None:
            raise refuse(Code.INVALID, reason, "/headers/" + name.replace("~", "~0").replace("/", "~1"))
        known.add(name.lower())


def _wrong_header(name: str, value: str, known: set[str]) -> str | None:
    lowered = name.lower()
    if not _TOKEN.fullmatch(name):
        return "The name of a header is made of letters, digits and hyphens"
    if lowered in _OURS or lowered.startswith(_OUR_PREFIXES):
        return f"The server sets {name} itself"
    if lowered in known:
        return f"{name} is named twice"
    if len(value) > HEADER_LIMIT or not _VISIBLE.fullmatch(value):
        return f"The value of a header has 1 to {HEADER_LIMIT} visible ASCII characters"
    return None
