"""The SQL of companies, users and keys."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from leadrail.core.actor import Scope
from leadrail.core.companies.model import ApiKey, Company, Credential, User, UserRole, UserState
from leadrail.db.database import Connection

_COMPANY = "id, name, country, time_zone, created_at"


async def insert_company(connection: Connection, company: Company) -> bool:
    """Adds a company and its event counter; answers whether the name was free."""
    added = await connection.execute(
        f"INSERT INTO companies ({_COMPANY}) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING",
        company.id,
        company.name,
        company.country,
        company.time_zone,
        company.created_at,
    )
    if added != "INSERT 0 1":
        return False
    await connection.execute("INSERT INTO event_counters (company_id) VALUES ($1)", company.id)
    return True


async def company(connection: Connection, company_id: UUID) -> Company:
    return Company(*await connection.fetchrow(f"SELECT {_COMPANY} FROM companies WHERE id = $1", company_id))


async def company_named(connection: Connection, name: str) -> Company | None:
    row = await connection.fetchrow(f"SELECT {_COMPANY} FROM companies WHERE name = $1", name)
    return Company(*row) if row else None


async def update_company(connection: Connection, company: Company) -> None:
    await connection.execute(
        "UPDATE companies SET name = $2, country = $3, time_zone = $4 WHERE id = $1",
        company.id,
        company.name,
        company.country,
        company.time_zone,
    )


_USER = "id, email, name, role, state, created_at"


def _user(row: Any) -> User:
    id, email, name, role, state, created_at = row
    return User(id, email, name, UserRole(role), UserState(state), created_at)


async def insert_user(connection: Connection, company_id: UUID, user: User) -> bool:
    """Adds a user, who has read all notices that there are by now; answers whether the address was free."""
    added = await connection.execute(
        f"""INSERT INTO users (company_id, {_USER}, notices_read_to)
        SELECT $1, $2, $3, $4, $5, $6, $7, last_seq FROM event_counters WHERE company_id = $1
        ON CONFLICT (company_id, lower(email)) DO NOTHING""",
        company_id,
        user.id,
        user.email,
        user.name,
        user.role,
        user.state,
        user.created_at,
    )
    return bool(added == "INSERT 0 1")


async def user(connection: Connection, company_id: UUID, user_id: UUID) -> User | None:
    row = await connection.fetchrow(f"SELECT {_USER} FROM users WHERE company_id = $1 AND id = $2", company_id, user_id)
    return _user(row) if row else None


async def user_called(connection: Connection, company_id: UUID, email: str) -> User | None:
    statement = f"SELECT {_USER} FROM users WHERE company_id = $1 AND lower(email) = lower($2)"
    row = await connection.fetchrow(statement, company_id, email)
    return _user(row) if row else None


async def users(connection: Connection, company_id: UUID, *, after: UUID | None, limit: int) -> list[User]:
    """The company's users in the order in which they were made, disabled ones too."""
    statement = f"""
        SELECT {_USER} FROM users WHERE company_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3
    """
    return [_user(row) for row in await connection.fetch(statement, company_id, after, limit)]


async def lock_users(connection: Connection, company_id: UUID) -> None:
    """Lets one transaction at a time change users of the company; the next sees what the one before did."""
    await connection.execute("SELECT 1 FROM companies WHERE id = $1 FOR NO KEY UPDATE", company_id)


async def has_other_owner(connection: Connection, company_id: UUID, user_id: UUID) -> bool:
    """Whether an active owner beside this user is there."""
    statement = """
        SELECT 1 FROM users WHERE company_id = $1 AND role = 'owner' AND state = 'active' AND id <> $2 LIMIT 1
    """
    return await connection.fetchval(statement, company_id, user_id) is not None


async def update_user(connection: Connection, company_id: UUID, user: User) -> None:
    await connection.execute(
        "UPDATE users SET name = $3, role = $4, state = $5 WHERE company_id = $1 AND id = $2",
        company_id,
        user.id,
        user.name,
        user.role,
        user.state,
    )


