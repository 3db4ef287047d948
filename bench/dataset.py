"""The data that every contender works on: 100 companies, 100,000 leads, one endpoint in each company."""

import asyncio
import hashlib
from uuid import UUID

import asyncpg

COMPANIES = 100
LEADS = 100_000
STATUSES = ("New", "Qualified", "Won", "Lost")

# Ids that SQL, Lua and Python can all compute from a number.
_PREFIX = {"company": 0xC0, "channel": 0xCA, "status": 0x57, "endpoint": 0xE0, "lead": 0x1E, "key": 0xAE}


def id_of(kind: str, number: int) -> UUID:
    return UUID(f"000000{_PREFIX[kind]:02x}-0000-7000-8000-{number:012x}")


def sql_id(kind: str, expression: str) -> str:
    """The same id in SQL."""
    return f"('000000{_PREFIX[kind]:02x}-0000-7000-8000-' || lpad(to_hex(({expression})::bigint), 12, '0'))::uuid"


def api_key(company: int) -> str:
    return f"lr_bench_{company}"


async def fill(url: str) -> None:
    """Loads the data set into a migrated database."""
    connection = await asyncpg.connect(url)
    try:
        for statement in _statements():
            await connection.execute(statement)
        digests = [(id_of("company", n), hashlib.sha256(api_key(n).encode()).digest(), n) for n in range(COMPANIES)]
        await connection.executemany(
            """INSERT INTO api_keys (company_id, id, name, digest, scopes)
            VALUES ($1, gen_random_uuid(), 'bench ' || $3::int, $2, '{read,write}')""",
            digests,
        )
    finally:
        await connection.close()
    await settle(url)


def _statements() -> list[str]:
    companies = f"generate_series(0, {COMPANIES - 1}) AS n"
    categories = ("open", "qualified", "won", "lost")
    rows = ", ".join(
        f"({place}, '{name}', '{category}')"
        for place, (name, category) in enumerate(zip(STATUSES, categories, strict=True))
    )
    company, channel = sql_id("company", "n"), sql_id("channel", "n")
    lead_company, lead_channel = sql_id("company", f"n % {COMPANIES}"), sql_id("channel", f"n % {COMPANIES}")
    return [
        f"INSERT INTO companies (id, name) SELECT {company}, 'bench ' || n FROM {companies}",
        "INSERT INTO event_counters (company_id) SELECT id FROM companies",
        f"""INSERT INTO channels (company_id, id, public_id, title, currency, template)
            SELECT {company}, {channel}, gen_random_uuid(), 'Bench', 'EUR', 'sales' FROM {companies}""",
        f"""INSERT INTO statuses (company_id, channel_id, id, name, category, position, color)
            SELECT {company}, {channel}, {sql_id("status", "n * 4 + s.place")}, s.name, s.category, s.place, '#3B82F6'
            FROM {companies}, (VALUES {rows}) AS s(place, name, category)""",
        f"""INSERT INTO endpoints (company_id, id, url, events, format, secret)
            SELECT {company}, {sql_id("endpoint", "n")}, 'http://127.0.0.1:9/', '{{}}', 'native',
                'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
            FROM {companies}""",
        f"""INSERT INTO leads (company_id, id, number, channel_id, status_id, email, phone, first_name, last_name,
                company_name, source, currency, status_changed_at, created_at, updated_at, version)
            SELECT {lead_company}, {sql_id("lead", "n")}, nextval('lead_numbers'), {lead_channel},
                {sql_id("status", f"(n % {COMPANIES}) * 4")}, 'lead' || n || '@example.com',
                '+1415' || lpad(n::text, 7, '0'),
                'First' || n, 'Last' || n, 'Company ' || n, 'website', 'EUR', now(), now(), now(), 1
            FROM generate_series(0, {LEADS - 1}) AS n""",
        """INSERT INTO lead_keys (company_id, kind, key, lead_id)
            SELECT company_id, 'email', email, id FROM leads""",
        """INSERT INTO lead_keys (company_id, kind, key, lead_id)
            SELECT company_id, 'phone', phone, id FROM leads""",
    ]


async def clear(url: str) -> None:
    """Takes away what is due, so that a worker finds nothing to do."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("TRUNCATE deliveries CASCADE")
    finally:
        await connection.close()
    await settle(url)


async def settle(url: str) -> None:
    """Brings the server to rest, so that no contender pays for what the one before left behind."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM (ANALYZE) leads, events, deliveries, lead_keys, event_counters")
    finally:
        await connection.close()
    await checkpoint(url)


async def checkpoint(url: str) -> None:
    """A checkpoint needs the superuser, whom the embedded server lets in by the same socket."""
    connection = await asyncpg.connect(url.replace("//leadrail@/", "//postgres@/"))
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    await asyncio.sleep(0.5)
