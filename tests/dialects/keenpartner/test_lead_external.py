"""lead_external: a form without a key. What a browser may read of it, and how often it may be sent."""

import asyncio
import json

import httpx
import pytest

from leadrail.app import App
from leadrail.core.channels.commands import archive_channel
from leadrail.core.channels.model import PropertyType
from leadrail.dialects.keenpartner.forms import BURST
from leadrail.kit.clock import now
from tests.dialects.keenpartner import keen
from tests.dialects.keenpartner.keen import ask, error, sample, submit, with_ids
from tests.people import NewProperty, People

BOTH = pytest.mark.parametrize("path", [keen.KEEN_API, keen.OPENAPI_OPERATIONS])
NOBODY = "0190a0a0-0000-7000-8000-000000000000"
CORS = "access-control-allow-origin"


@BOTH
@pytest.mark.parametrize("id", ["id", "public_id"])
async def test_the_sample_is_answered_as_on_the_page_in_its_order(
    people: People, form: httpx.AsyncClient, path: str, id: str
) -> None:
    page = sample("lead_external")
    shown = page["answer"]["lead"]
    channel = await people.owner.channel(template="keenpartner", public_submissions=True)

    answer = await form.post(path, json=with_ids(page["request"], {keen.CHANNEL: getattr(channel, id)}))

    assert answer.status_code == 200, answer.text
    made = answer.json()["lead"]
    ids = {keen.CHANNEL: channel.id, keen.NEW_STATUS: channel.statuses[0].id}
    expected = with_ids(page["answer"], ids | {shown[name]: made[name] for name in ("id", "created_at")})
    assert answer.text == json.dumps(expected, separators=(",", ":"))
    (event,) = await people.owner.rows("SELECT actor_kind, actor_id, face FROM events WHERE lead_id = $1", made["id"])
    assert event == {"actor_kind": "visitor", "actor_id": None, "face": "keenpartner"}


async def test_every_member_of_create_lead_is_kept(people: People, form: httpx.AsyncClient) -> None:
    deal_size = NewProperty(name="Deal size", type=PropertyType.NUMBER)
    channel = await people.shared_channel(template="sales", public_submissions=True, properties=(deal_size,))
    value = [{"property_definitions_id": str(channel.properties[0].id), "value": "50000"}]
    given = {name: f"a {name}" for name in ("phone", "employee", "notes", "business_id")}

    answer = await submit(form, channel_id=channel.id, properties=value, **given)

    made = answer.json()["lead"]
    assert given.items() <= made.items()
    seen = (await ask(people.partner, "get_lead_by_id", lead_id=made["id"])).json()["lead"]
    assert [one["value"] for one in seen["property_values"]] == ["50000"]


async def test_what_the_page_refuses_is_said_in_its_words_and_creates_nothing(
    people: People, form: httpx.AsyncClient
) -> None:
    closed = await people.owner.channel()
    archived = await people.owner.channel(public_submissions=True)
    async with people.owner.core.database.transaction() as connection:
        await archive_channel(connection, archived, now())
    bad = [{"property_definitions_id": NOBODY, "value": "x"}]

    answers = [
        (await submit(form), 400, "channel_id required"),
        (await submit(form, channel_id="7"), 400, "channel_id is not a UUID"),
        (await submit(form, channel_id=closed.id), 403, "Public API not enabled for this channel"),
        (await submit(form, channel_id=closed.public_id), 403, "Public API not enabled for this channel"),
        (await submit(form, channel_id=NOBODY), 404, "Channel not found"),
        (await submit(form, channel_id=archived.id), 400, "The channel is archived and takes no new leads"),
        (await submit(form, channel_id=archived.id, email=7), 400, 'email: Expected "str | null", got "int"'),
        (await submit(form, channel_id=closed.id, properties=bad), 403, "Public API not enabled for this channel"),
    ]

    assert [error(answer) for answer, _, _ in answers] == [(status, text) for _, status, text in answers]
    assert {answer.headers[CORS] for answer, _, _ in answers} == {"*"}
    assert await people.owner.count("leads") == 0


async def test_a_key_neither_helps_nor_harms(people: People, form: httpx.AsyncClient) -> None:
    channel = await people.owner.channel(public_submissions=True)
    body = {"action": "lead_external", "channel_id": str(channel.id)}

    answer = await form.post(keen.KEEN_API, json=body, headers={"X-Api-Key": "nonsense"})

    assert answer.status_code == 200, answer.text


@BOTH
async def test_a_browser_may_send_a_form_from_any_page(people: People, form: httpx.AsyncClient, path: str) -> None:
    asks = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    channel = await people.owner.channel(public_submissions=True)

    preflight = await form.options(path, headers=asks)
    answer = await submit(form, path=path, channel_id=channel.id)

    assert (preflight.status_code, preflight.content) == (204, b"")
    allowed = {name: value for name, value in preflight.headers.items() if name.startswith("access-control-")}
    assert allowed == {
        CORS: "*",
        "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "86400",
    }
    assert (answer.status_code, answer.headers[CORS]) == (200, "*")


async def test_the_answer_to_an_action_with_a_key_is_for_no_page_to_read(people: People) -> None:
    channel = await people.owner.channel()

    answers = [
        await ask(people.owner, "get_channels"),
        await ask(people.owner, "create_lead", channel_id=channel.id),
        await ask(people.owner, "create_lead", channel_id=NOBODY),
        await people.owner.http.post(keen.KEEN_API, content=b'{"action": "lead_external", "channel_id": '),
        await people.owner.http.get(keen.KEEN_API),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 403, 400, 405]
    assert not any(CORS in answer.headers for answer in answers)


async def test_an_address_has_its_forms_counted_over_both_paths(people: People) -> None:
    channel = await people.owner.channel(public_submissions=True)
    app, paths = App(people.owner.core), (keen.KEEN_API, keen.OPENAPI_OPERATIONS)

    async def from_address(address: str, *, path: str = keen.KEEN_API) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://leadrail") as client:
            return await submit(client, path=path, channel_id=channel.id)

    taken = [await from_address("198.51.100.7", path=paths[count % 2]) for count in range(BURST)]
    refused = await from_address("198.51.100.7")
    another = await from_address("198.51.100.8")

    assert {answer.status_code for answer in (*taken, another)} == {200}
    assert error(refused) == (429, "Too many leads from this address; try again in 2 seconds")
    assert (refused.headers["retry-after"], refused.headers[CORS]) == ("2", "*")
    assert await people.owner.count("leads") == BURST + 1


async def test_a_flood_from_one_address_is_cut_off_and_keys_go_on(people: People, form: httpx.AsyncClient) -> None:
    channel = await people.owner.channel(public_submissions=True)

    answers = await asyncio.gather(*(submit(form, channel_id=channel.id) for _ in range(BURST * 2)))

    assert sorted(answer.status_code for answer in answers) == [200] * BURST + [429] * BURST
    body = {"action": "create_lead", "channel_id": str(channel.id)}
    keyed = await form.post(keen.KEEN_API, json=body, headers={"X-Api-Key": people.owner.key})
    assert keyed.status_code == 200, keyed.text
