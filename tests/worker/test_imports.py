"""Imports that the worker brings in side by side."""

import asyncio

from leadrail.core.core import Core
from leadrail.core.imports import store
from leadrail.core.imports.model import Import, ImportState
from leadrail.worker.periodic import run_periodic
from tests.imports.stage import begun, draft
from tests.people import People, Person
from tests.worker.stage import until

BODY = b"email\na@example.com\nb@example.com\n"


async def test_nobody_waits_for_an_import_that_takes_long(core: Core, people: People) -> None:
    owner, partner = people.owner, people.partner
    busy = await owner.channel()
    long = await begun(owner, await draft(owner, busy, BODY))
    of_another = await begun(partner, await draft(partner, await partner.channel(), BODY))
    beside = await begun(owner, await draft(owner, await owner.channel(), BODY))
    third = await begun(owner, await draft(owner, await owner.channel(), BODY))

    async with core.database.connection() as connection:
        held = connection.transaction()
        await held.start()
        await store.lock_channel(connection, busy.id)  # the first one cannot go on
        periodic = asyncio.create_task(run_periodic(core, every_s=0.01))
        try:
            await until(lambda: _is_done(partner, of_another))
            await until(lambda: _is_done(owner, beside))
            await until(lambda: _is_done(owner, third))
            assert not await _is_done(owner, long)
            await held.rollback()
            await until(lambda: _is_done(owner, long))
        finally:
            periodic.cancel()
            await asyncio.gather(periodic, return_exceptions=True)
    for person in (owner, partner):
        rows = await person.rows("SELECT email FROM leads WHERE company_id = $1", person.company_id)
        assert len(rows) == (6 if person is owner else 2)  # none was brought in twice


async def _is_done(person: Person, made: Import) -> bool:
    rows = await person.rows("SELECT state FROM imports WHERE company_id = $1 AND id = $2", made.company_id, made.id)
    return rows == [{"state": ImportState.DONE}]
