"""One illegal move, by every door: the same refusal of the core, and nothing is changed."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from leadrail.core.channels.model import Category
from leadrail.core.errors import Code
from tests.dialects.conformance import Dialect, dialects
from tests.dialects.scene import Scene
from tests.people import People

each_dialect = pytest.mark.parametrize("dialect", dialects(), ids=repr)
each_ban = pytest.mark.parametrize(
    ("ban", "code"),
    [
        (("New", {"next": []}), Code.TRANSITION_NOT_ALLOWED),
        (("Won", {"requires": ["note"]}), Code.MISSING_REQUIREMENT),
    ],
    ids=["successor", "requirement"],
)
Ban = tuple[str, dict[str, Any]]


async def banned(people: People, ban: Ban) -> Any:
    channel = await people.shared_channel(template="sales", currency="EUR")
    name, edit = ban
    status = channel.status_by_name[name.casefold()].id
    answer = await people.owner.http.patch(f"/v1/channels/{channel.id}/statuses/{status}", json=edit)
    assert answer.status_code == 200, answer.text
    return channel


@each_ban
@each_dialect
async def test_a_dialect_makes_no_illegal_move(
    dialect: Dialect, ban: Ban, code: Code, people: People, client: httpx.AsyncClient, refusals: list[Code]
) -> None:
    channel = await banned(people, ban)
    scene = await Scene.made(people, dialect.template, as_tills=dialect.as_tills)
    place = await scene.another(channel)
    before = await people.owner.digests()

    answer = await dialect.call(client, dialect.move(place, Category.WON), place.partner)

    dialect.refused(answer)
    assert refusals == [code]
    assert await people.owner.digests() == before


@each_ban
async def test_the_api_makes_no_illegal_move_either(ban: Ban, code: Code, people: People, refusals: list[Code]) -> None:
    channel = await banned(people, ban)
    lead = await people.owner.lead(channel)
    before = await people.owner.digests()

    one = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"})
    changes = [{"lead_id": str(lead.id), "status": "Won"}]
    many = await people.owner.http.post("/v1/leads/status/batch", json={"changes": changes})

    assert (one.status_code >= 400, one.json()["code"]) == (True, code)
    assert many.json()["data"][0]["error"]["code"] == code
    assert refusals == [code, code]
    assert await people.owner.digests() == before


async def test_no_edit_changes_the_status(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    before = await people.owner.digests()

    answer = await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"status": "Won"})

    assert answer.status_code == 400
    assert await people.owner.digests() == before


async def test_no_lead_starts_where_it_lacks_what_is_demanded(people: People, refusals: list[Code]) -> None:
    channel = await banned(people, ("Won", {"requires": ["reason"]}))
    new = {"channel_id": str(channel.id), "status": "Won", "email": f"{uuid4()}@example.com"}
    before = await people.owner.digests()

    one = await people.owner.http.post("/v1/leads", json=new)
    many = await people.owner.http.post("/v1/leads/batch", json={"leads": [new]})

    assert one.json()["code"] == many.json()["data"][0]["error"]["code"] == Code.MISSING_REQUIREMENT
    assert refusals == [Code.MISSING_REQUIREMENT] * 2
    assert await people.owner.digests() == before
