"""A SendPilot account moved here, our own dialect playing the vendor."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from leadrail.app import App
from leadrail.core.channels.model import Category, Channel, StatusRef
from leadrail.core.core import Core
from leadrail.core.leads.commands import Step
from leadrail.dialects.words import SENDPILOT
from leadrail.moving.sendpilot import _status
from tests.conftest import serving
from tests.moving.stage import Move, seed
from tests.people import People

MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_every_word_stands_for_what_the_dialect_takes_it_for() -> None:
    read = {word: _status(word.upper()).category for word in SENDPILOT.stands_for}

    assert read == SENDPILOT.stands_for


async def test_campaigns_and_leads_come_with_their_ids_times_and_words(
    core: Core, people: People, server_url: str
) -> None:
    old = await people.stranger.channel(title="Q1 founders", template="sendpilot", aliases={"sendpilot": "camp_xyz789"})
    quiet = await people.stranger.channel(title="Paused one", template="sendpilot")
    await people.stranger.http.patch(f"/sendpilot/v1/campaigns/{quiet.id}", json={"action": "pause"})
    _, john = await seed(
        core,
        people.stranger.company_id,
        old,
        [
            {
                "fields": {
                    "linkedin_url": "https://www.linkedin.com/in/jane",
                    "first_name": "Jane",
                    "last_name": "Doe",
                    "email": "jane@example.com",
                    "title": "CTO",
                    "company_name": "TechCorp",
                    "attribution": {
                        "external_ids": {"sendpilot": "lead_abc123"},
                        "custom_lead_status": "INTERESTED",
                        "custom": {"region": "North", "score": 85, "industry": "Software", "isPremium": True},
                    },
                },
                "steps": (
                    Step(status=StatusRef(name="PENDING"), at=MARCH),
                    Step(status=StatusRef(name="DONE"), at=MARCH + timedelta(days=3)),
                ),
                "at": MARCH,
                "updated_at": MARCH + timedelta(days=3),
            },
            {"fields": {"linkedin_url": "https://www.linkedin.com/in/john"}, "at": MARCH},
        ],
    )
    owner = people.owner
    before = await owner.counts()

    move = Move(core, "sendpilot", f"{server_url}/sendpilot", people.stranger.key, owner.company_id)
    report = await move.run()

    assert report.is_complete
    assert (report.tally.read, report.tally.brought) == (2, 2)
    assert sorted(report.made) == ["Paused one", "Q1 founders"]
    assert move.progress[-1].total == 2
    there = await people.stranger.http.get("/sendpilot/v1/leads?campaignId=camp_xyz789&full=true")
    here = await owner.http.get("/sendpilot/v1/leads?campaignId=camp_xyz789&full=true")
    by_id = {lead["id"]: lead for lead in here.json()["leads"]}
    assert by_id == {lead["id"]: lead for lead in there.json()["leads"]}
    campaigns = (await owner.http.get("/sendpilot/v1/campaigns")).json()["campaigns"]
    assert {one["id"]: one["status"] for one in campaigns} == {"camp_xyz789": "started", str(quiet.id): "paused"}
    counts = await owner.counts()
    assert (counts["leads"] - before["leads"], counts["events"] - before["events"]) == (2, 3)
    assert (counts["deliveries"], counts["rewards"]) == (before["deliveries"], before["rewards"])
    moves = await owner.rows(
        """SELECT e.occurred_at, e.notice, e.face FROM events e JOIN leads l USING (company_id)
        WHERE l.company_id = $1 AND e.lead_id = l.id AND l.first_name = 'Jane' ORDER BY e.seq""",
        owner.company_id,
    )
    assert [row["occurred_at"] for row in moves] == [MARCH, MARCH + timedelta(days=3)]
    assert {(row["notice"], row["face"]) for row in moves} == {(False, "migrate")}
    closed = await owner.rows("SELECT closed_at FROM leads WHERE company_id = $1 AND first_name = 'Jane'",
                              owner.company_id)  # fmt: skip
    assert closed == [{"closed_at": MARCH + timedelta(days=3)}]

    for id in ("lead_abc123", str(john.lead.id)):
        answer = await owner.http.patch(f"/sendpilot/v1/leads/{id}/status", json={"status": "OPPORTUNITY"})
        assert answer.status_code == 200, "a client goes on with the id that it has"
        assert answer.json()["leadId"] == id
        untouched = await people.stranger.http.get(f"/sendpilot/v1/leads/{id}")
        assert untouched.json()["status"] == by_id[id]["status"]


async def test_a_word_that_the_template_lacks_becomes_a_status(core: Core, people: People, server_url: str) -> None:
    old = await people.stranger.channel(template="sendpilot")
    added = await people.stranger.http.post(
        f"/v1/channels/{old.id}/statuses", json={"name": "RATE_LIMITED", "category": "on_hold"}
    )
    assert added.status_code == 201
    await seed(core, people.stranger.company_id, old, [{"steps": (Step(status=StatusRef(name="RATE_LIMITED")),)}])

    report = await Move(
        core, "sendpilot", f"{server_url}/sendpilot/v1", people.stranger.key, people.owner.company_id
    ).run()

    assert report.is_complete
    rows = await people.owner.rows(
        """SELECT s.name, s.category FROM leads l JOIN statuses s ON s.id = l.status_id AND s.company_id = l.company_id
        WHERE l.company_id = $1""",
        people.owner.company_id,
    )
    assert rows == [{"name": "RATE_LIMITED", "category": Category.ON_HOLD}]


async def test_who_comes_first_while_the_list_is_read_pushes_nobody_out(
    core: Core, people: People, server_url: str
) -> None:
    """The vendor lists the newest first here: each newcomer pushes one lead over the edge of a page that was read."""
    old = await people.stranger.channel(template="sendpilot")
    await seed(core, people.stranger.company_id, old, [{} for _ in range(250)])
    vendor = Newcomers(core, people.stranger.company_id, old)
    async with serving(vendor.app(App(core))) as url:
        report = await Move(core, "sendpilot", f"{url}/sendpilot", people.stranger.key, people.owner.company_id).run()

    assert vendor.came == 60
    assert report.tally.brought == 310
    assert await people.owner.count("leads") == 310


class Newcomers:
    """Leads that come in behind the back of whoever reads: sixty after the first page of leads."""

    def __init__(self, core: Core, company_id: UUID, channel: Channel) -> None:
        self._core, self._company_id, self._channel = core, company_id, channel
        self.came = 0

    def app(self, inner: App) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await inner(scope, receive, send)
            if scope["path"].endswith("/leads") and not self.came:
                self.came = 60
                await seed(self._core, self._company_id, self._channel, [{} for _ in range(self.came)])

        return app
