"""The retries of an endpoint that gets SendPilot's messages: that vendor's schedule, under the same rules."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from leadrail.core.channels.model import StatusRef
from leadrail.core.core import Core
from leadrail.core.leads.commands import ChangeStatus
from leadrail.core.webhooks.model import Format
from leadrail.core.webhooks.queue import DeliveryState
from leadrail.kit.outgoing import Outcome, Reply
from leadrail.worker.schedule import SCHEDULE, SCHEDULES, Verdict, judge, wait_after
from tests.people import People
from tests.receivers import Answer, Receiver
from tests.worker.stage import FakeClock, attempts, the_delivery, until_attempted, working

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY_S = 86_400
SENDPILOT = SCHEDULES[Format.SENDPILOT]

formats = st.sampled_from(Format)
numbers = st.integers(1, 30)
chances = st.floats(0, 1, exclude_max=True)
asked = st.none() | st.integers(0, 10 * DAY_S)
failures = st.sampled_from([outcome for outcome in Outcome if outcome is not Outcome.OK])


def test_the_schedule_is_the_vendors() -> None:
    assert [wait.total_seconds() for wait in SENDPILOT] == [0, 5, 30, 2 * 60, 15 * 60, 3600]


def test_every_other_format_has_ours() -> None:
    others = {format: schedule for format, schedule in SCHEDULES.items() if format is not Format.SENDPILOT}

    assert others == dict.fromkeys(set(Format) - {Format.SENDPILOT}, SCHEDULE)


@given(formats, numbers, failures, chances, asked)
def test_each_format_is_tried_again_as_its_schedule_says_and_then_parked(
    format: Format, number: int, outcome: Outcome, chance: float, seconds: int | None
) -> None:
    schedule = SCHEDULES[format]

    verdict = judge(number, Reply(outcome, 503, b"", 1, seconds), NOW, chance, schedule)

    if number >= len(schedule):
        assert verdict == Verdict(DeliveryState.PARKED)
        return
    wait = timedelta(seconds=min(seconds or 0, DAY_S))
    assert verdict.due_at is not None
    assert max(schedule[number], wait) <= verdict.due_at - NOW <= max(schedule[number] * 1.1, wait)


@given(st.integers(1, 4), chances)
def test_each_wait_is_longer_than_the_one_before(number: int, chance: float) -> None:
    shorter, longer = (wait_after(at, chance, None, SENDPILOT) for at in (number, number + 1))

    assert shorter is not None
    assert longer is not None
    assert shorter < longer


@given(formats, numbers, chances, asked)
def test_a_success_is_final_and_gone_is_gone(format: Format, number: int, chance: float, seconds: int | None) -> None:
    schedule = SCHEDULES[format]

    taken = judge(number, Reply(Outcome.OK, 204, b"", 1, seconds), NOW, chance, schedule)
    gone = judge(number, Reply(Outcome.HTTP_4XX, 410, b"", 1, seconds), NOW, chance, schedule)

    assert taken == Verdict(DeliveryState.DELIVERED)
    assert gone == Verdict(DeliveryState.PARKED, is_gone=True)


async def test_a_receiver_that_is_down_is_tried_six_times(core: Core, people: People, clock: FakeClock) -> None:
    async with Receiver(Answer(503)) as receiver:
        await people.owner.endpoint(receiver.url, format=Format.SENDPILOT, events=("lead.status_changed",))
        await move_a_lead(core, people)
        async with working(core, chance=lambda: 0.0):
            for number, wait in enumerate(SENDPILOT, 1):
                clock.advance(seconds=wait.total_seconds())
                await until_attempted(people.owner, number)

    assert (await the_delivery(people.owner))["state"] == "parked"
    started = [row["started_at"] for row in await attempts(people.owner)]
    assert [later - earlier for earlier, later in pairwise(started)] == list(SENDPILOT[1:])
    assert len({request.headers["svix-id"] for request in receiver.requests}) == 1
    assert len(receiver.requests) == 6


async def move_a_lead(core: Core, people: People) -> None:
    channel = await people.owner.channel(template="sendpilot")
    lead = await people.owner.lead(channel)
    actor = await core.doors.admit_key(people.owner.key, "sendpilot")
    await core.engine.execute_one(ChangeStatus(actor=actor, lead_id=lead.id, status=StatusRef(name="DONE")))
