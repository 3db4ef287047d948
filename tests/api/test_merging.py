"""Leads of one person made one, with everything that was recorded of each, and apart again as they were."""

import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.counts.folding import begin, fold
from leadrail.core.imports import jobs
from leadrail.core.leads.model import Lead
from tests.api.answers import all_pages, good, refused
from tests.api.test_erasing import knowing
from tests.people import NOBODYS, NewProperty, People, Person

PROPERTIES = (NewProperty(name="Size"), NewProperty(name="Region"))


async def merge(person: Person, into: Lead, *leads: Lead, **more: Any) -> Any:
    body = {"into": str(into.id), "leads": [str(lead.id) for lead in leads]} | more
    return good(await person.http.post("/v1/leads/merge", json=body))


async def undo(person: Person, lead: Lead, merged: Any, **query: Any) -> httpx.Response:
    return await person.http.post(f"/v1/leads/{lead.id}/merges/{merged['id']}/undo", params=query)


async def read(person: Person, lead: Lead, what: str = "") -> Any:
    return good(await person.http.get(f"/v1/leads/{lead.id}{what}"))


async def pair(people: People, channel: Channel | None = None) -> tuple[Lead, Lead]:
    """Two leads of Jane, of which neither has all."""
    channel = channel or await people.owner.channel(properties=PROPERTIES)
    stays = await people.owner.lead(
        channel, {"Size": "10"}, email="jane@example.com", last_name="Roe", attribution={"gclid": "a"}
    )
    goes = await people.owner.lead(
        channel,
        {"Size": "99", "Region": "EMEA"},
        email="jane@example.org",
        phone="+4520123456",
        first_name="Janet",
        value=Decimal(500),
        source="fair",
        attribution={"gclid": "b", "external_ids": {"crm": "7"}},
    )
    return stays, goes


async def rows(person: Person, *leads: Lead) -> list[dict[str, Any]]:
    """The leads as they stand in the table, but for what any touch changes."""
    found = await person.rows("SELECT * FROM leads WHERE id = ANY($1) ORDER BY id", [lead.id for lead in leads])
    return [{name: row[name] for name in row if name not in ("version", "updated_at")} for row in found]


# What becomes of the lead that stays


async def test_the_lead_that_stays_gets_what_it_lacks_and_keeps_what_it_has(people: People) -> None:
    stays, goes = await pair(people)

    merged = await merge(people.owner, stays, goes)

    lead = await read(people.owner, stays)
    assert merged["lead"] == lead
    assert (lead["id"], lead["number"], lead["version"]) == (str(stays.id), stays.number, 2)
    assert (lead["email"], lead["phone"], lead["source"]) == ("jane@example.com", "+4520123456", "fair")
    assert (lead["first_name"], lead["last_name"]) == (None, "Roe")  # a name is one thing
    assert (lead["value"], lead["properties"]) == ("500", {"Size": "10", "Region": "EMEA"})
    assert lead["attribution"] == {"gclid": "a", "external_ids": {"crm": "7"}}
    assert set(merged["taken"]) == {"phone", "value", "source", "properties.Region", "attribution"}
    assert merged["changed"]["phone"] == {"from": None, "to": "+4520123456"}
    assert merged["changed"]["properties"] == {"Region": {"from": None, "to": "EMEA"}}


async def test_of_several_the_first_that_has_it_gives_it_and_a_choice_goes_before(people: People) -> None:
    stays, goes = await pair(people)
    third = await people.owner.lead(await people.owner.channel_now(stays.channel_id), phone="+4599", first_name="J")
    take = {"email": str(goes.id), "name": str(goes.id), "phone": str(third.id), "properties.Size": str(goes.id)}

    plain = await merge(people.owner, stays, third, goes, dry_run=True)
    chosen = await merge(people.owner, stays, goes, third, take=take)

    assert (plain["lead"]["phone"], plain["taken"]["value"]) == ("+4599", str(goes.id))
    lead = chosen["lead"]
    assert (lead["email"], lead["phone"], lead["properties"]["Size"]) == ("jane@example.org", "+4599", "99")
    assert (lead["first_name"], lead["last_name"]) == ("Janet", None)


