"""Somebody comes in again: by each policy, in one batch, and from many callers and two servers at once."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from leadrail.core.actor import Actor, visitor
from leadrail.core.channels.commands import NewProperty, update_channel
from leadrail.core.channels.model import Channel, Duplicates, PropertyType
from leadrail.core.core import Core
from leadrail.core.engine import Arrival, Done, Outcome
from leadrail.core.errors import Code, Refusal, Refused
from leadrail.core.leads.commands import Command, CreateLead, EraseLead, Origin, UpdateLead
from leadrail.db.database import Database
from leadrail.kit.ids import new_id
from tests.people import People, Person

EVERY_POLICY = tuple(Duplicates)
JANE = {"email": "Jane@Example.com", "first_name": "Jane"}


async def actor_of(person: Person) -> Actor:
    return await person.core.doors.admit_key(person.key, "api")


def make(actor: Actor, channel: Channel, fields: dict[str, Any], **rest: Any) -> CreateLead:
    return CreateLead(actor=actor, channel_id=channel.id, lead_id=new_id(), fields=fields, **rest)


def ends(outcomes: list[Outcome]) -> list[str]:
    return [one.code if isinstance(one, Refusal) else done(one).arrival for one in outcomes]


def done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


async def arrive(person: Person, channel: Channel, *all_fields: dict[str, Any], **rest: Any) -> list[Outcome]:
    actor = await actor_of(person)
    return await person.core.engine.execute([make(actor, channel, fields, **rest) for fields in all_fields])


async def events_of(person: Person, lead_id: UUID) -> list[str]:
    statement = "SELECT type FROM events WHERE company_id = $1 AND lead_id = $2 ORDER BY seq"
    return [row["type"] for row in await person.rows(statement, person.company_id, lead_id)]


# Each policy


@pytest.mark.parametrize(
    ("policy", "second"),
    [
        (Duplicates.ALLOW, "created"),
        (Duplicates.REJECT, "duplicate"),
        (Duplicates.UPDATE, "updated"),
        (Duplicates.ATTACH, "attached"),
    ],
)
@pytest.mark.parametrize("by_request", [False, True])
async def test_the_policy_of_the_channel_or_of_the_request_decides(
    people: People, policy: Duplicates, second: str, by_request: bool
) -> None:
    owner = people.owner
    other = Duplicates.REJECT if policy is Duplicates.ALLOW else Duplicates.ALLOW
    channel = await owner.channel(duplicates=other if by_request else policy)
    rest = {"on_duplicate": policy} if by_request else {}

    outcomes = await arrive(owner, channel, JANE, {"email": " jane@example.COM", "title": "CEO"}, **rest)

    assert ends(outcomes) == ["created", second]
    assert await owner.count("leads") == (2 if policy is Duplicates.ALLOW else 1)


@pytest.mark.parametrize(
    ("given", "again"),
    [
        ({"email": "jane@example.com"}, {"email": "JANE@example.com"}),
        ({"phone": "+45 12 34 56 78"}, {"phone": "0045-12345678", "first_name": "x"}),
        ({"phone": "+45 12 34 56 78"}, {"phone": "+4512345678"}),
        ({"linkedin_url": "https://www.linkedin.com/in/jane"}, {"linkedin_url": "linkedin.com/in/JANE/"}),
        ({"business_id": "A-1"}, {"business_id": " A-1 "}),
    ],
)
async def test_the_keys_are_compared_in_their_folded_forms(
    people: People, given: dict[str, Any], again: dict[str, Any]
) -> None:
    owner = people.owner
    await owner.http.patch("/v1/company", json={"country": "DK"})
    channel = await owner.channel(duplicates=Duplicates.REJECT)

    assert ends(await arrive(owner, channel, given, again)) == ["created", "duplicate"]


async def test_what_says_nothing_of_who_it_is_is_no_duplicate(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.REJECT)
    external = {"attribution": {"external_ids": {"crm": "5"}}}

    outcomes = await arrive(
        owner, channel, {}, {}, {"email": "no address"}, {"email": "no address"}, external, external
    )

    assert ends(outcomes) == ["created"] * 6


async def test_another_channel_and_another_company_have_people_of_their_own(people: People) -> None:
    for person in (people.owner, people.owner, people.stranger):
        channel = await person.channel(duplicates=Duplicates.REJECT)
        assert ends(await arrive(person, channel, JANE)) == ["created"]


async def test_an_update_adds_and_replaces_and_takes_nothing_away(people: People) -> None:
    owner = people.owner
    size = NewProperty(name="Size", type=PropertyType.NUMBER)
    channel = await owner.channel(duplicates=Duplicates.UPDATE, properties=(size,))
    first = JANE | {"title": "CTO", "notes": "old", "attribution": {"gclid": "1"}}
    actor = await actor_of(owner)
    (made,) = await owner.core.engine.execute([make(actor, channel, first, properties={"Size": 5})])
    again = {"email": "jane@example.com", "title": "CEO", "notes": "", "first_name": None, "attribution": {"utm": "2"}}

    (done,) = await owner.core.engine.execute([make(actor, channel, again, properties={"Size": None})])

    assert isinstance(made, Done)
    assert isinstance(done, Done)
    lead = done.lead
    assert (lead.id, lead.version, lead.title, lead.notes, lead.first_name) == (made.lead.id, 2, "CEO", "old", "Jane")
    assert lead.attribution == {"gclid": "1", "utm": "2"}
    assert list(lead.properties.values()) == [5]
    assert lead.status_id == made.lead.status_id
    assert done.events[0].data["changed"].keys() == {"title", "email", "attribution"}


async def test_an_update_that_brings_nothing_new_changes_nothing(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.UPDATE)

    outcomes = await arrive(owner, channel, JANE, JANE)

    assert ends(outcomes) == ["created", "unchanged"]
    assert await owner.count("events") == 1


async def test_an_attached_arrival_is_written_down_beside_the_lead(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.ATTACH)
    (made,) = await arrive(owner, channel, JANE | {"phone": "+4512345678"})
    before = await owner.rows("SELECT * FROM leads WHERE company_id = $1", owner.company_id)

    again = {"email": "jane@example.com", "phone": "+45 12345678", "notes": "I want two"}
    (done,) = await arrive(owner, channel, again)

    assert isinstance(made, Done)
    assert isinstance(done, Done)
    assert (done.arrival, done.lead) == (Arrival.ATTACHED, made.lead)
    assert await owner.rows("SELECT * FROM leads WHERE company_id = $1", owner.company_id) == before
    (event,) = done.events
    assert (event.data["matched"], event.data["sent"]) == (["email", "phone"], again)
    (note,) = await owner.rows("SELECT text FROM notes WHERE company_id = $1", owner.company_id)
    assert note["text"].splitlines()[1:] == [f"{name}: {value}" for name, value in again.items()]
    assert await events_of(owner, made.lead.id) == ["lead.created", "lead.attached"]


@pytest.mark.parametrize("policy", [Duplicates.UPDATE, Duplicates.ATTACH])
async def test_what_no_new_lead_could_have_is_refused_as_of_one(people: People, policy: Duplicates) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=policy)
    actor = await actor_of(owner)
    await arrive(owner, channel, JANE)

    outcomes = await owner.core.engine.execute(
        [
            make(actor, channel, JANE | {"currency": "euro"}),
            make(actor, channel, JANE, properties={"nothing": 1}),
        ]
    )

    assert ends(outcomes) == ["invalid", "unknown_property"]
    assert await owner.count("events") == 1


@pytest.mark.parametrize("policy", [Duplicates.UPDATE, Duplicates.ATTACH])
async def test_several_that_match_are_named_and_none_is_changed(people: People, policy: Duplicates) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=policy)
    jane, john = await arrive(owner, channel, JANE, {"phone": "+4512345678"})
    before = await owner.digests()

    (refused,) = await arrive(owner, channel, JANE | {"phone": "+4512345678"})

    assert isinstance(jane, Done)
    assert isinstance(john, Done)
    assert isinstance(refused, Refusal)
    assert refused.code is Code.AMBIGUOUS
    assert refused.details == {"lead_ids": sorted((str(jane.lead.id), str(john.lead.id)))}
    assert await owner.digests() == before


async def test_a_rejection_names_all_that_match(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.REJECT)
    await arrive(owner, channel, JANE, {"phone": "+4512345678"})

    one, both = await arrive(owner, channel, JANE, JANE | {"phone": "+4512345678"})

    assert isinstance(one, Refusal)
    assert one.details.keys() == {"lead_id"}
    assert isinstance(both, Refusal)
    assert len(both.details["lead_ids"]) == 2


# As the leads are by then


async def test_a_batch_sees_what_it_has_done_itself(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.REJECT)
    actor = await actor_of(owner)
    jane, john = make(actor, channel, JANE), make(actor, channel, {"email": "john@example.com"})
    await owner.core.engine.execute([jane, john])
    commands: list[Command] = [
        UpdateLead(actor=actor, lead_id=jane.lead_id, fields={"email": "new@example.com"}),
        make(actor, channel, {"email": "new@example.com"}),
        make(actor, channel, JANE),
        EraseLead(actor=actor, lead_id=john.lead_id),
        make(actor, channel, {"email": "john@example.com"}),
        make(actor, channel, {"email": "john@example.com"}),
    ]

    outcomes = await owner.core.engine.execute(commands)

    codes = [one.code if isinstance(one, Refusal) else "done" for one in outcomes]
    assert codes == ["done", "duplicate", "done", "done", "done", "duplicate"]


async def test_one_who_was_found_by_the_rules_of_a_former_country_still_is(people: People) -> None:
    owner = people.owner
    await owner.http.patch("/v1/company", json={"country": "DK"})
    channel = await owner.channel(duplicates=Duplicates.REJECT)
    await arrive(owner, channel, {"phone": "12 34 56 78"})
    await owner.http.patch("/v1/company", json={"country": "DE"})

    assert ends(await arrive(owner, channel, {"phone": "+4512345678"})) == ["duplicate"]


async def test_an_archived_channel_takes_nobody_again(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.UPDATE)
    await arrive(owner, channel, JANE)
    await owner.http.post(f"/v1/channels/{channel.id}/archive")

    assert ends(await arrive(owner, channel, JANE | {"title": "CEO"})) == ["channel_archived"]


@pytest.mark.parametrize("policy", EVERY_POLICY)
async def test_a_stranger_does_not_learn_who_is_there(people: People, policy: Duplicates) -> None:
    channel = await people.owner.channel(duplicates=policy)
    await arrive(people.owner, channel, JANE)

    (refused,) = await arrive(people.stranger, channel, JANE)

    assert isinstance(refused, Refusal)
    assert (refused.code, refused.details) == (Code.CHANNEL_FORBIDDEN, {})


# Somebody without a key


@pytest.mark.parametrize("origin", [Origin.STANDARD, Origin.PUBLIC_FORM])
async def test_a_visitor_changes_nobody_and_learns_nothing(people: People, origin: Origin) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.UPDATE, public_submissions=True)
    made, _ = await arrive(owner, channel, JANE | {"notes": "secret"}, {"phone": "+4512345678"})
    someone = visitor(owner.company_id, channel.id, "octanist")
    sent = make(someone, channel, {"email": "jane@example.com", "first_name": "Eve"}, origin=origin)

    done = await owner.core.engine.execute_one(sent)

    assert isinstance(made, Done)
    assert isinstance(done, Done)
    assert done.lead.id == sent.lead_id != made.lead.id
    assert (done.lead.notes, done.lead.first_name) == (None, "Eve")
    (row,) = await owner.rows("SELECT first_name, version FROM leads WHERE id = $1", made.lead.id)
    assert row == {"first_name": "Jane", "version": 1}
    assert await events_of(owner, made.lead.id) == ["lead.created", "lead.attached"]
    assert await events_of(owner, sent.lead_id) == []


async def test_a_visitor_who_could_be_several_is_one_more_lead(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.ATTACH)
    await arrive(owner, channel, JANE, {"phone": "+4512345678"})
    someone = visitor(owner.company_id, channel.id, "octanist")

    done = await owner.core.engine.execute_one(make(someone, channel, JANE | {"phone": "+4512345678"}))

    assert isinstance(done, Done)
    assert done.arrival is Arrival.CREATED
    assert await owner.count("leads") == 3


async def test_a_visitor_who_is_rejected_is_not_told_by_which_lead(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(duplicates=Duplicates.REJECT)
    await arrive(owner, channel, JANE)
    someone = visitor(owner.company_id, channel.id, "octanist")

    with pytest.raises(Refused) as refused:
        await owner.core.engine.execute_one(make(someone, channel, JANE))

    assert (refused.value.refusal.code, refused.value.refusal.details) == (Code.DUPLICATE, {})


# At once


@pytest.fixture(scope="module")
async def other(database_url: str) -> Any:
    """A second core on the same database: another process, as far as the database can tell."""
    core = Core(await Database.open(database_url, size=4))
    yield core
    await core.close()


@pytest.mark.parametrize(
    ("policy", "others"),
    [(Duplicates.REJECT, "duplicate"), (Duplicates.UPDATE, "updated"), (Duplicates.ATTACH, "attached")],
)
async def test_of_many_at_once_from_two_servers_one_is_made(
    people: People, other: Core, policy: Duplicates, others: str
) -> None:
    owner = people.owner
    channel, actor = await owner.channel(duplicates=policy), await actor_of(owner)
    # Everybody has one of three keys, so each caller takes a lock that two others want, in whatever order they come.
    people_sent = [
        {"email": "jane@example.com", "phone": "+4512345678", "title": str(n)}
        if n % 3 == 0
        else {"email": "jane@example.com", "title": str(n)}
        if n % 3 == 1
        else {"phone": "+4512345678", "title": str(n)}
        for n in range(48)
    ]
    first = make(actor, channel, people_sent[0])
    await owner.core.engine.execute([first])
    commands = [make(actor, channel, fields) for fields in people_sent[1:]]

    waiting = [core.engine.execute([one]) for one, core in zip(commands, [owner.core, other] * 24, strict=False)]
    outcomes = [one for (one,) in await asyncio.gather(*waiting)]

    assert Counter(ends(outcomes)) == {others: 47}
    assert await owner.count("leads") == 1


async def test_arrivals_and_edits_of_the_same_leads_wait_for_each_other_and_never_in_a_circle(
    people: People, other: Core
) -> None:
    owner = people.owner
    channel, actor = await owner.channel(duplicates=Duplicates.UPDATE), await actor_of(owner)
    made = [make(actor, channel, {"email": f"{n}@example.com"}) for n in range(8)]
    await owner.core.engine.execute(made)
    batches: list[list[Command]] = []
    for round_ in range(24):
        order = made if round_ % 2 else made[::-1]
        batches.append(
            [
                UpdateLead(actor=actor, lead_id=one.lead_id, fields={"title": str(round_)})
                if (round_ + place) % 2
                else make(actor, channel, dict(one.fields) | {"notes": str(round_)})
                for place, one in enumerate(order)
            ]
        )

    cores = [owner.core, other] * 12
    outcomes = await asyncio.gather(*(core.engine.execute(batch) for batch, core in zip(batches, cores, strict=True)))

    assert [one for batch in outcomes for one in batch if isinstance(one, Refusal)] == []
    assert await owner.count("leads") == 8
    (row,) = await owner.rows("SELECT sum(version) AS n FROM leads WHERE company_id = $1", owner.company_id)
    assert row["n"] == 8 + 24 * 8
    assert await owner.count("events") == 8 + 24 * 8


async def test_a_policy_that_is_made_stricter_holds_for_all_that_come_after(people: People) -> None:
    owner = people.owner
    channel, actor = await owner.channel(), await actor_of(owner)

    async def tighten() -> None:
        async with owner.core.database.transaction() as connection:
            locked = (await owner.core.reader.own_channel(connection, actor, channel.id)).channel
            await update_channel(
                connection, locked, title="x", currency=None, public_submissions=False, duplicates=Duplicates.REJECT
            )

    await asyncio.gather(tighten(), *(arrive(owner, channel, JANE) for _ in range(20)))

    assert ends(await arrive(owner, channel, JANE)) == ["duplicate"]
