"""The SQL of endpoints and of the deliveries due to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.events.model import EventType
from leadrail.core.webhooks.model import Endpoint, EndpointState, EventNames, Format, Subscription
from leadrail.db.database import Connection
from leadrail.db.statement import Section


class DeliveryRow(msgspec.Struct, frozen=True):
    """A delivery that becomes due; `place` is its event's, as in events.store.EventRow."""

    company_id: UUID
    place: int
    id: UUID
    event_id: UUID
    event_type: EventType
    lead_id: UUID | None
    endpoint_company_id: UUID
    endpoint_id: UUID
    ordered: bool
    payload: str
    created_at: datetime


INSERT = Section(
    "due",
    DeliveryRow,
    """INSERT INTO deliveries (company_id, event_seq, id, event_id, event_type, lead_id, endpoint_company_id,
        endpoint_id, ordered, payload, due_at, created_at)
    SELECT r.company_id, counted.base + r.place, r.id, r.event_id, r.event_type, r.lead_id, r.endpoint_company_id,
        r.endpoint_id, r.ordered, r.payload, r.created_at, r.created_at
    FROM {rows} JOIN counted USING (company_id)""",
)

_COLUMNS = "id, company_id, url, events, channel_id, format, ordered, state, secret, created_at, event_names"


def _endpoint(row: Any) -> Endpoint:
    id, company_id, url, events, channel_id, format, ordered, state, secret, created_at, event_names = row
    return Endpoint(
        id,
        company_id,
        url,
        tuple(events),
        channel_id,
        Format(format),
        ordered,
        EndpointState(state),
        secret,
        created_at,
        EventNames(event_names),
    )


async def endpoints(
    connection: Connection, company_id: UUID, *, channel_ids: list[UUID], after: UUID | None, limit: int
) -> list[Endpoint]:
    """The company's endpoints, oldest first; `channel_ids` not empty means those of these channels."""
    statement = f"""
        SELECT {_COLUMNS} FROM endpoints
        WHERE company_id = $1 AND state <> 'deleted' AND ($2::uuid IS NULL OR id > $2)
          AND (cardinality($4::uuid[]) = 0 OR channel_id = ANY($4))
        ORDER BY id LIMIT $3
    """
    return [_endpoint(row) for row in await connection.fetch(statement, company_id, after, limit, channel_ids)]


async def insert_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    await connection.execute(
        f"INSERT INTO endpoints ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        endpoint.id,
        endpoint.company_id,
        endpoint.url,
        list(endpoint.events),
        endpoint.channel_id,
        endpoint.format,
        endpoint.ordered,
        endpoint.state,
        endpoint.secret,
        endpoint.created_at,
        endpoint.event_names,
    )


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