async def test_a_preview_says_what_then_happens_and_writes_nothing(people: People) -> None:
    stays, goes = await pair(people)
    before = await people.owner.digests()

    preview = await merge(people.owner, stays, goes, dry_run=True)

    assert await people.owner.digests() == before
    merged = await merge(people.owner, stays, goes)
    untold = {"dry_run", "id", "reversible_until"}
    assert {name: preview[name] for name in preview if name not in {*untold, "lead"}} == {
        name: merged[name] for name in merged if name not in {*untold, "lead"}
    }
    assert preview["lead"] | {"updated_at": ""} == merged["lead"] | {"updated_at": ""}
    assert (preview["dry_run"], preview["id"]) == (True, None)


# What becomes of the other


async def test_the_other_is_in_no_list_and_found_as_the_one_that_stays(people: People) -> None:
    stays, goes = await pair(people)
    await merge(people.owner, stays, goes)

    old = await people.owner.http.get(f"/v1/leads/{goes.id}")

    assert good(old)["id"] == str(stays.id)
    assert old.headers["content-location"] == f"/v1/leads/{stays.id}"
    assert [lead["id"] for lead in await all_pages(people.owner.http, "/v1/leads")] == [str(stays.id)]
    for query in ({"email": "jane@example.org"}, {"email": "jane@example.com"}, {"phone": "+45 20 12 34 56"}):
        found = good(await people.owner.http.get("/v1/leads", params=query))["data"]
        assert [lead["id"] for lead in found] == [str(stays.id)]


async def test_it_stays_found_by_what_was_the_others_also_when_it_is_edited(people: People) -> None:
    stays, goes = await pair(people)
    await merge(people.owner, stays, goes)

    good(await people.owner.http.patch(f"/v1/leads/{stays.id}", json={"email": "new@example.com", "phone": None}))

    for email, found in (("jane@example.org", 1), ("jane@example.com", 0), ("new@example.com", 1)):
        listed = good(await people.owner.http.get("/v1/leads", params={"email": email}))["data"]
        assert len(listed) == found, email


async def test_board_funnel_and_list_agree_after_a_merge_and_after_its_undo(people: People) -> None:
    stays, goes = await pair(people)

    async def counted() -> tuple[int, int, int]:
        board = good(await people.owner.http.get("/v1/analytics/board"))["data"]
        funnel = good(await people.owner.http.get("/v1/analytics/funnel"))["data"]
        leads = len(await all_pages(people.owner.http, "/v1/leads"))
        return sum(one["leads"] for one in board), sum(one["standing"] for one in funnel), leads

    assert await counted() == (2, 2, 2)
    merged = await merge(people.owner, stays, goes)
    assert await counted() == (1, 1, 1)
    async with people.owner.core.database.transaction() as connection:
        await begin(connection, [people.owner.company_id])
        await fold(connection, people.owner.company_id, 100)
    assert await counted() == (1, 1, 1)
    good(await undo(people.owner, stays, merged))
    assert await counted() == (2, 2, 2)


async def test_what_was_recorded_of_each_is_read_with_the_one_that_stays_and_once(people: People) -> None:
    stays, goes = await pair(people)
    for lead in (stays, goes):
        path, name = f"/v1/leads/{lead.id}", str(lead.number)
        good(await people.owner.http.post(f"{path}/notes", json={"text": name}), 201)
        good(await people.owner.http.post(f"{path}/purchases", json={"name": name, "amount": "5"}), 201)
        good(
            await people.owner.http.post(f"{path}/follow-ups", json={"notes": name, "done_at": "2026-01-05T12:00:00Z"}),
            201,
        )
    await merge(people.owner, stays, goes)
    good(await people.owner.http.post(f"/v1/leads/{goes.id}/notes", json={"text": "by the old id"}), 201)

    newest = [str(goes.number), str(stays.number)]
    for lead in (stays, goes):
        path = f"/v1/leads/{lead.id}"
        notes = await all_pages(people.owner.http, f"{path}/notes", limit=1)
        assert [note["text"] for note in notes] == ["by the old id", *newest]
        purchases = await all_pages(people.owner.http, f"{path}/purchases", limit=1)
        assert [one["name"] for one in purchases] == newest
        contacts = await all_pages(people.owner.http, f"{path}/follow-ups", limit=1)
        assert [one["notes"] for one in contacts] == newest[::-1]
        events = await all_pages(people.owner.http, f"{path}/events", limit=3)
        assert [event["type"] for event in events].count("lead.created") == 2
        assert {event["lead_id"] for event in events} == {str(stays.id), str(goes.id)}


