"""Reasons and sub-statuses over the native API: added, renamed, archived, and what leads and history show of them."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from tests.api.answers import good, refused
from tests.house import eventually
from tests.people import NOBODYS, People, Person

REASONS, SUB_STATUSES = "/v1/reasons", "/v1/sub-statuses"
each_list = pytest.mark.parametrize(
    ("path", "member", "given"),
    [(REASONS, "text", {}), (SUB_STATUSES, "name", {"category": "lost"})],
    ids=["reasons", "sub-statuses"],
)


async def add(person: Person, text: str) -> Any:
    return good(await person.http.post(REASONS, json={"text": text}), 201)


async def add_sub_status(person: Person, name: str, category: str = "lost") -> Any:
    return good(await person.http.post(SUB_STATUSES, json={"category": category, "name": name}), 201)


async def archive(person: Person, word: Any, path: str = REASONS) -> None:
    assert (await person.http.delete(f"{path}/{word['id']}")).status_code == 204


async def move(person: Person, lead: Lead, **change: Any) -> Any:
    return good(await person.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Lost"} | change))


async def read(person: Person, lead: Lead) -> Any:
    return good(await person.http.get(f"/v1/leads/{lead.id}"))


async def last_event(person: Person, lead: Lead) -> Any:
    return good(await person.http.get(f"/v1/leads/{lead.id}/events"))["data"][-1]


@pytest.fixture
async def channel(people: People) -> Channel:
    return await people.owner.channel()


@pytest.fixture
async def lead(people: People, channel: Channel) -> Lead:
    return await people.owner.lead(channel)


# Added


@each_list
async def test_a_word_is_added_once_whatever_its_case(people: People, path: str, member: str, given: Any) -> None:
    first = good(await people.owner.http.post(path, json=given | {member: " Zu teuer, ÄRGERLICH "}), 201)

    again = await people.owner.http.post(path, json=given | {member: "ZU TEUER, ärgerlich"})

    assert first[member] == "Zu teuer, ÄRGERLICH"
    assert refused(again) == (409, "conflict", f"/{member}")
    assert good(await people.owner.http.get(path))["data"] == [first]


async def test_a_sub_status_is_one_per_category(people: People) -> None:
    made = [await add_sub_status(people.owner, "Later", category) for category in ("lost", "on_hold")]

    assert good(await people.owner.http.get(SUB_STATUSES))["data"] == made


@pytest.mark.parametrize("pair", [("İ", "i"), ("i", "İ"), ("ẞ", "ß"), ("Σ", "ς"), ("K", "\u212a")])
async def test_reasons_of_odd_letters_are_answered_as_they_are_kept(people: People, pair: tuple[str, str]) -> None:
    added = [await people.owner.http.post(REASONS, json={"text": text}) for text in pair]

    kept = good(await people.owner.http.get(REASONS))["data"]

    assert kept == [answer.json() for answer in added if answer.status_code == 201]
    assert {answer.status_code for answer in added} <= {201, 409}


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        (REASONS, {"text": ""}, (400, "malformed")),
        (REASONS, {"text": "t" * 301}, (400, "malformed")),
        (REASONS, {}, (400, "malformed")),
        (REASONS, {"text": " \t"}, (422, "invalid")),
        (REASONS, {"text": "a\0b"}, (400, "malformed")),
        (SUB_STATUSES, {"category": "odd", "name": "Later"}, (400, "malformed")),
        (SUB_STATUSES, {"category": "lost", "name": ""}, (400, "malformed")),
        (SUB_STATUSES, {"category": "lost", "name": "n" * 121}, (400, "malformed")),
        (SUB_STATUSES, {"category": "lost", "name": "  "}, (422, "invalid")),
    ],
)
async def test_a_word_that_is_none_is_not_added(people: People, path: str, body: Any, answer: Any) -> None:
    assert refused(await people.owner.http.post(path, json=body))[:2] == answer
    assert good(await people.owner.http.get(path))["data"] == []


@each_list
@pytest.mark.parametrize("has_channel", [True, False])
async def test_of_two_who_add_one_word_at_once_one_is_refused(
    people: People, path: str, member: str, given: Any, has_channel: bool, database_url: str
) -> None:
    if has_channel:
        await people.owner.channel()
    table = path.rpartition("/")[2].replace("-", "_")
    columns = {"company_id": people.owner.company_id, "id": uuid4(), member: "Price"} | given
    first = await asyncpg.connect(database_url)
    transaction = first.transaction()
    await transaction.start()
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    await first.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", *columns.values())

    second = asyncio.ensure_future(people.owner.http.post(path, json=given | {member: "PRICE"}))

    async def waits() -> bool:
        statement = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        return await first.fetchval(statement) is not None

    await eventually(waits, "the second waits for the first")
    await transaction.commit()
    await first.close()

    assert refused(await second) == (409, "conflict", f"/{member}")


@each_list
async def test_of_many_who_add_and_rename_at_once_one_has_the_word(
    people: People, channel: Channel, path: str, member: str, given: Any
) -> None:
    async def write(number: int) -> int:
        body = given | {member: "pRiCe" if number % 2 else "Price"}
        if number % 3:
            return (await people.owner.http.post(path, json=body)).status_code
        return (await people.owner.http.patch(f"{path}/{others[number]['id']}", json={member: "PRICE"})).status_code

    others = [
        good(await people.owner.http.post(path, json=given | {member: f"Other {number}"}), 201) for number in range(9)
    ]
    answers = await asyncio.gather(*map(write, range(9)))

    assert sorted(answers)[0] in (200, 201)
    assert sorted(answers)[1:] == [409] * 8
    kept = [row[member].lower() for row in good(await people.owner.http.get(path))["data"]]
    assert kept.count("price") == 1


async def test_a_reason_added_just_now_is_known_to_the_next_change(people: People, lead: Lead) -> None:
    reason = await add(people.owner, "Too dear")

    moved = await move(people.owner, lead, reason="TOO DEAR")

    assert moved["reason"] == "Too dear"
    (row,) = await people.owner.rows("SELECT reason_id FROM leads WHERE id = $1", lead.id)
    assert str(row["reason_id"]) == reason["id"]


# Renamed


async def test_a_new_name_shows_on_leads_and_history_says_what_was_said(people: People, lead: Lead) -> None:
    reason, sub_status = await add(people.owner, "Price"), await add_sub_status(people.owner, "Later")
    await move(people.owner, lead, reason="price", sub_status="later")

    renamed = good(await people.owner.http.patch(f"{REASONS}/{reason['id']}", json={"text": "Cheaper elsewhere"}))
    finer = good(await people.owner.http.patch(f"{SUB_STATUSES}/{sub_status['id']}", json={"name": "Next year"}))

    assert renamed == reason | {"text": "Cheaper elsewhere"}
    assert finer == sub_status | {"name": "Next year"}
    for shown in (
        await read(people.owner, lead),
        good(await people.owner.http.get("/v1/leads"))["data"][0],
        (await move(people.owner, lead, reason="Cheaper elsewhere", sub_status="Next year")),
    ):
        assert (shown["reason"], shown["sub_status"], shown["version"]) == ("Cheaper elsewhere", "Next year", 2)
    said = (await last_event(people.owner, lead))["data"]
    assert (said["reason"], said["reason_id"], said["sub_status"]) == ("Price", reason["id"], "Later")


async def test_what_is_told_later_says_the_new_name(people: People, channel: Channel) -> None:
    reason, sub_status = await add(people.owner, "Price"), await add_sub_status(people.owner, "Later")
    await add_sub_status(people.owner, "Never")
    one, other = [await people.owner.lead(channel) for _ in range(2)]
    for lead in (one, other):
        await move(people.owner, lead, reason="price", sub_status="later")
    await people.owner.http.patch(f"{REASONS}/{reason['id']}", json={"text": "Dear"})
    await people.owner.http.patch(f"{SUB_STATUSES}/{sub_status['id']}", json={"name": "Soon"})

    by_sub_status = await move(people.owner, one, sub_status="never")
    by_reason = await move(people.owner, other, reason="Another")

    assert (by_sub_status["reason"], by_sub_status["sub_status"]) == ("Dear", "Never")
    assert (by_reason["reason"], by_reason["sub_status"]) == ("Another", "Soon")
    said, told = [(await last_event(people.owner, lead))["data"] for lead in (one, other)]
    assert (said["reason"], said["reason_id"], said["sub_status"]) == ("Dear", reason["id"], "Never")
    assert (told["reason"], told["sub_status"]) == ("Another", "Soon")


async def test_a_move_that_a_rule_made_is_taken_back_to_the_words_of_today(
    people: People, channel: Channel, lead: Lead
) -> None:
    reason, sub_status = await add(people.owner, "Price"), await add_sub_status(people.owner, "Later")
    await move(people.owner, lead, reason="price", sub_status="later")
    rule = {"name": "Sold", "cause": "purchase", "from_status": "Lost", "to_status": "Won"}
    good(await people.owner.http.post(f"/v1/channels/{channel.id}/rules", json=rule), 201)
    await people.owner.http.post(f"/v1/leads/{lead.id}/purchases", json={"amount": "5"})
    event = await last_event(people.owner, lead)
    await people.owner.http.patch(f"{REASONS}/{reason['id']}", json={"text": "Dear"})
    await people.owner.http.patch(f"{SUB_STATUSES}/{sub_status['id']}", json={"name": "Soon"})

    back = good(await people.owner.http.post(f"/v1/leads/{lead.id}/events/{event['id']}/reverse", json={}))

    assert (back["status"]["name"], back["reason"], back["sub_status"]) == ("Lost", "Dear", "Soon")
    told = (await last_event(people.owner, lead))["data"]
    assert (told["reason"], told["reason_id"], told["sub_status"]) == ("Dear", reason["id"], "Soon")
    await people.owner.http.patch(f"{SUB_STATUSES}/{sub_status['id']}", json={"name": "Sooner"})
    assert (await read(people.owner, lead))["sub_status"] == "Sooner"


async def test_a_rule_gives_its_reason_by_the_new_name(people: People, channel: Channel, lead: Lead) -> None:
    reason = await add(people.owner, "Price")
    rule = {"name": "Sold", "cause": "purchase", "to_status": "Won", "reason": "PRICE"}
    good(await people.owner.http.post(f"/v1/channels/{channel.id}/rules", json=rule), 201)

    await people.owner.http.patch(f"{REASONS}/{reason['id']}", json={"text": "Dear"})
    await people.owner.http.post(f"/v1/leads/{lead.id}/purchases", json={"amount": "5"})

    assert (await last_event(people.owner, lead))["data"]["reason_id"] == reason["id"]
    (listed,) = good(await people.owner.http.get(f"/v1/channels/{channel.id}/rules"))["data"]
    assert listed["reason"] == "Dear"


@each_list
async def test_a_rename_to_another_word_is_refused_and_to_its_own_spelling_is_not(
    people: People, path: str, member: str, given: Any
) -> None:
    one, other, gone = [
        good(await people.owner.http.post(path, json=given | {member: word}), 201) for word in ("One", "Other", "Gone")
    ]
    await archive(people.owner, gone, path)

    for word in ("OTHER", "gone"):
        answer = await people.owner.http.patch(f"{path}/{one['id']}", json={member: word})
        assert refused(answer) == (409, "conflict", f"/{member}")
    blank = await people.owner.http.patch(f"{path}/{one['id']}", json={member: " "})
    spelled = good(await people.owner.http.patch(f"{path}/{one['id']}", json={member: "ONE"}))

    assert refused(blank) == (422, "invalid", f"/{member}")
    assert good(await people.owner.http.get(path))["data"] == [spelled, other] == [one | {member: "ONE"}, other]


@each_list
@pytest.mark.parametrize("id", [NOBODYS, "none"])
async def test_what_is_not_there_is_neither_renamed_nor_archived(
    people: People, path: str, member: str, given: Any, id: str
) -> None:
    renamed = await people.owner.http.patch(f"{path}/{id}", json={member: "New"})
    archived = await people.owner.http.delete(f"{path}/{id}")

    assert refused(renamed) == refused(archived) == (404, "not_found", None)


# Archived


async def test_an_archived_reason_is_not_given_any_more_and_stays_where_it_is(
    people: People, channel: Channel, lead: Lead
) -> None:
    reason, other = await add(people.owner, "Price"), await people.owner.lead(channel)
    await move(people.owner, lead, reason="price")

    await archive(people.owner, reason)

    assert good(await people.owner.http.get(REASONS))["data"] == []
    assert (await read(people.owner, lead))["reason"] == "Price"
    for name, given in (("reason", "PRICE"), ("reason_id", reason["id"])):
        change, field = {name: given}, f"/{name}"
        answer = await people.owner.http.put(f"/v1/leads/{other.id}/status", json={"status": "Lost"} | change)
        assert refused(answer) == (422, "unknown_reason", field)
        moved = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"} | change)
        assert refused(moved) == (422, "unknown_reason", field)
        # A repeat of what was done before is no new move.
        assert (await move(people.owner, lead, **change))["version"] == 2


async def test_an_archived_sub_status_is_not_given_any_more_and_stays_where_it_is(
    people: People, channel: Channel, lead: Lead
) -> None:
    later, other = await add_sub_status(people.owner, "Later"), await people.owner.lead(channel)
    await move(people.owner, lead, sub_status="later")

    await archive(people.owner, later, SUB_STATUSES)

    assert good(await people.owner.http.get(SUB_STATUSES))["data"] == []
    assert (await read(people.owner, lead))["sub_status"] == "Later"
    change = {"status": "Lost", "sub_status": "LATER"}
    answer = await people.owner.http.put(f"/v1/leads/{other.id}/status", json=change)
    assert refused(answer) == (422, "unknown_sub_status", "/sub_status")
    assert (await move(people.owner, lead, **change))["version"] == 2


@each_list
async def test_adding_an_archived_word_takes_the_same_one_back(
    people: People, path: str, member: str, given: Any
) -> None:
    first = good(await people.owner.http.post(path, json=given | {member: "Price"}), 201)
    await archive(people.owner, first, path)
    twice = await people.owner.http.delete(f"{path}/{first['id']}")
    renamed = await people.owner.http.patch(f"{path}/{first['id']}", json={member: "Other"})

    again = good(await people.owner.http.post(path, json=given | {member: "PRICE"}), 201)

    assert refused(twice) == refused(renamed) == (404, "not_found", None)
    assert again == first | {member: "PRICE"}
    assert good(await people.owner.http.get(path))["data"] == [again]


async def test_a_reason_that_a_rule_gives_is_not_archived_and_no_rule_gives_an_archived_one(
    people: People, channel: Channel
) -> None:
    price, dear = await add(people.owner, "Price"), await add(people.owner, "Dear")
    await archive(people.owner, dear)
    path = f"/v1/channels/{channel.id}/rules"
    rule = {"name": "Sold", "cause": "purchase", "to_status": "Won", "state": "paused"}
    made = good(await people.owner.http.post(path, json=rule | {"reason": " price"}), 201)

    kept = await people.owner.http.delete(f"{REASONS}/{price['id']}")
    edited = await people.owner.http.patch(f"{path}/{made['id']}", json={"reason": "DEAR"})
    other = await people.owner.http.post(path, json=rule | {"name": "Other", "reason": "dear"})

    assert refused(kept) == (409, "conflict", None)
    assert refused(edited) == refused(other) == (422, "unknown_reason", "/reason")
    assert (await people.owner.http.delete(f"{path}/{made['id']}")).status_code == 204
    await archive(people.owner, price)


async def test_the_reasons_of_another_company_stay_its_own(people: People) -> None:
    theirs, own = await add(people.stranger, "Price"), await add(people.owner, "Price")

    assert refused(await people.owner.http.patch(f"{REASONS}/{theirs['id']}", json={"text": "Mine"}))[0] == 404
    assert refused(await people.owner.http.delete(f"{REASONS}/{theirs['id']}"))[0] == 404
    await archive(people.owner, own)

    assert good(await people.stranger.http.get(REASONS))["data"] == [theirs]
