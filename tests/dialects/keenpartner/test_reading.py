"""get_channels, get_leads, get_lead_by_id, get_lead_by_legacy_id: the pages' examples, and who sees what."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.commands import archive_channel, archive_property
from leadrail.core.channels.model import Channel, Member, PropertyType, Role
from leadrail.core.leads.commands import CreateLead, Origin
from leadrail.core.leads.model import Lead
from leadrail.dialects.keenpartner.calls import Generation
from leadrail.dialects.keenpartner.leads import MOST_LEADS
from leadrail.kit.ids import new_id
from tests.dialects.keenpartner import keen
from tests.dialects.keenpartner.keen import ask, error, sample, with_ids
from tests.people import NewProperty, NewStatus, People, Person

DEAL_SIZE = NewProperty(name="Deal size", type=PropertyType.NUMBER)
BOOLEAN = PropertyType.BOOLEAN
BOTH = pytest.mark.parametrize("path", [keen.KEEN_API, keen.OPENAPI_OPERATIONS])
NOBODY = "0190a0a0-0000-7000-8000-000000000000"


async def with_key(person: Person, action: str, key: str, **members: Any) -> Any:
    body = {"action": action} | {name: str(value) for name, value in members.items()}
    return await person.http.post(keen.KEEN_API, json=body, headers={"X-Api-Key": key})


async def smith(people: People, **beside: Any) -> tuple[Channel, Lead]:
    """The lead of the nested samples."""
    channel = await people.owner.channel(template="keenpartner", properties=(DEAL_SIZE,))
    lead = await people.owner.lead(
        channel,
        {"Deal size": "50000"},
        email="jane@example.com",
        first_name="Jane",
        last_name="Smith",
        phone="+1-555-0199",
        company_name="Smith Consulting",
        source="Website",
        notes="Interested in enterprise plan",
        **beside,
    )
    await ask(people.owner, "update_status", lead_id=lead.id, status="Qualified")
    return channel, lead


def ids_of(channel: Channel, lead: Lead, shown: dict[str, Any]) -> dict[str, Any]:
    definition = channel.properties[0].id
    return {
        keen.CHANNEL: channel.id,
        keen.DEFINITION: definition,
        keen.LEAD: lead.id,
        keen.MOMENT: shown["created_at"],
        keen.QUALIFIED_STATUS: channel.statuses[1].id,
        keen.VALUE: uuid5(lead.id, str(definition)),
    }


async def arrived(person: Person, channel: Channel, at: datetime, **fields: Any) -> Lead:
    """A lead that came to be then, wherever that was."""
    actor = await person.core.doors.admit_key(person.key, "api")
    command = CreateLead(
        actor=actor, channel_id=channel.id, lead_id=new_id(), fields=fields, at=at, origin=Origin.IMPORT
    )
    return (await person.core.engine.execute_one(command)).lead  # type: ignore[union-attr]  # never an Answer


# get_channels


@BOTH
async def test_the_channels_are_answered_as_on_the_page_in_its_order(people: People, path: str) -> None:
    page = sample("get_channels")
    shown = page["answer"]["channels"][0]
    channel = await people.owner.channel(
        title=shown["title"],
        currency="USD",
        statuses=tuple(NewStatus(name=one["status"], color=one["color"]) for one in shown["lead_status"]),
        properties=(DEAL_SIZE,),
        members=(
            Member(people.partner.company_id, Role.REFERRING),
            Member(people.owner.company_id, Role.RECEIVING),
        ),
    )

    answer = await people.owner.http.post(path, json=page["request"])

    ids = {
        keen.CHANNEL: channel.id,
        keen.DEFINITION: channel.properties[0].id,
        keen.NEW_STATUS: channel.statuses[0].id,
        keen.QUALIFIED_STATUS: channel.statuses[1].id,
        shown["referring_id"]: people.partner.company_id,
        shown["creator"]: people.owner.company_id,
        shown["created_at"]: answer.json()["channels"][0]["created_at"],
    }
    assert (answer.status_code, answer.text) == (200, compact(with_ids(page["answer"], ids)))


async def test_a_channel_without_partners_has_none_and_a_partner_is_named(people: People) -> None:
    await people.owner.channel()
    await people.owner.channel(members=(Member(people.stranger.company_id, Role.PARTNER),))

    alone, shared = (await ask(people.owner, "get_channels")).json()["channels"]

    assert (alone["referring_id"], alone["receiving_id"], alone["currency"]) == (None, None, None)
    assert "partner_companies_id" not in alone
    assert shared["partner_companies_id"] == str(people.stranger.company_id)


async def test_every_member_sees_a_shared_channel_and_nobody_else_does(people: People) -> None:
    channel = await people.shared_channel(template="sales", public_submissions=True)

    seen = {name: (await ask(getattr(people, name), "get_channels")).json() for name in ("owner", "partner")}
    unseen = (await ask(people.stranger, "get_channels")).json()

    assert seen["owner"] == seen["partner"]
    (shown,) = seen["owner"]["channels"]
    assert (shown["id"], shown["no_auth_api"]) == (str(channel.id), True)
    assert [one["status"] for one in shown["lead_status"]] == ["New", "Qualified", "Won", "Lost"]
    assert unseen == {"channels": []}


async def test_archived_channels_properties_and_those_of_other_keys_are_left_out(people: People) -> None:
    kept = await people.owner.channel(properties=(DEAL_SIZE, NewProperty(name="Region", visible=False)))
    gone, other = await people.owner.channel(), await people.owner.channel()
    async with people.owner.core.database.transaction() as connection:
        await archive_channel(connection, gone, datetime.now(UTC))
        await archive_property(connection, kept, kept.properties[0].id)
    key = await people.owner.another_key(channel_ids=(kept.id, gone.id))

    everything = (await ask(people.owner, "get_channels")).json()["channels"]
    bound = (await with_key(people.owner, "get_channels", key)).json()["channels"]

    assert [one["id"] for one in everything] == [str(kept.id), str(other.id)]
    assert [one["id"] for one in bound] == [str(kept.id)]
    (region,) = bound[0]["property_definitions"]
    assert (region["name"], region["visible"]) == ("Region", False)


# get_leads


async def test_the_newest_list_is_bare_and_flat_as_on_the_page(people: People) -> None:
    page = sample("get_leads")
    shown = page["answer"][0]
    statuses, properties = (NewStatus(name="New"),), (DEAL_SIZE, NewProperty(name="Region"))
    channel = await people.owner.channel(statuses=statuses, properties=properties)
    names = ("email", "first_name", "last_name", "phone", "company_name", "source", "business_id", "notes")
    fields = {name: shown[name] for name in names} | {"attribution": {"referred_by": shown["referring_employee"]}}
    lead = await people.owner.lead(channel, {"Deal size": 50000, "Region": "EMEA"}, **fields)

    answer = await people.owner.http.post(keen.KEEN_API, json=with_ids(page["request"], {keen.CHANNEL: channel.id}))

    ids = {keen.LEAD: lead.id, shown["created_at"]: answer.json()[0]["created_at"]}
    assert (answer.status_code, answer.text) == (200, compact(with_ids(page["answer"], ids)))


async def test_the_first_list_is_nested_as_on_the_page(people: People) -> None:
    (channel, lead), page = await smith(people), sample("get_leads_first")
    request = with_ids(page["request"], {keen.CHANNEL: channel.id})

    answer = await people.owner.http.post(keen.OPENAPI_OPERATIONS, json=request)

    expected = with_ids(page["answer"], ids_of(channel, lead, answer.json()["leads"][0]))
    assert (answer.status_code, answer.text) == (200, compact(expected))


@BOTH
async def test_the_newest_come_first_by_when_they_came_to_be(people: People, path: str) -> None:
    channel, now = await people.owner.channel(), datetime.now(UTC)
    for name, days in (("middle", 2), ("newest", 1), ("oldest", 3)):
        await arrived(people.owner, channel, now - timedelta(days=days), first_name=name)

    answer = (await ask(people.owner, "get_leads", channel_id=channel.id, path=path)).json()

    rows = answer["leads"] if path == keen.OPENAPI_OPERATIONS else answer
    assert [one["first_name"] for one in rows] == ["newest", "middle", "oldest"]


async def test_the_newest_list_has_a_hundred_leads_at_most_and_the_first_one_more(people: People) -> None:
    channel = await people.owner.channel()
    actor = await people.owner.core.doors.admit_key(people.owner.key, "api")
    commands = [CreateLead(actor=actor, channel_id=channel.id, lead_id=new_id()) for _ in range(101)]
    await people.owner.core.engine.execute(commands)

    newest = (await ask(people.owner, "get_leads", channel_id=channel.id)).json()
    first = (await ask(people.owner, "get_leads", channel_id=channel.id, path=keen.OPENAPI_OPERATIONS)).json()

    assert (len(newest), len(first["leads"])) == (MOST_LEADS[Generation.NEWEST], 101)
    assert [one["id"] for one in newest] == [one["id"] for one in first["leads"]][:100]


async def test_a_property_gives_way_to_a_member_of_its_name_and_is_absent_without_a_value(people: People) -> None:
    properties = (NewProperty(name="status"), NewProperty(name="Empty"), NewProperty(name="Yes", type=BOOLEAN))
    channel = await people.owner.channel(template="octanist", properties=properties)
    await people.owner.lead(channel, {"status": "shadow", "Yes": True})

    (lead,) = (await ask(people.owner, "get_leads", channel_id=channel.id)).json()

    assert lead["status"] == "open"
    assert (lead["Yes"], "Empty" in lead) == ("true", False)


@BOTH
async def test_a_list_shows_no_lead_of_another_channel(people: People, path: str) -> None:
    channel, other = await people.owner.channel(), await people.owner.channel()
    await people.owner.lead(other, first_name="Jane")

    answer = await ask(people.owner, "get_leads", channel_id=channel.id, path=path)

    assert answer.json() == ({"leads": []} if path == keen.OPENAPI_OPERATIONS else [])


@BOTH
async def test_a_list_of_a_channel_that_is_not_ours_is_refused(people: People, path: str) -> None:
    channel, other = await people.shared_channel(), await people.owner.channel()
    key = await people.owner.another_key(channel_ids=(other.id,))

    answers = [
        await ask(people.stranger, "get_leads", channel_id=channel.id, path=path),
        await ask(people.owner, "get_leads", channel_id=NOBODY, path=path),
        await with_key(people.owner, "get_leads", key, channel_id=channel.id),
    ]

    refused = sample("error")["answer"]["error"]
    assert [error(answer) for answer in answers] == [(403, refused)] * 3
    assert error(await ask(people.owner, "get_leads", path=path)) == (400, "channel_id required")
    assert error(await ask(people.owner, "get_leads", channel_id="7", path=path)) == (400, "channel_id is not a UUID")


async def test_a_channel_that_moved_here_is_known_and_shown_by_the_id_that_it_had(people: People) -> None:
    old = str(new_id())
    channel = await people.owner.channel(template="keenpartner", aliases={"keenpartner": old})

    made = await ask(people.owner, "create_lead", channel_id=old, email="jane@example.com")

    lead_id = made.json()["lead"]["id"]
    by_old_id = (await ask(people.owner, "get_leads", channel_id=old.upper())).json()
    by_our_id = (await ask(people.owner, "get_leads", channel_id=channel.id)).json()
    one = (await ask(people.owner, "get_lead_by_id", lead_id=lead_id)).json()["lead"]
    moved = (await ask(people.owner, "update_status", lead_id=lead_id, status="Won")).json()["lead"]
    (shown,) = (await ask(people.owner, "get_channels")).json()["channels"]
    assert [row["id"] for row in by_old_id] == [row["id"] for row in by_our_id] == [lead_id]
    assert {made.json()["lead"]["channels_id"], one["channels_id"], moved["channels_id"], shown["id"]} == {old}
    assert error(await ask(people.stranger, "create_lead", channel_id=old)) == (403, "Channel not accessible")


async def test_the_id_that_a_channel_had_is_ours_though_it_names_anothers_channel_too(people: People) -> None:
    theirs = await people.stranger.channel()
    await people.owner.channel(aliases={"keenpartner": str(theirs.id)})

    made = await ask(people.owner, "create_lead", channel_id=theirs.id)

    assert made.status_code == 200, made.text
    assert [await person.count("leads") for person in (people.owner, people.stranger)] == [1, 0]


# get_lead_by_id


@BOTH
async def test_a_lead_is_answered_as_on_the_page_in_its_order(people: People, path: str) -> None:
    page = sample("get_lead_by_id")
    shown = page["answer"]["lead"]
    channel = await people.owner.channel(template="keenpartner", properties=(NewProperty(name="Segment"),))
    names = ("email", "first_name", "last_name", "phone", "company_name", "source", "business_id", "notes")
    fields = {name: shown[name] for name in names} | {"attribution": {"referred_by": shown["referring_employee"]}}
    lead = await people.owner.lead(channel, {"Segment": "Enterprise"}, **fields)
    await ask(people.owner, "update_status", lead_id=lead.id, status="Qualified")

    answer = await people.owner.http.post(path, json=with_ids(page["request"], {keen.LEAD: lead.id}))

    ids = ids_of(channel, lead, answer.json()["lead"]) | {shown["created_at"]: answer.json()["lead"]["created_at"]}
    expected = with_ids(page["answer"], ids)
    expected["lead"]["property_values"][0]["property_definitions"]["type"] = "text"
    assert (answer.status_code, answer.text) == (200, compact(expected))


@pytest.mark.parametrize("template", ["sales", "sendpilot", "octanist", "capillary"])
async def test_leads_of_other_ways_of_working_are_read_and_moved_by_their_own_names(
    people: People, template: str
) -> None:
    channel = await people.shared_channel(template=template)
    lead = await people.owner.lead(channel)
    target = channel.statuses[3]

    moved = await ask(people.partner, "update_status_id", lead_id=lead.id, status_id=target.id)

    seen = (await ask(people.partner, "get_lead_by_id", lead_id=lead.id)).json()["lead"]
    assert moved.status_code == 200, moved.text
    assert seen["status"] == seen["lead_status"]["status"] == target.name


async def test_a_lead_that_is_not_ours_is_told_apart_from_none(people: People) -> None:
    channel, other = await people.owner.channel(), await people.owner.channel()
    lead = await people.owner.lead(channel, email="jane@example.com")
    key = await people.owner.another_key(channel_ids=(other.id,))

    stranger = await ask(people.stranger, "get_lead_by_id", lead_id=lead.id)
    bound = await with_key(people.owner, "get_lead_by_id", key, lead_id=lead.id)
    none = await ask(people.owner, "get_lead_by_id", lead_id=NOBODY)

    assert [error(stranger), error(bound)] == [(403, "Lead not accessible")] * 2
    assert error(none) == (404, "Lead not found")
    assert error(await ask(people.owner, "get_lead_by_id")) == (400, "lead_id required")
    assert error(await ask(people.owner, "get_lead_by_id", lead_id="12")) == (400, "lead_id is not a UUID")


# get_lead_by_legacy_id


@BOTH
async def test_a_lead_is_found_by_the_number_that_it_had_at_the_vendor(people: People, path: str) -> None:
    page = sample("get_lead_by_legacy_id")
    number = page["request"]["legacy_id"]
    channel, lead = await smith(people, attribution={"external_ids": {"keenpartner_legacy": str(number)}})

    answer = await people.owner.http.post(path, json=page["request"])

    expected = with_ids(page["answer"], ids_of(channel, lead, answer.json()["lead"]))
    assert (answer.status_code, answer.text) == (200, compact(expected))
    assert answer.json()["lead"]["legacy_id"] == number


async def test_a_lead_that_was_never_there_is_found_by_its_number_here(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel())

    for given in (lead.number, str(lead.number), float(lead.number)):
        shown = (await ask(people.partner, "get_lead_by_legacy_id", legacy_id=given)).json()["lead"]
        assert (shown["id"], shown["legacy_id"]) == (str(lead.id), lead.number)


async def test_the_vendors_number_goes_before_ours(people: People) -> None:
    channel = await people.owner.channel()
    plain = await people.owner.lead(channel)
    moved_in = await people.owner.lead(channel, attribution={"external_ids": {"keenpartner_legacy": plain.number}})

    by_the_vendors = await ask(people.owner, "get_lead_by_legacy_id", legacy_id=plain.number)
    by_ours = await ask(people.owner, "get_lead_by_legacy_id", legacy_id=moved_in.number)

    assert by_the_vendors.json()["lead"]["id"] == str(moved_in.id)
    assert error(by_ours) == (404, "Lead not found")


@pytest.mark.parametrize(
    ("aliases", "attribution"),
    [({"keenpartner": keen.CHANNEL}, {}), ({}, {"external_ids": {"keenpartner": keen.LEAD}})],
)
async def test_what_moved_here_without_its_number_is_not_mistaken_for_another(
    people: People, aliases: dict[str, str], attribution: dict[str, Any]
) -> None:
    lead = await people.owner.lead(await people.owner.channel(aliases=aliases), attribution=attribution)

    answer = await ask(people.owner, "get_lead_by_legacy_id", legacy_id=lead.number)

    assert error(answer) == (404, "Lead not found")


@pytest.mark.parametrize("junk", ["abc", "9" * 30, True, [1], {}])
async def test_an_external_id_that_is_no_number_breaks_nothing(people: People, junk: Any) -> None:
    lead = await people.owner.lead(
        await people.owner.channel(), attribution={"external_ids": {"keenpartner_legacy": junk}}
    )

    shown = (await ask(people.owner, "get_lead_by_legacy_id", legacy_id=lead.number)).json()["lead"]

    assert shown["legacy_id"] == lead.number


async def test_a_number_that_is_not_ours_is_told_apart_from_none(people: People) -> None:
    channel, other = await people.owner.channel(), await people.owner.channel()
    plain, theirs = await people.owner.lead(channel), new_id().int % (1 << 62)
    await people.owner.lead(channel, attribution={"external_ids": {"keenpartner_legacy": theirs}})
    key = await people.owner.another_key(channel_ids=(other.id,))

    for number in (plain.number, theirs):
        stranger = await ask(people.stranger, "get_lead_by_legacy_id", legacy_id=number)
        bound = await with_key(people.owner, "get_lead_by_legacy_id", key, legacy_id=number)
        assert [error(stranger), error(bound)] == [(403, "Lead not accessible")] * 2
    assert error(await ask(people.owner, "get_lead_by_legacy_id", legacy_id=-1)) == (404, "Lead not found")


@pytest.mark.parametrize("given", [None, "", "abc", 1.5, [], {}, 1 << 63, 1 << 80])
async def test_what_is_no_number_is_a_400(people: People, given: Any) -> None:
    answer = await people.owner.http.post(keen.KEEN_API, json={"action": "get_lead_by_legacy_id", "legacy_id": given})

    assert error(answer) == (400, "legacy_id required")


# What all of them have in common


@pytest.mark.parametrize("action", ["get_channels", "get_leads", "get_lead_by_id", "get_lead_by_legacy_id"])
async def test_a_key_that_only_writes_reads_nothing(people: People, action: str) -> None:
    key = await people.owner.another_key(scopes=(Scope.WRITE,))

    answer = await with_key(people.owner, action, key)

    assert error(answer) == (403, 'The API key lacks the scope "read"')
    assert error(await with_key(people.owner, action, "nonsense")) == (401, "Invalid API key")


async def test_reading_writes_nothing(people: People) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)
    before = await people.owner.counts()

    await ask(people.owner, "get_channels")
    await ask(people.owner, "get_leads", channel_id=channel.id)
    await ask(people.owner, "get_lead_by_id", lead_id=lead.id)
    await ask(people.owner, "get_lead_by_legacy_id", legacy_id=lead.number)

    assert await people.owner.counts() == before


def compact(value: Any) -> str:
    """The bytes that the server sends for it: order, and what is a number and what a text, count."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
