"""Every operation, tried by everybody who may not: nothing is seen and nothing changes.

The operations come from the API itself, so one that is added without saying here who may do it fails the first test.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from leadrail.api.face import OPERATIONS
from leadrail.api.operation import Operation
from leadrail.core.actor import Scope
from leadrail.core.core import Core
from tests.api.answers import good, refused
from tests.api.world import IN_TURN, World
from tests.people import People, three_people


@dataclass(frozen=True)
class Answers:
    """What three people get who call an operation on the owner's things, with a key of every scope.

    `bound` is a key of the owner's own company that is bound to another channel.
    """

    stranger: int
    partner: int
    bound: int


OWN = Answers(200, 200, 200)  # what one sees or does is one's own
MADE = Answers(201, 201, 403)  # made in one's own company; a bound key makes nothing beside its channels
OF_CHANNEL = Answers(404, 200, 404)
OF_OWNER = Answers(404, 403, 404)
OF_LEAD = Answers(404, 200, 404)
OF_COMPANY = Answers(404, 404, 403)
OF_USER = Answers(200, 200, 422)  # one's own marks and choice; the bound key is no user's
OF_IMPORTER = Answers(404, 404, 404)  # a partner does not see what the owner brings in, nor a bound key
OF_PAYER = Answers(404, 403, 404)  # the partner earns it: it may look, and no more

WHO_MAY = {
    "GET /v1/company": OWN,
    "PATCH /v1/company": Answers(200, 200, 403),
    "GET /v1/keys": Answers(200, 200, 403),
    "POST /v1/keys": Answers(404, 201, 403),  # the example names the owner's channel
    "DELETE /v1/keys/{id}": OF_COMPANY,
    "GET /v1/users": Answers(200, 200, 403),
    "POST /v1/users": MADE,
    "GET /v1/users/{id}": OF_COMPANY,
    "PATCH /v1/users/{id}": OF_COMPANY,
    "GET /v1/reasons": OWN,
    "POST /v1/reasons": MADE,
    "GET /v1/reasons/counts": OWN,
    "PATCH /v1/reasons/{id}": OF_COMPANY,
    "DELETE /v1/reasons/{id}": OF_COMPANY,
    "GET /v1/sub-statuses": OWN,
    "POST /v1/sub-statuses": MADE,
    "PATCH /v1/sub-statuses/{id}": OF_COMPANY,
    "DELETE /v1/sub-statuses/{id}": OF_COMPANY,
    "GET /v1/channels": OWN,
    "POST /v1/channels": MADE,
    "GET /v1/channels/{id}": OF_CHANNEL,
    "PATCH /v1/channels/{id}": OF_OWNER,
    "POST /v1/channels/{id}/clone": Answers(404, 403, 403),
    "POST /v1/channels/{id}/archive": OF_OWNER,
    "POST /v1/channels/{id}/pause": OF_OWNER,
    "POST /v1/channels/{id}/resume": OF_OWNER,
    "GET /v1/channels/{id}/statuses": OF_CHANNEL,
    "POST /v1/channels/{id}/statuses": OF_OWNER,
    "PUT /v1/channels/{id}/statuses/order": OF_OWNER,
    "PATCH /v1/channels/{id}/statuses/{item}": OF_OWNER,
    "DELETE /v1/channels/{id}/statuses/{item}": OF_OWNER,
    "GET /v1/channels/{id}/properties": OF_CHANNEL,
    "POST /v1/channels/{id}/properties": OF_OWNER,
    "PATCH /v1/channels/{id}/properties/{item}": OF_OWNER,
    "DELETE /v1/channels/{id}/properties/{item}": OF_OWNER,
    "GET /v1/channels/{id}/members": OF_CHANNEL,
    "POST /v1/channels/{id}/members": OF_OWNER,
    "DELETE /v1/channels/{id}/members/{item}": OF_OWNER,
    "GET /v1/channels/{id}/reward-triggers": OF_CHANNEL,
    "POST /v1/channels/{id}/reward-triggers": OF_OWNER,
    "PATCH /v1/channels/{id}/reward-triggers/{item}": OF_OWNER,
    "DELETE /v1/channels/{id}/reward-triggers/{item}": OF_OWNER,
    "GET /v1/channels/{id}/rules": OF_CHANNEL,
    "POST /v1/channels/{id}/rules": OF_OWNER,
    "PATCH /v1/channels/{id}/rules/{item}": OF_OWNER,
    "DELETE /v1/channels/{id}/rules/{item}": OF_OWNER,
    "GET /v1/channels/{id}/retention-rules": OF_CHANNEL,
    "POST /v1/channels/{id}/retention-rules": Answers(404, 403, 403),
    "GET /v1/channels/{id}/retention-rules/{item}/due": OF_CHANNEL,
    "PATCH /v1/channels/{id}/retention-rules/{item}": Answers(404, 403, 403),
    "DELETE /v1/channels/{id}/retention-rules/{item}": Answers(404, 403, 403),
    "GET /v1/channels/{id}/assignment": OF_OWNER,
    "PUT /v1/channels/{id}/assignment": OF_OWNER,
    "POST /v1/leads": Answers(404, 201, 404),
    "GET /v1/leads": OWN,
    "POST /v1/leads/search": OWN,
    "GET /v1/views": OWN,
    "POST /v1/views": MADE,
    "GET /v1/views/{id}": Answers(404, 404, 404),
    "PATCH /v1/views/{id}": Answers(404, 404, 404),
    "DELETE /v1/views/{id}": Answers(404, 404, 404),
    "GET /v1/exports": OWN,
    "POST /v1/exports": OWN,
    "POST /v1/leads/batch": OWN,  # with every item refused, see below
    "POST /v1/leads/status/batch": OWN,
    "GET /v1/leads/{id}": OF_LEAD,
    "PATCH /v1/leads/{id}": OF_LEAD,
    "DELETE /v1/leads/{id}": Answers(404, 403, 403),
    "PUT /v1/leads/{id}/status": OF_LEAD,
    "PUT /v1/leads/{id}/channel": OF_LEAD,
    "GET /v1/leads/{id}/transitions": OF_LEAD,
    "GET /v1/leads/{id}/duplicates": OF_LEAD,
    "GET /v1/duplicates": OWN,
    "POST /v1/leads/merge": Answers(404, 403, 404),
    "GET /v1/leads/{id}/merges": OF_LEAD,
    "POST /v1/leads/{id}/merges/{item}/undo": Answers(404, 403, 404),
    "GET /v1/leads/{id}/events": OF_LEAD,
    "POST /v1/leads/{id}/events/{item}/reverse": OF_LEAD,
    "GET /v1/leads/{id}/follow-ups": OF_LEAD,
    "POST /v1/leads/{id}/follow-ups": Answers(404, 201, 404),
    "GET /v1/follow-ups": OWN,
    "GET /v1/leads/{id}/notes": OF_LEAD,
    "POST /v1/leads/{id}/notes": Answers(404, 201, 404),
    "GET /v1/leads/{id}/consents": OF_LEAD,
    "POST /v1/leads/{id}/consents": Answers(404, 201, 404),
    "GET /v1/leads/{id}/purchases": OF_LEAD,
    "POST /v1/leads/{id}/purchases": Answers(404, 201, 404),
    "POST /v1/imports": Answers(404, 201, 404),
    "GET /v1/imports": OWN,
    "GET /v1/imports/{id}": OF_IMPORTER,
    "PATCH /v1/imports/{id}": OF_IMPORTER,
    "DELETE /v1/imports/{id}": OF_IMPORTER,
    "POST /v1/imports/{id}/start": OF_IMPORTER,
    "POST /v1/imports/{id}/undo": OF_IMPORTER,
    "GET /v1/imports/{id}/refused.csv": OF_IMPORTER,
    "GET /v1/import-presets": OWN,
    "DELETE /v1/import-presets/{id}": OF_COMPANY,
    "POST /v1/bulk-changes": Answers(202, 202, 202),  # one's own, with every lead refused that one may not see
    "GET /v1/bulk-changes": OWN,
    "GET /v1/bulk-changes/{id}": Answers(404, 404, 404),
    "GET /v1/bulk-changes/{id}/outcomes": Answers(404, 404, 404),
    "POST /v1/bulk-changes/{id}/cancel": Answers(404, 404, 404),
    "POST /v1/webhooks": MADE,
    "GET /v1/webhooks": OWN,
    "GET /v1/webhooks/{id}": Answers(404, 404, 404),
    "PATCH /v1/webhooks/{id}": OF_COMPANY,
    "DELETE /v1/webhooks/{id}": OF_COMPANY,
    "POST /v1/webhooks/{id}/rotate": OF_COMPANY,
    "POST /v1/webhooks/{id}/test": OF_COMPANY,
    "GET /v1/webhooks/{id}/deliveries": Answers(404, 404, 404),
    "GET /v1/webhooks/{id}/deliveries/{item}": Answers(404, 404, 404),
    "POST /v1/webhooks/{id}/deliveries/{item}/replay": OF_COMPANY,
    "POST /v1/webhooks/{id}/replay": OF_COMPANY,
    "GET /v1/rewards": OWN,
    "GET /v1/rewards/totals": OWN,
    "GET /v1/rewards/export.csv": OWN,
    "GET /v1/rewards/{id}": OF_LEAD,
    "POST /v1/rewards/{id}/approve": OF_PAYER,
    "POST /v1/rewards/{id}/reject": OF_PAYER,
    "POST /v1/rewards/{id}/pay": OF_PAYER,
    "POST /v1/rewards/{id}/corrections": OF_PAYER,
    "POST /v1/rewards/batch": OWN,  # with every item refused, see below
    "GET /v1/analytics/board": OWN,
    "GET /v1/analytics/funnel": OWN,
    "GET /v1/analytics/moves": OWN,
    "GET /v1/analytics/sources": OWN,
    "GET /v1/analytics/won": OWN,
    "GET /v1/analytics/velocity": OWN,
    "GET /v1/analytics/ageing": OWN,
    "GET /v1/notifications": OWN,
    "POST /v1/persons/report": Answers(200, 200, 403),
    "POST /v1/persons/erase": Answers(200, 200, 403),
    "GET /v1/blocks": Answers(200, 200, 403),
    "POST /v1/blocks": MADE,
    "POST /v1/blocks/find": Answers(200, 200, 403),
    "DELETE /v1/blocks/{id}": OF_COMPANY,
    "GET /v1/event-types": OWN,
    "POST /v1/notifications/read": Answers(404, 404, 422),  # the example names the owner's notice
    "GET /v1/notifications/settings": OF_USER,
    "PUT /v1/notifications/settings": OF_USER,
    "GET /v1/events": OWN,
    "GET /v1/events/stream": OWN,
}


def named(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=named)


def test_every_operation_says_here_who_may_do_it() -> None:
    assert sorted(WHO_MAY) == sorted(map(named, OPERATIONS))


async def rows_of(world: World, but: str = "last_used_at") -> dict[str, list[str]]:
    """All that the owner's company has, in every table, but for one column: when a key was last used."""
    return await world.people.owner.every_row(but=(but,))


