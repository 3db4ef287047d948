"""After an erase no table knows the person, whatever table it is, and the lead's way can still be told."""

import asyncio
import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from leadrail.api.bulk import chosen
from leadrail.core.bulk.running import step
from leadrail.core.imports import jobs as imports
from leadrail.core.leads.commands import CreateLead
from leadrail.core.leads.model import Lead
from leadrail.kit.ids import new_id
from leadrail.worker.counting import count
from tests.api.answers import good, refused
from tests.house import eventually
from tests.people import NewProperty, People, Person

PERSON = "Zebulon"
"""Part of every text that is planted."""

EMAIL, PHONE, SLUG = "zebulon@example.com", "+4520123456", "zebulon-quist"


async def planted(people: People) -> Lead:
    """A lead of which every door has told something personal, a delivery sent and one due."""
    owner, http = people.owner, people.owner.http
    channel = await people.shared_channel(properties=(NewProperty(name="Hobby"),), currency="EUR")
    await owner.trigger(channel, cause="new_lead", amount=5)
    await owner.endpoint("https://example.com/hook")
    body = {
        "channel_id": str(channel.id),
        "email": EMAIL,
        "phone": PHONE,
        "linkedin_url": f"https://linkedin.com/in/{SLUG}",
        "first_name": PERSON,
        "business_id": f"{PERSON}-1",
        "source": f"{PERSON}'s friend",
        "properties": {"Hobby": f"{PERSON} sails"},
        "attribution": {"gclid": f"{PERSON}-click", "external_ids": {"crm": f"{PERSON}-9"}},
    }
    made = good(await http.post("/v1/leads", json=body, headers={"Idempotency-Key": "made"}), 201)
    path = f"/v1/leads/{made['id']}"
    batch = {"leads": [{"channel_id": str(channel.id), "email": "other@example.com"}]}
    good(await http.post("/v1/leads/batch", json=batch, headers={"Idempotency-Key": "batch"}))
    good(await http.patch(path, json={"notes": f"{PERSON} called", "title": f"Captain {PERSON}"}))
    reason = {"status": "Lost", "reason": f"{PERSON} moved away", "note": f"Told by {PERSON}"}
    good(await http.put(f"{path}/status", json=reason, headers={"Idempotency-Key": "moved"}))
    good(await http.post(f"{path}/follow-ups", json={"done_at": _now(), "notes": PERSON, "done_by": PERSON}), 201)
    good(await http.post(f"{path}/purchases", json={"name": f"{PERSON}'s boat", "amount": "10"}), 201)
    note = {"text": f"{PERSON} rang", "author": PERSON}
    good(await http.post(f"{path}/notes", json=note, headers={"Idempotency-Key": "noted"}), 201)
    consent = {"purpose": "news", "basis": "consent", "state": "given", "source": f"{PERSON}'s form", "proof": EMAIL}
    good(await http.post(f"{path}/consents", json=consent, headers={"Idempotency-Key": "agreed"}), 201)
    await _change_in_bulk(owner, made["id"])
    await _import(owner, channel.id)
    await _reject_reward(owner)
    await _merge(owner, made)
    await _as_capillary_customer(owner, channel.id)
    await owner.rows("UPDATE deliveries SET state = 'delivered', finished_at = now() WHERE event_type = $1 RETURNING 1",
                     "lead.created")  # fmt: skip
    await owner.rows(
        """INSERT INTO attempts (company_id, delivery_id, number, started_at, duration_ms, outcome, response)
        SELECT company_id, id, 1, now(), 1, 'ok', $2 FROM deliveries
        WHERE company_id = $1 AND lead_id = $3 RETURNING 1""",
        owner.company_id,
        f"Hello {PERSON}".encode(),
        UUID(made["id"]),
    )
    await count(owner.core)
    return await _lead(people, made["id"])


def _now() -> str:
    return datetime.now(UTC).isoformat()


async def _merge(owner: Person, made: dict[str, Any]) -> None:
    """Another lead of the same person becomes one with it."""
    body = {"channel_id": made["channel_id"], "email": EMAIL, "company_name": f"{PERSON} & Co"}
    other = good(await owner.http.post("/v1/leads", json=body), 201)
    body = {"into": made["id"], "leads": [other["id"]]}
    good(await owner.http.post("/v1/leads/merge", json=body, headers=_once()))


async def _reject_reward(owner: Person) -> None:
    (reward, *_) = good(await owner.http.get("/v1/rewards", params={"limit": 200}))["data"][::-1]
    good(await owner.http.post(f"/v1/rewards/{reward['id']}/reject", json={"reason": f"{PERSON} was known"}))


