"""create_purchase in both forms, create_purchase_custom, and which triggers pay."""

import asyncio
import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from leadrail.core.rewards.commands import change_trigger
from leadrail.core.rewards.model import TriggerState
from leadrail.kit.ids import new_id
from tests.dialects.keenpartner import keen
from tests.dialects.keenpartner.keen import ask, error, sample, with_ids
from tests.people import People

BOTH = pytest.mark.parametrize("path", [keen.KEEN_API, keen.OPENAPI_OPERATIONS])
NOBODY = "0190a0a0-0000-7000-8000-000000000000"
TRIGGER = "66778899-aabb-ccdd-eeff-001122334455"


async def buyer(people: People) -> tuple[Channel, Lead]:
    channel = await people.shared_channel(template="keenpartner", currency="EUR")
    return channel, await people.owner.lead(channel, email="jane@example.com")


async def stored(people: People, lead: Lead) -> list[dict[str, Any]]:
    columns = "name, description, amount, currency, purchased_at"
    return await people.owner.rows(f"SELECT {columns} FROM purchases WHERE lead_id = $1 ORDER BY id", lead.id)


async def paid(people: People, lead: Lead) -> list[Decimal]:
    rows = await people.owner.rows("SELECT amount FROM rewards WHERE lead_id = $1 ORDER BY amount", lead.id)
    return [row["amount"] for row in rows]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("create_purchase", keen.KEEN_API),
        ("create_purchase_first", keen.OPENAPI_OPERATIONS),
        ("create_purchase_custom", keen.OPENAPI_OPERATIONS),
    ],
)
async def test_the_sample_is_answered_as_on_its_page_in_its_order(people: People, name: str, path: str) -> None:
    (channel, lead), page = await buyer(people), sample(name)
    trigger = await people.owner.trigger(channel, cause="purchase", kind="percent", amount=10)

    answer = await people.owner.http.post(
        path, json=with_ids(page["request"], {keen.LEAD: lead.id, TRIGGER: trigger.id})
    )

    assert answer.status_code == 200, answer.text
    made, shown = answer.json()["purchase"], page["answer"]["purchase"]
    ids = {shown["id"]: made["id"], shown["created_at"]: made["created_at"], keen.LEAD: lead.id}
    expected = with_ids(page["answer"], ids)
    if shown["date"] is None:  # the page contradicts itself: the default is now
        expected["purchase"]["date"] = made["created_at"]
    assert answer.text == json.dumps(expected, separators=(",", ":"))
    assert await paid(people, lead) == [Decimal(shown["purchase_amount"]) / 10]


async def test_a_purchase_is_kept_with_all_that_was_said_of_it(people: People) -> None:
    _, lead = await buyer(people)

    await ask(people.partner, "create_purchase", lead_id=lead.id, purchase_amount=99.5, product_name="Pro")
    await ask(
        people.owner,
        "create_purchase",
        path=keen.OPENAPI_OPERATIONS,
        lead_id=lead.id,
        product_id=TRIGGER,
        description="Yearly",
        date="2026-01-02",
    )

    one, two = await stored(people, lead)
    assert (one["name"], one["description"], one["amount"], one["currency"]) == ("Pro", None, Decimal("99.5"), "EUR")
    assert (two["name"], two["description"], two["amount"]) == (TRIGGER, "Yearly", None)
    assert two["purchased_at"].isoformat() == "2026-01-02T00:00:00+00:00"


