"""Three people everybody knows: the owner, the partner on the shared channel, the stranger who must see nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import md5
from typing import Any
from uuid import UUID

import httpx
import msgspec

from leadrail.core.actor import Scope
from leadrail.core.channels.commands import NewChannel, NewProperty, NewStatus, create_channel
from leadrail.core.channels.model import Channel, Member, Role
from leadrail.core.companies.commands import NewKey, bootstrap, create_key, create_user, edit_user, till_secret
from leadrail.core.companies.model import User, UserRole, UserState
from leadrail.core.core import Core
from leadrail.core.leads.commands import CreateLead
from leadrail.core.leads.model import Lead
from leadrail.core.rewards.commands import NewTrigger, add_trigger
from leadrail.core.rewards.model import Trigger
from leadrail.core.webhooks.commands import NewEndpoint, add_endpoint
from leadrail.core.webhooks.model import Endpoint
from leadrail.kit.ids import new_id

# An id of the right shape that nothing has; the same in every process, as the names of tests must be.
NOBODYS = "0199ffff-ffff-7fff-bfff-ffffffffffff"


@dataclass(frozen=True)
class Keys:
    """The keys of one company: one that may do everything, and those that open nothing, or not that.

    Each is what its caller sends: a bearer key, or `till:secret` of a Basic login.
    """

    good: str
    read_only: str
    write_only: str
    bound: str
    revoked: str
    expired: str
    disabled: str
    unknown: str

    def without(self, scope: Scope | None) -> tuple[str, ...]:
        """Those that are in force and lack this scope alone, or with it."""
        only = {Scope.READ: self.read_only, Scope.WRITE: self.write_only}
        return tuple(key for held, key in only.items() if held is not scope)


@dataclass
class Person:
    """The owner of one company with an API key of every scope, and an HTTP client that sends it."""

    core: Core
    company_id: UUID
    user_id: UUID
    key: str
    http: httpx.AsyncClient

    async def channel(self, **wanted: Any) -> Channel:
        """A new channel; `template`, `statuses`, `properties`, `members` as in NewChannel."""
        new = NewChannel(**({"title": "Inbound"} | wanted))
        async with self.core.database.transaction() as connection:
            id = await create_channel(connection, self.company_id, new)
            return (await self.core.setups.uncached(connection, [id]))[id].channel

    async def channel_now(self, channel_id: UUID) -> Channel:
        async with self.core.database.connection() as connection:
            return (await self.core.setups.uncached(connection, [channel_id]))[channel_id].channel

    async def trigger(self, channel: Channel, **wanted: Any) -> Trigger:
        async with self.core.database.transaction() as connection:
            return await add_trigger(connection, channel, msgspec.convert(wanted, NewTrigger))

    async def endpoint(self, url: str, **wanted: Any) -> Endpoint:
        """A webhook endpoint of this company."""
        async with self.core.database.transaction() as connection:
            new = NewEndpoint(url=url, **wanted)
            allow, now = self.core.webhook_allow, self.core.clock()
            return await add_endpoint(connection, self.company_id, new, allow, now)

    async def another_key(self, **wanted: Any) -> str:
        """A further key of the company, e.g. `scopes=(Scope.READ,)`, `default_channel=…`."""
        new = NewKey(**({"name": "another"} | wanted))
        async with self.core.database.transaction() as connection:
            _, token = await create_key(connection, self.company_id, new, self.core.clock())
        return token or ""

    async def user(self, role: UserRole = UserRole.MEMBER, state: UserState = UserState.ACTIVE) -> User:
        """A further user of the company."""
        async with self.core.database.transaction() as connection:
            email = f"{new_id()}@example.com"
            made = await create_user(connection, self.company_id, email, role, None, self.core.clock())
            return await edit_user(connection, self.company_id, made.id, {"state": state})

    async def till(self, **wanted: Any) -> str:
        """A further Basic login of the company, as its header says it: the till's name and its secret."""
        till, password = f"till.{new_id()}", "server123"
        await self.another_key(**({"till": till, "password": password} | wanted))
        return f"{till}:{till_secret(password)}"

    async def keys(self, channel: Channel, elsewhere: Channel, *, as_tills: bool = False) -> Keys:
        """Keys for `channel`, their default; `bound` is bound to the channel `elsewhere`, `disabled` is a leaver's."""
        make, all_scopes = self.till if as_tills else self.another_key, tuple(Scope)
        leaver = await self.user()
        keys = Keys(
            good=await make(scopes=all_scopes, default_channel=channel.id),
            read_only=await make(scopes=(Scope.READ,), default_channel=channel.id),
            write_only=await make(scopes=(Scope.WRITE,), default_channel=channel.id),
            bound=await make(scopes=all_scopes, channel_ids=(elsewhere.id,), default_channel=elsewhere.id),
            revoked=await make(name="revoked", scopes=all_scopes),
            expired=await make(name="expired", scopes=all_scopes),
            disabled=await make(scopes=all_scopes, user_id=leaver.id),
            unknown="nobody:has this" if as_tills else "lr_unknown",
        )
        for name, column in (("revoked", "revoked_at"), ("expired", "expires_at")):
            ended = f"UPDATE api_keys SET {column} = now() - interval '1 second' WHERE company_id = $1 AND name = $2"
            await self.rows(f"{ended} RETURNING id", self.company_id, name)
        async with self.core.database.transaction() as connection:
            await edit_user(connection, self.company_id, leaver.id, {"state": UserState.DISABLED})
        return keys

    async def lead(self, channel: Channel, properties: dict[str, Any] | None = None, **fields: Any) -> Lead:
        """A new lead, made by the engine; fields such as `email` by name."""
        actor = await self.core.doors.admit_key(self.key, "api")
        command = CreateLead(
            actor=actor, channel_id=channel.id, lead_id=new_id(), fields=fields, properties=properties or {}
        )
        done = await self.core.engine.execute_one(command)
        return done.lead  # type: ignore[union-attr]  # no idempotency key, so never an Answer

    async def rows(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows straight from the database, to assert what was written and what was not."""
        async with self.core.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *parameters)]

    async def count(self, table: str) -> int:
        """The rows of this company in a table."""
        rows = await self.rows(f"SELECT count(*) AS n FROM {table} WHERE company_id = $1", self.company_id)
        return int(rows[0]["n"])

    async def counts(self) -> dict[str, int]:
        """Everything that a write could have left behind, to compare before and after."""
        return {table: await self.count(table) for table in ("leads", "events", "deliveries", "rewards")}

    async def every_row(self, *, but: tuple[str, ...] = ("last_used_at", "config_version")) -> dict[str, list[str]]:
        """The company and its rows in every table: equal before and after what has written nothing.

        Left out are when a key was last used, and that a channel's configuration is to be read anew.
        """
        tables = [(row["name"], "company_id") for row in await self.rows(_TABLES)]
        parts = [_ROWS.format(name=name, column=column) for name, column in (*tables, ("companies", "id"))]
        found: dict[str, list[str]] = {}
        for row in await self.rows(" UNION ALL ".join(parts), self.company_id, list(but)):
            found.setdefault(row["name"], []).append(row["row"])
        return {name: sorted(rows) for name, rows in found.items()}

    async def digests(self) -> dict[str, str]:
        """What `every_row` finds, short enough to be shown where it differs."""
        rows = await self.every_row()
        return {name: md5("\n".join(texts).encode()).hexdigest() for name, texts in rows.items()}


# From the catalogue itself: what information_schema puts on top of it takes longer than all the rows.
_TABLES = """SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND a.attname = 'company_id' ORDER BY 1"""
# Short, so that the driver keeps the whole statement prepared: planning it is most of its time.
_ROWS = "SELECT '{name}' name, (to_jsonb(t) - $2::text[])::text row FROM {name} t WHERE {column} = $1"


@dataclass
class People:
    owner: Person
    partner: Person
    stranger: Person

    async def shared_channel(self, **wanted: Any) -> Channel:
        """A channel of the owner in which the partner is a member."""
        return await self.owner.channel(**wanted, members=(Member(self.partner.company_id, Role.REFERRING),))


@asynccontextmanager
async def three_people(core: Core, url: str) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        people = [await _person(core, url, stack, name) for name in ("owner", "partner", "stranger")]
        yield People(*people)


async def _person(core: Core, url: str, stack: AsyncExitStack, name: str) -> Person:
    async with core.database.transaction() as connection:
        made = await bootstrap(connection, f"{name} {new_id()}", f"{name}@example.com", core.clock())
    client = httpx.AsyncClient(
        base_url=url, headers={"X-API-Key": made.api_key}, timeout=30, trust_env=False, verify=False
    )
    return Person(core, made.company_id, made.user_id, made.api_key, await stack.enter_async_context(client))


__all__ = ["Keys", "NewProperty", "NewStatus", "People", "Person", "three_people"]