async def _change_in_bulk(owner: Person, lead_id: str) -> None:
    """By the person's own address, and refused with the person's own words: no trace of it stays when it has ended."""
    edit = {"type": "edit", "fields": {"notes": f"{PERSON} called twice"}}
    for which in ({"filter": {"email": EMAIL}}, {"ids": [lead_id]}):
        good(await owner.http.post("/v1/bulk-changes", json=which | {"action": edit}, headers=_once()), 202)
    while await step(owner.core, chosen):
        pass


async def _import(owner: Person, channel_id: Any) -> None:
    """A file with the person's own lead, which it changes, and a row about the person that is refused."""
    rows = f"email,last name,status\n{EMAIL},{PERSON} Quist,\n{EMAIL},{PERSON},Nowhere\n"
    query = {"channel_id": str(channel_id), "duplicates": "update", "start": "true"}
    good(await owner.http.post("/v1/imports", params=query, content=rows, headers=_once()), 201)
    await imports.run_waiting(owner.core)


def _once() -> dict[str, str]:
    return {"Idempotency-Key": str(new_id())}


async def _as_capillary_customer(owner: Person, channel_id: Any) -> None:
    """Capillary's clients know the person by a number."""
    await owner.rows(
        "INSERT INTO capillary_customers (company_id, id_type, identifier_key) VALUES ($1, 'EMAIL', $2) RETURNING 1",
        owner.company_id,
        EMAIL,
    )


async def _lead(people: People, id: str) -> Lead:
    actor = await people.owner.core.doors.admit_key(people.owner.key, "api")
    async with people.owner.core.database.connection() as connection:
        return (await people.owner.core.reader.lead(connection, actor, UUID(id))).lead


ERASED = {
    "attempts", "capillary_customers", "consents", "count_words", "deliveries", "events", "follow_ups",
    "idempotency_keys", "import_leads", "import_refusals", "lead_finds", "lead_keys", "lead_words", "leads", "merges",
    "notes", "purchases", "rewards",
}  # fmt: skip
"""The tables that know a person, and from which an erase takes what they know."""

IMPERSONAL = {
    "api_keys", "assigned_batches", "assignment_turns", "assignments", "block_lists", "blocks", "bulk_changes",
    "bulk_items", "channel_aliases", "channel_members", "channel_rules", "channels", "companies", "count_places",
    "counted_leads", "counts", "endpoint_failures", "endpoints", "event_counters", "import_chunks",
    "import_presets", "imports", "lead_values", "moving_places", "notice_reads", "octanist_ad_spend",
    "octanist_settings", "properties", "quiet_edits", "reasons", "retention_places", "retention_rules",
    "reward_triggers", "schema_migrations", "statuses", "sub_statuses", "users", "views",
}  # fmt: skip
"""The tables that tell of the company and its people, not of any lead."""

TABLES = """SELECT t.table_name AS name, c.column_name IS NOT NULL AS has_company
    FROM information_schema.tables t LEFT JOIN information_schema.columns c
        ON (c.table_schema, c.table_name, c.column_name) = (t.table_schema, t.table_name, 'company_id')
    WHERE t.table_schema = 'public'"""


async def knowing(person: Person, *words: str) -> list[str]:
    """The tables in which a row, of this company or of none, has one of the words, be it in bytes or as base64."""
    found = []
    for table in await person.rows(TABLES):
        own = "company_id = $1 OR company_id IS NULL" if table["has_company"] else "$1::uuid IS NOT NULL"
        rows = await person.rows(f"SELECT * FROM {table['name']} WHERE {own}", person.company_id)
        text = " ".join(_text(value) for row in rows for value in row.values()).casefold()
        if any(word.casefold() in text for word in words):
            found.append(table["name"])
    return sorted(found)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace") + base64.b64encode(value).decode()
    return str(value)


WORDS = (PERSON, EMAIL, PHONE, SLUG)


async def test_after_an_erase_no_table_knows_the_person(people: People) -> None:
    lead = await planted(people)
    before = await knowing(people.owner, *WORDS)

    answer = good(await people.owner.http.delete(f"/v1/leads/{lead.id}"))

    assert before == sorted(ERASED)
    assert await knowing(people.owner, *WORDS) == []
    assert (answer["email"], answer["name"], answer["properties"], answer["status"]["name"]) == (None, None, {}, "Lost")


async def test_every_table_is_either_erased_from_or_knows_no_lead(people: People) -> None:
    # A new table belongs into one of the lists; if it knows a lead's person, also into `planted` and `erasure`.
    assert {table["name"] for table in await people.owner.rows(TABLES)} == ERASED | IMPERSONAL


