"""PATCH /api/leads: what it changes and what follows (contracts/octanist.md, section 6)."""

from decimal import Decimal

import pytest

from leadrail.core.channels.model import Category, Channel, Requirement
from leadrail.core.leads.model import Lead
from tests.dialects.octanist.conftest import JANE, events, nothing_changes, patch
from tests.people import NewStatus, People


async def test_win_is_recorded_once_with_all_that_follows(people: People, channel: Channel, lead: Lead) -> None:
    await people.owner.trigger(channel, cause="status_change", status="won", kind="percent", amount=Decimal(10))
    await people.owner.endpoint("http://127.0.0.1:9/hook")

    answer = await patch(people.owner, email=JANE, status="won", value=5000, note="Signed")

    assert answer.json()["status"] == "won"
    won, reward = await events(people.owner, lead)
    assert (won["type"], won["face"], won["data"]["note"]) == ("lead.status_changed", "octanist", "Signed")
    assert (won["data"]["from"]["name"], won["data"]["to"]["name"]) == ("open", "won")
    assert Decimal(reward["data"]["reward"]["amount"]) == 500
    assert await people.owner.counts() == {"leads": 1, "events": 3, "deliveries": 2, "rewards": 1}


@pytest.mark.parametrize("value", [1234.5, "1234.50", "1234.5"])
async def test_value_is_a_number_or_its_text(people: People, lead: Lead, value: float | str) -> None:
    await patch(people.owner, id=str(lead.id), status="won", value=value)

    rows = await people.owner.rows("SELECT value, currency FROM leads WHERE id = $1", lead.id)
    assert rows == [{"value": Decimal("1234.5"), "currency": "EUR"}]


async def test_status_wins_over_its_old_name(people: People, lead: Lead) -> None:
    answer = await patch(people.owner, id=str(lead.id), status="lost", changedTo="won")

    assert answer.json()["status"] == "lost"


@pytest.mark.parametrize("word", ["Won", "WON"])
async def test_case_of_a_status_word_does_not_matter(people: People, lead: Lead, word: str) -> None:
    answer = await patch(people.owner, id=str(lead.id), status=word, value=1)

    assert answer.json()["status"] == "won"


async def test_note_replaces_the_notes_of_the_lead(people: People, channel: Channel) -> None:
    lead = await people.owner.lead(channel, email=JANE, notes="Before")

    answer = await patch(people.owner, email=JANE, note="After")

    assert answer.json()["status"] == "open"
    assert await people.owner.rows("SELECT notes FROM leads WHERE id = $1", lead.id) == [{"notes": "After"}]
    (edited,) = await events(people.owner, lead)
    assert edited["type"] == "lead.updated"


async def test_loss_reason_is_kept_when_the_lead_is_lost(people: People, lead: Lead) -> None:
    await patch(people.owner, id=str(lead.id), status="lost", lossReason="Too expensive")

    (lost,) = await events(people.owner, lead)
    assert lost["data"]["reason"] == "Too expensive"


async def test_loss_reason_is_ignored_when_the_lead_is_won(people: People, lead: Lead) -> None:
    await patch(people.owner, id=str(lead.id), status="won", value=1, lossReason="Too expensive")

    assert await people.owner.rows("SELECT reason FROM leads WHERE id = $1", lead.id) == [{"reason": None}]


async def test_also_qualified_is_recorded_before_the_win(people: People, lead: Lead) -> None:
    await patch(people.owner, id=str(lead.id), changedTo="won", value=1, alsoQualified=True)

    qualified, won = await events(people.owner, lead)
    assert (qualified["data"]["to"]["name"], won["data"]["from"]["name"]) == ("qualified", "qualified")
    assert won["data"]["to"]["name"] == "won"


async def test_repeat_gets_the_same_answer_and_writes_nothing(people: People, lead: Lead) -> None:
    body = {"id": str(lead.id), "changedTo": "won", "value": 15000, "note": "Closed", "alsoQualified": True}
    first = await patch(people.owner, **body)

    async with nothing_changes(people.owner):
        second = await patch(people.owner, **body)

    assert second.status_code == 200
    assert second.json() | {"meta": None} == first.json() | {"meta": None}


async def test_repeated_loss_with_another_note_is_recorded(people: People, lead: Lead) -> None:
    await patch(people.owner, id=str(lead.id), status="lost", note="No answer")

    await patch(people.owner, id=str(lead.id), status="lost", note="Wrote back: no")

    first, second = await events(people.owner, lead)
    assert (first["type"], second["type"]) == ("lead.status_changed", "lead.updated")