@pytest.fixture(scope="module")
async def world(core: Core, server_url: str) -> AsyncIterator[World]:
    """One world for all who may change nothing in it."""
    async with three_people(core, server_url) as people:
        yield await World.made(people)


@pytest.fixture(scope="module")
async def shared(core: Core, server_url: str) -> AsyncIterator[World]:
    """One world for the partner, who may move its lead."""
    async with three_people(core, server_url) as people:
        yield await World.made(people)


LISTS = {"bulk_changes", "bulk_items"}


def assert_blind(answer: httpx.Response, world: World) -> None:
    """Nothing of the owner's stands in the answer, but what the caller is."""
    hidden = {name: id for name, id in world.ids.items() if name != "COMPANY_ID"}
    hidden |= {"owner": str(world.people.owner.company_id), "email": str(world.lead.email)}
    assert [name for name, text in hidden.items() if text in answer.text] == []


async def assert_untouched(world: World, operation: Operation, **headers: str) -> httpx.Response:
    """The answer to a call that changes nothing of the owner's."""
    before = await rows_of(world)
    answer = await world.send(operation, headers={"X-API-Key": headers["key"]})
    after = await rows_of(world)
    if (
        answer.status_code == 202
    ):  # the list that it asked for is its own; what comes of it is in tests/worker/test_bulk.py
        before, after = [{name: texts for name, texts in rows.items() if name not in LISTS} for rows in (before, after)]
    assert after == before
    return answer