async def test_the_old_id_changes_the_lead_that_stays(people: People) -> None:
    stays, goes = await pair(people)
    await merge(people.owner, stays, goes)
    before = await rows(people.owner, goes)

    moved = good(await people.owner.http.put(f"/v1/leads/{goes.id}/status", json={"status": "Won"}))
    edited = good(await people.owner.http.patch(f"/v1/leads/{goes.id}", json={"title": "CEO"}))
    stale = await people.owner.http.patch(f"/v1/leads/{goes.id}", json={"title": "x"}, headers={"If-Match": '"2"'})

    assert (moved["id"], moved["status"]["name"]) == (str(stays.id), "Won")
    assert (edited["id"], edited["title"], edited["version"]) == (str(stays.id), "CEO", 4)
    assert refused(stale)[0] == 412
    assert await rows(people.owner, goes) == before


async def test_each_of_them_tells_of_it_in_the_feed_and_to_endpoints(people: People) -> None:
    stays, goes = await pair(people)
    await people.owner.endpoint("https://example.com/hook", events=("lead.merged", "lead.unmerged"))

    merged = await merge(people.owner, stays, goes)
    good(await undo(people.owner, stays, merged))

    feed = good(await people.owner.http.get("/v1/events", params={"type": ["lead.merged", "lead.unmerged"]}))["data"]
    told = [(event["type"], event["lead_id"]) for event in feed]
    assert sorted(told) == sorted(
        (type, str(lead.id)) for type in ("lead.merged", "lead.unmerged") for lead in (stays, goes)
    )
    for event in feed:
        data = event["data"]
        assert (data["merge_id"], data["into"], data["leads"]) == (merged["id"], str(stays.id), [str(goes.id)])
    assert await people.owner.count("deliveries") == 4


# Rewards


