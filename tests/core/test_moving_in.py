"""What clients of other systems bring along, over PostgreSQL: keys claimed, purchases, quiet edits, pauses, aliases."""

import asyncio
import json
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import jwt
import pytest

from leadrail.core.actor import Actor, visitor
from leadrail.core.channels.commands import NewStatus
from leadrail.core.channels.model import Category, Channel, StatusRef
from leadrail.core.companies import store as companies
from leadrail.core.core import Core
from leadrail.core.engine import Done, Outcome
from leadrail.core.errors import Code, Refusal, Refused
from leadrail.core.identity import KeyKind
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import CreateLead, Origin, RecordPurchase, Step, UpdateLead
from leadrail.core.pausing import pause, resume
from leadrail.kit.ids import new_id
from tests.people import People, Person

HOOK = "https://example.com/hook"


async def actor_of(person: Person, **rest: Any) -> Actor:
    return await person.core.doors.admit_key(person.key, "api")


def make(actor: Actor, channel: Channel, **rest: Any) -> CreateLead:
    return CreateLead(actor=actor, channel_id=channel.id, lead_id=new_id(), **rest)


def profile(slug: str) -> dict[str, Any]:
    return {"linkedin_url": f"https://www.linkedin.com/in/{slug}"}


def codes(outcomes: list[Outcome]) -> list[str]:
    return [one.code if isinstance(one, Refusal) else "done" for one in outcomes]


# Keys that a lead wants for itself


