"""The limit on how often one caller may call."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadrail.kit.throttle import Throttle, household


@dataclass
class Watch:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_one_at_a_time() -> None:
    watch = Watch()
    throttle = Throttle(60, burst=3, clock=watch)

    assert [throttle.wait_s("a") for _ in range(4)] == [0, 0, 0, pytest.approx(1)]
    watch.now += 0.5
    assert throttle.wait_s("a") == pytest.approx(0.5)
    watch.now += 0.5
    assert [throttle.wait_s("a"), throttle.wait_s("a")] == [0, pytest.approx(1)]


def test_one_caller_does_not_use_up_what_another_has() -> None:
    throttle = Throttle(60, burst=1, clock=Watch())

    assert [throttle.wait_s("a"), throttle.wait_s("b")] == [0, 0]
    assert throttle.wait_s("a") > 0


def test_it_forgets_who_was_here_least_lately() -> None:
    throttle = Throttle(60, burst=1, capacity=2, clock=Watch())
    for caller in ("a", "b", "c"):
        throttle.wait_s(caller)

    assert throttle.wait_s("c") > 0
    assert throttle.wait_s("a") == 0


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 5))
def test_no_caller_gets_more_than_the_burst_and_the_rate(pauses: list[float], burst: int) -> None:
    watch = Watch()
    throttle = Throttle(30, burst=burst, clock=watch)
    passed = 0
    for pause in pauses:
        watch.now += pause
        passed += throttle.wait_s("a") == 0

    assert passed <= burst + (watch.now - 1000) / 2 + 1e-6


@pytest.mark.parametrize(
    ("address", "whom"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("a unix socket", "a unix socket"),
    ],
)
def test_an_address_stands_for_one_subscriber(address: str, whom: str) -> None:
    assert household(address) == whom
