"""How often each reason was given: what counts as a move, which leads stand with it, and who sees whose."""

from typing import Any

import pytest

from leadrail.api.reasons import MOST_TEXTS
from leadrail.core.actor import Scope
from leadrail.core.channels.model import Category, Channel
from leadrail.core.leads.model import Lead
from tests.api.answers import good, refused
from tests.api.test_reasons import add, archive, move, read
from tests.people import NOBODYS, NewStatus, People, Person

COUNTS = "/v1/reasons/counts"
Rows = dict[str, tuple[int, int]]


async def counted(person: Person, **query: Any) -> Rows:
    """Leads and moves of each reason; of a listed one under its text with a star."""
    answer = good(await person.http.get(COUNTS, params=query))
    assert answer["others"] is None
    return {f"{row['reason']}{'*' if row['reason_id'] else ''}": (row["leads"], row["moves"]) for row in answer["data"]}


async def lead_moved(person: Person, channel: Channel, *changes: dict[str, Any]) -> Lead:
    lead = await person.lead(channel)
    for change in changes:
        await move(person, lead, **change)
    return lead


@pytest.fixture
async def channel(people: People) -> Channel:
    return await people.shared_channel()


async def test_moves_and_leads_are_counted_by_reason(people: People, channel: Channel) -> None:
    await add(people.owner, "Price")
    lost, won = {"reason": "price"}, {"status": "Won", "reason": "Nice people"}
    await lead_moved(people.owner, channel, lost)
    await lead_moved(people.owner, channel, lost, {"status": "New"}, lost)  # twice
    await lead_moved(people.owner, channel, lost, {"status": "New"})  # not there any more
    await lead_moved(people.owner, channel, lost, won)  # there with another
    await lead_moved(people.owner, channel, {"reason": "nice PEOPLE"})
    await lead_moved(people.owner, channel, {"note": "no reason"})

    answer = good(await people.owner.http.get(COUNTS))

    assert [(row["reason"], row["leads"], row["moves"]) for row in answer["data"]] == [
        ("Price", 2, 5),
        ("Nice people", 2, 2),
    ]
    assert [row["reason_id"] is None for row in answer["data"]] == [False, True]


async def test_a_reason_given_where_the_lead_is_counts_and_one_that_it_keeps_does_not(
    people: People, channel: Channel
) -> None:
    await add(people.owner, "Price")
    await people.owner.http.post("/v1/sub-statuses", json={"category": "lost", "name": "Later"})
    kept = {"sub_status": "later"}  # an event in the same status, with the reason that the lead has
    await lead_moved(people.owner, channel, {"reason": "price"}, kept, {"reason": "Mood"}, {"reason": "price"})

    assert await counted(people.owner) == {"Price*": (1, 2), "Mood": (0, 1)}


async def test_a_status_on_the_way_counts_for_itself(people: People, channel: Channel) -> None:
    await lead_moved(people.owner, channel, {"status": "Won", "reason": "Nice people", "also_qualified": True})

    assert await counted(people.owner, category="qualified") == {"Nice people": (0, 1)}
    assert await counted(people.owner, category="won") == {"Nice people": (1, 1)}


async def test_a_renamed_and_archived_reason_counts_under_its_name_of_today(people: People, channel: Channel) -> None:
    reason = await add(people.owner, "Price")
    await lead_moved(people.owner, channel, {"reason": "price"})
    await people.owner.http.patch(f"/v1/reasons/{reason['id']}", json={"text": "Dear"})
    await lead_moved(people.owner, channel, {"reason": "dear"})
    await lead_moved(people.owner, channel, {"reason": "Price"})  # the old text is a text like any other now

    await archive(people.owner, reason)

    assert await counted(people.owner) == {"Dear*": (2, 2), "Price": (1, 1)}


async def test_a_text_that_came_into_the_list_counts_with_it(people: People, channel: Channel) -> None:
    await lead_moved(people.owner, channel, {"reason": "PRICE"})
    await add(people.owner, "Price")
    await lead_moved(people.owner, channel, {"reason": "price"})

    assert await counted(people.owner) == {"Price*": (2, 2)}


async def test_counts_are_narrowed_by_channel_status_category_and_time(people: People, channel: Channel) -> None:
    other = await people.owner.channel(statuses=(NewStatus(name="New"), NewStatus(name="Gone", category=Category.LOST)))
    await lead_moved(people.owner, channel, {"reason": "A", "at": "2026-01-10T00:00:00Z"})
    await lead_moved(people.owner, channel, {"status": "Won", "reason": "B", "at": "2026-01-20T00:00:00Z"})
    await lead_moved(people.owner, other, {"status": "Gone", "reason": "C", "at": "2026-01-20T00:00:00Z"})

    async def names(**query: Any) -> str:
        return "".join(sorted(await counted(people.owner, **query)))

    assert await names() == "ABC"
    assert await names(channel=str(other.id)) == "C"
    assert await names(status="LOST") == "A"
    assert await names(category="lost") == "AC"
    assert await names(category="lost", status="won") == await names(status="nowhere") == ""
    assert await names(since="2026-01-20T00:00:00Z") == "BC"
    assert await names(until="2026-01-20T00:00:00Z") == "A"
    assert await names(since="2026-01-10T00:00:00Z", until="2026-01-10T00:00:00.000001Z") == "A"