async def test_within_one_batch_the_second_lead_with_a_key_is_a_duplicate(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    commands = [
        make(actor, channel, fields=profile(slug), unique_by=KeyKind.LINKEDIN) for slug in ("jane", "john", "JANE")
    ]

    outcomes = await owner.core.engine.execute(commands)

    assert codes(outcomes) == ["done", "done", "duplicate"]
    assert isinstance(outcomes[2], Refusal)
    assert outcomes[2].details == {"lead_id": str(commands[0].lead_id)}


async def test_of_many_at_once_from_two_servers_one_comes_in(people: People, database_url: str) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    other = Core(await type(owner.core.database).open(database_url, size=4))
    commands = [make(actor, channel, fields=profile("jane"), unique_by=KeyKind.LINKEDIN) for _ in range(24)]
    try:
        # One call each, so that they meet in different batches and in different processes' transactions.
        waiting = [core.engine.execute([one]) for one, core in zip(commands, [owner.core, other] * 12, strict=True)]
        outcomes = [one for (one,) in await asyncio.gather(*waiting)]
    finally:
        await other.close()

    assert sorted(codes(outcomes)) == ["done"] + ["duplicate"] * 23
    assert await owner.count("leads") == 1


async def test_the_same_key_in_another_channel_or_company_is_no_duplicate(people: People) -> None:
    owner, stranger = people.owner, people.stranger
    here, there, elsewhere = await owner.channel(), await owner.channel(), await stranger.channel()
    for person, channel in ((owner, here), (owner, there), (stranger, elsewhere)):
        command = make(await actor_of(person), channel, fields=profile("jane"), unique_by=KeyKind.LINKEDIN)
        assert codes(await person.core.engine.execute([command])) == ["done"]


async def test_a_number_that_is_free_may_be_asked_for(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)
    wanted = 900_000_000 + int(time.time() * 1000) % 90_000_000
    first, second, third = await owner.core.engine.execute(
        [make(actor, channel, number=wanted), make(actor, channel, number=wanted), make(actor, channel)]
    )

    assert isinstance(first, Done)
    assert first.lead.number == wanted
    assert isinstance(second, Refusal)
    assert second.code is Code.CONFLICT
    assert isinstance(third, Done)
    async with owner.core.database.connection() as connection:
        await leads.reserve_numbers(connection, wanted)
        await leads.reserve_numbers(connection, 1)  # never backwards
    (after,) = await owner.core.engine.execute([make(actor, channel)])
    assert isinstance(after, Done)
    assert after.lead.number > wanted


# What follows, by the door


async def watched(person: Person) -> Channel:
    """A channel with a trigger for new leads and an endpoint that hears everything."""
    channel = await person.channel(currency="EUR")
    await person.trigger(channel, cause="new_lead", amount=Decimal(10))
    await person.trigger(channel, cause="purchase", kind="percent", amount=Decimal(10), repeat=True)
    await person.endpoint(HOOK)
    return channel


async def written(person: Person) -> dict[str, Any]:
    rows = await person.rows("SELECT type, notice FROM events WHERE company_id = $1 ORDER BY seq", person.company_id)
    events = [(row["type"], row["notice"]) for row in rows]
    return {"events": events, "deliveries": await person.count("deliveries"), "rewards": await person.count("rewards")}


async def test_the_form_without_a_key_earns_and_tells_nobody(people: People) -> None:
    owner = people.owner
    channel = await watched(owner)
    actor = visitor(owner.company_id, channel.id, "keenpartner")

    await owner.core.engine.execute_one(make(actor, channel, origin=Origin.PUBLIC_FORM))

    assert await written(owner) == {
        "events": [("lead.created", False), ("reward.created", False)],
        "deliveries": 0,
        "rewards": 1,
    }


async def test_a_visitor_reaches_no_channel_but_the_one_of_the_form(people: People) -> None:
    owner = people.owner
    form, other = await owner.channel(), await owner.channel()
    command = make(visitor(owner.company_id, form.id, "octanist"), other)

    assert codes(await owner.core.engine.execute([command])) == ["channel_forbidden"]


async def test_a_quiet_edit_changes_the_lead_and_nothing_else(people: People) -> None:
    owner = people.owner
    channel, actor = await watched(owner), await actor_of(owner)
    lead = await owner.lead(channel, email="old@example.com")
    before = await written(owner)
    quiet = UpdateLead(actor=actor, lead_id=lead.id, fields={"email": "new@example.com"}, origin=Origin.QUIET_EDIT)

    await owner.core.engine.execute_one(quiet)

    assert await written(owner) == before
    row = (await owner.rows("SELECT email, version FROM leads WHERE id = $1", lead.id))[0]
    assert row == {"email": "new@example.com", "version": 2}
    keys = await owner.rows("SELECT key FROM lead_keys WHERE lead_id = $1", lead.id)
    assert keys == [{"key": "new@example.com"}]


async def test_what_is_imported_is_kept_and_fires_nothing(people: People) -> None:
    owner = people.owner
    channel, actor = await watched(owner), await actor_of(owner)
    steps = tuple(Step(status=StatusRef(name=name)) for name in ("New", "Qualified", "Won"))

    await owner.core.engine.execute_one(make(actor, channel, steps=steps, origin=Origin.IMPORT))

    assert await written(owner) == {
        "events": [("lead.created", False), ("lead.status_changed", False), ("lead.status_changed", False)],
        "deliveries": 0,
        "rewards": 0,
    }


# Purchases


async def test_a_purchase_pays_its_share_and_is_told(people: People) -> None:
    owner = people.owner
    channel, actor = await watched(owner), await actor_of(owner)
    lead = await owner.lead(channel)
    before = await written(owner)
    command = RecordPurchase(actor=actor, lead_id=lead.id, purchase_id=new_id(), amount=Decimal("249.90"))

    await owner.core.engine.execute_one(command)

    after = await written(owner)
    assert after["events"][len(before["events"]) :] == [("purchase.recorded", True), ("reward.created", True)]
    assert after["deliveries"] - before["deliveries"] == 2
    amounts = await owner.rows("SELECT amount, currency FROM rewards WHERE lead_id = $1 ORDER BY id", lead.id)
    assert amounts[-1] == {"amount": Decimal("24.99"), "currency": "EUR"}
    shown = (await owner.http.get(f"/v1/leads/{lead.id}/purchases")).json()["data"]
    assert [(one["amount"], one["currency"]) for one in shown] == [("249.9", "EUR")]


async def test_a_purchase_is_paid_by_the_triggers_that_it_names_and_by_no_paused_one(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(currency="EUR"), await actor_of(owner)
    named, other, paused = [
        await owner.trigger(channel, cause="purchase", amount=Decimal(amount), state=state)
        for amount, state in ((1, "active"), (2, "active"), (4, "paused"))
    ]
    lead = await owner.lead(channel)
    stated = frozenset({named.id, paused.id, new_id()})

    async def paid(trigger_ids: frozenset[UUID] | None) -> list[Decimal]:
        command = RecordPurchase(actor=actor, lead_id=lead.id, purchase_id=new_id(), trigger_ids=trigger_ids)
        await owner.core.engine.execute_one(command)
        rows = await owner.rows("SELECT amount FROM rewards WHERE lead_id = $1 ORDER BY amount", lead.id)
        return [row["amount"] for row in rows]

    assert await paid(frozenset()) == []
    assert await paid(stated) == [Decimal(1)]
    assert await paid(stated) == [Decimal(1)]  # once per lead and trigger
    assert await paid(None) == [Decimal(1), Decimal(2)]
    assert other.amount == 2


# Pausing


async def test_pausing_is_told_once(people: People) -> None:
    owner = people.owner
    channel, actor = await watched(owner), await actor_of(owner)
    for act in (pause, pause, resume, resume):
        await act(owner.core, actor, channel.id)

    assert (await written(owner))["events"] == [("channel.paused", True), ("channel.resumed", True)]
    payloads = await owner.rows("SELECT payload FROM deliveries WHERE company_id = $1 ORDER BY id", owner.company_id)
    told = [json.loads(row["payload"]) for row in payloads]
    assert [(one["type"], one["lead_id"], one["data"]["channel"]["title"]) for one in told] == [
        ("channel.paused", None, channel.title),
        ("channel.resumed", None, channel.title),
    ]


async def test_a_paused_channel_shows_it_and_takes_leads_all_the_same(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()

    shown = (await owner.http.post(f"/v1/channels/{channel.id}/pause")).json()

    assert shown["paused_at"] is not None
    made = await owner.http.post("/v1/leads", json={"channel_id": str(channel.id)})
    assert made.status_code == 201
    assert (await owner.http.post(f"/v1/channels/{channel.id}/resume")).json()["paused_at"] is None


async def test_an_archived_channel_is_not_paused_and_a_partner_pauses_none(people: People) -> None:
    channel = await people.shared_channel()
    by_partner = await people.partner.http.post(f"/v1/channels/{channel.id}/pause")
    await people.owner.http.post(f"/v1/channels/{channel.id}/archive")
    archived = await people.owner.http.post(f"/v1/channels/{channel.id}/pause")

    assert (by_partner.status_code, archived.status_code) == (403, 409)
    assert await people.owner.count("events") == 0


# Ids that clients bring along


async def test_a_channel_is_found_by_the_id_it_had_elsewhere(people: People) -> None:
    owner = people.owner
    status = NewStatus(name="New lead", id=new_id(), category=Category.OPEN)
    channel = await owner.channel(aliases={"sendpilot": "camp_1"}, statuses=(status,))
    core, actor = owner.core, await actor_of(owner)

    async with core.database.connection() as connection:
        for name in ("camp_1", str(channel.id)):
            found = (await core.reader.channel_called(connection, actor, "sendpilot", name)).channel
            assert (found.id, found.called("sendpilot"), found.called("other")) == (
                channel.id,
                "camp_1",
                str(channel.id),
            )
        with pytest.raises(Refused):
            await core.reader.channel_called(connection, actor, "octanist", "camp_1")
        stranger = await actor_of(people.stranger)
        with pytest.raises(Refused):
            await core.reader.channel_called(connection, stranger, "sendpilot", "camp_1")
    assert channel.statuses[0].id == status.id


async def test_a_lead_is_found_by_the_id_it_had_elsewhere(people: People) -> None:
    owner = people.owner
    lead = await owner.lead(await owner.channel(), attribution={"external_ids": {"octanist": "lead_1"}})
    core, actor = owner.core, await actor_of(owner)

    async with core.database.connection() as connection:
        for id in ("lead_1", str(lead.id)):
            found = (await core.reader.lead_called(connection, actor, "octanist", id)).lead
            assert (found.id, found.called("octanist"), found.called("crm")) == (lead.id, "lead_1", str(lead.id))
        for who, id in ((people.owner, "lead_2"), (people.owner, str(new_id())), (people.stranger, "lead_1")):
            with pytest.raises(Refused) as refused:
                await core.reader.lead_called(connection, await actor_of(who), "octanist", id)
            assert refused.value.refusal.code is Code.LEAD_NOT_FOUND


async def test_a_public_channel_is_found_by_both_its_ids_and_a_closed_one_is_not_open(people: People) -> None:
    core = people.owner.core
    before = f"camp {new_id()}"
    open_one = await people.owner.channel(public_submissions=True, aliases={"keenpartner": before})
    closed = await people.owner.channel(aliases={"keenpartner": f"{before} closed"})

    async with core.database.connection() as connection:
        for id in (str(open_one.id), str(open_one.public_id), before):
            assert (await core.reader.public_channel(connection, "keenpartner", id)).channel.id == open_one.id
        for system, id, code in (
            ("keenpartner", str(closed.public_id), Code.FORBIDDEN),
            ("keenpartner", f"{before} closed", Code.CHANNEL_NOT_FOUND),
            ("octanist", before, Code.CHANNEL_NOT_FOUND),
            ("keenpartner", str(new_id()), Code.CHANNEL_NOT_FOUND),
        ):
            with pytest.raises(Refused) as refused:
                await core.reader.public_channel(connection, system, id)
            assert refused.value.refusal.code is code


async def test_an_id_from_elsewhere_that_two_open_channels_had_leads_to_neither(people: People) -> None:
    core, before = people.owner.core, f"camp {new_id()}"
    for person in (people.owner, people.stranger):
        await person.channel(public_submissions=True, aliases={"keenpartner": before})

    async with core.database.connection() as connection:
        with pytest.raises(Refused) as refused:
            await core.reader.public_channel(connection, "keenpartner", before)
    assert refused.value.refusal.code is Code.CHANNEL_NOT_FOUND


# Tokens that stand for a key


async def key_of(person: Person, **wanted: Any) -> tuple[str, str]:
    """A key's id and secret."""
    token = await person.another_key(**wanted)
    rows = await person.rows(
        "SELECT id FROM api_keys WHERE company_id = $1 ORDER BY id DESC LIMIT 1", person.company_id
    )
    return str(rows[0]["id"]), token


async def test_a_token_admits_as_its_key_until_that_is_revoked(people: People) -> None:
    owner, doors = people.owner, people.owner.core.doors
    id, secret = await key_of(owner)

    token = await doors.grant(id, secret, "capillary")

    actor = await doors.admit_granted(token, "capillary")
    assert (str(actor.id), actor.company_id, actor.face) == (id, owner.company_id, "capillary")
    await owner.http.delete(f"/v1/keys/{id}")
    with pytest.raises(Refused) as refused:
        await doors.admit_granted(token, "capillary")
    assert refused.value.refusal.code is Code.UNAUTHORIZED


async def test_a_token_of_somebody_elses_making_admits_nobody(people: People) -> None:
    doors = people.owner.core.doors
    id, secret = await key_of(people.owner)
    other, _ = await key_of(people.stranger)
    good = await doors.grant(id, secret, "capillary")
    expires = int(time.time()) + 60
    forged = [
        "",
        "x",
        good[:-2],
        good + "x",
        jwt.encode({"sub": id, "exp": expires}, "x" * 32),
        jwt.encode({"sub": id, "exp": expires}, None, algorithm="none"),
        jwt.encode({"sub": "x", "exp": expires}, "x" * 32),
        jwt.encode({"exp": expires}, "x" * 32),
        jwt.encode({"sub": str(new_id()), "exp": expires}, "x" * 32),
    ]
    for token in forged:
        with pytest.raises(Refused) as refused:
            await doors.admit_granted(token, "capillary")
        assert refused.value.refusal.code is Code.UNAUTHORIZED, token
    for client, given in ((other, secret), (id, "wrong"), ("no till", secret)):
        with pytest.raises(Refused):
            await doors.grant(client, given, "capillary")


async def test_a_token_has_an_end(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    doors = people.owner.core.doors
    id, secret = await key_of(people.owner)
    monkeypatch.setattr("leadrail.core.companies.doors.GRANTED_S", -1)
    token = await doors.grant(id, secret, "capillary")

    with pytest.raises(Refused):
        await doors.admit_granted(token, "capillary")


async def test_a_till_with_its_own_zone_says_so(people: People) -> None:
    owner = people.owner
    made = await owner.http.post(
        "/v1/keys",
        json={"name": "till", "till": f"till {new_id()}", "password": "long enough", "time_zone": "Asia/Kolkata"},
    )
    wrong = await owner.http.post("/v1/keys", json={"name": "till", "time_zone": "Mars/Base"})

    assert (made.status_code, made.json()["time_zone"]) == (201, "Asia/Kolkata")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "/time_zone")
    async with owner.core.database.connection() as connection:
        credential = await companies.credential_with_id(connection, UUID(made.json()["id"]))
        assert credential is not None
        numbers = await companies.key_numbers(connection, [owner.company_id], [credential.key.id])
        foreign = await companies.key_numbers(connection, [people.stranger.company_id], [credential.key.id])
    assert (credential.key.time_zone, numbers) == ("Asia/Kolkata", {credential.key.id: credential.till_number})
    assert foreign == {}


# Amounts


async def test_an_amount_is_shown_as_it_was_sent_whatever_its_zeros(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(currency="EUR")
    for value in ("20000", "1000000", "0.000001", "0", "12.5"):
        made = (await owner.http.post("/v1/leads", json={"channel_id": str(channel.id), "value": value})).json()
        read = (await owner.http.get(f"/v1/leads/{made['id']}")).json()
        assert (made["value"], read["value"]) == (value, value)