# The owner: so that the refusals below are of calls that are otherwise good


async def test_the_owner_may_do_every_one_of_them(people: People) -> None:
    world = await World.made(people)
    answers = [(named(row), (await world.send(row)).status_code) for row in IN_TURN]

    assert answers == [(named(row), row.status) for row in IN_TURN]


# The stranger


@each_operation
async def test_the_stranger_sees_nothing_and_changes_nothing(operation: Operation, world: World) -> None:
    answer = await assert_untouched(world, operation, key=world.people.stranger.key)

    assert answer.status_code == WHO_MAY[named(operation)].stranger
    assert_blind(answer, world)


@pytest.mark.parametrize("path", ["/v1/leads/batch", "/v1/leads/status/batch", "/v1/rewards/batch"])
async def test_the_strangers_items_are_refused_as_if_there_were_nothing(world: World, path: str) -> None:
    (operation,) = [row for row in OPERATIONS if row.path == path]

    (item,) = good(await world.send(operation, http=world.people.stranger.http))["data"]

    assert item["error"]["code"] in ("channel_not_found", "lead_not_found", "not_found")


async def test_what_is_anothers_is_answered_like_what_does_not_exist(world: World) -> None:
    stranger, nothing = world.people.stranger.http, "00000000-0000-7000-8000-000000000000"
    for path, id in (("/v1/channels", world.channel.id), ("/v1/leads", world.lead.id)):
        theirs, unknown = await stranger.get(f"{path}/{id}"), await stranger.get(f"{path}/{nothing}")
        assert theirs.json() == unknown.json()


