"""How an address and a key that a user gives become an account that can be read."""

from uuid import uuid4

import pytest

from leadrail.core.core import Core
from leadrail.moving.vendors import source_of
from tests.moving.stage import Move
from tests.moving.vendor import Answer, Asked, playing
from tests.people import People


@pytest.mark.parametrize(
    ("vendor", "given", "base"),
    [
        ("keenpartner", "https://data.keenpartner.com", "https://data.keenpartner.com/"),
        ("keenpartner", "https://data.keenpartner.com/functions/v1/keen-api", "https://data.keenpartner.com/"),
        ("keenpartner", "http://me:8400/keenpartner/functions/v1/openapi-operations/", "http://me:8400/keenpartner"),
        ("sendpilot", "https://api.sendpilot.ai", "https://api.sendpilot.ai/v1"),
        ("sendpilot", "https://api.sendpilot.ai/v1/", "https://api.sendpilot.ai/v1"),
        ("sendpilot", "https://api.sendpilot.ai/api/v1", "https://api.sendpilot.ai/api/v1"),
        ("octanist", "https://octanist.com", "https://octanist.com/api"),
        ("octanist", "https://octanist.com/api", "https://octanist.com/api"),
        ("capillary", "https://eu.api.capillarytech.com/v2", "https://eu.api.capillarytech.com/"),
        ("capillary", "https://eu.api.capillarytech.com/v2/leads/", "https://eu.api.capillarytech.com/"),
    ],
)
def test_an_address_may_be_given_as_far_as_the_vendors_page_has_it(vendor: str, given: str, base: str) -> None:
    assert str(source_of(vendor, given, "till:key").base).rstrip("/") == base.rstrip("/")


def test_an_account_is_told_from_another_without_keeping_its_key() -> None:
    company_id = uuid4()
    ours, theirs = (source_of("octanist", "https://octanist.com", key).account(company_id) for key in ("k-1", "k-2"))

    assert ours != theirs
    assert "k-1" not in ours.source
    assert ours == source_of("octanist", "https://octanist.com/api", " k-1\n").account(company_id)


async def test_more_stages_than_a_channel_can_have_stop_nobody_else(core: Core, people: People) -> None:
    channel = {"id": str(uuid4()), "title": "Many", "lead_status": [{"status": f"Stage {n}"} for n in range(201)]}
    leads = [{"id": str(uuid4()), "status": f"Stage {n}"} for n in (0, 199, 200)]

    def script(asked: Asked) -> Answer:
        return Answer({"channels": [channel]} if asked.body["action"] == "get_channels" else leads)

    async with playing(script) as vendor:
        move = Move(core, "keenpartner", vendor.url, "key", people.owner.company_id)
        report = await move.run()

    assert (report.tally.brought, report.tally.refused, report.is_complete) == (2, 1, False)
    assert [(one.kind, one.id) for one in move.missing] == [("channel", channel["id"]), ("lead", leads[2]["id"])]