async def test_moves_into_a_status_that_was_removed_still_count(people: People, channel: Channel) -> None:
    lead = await lead_moved(people.owner, channel, {"reason": "A"})
    lost = channel.status_by_name["lost"].id

    path = f"/v1/channels/{channel.id}/statuses/{lost}"
    gone = await people.owner.http.delete(path, params={"move_to": str(channel.status_by_name["new"].id)})

    assert gone.status_code == 204
    assert (await read(people.owner, lead))["reason"] is None
    assert await counted(people.owner, category="lost") == {"A": (0, 1)}


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"}, (422, "invalid", "?until")),
        ({"since": "2026-01-02T00:00:00"}, (400, "malformed", "?since")),
        ({"until": "0001-01-01T00:00:00+14:00"}, (422, "invalid", "/until")),
        ({"category": "odd"}, (400, "malformed", "?category")),
        ({"channel": NOBODYS}, (404, "channel_not_found", "/channel_id")),
        ({"channel_id": NOBODYS}, (400, "malformed", "?channel_id")),
    ],
)
async def test_a_question_that_is_none_is_refused(people: People, query: Any, answer: Any) -> None:
    assert refused(await people.owner.http.get(COUNTS, params=query)) == answer


async def test_texts_beyond_the_most_frequent_are_one_row(people: People, channel: Channel) -> None:
    listed = await add(people.owner, "Listed")
    texts = [*(f"Text {number:03}" for number in range(MOST_TEXTS + 2)), "text 101", "listed"]
    leads = [await people.owner.lead(channel) for _ in texts]
    batch = [
        {"lead_id": str(lead.id), "status": "Lost", "reason": text} for lead, text in zip(leads, texts, strict=True)
    ]
    good(await people.owner.http.post("/v1/leads/status/batch", json={"changes": batch}))

    answer = good(await people.owner.http.get(COUNTS))

    # The most frequent first, then by text; what is listed takes no place of a text.
    assert len(answer["data"]) == MOST_TEXTS + 1
    assert (answer["data"][0]["reason"].lower(), answer["data"][0]["moves"]) == ("text 101", 2)
    assert [row["moves"] for row in answer["data"] if row["reason_id"] == listed["id"]] == [1]
    assert answer["others"] == {"leads": 2, "moves": 2}


async def test_what_an_erased_person_wrote_is_not_counted_and_what_the_list_says_is(
    people: People, channel: Channel
) -> None:
    await add(people.owner, "Price")
    for reason in ("price", "Divorced from Jane"):
        lead = await lead_moved(people.owner, channel, {"reason": reason})
        assert (await people.owner.http.delete(f"/v1/leads/{lead.id}")).status_code == 200

    assert await counted(people.owner) == {"Price*": (1, 1)}


# Who sees what


async def test_a_bound_key_counts_in_its_channels_only(people: People, channel: Channel) -> None:
    other = await people.owner.channel()
    await lead_moved(people.owner, channel, {"reason": "Here"})
    await lead_moved(people.owner, other, {"reason": "There"})
    key = {"X-API-Key": await people.owner.another_key(scopes=(Scope.READ,), channel_ids=(channel.id,))}

    seen = good(await people.owner.http.get(COUNTS, headers=key))["data"]
    named = await people.owner.http.get(COUNTS, headers=key, params={"channel": str(other.id)})

    assert [row["reason"] for row in seen] == ["Here"]
    assert refused(named)[:2] == (404, "channel_not_found")


async def test_a_partner_counts_in_the_shared_channel_and_a_stranger_nothing(people: People, channel: Channel) -> None:
    await add(people.owner, "Price")
    await add(people.partner, "Price")
    private, theirs = await people.owner.channel(), await people.partner.channel()
    await lead_moved(people.owner, channel, {"reason": "price"})
    await lead_moved(people.owner, private, {"reason": "Private"})
    await lead_moved(people.partner, theirs, {"reason": "price"})
    await lead_moved(people.partner, theirs, {"reason": "Mine"})

    assert await counted(people.owner) == {"Price*": (1, 1), "Private": (1, 1)}
    assert await counted(people.stranger) == {}
    partners = good(await people.partner.http.get(COUNTS))["data"]
    # The same text in the lists of two companies is two reasons.
    assert sorted((row["reason"], row["moves"]) for row in partners) == [("Mine", 1), ("Price", 1), ("Price", 1)]
    assert len({row["reason_id"] for row in partners}) == 3
    answer = await people.stranger.http.get(COUNTS, params={"channel": str(channel.id)})
    assert refused(answer)[:2] == (404, "channel_not_found")