async def test_its_way_its_money_and_its_deliveries_stay(people: People) -> None:
    lead = await planted(people)
    due = "SELECT id, event_id FROM deliveries WHERE company_id = $1 AND state = 'due' ORDER BY id"
    before = await people.owner.rows(due, people.owner.company_id)

    good(await people.owner.http.delete(f"/v1/leads/{lead.id}"))

    history = good(await people.owner.http.get(f"/v1/leads/{lead.id}/events"))["data"]
    moved = next(event for event in history if event["type"] == "lead.status_changed")
    assert (moved["data"]["from"]["name"], moved["data"]["to"]["name"]) == ("New", "Lost")
    assert history[-1]["type"] == "lead.erased"
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}/purchases"))["data"][0]["amount"] == "10"
    after = await people.owner.rows(due, people.owner.company_id)
    assert after[: len(before)] == before
    assert len(after) == len(before) + 2  # it and the lead for which it stands


async def test_a_repeat_of_a_kept_call_still_makes_nothing_new(people: People) -> None:
    channel = await people.owner.channel()
    body = {"channel_id": str(channel.id), "email": EMAIL}
    made = good(await people.owner.http.post("/v1/leads", json=body, headers={"Idempotency-Key": "k"}), 201)
    batch = {"leads": [{"channel_id": str(channel.id), "email": f"x{EMAIL}"}]}
    many = good(await people.owner.http.post("/v1/leads/batch", json=batch, headers={"Idempotency-Key": "b"}))
    for id in (made["id"], many["data"][0]["lead"]["id"]):
        good(await people.owner.http.delete(f"/v1/leads/{id}"))

    again = good(await people.owner.http.post("/v1/leads", json=body, headers={"Idempotency-Key": "k"}), 201)
    whole = good(await people.owner.http.post("/v1/leads/batch", json=batch, headers={"Idempotency-Key": "b"}))

    assert (again["id"], again["email"]) == (made["id"], None)
    assert whole["data"][0]["lead"]["email"] is None
    assert await people.owner.count("leads") == 2


async def test_an_erased_lead_takes_no_more_changes_from_any_door(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(), email=EMAIL)
    path, http = f"/v1/leads/{lead.id}", people.owner.http
    good(await http.delete(path))
    before = await people.owner.digests()

    for answer in (
        await http.patch(path, json={"email": EMAIL}),
        await http.put(f"{path}/status", json={"status": "Won"}),
        await http.post(f"{path}/purchases", json={"name": PERSON}),
        await http.post(f"{path}/follow-ups", json={"done_at": _now()}),
    ):
        assert refused(answer)[:2] == (409, "conflict")
    assert good(await http.delete(path))["id"] == str(lead.id)
    assert await people.owner.digests() == before


async def test_anothers_same_person_stays_and_a_partner_may_not_erase(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel(), email=EMAIL)
    other = await people.stranger.lead(await people.stranger.channel(), email=EMAIL)

    assert refused(await people.partner.http.delete(f"/v1/leads/{lead.id}"))[0] == 403
    assert refused(await people.stranger.http.delete(f"/v1/leads/{lead.id}"))[0] == 404
    good(await people.owner.http.delete(f"/v1/leads/{lead.id}"))

    assert good(await people.stranger.http.get(f"/v1/leads/{other.id}"))["email"] == EMAIL


async def test_anothers_lead_that_came_with_the_same_id_is_not_touched(people: People) -> None:
    """Moved accounts bring their ids along, and two companies may have moved the same one."""
    theirs = {"channel_id": str((await people.stranger.channel()).id), "email": EMAIL}
    made = await people.stranger.http.post("/v1/leads", json=theirs, headers={"Idempotency-Key": "k"})
    id, channel = UUID(good(made, 201)["id"]), await people.owner.channel()
    actor = await people.owner.core.doors.admit_key(people.owner.key, "api")
    await people.owner.core.engine.execute_one(CreateLead(actor=actor, channel_id=channel.id, lead_id=id))
    before = await people.stranger.digests()

    good(await people.owner.http.delete(f"/v1/leads/{id}"))

    assert await people.stranger.digests() == before


async def test_what_happens_at_the_same_time_leaves_no_trace_either(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(), email=EMAIL)
    path, http = f"/v1/leads/{lead.id}", people.owner.http

    answers = await asyncio.gather(
        *(http.patch(path, json={"notes": f"{PERSON} {n}"}) for n in range(10)),
        http.delete(path),
        *(http.patch(path, json={"notes": f"{PERSON} {n}"}) for n in range(10)),
    )

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert await knowing(people.owner, PERSON, EMAIL) == []


