"""Leads over the native API: create, read, edit, move."""

from tests.people import People


async def test_a_lead_is_created_in_the_first_status(people: People) -> None:
    channel = await people.owner.channel()

    answer = await people.owner.http.post("/v1/leads", json={"channel_id": str(channel.id), "email": "jane@example.com"})

    assert answer.status_code == 201, answer.text
    assert answer.json()["status"]["name"] == "New"
    assert answer.headers["etag"] == '"1"'


async def test_a_status_change_is_recorded_once_with_all_that_follows(people: People) -> None:
    channel = await people.owner.channel(currency="EUR")
    won = channel.status_by_name["won"]
    await people.owner.trigger(channel, cause="status_change", status="Won", kind="percent", amount=10)
    lead = await people.owner.lead(channel, email="jane@example.com")

    answer = await people.owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "won", "value": "5000"})

    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == {"id": str(won.id), "name": "Won", "category": "won"}
    rewards = (await people.owner.http.get("/v1/rewards")).json()["data"]
    assert [(reward["amount"], reward["currency"], reward["state"]) for reward in rewards] == [("500", "EUR", "pending")]
    history = (await people.owner.http.get(f"/v1/leads/{lead.id}/events")).json()["data"]
    assert [event["type"] for event in history] == ["lead.created", "lead.status_changed", "reward.created"]
