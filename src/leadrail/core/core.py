"""The product as one value: what every face and the worker are handed."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from leadrail.core.companies.doors import Doors
from leadrail.core.engine import Engine
from leadrail.core.erasure import Eraser
from leadrail.core.events.tail import Tail
from leadrail.core.queries import Reader
from leadrail.core.setup import Setups
from leadrail.db.database import Database
from leadrail.kit.clock import Clock, now


class Core:
    """Everything that serves a request.

    `webhook_allow` lists private networks that webhooks may reach all the same; `payloads_kept_for` is how long what
    was sent can be seen and replayed. `erasers` are what faces do about an erased person in tables of their own.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock = now,
        webhook_allow: Sequence[IPv4Network | IPv6Network] = (),
        payloads_kept_for: timedelta = timedelta(days=30),
        on_due: Callable[[], None] = lambda: None,
        erasers: Sequence[Eraser] = (),
    ) -> None:
        self.database, self.clock, self.webhook_allow, self.on_due = database, clock, webhook_allow, on_due
        self.payloads_kept_for = payloads_kept_for
        self.replaying = asyncio.Lock()
        self.setups = Setups()
        self.reader = Reader(self.setups)
        self.doors = Doors(database, clock)
        self.tail = Tail(database)
        self.engine = Engine(database, self.setups, clock, on_due, erasers, self.tail.pulse)

    async def close(self) -> None:
        self.tail.stop()
        await self.engine.close()
        await self.database.close()
