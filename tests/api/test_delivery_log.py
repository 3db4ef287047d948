"""The log of deliveries, test deliveries and replay over the native API."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from leadrail.core.webhooks import log
from leadrail.core.webhooks.queue import DeliveryState
from leadrail.kit.ids import first_id_of
from tests.api.answers import all_pages, good, refused
from tests.people import People, Person

MANY = """
INSERT INTO deliveries (company_id, id, event_id, endpoint_company_id, endpoint_id, event_type, state, due_at, attempts,
    payload, created_at, finished_at)
SELECT $1, uuidv7(), gen_random_uuid(), $1, $2, 'lead.created', $4, now(), 10,
    CASE WHEN n % 100 <> 0 OR $3 < 100 THEN '{"a": 1}' END, now(), now() - interval '1 hour'
FROM generate_series(1, $3) AS n RETURNING 1
"""


async def hook(person: Person) -> str:
    return str((await person.endpoint("https://example.com/hooks")).id)


async def fill(person: Person, id: str, count: int, state: str = "parked") -> None:
    await person.rows(MANY, person.company_id, id, count, state)


async def try_out(person: Person, id: str, **body: Any) -> Any:
    return good(await person.http.post(f"/v1/webhooks/{id}/test", json=body), 202)


async def states(person: Person) -> dict[str, int]:
    rows = await person.rows(
        "SELECT state, count(*) AS many FROM deliveries WHERE company_id = $1 GROUP BY 1", person.company_id
    )
    return {row["state"]: row["many"] for row in rows}


async def test_a_test_is_a_delivery_that_is_due_now_and_stands_in_the_log(people: People) -> None:
    id = await hook(people.owner)

    made = await try_out(people.owner, id)

    assert (made["event_type"], made["state"], made["attempts"]) == ("lead.status_changed", "due", 0)
    assert good(await people.owner.http.get(f"/v1/webhooks/{id}/deliveries"))["data"] == [made]
    whole = good(await people.owner.http.get(f"/v1/webhooks/{id}/deliveries/{made['id']}"))
    assert whole["payload"]["id"] == made["event_id"]
    assert whole["payload"]["data"]["to"]["name"] == "Qualified"
    assert whole["tries"] == []


async def test_a_test_under_an_idempotency_key_is_made_once(people: People) -> None:
    id = await hook(people.owner)

    for _ in range(2):
        answer = await people.owner.http.post(f"/v1/webhooks/{id}/test", json={}, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 202

    assert await people.owner.count("deliveries") == 1


async def test_attempts_are_shown_with_what_was_answered(people: People) -> None:
    id = await hook(people.owner)
    made = await try_out(people.owner, id)
    await people.owner.rows(
        "INSERT INTO attempts VALUES ($1, $2::text::uuid, 1, now(), 12, 'http_5xx', 500, $3) RETURNING 1",
        people.owner.company_id,
        made["id"],
        b"oops \xff",
    )

    (one,) = good(await people.owner.http.get(f"/v1/webhooks/{id}/deliveries/{made['id']}"))["tries"]

    assert (one["number"], one["outcome"], one["status_code"]) == (1, "http_5xx", 500)
    assert one["response"] == "oops \ufffd"


async def test_the_log_is_filtered_and_paged(people: People) -> None:
    id = await hook(people.owner)
    made = [await try_out(people.owner, id, type=type) for type in ("lead.created", "note.added", "lead.created")]
    path = f"/v1/webhooks/{id}/deliveries"

    created = [row["id"] for row in await all_pages(people.owner.http, path, limit=1, type="lead.created")]

    assert created == [made[2]["id"], made[0]["id"]]
    for query in ({"state": "parked"}, {"lead": str(uuid4())}, {"until": "2001-01-01T00:00:00Z"}):
        assert await all_pages(people.owner.http, path, **query) == []
    assert len(await all_pages(people.owner.http, path, since="2001-01-01T00:00:00Z", state="due")) == 3


async def test_a_partner_sees_what_it_was_sent_of_anothers_leads(people: People) -> None:
    channel, id = await people.shared_channel(), await hook(people.partner)
    await people.owner.lead(channel)

    (row,) = good(await people.partner.http.get(f"/v1/webhooks/{id}/deliveries"))["data"]

    path = f"/v1/webhooks/{id}/deliveries/{row['id']}"
    assert good(await people.partner.http.get(path))["payload"]["type"] == "lead.created"
    for person in (people.owner, people.stranger):
        assert refused(await person.http.get(path)) == (404, "not_found", None)


async def test_ten_thousand_parked_deliveries_are_replayed_but_those_without_payload(people: People) -> None:
    id = await hook(people.owner)
    await fill(people.owner, id, 10_000)
    await fill(people.owner, id, 3, "delivered")
    assert good(await people.owner.http.get(f"/v1/webhooks/{id}"))["parked"] == 1_000

    answer = good(await people.owner.http.post(f"/v1/webhooks/{id}/replay", json={}, timeout=300))

    assert answer == {"replayed": 9_900, "without_payload": 100}
    assert await states(people.owner) == {"due": 9_900, "parked": 100, "delivered": 3}
    rows = await people.owner.rows(
        "SELECT DISTINCT attempts_before, attempts, finished_at FROM deliveries"
        " WHERE company_id = $1 AND state = 'due'",
        people.owner.company_id,
    )
    assert [tuple(row.values()) for row in rows] == [(10, 10, None)]


async def test_more_replays_at_once_than_there_are_connections_are_all_done(people: People) -> None:
    id = await hook(people.owner)
    await fill(people.owner, id, 50)

    path = f"/v1/webhooks/{id}/replay"
    answers = await asyncio.gather(*(people.owner.http.post(path, json={}) for _ in range(40)))

    assert sum(good(answer)["replayed"] for answer in answers) == 50
    assert await states(people.owner) == {"due": 50}


async def test_a_replay_leaves_out_other_states_and_times(people: People) -> None:
    id = await hook(people.owner)
    await fill(people.owner, id, 4, "delivered")
    path, none = f"/v1/webhooks/{id}/replay", {"replayed": 0, "without_payload": 0}

    for body in ({}, {"states": ["cancelled"]}, {"states": ["delivered"], "until": "2001-01-01T00:00:00Z"}):
        assert good(await people.owner.http.post(path, json=body)) == none

    body = {"states": ["delivered"], "since": "2001-01-01T00:00:00Z"}
    assert good(await people.owner.http.post(path, json=body)) == none | {"replayed": 4}


async def test_one_delivery_is_replayed_alone_and_once(people: People) -> None:
    id = await hook(people.owner)
    await fill(people.owner, id, 2)
    first = good(await people.owner.http.get(f"/v1/webhooks/{id}/deliveries"))["data"][0]["id"]
    path = f"/v1/webhooks/{id}/deliveries/{first}/replay"

    counts = [good(await people.owner.http.post(path))["replayed"] for _ in range(2)]

    assert counts == [1, 0]
    assert await states(people.owner) == {"due": 1, "parked": 1}


@pytest.mark.parametrize("call", ["test", "replay", "deliveries/{}/replay"])
async def test_an_endpoint_that_is_paused_is_sent_nothing_anew(people: People, call: str) -> None:
    id = await hook(people.owner)
    await fill(people.owner, id, 1)
    row = good(await people.owner.http.get(f"/v1/webhooks/{id}/deliveries"))["data"][0]["id"]
    good(await people.owner.http.patch(f"/v1/webhooks/{id}", json={"state": "paused"}))

    answer = await people.owner.http.post(f"/v1/webhooks/{id}/{call.format(row)}", json={})

    assert refused(answer) == (409, "conflict", None)
    assert await states(people.owner) == {"parked": 1}


async def test_what_is_due_cannot_be_asked_to_be_replayed(people: People) -> None:
    id = await hook(people.owner)
    answer = await people.owner.http.post(f"/v1/webhooks/{id}/replay", json={"states": ["due"]})
    assert refused(answer) == (422, "invalid", "/states")


async def test_the_log_is_narrowed_by_time(people: People) -> None:
    id = await hook(people.owner)
    await fill(people.owner, id, 3)
    path = f"/v1/webhooks/{id}/deliveries"
    made = [one["created_at"] for one in good(await people.owner.http.get(path))["data"]]
    moment = min(made)

    found = {
        given: len(good(await people.owner.http.get(path, params=given_as(given)))["data"])
        for given in (f"since={moment}", f"until={moment}", "since=2001-01-01T00:00:00Z", "since=2301-01-01T00:00:00Z",
                      "until=2001-01-01T00:00:00Z", "until=9999-12-31T23:00:00Z", "since=0001-01-01T00:00:00Z")
    }  # fmt: skip

    assert list(found.values()) == [3, 0, 3, 0, 0, 3, 3]


def given_as(text: str) -> dict[str, str]:
    return dict([text.split("=", 1)])


async def test_a_state_that_hardly_occurs_is_found_in_pages_that_may_be_empty(people: People) -> None:
    owner, id = people.owner, await hook(people.owner)
    await fill(owner, id, 1, "cancelled")
    await fill(owner, id, log.WALKED + 5, "delivered")
    path, cursor = f"/v1/webhooks/{id}/deliveries", None
    pages: list[list[str]] = []
    while not pages or cursor:
        answer = good(
            await owner.http.get(path, params={"state": "cancelled"} | ({"cursor": cursor} if cursor else {}))
        )
        pages.append([one["state"] for one in answer["data"]])
        cursor = answer["next_cursor"]

    assert pages == [[], ["cancelled"]]


async def test_a_lead_s_deliveries_are_found_however_long_the_log_is(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    id = await hook(owner)
    lead = await owner.lead(channel)
    await fill(owner, id, log.WALKED + 5, "delivered")
    path = f"/v1/webhooks/{id}/deliveries"

    mine = good(await owner.http.get(path, params={"lead": str(lead.id)}))
    none = good(await owner.http.get(path, params={"lead": str(lead.id), "until": "2001-01-01T00:00:00Z"}))

    assert [one["lead_id"] for one in mine["data"]] == [str(lead.id)]
    assert (mine["next_cursor"], none["data"]) == (None, [])


async def test_no_statement_of_the_log_reads_the_whole_table(people: People) -> None:
    owner, id = people.owner, await hook(people.owner)
    for _ in range(4):
        await fill(owner, await hook(people.stranger), 50_000, "delivered")
    await fill(owner, id, 1_000)
    zero, now = "00000000-0000-0000-0000-000000000000", owner.core.clock()
    key, old = (owner.company_id, id), now - timedelta(days=1_000)
    within = (*key, zero, str(first_id_of(now)), old, now)
    beyond = (*key, str(first_id_of(now)), str(first_id_of(now + timedelta(days=9))), now, now + timedelta(days=9))
    plans = [
        await plan(owner, log._LIST.format(state=" AND d.state = 'parked'"), *within, "parked", "lead.created", 51),
        await plan(owner, log._LIST.format(state=""), *beyond, None, None, 51),
        await plan(owner, log._LIST_OF_LEAD, *within, None, None, 51, zero),
        await plan(owner, log._EDGE.format(state=""), *within, log.WALKED),
        await plan(owner, log._ONE, *key, zero),
        await plan(owner, log._PARKED, *key),
        await plan(owner, log.replay_statement([DeliveryState.PARKED]), *within, now),
        await plan(owner, log.replay_statement(list(DeliveryState)), *within, now),
    ]

    assert [text for text in plans if "Seq Scan" in text] == []


async def plan(person: Person, statement: str, *values: Any) -> str:
    async with person.core.database.transaction() as connection:
        await connection.execute("ANALYZE deliveries")
        rows = await connection.fetch(f"EXPLAIN {statement}", *values)
    return "\n".join(row[0] for row in rows)
