"""What an endpoint may have beside its URL, deliveries without an event, and how long payloads are kept."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from leadrail.core.core import Core
from leadrail.core.webhooks.model import Format
from leadrail.kit.signing import new_secret
from leadrail.worker.periodic import run_jobs
from tests.people import People
from tests.receivers import Answer, Receiver
from tests.worker.stage import FakeClock, attempts, one_due, the_delivery, until_attempted, until_none_due, working


async def test_custom_headers_go_along_and_never_replace_ours(core: Core, people: People) -> None:
    async with Receiver() as receiver:
        await one_due(people.owner, receiver.url)
        given = json.dumps({"X-Team": "sales", "content-type": "text/plain"})
        await people.owner.rows("UPDATE endpoints SET headers = $1::text::jsonb RETURNING 1", given)
        async with working(core):
            (request,) = await receiver.wait_for(1)

    assert (request.headers["x-team"], request.headers["content-type"]) == ("sales", "application/json")


@pytest.mark.parametrize(("hours", "verifies"), [(23, True), (25, False)])
async def test_both_secrets_sign_until_the_former_one_ends(
    core: Core, people: People, clock: FakeClock, hours: int, verifies: bool
) -> None:
    former, until = new_secret(), clock.now + timedelta(hours=24)
    async with Receiver() as receiver:
        endpoint = await one_due(people.owner, receiver.url)
        await people.owner.rows(
            "UPDATE endpoints SET previous_secret = $1, previous_secret_until = $2 RETURNING 1", former, until
        )
        clock.advance(hours=hours)
        async with working(core):
            (request,) = await receiver.wait_for(1)

    headers = dict(request.headers) | {"webhook-timestamp": request.headers["webhook-timestamp"]}
    clocked = Webhook(endpoint.secret)
    signatures = request.headers["webhook-signature"].split(" ")
    assert len(signatures) == (2 if verifies else 1)
    assert signatures[0] == clocked.sign(headers["webhook-id"], clock.now, request.body.decode())
    if verifies:
        assert signatures[1] == Webhook(former).sign(headers["webhook-id"], clock.now, request.body.decode())
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(request.body, headers)


@pytest.mark.parametrize("format", list(Format))
async def test_a_delivery_without_an_event_goes_out_like_others(core: Core, people: People, format: Format) -> None:
    async with Receiver() as receiver:
        await one_due(people.owner, receiver.url, format=format)
        await people.owner.rows(
            "UPDATE deliveries SET event_seq = NULL, lead_id = NULL, event_id = $1 RETURNING 1", uuid4()
        )
        async with working(core):
            await until_none_due(people.owner)

    assert (await the_delivery(people.owner))["state"] == ("cancelled" if format is Format.SENDPILOT else "delivered")


async def test_a_replay_begins_the_schedule_anew_and_goes_on_counting(
    core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver(Answer(422)) as receiver:
        await one_due(people.owner, receiver.url)
        await people.owner.rows("UPDATE deliveries SET attempts = 10, attempts_before = 10 RETURNING 1")
        async with working(core):
            await until_attempted(people.owner, 1)

    delivery = await the_delivery(people.owner)
    assert (delivery["state"], delivery["attempts"]) == ("due", 11)
    assert delivery["due_at"] - clock.now <= timedelta(seconds=6)


async def test_payloads_and_answers_are_forgotten_in_time_and_the_log_stays(
    core: Core, people: People, clock: FakeClock
) -> None:
    async with Receiver(Answer(200, body=b"thanks")) as receiver:
        await one_due(people.owner, receiver.url)
        async with working(core):
            await until_none_due(people.owner)
    clock.advance(days=29)
    await run_jobs(core)
    assert (await the_delivery(people.owner))["payload"] is not None

    clock.advance(days=2)
    await run_jobs(core)

    delivery, (attempt,) = await the_delivery(people.owner), await attempts(people.owner)
    assert (delivery["payload"], delivery["state"], delivery["attempts"]) == (None, "delivered", 1)
    assert (attempt["outcome"], attempt["response"]) == ("ok", None)
