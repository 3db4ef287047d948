"""Taking a webhook endpoint out of service because nothing gets through, and telling its company."""

from datetime import datetime
from uuid import UUID

from leadrail.core.events.model import EventType
from leadrail.core.save import company_announcement
from leadrail.core.webhooks import store
from leadrail.core.webhooks.model import EndpointDisabledData, EndpointTold, Why
from leadrail.db.database import Connection


async def disable_endpoint(
    connection: Connection, company_id: UUID, endpoint_id: UUID, why: Why, failing_since: datetime, now: datetime
) -> None:
    """Disables an active endpoint and records `endpoint.disabled`, once however many ask for it.

    The caller owns the transaction.
    """
    url = await store.disable_endpoint(connection, company_id, endpoint_id, why, now)
    if url is None:
        return
    await store.renew_channels(connection, company_id)
    hearers = await store.company_hearers(connection, company_id, EventType.ENDPOINT_DISABLED)
    told = EndpointTold(id=endpoint_id, url=url, reason=why, failing_since=failing_since)
    data = EndpointDisabledData(endpoint=told)
    write = company_announcement(company_id, EventType.ENDPOINT_DISABLED, data, hearers, now)
    if statement := write.statement():
        sql, parameters = statement
        await connection.execute(sql, *parameters)
