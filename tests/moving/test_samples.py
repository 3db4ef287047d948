"""The contracts' own examples, answered by a vendor of a few lines: shapes that our dialects never answer too."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from leadrail.core.core import Core
from leadrail.moving.client import VendorError
from tests.moving.stage import Move
from tests.moving.vendor import Answer, Asked, in_turn, playing
from tests.people import People, Person

CHANNEL = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
QUALIFIED = "bbbbbbbb-cccc-dddd-eeee-ffffffffffff"

# contracts/keenpartner.md, section 4.1
CHANNELS = {
    "channels": [
        {
            "id": CHANNEL,
            "title": "Acme Corp Partnership",
            "created_at": "2025-03-15T10:30:00.000Z",
            "referring_id": "f1e2d3c4-b5a6-7890-abcd-ef1234567890",
            "receiving_id": "d4c3b2a1-6f5e-0987-dcba-0987654321fe",
            "creator": "d4c3b2a1-6f5e-0987-dcba-0987654321fe",
            "currency": "USD",
            "no_auth_api": False,
            "property_definitions": [
                {
                    "id": "11111111-2222-3333-4444-555555555555",
                    "name": "Deal size",
                    "type": "number",
                    "order": 1,
                    "visible": True,
                }
            ],
            "lead_status": [
                {
                    "id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
                    "status": "New lead",
                    "order": 1,
                    "visible": True,
                    "color": "#3B82F6",
                },
                {"id": QUALIFIED, "status": "Qualified", "order": 2, "visible": True, "color": "#F59E0B"},
            ],
        }
    ]
}
# section 4.2, the newest shape
FLAT = {
    "id": "99887766-5544-3322-1100-aabbccddeeff",
    "email": "jane@example.com",
    "first_name": "Jane",
    "last_name": "Doe",
    "phone": "+45 12345678",
    "company_name": "Acme Inc",
    "source": "website",
    "referring_employee": "John Smith",
    "business_id": "biz-123",
    "notes": "Interested in premium plan",
    "created_at": "2026-04-21T10:00:00.000Z",
    "status": "New",
    "Deal size": "50000",
    "Region": "EMEA",
}


async def only_lead(person: Person) -> dict[str, Any]:
    rows = await person.rows(
        """SELECT l.*, s.name AS status, s.category FROM leads l
        JOIN statuses s ON s.company_id = l.company_id AND s.channel_id = l.channel_id AND s.id = l.status_id
        WHERE l.company_id = $1""",
        person.company_id,
    )
    assert len(rows) == 1
    return rows[0]


def keen(newest: Any, *, is_first_there: bool = False) -> Any:
    def script(asked: Asked) -> Answer:
        if asked.path.endswith("openapi-operations") and not is_first_there:
            return Answer({"code": "NOT_FOUND", "message": "Requested function was not found"}, 404)
        return Answer(CHANNELS if asked.body == {"action": "get_channels"} else newest)

    return script


async def test_keenpartners_newest_shape_is_read_where_the_first_is_gone(core: Core, people: People) -> None:
    async with playing(keen([FLAT])) as vendor:
        url = f"{vendor.url}/functions/v1/keen-api"
        move = Move(core, "keenpartner", url, "11111111-0000-0000-0000-000000000000", people.owner.company_id)
        report = await move.run()

    assert report.is_complete
    assert vendor.asked[-1].body == {"action": "get_leads", "channel_id": CHANNEL}
    lead = await only_lead(people.owner)
    assert str(lead["id"]) == FLAT["id"]
    assert (lead["email"], lead["business_id"], lead["status"]) == ("jane@example.com", "biz-123", "New")
    assert lead["created_at"] == datetime(2026, 4, 21, 10, tzinfo=UTC)
    assert lead["properties"] == {"11111111-2222-3333-4444-555555555555": 50_000}
    assert lead["attribution"] == {
        "external_ids": {"keenpartner": FLAT["id"]},
        "referred_by": "John Smith",
        "custom": {"Region": "EMEA"},
    }


@pytest.mark.parametrize(("count", "is_first", "limit"), [(100, False, 100), (1_000, True, 1_000), (99, False, None)])
async def test_a_list_that_was_cut_is_said_so(
    core: Core, people: People, count: int, is_first: bool, limit: int | None
) -> None:
    rows = [{"id": f"99887766-5544-3322-1100-{n:012x}", "status": "Qualified"} for n in range(count)]
    async with playing(keen({"leads": rows} if is_first else rows, is_first_there=is_first)) as vendor:
        move = Move(core, "keenpartner", vendor.url, "key", people.owner.company_id)
        report = await move.run()

    assert report.tally.brought == count
    assert report.is_complete is (limit is None)
    assert [one.id for one in move.missing] == ([CHANNEL] if limit else [])


async def test_the_id_of_a_status_counts_more_than_its_stale_name(core: Core, people: People) -> None:
    """Section 3: the name beside the id may be the one before."""
    nested = {"id": FLAT["id"], "status": "New lead", "lead_status_id": QUALIFIED, "property_values": []}
    async with playing(keen({"leads": [nested]}, is_first_there=True)) as vendor:
        await Move(core, "keenpartner", vendor.url, "key", people.owner.company_id).run()

    lead = await only_lead(people.owner)
    assert (str(lead["status_id"]), lead["status"]) == (QUALIFIED, "Qualified")


@pytest.mark.parametrize("envelope", [("campaigns", "pagination"), ("data", "meta")])
async def test_sendpilots_campaigns_are_read_in_both_envelopes(
    core: Core, people: People, envelope: tuple[str, str]
) -> None:
    """Sections 5 and 6."""
    campaign = {
        "id": "clxxx123456",
        "name": "Q1 Tech Founders Outreach",
        "status": "STARTED",
        "totalLeads": 150,
        "createdAt": "2024-02-20T10:00:00.000Z",
        "updatedAt": "2024-02-24T15:30:00.000Z",
    }
    lead = {
        "id": "lead_abc123",
        "linkedinUrl": "https://www.linkedin.com/in/john-doe",
        "status": "CONNECTION_ACCEPTED",
        "firstName": "John",
        "lastName": "Doe",
        "title": "VP of Engineering",
        "company": "TechCorp",
        "campaignId": "clxxx123456",
        "createdAt": "2024-02-20T10:00:00.000Z",
        "updatedAt": "2024-02-23T15:30:00.000Z",
        "data": {"icebreaker": "Loved your talk"},
        "customLeadStatus": "INTERESTED",
        "location": "Copenhagen",
    }
    paging = {"total": 1, "page": 1, "limit": 100, "totalPages": 1}

    def script(asked: Asked) -> Answer:
        if asked.path == "/api/v1/campaigns":
            return Answer({envelope[0]: [campaign], envelope[1]: paging})
        assert asked.query["full"] == "true"
        return Answer({"leads": [lead], "pagination": paging})

    async with playing(script) as vendor:
        await Move(core, "sendpilot", f"{vendor.url}/api/v1/", "key", people.owner.company_id).run()

    came = await only_lead(people.owner)
    assert (came["status"], came["company_name"], came["title"]) == (
        "CONNECTION_ACCEPTED",
        "TechCorp",
        "VP of Engineering",
    )
    assert came["attribution"] == {
        "external_ids": {"sendpilot": "lead_abc123"},
        "custom_lead_status": "INTERESTED",
        "custom": {"location": "Copenhagen", "icebreaker": "Loved your talk"},
    }
    assert came["updated_at"] == datetime(2024, 2, 23, 15, 30, tzinfo=UTC)
    titles = await people.owner.rows("SELECT title, created_at FROM channels WHERE company_id = $1",
                                     people.owner.company_id)  # fmt: skip
    assert titles == [
        {"title": "Q1 Tech Founders Outreach", "created_at": datetime(2024, 2, 20, 10, tzinfo=UTC)},
    ]


async def test_octanists_lead_is_read_whole(core: Core, people: People) -> None:
    """Section 5.3."""
    lead = {
        "id": "lead_abc123",
        "name": "John Doe",
        "email": "john@example.com",
        "phone": "+1234567890",
        "status": "won",
        "value": 5000,
        "note": "Customer notes",
        "custom": '{"company":"Acme Inc"}',
        "lossReason": None,
        "conversionName": "Purchase",
        "source": "gtm",
        "gclid": "abc123",
        "ga4cid": "GA1.1.123456789.1234567890",
        "ad_storage": True,
        "ad_personalization": False,
        "googleAdsAdId": "111222333",
        "labelId": "label_xyz",
        "createdAt": "2026-01-15T10:30:00.000Z",
        "updatedAt": "2026-02-20T14:00:00.000Z",
        "qualifiedAt": "2026-01-18T09:00:00.000Z",
        "expiresAt": "2026-04-15T10:30:00.000Z",
    }
    meta = {"requestId": "req_a1b2c3d4e5f6", "timestamp": "2026-03-10T12:00:00.000Z"}
    pagination = {"limit": 100, "page": 1, "totalPages": 1, "total": 1, "hasMore": False}

    def script(asked: Asked) -> Answer:
        assert (asked.path, asked.query["sort"]) == ("/api/leads", "createdAt:asc")
        return Answer({"success": True, "data": [lead], "meta": meta | {"pagination": pagination}})

    async with playing(script) as vendor:
        await Move(core, "octanist", vendor.url, "key", people.owner.company_id, currency="EUR").run()

    came = await only_lead(people.owner)
    assert (came["value"], came["currency"], came["status"]) == (Decimal(5000), "EUR", "won")
    assert came["qualified_at"] == datetime(2026, 1, 18, 9, tzinfo=UTC)
    assert came["closed_at"] == came["updated_at"] == datetime(2026, 2, 20, 14, tzinfo=UTC)
    assert came["attribution"] == {
        "external_ids": {"octanist": "lead_abc123"},
        "custom": '{"company":"Acme Inc"}',
        "conversionName": "Purchase",
        "gclid": "abc123",
        "ga4cid": "GA1.1.123456789.1234567890",
        "googleAdsAdId": "111222333",
        "label_id": "label_xyz",
        "ad_storage": True,
        "ad_personalization": False,
    }


@pytest.mark.parametrize("vendor", ["keenpartner", "sendpilot", "octanist", "capillary"])
async def test_an_answer_of_something_else_is_said_and_nothing_is_made(core: Core, people: People, vendor: str) -> None:
    async with playing(lambda _: Answer()) as other:
        bodies: tuple[Any, ...] = ([], {}, {"data": None}, "x", {"data": 3, "meta": []})
        for body in bodies:
            other.script = in_turn([Answer(body)])
            with pytest.raises(VendorError, match="--url"):
                await Move(core, vendor, other.url, "key:of it", people.owner.company_id).run()
    assert await people.owner.count("leads") == 0