async def won_pair(people: People, **trigger: Any) -> tuple[Lead, Lead, list[Any]]:
    """Two won leads, each with a reward, oldest first."""
    channel = await people.shared_channel(currency="EUR", properties=PROPERTIES)
    await people.owner.trigger(channel, **({"cause": "status_change", "status": "Won", "amount": 100} | trigger))
    leads = await pair(people, channel)
    for lead in leads:
        good(await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"}))
    return *leads, (await earned(people.owner))[::-1]


async def earned(person: Person, **query: Any) -> list[Any]:
    return list(good(await person.http.get("/v1/rewards", params=query))["data"])


async def test_what_comes_once_is_not_paid_twice_through_a_merge(people: People) -> None:
    stays, goes, (first, second) = await won_pair(people)

    merged = await merge(people.owner, stays, goes)

    assert [one["id"] for one in merged["withdrawn"]] == [second["id"]]
    by_id = {one["id"]: one for one in await earned(people.owner)}
    assert (by_id[first["id"]]["state"], by_id[second["id"]]["state"]) == ("pending", "rejected")
    for status in ("New", "Won"):
        good(await people.owner.http.put(f"/v1/leads/{stays.id}/status", json={"status": status}))
    assert len(await earned(people.owner)) == 2
    assert {one["id"] for one in await earned(people.owner, lead=str(stays.id))} == set(by_id)


async def test_one_that_was_paid_stays_and_the_open_one_goes_whichever_is_older(people: People) -> None:
    stays, goes, (first, second) = await won_pair(people)
    for decision in ("approve", "pay"):
        good(await people.owner.http.post(f"/v1/rewards/{second['id']}/{decision}"))

    merged = await merge(people.owner, stays, goes)

    assert [(one["id"], one["state"]) for one in merged["withdrawn"]] == [(first["id"], "rejected")]


async def test_what_comes_again_and_again_stays(people: People) -> None:
    stays, goes, _ = await won_pair(people, repeat=True)

    assert (await merge(people.owner, stays, goes))["withdrawn"] == []
    assert {one["state"] for one in await earned(people.owner)} == {"pending"}


async def test_the_others_reward_keeps_the_one_that_stays_from_earning_it_again(people: People) -> None:
    channel = await people.shared_channel(currency="EUR", properties=PROPERTIES)
    await people.owner.trigger(channel, cause="status_change", status="Won", amount=100)
    stays, goes = await pair(people, channel)
    good(await people.owner.http.put(f"/v1/leads/{goes.id}/status", json={"status": "Won"}))
    await merge(people.owner, stays, goes)

    good(await people.owner.http.put(f"/v1/leads/{stays.id}/status", json={"status": "Won"}))

    (reward,) = await earned(people.owner)
    approved = good(await people.owner.http.post(f"/v1/rewards/{reward['id']}/approve"))
    assert (approved["state"], approved["lead_id"]) == ("approved", str(goes.id))


async def test_an_undo_gives_rewards_back_as_they_were(people: People) -> None:
    stays, goes, (_, second) = await won_pair(people)
    good(await people.owner.http.post(f"/v1/rewards/{second['id']}/approve"))
    before = await earned(people.owner)

    merged = await merge(people.owner, stays, goes)
    undone = good(await undo(people.owner, stays, merged))

    assert [(one["id"], one["state"]) for one in undone["given_back"]] == [(second["id"], "approved")]
    assert await earned(people.owner) == before


# Undo


async def test_an_undo_puts_everything_back_where_it_was(people: People) -> None:
    stays, goes = await pair(people)
    planned = {"next_follow_up_at": "2027-01-05T12:00:00Z"}
    good(await people.owner.http.patch(f"/v1/leads/{goes.id}", json=planned))
    keys = "SELECT kind, key, lead_id FROM lead_keys WHERE company_id = $1 ORDER BY 1, 2, 3"
    before, known = await rows(people.owner, stays, goes), await people.owner.rows(keys, people.owner.company_id)

    merged = await merge(people.owner, stays, goes)
    preview = good(await undo(people.owner, stays, merged, dry_run=True))
    assert (await read(people.owner, stays))["next_follow_up_at"] == planned["next_follow_up_at"]
    undone = good(await undo(people.owner, stays, merged))

    assert (preview["dry_run"], preview["restored"], undone["restored"]) == (True, [str(goes.id)], [str(goes.id)])
    assert undone["kept"] == []
    assert await rows(people.owner, stays, goes) == before
    assert await people.owner.rows(keys, people.owner.company_id) == known
    assert (await read(people.owner, goes))["id"] == str(goes.id)


async def test_an_undo_spares_what_was_changed_since_and_says_so(people: People) -> None:
    stays, goes = await pair(people)
    merged = await merge(people.owner, stays, goes)
    edit = {"phone": "+4521", "properties": {"Region": "APAC"}, "title": "CEO"}
    good(await people.owner.http.patch(f"/v1/leads/{stays.id}", json=edit))
    good(await people.owner.http.post(f"/v1/leads/{stays.id}/notes", json={"text": "after"}), 201)
    good(await people.owner.http.put(f"/v1/leads/{stays.id}/status", json={"status": "Won"}))

    undone = good(await undo(people.owner, stays, merged))

    lead = undone["lead"]
    assert undone["kept"] == ["phone", "properties.Region"]
    assert (lead["phone"], lead["properties"], lead["title"]) == ("+4521", {"Size": "10", "Region": "APAC"}, "CEO")
    assert (lead["source"], lead["value"], lead["status"]["name"]) == (None, None, "Won")
    assert [note["text"] for note in (await read(people.owner, stays, "/notes"))["data"]] == ["after"]
    assert (await read(people.owner, goes, "/notes"))["data"] == []


async def test_merges_are_taken_back_newest_first_and_once_and_for_thirty_days(people: People) -> None:
    stays, goes = await pair(people)
    third = await people.owner.lead(await people.owner.channel_now(stays.channel_id), title="CEO")
    first, second = await merge(people.owner, stays, goes), await merge(people.owner, stays, third)

    early = await undo(people.owner, stays, first)
    good(await undo(people.owner, stays, second))
    again = await undo(people.owner, stays, second)
    listed = (await read(people.owner, stays, "/merges"))["data"]
    await people.owner.rows("UPDATE merges SET merged_at = merged_at - interval '31 days' WHERE company_id = $1"
                            " RETURNING 1", people.owner.company_id)  # fmt: skip
    late = await undo(people.owner, stays, first)

    assert refused(early)[:2] == refused(again)[:2] == refused(late)[:2] == (409, "conflict")
    assert early.json()["details"] == {"merge_id": second["id"]}
    assert [(one["id"], one["undone_at"] is None) for one in listed] == [
        (second["id"], False),
        (first["id"], True),
    ]


async def test_a_lead_that_stood_for_others_is_merged_with_them_and_comes_back_with_them(people: People) -> None:
    stays, goes = await pair(people)
    last = await people.owner.lead(await people.owner.channel_now(stays.channel_id), first_name="J")
    first, second = await merge(people.owner, stays, goes), await merge(people.owner, last, stays)
    found = good(await people.owner.http.get("/v1/leads", params={"email": "jane@example.org"}))["data"]
    assert [lead["id"] for lead in found] == [str(last.id)]
    assert (await read(people.owner, goes))["id"] == str(last.id)

    assert refused(await undo(people.owner, stays, first))[:2] == (409, "conflict")
    good(await undo(people.owner, last, second))

    assert (await read(people.owner, goes))["id"] == str(stays.id)
    found = good(await people.owner.http.get("/v1/leads", params={"email": "jane@example.org"}))["data"]
    assert [lead["id"] for lead in found] == [str(stays.id)]
    good(await undo(people.owner, stays, first))
    assert (await read(people.owner, goes))["id"] == str(goes.id)


async def test_a_lead_whose_status_is_archived_comes_back_to_the_one_beside_it(people: People) -> None:
    stays, goes = await pair(people)
    channel = await people.owner.channel_now(stays.channel_id)
    lost = channel.status_by_name["lost"]
    good(await people.owner.http.put(f"/v1/leads/{goes.id}/status", json={"status": "Lost"}))
    merged = await merge(people.owner, stays, goes)
    path = f"/v1/channels/{channel.id}/statuses/{lost.id}"
    assert (await people.owner.http.delete(path)).status_code < 300

    good(await undo(people.owner, stays, merged))

    lead, history = await read(people.owner, goes), (await read(people.owner, goes, "/events"))["data"]
    assert lead["status"]["id"] != str(lost.id)
    moves = [event["data"] for event in history if event["type"] == "lead.status_changed"]
    assert [(move["from"]["name"], move["to"]["name"]) for move in moves] == [
        ("New", "Lost"),
        ("Lost", lead["status"]["name"]),
    ]


# Who may, and what not


async def test_only_the_owner_merges_and_another_sees_nothing(people: People) -> None:
    channel = await people.shared_channel(properties=PROPERTIES)
    stays, goes = await pair(people, channel)
    theirs = await people.stranger.lead(await people.stranger.channel(), email="jane@example.com")
    body = {"into": str(stays.id), "leads": [str(goes.id)]}
    before = await people.owner.digests()

    partner = await people.partner.http.post("/v1/leads/merge", json=body)
    stranger = await people.stranger.http.post("/v1/leads/merge", json=body)
    mixed = await people.owner.http.post("/v1/leads/merge", json=body | {"leads": [str(goes.id), str(theirs.id)]})
    nobody = await people.owner.http.post("/v1/leads/merge", json=body | {"into": NOBODYS})

    assert refused(partner)[:2] == (403, "forbidden")
    assert refused(stranger) == (404, "lead_not_found", "/into")
    assert refused(mixed) == (404, "lead_not_found", "/leads/1")
    assert refused(nobody) == (404, "lead_not_found", "/into")
    assert await people.owner.digests() == before


async def test_a_key_that_is_bound_elsewhere_neither_merges_nor_takes_back(people: People) -> None:
    stays, goes = await pair(people)
    other = await people.owner.channel(title="Other")
    bound = {"X-API-Key": await people.owner.another_key(scopes=("read", "write"), channel_ids=(other.id,))}
    body = {"into": str(stays.id), "leads": [str(goes.id)]}
    assert refused(await people.owner.http.post("/v1/leads/merge", json=body, headers=bound))[0] == 404
    merged = await merge(people.owner, stays, goes)

    path = f"/v1/leads/{stays.id}/merges/{merged['id']}/undo"

    assert refused(await people.owner.http.post(path, headers=bound))[:2] == (404, "lead_not_found")


async def test_what_cannot_be_merged_is_refused_and_nothing_changes(people: People) -> None:
    stays, goes = await pair(people)
    channel = await people.owner.channel_now(stays.channel_id)
    elsewhere = await people.owner.lead(await people.owner.channel(title="Other"), email="jane@example.com")
    erased = await people.owner.lead(channel, email="gone@example.com")
    good(await people.owner.http.delete(f"/v1/leads/{erased.id}"))
    before = await people.owner.digests()

    async def refusal(into: Lead, *leads: Lead, **more: Any) -> tuple[int, str, str | None]:
        body = {"into": str(into.id), "leads": [str(lead.id) for lead in leads]} | more
        return refused(await people.owner.http.post("/v1/leads/merge", json=body))

    assert await refusal(stays, elsewhere) == (409, "conflict", "/leads/0")
    assert await refusal(stays, goes, erased) == (409, "conflict", "/leads/1")
    assert await refusal(erased, goes) == (409, "conflict", "/into")
    assert await refusal(stays, stays) == (422, "invalid", "/leads/0")
    for name, id in (("phone", elsewhere.id), ("phone", stays.id), ("status", goes.id), ("properties.No", goes.id)):
        assert await refusal(stays, goes, take={name: str(id)}) == (422, "invalid", f"/take/{name}")
    assert await people.owner.digests() == before


async def test_merging_what_is_one_already_does_nothing(people: People) -> None:
    stays, goes = await pair(people)
    await merge(people.owner, stays, goes)
    before = await people.owner.digests()

    for into, lead in ((stays, goes), (goes, stays)):
        again = await merge(people.owner, into, lead)
        assert (again["id"], again["merged"], again["lead"]["id"]) == (None, [], str(stays.id))
    assert await people.owner.digests() == before


async def test_two_merges_at_once_come_to_one_lead(people: People) -> None:
    channel = await people.owner.channel()
    leads = [await people.owner.lead(channel, email=f"j{n}@example.com") for n in range(6)]
    one, other = leads[0], leads[-1]

    await asyncio.gather(
        merge(people.owner, one, other),
        merge(people.owner, other, one),
        *(merge(people.owner, a, b) for a, b in pairwise(leads)),
        *(people.owner.http.patch(f"/v1/leads/{lead.id}", json={"notes": "at once"}) for lead in leads),
    )

    listed = await all_pages(people.owner.http, "/v1/leads")
    assert len(listed) == 1
    assert {(await read(people.owner, lead))["id"] for lead in leads} == {listed[0]["id"]}
    for n in range(6):
        found = good(await people.owner.http.get("/v1/leads", params={"email": f"j{n}@example.com"}))["data"]
        assert [lead["id"] for lead in found] == [listed[0]["id"]]


async def test_a_repeat_under_a_key_gets_the_first_answer(people: People) -> None:
    stays, goes = await pair(people)
    body, key = {"into": str(stays.id), "leads": [str(goes.id)]}, {"Idempotency-Key": "once"}

    first, again = [await people.owner.http.post("/v1/leads/merge", json=body, headers=key) for _ in range(2)]

    assert good(first)["id"] is not None
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("asked_by", ["old id", "id that stays"])
async def test_erasing_the_person_reaches_all_of_them(asked_by: str, people: People) -> None:
    stays, goes = await pair(people)
    words = ("jane", "Janet", "20123456", "Roe")
    await people.owner.endpoint("https://example.com/hook")
    merged = await merge(people.owner, stays, goes)
    good(await people.owner.http.post(f"/v1/leads/{goes.id}/notes", json={"text": "Janet rang"}), 201)
    assert {"leads", "lead_keys", "merges", "notes"} <= set(await knowing(people.owner, *words))

    good(await people.owner.http.delete(f"/v1/leads/{(goes if asked_by == 'old id' else stays).id}"))

    assert await knowing(people.owner, *words) == []
    assert refused(await undo(people.owner, stays, merged))[:2] == (409, "conflict")
    erased = await people.owner.rows("SELECT erased_at, merged_into FROM leads WHERE company_id = $1 ORDER BY id",
                                     people.owner.company_id)  # fmt: skip
    assert [(row["erased_at"] is not None, row["merged_into"]) for row in erased] == [(True, None), (True, stays.id)]
    board = good(await people.owner.http.get("/v1/analytics/board"))["data"]
    assert sum(column["leads"] for column in board) == 1


async def test_a_person_is_reported_and_forgotten_with_all_that_was_merged(people: People) -> None:
    stays, goes = await pair(people)
    good(await people.owner.http.post(f"/v1/leads/{goes.id}/notes", json={"text": "Janet rang"}), 201)
    await merge(people.owner, stays, goes)

    (known,) = good(await people.owner.http.post("/v1/persons/report", json={"email": "jane@example.org"}))["data"]
    forgotten = good(await people.owner.http.post("/v1/persons/erase", json={"email": "jane@example.org"}))

    assert (known["lead"]["id"], [note["text"] for note in known["notes"]]) == (str(stays.id), ["Janet rang"])
    assert forgotten["erased"] == [str(stays.id)]
    assert await knowing(people.owner, "jane", "Janet") == []


async def test_a_merged_lead_is_nobodys_work(people: People) -> None:
    stays, goes = await pair(people)
    for lead, day in ((stays, 5), (goes, 6)):
        at = {"next_follow_up_at": f"2027-01-0{day}T12:00:00Z"}
        good(await people.owner.http.patch(f"/v1/leads/{lead.id}", json=at))
    await merge(people.owner, stays, goes)

    work = await people.owner.rows("SELECT id FROM leads WHERE company_id = $1 AND next_follow_up_at IS NOT NULL",
                                   people.owner.company_id)  # fmt: skip

    assert [row["id"] for row in work] == [stays.id]
    assert isinstance(work[0]["id"], UUID)


async def test_the_undo_of_an_import_spares_what_was_merged_since(people: People) -> None:
    owner, http = people.owner, people.owner.http
    channel = await owner.channel()
    stays = await owner.lead(channel, email="jane@example.com")
    query = {"channel_id": str(channel.id)}
    made = (await http.post("/v1/imports", params=query, content="E-Mail;Phone\njane@example.org;+4520123456\n")).json()
    path = f"/v1/imports/{made['id']}"
    assert (await http.post(f"{path}/start", json={})).status_code < 300
    await jobs.run(owner.core, owner.company_id, UUID(made["id"]))
    (found,) = good(await http.get("/v1/leads", params={"email": "jane@example.org"}))["data"]
    good(await http.post("/v1/leads/merge", json={"into": str(stays.id), "leads": [found["id"]]}))

    assert (await http.post(f"{path}/undo", json={})).status_code < 300
    await jobs.run(owner.core, owner.company_id, UUID(made["id"]))

    assert (await read(owner, stays))["phone"] == "+4520123456"
    undone = good(await http.get(path))["undo"]
    assert (undone["removed"], undone["kept"]) == (0, 1)
