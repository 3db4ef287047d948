"""Making and removing webhook endpoints. The caller owns the transaction."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from uuid import UUID

import msgspec

from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.webhooks import store
from leadrail.core.webhooks.model import Endpoint, EndpointState, EventNames, Format
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id
from leadrail.kit.outgoing import check_url
from leadrail.kit.signing import new_secret

URL_LIMIT = 2_000


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


async def add_endpoint(
    connection: Connection,
    company_id: UUID,
    new: NewEndpoint,
    allow: Sequence[IPv4Network | IPv6Network],
    now: datetime,
) -> Endpoint:
    """Makes an endpoint with a fresh secret. Raises Refused (`invalid`) for an address that is never called."""
    if len(new.url) > URL_LIMIT:
        raise refuse(Code.INVALID, f"url has at most {URL_LIMIT} characters", "/url")
    if (reason := check_url(new.url, allow)) is not None:
        raise refuse(Code.INVALID, reason, "/url")
    endpoint = Endpoint(
        id=new_id(),
        company_id=company_id,
        url=new.url,
        events=tuple(dict.fromkeys(new.events)),
        channel_id=new.channel_id,
        format=new.format,
        ordered=new.ordered,
        state=EndpointState.ACTIVE,
        secret=new_secret(),
        created_at=now,
        event_names=new.event_names,
    )
    await store.insert_endpoint(connection, endpoint)
    await store.renew_channels(connection, company_id)
    return endpoint


async def remove_endpoint(connection: Connection, company_id: UUID, endpoint_id: UUID) -> None:
    """Raises Refused (`not_found`)."""
    if not await store.delete_endpoint(connection, company_id, endpoint_id):
        raise refuse(Code.NOT_FOUND, "There is no such endpoint")
    await store.renew_channels(connection, company_id)
