"""A server that was small when the database looked at it last, and grows."""

from urllib.parse import urlsplit

import asyncpg

from leadrail.core.channels.model import StatusRef
from leadrail.core.core import Core
from leadrail.core.leads.commands import ChangeStatus
from leadrail.db.database import Database
from leadrail.db.migrate import migrate
from tests.people import three_people

READ = "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname IN ('leads', 'lead_keys', 'events')"


async def test_no_write_goes_through_a_table_for_which_it_was_planned_when_it_was_small(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE DATABASE growing")
    await connection.close()
    url = urlsplit(database_url)._replace(path="/growing").geturl()
    await migrate(url)
    core = Core(await Database.open(url))
    async with three_people(core, "http://nobody-listens.invalid") as people:
        channel = await people.owner.channel()
        leads = [await people.owner.lead(channel, email=f"{n}@example.com") for n in range(5)]
        for table in ("leads", "lead_keys", "events"):
            await people.owner.rows(f"ANALYZE {table}")
        for n in range(10):
            await people.owner.lead(channel, email=f"{n}@example.org")
        actor = await core.doors.admit_key(people.owner.key, "api")
        won = StatusRef(name="Won")
        await core.engine.execute([ChangeStatus(actor=actor, lead_id=lead.id, status=won) for lead in leads])
    await core.close()  # what a session read is known when it ends

    connection = await asyncpg.connect(url)
    read = await connection.fetchval(READ)
    await connection.close()
    assert read == 0
