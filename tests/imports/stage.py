"""What the tests of imports share: a file brought in as the API's and the worker's code does it."""

import hashlib
import io
from typing import Any

from leadrail.core.channels.model import Channel
from leadrail.core.imports import commands, jobs, store
from leadrail.core.imports.commands import File, Wish
from leadrail.core.imports.model import Import, ImportState, Options, Refusal
from tests.people import Person


async def draft(person: Person, channel: Channel, body: bytes, *, again: bool = False, **options: Any) -> Import:
    """The import of a file, not begun; `options` as in Options, laid over what is found out."""
    actor = await person.core.doors.admit_key(person.key, "api")
    file = File("leads.csv", hashlib.sha256(body).digest(), len(body), io.BytesIO(body))
    made = commands.drafted(actor, channel, file, Wish(), person.core, stored=True)
    async with person.core.database.transaction() as connection:
        await commands.take_in(connection, made, file.body, again=again)
        if options:
            chosen = Options(**{name: getattr(made.options, name) for name in Options.__struct_fields__} | options)
            made = await commands.choose(connection, made, channel, chosen)
    return made


async def begun(person: Person, made: Import, state: ImportState = ImportState.RUNNING) -> Import:
    async with person.core.database.transaction() as connection:
        return await commands.begin(connection, person.core, made, state)


async def finished(person: Person, made: Import) -> Import:
    done = await jobs.run(person.core, made.company_id, made.id)
    assert done is not None
    return done


async def brought(person: Person, channel: Channel, body: bytes | str, **options: Any) -> Import:
    """The import of a file, done."""
    raw = body.encode() if isinstance(body, str) else body
    made = await begun(person, await draft(person, channel, raw, **options))
    done = await finished(person, made)
    assert done.state is ImportState.DONE, done.error
    return done


async def undone(person: Person, made: Import) -> Import:
    actor = await person.core.doors.admit_key(person.key, "api")
    async with person.core.database.transaction() as connection:
        await commands.begin_undo(connection, person.core, actor, made)
    return await finished(person, made)


async def refusals(person: Person, made: Import) -> list[Refusal]:
    async with person.core.database.connection() as connection:
        return await store.refusals(connection, made, 0, 1000)


async def leads(person: Person, channel: Channel) -> list[dict[str, Any]]:
    """The channel's leads as the API shows them, in the order in which they were made."""
    answer = await person.http.get("/v1/leads", params={"channel": str(channel.id), "limit": 200})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"][::-1])
