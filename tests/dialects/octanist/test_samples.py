"""The vendor's own examples, sent over HTTP as they are printed; ids and times are mapped."""

import re
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from tests.dialects.octanist.conftest import PATH, Sample, sample
from tests.people import People

# Too short for its country to have such a subscriber, and printed on every page: it finds its lead all the same.
PRINTED_PHONE = "+1234567890"


def mapped(request: dict[str, Any], lead: Lead) -> dict[str, Any]:
    return request | {"id": f"lead_{lead.id}"} if "id" in request else request


def assert_same(sample: Sample, answer: httpx.Response, lead: Lead) -> None:
    """Every printed member is there with its value, ids and times mapped."""
    body = answer.json()
    assert answer.status_code == sample.status, body
    for printed in (sample.answer, sample.answer.get("data", {})):
        printed.update({"leadId": str(lead.id)} if "leadId" in printed else {})
    if "meta" in sample.answer:
        assert re.fullmatch(r"req_[0-9a-f]{12}", body["meta"]["requestId"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["meta"]["timestamp"])
        sample.answer["meta"] = body["meta"]
    assert {name: body[name] for name in sample.answer} == sample.answer


@pytest.mark.parametrize(
    "name",
    ["a-update-by-id", "a-won", "a-qualified", "a-lost", "a-example-by-id", "a-example-by-email", "b-won"],
)
async def test_printed_request_gets_the_printed_answer(people: People, channel: Channel, name: str) -> None:
    example = sample(name)
    email = example.request.get("email", "jane@example.com")
    lead = await people.owner.lead(channel, email=email, phone=PRINTED_PHONE)

    answer = await people.owner.http.patch(PATH, json=mapped(example.request, lead))

    assert_same(example, answer, lead)


async def test_printed_id_is_not_found_here(people: People, lead: Lead) -> None:
    example = sample("a-not-found")

    answer = await people.owner.http.patch(PATH, json=example.request)

    assert_same(example, answer, lead)


async def test_missing_key_gets_the_printed_answer_of_its_generation(people: People, lead: Lead) -> None:
    example = sample("a-unauthorized")

    answer = await people.owner.http.patch(PATH, json=example.request, headers={"X-API-KEY": ""})

    assert_same(example, answer, lead)


async def test_failure_has_the_printed_envelope(people: People, lead: Lead) -> None:
    example = sample("b-failure")

    answer = await people.owner.http.patch(PATH, json=example.request)

    error = answer.json()["error"]
    assert error["message"] == 'Say which lead: send "id", "email" or "phone"'
    example.answer["error"] |= {"message": error["message"], "details": error["details"]}
    assert_same(example, answer, lead)


@pytest.mark.parametrize("body", [{"changedTo": "lost"}, {"status": "lost"}, {"note": "Called"}])
async def test_one_answer_carries_both_generations(people: People, lead: Lead, body: dict[str, str]) -> None:
    answer = await people.owner.http.patch(PATH, json={"id": str(lead.id), **body})

    assert list(answer.json()) == ["success", "leadId", "status", "data", "meta"]
