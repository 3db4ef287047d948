"""The SQL of endpoints and of the deliveries due to them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Category
from leadrail.core.events.model import EventType
from leadrail.core.webhooks.model import Endpoint, EndpointState, EventNames, Format, Subscription
from leadrail.db.database import Connection
from leadrail.db.statement import Section


class DeliveryRow(msgspec.Struct, frozen=True):
    """A delivery that becomes due; `place` is its event's, as in events.store.EventRow. `erased`: its lead is."""

    company_id: UUID
    place: int
    id: UUID
    event_id: UUID
    event_type: EventType
    lead_id: UUID | None
    endpoint_company_id: UUID
    endpoint_id: UUID
    ordered: bool
    erased: bool
    payload: str
    created_at: datetime


INSERT = Section(
    "due",
    DeliveryRow,
    """INSERT INTO deliveries (company_id, event_seq, id, event_id, event_type, lead_id, endpoint_company_id,
        endpoint_id, ordered, erased, payload, due_at, created_at)
    SELECT r.company_id, counted.base + r.place, r.id, r.event_id, r.event_type, r.lead_id, r.endpoint_company_id,
        r.endpoint_id, r.ordered, r.erased, r.payload, r.created_at, r.created_at
    FROM {rows} JOIN counted USING (company_id)""",
)

_COLUMNS = """id, company_id, url, events, channel_id, format, ordered, state, secret, created_at, event_names,
    statuses, categories, changed, headers, previous_secret, previous_secret_until, disabled_at, disabled_reason"""

_SELECT = f"""
SELECT {_COLUMNS}, (SELECT f.failing_since FROM endpoint_failures f
    WHERE f.company_id = endpoints.company_id AND f.endpoint_id = endpoints.id) AS failing_since
FROM endpoints
WHERE company_id = $1 AND state <> 'deleted' AND (cardinality($2::uuid[]) = 0 OR channel_id = ANY($2))
"""

_TYPES: dict[str, Callable[[Any], Any]] = {
    "events": tuple,
    "format": Format,
    "state": EndpointState,
    "event_names": EventNames,
    "statuses": tuple,
    "categories": lambda words: tuple(map(Category, words)),
    "changed": tuple,
}


def _endpoint(row: Any) -> Endpoint:
    values = dict(row)
    return Endpoint(**values | {name: read(values[name]) for name, read in _TYPES.items()})


async def endpoints(
    connection: Connection, company_id: UUID, *, channel_ids: list[UUID], after: UUID | None, limit: int
) -> list[Endpoint]:
    """The company's endpoints, oldest first; `channel_ids` not empty means those of these channels."""
    statement = f"{_SELECT} AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4"
    return [_endpoint(row) for row in await connection.fetch(statement, company_id, channel_ids, after, limit)]


async def endpoint(
    connection: Connection, company_id: UUID, endpoint_id: UUID, *, channel_ids: list[UUID], locked: bool = False
) -> Endpoint | None:
    """One of those that `endpoints` lists; `locked` until the transaction ends."""
    statement = f"{_SELECT} AND id = $3 {'FOR NO KEY UPDATE' if locked else ''}"
    row = await connection.fetchrow(statement, company_id, channel_ids, endpoint_id)
    return _endpoint(row) if row is not None else None


async def insert_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    places = ", ".join(f"${number}" for number in range(1, 20))
    await connection.execute(f"INSERT INTO endpoints ({_COLUMNS}) VALUES ({places})", *_values(endpoint))


def _values(endpoint: Endpoint) -> list[Any]:
    """The columns, without `failing_since`, which is the worker's."""
    return [msgspec.to_builtins(getattr(endpoint, name.strip()), builtin_types=_KEPT) for name in _COLUMNS.split(",")]


_KEPT = (UUID, datetime)


async def update_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    """Writes every column anew."""
    places = ", ".join(f"${number}" for number in range(1, 20))
    statement = f"UPDATE endpoints SET ({_COLUMNS}) = ({places}) WHERE company_id = $2 AND id = $1"
    await connection.execute(statement, *_values(endpoint))


async def lock_failures(connection: Connection, company_id: UUID, endpoint_id: UUID) -> None:
    statement = "SELECT FROM endpoint_failures WHERE company_id = $1 AND endpoint_id = $2 FOR UPDATE"
    await connection.execute(statement, company_id, endpoint_id)


async def forget_failures(connection: Connection, company_id: UUID, endpoint_id: UUID) -> None:
    statement = "DELETE FROM endpoint_failures WHERE company_id = $1 AND endpoint_id = $2"
    await connection.execute(statement, company_id, endpoint_id)


async def delete_endpoint(connection: Connection, company_id: UUID, endpoint_id: UUID) -> bool:
    """Marks it deleted, so that its deliveries keep their log; answers whether there was one."""
    statement = """
        UPDATE endpoints SET state = 'deleted' WHERE company_id = $1 AND id = $2 AND state <> 'deleted'
    """
    return bool(await connection.execute(statement, company_id, endpoint_id) == "UPDATE 1")


_RENEW = """
UPDATE channels c SET config_version = config_version + 1
WHERE c.company_id = $1 OR c.id IN (SELECT m.channel_id FROM channel_members m WHERE m.member_company_id = $1)
"""


async def renew_channels(connection: Connection, company_id: UUID) -> None:
    """Makes every process read anew the channels that this company's endpoints may hear."""
    await connection.execute(_RENEW, company_id)


async def disable_endpoint(
    connection: Connection, company_id: UUID, endpoint_id: UUID, reason: str, now: datetime
) -> str | None:
    """Takes an active endpoint out of service; its URL, or None when it is not active."""
    statement = """
        UPDATE endpoints SET state = 'disabled', disabled_at = $4, disabled_reason = $3
        WHERE company_id = $1 AND id = $2 AND state = 'active' RETURNING url
    """
    url: str | None = await connection.fetchval(statement, company_id, endpoint_id, reason, now)
    return url


async def company_hearers(connection: Connection, company_id: UUID, type: EventType) -> list[Subscription]:
    """The endpoints in service that hear of what concerns the company as a whole."""
    statement = """
        SELECT id, company_id, events, channel_id FROM endpoints
        WHERE company_id = $1 AND state IN ('active', 'paused') AND channel_id IS NULL
            AND (cardinality(events) = 0 OR $2 = ANY(events))
        ORDER BY id
    """
    return [Subscription(*row) for row in await connection.fetch(statement, company_id, type)]
