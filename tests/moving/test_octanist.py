"""An Octanist organisation moved here, our own dialect playing the vendor."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from leadrail.core.channels.model import StatusRef
from leadrail.core.core import Core
from leadrail.core.leads.commands import Step
from tests.moving.stage import Move, seed
from tests.people import People

MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lead(n: int, **fields: Any) -> dict[str, Any]:
    attribution = {"external_ids": {"octanist": f"lead_{n}"}} | fields.pop("attribution", {})
    at = MARCH + timedelta(minutes=n)
    return {"fields": {"name": f"Lead {n}", "attribution": attribution, **fields}, "at": at, "updated_at": at}


async def test_leads_come_with_worth_clicks_consent_and_the_time_of_qualification(
    core: Core, people: People, server_url: str
) -> None:
    vendor, owner = people.stranger, people.owner
    old = await vendor.channel(title="Octanist", template="octanist", currency="EUR")
    whole = lead(
        0,
        email="john@example.com",
        phone="+4512345678",
        notes="Customer notes",
        source="gtm",
        value=Decimal("5000.5"),
        attribution={
            "custom": '{"company":"Acme Inc"}',
            "website": "https://example.com",
            "path": "/pricing",
            "gclid": "abc123",
            "utm_source": "google",
            "label_id": "label_xyz",
            "conversionName": "Purchase",
            "googleAdsCampaignId": "123456789",
            "ad_storage": True,
            "analytics_storage": False,
        },
    )
    qualified, won = MARCH + timedelta(days=3), MARCH + timedelta(days=9)
    whole["steps"] = (
        Step(status=StatusRef(name="open"), at=MARCH),
        Step(status=StatusRef(name="qualified"), at=qualified),
        Step(status=StatusRef(name="won"), at=won),
    )
    whole["updated_at"] = won
    lost = lead(1)
    lost["steps"] = (
        Step(status=StatusRef(name="open"), at=MARCH),
        Step(status=StatusRef(name="lost"), at=won, reason="Too expensive"),
    )
    lost["updated_at"] = won
    await seed(core, vendor.company_id, old, [whole, lost, *(lead(n) for n in range(2, 130))])

    move = Move(core, "octanist", f"{server_url}/octanist/api", vendor.key, owner.company_id, currency="EUR")
    report = await move.run()

    assert report.is_complete
    assert report.made == ("Octanist",)
    assert (report.tally.read, report.tally.brought, move.progress[-1].total) == (130, 130, 130)
    for page in (1, 2):
        query = f"/octanist/api/leads?limit=100&page={page}&sort=createdAt:asc"
        there, here = await vendor.http.get(query), await owner.http.get(query)
        assert here.json()["data"] == there.json()["data"]
    assert here.json()["meta"]["pagination"]["total"] == 130
    moves = await owner.rows(
        """SELECT e.data->'to'->>'name' AS name, e.occurred_at, e.data->>'reason' AS reason
        FROM events e JOIN leads l ON l.company_id = e.company_id AND l.id = e.lead_id
        WHERE e.company_id = $1 AND l.name IN ('Lead 0', 'Lead 1') ORDER BY e.seq""",
        owner.company_id,
    )
    assert [tuple(row.values()) for row in moves] == [
        ("open", MARCH, None),
        ("qualified", qualified, None),
        ("won", won, None),
        ("open", MARCH + timedelta(minutes=1), None),
        ("lost", won, "Too expensive"),
    ]
    patched = await owner.http.patch("/octanist/api/leads", json={"id": "lead_5", "changedTo": "won", "value": 9})
    assert patched.status_code == 200, patched.text
    assert patched.json()["leadId"] == "lead_5"


async def test_two_organisations_come_into_two_channels_though_their_ids_are_alike(
    core: Core, people: People, server_url: str
) -> None:
    owner = people.owner
    moves = []
    for person, title in ((people.stranger, "North"), (people.partner, "South")):
        old = await person.channel(template="octanist")
        await seed(core, person.company_id, old, [lead(n) for n in range(3)])
        key, url = person.key, f"{server_url}/octanist"
        moves.append(Move(core, "octanist", url, key, owner.company_id, channel_title=title))

    first = [await move.run() for move in moves]
    again = [await move.run() for move in moves]

    assert [(one.made, one.tally.brought) for one in first] == [(("North",), 3), (("South",), 3)]
    assert [(one.found, one.tally.known) for one in again] == [(("North",), 3), (("South",), 3)]
    assert await owner.count("leads") == 6