# Words in channels of other ways of working


@pytest.mark.parametrize(("word", "name"), [("won", "Won"), ("qualified", "Qualified"), ("lost", "Lost")])
async def test_native_lead_is_moved_by_its_channels_name(people: People, word: str, name: str) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sales"), email=JANE)

    answer = await patch(people.owner, email=JANE, status=word)

    assert answer.json()["status"] == word
    seen = (await people.owner.http.get(f"/v1/leads/{lead.id}")).json()
    assert seen["status"]["name"] == name


async def test_word_without_a_status_of_its_name_means_the_first_of_its_category(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sendpilot"), email=JANE)

    answer = await patch(people.owner, email=JANE, status="qualified")

    assert answer.json()["status"] == "qualified"
    (moved,) = await events(people.owner, lead)
    assert moved["data"]["to"]["name"] == "OPPORTUNITY"


async def test_exact_name_in_the_channel_wins_over_the_category(people: People) -> None:
    statuses = (
        NewStatus(name="New"),
        NewStatus(name="Paid", category=Category.WON),
        NewStatus(name="won", category=Category.WON),
    )
    lead = await people.owner.lead(await people.owner.channel(statuses=statuses), email=JANE)

    await patch(people.owner, email=JANE, status="won")

    (moved,) = await events(people.owner, lead)
    assert moved["data"]["to"]["name"] == "won"


@pytest.mark.parametrize("word", ["qualified", "sold", "open", "OPEN"])
async def test_status_that_cannot_be_entered_is_refused(people: People, word: str) -> None:
    await people.owner.lead(await people.owner.channel(template="capillary"), email=JANE)

    async with nothing_changes(people.owner):
        answer = await patch(people.owner, email=JANE, status=word)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"


# What a status requires


@pytest.mark.parametrize("word", ["won", "qualified"])
async def test_first_generation_must_send_a_value(people: People, word: str) -> None:
    channel = await people.owner.channel(template="sales", currency="EUR")
    await people.owner.lead(channel, email=JANE, value=Decimal(7))

    async with nothing_changes(people.owner):
        answer = await patch(people.owner, email=JANE, changedTo=word)

    assert answer.status_code == 400
    assert answer.json()["message"] == f'To mark a lead as {word}, send its "value", like 10000'
    assert answer.json()["error"]["details"]["field"] == "value"


async def test_first_generation_wins_only_with_a_currency(people: People) -> None:
    await people.owner.lead(await people.owner.channel(template="sales"), email=JANE)

    async with nothing_changes(people.owner):
        answer = await patch(people.owner, email=JANE, changedTo="won", value=1)

    assert answer.status_code == 400
    assert 'send "currency"' in answer.json()["message"]


async def test_currency_may_come_with_the_win(people: People) -> None:
    lead = await people.owner.lead(await people.owner.channel(template="sales"), email=JANE)

    answer = await patch(people.owner, email=JANE, changedTo="won", value=1, currency="usd")

    assert answer.json()["status"] == "won"
    assert await people.owner.rows("SELECT currency FROM leads WHERE id = $1", lead.id) == [{"currency": "USD"}]


async def test_first_generation_loses_without_anything_else(people: People) -> None:
    await people.owner.lead(await people.owner.channel(template="sales"), email=JANE)

    answer = await patch(people.owner, email=JANE, changedTo="lost")

    assert answer.json()["status"] == "lost"


async def test_second_generation_wins_without_a_value_where_the_channel_lets_it(people: People) -> None:
    await people.owner.lead(await people.owner.channel(template="sales"), email=JANE)

    answer = await patch(people.owner, email=JANE, status="won")

    assert answer.json()["status"] == "won"


async def test_second_generation_meets_what_the_channel_requires(people: People, lead: Lead) -> None:
    async with nothing_changes(people.owner):
        answer = await patch(people.owner, id=str(lead.id), status="won")

    assert answer.status_code == 400
    assert answer.json()["message"] == 'The status "won" requires value; send it along'


async def test_loss_reason_meets_a_channel_that_requires_one(people: People) -> None:
    lost = NewStatus(name="lost", category=Category.LOST, requires=(Requirement.REASON,))
    await people.owner.lead(await people.owner.channel(statuses=(NewStatus(name="open"), lost)), email=JANE)

    refused = await patch(people.owner, email=JANE, status="lost")
    done = await patch(people.owner, email=JANE, status="lost", lossReason="Price")

    assert (refused.status_code, done.status_code) == (400, 200)
