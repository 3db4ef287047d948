"""The block list: whoever is on it comes in by no door, and the list tells nobody who that is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from leadrail.api.bulk import chosen
from leadrail.core.blocks import commands, store
from leadrail.core.blocks.model import BlockCause, BlockKind
from leadrail.core.bulk.running import step
from leadrail.core.channels.model import StatusRef
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.errors import Refusal, Refused
from leadrail.core.leads.commands import ChangeStatus, CreateLead, Origin, Step
from leadrail.db.database import Database
from leadrail.kit.ids import new_id
from tests.api.answers import all_pages, good, refused
from tests.api.test_erasing import EMAIL, PHONE, SLUG, WORDS, knowing, planted
from tests.conftest import LOOPBACK
from tests.core.test_engine import holding, until_it_waits
from tests.people import NOBODYS, People, Person

BLOCKED = (409, "blocked")


@pytest.fixture(scope="module")
async def other(database_url: str) -> AsyncIterator[Core]:
    """Another process on the same database."""
    core = Core(await Database.open(database_url, size=4), webhook_allow=LOOPBACK)
    yield core
    await core.close()


async def block(person: Person, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = good(await person.http.post("/v1/blocks", json=body), 201)
    return made


async def create(person: Person, channel_id: Any, **fields: Any) -> Any:
    return await person.http.post("/v1/leads", json={"channel_id": str(channel_id)} | fields)


# Who is kept out


@pytest.mark.parametrize(
    ("wanted", "given", "field"),
    [
        ({"email": "Zeb@Example.com"}, {"email": " zeb@example.COM"}, "/email"),
        ({"phone": "20 12 34 56"}, {"phone": "+45 20123456"}, "/phone"),
        ({"phone": "0045 20123456"}, {"phone": "2012-3456"}, "/phone"),
        ({"linkedin_url": "in/zeb"}, {"linkedin_url": "https://www.linkedin.com/in/Zeb/"}, "/linkedin_url"),
        ({"business_id": " 17 "}, {"business_id": "17"}, "/business_id"),
        ({"domain": "@Example.com"}, {"email": "zeb@example.com"}, "/email"),
        ({"domain": "example.com"}, {"email": "zeb@mail.example.com"}, "/email"),
    ],
)
async def test_it_is_kept_out_in_any_spelling(
    people: People, wanted: dict[str, str], given: dict[str, str], field: str
) -> None:
    owner = people.owner
    good(await owner.http.patch("/v1/company", json={"country": "DK"}))
    channel, lead = await owner.channel(), await owner.lead(await owner.channel())
    await block(owner, **wanted)
    before = await owner.digests()

    made = await create(owner, channel.id, first_name="Zeb", **given)
    edited = await owner.http.patch(f"/v1/leads/{lead.id}", json=given)

    assert refused(made) == refused(edited) == (*BLOCKED, field)
    assert await owner.digests() == before


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ({"email": "zeb@example.com"}, {"email": "zeb2@example.com", "phone": "zeb@example.com"}),
        ({"business_id": "17"}, {"phone": "17", "attribution": {"external_ids": {"crm": "17"}}}),
        ({"domain": "mail.example.com"}, {"email": "zeb@example.com"}),
        ({"domain": "example.com"}, {"email": "zeb@myexample.com", "business_id": "example.com"}),
    ],
)
async def test_nobody_else_is_kept_out(people: People, wanted: dict[str, str], given: dict[str, Any]) -> None:
    await block(people.owner, **wanted)

    good(await create(people.owner, (await people.owner.channel()).id, **given), 201)


async def test_neighbours_in_a_batch_come_in(people: People) -> None:
    channel = str((await people.owner.channel()).id)
    await block(people.owner, email=EMAIL)
    batch = [{"channel_id": channel, "email": email} for email in ("a@example.com", EMAIL, "b@example.com")]

    told = good(await people.owner.http.post("/v1/leads/batch", json={"leads": batch}))["data"]

    assert [one["error"]["code"] if one.get("error") else "in" for one in told] == ["in", "blocked", "in"]
    assert told[1]["error"]["field"].endswith("/email")


async def test_a_move_a_bulk_change_and_history_brought_along_let_nobody_in(core: Core, people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    lead = await owner.lead(channel)
    await block(owner, email=EMAIL)
    actor = await core.doors.admit_key(owner.key, "api")
    won, brought = StatusRef(name="Won"), (Step(status=StatusRef(name="New")),)
    new: dict[str, Any] = {"actor": actor, "channel_id": channel.id, "fields": {"email": EMAIL}}

    outcomes = await core.engine.execute(
        [
            ChangeStatus(actor=actor, lead_id=lead.id, status=won, edits={"email": EMAIL}),
            ChangeStatus(actor=actor, lead_id=lead.id, status=won, fields={"email": EMAIL}),
            CreateLead(**new, lead_id=new_id(), steps=brought, origin=Origin.IMPORT),
        ]
    )
    edit = {"type": "edit", "fields": {"email": EMAIL}}
    bulk = good(await owner.http.post("/v1/bulk-changes", json={"ids": [str(lead.id)], "action": edit}), 202)
    while await step(core, chosen):
        pass

    assert [one.code for one in outcomes if isinstance(one, Refusal)] == ["blocked"] * 3
    (item,) = await all_pages(owner.http, f"/v1/bulk-changes/{bulk['id']}/outcomes")
    assert (item["outcome"], item["code"]) == ("refused", "blocked")
    assert good(await owner.http.get(f"/v1/leads/{lead.id}"))["version"] == 1


async def test_a_dry_run_is_told_too(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())
    await block(people.owner, email=EMAIL)
    actor = await people.owner.core.doors.admit_key(people.owner.key, "api")
    move = ChangeStatus(actor=actor, lead_id=lead.id, status=StatusRef(name="Won"), edits={"email": EMAIL})

    with pytest.raises(Refused, match="block list"):
        await people.owner.core.engine.rehearse(move)


async def test_a_lead_that_has_it_already_goes_on(people: People) -> None:
    owner = people.owner
    lead = await owner.lead(await owner.channel(), email=EMAIL)
    await block(owner, email=EMAIL)
    await block(owner, domain="example.com")
    path = f"/v1/leads/{lead.id}"

    good(await owner.http.patch(path, json={"email": EMAIL.upper(), "first_name": "Zeb"}))
    good(await owner.http.put(f"{path}/status", json={"status": "Won"}))
    # An address of the same domain is none that it keeps out; another blocked one is.
    good(await owner.http.patch(path, json={"email": "other@example.com"}))
    assert refused(await owner.http.patch(path, json={"email": EMAIL}))[:2] == BLOCKED


async def test_a_list_holds_for_the_channels_of_its_company_whoever_writes(people: People) -> None:
    shared, theirs = await people.shared_channel(), await people.partner.channel()
    elsewhere = await people.stranger.channel()
    await block(people.owner, email=EMAIL)

    assert refused(await create(people.partner, shared.id, email=EMAIL))[:2] == BLOCKED
    good(await create(people.partner, theirs.id, email=EMAIL), 201)
    good(await create(people.stranger, elsewhere.id, email=EMAIL), 201)
    # Nor is anybody told who may not use the channel.
    assert refused(await create(people.stranger, shared.id, email=EMAIL))[:2] == (404, "channel_not_found")


async def test_a_repeat_of_a_kept_call_is_answered(people: People) -> None:
    body = {"channel_id": str((await people.owner.channel()).id), "email": EMAIL}
    made = await people.owner.http.post("/v1/leads", json=body, headers={"Idempotency-Key": "k"})
    await block(people.owner, email=EMAIL)

    again = await people.owner.http.post("/v1/leads", json=body, headers={"Idempotency-Key": "k"})

    assert good(again, 201)["id"] == good(made, 201)["id"]


# The list


async def test_entries_are_listed_found_and_removed(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    first, second, third = [
        await block(owner, **body) for body in ({"email": EMAIL}, {"domain": "Mail.Example.com"}, {"phone": PHONE})
    ]

    listed = await all_pages(owner.http, "/v1/blocks", limit=2)
    found = good(await owner.http.post("/v1/blocks/find", json={"email": "x@mail.example.com"}))["data"]

    assert listed == [third, second, first]
    assert [(one["kind"], one["domain"], one["cause"]) for one in listed] == [
        ("phone", None, "request"),
        ("domain", "mail.example.com", "request"),
        ("email", None, "request"),
    ]
    assert found == [second]
    assert await block(owner, email=EMAIL) == first
    assert (await owner.http.delete(f"/v1/blocks/{first['id']}")).status_code == 204
    assert refused(await owner.http.delete(f"/v1/blocks/{first['id']}"))[:2] == (404, "not_found")
    good(await create(owner, channel.id, email=EMAIL), 201)
    assert refused(await create(owner, channel.id, phone=PHONE))[:2] == BLOCKED


async def test_the_last_entry_takes_the_list_along_and_a_new_one_begins_anew(people: People, other: Core) -> None:
    owner, channel = people.owner, await people.owner.channel()
    actor = await owner.core.doors.admit_key(owner.key, "api")

    async def come() -> list[str]:
        """What somebody is told by each process."""
        told = []
        for core in (owner.core, other):
            new = CreateLead(actor=actor, channel_id=channel.id, lead_id=new_id(), fields={"email": EMAIL})
            (outcome,) = await core.engine.execute([new])
            told.append(outcome.code.value if isinstance(outcome, Refusal) else "in")
        return told

    assert await come() == ["in", "in"]
    for _ in range(2):
        made = await block(owner, email=EMAIL)
        assert await come() == ["blocked", "blocked"]
        assert (await owner.http.delete(f"/v1/blocks/{made['id']}")).status_code == 204
        assert (await owner.count("blocks"), await owner.count("block_lists")) == (0, 0)
        assert await come() == ["in", "in"]


async def test_no_list_tells_who_is_on_it(people: People) -> None:
    lead = await planted(people)
    before = await people.owner.count("blocks")

    for body in ({"email": EMAIL}, {"phone": PHONE}, {"linkedin_url": f"in/{SLUG}"}, {"business_id": "Zebulon-1"}):
        await block(people.owner, **body)
        await block(people.stranger, **body)
    good(await people.owner.http.delete(f"/v1/leads/{lead.id}"))

    assert await people.owner.count("blocks") == before + 4
    assert await knowing(people.owner, *WORDS) == []
    both = "SELECT count(DISTINCT digest) AS n FROM blocks WHERE company_id = ANY($1)"
    rows = await people.owner.rows(both, [people.owner.company_id, people.stranger.company_id])
    assert rows[0]["n"] == 8  # what one company's list says, another's does not


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/email"),
        ({"email": "a@example.com", "phone": PHONE}, "/email"),
        ({"email": "nobody"}, "/email"),
        ({"phone": "12"}, "/phone"),
        ({"linkedin_url": "https://example.com"}, "/linkedin_url"),
        ({"business_id": " "}, "/business_id"),
        ({"domain": "example"}, "/domain"),
        ({"domain": "a@b.com"}, "/domain"),
        ({"domain": ""}, "/domain"),
    ],
)
async def test_what_cannot_be_read_is_refused(people: People, body: dict[str, str], field: str) -> None:
    for path in ("/v1/blocks", "/v1/blocks/find"):
        assert refused(await people.owner.http.post(path, json=body)) == (422, "invalid", field)
    assert await people.owner.count("block_lists") == 0


async def test_what_is_not_on_the_list_cannot_be_removed(people: People) -> None:
    for id in (NOBODYS, "x"):
        assert refused(await people.owner.http.delete(f"/v1/blocks/{id}"))[:2] == (404, "not_found")


# With an erasure


async def test_a_person_is_erased_and_kept_out_by_all_that_the_leads_knew(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    await owner.lead(channel, email=EMAIL, phone=PHONE)
    await owner.lead(channel, email=EMAIL, linkedin_url=f"in/{SLUG}")

    told = good(await owner.http.post("/v1/persons/erase", json={"email": EMAIL, "block": True}))

    assert (len(told["erased"]), told["has_more"]) == (2, False)
    assert sorted((one["kind"], one["cause"]) for one in told["blocked"]) == [
        ("email", "erasure"),
        ("linkedin", "erasure"),
        ("phone", "erasure"),
    ]
    assert await knowing(owner, EMAIL, PHONE, SLUG) == []
    for fields in ({"email": EMAIL}, {"phone": PHONE}, {"linkedin_url": f"in/{SLUG}"}):
        assert refused(await create(owner, channel.id, **fields))[:2] == BLOCKED


async def test_somebody_without_a_lead_is_kept_out_too_and_a_repeat_does_it_once(people: People) -> None:
    owner, body = people.owner, {"email": EMAIL, "block": True}
    asked = [await owner.http.post("/v1/persons/erase", json=body, headers={"Idempotency-Key": "k"}) for _ in "ab"]

    assert good(asked[0]) == good(asked[1])
    assert [one["kind"] for one in good(asked[0])["blocked"]] == ["email"]
    assert refused(await create(owner, (await owner.channel()).id, email=EMAIL))[:2] == BLOCKED


async def test_without_the_word_nobody_is_kept_out(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    await owner.lead(channel, email=EMAIL)

    assert good(await owner.http.post("/v1/persons/erase", json={"email": EMAIL}))["blocked"] == []

    good(await create(owner, channel.id, email=EMAIL), 201)


# While others write


async def test_a_block_holds_from_its_commit_on_though_the_server_dies_then(people: People, other: Core) -> None:
    channel = await people.owner.channel()
    actor = await people.owner.core.doors.admit_key(people.owner.key, "api")
    new = CreateLead(actor=actor, channel_id=channel.id, lead_id=new_id(), fields={"email": EMAIL})
    assert isinstance((await other.engine.execute([new]))[0], Done)

    async with people.owner.core.database.transaction() as connection:
        await commands.block(
            connection, people.owner.company_id, [(BlockKind.EMAIL, EMAIL)], BlockCause.REQUEST, other.clock()
        )

    (outcome,) = await other.engine.execute([replace(new, lead_id=new_id())])
    assert isinstance(outcome, Refusal)


async def test_a_block_is_answered_when_nobody_who_has_not_seen_it_still_writes(
    people: People, database_url: str
) -> None:
    channel = await people.owner.channel()
    await people.owner.channel()
    writes = "SELECT 1 FROM channels WHERE id = $1 FOR KEY SHARE"
    async with holding(database_url, writes, channel.id) as writer:
        asked = asyncio.create_task(people.owner.http.post("/v1/blocks", json={"email": EMAIL}))
        await until_it_waits(writer, asked)

    good(await asked, 201)


async def test_nobody_slips_in_beside_an_erasure(people: People, other: Core) -> None:
    owner = people.owner
    channels = [await owner.channel() for _ in range(3)]
    actor = await owner.core.doors.admit_key(owner.key, "api")
    stop = asyncio.Event()

    async def come_again(core: Core, place: int) -> int:
        came = 0
        while not stop.is_set():
            new = CreateLead(actor=actor, channel_id=channels[place % 3].id, lead_id=new_id(), fields={"email": EMAIL})
            (outcome,) = await core.engine.execute([new])
            came += isinstance(outcome, Done)
        return came

    visitors = [asyncio.create_task(come_again(core, place)) for place, core in enumerate([owner.core, other] * 3)]
    await asyncio.sleep(0)
    has_more = True
    while has_more:
        told = good(await owner.http.post("/v1/persons/erase", json={"email": EMAIL, "block": True}))
        has_more = told["has_more"]
    stop.set()
    came = sum(await asyncio.gather(*visitors))

    assert await knowing(owner, EMAIL) == []
    assert await owner.count("leads") == came


async def test_the_look_up_is_one_probe_a_key_however_many_are_blocked(people: People) -> None:
    company_id = people.owner.company_id
    async with people.owner.core.database.transaction() as connection:
        many = [(BlockKind.EMAIL, f"{n}@example.com") for n in range(3_000)]
        await commands.block(connection, company_id, many, BlockCause.REQUEST, people.owner.core.clock())
    async with people.owner.core.database.connection() as connection:
        await connection.execute("ANALYZE blocks")
        plan = await connection.fetch(f"EXPLAIN {store._DRAW}", 96, [company_id] * 300, [b"x"] * 300)

    text = "\n".join(row[0] for row in plan)
    assert ("blocks_pkey" in text, "Seq Scan on blocks" in text) == (True, False), text
