"""Every call of every dialect on a lead that was erased: it is answered, and the lead stays as it is."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Category
from leadrail.core.core import Core
from leadrail.core.leads.commands import EraseLead
from leadrail.kit.ids import new_id
from tests.dialects.conformance import Dialect, Row, dialects
from tests.dialects.scene import Scene
from tests.people import People, three_people

ROWS = [(dialect, row) for dialect in dialects() for row in dialect.rows if row.status < 500 and not row.is_of_channel]
each_row = pytest.mark.parametrize(("dialect", "row"), ROWS, ids=[f"{dialect} {row}" for dialect, row in ROWS])


TOLD = {
    "follow-ups": {"done_at": "2026-01-05T12:00:00Z", "done_by": "quill.keeper", "notes": "Zelda was out"},
    "purchases": {"name": "Zelda's quill", "amount": "10"},
    "notes": {"text": "Zelda again"},
}


@pytest.fixture
async def people(core: Core, server_url: str) -> AsyncIterator[People]:
    async with three_people(core, server_url) as people:
        yield people


@pytest.fixture
async def client(server_url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Forwarded-For": f"10.9.{new_id().int % 256}.{new_id().int // 256 % 256}"}
    async with httpx.AsyncClient(
        base_url=server_url, headers=headers, timeout=30, trust_env=False, verify=False
    ) as client:
        yield client


async def erased_scene(dialect: Dialect, people: People, client: httpx.AsyncClient) -> Scene:
    """With a lead that had moved, was called and bought something before it was erased."""
    scene = await Scene.made(people, dialect.template, as_tills=dialect.as_tills)
    moved = await dialect.call(client, dialect.move(scene, Category.WON), scene.keys.good)
    told = [await people.owner.http.post(f"/v1/leads/{scene.lead.id}/{what}", json=body) for what, body in TOLD.items()]
    assert {answer.status_code for answer in (moved, *told)} <= {200, 201}
    actor = await people.owner.core.doors.admit_key(people.owner.key, "api")
    await people.owner.core.engine.execute_one(EraseLead(actor=actor, lead_id=scene.lead.id))
    return scene


async def what_is_known(scene: Scene) -> Any:
    """The lead and its events."""
    owner = scene.people.owner
    key = (owner.company_id, scene.lead.id)
    lead = await owner.rows("SELECT * FROM leads WHERE company_id = $1 AND id = $2", *key)
    return lead, await owner.rows("SELECT * FROM events WHERE company_id = $1 AND lead_id = $2 ORDER BY seq", *key)


@each_row
async def test_an_erased_lead_is_answered_for_and_stays_as_it_is(
    dialect: Dialect, row: Row, people: People, client: httpx.AsyncClient
) -> None:
    scene = await erased_scene(dialect, people, client)
    before = await what_is_known(scene)

    answer = await dialect.call(client, row.sent(scene), None if row.is_keyless else scene.keys.good)

    assert answer.status_code < 500, answer.text
    assert await what_is_known(scene) == before


@pytest.mark.parametrize("dialect", dialects(), ids=repr)
async def test_an_erased_lead_is_read_without_its_person(
    dialect: Dialect, people: People, client: httpx.AsyncClient
) -> None:
    scene = await erased_scene(dialect, people, client)

    answer = await dialect.call(client, dialect.read(scene), scene.keys.good)

    assert answer.status_code == 200, answer.text
    assert json.dumps(answer.json()).casefold().count("zelda") == 0


@pytest.mark.parametrize("dialect", dialects(), ids=repr)
async def test_an_erased_lead_is_read_also_when_its_status_is_archived(
    dialect: Dialect, people: People, client: httpx.AsyncClient
) -> None:
    scene = await erased_scene(dialect, people, client)
    won = scene.channel.first_of(Category.WON)
    assert won is not None
    channel, http = f"/v1/channels/{scene.channel.id}", people.owner.http
    for trigger in (await http.get(f"{channel}/reward-triggers")).json()["data"]:
        assert (await http.delete(f"{channel}/reward-triggers/{trigger['id']}")).status_code == 204
    target = {"move_to": str(scene.channel.current_statuses[0].id)}
    archived = await http.delete(f"{channel}/statuses/{won.id}", params=target)
    assert archived.status_code < 300, archived.text

    answer = await dialect.call(client, dialect.read(scene), scene.keys.good)

    assert answer.status_code == 200, answer.text
