"""The large data set: leads by the million with their keys, history, deliveries and rewards, made inside PostgreSQL.

One company has half of everything, so that what grows with a single company's leads shows; the rest is spread over
many. Indexes and references are taken away while the rows go in and made again after: one pass over sorted rows
instead of a random page for each.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from bench.dataset import api_key, checkpoint, id_of, sql_id

COMPANIES = 100
CHANNELS = 4
STATUSES = (("New", "open"), ("Contacted", "open"), ("Qualified", "qualified"), ("Won", "won"), ("Lost", "lost"))
CHUNK = 500_000
# The largest first.
_TABLES = (
    "lead_words", "events", "leads", "lead_keys", "lead_finds", "lead_values", "deliveries", "attempts", "rewards",
    "follow_ups", "purchases", "notes",
)  # fmt: skip


@dataclass(frozen=True)
class _Definition:
    table: str
    name: str
    text: str


async def fill(url: str, leads: int) -> None:
    """Loads the set into a migrated, empty database, over two connections at a time."""
    first, second = await _connected(url), await _connected(url)
    try:
        for statement in _configuration():
            await first.execute(statement)
        digests = [(id_of("company", n), hashlib.sha256(api_key(n).encode()).digest()) for n in range(COMPANIES)]
        await first.executemany(
            """INSERT INTO api_keys (company_id, id, name, digest, scopes)
            VALUES ($1, gen_random_uuid(), 'bench', $2, '{read,write,admin}')""",
            digests,
        )
        indexes, keys, references = [await found(first) for found in (_indexes, _keys, _references)]
        for one in references + keys:
            await first.execute(f"ALTER TABLE {one.table} DROP CONSTRAINT {one.name}")
        for one in indexes:
            await first.execute(f"DROP INDEX {one.name}")
        for table in _TABLES:
            await first.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        ids = _ids()
        for start in range(0, leads, CHUNK):
            end = min(start + CHUNK, leads)
            await _share([[(statement, ids)] for statement in _rows(start, end)], first, second)
            await first.execute(_COUNTERS, *ids, start, end)
        await first.execute("SELECT setval('lead_numbers', $1)", leads)
        made = {table: [_added(one) for one in keys if one.table == table] for table in _TABLES}
        for one in indexes:
            made[one.table].append(one.text)
        await _share([[(statement, ()) for statement in statements] for statements in made.values()], first, second)
        for one in references:
            # Not checked again: what is above made them right. New rows are checked as ever.
            await first.execute(f"{_added(one)} NOT VALID")
        vacuum = [[(f"VACUUM (ANALYZE) {table}", ())] for table in (*_TABLES, "event_counters")]
        await _share(vacuum, first, second)
        for table in _TABLES:
            await first.execute(f"ALTER TABLE {table} RESET (autovacuum_enabled)")
    finally:
        await first.close()
        await second.close()
    await checkpoint(url)


async def _connected(url: str) -> Any:
    connection = await asyncpg.connect(url)
    for setting in ("work_mem = '512MB'", "maintenance_work_mem = '1GB'", "jit = off"):
        await connection.execute(f"SET {setting}")
    return connection


_Step = tuple[str, Sequence[Any]]


async def _share(work: Iterable[Sequence[_Step]], *connections: Any) -> None:
    """Does each list of statements in its order; the lists go to whichever connection is free."""
    waiting = iter(work)

    async def help_with(connection: Any) -> None:
        for steps in waiting:
            for statement, parameters in steps:
                await connection.execute(statement, *parameters)

    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(help_with(connection))


def _added(one: _Definition) -> str:
    return f"ALTER TABLE {one.table} ADD CONSTRAINT {one.name} {one.text}"


async def _indexes(connection: Any) -> list[_Definition]:
    rows = await connection.fetch(
        """SELECT tablename, indexname, indexdef FROM pg_indexes i
        WHERE schemaname = 'public' AND tablename = ANY($1)
            AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)""",
        _TABLES,
    )
    return [_Definition(*row) for row in rows]


async def _keys(connection: Any) -> list[_Definition]:
    return await _constraints(connection, "pu")


async def _references(connection: Any) -> list[_Definition]:
    return await _constraints(connection, "f")


async def _constraints(connection: Any, kinds: str) -> list[_Definition]:
    rows = await connection.fetch(
        """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE strpos($2, contype::text) > 0
            AND (conrelid::regclass::text = ANY($1) OR confrelid::regclass::text = ANY($1))""",
        _TABLES,
        kinds,
    )
    return [_Definition(*row) for row in rows]


def _configuration() -> Iterator[str]:
    companies, channels = f"generate_series(0, {COMPANIES - 1}) AS n", f"generate_series(0, {CHANNELS - 1}) AS c"
    company, channel = sql_id("company", "n"), sql_id("channel", f"n * {CHANNELS} + c")
    statuses = ", ".join(f"({place}, '{name}', '{category}')" for place, (name, category) in enumerate(STATUSES))
    yield f"INSERT INTO companies (id, name) SELECT {company}, 'bench ' || n FROM {companies}"
    yield "INSERT INTO event_counters (company_id) SELECT id FROM companies"
    yield f"""INSERT INTO channels (company_id, id, public_id, title, currency, template)
        SELECT {company}, {channel}, gen_random_uuid(), 'Bench ' || c, 'EUR', 'sales' FROM {companies}, {channels}"""
    yield f"""INSERT INTO statuses (company_id, channel_id, id, name, category, position, color)
        SELECT {company}, {channel}, {_status(f"n * {CHANNELS} + c", "s.place")}, s.name, s.category, s.place, '#3B82F6'
        FROM {companies}, {channels}, (VALUES {statuses}) AS s(place, name, category)"""
    yield f"""INSERT INTO properties (company_id, channel_id, id, name, type, position)
        SELECT {company}, {channel}, {channel}, 'Size', 'number', 0 FROM {companies}, {channels}"""
    yield f"""INSERT INTO endpoints (company_id, id, url, events, format, secret)
        SELECT {company}, {sql_id("endpoint", "n")}, 'http://127.0.0.1:9/', '{{lead.erased}}', 'native',
            'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' FROM {companies}"""
    yield f"""INSERT INTO reward_triggers (company_id, channel_id, id, cause, status_id, kind, amount)
        SELECT {company}, {channel}, {channel}, 'status_change', {_status(f"n * {CHANNELS} + c", "3")}, 'percent', 10
        FROM {companies}, {channels}"""


def _status(channel: str, place: str) -> str:
    return sql_id("status", f"({channel}) * {len(STATUSES)} + {place}")


# A lead's number n decides everything: its company, its channel, how far it came, when.
_COMPANY = f"CASE WHEN n % 2 = 0 THEN 0 ELSE n / 2 % {COMPANIES} END"
_CHANNEL = f"({_COMPANY}) * {CHANNELS} + n / 7 % {CHANNELS}"
# Six of ten are new; of the others some got further: 0 New, 1 Contacted, 2 Qualified, 3 Won, 4 Lost.
_PLACE = "(ARRAY[0,0,0,1,0,0,2,4,0,3])[n / 3 % 10 + 1]"
_VALUE = "(n % 900 + 100) * 10"
_MADE = "timestamptz '2026-11-01' - make_interval(secs => (n::bigint * 7919) % 63072000)"


def _ids() -> tuple[list[Any], ...]:
    """What the statements take as $1 to $4, since looking an id up costs a tenth of spelling it out."""
    channels = COMPANIES * CHANNELS
    counts = {"company": COMPANIES, "channel": channels, "status": channels * len(STATUSES), "endpoint": COMPANIES}
    return tuple([id_of(kind, n) for n in range(count)] for kind, count in counts.items())


def _status_of(channel: str, place: str) -> str:
    return f"($3::uuid[])[({channel}) * {len(STATUSES)} + {place} + 1]"


def _timed(time: str, number: str) -> str:
    """An id of version 7; uuidv7() itself asks the kernel for chance and takes ten microseconds."""
    moment = f"lpad(to_hex((extract(epoch FROM {time}) * 1000)::bigint), 12, '0')"
    return f"({moment} || '70008000' || lpad(to_hex(({number})::bigint), 12, '0'))::uuid"


# What core/leads/words.py makes of a lead.
_WORDS = """ARRAY[(n % 200003)::text, '1415' || lpad(n::text, 8, '0'), '415' || lpad(n::text, 8, '0'), 'company',
    'firm' || n % 5000 || '.example', 'first' || n % 9001, 'last' || n % 70001,
    'lead' || n || '@firm' || n % 5000 || '.example',
    CASE WHEN n % 4 = 0 THEN '=' || left(md5(channel_id || '=' || n % 1000), 16) END]"""


def _rows(start: int, end: int) -> Iterator[str]:
    """The statements for the leads from `start` to before `end`."""
    lead = f"""(SELECT n, ($1::uuid[])[company + 1] AS company_id, {sql_id("lead", "n")} AS id, company, channel,
        ($2::uuid[])[channel + 1] AS channel_id, {_PLACE} AS place, {_MADE} AS made,
        $3::uuid[] IS NOT NULL AND $4::uuid[] IS NOT NULL
        FROM (SELECT n, {_COMPANY} AS company, {_CHANNEL} AS channel FROM generate_series({start}, {end - 1}) AS n)
            AS g OFFSET 0) AS l"""
    yield f"""INSERT INTO leads (company_id, id, number, channel_id, status_id, email, phone, first_name, last_name,
            company_name, source, assignee, value, currency, properties, next_follow_up_at, status_changed_at,
            created_at, updated_at, version)
        SELECT company_id, id, n + 1, channel_id, {_status_of("channel", "place")}, 'lead' || n || '@firm' || n % 5000
            || '.example', '+1415' || lpad(n::text, 8, '0'), 'First' || n % 9001, 'Last' || n % 70001,
            'Company ' || n % 200003, (ARRAY['website','ads','partner','fair','import'])[n / 11 % 5 + 1],
            CASE WHEN n % 3 > 0 THEN 'agent' || n / 5 % 40 || '@example.com' END,
            CASE WHEN place > 1 THEN {_VALUE} END, 'EUR',
            CASE WHEN n % 4 = 0 THEN jsonb_build_object(channel_id, n % 1000) ELSE '{{}}' END,
            CASE WHEN n % 20 = 1 AND place < 3 THEN timestamptz '2027-06-01' + make_interval(secs => n % 9000000) END,
            made + interval '2 days', made, made + interval '3 days', 2 FROM {lead}"""
    yield f"""INSERT INTO lead_keys (company_id, kind, key, lead_id)
        SELECT company_id, kind, CASE kind WHEN 'email' THEN 'lead' || n || '@firm' || n % 5000 || '.example'
            ELSE '+1415' || lpad(n::text, 8, '0') END, id
        FROM {lead}, (VALUES ('email'), ('phone')) AS k(kind)"""
    yield f"""INSERT INTO lead_finds (company_id, number, created_at, assignee, source, words)
        SELECT company_id, n + 1, made, CASE WHEN n % 3 > 0 THEN 'agent' || n / 5 % 40 || '@example.com' END,
            (ARRAY['website','ads','partner','fair','import'])[n / 11 % 5 + 1],
            ' ' || array_to_string(array_remove({_WORDS}, NULL), ' ') FROM {lead}"""
    yield f"""INSERT INTO lead_values (company_id, value, number)
        SELECT company_id, {_VALUE}, n + 1 FROM {lead} WHERE place > 1"""
    yield f"""INSERT INTO lead_words (company_id, word, number)
        SELECT company_id, word, n + 1 FROM {lead}, unnest({_WORDS}) AS word WHERE word IS NOT NULL"""
    # Every lead came and was edited twice; those that moved moved, the closed ones two times.
    yield f"""WITH placed AS (
            SELECT company_id, last_seq AS last FROM event_counters
        ), numbered AS (
            SELECT l.*, sum(3 + (place > 0)::int + (place > 2)::int) OVER (PARTITION BY company ORDER BY n) AS upto
            FROM {lead}
        )
        INSERT INTO events (company_id, seq, id, type, lead_id, channel_id, from_status_id, to_status_id, occurred_at,
            recorded_at, actor_kind, face, notice, data)
        SELECT h.company_id, p.last + upto - (place > 0)::int - (place > 2)::int - 2 + step,
            {_timed("made", "n * 8 + step")}, (ARRAY['lead.created',
                'lead.updated', 'lead.updated', 'lead.status_changed', 'lead.status_changed'])[step + 1], id,
            channel_id,
            CASE step WHEN 3 THEN {_status_of("channel", "0")} WHEN 4 THEN {_status_of("channel", "2")} END,
            CASE step WHEN 0 THEN {_status_of("channel", "0")} WHEN 4 THEN {_status_of("channel", "place")}
                WHEN 3 THEN {_status_of("channel", "least(place, 2)")} END,
            made + step * interval '12 hours', made + step * interval '12 hours', 'api_key', 'api', step IN (0, 3, 4),
            CASE WHEN step > 2 THEN '{{"reason": null, "changed": {{}}, "seconds_in_previous": 43200}}'
                ELSE '{{"changed": {{}}}}' END::json
        FROM numbered h JOIN placed p USING (company_id)
        CROSS JOIN LATERAL generate_series(0, 2 + (place > 0)::int + (place > 2)::int) AS step"""
    yield f"""INSERT INTO deliveries (company_id, id, event_seq, event_id, event_type, lead_id, endpoint_company_id,
            endpoint_id, state, due_at, attempts, last_outcome, created_at, finished_at)
        SELECT company_id, {_timed("made", "n")}, n, {_timed("made", "n * 8")}, 'lead.created', id, company_id,
            ($4::uuid[])[company + 1], 'delivered', made, 1, 'ok', made, made FROM {lead} WHERE n % 5 = 0"""
    yield f"""INSERT INTO rewards (company_id, id, lead_id, channel_id, trigger_id, earner_company_id, payer_company_id,
            once, amount, currency, state, created_at)
        SELECT company_id, {_timed("made", "n")}, id, channel_id, channel_id, company_id, company_id, true,
            n % 90 + 10, 'EUR', (ARRAY['pending','approved','paid','rejected'])[n % 4 + 1], made + interval '2 days'
        FROM {lead} WHERE place = 3"""


# The numbers that a chunk used: no index tells the last one yet.
_COUNTERS = f"""UPDATE event_counters c SET last_seq = last_seq + used.events
FROM (
    SELECT ($1::uuid[])[({_COMPANY}) + 1] AS company_id,
        sum(3 + ({_PLACE} > 0)::int + ({_PLACE} > 2)::int) AS events
    FROM generate_series($5::int, $6::int - 1) AS n GROUP BY 1
) AS used WHERE used.company_id = c.company_id AND $2::uuid[] IS NOT NULL AND $3::uuid[] IS NOT NULL
    AND $4::uuid[] IS NOT NULL"""
