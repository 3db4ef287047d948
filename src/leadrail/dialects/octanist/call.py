"""What a handler is given."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.companies import store as companies
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection
from leadrail.kit.http import Request


class Call(msgspec.Struct, frozen=True):
    """An admitted request."""

    core: Core
    actor: Actor
    request: Request

    @property
    def now(self) -> datetime:
        return self.core.clock()

    def demand_whole_company(self) -> None:
        """Raises Refused (`forbidden`) for a key of some channels only: what belongs to none is not its to change."""
        if self.actor.channel_ids:
            raise refuse(Code.FORBIDDEN, "This API key is bound to its channels; this takes one that is not")

    async def zone(self, connection: Connection) -> ZoneInfo:
        """Where a day of this caller begins: its key's zone, else its company's."""
        if self.actor.time_zone is not None:
            return ZoneInfo(self.actor.time_zone)
        return ZoneInfo((await companies.company(connection, self.actor.company_id)).time_zone)
