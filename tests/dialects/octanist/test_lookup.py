"""How PATCH /api/leads finds its lead: id, else e-mail, else phone (contracts/octanist.md, section 6)."""

from typing import Any

import pytest

from leadrail.core.channels import store as channels
from leadrail.core.channels.model import Channel
from leadrail.core.companies import store as companies
from leadrail.core.leads.model import Lead
from leadrail.kit.ids import new_id
from tests.dialects.octanist.conftest import JANE, PHONE, nothing_changes, patch
from tests.people import People, Person

SPELLINGS = [
    "+31612345678",
    "+31 6 12345678",
    "+31-6-1234-5678",
    "+31.6.12345678",
    "+31 (0)6 12 34 56 78",
    "tel:+31612345678",
    "0031612345678",
    "00 31 6 12 34 56 78",
    "06-12345678",
    "(06) 12 34 56 78",
    "06 1234 5678",
    "31612345678",
]


async def settle(person: Person, country: str) -> None:
    """Gives the person's company a country."""
    async with person.core.database.transaction() as connection:
        company = await companies.company(connection, person.company_id)
        settled = type(company)(company.id, company.name, country, company.time_zone, company.created_at)
        await companies.update_company(connection, settled)
        await channels.renew_all(connection, person.company_id)


@pytest.mark.parametrize("prefix", ["", "lead_"])
async def test_id_is_taken_with_and_without_the_vendors_prefix(people: People, lead: Lead, prefix: str) -> None:
    answer = await patch(people.owner, id=f"{prefix}{lead.id}", note="Called")

    assert answer.json()["leadId"] == str(lead.id)


@pytest.mark.parametrize("email", ["jane@example.com", "Jane@Example.COM", " jane@example.com "])
async def test_email_is_found_however_it_is_written(people: People, lead: Lead, email: str) -> None:
    answer = await patch(people.owner, email=email, note="Called")

    assert answer.json()["leadId"] == str(lead.id)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_every_spelling_of_a_phone_finds_the_lead(people: People, spelling: str) -> None:
    await settle(people.owner, "NL")
    lead = await people.owner.lead(await people.owner.channel(template="octanist"), phone="06 12345678")

    answer = await patch(people.owner, phone=spelling, note="Called")

    assert answer.json()["leadId"] == str(lead.id), spelling


async def test_national_phone_is_read_by_the_country_of_the_leads_company(people: People) -> None:
    await settle(people.owner, "NL")
    await settle(people.partner, "DE")
    lead = await people.owner.lead(await people.shared_channel(), phone="06 12345678")
    await people.partner.lead(await people.partner.channel(), phone="+31612345678")

    answer = await patch(people.partner, phone="06 12345678", note="Called")

    assert answer.json()["leadId"] == str(lead.id)


@pytest.mark.parametrize(
    "body",
    [
        {"id": str(new_id()), "email": JANE},
        {"id": "lead_123", "email": JANE, "phone": PHONE},
        {"email": "john@example.com", "phone": PHONE},
    ],
)
async def test_best_identifier_does_not_fall_through(people: People, lead: Lead, body: dict[str, Any]) -> None:
    async with nothing_changes(people.owner):
        answer = await patch(people.owner, **body, note="Called")

    assert (answer.status_code, answer.json()["message"]) == (404, "Lead not found")
    assert answer.json()["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("absent", ["", None])
async def test_empty_identifier_counts_as_not_sent(people: People, lead: Lead, absent: str | None) -> None:
    answer = await patch(people.owner, id=absent, email=absent, phone=PHONE, note="Called")

    assert answer.json()["leadId"] == str(lead.id)


async def test_id_wins_over_the_email_of_another_lead(people: People, channel: Channel, lead: Lead) -> None:
    other = await people.owner.lead(channel, email="john@example.com")

    answer = await patch(people.owner, id=str(other.id), email=JANE, note="Called")

    assert answer.json()["leadId"] == str(other.id)


@pytest.mark.parametrize("body", [{"email": JANE}, {"phone": PHONE}])
async def test_several_matches_are_a_conflict(
    people: People, channel: Channel, lead: Lead, body: dict[str, str]
) -> None:
    other = await people.owner.lead(await people.owner.channel(), email=JANE, phone=PHONE)

    async with nothing_changes(people.owner):
        answer = await patch(people.owner, **body, status="lost")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "CONFLICT")
    assert set(error["details"]["leadIds"]) == {str(lead.id), str(other.id)}


async def test_all_channels_are_searched_not_only_the_default_one(people: People, lead: Lead) -> None:
    default = await people.owner.channel()
    key = await people.owner.another_key(default_channel=default.id)

    answer = await people.owner.http.patch(
        "/octanist/api/leads", json={"email": JANE, "note": "Called"}, headers={"X-API-KEY": key}
    )

    assert answer.json()["leadId"] == str(lead.id)


@pytest.mark.parametrize(
    ("name", "text"), [("email", "jane"), ("phone", "twelve"), ("phone", "06 12345678"), ("phone", "+1")]
)
async def test_unreadable_identifier_is_refused(people: People, lead: Lead, name: str, text: str) -> None:
    async with nothing_changes(people.owner):
        answer = await patch(people.owner, **{name: text}, status="lost")

    assert answer.status_code == 400
    assert answer.json()["error"]["details"] == {"field": name}
