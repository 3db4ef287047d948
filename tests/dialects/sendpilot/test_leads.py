"""GET leads, the list and one: who sees which, by which words, in which shape."""

from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Channel, PropertyType
from leadrail.core.leads.model import Lead
from leadrail.dialects.words import SENDPILOT
from leadrail.kit.ids import new_id
from tests.dialects.sendpilot.pilot import CAMPAIGN, JOHN, LEAD, add, entry, get, holding, known_as, migrated, patch
from tests.people import NewProperty, NewStatus, People

EMPTY = {"leads": [], "pagination": {"total": 0, "page": 1, "limit": 50, "totalPages": 0}}
MORE = ["about", "connectionCount", "customLeadStatus", "data", "email", "followerCount", "industry"] + [
    "isOpenProfile",
    "isPremium",
    "location",
    "profilePictureUrl",
    "senderId",
    "website",
]


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [lead["id"] for lead in answer.json()["leads"]]


async def test_the_pages_of_a_list_are_the_newest_first_and_complete(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")
    leads = [str((await people.owner.lead(channel)).id) for _ in range(5)]

    pages = [await get(people.owner, "/leads", campaignId=channel.id, limit=2, page=page) for page in (1, 2, 3, 4)]

    assert [ids(page) for page in pages] == [[leads[4], leads[3]], [leads[2], leads[1]], [leads[0]], []]
    assert [page.json()["pagination"] for page in pages] == [
        {"total": 5, "page": page, "limit": 2, "totalPages": 3} for page in (1, 2, 3, 4)
    ]


async def test_without_a_campaign_the_leads_of_all_are_listed(people: People) -> None:
    own, shared = await people.partner.channel(), await people.shared_channel(template="sendpilot")
    first, second = await people.partner.lead(own), await people.owner.lead(shared)
    await people.owner.lead(await people.owner.channel())

    assert set(ids(await get(people.partner, "/leads"))) == {str(first.id), str(second.id)}
    assert ids(await get(people.partner, "/leads", campaignId=shared.id)) == [str(second.id)]


async def test_a_stranger_sees_no_lead(people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")
    lead = await people.owner.lead(channel)

    assert (await get(people.stranger, "/leads")).json() == EMPTY
    assert (await get(people.stranger, "/leads", campaignId=channel.id)).status_code == 403
    assert (await get(people.stranger, f"/leads/{lead.id}")).status_code == 404


async def test_a_key_bound_to_a_channel_sees_no_other(people: People) -> None:
    channel, other = await people.owner.channel(), await people.owner.channel()
    lead, hidden = await people.owner.lead(channel), await people.owner.lead(other)
    async with holding(people.owner, await people.owner.another_key(channel_ids=(channel.id,))) as bound:
        assert ids(await get(bound, "/leads")) == [str(lead.id)]
        assert (await get(bound, "/leads", campaignId=other.id)).status_code == 403
        assert (await get(bound, f"/leads/{hidden.id}")).status_code == 404
        assert (await patch(bound, hidden.id, status="DONE")).status_code == 404


# By status


async def of_statuses(people: People, **wanted: Any) -> tuple[Channel, dict[str, Lead]]:
    """A lead in every status of a channel, by the status's name."""
    channel = await people.owner.channel(**wanted)
    leads = {status.name: await people.owner.lead(channel) for status in channel.statuses}
    for name, lead in leads.items():
        moved = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": name})
        assert moved.status_code == 200, moved.text
    return channel, leads


async def test_every_word_finds_the_leads_that_it_shows(people: People) -> None:
    statuses = tuple(NewStatus(name=word, category=category) for word, category in SENDPILOT.stands_for.items())
    _, leads = await of_statuses(people, statuses=statuses)

    for word, lead in leads.items():
        (only,) = (await get(people.owner, "/leads", status=word.upper())).json()["leads"]
        assert (only["id"], only["status"]) == (str(lead.id), word.upper())


async def test_leads_of_another_way_of_working_are_found_by_their_stage(people: People) -> None:
    _, leads = await of_statuses(people, template="sales")
    _, others = await of_statuses(people, template="sendpilot")

    found = {word: set(ids(await get(people.owner, "/leads", status=word))) for word in ("OPPORTUNITY", "done")}

    assert found == {
        "OPPORTUNITY": {str(leads["Qualified"].id), str(others["OPPORTUNITY"].id)},
        "done": {str(leads["Won"].id), str(others["DONE"].id)},
    }


async def test_a_word_that_no_status_has_finds_nothing(people: People) -> None:
    await people.owner.lead(await people.owner.channel(template="sales"))

    assert (await get(people.owner, "/leads", status="LIKED_POST")).json() == EMPTY


# What is asked


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"status": "SOLD"}, "status must be one of the following values: PENDING, PROCESSING, STARTED"),
        ({"page": 0}, 'page: Expected "int" >= 1'),
        ({"page": "x"}, 'page: Expected "int", got "str"'),
        ({"page": 10**12}, 'page: Expected "int" <= 1000000000'),
        ({"limit": 0}, 'limit: Expected "int" >= 1'),
        ({"limit": 101}, 'limit: Expected "int" <= 100'),
        ({"full": "maybe"}, 'full: Expected "bool", got "str"'),
        ({"campaignId": "a\x00b"}, 'campaignId: The query parameter "campaignId" is not valid UTF-8 text'),
    ],
)
async def test_a_wrong_query_says_what_is_wrong(people: People, query: dict[str, Any], text: str) -> None:
    answer = await get(people.owner, "/leads", **query)

    assert (answer.status_code, answer.json()["message"][: len(text)]) == (400, text)