async def test_if_match_guards_an_erase(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(), email=EMAIL)

    stale = await people.owner.http.delete(f"/v1/leads/{lead.id}", headers={"If-Match": '"7"'})

    assert refused(stale)[0] == 412
    assert good(await people.owner.http.get(f"/v1/leads/{lead.id}"))["email"] == EMAIL


async def test_what_a_partner_was_answered_goes_too_even_when_it_has_left(people: People) -> None:
    channel = await people.shared_channel()
    body = {"channel_id": str(channel.id), "email": EMAIL}
    made = good(await people.partner.http.post("/v1/leads", json=body, headers={"Idempotency-Key": "k"}), 201)
    assert await knowing(people.partner, EMAIL) == ["idempotency_keys"]
    member = f"/v1/channels/{channel.id}/members/{people.partner.company_id}"
    left = await people.owner.http.delete(member, params={"role": "referring"})
    assert left.status_code < 300, left.text

    good(await people.owner.http.delete(f"/v1/leads/{made['id']}"))

    assert await knowing(people.partner, EMAIL) == []
    assert await knowing(people.owner, EMAIL) == []


async def test_deliveries_from_before_they_named_their_lead_are_found_too(people: People) -> None:
    lead = await planted(people)
    unnamed = "UPDATE deliveries SET lead_id = NULL, event_type = NULL WHERE company_id = $1 RETURNING 1"
    await people.owner.rows(unnamed, people.owner.company_id)

    good(await people.owner.http.delete(f"/v1/leads/{lead.id}"))

    assert await knowing(people.owner, *WORDS) == []


async def test_a_status_can_be_archived_whose_only_leads_are_erased(people: People) -> None:
    channel = await people.owner.channel()
    erased, other = [await people.owner.lead(channel, email=EMAIL) for _ in range(2)]
    good(await people.owner.http.delete(f"/v1/leads/{erased.id}"))
    first, second, *_ = channel.statuses
    path = f"/v1/channels/{channel.id}/statuses/{first.id}"

    archived = await people.owner.http.delete(path, params={"move_to": str(second.id)})

    assert archived.status_code < 300, archived.text
    shown = [good(await people.owner.http.get(f"/v1/leads/{lead.id}")) for lead in (erased, other)]
    assert [one["status"]["name"] for one in shown] == [first.name, second.name]


async def test_the_customer_of_two_leads_goes_with_the_last_of_them(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    leads = [await owner.lead(channel, email=EMAIL) for _ in range(8)]
    await _as_capillary_customer(owner, channel.id)

    good(await owner.http.delete(f"/v1/leads/{leads[0].id}"))
    assert await owner.count("capillary_customers") == 1
    await asyncio.gather(*(owner.http.delete(f"/v1/leads/{lead.id}") for lead in leads))

    assert await owner.count("capillary_customers") == 0


async def test_an_erase_waits_for_the_worker_and_neither_for_the_other_in_a_circle(people: People) -> None:
    lead = await planted(people)
    company_id = people.owner.company_id
    async with people.owner.core.database.transaction() as worker:
        await worker.execute("SELECT 1 FROM deliveries WHERE company_id = $1 FOR UPDATE", company_id)
        erasing = asyncio.create_task(people.owner.http.delete(f"/v1/leads/{lead.id}"))
        await eventually(lambda: _is_waited_for(people.owner), "the erase waits")
        # A worker that takes an endpoint out of service records that, with a number of its own: who waits for its
        # deliveries must not hold the counter, or both wait until one is broken off.
        await worker.execute("SELECT 1 FROM event_counters WHERE company_id = $1 FOR UPDATE NOWAIT", company_id)

    good(await erasing)

    assert await knowing(people.owner, *WORDS) == []


async def _is_waited_for(person: Person) -> bool:
    waiting = """SELECT 1 FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE '%deliveries%' AND datname = current_database()"""
    return bool(await person.rows(waiting))


async def test_who_shared_a_channel_that_the_lead_left_forgets_too(people: People) -> None:
    owner, channel = people.owner, await people.shared_channel()
    lead = await owner.lead(channel, email=EMAIL)
    await _as_capillary_customer(people.partner, channel.id)
    elsewhere = await owner.channel()
    good(await owner.http.put(f"/v1/leads/{lead.id}/channel", json={"channel_id": str(elsewhere.id)}))

    good(await owner.http.delete(f"/v1/leads/{lead.id}"))

    assert await knowing(people.partner, EMAIL) == []
