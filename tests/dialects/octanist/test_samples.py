"""The vendor's own examples, sent over HTTP as they are printed; ids and times are mapped."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Channel, StatusRef
from leadrail.core.leads.commands import Origin, Step
from leadrail.core.leads.model import Lead
from tests.dialects.octanist.conftest import API, PATH, Sample, creation, made, post, sample
from tests.people import People

# Too short for its country to have such a subscriber, and printed on every page: it finds its lead all the same.
PRINTED_PHONE = "+1234567890"


def mapped(request: dict[str, Any], lead: Lead) -> dict[str, Any]:
    return request | {"id": f"lead_{lead.id}"} if "id" in request else request


def assert_same(sample: Sample, answer: httpx.Response, id: str) -> None:
    """Every printed member is there, in the printed order, with its value and type; ids and times are mapped."""
    assert answer.status_code == sample.status, answer.text
    body = answer.json()
    for printed in (sample.answer, sample.answer.get("data", {})):
        printed.update({name: id for name in ("id", "leadId") if name in printed})
    if "meta" in sample.answer:
        assert re.fullmatch(r"req_[0-9a-f]{12}", body["meta"]["requestId"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["meta"]["timestamp"])
        sample.answer["meta"] = body["meta"]
    assert_printed(sample.answer, body)


def assert_printed(printed: Any, told: Any) -> None:
    if isinstance(printed, dict):
        assert [name for name in told if name in printed] == list(printed)
        for name, value in printed.items():
            assert_printed(value, told[name])
    else:
        assert (type(told), told) == (type(printed), printed)


@pytest.mark.parametrize(
    "name",
    ["a-update-by-id", "a-won", "a-qualified", "a-lost", "a-example-by-id", "a-example-by-email", "b-won"],
)
async def test_printed_request_gets_the_printed_answer(people: People, channel: Channel, name: str) -> None:
    example = sample(name)
    email = example.request.get("email", "jane@example.com")
    lead = await people.owner.lead(channel, email=email, phone=PRINTED_PHONE)

    answer = await people.owner.http.patch(PATH, json=mapped(example.request, lead))

    assert_same(example, answer, str(lead.id))


async def test_printed_id_is_not_found_here(people: People, lead: Lead) -> None:
    example = sample("a-not-found")

    answer = await people.owner.http.patch(PATH, json=example.request)

    assert_same(example, answer, str(lead.id))


async def test_missing_key_gets_the_printed_answer_of_its_generation(people: People, lead: Lead) -> None:
    example = sample("a-unauthorized")

    answer = await people.owner.http.patch(PATH, json=example.request, headers={"X-API-KEY": ""})

    assert_same(example, answer, str(lead.id))


async def test_failure_has_the_printed_envelope(people: People, lead: Lead) -> None:
    example = sample("b-failure")

    answer = await people.owner.http.patch(PATH, json=example.request)

    error = answer.json()["error"]
    assert error["message"] == 'Say which lead: send "id", "email" or "phone"'
    example.answer["error"] |= {"message": error["message"], "details": error["details"]}
    assert_same(example, answer, str(lead.id))


async def test_success_has_the_printed_envelope_and_no_more(people: People) -> None:
    example = sample("b-success")

    answer = await people.owner.http.put(f"{API}/settings", json=example.request)

    assert_same(example, answer, "")
    assert list(answer.json()) == list(example.answer)


@pytest.mark.parametrize("body", [{"changedTo": "lost"}, {"status": "lost"}, {"note": "Called"}])
async def test_one_answer_carries_both_generations(people: People, lead: Lead, body: dict[str, str]) -> None:
    answer = await people.owner.http.patch(PATH, json={"id": str(lead.id), **body})

    assert list(answer.json()) == ["success", "leadId", "status", "data", "meta"]


# The key


async def test_check_is_answered_bare(people: People) -> None:
    example = sample("check")

    answer = await people.owner.http.post(f"{API}/check")

    assert (answer.status_code, answer.json()) == (example.status, example.answer)


@pytest.mark.parametrize("key", ["", "lr_wrong"])
async def test_check_of_a_wrong_key_is_answered_as_printed(people: People, key: str) -> None:
    example = sample("a-check-unauthorized")

    answer = await people.owner.http.post(f"{API}/check", headers={"X-API-KEY": key})

    assert_same(example, answer, "")
    assert (answer.json()["success"], answer.json()["message"]) == (False, example.answer["error"])


# Creating and reading


@pytest.mark.parametrize("name", ["c-create", "a-create"])
async def test_printed_lead_is_made_and_answered_as_printed(people: People, channel: Channel, name: str) -> None:
    example = sample(name)

    answer = await post(people.owner, "/leads", **example.request)

    (row,) = await people.owner.rows("SELECT id FROM leads WHERE channel_id = $1", channel.id)
    assert_same(example, answer, str(row["id"]))
    assert list(answer.json()) == ["success", "id", "data", "meta"]


async def test_printed_lead_is_shown_as_printed(people: People, channel: Channel) -> None:
    printed = sample("b-lead").answer
    given = {"email": printed["email"], "phone": printed["phone"], "name": printed["name"], "notes": printed["note"]}
    kept = {name: value for name, value in printed.items() if name not in ("id", "status", "value", "note", *given)}
    create = await creation(
        people.owner,
        channel,
        fields=given
        | {"source": "gtm", "value": Decimal(5000), "attribution": kept | {"label_id": printed["labelId"]}},
        steps=(
            Step(status=StatusRef(name="open"), at=datetime(2026, 1, 15, 10, 30, tzinfo=UTC)),
            Step(status=StatusRef(name="qualified"), at=datetime(2026, 1, 18, 9, tzinfo=UTC)),
            Step(status=StatusRef(name="won"), at=datetime(2026, 2, 20, 14, tzinfo=UTC)),
        ),
        at=datetime(2026, 1, 15, 10, 30, tzinfo=UTC),
        updated_at=datetime(2026, 2, 20, 14, tzinfo=UTC),
        origin=Origin.IMPORT,
    )
    (lead,) = await made(people.owner, create)

    told = (await people.owner.http.get(f"{PATH}/lead_{lead.id}")).json()["data"]

    assert_printed(printed | {"id": str(lead.id)}, told)
    added = {"currency": "EUR", "dclid": None, "wbraid": None, "gbraid": None, "epik": None}
    assert {name: value for name, value in told.items() if name not in printed} == added
    (listed,) = (await people.owner.http.get(PATH)).json()["data"]
    assert list(listed.items()) == list(told.items())


async def test_printed_page_of_a_list(people: People, channel: Channel) -> None:
    example = sample("b-pagination")
    create = await creation(people.owner, channel)
    await made(people.owner, *[await creation(people.owner, channel) for _ in range(233)], create)

    answer = await people.owner.http.get(PATH, params=example.request)

    assert list(answer.json()["meta"]) == ["requestId", "timestamp", "pagination"]
    assert_printed(example.answer["pagination"], answer.json()["meta"]["pagination"])
    assert len(answer.json()["data"]) == 50


async def test_printed_figures(people: People, channel: Channel) -> None:
    example = sample("b-stats")
    await made(people.owner, *[await _counted(people, channel, place) for place in range(150)])

    answer = await post(people.owner, "/stats", **example.request)

    example.answer["data"]["usage"]["leadsLimit"] = None  # there is none here
    assert_same(example, answer, "")
    assert list(answer.json()["data"]["leads"]["bySource"]) == ["gtm", "api", "manual"]


async def _counted(people: People, channel: Channel, place: int) -> Any:
    """One of the 150 leads that the sample counts, made at the first or in the last instant of the period."""
    statuses = ["open"] * 45 + ["qualified"] * 30 + ["won"] * 50 + ["lost"] * 25
    sources = ["gtm"] * 120 + ["api"] * 20 + ["manual"] * 10
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    return await creation(
        people.owner,
        channel,
        fields={"source": sources[place], "value": Decimal(2500)},
        steps=(Step(status=StatusRef(name=statuses[place])),),
        at=first if place % 2 else last,
        origin=Origin.IMPORT,
    )
