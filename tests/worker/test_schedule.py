"""The retry rule, for every attempt and answer that there may be."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from leadrail.core.webhooks.queue import DeliveryState
from leadrail.kit.outgoing import Outcome, Reply
from leadrail.worker.schedule import SCHEDULE, Verdict, judge, wait_after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY_S = 86_400

numbers = st.integers(1, 30)
retries = st.integers(1, 9)
chances = st.floats(0, 1, exclude_max=True)
asked = st.none() | st.integers(0, 10 * DAY_S)
failures = st.sampled_from([outcome for outcome in Outcome if outcome is not Outcome.OK])
statuses = st.none() | st.integers(100, 599).filter(lambda status: status != 410)


def reply(outcome: Outcome, status: int | None = None, retry_after_s: int | None = None) -> Reply:
    return Reply(outcome, status, b"", 1, retry_after_s)


def test_the_schedule_is_the_published_one() -> None:
    in_words = [0, 5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24))]

    assert [wait.total_seconds() for wait in SCHEDULE] == in_words
    assert sum(SCHEDULE, timedelta()) // timedelta(hours=1) == 75


@given(numbers, chances, st.none() | st.just(200))
def test_a_success_is_final(number: int, chance: float, status: int | None) -> None:
    assert judge(number, reply(Outcome.OK, status), NOW, chance) == Verdict(DeliveryState.DELIVERED)


@given(retries, failures, statuses, chances)
def test_a_failure_is_tried_again_as_planned_or_a_tenth_later(
    number: int, outcome: Outcome, status: int | None, chance: float
) -> None:
    verdict = judge(number, reply(outcome, status), NOW, chance)

    assert (verdict.state, verdict.is_gone) == (DeliveryState.DUE, False)
    assert verdict.due_at is not None
    assert SCHEDULE[number] <= verdict.due_at - NOW <= SCHEDULE[number] * 1.1


@given(retries, chances, asked)
def test_a_receiver_may_ask_for_more_time_but_not_for_less(number: int, chance: float, seconds: int | None) -> None:
    planned, wait = wait_after(number, chance, None), wait_after(number, chance, seconds)

    assert planned is not None
    assert wait == max(planned, timedelta(seconds=min(seconds or 0, DAY_S)))


@given(st.integers(10, 1000), failures, statuses, chances, asked)
def test_after_the_last_attempt_it_is_parked(
    number: int, outcome: Outcome, status: int | None, chance: float, seconds: int | None
) -> None:
    assert judge(number, reply(outcome, status, seconds), NOW, chance) == Verdict(DeliveryState.PARKED)


@given(numbers, chances, asked)
def test_gone_parks_at_once_and_disables_the_endpoint(number: int, chance: float, seconds: int | None) -> None:
    verdict = judge(number, reply(Outcome.HTTP_4XX, 410, seconds), NOW, chance)

    assert verdict == Verdict(DeliveryState.PARKED, is_gone=True)