_KEY = (
    "k.id, k.name, k.scopes, k.channel_ids, k.default_channel, k.till, k.expires_at, k.revoked_at, k.last_used_at,"
    " k.created_at, k.time_zone, k.user_id"
)


def _key(row: Any) -> ApiKey:
    id, name, scopes, channel_ids, *rest = row
    return ApiKey(id, name, tuple(Scope(scope) for scope in scopes), tuple(channel_ids), *rest)


async def insert_key(
    connection: Connection, company_id: UUID, key: ApiKey, digest: bytes | None, till_password: str | None
) -> None:
    await connection.execute(
        """INSERT INTO api_keys (company_id, id, name, digest, till, till_password, scopes, channel_ids,
            default_channel, created_at, expires_at, time_zone, user_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        company_id,
        key.id,
        key.name,
        digest,
        key.till,
        till_password,
        list(key.scopes),
        list(key.channel_ids),
        key.default_channel,
        key.created_at,
        key.expires_at,
        key.time_zone,
        key.user_id,
    )


async def keys(connection: Connection, company_id: UUID, *, after: UUID | None, limit: int) -> list[ApiKey]:
    """The company's keys, oldest first, revoked ones too."""
    statement = f"""
        SELECT {_KEY} FROM api_keys k
        WHERE k.company_id = $1 AND ($2::uuid IS NULL OR k.id > $2) ORDER BY k.id LIMIT $3
    """
    return [_key(row) for row in await connection.fetch(statement, company_id, after, limit)]


async def revoke_key(connection: Connection, company_id: UUID, key_id: UUID) -> bool:
    statement = "UPDATE api_keys SET revoked_at = now() WHERE company_id = $1 AND id = $2 AND revoked_at IS NULL"
    return bool(await connection.execute(statement, company_id, key_id) == "UPDATE 1")


async def till_taken(connection: Connection, till: str) -> bool:
    return await connection.fetchval("SELECT 1 FROM api_keys WHERE till = $1", till) is not None


_CREDENTIAL = f"""
SELECT {_KEY}, k.company_id, k.till_password, k.till_number, k.digest, ARRAY(
    SELECT DISTINCT m.company_id FROM channel_members m
    WHERE m.member_company_id = k.company_id AND m.company_id <> k.company_id), coalesce(u.state = 'disabled', false)
FROM api_keys k LEFT JOIN users u ON u.company_id = k.company_id AND u.id = k.user_id
"""


def _credential(row: Any) -> Credential | None:
    if row is None:
        return None
    *key, company_id, till_password, till_number, digest, shared_by, is_disabled = row
    return Credential(_key(key), company_id, till_password, till_number, tuple(shared_by), digest, is_disabled)


async def credential_of_key(connection: Connection, digest: bytes) -> Credential | None:
    return _credential(await connection.fetchrow(f"{_CREDENTIAL} WHERE k.digest = $1", digest))


async def credential_of_till(connection: Connection, till: str) -> Credential | None:
    return _credential(await connection.fetchrow(f"{_CREDENTIAL} WHERE k.till = $1", till))


async def credential_with_id(connection: Connection, key_id: UUID) -> Credential | None:
    return _credential(await connection.fetchrow(f"{_CREDENTIAL} WHERE k.id = $1", key_id))


async def key_numbers(connection: Connection, company_ids: Sequence[UUID], ids: Sequence[UUID]) -> dict[UUID, int]:
    """The numbers of these keys, for a face that names who acted by a number."""
    statement = "SELECT id, till_number FROM api_keys WHERE company_id = ANY($1) AND id = ANY($2)"
    return dict(map(tuple, await connection.fetch(statement, list(company_ids), list(ids))))


async def touch_key(connection: Connection, company_id: UUID, key_id: UUID) -> None:
    """Notes that a key was used, at most once a minute."""
    await connection.execute(
        """UPDATE api_keys SET last_used_at = now()
        WHERE company_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')""",
        company_id,
        key_id,
    )
