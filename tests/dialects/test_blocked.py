"""Whoever is blocked comes in by no call of any dialect: each says so in its own envelope, and writes nothing."""

from collections.abc import AsyncIterator

import httpx
import pytest

from leadrail.core.core import Core
from tests.api.answers import good
from tests.dialects.conformance import Dialect, Row
from tests.dialects.keenpartner.conformance import act
from tests.dialects.scene import Scene
from tests.dialects.test_required import DIALECTS, MAKERS
from tests.people import People, three_people

NAMES = {"email": "email", "phone": "phone", "linkedin": "linkedin_url", "business_id": "business_id"}


@pytest.fixture
async def people(core: Core, server_url: str) -> AsyncIterator[People]:
    async with three_people(core, server_url) as people:
        yield people


async def forgotten(scene: Scene) -> None:
    """The newest lead of the owner, erased and blocked, and no answer of the calls before kept."""
    owner = scene.people.owner
    (newest,) = await owner.rows("SELECT max(number) AS number FROM leads WHERE company_id = $1", owner.company_id)
    keys = await owner.rows(
        """SELECT k.kind, k.key FROM lead_keys k JOIN leads l ON l.company_id = k.company_id AND l.id = k.lead_id
        WHERE l.company_id = $1 AND l.number = $2""",
        owner.company_id,
        newest["number"],
    )
    kind, key = next((row["kind"], row["key"]) for row in keys if row["kind"] in NAMES)
    body = {NAMES[kind]: f"in/{key}" if kind == "linkedin" else key, "block": True}
    assert good(await owner.http.post("/v1/persons/erase", json=body))["erased"]
    await owner.rows("DELETE FROM idempotency_keys WHERE company_id = $1 RETURNING 1", owner.company_id)


@pytest.mark.parametrize(("dialect", "row"), MAKERS)
async def test_no_call_makes_a_lead_of_whom_is_blocked(
    dialect: Dialect, row: Row, people: People, client: httpx.AsyncClient
) -> None:
    scene = await Scene.made(people, dialect.template, as_tills=dialect.as_tills)
    key = None if row.is_keyless else scene.keys.good
    dialect.served(row, await dialect.call(client, row.sent(scene), key))
    await forgotten(scene)
    before = await people.owner.digests()

    answer = await dialect.call(client, row.sent(scene), key)

    if row.judged_alone:
        told = answer.json()
        assert (told["leadsAdded"], told["invalidEntries"]) == (0, 1)
        assert "block list" in told["errors"][0]["message"]
    else:
        _, text = dialect.refused(answer)
        assert "block list" in text
    assert await people.owner.digests() == before


async def test_no_edit_gives_a_lead_what_is_blocked(people: People, client: httpx.AsyncClient) -> None:
    dialect = DIALECTS["keenpartner"]
    scene = await Scene.made(people, dialect.template, as_tills=False)
    good(await people.owner.http.post("/v1/blocks", json={"domain": "example.org"}), 201)
    before = await people.owner.digests()
    edit = act("update_lead", lead_id=str(scene.lead.id), email="zelda@example.org")

    assert dialect.refused(await dialect.call(client, edit, scene.keys.good))[0] == 400
    assert await people.owner.digests() == before
