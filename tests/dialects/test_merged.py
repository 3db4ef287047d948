"""Every call of every dialect on a lead that was merged: the lead that stands for it is meant."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Category
from leadrail.core.core import Core
from leadrail.core.leads.commands import MergeLeads
from leadrail.kit.ids import new_id
from tests.dialects.conformance import Dialect, Row, dialects
from tests.dialects.scene import Scene
from tests.people import People, three_people

ROWS = [(dialect, row) for dialect in dialects() for row in dialect.rows if row.status < 500 and not row.is_of_channel]
each_row = pytest.mark.parametrize(("dialect", "row"), ROWS, ids=[f"{dialect} {row}" for dialect, row in ROWS])
each_dialect = pytest.mark.parametrize("dialect", dialects(), ids=repr)


@pytest.fixture
async def people(core: Core, server_url: str) -> AsyncIterator[People]:
    async with three_people(core, server_url) as people:
        yield people


@pytest.fixture
async def client(server_url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Forwarded-For": f"10.8.{new_id().int % 256}.{new_id().int // 256 % 256}"}
    async with httpx.AsyncClient(
        base_url=server_url, headers=headers, timeout=30, trust_env=False, verify=False
    ) as client:
        yield client


async def merged_scenes(dialect: Dialect, people: People) -> tuple[Scene, Scene]:
    """One with a lead that was merged, and one with the lead that stands for it."""
    gone = await Scene.made(people, dialect.template, as_tills=dialect.as_tills)
    stays = await gone.another()
    actor = await people.owner.core.doors.admit_key(people.owner.key, "api")
    merge = MergeLeads(actor=actor, lead_id=stays.lead.id, lead_ids=(gone.lead.id,), merge_id=new_id())
    await people.owner.core.engine.execute_one(merge)
    return gone, stays


def said(answer: httpx.Response) -> Any:
    """But for what one vendor adds of the call itself."""
    body = answer.json()
    return {name: body[name] for name in body if name != "meta"} if isinstance(body, dict) else body


async def row_of(scene: Scene) -> Any:
    (row,) = await scene.people.owner.rows("SELECT * FROM leads WHERE id = $1", scene.lead.id)
    return row


@each_dialect
async def test_the_old_id_reads_the_lead_that_stands_for_it(
    dialect: Dialect, people: People, client: httpx.AsyncClient
) -> None:
    gone, stays = await merged_scenes(dialect, people)

    answer = await dialect.call(client, dialect.read(gone), gone.keys.good)
    same = await dialect.call(client, dialect.read(stays), gone.keys.good)

    assert (answer.status_code, same.status_code) == (200, 200), answer.text
    assert said(answer) == said(same)


@each_dialect
async def test_the_old_id_moves_the_lead_that_stands_for_it(
    dialect: Dialect, people: People, client: httpx.AsyncClient
) -> None:
    gone, stays = await merged_scenes(dialect, people)
    before = await row_of(gone)

    answer = await dialect.call(client, dialect.move(gone, Category.WON), gone.keys.good)

    assert answer.status_code == 200, answer.text
    won = gone.channel.first_of(Category.WON)
    assert won is not None
    assert (await row_of(stays))["status_id"] == won.id
    assert await row_of(gone) == before


@each_row
async def test_the_lead_that_was_merged_stays_as_it_is(
    dialect: Dialect, row: Row, people: People, client: httpx.AsyncClient
) -> None:
    gone, _ = await merged_scenes(dialect, people)
    before = await row_of(gone)

    answer = await dialect.call(client, row.sent(gone), None if row.is_keyless else gone.keys.good)

    assert answer.status_code < 500, answer.text
    assert await row_of(gone) == before