OF_A_CHANNEL = re.compile(r"/v1/channels/\{id\}/(statuses|properties|members|reward-triggers)/\{item\}$")


@pytest.mark.parametrize("operation", [row for row in OPERATIONS if OF_A_CHANNEL.match(row.path)], ids=named)
async def test_a_thing_is_not_reached_through_a_channel_of_ones_own(operation: Operation, world: World) -> None:
    before = await rows_of(world)
    own = await world.people.stranger.channel()
    path = world.path(operation).replace(str(world.channel.id), str(own.id))

    answer = await world.people.stranger.http.request(
        operation.method, path, params={"role": "referring"} if "/members/" in path else {}, json={}
    )

    assert answer.status_code in (400, 404)
    assert await rows_of(world) == before


# Keys that open nothing, or not that


@pytest.fixture(scope="module")
async def keys(world: World) -> dict[str, str]:
    owner = world.people.owner
    other = await owner.channel(title="Other")
    made = {
        "expired": await owner.another_key(name="expired", scopes=tuple(Scope)),
        "revoked": await owner.another_key(name="revoked", scopes=tuple(Scope)),
        "unknown": "lr_unknown",
        "read": await owner.another_key(scopes=(Scope.READ,), user_id=owner.user_id),
        "write": await owner.another_key(scopes=(Scope.WRITE,)),
        "bound": await owner.another_key(scopes=tuple(Scope), channel_ids=(other.id,)),
    }
    for name, column in (("expired", "expires_at"), ("revoked", "revoked_at")):
        statement = f"UPDATE api_keys SET {column} = now() - interval '1 second' WHERE company_id = $1 AND name = $2"
        await owner.rows(f"{statement} RETURNING id", owner.company_id, name)
    return made


@each_operation
@pytest.mark.parametrize("key", ["expired", "revoked", "unknown"])
async def test_a_key_that_is_not_in_force_opens_nothing(
    operation: Operation, key: str, world: World, keys: dict[str, str]
) -> None:
    answer = await assert_untouched(world, operation, key=keys[key])

    assert refused(answer) == (401, "unauthorized", None)


@pytest.mark.parametrize(
    ("key", "operation"),
    [
        pytest.param(scope, row, id=f"{scope} {named(row)}")
        for scope in (Scope.READ, Scope.WRITE)
        for row in OPERATIONS
        if row.scope is not scope
    ],
)
async def test_a_key_without_the_scope_does_nothing(
    operation: Operation, key: str, world: World, keys: dict[str, str]
) -> None:
    answer = await assert_untouched(world, operation, key=keys[key])

    assert refused(answer) == (403, "forbidden", None)