async def test_a_purchase_of_nothing_in_particular_is_taken(people: People) -> None:
    channel, lead = await buyer(people)
    await people.owner.trigger(channel, cause="purchase", kind="percent", amount=10)

    made = (await ask(people.owner, "create_purchase", lead_id=lead.id)).json()["purchase"]

    assert [made[name] for name in ("name", "description", "purchase_amount")] == [None, None, None]
    assert await paid(people, lead) == []  # ten percent of nothing is not above zero


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2026-04-21T10:00:00Z", "2026-04-21T10:00:00Z"),
        ("2026-04-21T12:00:00+02:00", "2026-04-21T10:00:00Z"),
        ("2026-04-21T10:00:00", "2026-04-21T10:00:00Z"),
        ("2026-04-21T10:00:00.250Z", "2026-04-21T10:00:00.250Z"),
        ("2026-04-21", "2026-04-21T00:00:00Z"),
        (" 2026-04-21t10:00:00z ", "2026-04-21T10:00:00Z"),
    ],
)
async def test_dates_are_read_however_they_are_written_and_shown_in_utc(people: People, sent: str, shown: str) -> None:
    _, lead = await buyer(people)

    made = (await ask(people.owner, "create_purchase", lead_id=lead.id, date=sent)).json()["purchase"]

    assert made["date"] == shown


@pytest.mark.parametrize(("sent", "kept"), [(0.1 * 3, "0.3"), ("19.12345678", "19.123457"), (1e-7, "0")])
async def test_the_noise_of_floating_point_costs_no_purchase(people: People, sent: Any, kept: str) -> None:
    channel, lead = await buyer(people)
    await people.owner.trigger(channel, cause="purchase", kind="fixed", amount=5)

    answer = await ask(people.owner, "create_purchase", lead_id=lead.id, purchase_amount=sent)

    assert answer.status_code == 200, answer.text
    assert f'"purchase_amount":{kept},' in answer.text
    assert [str(row["amount"].normalize()) for row in await stored(people, lead)] == [kept]
    assert await paid(people, lead) == [5]


async def test_without_trigger_ids_every_active_purchase_trigger_pays(people: People) -> None:
    channel, lead = await buyer(people)
    await people.owner.trigger(channel, cause="purchase", kind="fixed", amount=5)
    await people.owner.trigger(channel, cause="purchase", kind="percent", amount=10)
    await people.owner.trigger(channel, cause="new_lead", kind="fixed", amount=7)
    paused = await people.owner.trigger(channel, cause="purchase", kind="fixed", amount=9)
    async with people.owner.core.database.transaction() as connection:
        await change_trigger(connection, channel, paused.id, {"state": TriggerState.PAUSED})

    await ask(people.owner, "create_purchase", lead_id=lead.id, purchase_amount=1500)

    assert await paid(people, lead) == [5, 150]


async def test_only_the_named_triggers_pay_and_what_is_unknown_or_foreign_is_passed_over(people: People) -> None:
    channel, lead = await buyer(people)
    elsewhere, foreign = await people.owner.channel(), await people.stranger.channel()
    named = await people.owner.trigger(channel, cause="purchase", kind="fixed", amount=5)
    await people.owner.trigger(channel, cause="purchase", kind="fixed", amount=6)
    others = [
        await people.owner.trigger(elsewhere, cause="purchase", kind="fixed", amount=7),
        await people.stranger.trigger(foreign, cause="purchase", kind="fixed", amount=8),
    ]
    ids = [str(id) for id in (named.id, named.id, *(one.id for one in others), new_id())]

    answer = await ask(people.owner, "create_purchase", lead_id=lead.id, trigger_ids=ids)

    assert answer.status_code == 200, answer.text
    assert await paid(people, lead) == [5]
    assert await people.stranger.count("rewards") == 0


async def test_an_empty_list_of_triggers_pays_nothing(people: People) -> None:
    channel, lead = await buyer(people)
    await people.owner.trigger(channel, cause="purchase", kind="fixed", amount=5)

    await ask(people.owner, "create_purchase", lead_id=lead.id, trigger_ids=[])

    assert (await paid(people, lead), await people.owner.count("purchases")) == ([], 1)