async def test_blank_and_unknown_parameters_are_passed_over(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    assert ids(await get(people.owner, "/leads", campaignId="", status="", page="", colour="red")) == [str(lead.id)]


async def test_a_far_page_is_empty(people: People) -> None:
    await people.owner.lead(await people.owner.channel())

    far = await get(people.owner, "/leads", page=10**9, limit=100)

    assert (ids(far), far.json()["pagination"]["total"]) == ([], 1)


@pytest.mark.parametrize("campaign", ["camp_nobody", "0190a0a0-0000-7000-8000-000000000000", "\u2028"])
async def test_a_campaign_that_is_not_there_is_a_404(people: People, campaign: str) -> None:
    answer = await get(people.owner, "/leads", campaignId=campaign)

    assert (answer.status_code, answer.json()["message"]) == (404, "Campaign not found")


@pytest.mark.parametrize("id", ["lead_nobody", "0190a0a0-0000-7000-8000-000000000000", "%00", "%C2%85"])
async def test_a_lead_that_is_not_there_is_a_404(people: People, id: str) -> None:
    answer = await get(people.owner, f"/leads/{id}")

    assert (answer.status_code, answer.json()["message"]) == (404, "Lead not found")


# What is shown


@pytest.mark.parametrize("full", ["true", "1"])
async def test_a_full_lead_has_the_newest_members_too(people: People, full: str) -> None:
    channel = await people.owner.channel(
        template="sendpilot", properties=(NewProperty(name="customScore", type=PropertyType.NUMBER),)
    )
    custom = {"industry": "Technology", "customScore": "85", "isPremium": True, "followerCount": "many"}
    await add(people.owner, channel.id, entry("john-doe", email="john@example.com", **custom))
    (short,) = (await get(people.owner, "/leads")).json()["leads"]
    await patch(people.owner, short["id"], customLeadStatus="INTERESTED")

    (listed,) = (await get(people.owner, "/leads", full=full)).json()["leads"]
    one = (await get(people.owner, f"/leads/{short['id']}", full=full)).json()

    assert one == listed
    assert list(one) == list(short) + MORE
    assert {name: value for name, value in one.items() if name in MORE and value is not None} == {
        "customLeadStatus": "INTERESTED",
        "data": {"industry": "Technology", "isPremium": True, "followerCount": "many", "customScore": 85},
        "email": "john@example.com",
        "industry": "Technology",
        "isPremium": True,
    }


@pytest.mark.parametrize("full", ["false", "0"])
async def test_a_lead_is_short_unless_asked_otherwise(people: People, full: str) -> None:
    lead = await people.owner.lead(await people.owner.channel())

    told = (await get(people.owner, f"/leads/{lead.id}", full=full)).json()

    assert list(told.items())[1:7] == [
        ("linkedinUrl", None),
        ("status", "PENDING"),
        *((name, None) for name in ("firstName", "lastName", "title", "company")),
    ]
    assert not set(told) & set(MORE)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("in/John-Doe?miniProfileUrn=urn%3Ali%3Afs_miniProfile%3AACo", JOHN),
        ("www.linkedin.com/in/john-doe/", JOHN),
        ("linkedin.com/in/j%C3%B6rg", "https://www.linkedin.com/in/j%C3%B6rg"),
        ("http://linkedin.com/in/john-doe", "http://linkedin.com/in/john-doe"),
        ("ask John", "ask John"),
    ],
)
async def test_the_address_of_a_profile_is_shown_in_full(people: People, raw: str, shown: str) -> None:
    lead = await people.owner.lead(await people.owner.channel(), linkedin_url=raw)

    assert (await get(people.owner, f"/leads/{lead.id}")).json()["linkedinUrl"] == shown


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"name": "Jane van Doe"}, ("Jane", "van Doe")),
        ({"name": "Cher"}, ("Cher", None)),
        ({"name": "J. Doe", "first_name": "Jane"}, ("Jane", None)),
    ],
)
async def test_a_whole_name_is_shown_in_two_parts(
    people: People, fields: dict[str, Any], names: tuple[str, str | None]
) -> None:
    lead = await people.owner.lead(await people.owner.channel(), **fields)

    told = (await get(people.owner, f"/leads/{lead.id}")).json()

    assert (told["firstName"], told["lastName"]) == names


async def test_a_migrated_lead_is_known_by_both_ids_and_shown_by_the_old_one(people: People) -> None:
    channel = await known_as(people.owner, CAMPAIGN)
    lead = await migrated(people.owner, channel, LEAD)

    shown = [(await get(people.owner, f"/leads/{id}")).json() for id in (LEAD, lead.id)]
    listed = [ids(await get(people.owner, "/leads", campaignId=id)) for id in (CAMPAIGN, channel.id)]

    assert [(one["id"], one["campaignId"]) for one in shown] == [(LEAD, CAMPAIGN)] * 2
    assert listed == [[LEAD]] * 2


async def test_another_companys_old_ids_lead_nowhere(people: People) -> None:
    await migrated(people.owner, await known_as(people.owner, CAMPAIGN), LEAD)

    assert (await get(people.stranger, f"/leads/{LEAD}")).status_code == 404
    assert (await get(people.stranger, "/leads", campaignId=CAMPAIGN)).status_code == 404
    assert (await patch(people.stranger, LEAD, status="DONE")).status_code == 404
    assert (await add(people.stranger, CAMPAIGN, entry(str(new_id())))).status_code == 404