@pytest.mark.parametrize("operation", [row for row in OPERATIONS if row.scope is Scope.READ], ids=named)
async def test_a_read_only_key_reads(operation: Operation, world: World, keys: dict[str, str]) -> None:
    answer = await assert_untouched(world, operation, key=keys["read"])

    assert answer.status_code == operation.status


# A key that is bound to another channel of the same company


@each_operation
async def test_a_bound_key_sees_and_changes_nothing_beside_its_channels(
    operation: Operation, world: World, keys: dict[str, str]
) -> None:
    answer = await assert_untouched(world, operation, key=keys["bound"])

    assert answer.status_code == WHO_MAY[named(operation)].bound
    hidden = [
        world.ids[name]
        for name in ("LEAD_ID", "CHANNEL_ID", "WEBHOOK_ID", "KEY_ID", "REWARD_TRIGGER_ID", "PAID_REWARD_ID")
    ]
    assert [id for id in hidden if id in answer.text] == []


# The partner on the shared channel


@each_operation
async def test_the_partner_sees_and_moves_leads_but_cannot_change_the_channel(
    operation: Operation, shared: World
) -> None:
    before = await rows_of(shared, "config_version")  # a partner's own endpoint makes the channel be read anew

    answer = await shared.send(operation, http=shared.people.partner.http)

    assert answer.status_code == WHO_MAY[named(operation)].partner
    after = await rows_of(shared, "config_version")
    changed = {table for table in {*before, *after} if after.get(table) != before.get(table)}
    assert changed <= {
        "leads",
        "notes",
        "consents",
        "lead_finds",
        "lead_keys",
        "lead_values",
        "lead_words",
        "events",
        "event_counters",
        "deliveries",
        "follow_ups",
        "purchases",
        "rewards",
    }
    assert not changed or operation.path.startswith("/v1/leads")


async def test_the_partner_sees_the_shared_channel_only(people: People) -> None:
    shared, private = await people.shared_channel(title="Shared"), await people.owner.channel(title="Private")
    seen, hidden = await people.owner.lead(shared), await people.owner.lead(private)

    channels = good(await people.partner.http.get("/v1/channels"))["data"]
    leads = good(await people.partner.http.get("/v1/leads"))["data"]

    assert [row["title"] for row in channels] == ["Shared"]
    assert [row["id"] for row in leads] == [str(seen.id)]
    assert (await people.partner.http.get(f"/v1/leads/{hidden.id}")).status_code == 404


async def test_the_owner_sees_who_moved_a_lead_but_not_the_partners_words(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel())
    good(await people.partner.http.post("/v1/reasons", json={"text": "Theirs"}), 201)

    moved = await people.partner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Lost", "reason": "Theirs"})

    assert good(moved)["reason"] == "Theirs"
    (row,) = await people.owner.rows("SELECT company_id, reason_id FROM leads WHERE id = $1", lead.id)
    assert (row["company_id"], row["reason_id"]) == (people.owner.company_id, None)
    assert good(await people.owner.http.get("/v1/reasons"))["data"] == []
    event = good(await people.owner.http.get(f"/v1/leads/{lead.id}/events"))["data"][-1]
    partners = {key["id"] for key in good(await people.partner.http.get("/v1/keys"))["data"]}
    assert event["actor"]["id"] in partners


async def test_a_partner_that_left_sees_nothing_more_at_once(people: People) -> None:
    channel = await people.shared_channel()
    lead = await people.owner.lead(channel)
    assert (await people.partner.http.get(f"/v1/leads/{lead.id}")).status_code == 200

    path = f"/v1/channels/{channel.id}/members/{people.partner.company_id}"
    assert (await people.owner.http.delete(path, params={"role": "referring"})).status_code == 204

    assert (await people.partner.http.get(f"/v1/leads/{lead.id}")).status_code == 404
    assert good(await people.partner.http.get("/v1/leads"))["data"] == []
    moved = await people.partner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"})
    assert refused(moved)[:2] == (404, "lead_not_found")