async def test_a_trigger_that_repeats_pays_each_of_many_purchases_at_once(people: People) -> None:
    channel, lead = await buyer(people)
    await people.owner.trigger(channel, cause="purchase", kind="fixed", amount=5, repeat=True)
    await people.owner.trigger(channel, cause="purchase", kind="fixed", amount=6)

    answers = await asyncio.gather(*(ask(people.owner, "create_purchase", lead_id=lead.id) for _ in range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["purchase"]["id"] for answer in answers}) == 8
    assert await paid(people, lead) == [5] * 8 + [6]


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"lead_id": None}, 400, "lead_id required"),
    ({"lead_id": "12"}, 400, "lead_id is not a UUID"),
    ({"lead_id": NOBODY}, 404, "Lead not found"),
    ({"purchase_amount": -1}, 400, "purchase_amount: amount must be a number from 0"),
    ({"purchase_amount": 1e300}, 400, "purchase_amount: amount must be a number from 0"),
    ({"purchase_amount": "1e999999999"}, 400, "purchase_amount: amount must be a number from 0"),
    ({"purchase_amount": "Infinity"}, 400, "purchase_amount: amount must be a number from 0"),
    ({"purchase_amount": "much"}, 400, "purchase_amount: Invalid decimal string"),
    ({"purchase_amount": True}, 400, 'purchase_amount: Expected "decimal | null"'),
    ({"product_name": "x" * 301}, 400, "product_name: name is longer than 300 characters"),
    ({"product_name": 7}, 400, 'product_name: Expected "str | null"'),
    ({"date": "yesterday"}, 400, "date is not an ISO 8601 time, such as 2026-04-21T10:00:00Z"),
    ({"date": "0001-01-01T00:00:00+05:00"}, 400, "date: at must lie between 1900 and 2200"),
    ({"date": "2500-01-01"}, 400, "date: at must lie between 1900 and 2200"),
    ({"date": 1776765600}, 400, 'date: Expected "str | null"'),
    ({"trigger_ids": "all"}, 400, 'trigger_ids: Expected "array | null"'),
    ({"trigger_ids": ["first"]}, 400, "trigger_ids.0: Invalid UUID"),
]


@BOTH
@pytest.mark.parametrize(("wrong", "status", "text"), BAD)
async def test_a_wrong_purchase_says_what_is_wrong_and_records_nothing(
    people: People, path: str, wrong: dict[str, Any], status: int, text: str
) -> None:
    _, lead = await buyer(people)
    before = await people.owner.counts()

    answer = await ask(people.owner, "create_purchase", path=path, **({"lead_id": lead.id} | wrong))

    found, words = error(answer)
    assert (found, words[: len(text)]) == (status, text)
    assert (await people.owner.counts(), await people.owner.count("purchases")) == (before, 0)


@BOTH
async def test_a_purchase_on_another_companys_lead_is_refused(people: People, path: str) -> None:
    _, lead = await buyer(people)

    answer = await ask(people.stranger, "create_purchase", path=path, lead_id=lead.id)

    assert error(answer) == (403, "Lead not accessible")
    assert await people.owner.count("purchases") == await people.stranger.count("purchases") == 0


async def test_a_key_that_only_reads_records_nothing(people: People) -> None:
    _, lead = await buyer(people)
    key = await people.owner.another_key(scopes=(Scope.READ,))
    body = {"action": "create_purchase", "lead_id": str(lead.id)}

    answer = await people.owner.http.post(keen.KEEN_API, json=body, headers={"X-Api-Key": key})

    assert error(answer) == (403, 'The API key lacks the scope "write"')


async def test_the_removed_action_is_known_at_the_old_path_only(people: People) -> None:
    _, lead = await buyer(people)

    newest = await ask(people.owner, "create_purchase_custom", lead_id=lead.id)
    first = await ask(people.owner, "create_purchase_custom", lead_id=lead.id, path=keen.OPENAPI_OPERATIONS)

    assert error(newest) == (400, "Invalid action")
    assert (first.status_code, UUID(first.json()["purchase"]["leads_id"])) == (200, lead.id)
    assert await people.owner.count("purchases") == 1
