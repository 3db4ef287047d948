"""What a lead bought: amounts and times as they may be, what is paid for it, and that none is lost or doubled."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from leadrail.core.leads.model import Lead
from tests.api.answers import all_pages, good, refused
from tests.people import NOBODYS, People, Person

KEY = {"Idempotency-Key": "sale-1"}


def path(lead: Lead) -> str:
    return f"/v1/leads/{lead.id}/purchases"


async def buy(person: Person, lead: Lead, **body: Any) -> Any:
    """The lead after it."""
    return good(await person.http.post(path(lead), json=body), 201)


async def bought(person: Person, lead: Lead, **query: Any) -> list[Any]:
    return await all_pages(person.http, path(lead), **query)


async def a_lead(people: People, **wanted: Any) -> Lead:
    return await people.owner.lead(await people.owner.channel(**wanted))


async def rewards(person: Person, lead: Lead) -> list[Any]:
    return await all_pages(person.http, "/v1/rewards", lead=str(lead.id))


async def test_a_purchase_is_kept_told_and_changes_nothing_of_the_lead(people: People) -> None:
    lead = await a_lead(people, currency="EUR")
    sent = {"name": "Pro plan", "description": "A year", "amount": "1200.50", "at": "2026-03-02T13:00:00+01:00"}

    after = await buy(people.owner, lead, **sent)

    (kept,) = await bought(people.owner, lead)
    assert (kept["name"], kept["amount"], kept["currency"]) == ("Pro plan", "1200.5", "EUR")
    assert kept["purchased_at"] == "2026-03-02T12:00:00Z" < kept["created_at"]
    assert (after["status"]["name"], after["value"], after["version"]) == ("New", None, 2)
    (_, event) = await all_pages(people.owner.http, f"/v1/leads/{lead.id}/events")
    assert (event["type"], event["data"]["purchase"]) == ("purchase.recorded", kept)
    assert event["occurred_at"] == kept["purchased_at"]


async def test_of_a_purchase_nothing_need_be_said(people: People) -> None:
    lead = await a_lead(people)
    after = await buy(people.owner, lead)
    (kept,) = await bought(people.owner, lead)
    assert [kept[name] for name in ("name", "description", "amount", "currency")] == [None] * 4
    assert kept["purchased_at"] == kept["created_at"] == after["updated_at"]


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        ("0", "0"),
        ("0.000001", "0.000001"),
        ("999999999999999.999999", "999999999999999.999999"),
        ("1e3", "1000"),
        ("-0.0", "0"),
        ("007.50", "7.5"),
    ],
)
async def test_an_amount_is_kept_to_the_last_place_and_shown_plainly(people: People, amount: str, kept: str) -> None:
    lead = await a_lead(people)
    await buy(people.owner, lead, amount=amount)
    assert [one["amount"] for one in await bought(people.owner, lead)] == [kept]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"amount": "-1"}', (422, "invalid", "/amount")),
        (b'{"amount": "0.0000001"}', (422, "invalid", "/amount")),
        (b'{"amount": "1000000000000000"}', (422, "invalid", "/amount")),
        (b'{"amount": "NaN"}', (422, "invalid", "/amount")),
        (b'{"amount": "Infinity"}', (422, "invalid", "/amount")),
        (b'{"amount": "1e999999999"}', (422, "invalid", "/amount")),
        (b'{"amount": "a lot"}', (400, "malformed", "/amount")),
        (b'{"amount": ""}', (400, "malformed", "/amount")),
        (b'{"amount": true}', (400, "malformed", "/amount")),
        (b'{"amount": "1", "currency": "eur"}', (422, "invalid", "/currency")),
        (b'{"amount": "1", "currency": "EURO"}', (422, "invalid", "/currency")),
        (b'{"name": "' + b"n" * 301 + b'"}', (422, "invalid", "/name")),
        (b'{"description": "' + b"d" * 20001 + b'"}', (422, "invalid", "/description")),
        (b'{"name": "a\\u0000"}', (400, "malformed", None)),
        (b'{"name": 5}', (400, "malformed", "/name")),
        (b'{"at": "2026-03-02T12:00:00"}', (400, "malformed", "/at")),
        (b'{"at": "1899-12-31T23:59:59Z"}', (422, "invalid", "/at")),
        (b'{"at": "2200-01-01T00:00:01Z"}', (422, "invalid", "/at")),
        (b'{"at": "0001-01-01T00:00:00+14:00"}', (422, "invalid", "/at")),
        (b'{"trigger_ids": ["x"]}', (400, "malformed", "/trigger_ids/0")),
        (
            b'{"trigger_ids": [' + b", ".join([b'"%b"' % NOBODYS.encode()] * 101) + b"]}",
            (400, "malformed", "/trigger_ids"),
        ),
        (b'{"status": "Won"}', (400, "malformed", "/status")),
        (b"null", (400, "malformed", None)),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_purchase_that_is_none_is_refused_and_leaves_nothing(people: People, body: bytes, answer: Any) -> None:
    lead = await a_lead(people)
    before = await people.owner.digests()

    assert refused(await people.owner.http.post(path(lead), content=body)) == answer
    assert await people.owner.digests() == before


@pytest.mark.parametrize("at", ["1900-01-01T00:00:00Z", "2200-01-01T00:00:00Z"])
async def test_a_bill_may_be_old_or_dated_ahead(people: People, at: str) -> None:
    lead = await a_lead(people)
    await buy(people.owner, lead, at=at)
    assert [one["purchased_at"] for one in await bought(people.owner, lead)] == [at]


async def test_the_currency_is_its_own_else_the_leads_else_the_channels(people: People) -> None:
    lead = await a_lead(people, currency="EUR")
    await buy(people.owner, lead, amount="1")
    good(await people.owner.http.patch(f"/v1/leads/{lead.id}", json={"currency": "SEK"}))
    await buy(people.owner, lead, amount="1")
    await buy(people.owner, lead, amount="1", currency="DKK")

    assert [one["currency"] for one in await bought(people.owner, lead)] == ["DKK", "SEK", "EUR"]


# What is paid for it


async def test_named_triggers_pay_and_no_others(people: People) -> None:
    channel = await people.shared_channel(currency="EUR")
    percent = await people.owner.trigger(channel, cause="purchase", kind="percent", amount=10, repeat=True)
    fixed = await people.owner.trigger(channel, cause="purchase", amount=5)
    elsewhere = await people.owner.trigger(await people.owner.channel(), cause="purchase", amount=7)
    lead = await people.owner.lead(channel)

    async def paid(*triggers: str) -> list[str]:
        known = {one["id"] for one in await rewards(people.owner, lead)}
        await buy(people.owner, lead, amount="40", trigger_ids=list(triggers))
        return sorted(one["amount"] for one in await rewards(people.owner, lead) if one["id"] not in known)

    assert await paid() == []
    assert await paid(NOBODYS, str(elsewhere.id)) == []
    assert await paid(str(percent.id)) == ["4"]
    assert await paid(str(fixed.id), str(percent.id), str(fixed.id)) == ["4", "5"]
    assert await paid(str(fixed.id)) == []


async def test_many_at_once_are_all_kept_and_paid_for_as_the_triggers_say(people: People) -> None:
    channel = await people.shared_channel(currency="EUR")
    await people.owner.trigger(channel, cause="purchase", kind="percent", amount=10, repeat=True)
    await people.owner.trigger(channel, cause="purchase", amount=5)
    lead = await people.owner.lead(channel)
    who = (people.owner, people.partner)

    after = await asyncio.gather(*(buy(who[n % 2], lead, amount=str(n * 10)) for n in range(1, 41)))

    found = await bought(people.owner, lead, limit=7)
    assert sorted(int(one["amount"]) for one in found) == [n * 10 for n in range(1, 41)]
    assert [one["id"] for one in found] == sorted((one["id"] for one in found), reverse=True)
    assert sorted(one["version"] for one in after) == list(range(2, 42))
    paid = [Decimal(one["amount"]) for one in await rewards(people.owner, lead)]
    assert (len(paid), sum(paid)) == (41, sum(range(1, 41)) + 5)


async def test_many_at_once_under_one_key_are_one_purchase_and_one_reward(people: People) -> None:
    channel = await people.shared_channel(currency="EUR")
    await people.owner.trigger(channel, cause="purchase", amount=5, repeat=True)
    lead = await people.owner.lead(channel)
    asked: dict[str, Any] = {"json": {"amount": "40"}, "headers": KEY}

    answers = await asyncio.gather(*(people.owner.http.post(path(lead), **asked) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert (len(await bought(people.owner, lead)), len(await rewards(people.owner, lead))) == (1, 1)
    more = asked | {"json": {"amount": "41"}}
    assert refused(await people.owner.http.post(path(lead), **more)) == (422, "idempotency_mismatch", None)
    # A partner's key of the same name is another's.
    assert "idempotent-replayed" not in (await people.partner.http.post(path(lead), **asked)).headers


async def test_if_match_guards_a_purchase(people: People) -> None:
    lead = await a_lead(people)
    answers = [await people.owner.http.post(path(lead), json={}, headers={"If-Match": '"1"'}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 412]
    assert len(await bought(people.owner, lead)) == 1


# Who


async def test_a_partner_sells_and_reads_like_the_owner_and_a_stranger_finds_no_lead(people: People) -> None:
    lead = await people.owner.lead(await people.shared_channel())

    await buy(people.partner, lead, name="theirs")
    await buy(people.owner, lead, name="ours")

    for person in (people.owner, people.partner):
        assert [one["name"] for one in await bought(person, lead)] == ["ours", "theirs"]
    for answer in (await people.stranger.http.get(path(lead)), await people.stranger.http.post(path(lead), json={})):
        assert refused(answer) == (404, "lead_not_found", None)


@pytest.mark.parametrize("rest", ["pause", "archive"])
async def test_in_a_channel_at_rest_what_is_sold_is_still_recorded(people: People, rest: str) -> None:
    channel = await people.owner.channel()
    lead = await people.owner.lead(channel)
    good(await people.owner.http.post(f"/v1/channels/{channel.id}/{rest}"))

    assert (await buy(people.owner, lead, amount="5"))["version"] == 2


async def test_of_an_erased_lead_only_the_money_stays(people: People) -> None:
    lead = await a_lead(people)
    await buy(people.owner, lead, amount="5", name="Jane's plan", description="for Jane")

    good(await people.owner.http.delete(f"/v1/leads/{lead.id}"))

    (kept,) = await bought(people.owner, lead)
    assert (kept["amount"], kept["name"], kept["description"]) == ("5", None, None)
