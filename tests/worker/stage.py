"""What the worker's tests stand on: a clock to be moved, a running worker, questions asked until they come true."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from leadrail.core.core import Core
from leadrail.core.webhooks.model import Endpoint
from leadrail.kit.outgoing import Outgoing
from leadrail.worker.deliverer import Deliverer
from tests.people import Person
from tests.receivers import Receiver

POLL_S = 0.02


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@asynccontextmanager
async def working(core: Core, outgoing: Outgoing | None = None, **options: Any) -> AsyncIterator[Deliverer]:
    """A worker at work until the end of the block."""
    async with outgoing or Outgoing(core.webhook_allow) as sender:
        deliverer = Deliverer(core, sender, **({"poll_s": POLL_S, "grace_s": 0} | options))
        run = asyncio.create_task(deliverer.run())
        try:
            yield deliverer
        finally:
            await deliverer.stop()
            await run


async def until(question: Callable[[], Awaitable[bool]], timeout_s: float = 20) -> None:
    """Returns as soon as the answer is yes; AssertionError when it does not become so."""
    try:
        async with asyncio.timeout(timeout_s):
            while not await question():  # noqa: ASYNC110 - the answer is in the database, which rings no bell
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not so within {timeout_s} s") from None


async def deliveries(person: Person) -> list[dict[str, Any]]:
    """The deliveries of this company's leads, oldest first."""
    statement = "SELECT * FROM deliveries WHERE company_id = $1 ORDER BY created_at, id"
    return await person.rows(statement, person.company_id)


async def the_delivery(person: Person) -> dict[str, Any]:
    (only,) = await deliveries(person)
    return only


async def attempts(person: Person) -> list[dict[str, Any]]:
    return await person.rows("SELECT * FROM attempts WHERE company_id = $1 ORDER BY number", person.company_id)


async def until_attempted(person: Person, times: int) -> None:
    """Returns when so many attempts are written down."""

    async def enough() -> bool:
        return await person.count("attempts") >= times

    await until(enough)


async def until_none_due(person: Person) -> None:
    async def none_due() -> bool:
        return all(row["state"] != "due" for row in await deliveries(person))

    await until(none_due)


async def multiply(person: Person, times: int) -> None:
    """As many more of each delivery of this company, each of an event of its own."""
    await person.rows(
        """INSERT INTO deliveries (company_id, id, event_seq, event_id, endpoint_company_id, endpoint_id, due_at,
            payload, created_at)
        SELECT company_id, gen_random_uuid(), event_seq, gen_random_uuid(), endpoint_company_id, endpoint_id, due_at,
            payload, created_at
        FROM deliveries, generate_series(1, $2) WHERE company_id = $1 RETURNING 1""",
        person.company_id,
        times,
    )


async def one_due(person: Person, url: str, **wanted: Any) -> Endpoint:
    """An endpoint, and the delivery of a new lead that is due to it."""
    endpoint = await person.endpoint(url, **wanted)
    await person.lead(await person.channel())
    return endpoint


async def pass_by(person: Person) -> None:
    """Returns when the worker has gone by all lanes: a delivery made just now has come to a receiver of its own."""
    async with Receiver() as receiver:
        await one_due(person, receiver.url)
        await receiver.wait_for(1)


def event_of(delivery: dict[str, Any]) -> dict[str, Any]:
    event = json.loads(delivery["payload"])
    assert isinstance(event, dict)
    return event
