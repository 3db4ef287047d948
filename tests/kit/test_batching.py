"""Natural batching: nothing waits that could go, what waits goes together, and nobody is left without an answer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from leadrail.kit.batching import Batcher


class Work:
    """A run that takes as long as the test says, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gates: list[asyncio.Event] = []
        self.under_way = self.most_under_way = 0
        self.answer: Callable[[Sequence[str]], Sequence[str]] = lambda items: [item.upper() for item in items]

    async def run(self, items: Sequence[str]) -> Sequence[str]:
        gate = asyncio.Event()
        self.batches.append(list(items))
        self.gates.append(gate)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await gate.wait()
        self.under_way -= 1
        return self.answer(items)

    async def until(self, batches: int) -> None:
        """Returns when so many batches have begun; the loop needs a few turns at most."""
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(self.batches) == batches, self.batches


def batcher(work: Work, *, limit: int = 10, slots: int = 1) -> Batcher[str, str]:
    """Items that begin with a digit have that digit as their key; others have none."""
    return Batcher(work.run, key=lambda item: item[0] if item[0].isdigit() else None, limit=limit, slots=slots)


async def test_an_idle_batcher_starts_at_once_and_all_of_one_turn_go_together() -> None:
    work = Work()
    batches = batcher(work)

    results = [batches.submit(item) for item in "abc"]
    await work.until(1)

    assert work.batches == [["a", "b", "c"]]
    work.gates[0].set()
    assert await asyncio.gather(*results) == ["A", "B", "C"]


async def test_what_arrives_while_work_is_under_way_waits_and_goes_together() -> None:
    work = Work()
    batches = batcher(work)
    first = batches.submit("a")
    await work.until(1)

    rest = [batches.submit(item) for item in "bcd"]
    await work.until(1)
    work.gates[0].set()
    await work.until(2)

    assert (await first, work.batches) == ("A", [["a"], ["b", "c", "d"]])
    work.gates[1].set()
    assert await asyncio.gather(*rest) == ["B", "C", "D"]


async def test_no_batch_is_larger_than_the_limit_and_none_is_forgotten() -> None:
    work = Work()
    batches = batcher(work, limit=2)

    results = [batches.submit(item) for item in "abcde"]
    for place in range(3):
        await work.until(place + 1)
        work.gates[place].set()

    assert await asyncio.gather(*results) == ["A", "B", "C", "D", "E"]
    assert work.batches == [["a", "b"], ["c", "d"], ["e"]]


async def test_as_many_batches_as_slots_run_beside_each_other() -> None:
    work = Work()
    batches = batcher(work, limit=1, slots=2)

    results = [batches.submit(item) for item in "abcd"]
    await work.until(2)
    for gate in work.gates[:2]:
        gate.set()
    await work.until(4)
    for gate in work.gates[2:]:
        gate.set()

    assert await asyncio.gather(*results) == ["A", "B", "C", "D"]
    assert work.most_under_way == 2


async def test_items_of_one_key_are_never_in_two_batches_under_way() -> None:
    work = Work()
    batches = batcher(work, limit=2, slots=2)

    results = [batches.submit(item) for item in ("1a", "x", "1b", "y", "1c")]
    await work.until(2)
    assert work.batches == [["1a", "x"], ["y"]]
    work.gates[1].set()
    await work.until(2)
    work.gates[0].set()
    await work.until(3)

    assert work.batches[2] == ["1b", "1c"]
    work.gates[2].set()
    assert await asyncio.gather(*results) == ["1A", "X", "1B", "Y", "1C"]


async def test_a_held_key_does_not_hold_up_others_and_is_not_overtaken_by_its_own() -> None:
    work = Work()
    batches = batcher(work, slots=2)
    held = batches.submit("1a")
    await work.until(1)

    rest = [batches.submit(item) for item in ("1b", "2a", "1c", "2b")]
    await work.until(2)
    assert work.batches[1] == ["2a", "2b"]
    work.gates[0].set()
    await work.until(3)

    assert work.batches[2] == ["1b", "1c"]
    for gate in work.gates:
        gate.set()
    assert await asyncio.gather(held, *rest) == ["1A", "1B", "2A", "1C", "2B"]


async def test_a_run_that_fails_fails_its_own_items_and_the_next_batch_goes_on() -> None:
    work = Work()
    batches = batcher(work, limit=2)

    def answer(items: Sequence[str]) -> Sequence[str]:
        if "a" in items:
            raise ValueError("no luck")
        return items

    work.answer = answer
    results = [batches.submit(item) for item in ("a", "1b", "1c")]
    for place in range(2):
        await work.until(place + 1)
        work.gates[place].set()
    outcomes: list[Any] = await asyncio.gather(*results, return_exceptions=True)

    assert [repr(outcome) for outcome in outcomes] == ["ValueError('no luck')", "ValueError('no luck')", "'1c'"]


async def test_a_run_with_too_few_results_fails_its_items_instead_of_leaving_them_waiting() -> None:
    work = Work()
    work.answer = lambda items: items[:1]
    batches = batcher(work)

    results = [batches.submit(item) for item in "ab"]
    await work.until(1)
    work.gates[0].set()
    _, waiting = await asyncio.wait(results, timeout=1)

    assert not waiting
    assert all(isinstance(result.exception(), RuntimeError) for result in results)


async def test_who_no_longer_waits_does_not_undo_the_work_of_others() -> None:
    work = Work()
    batches = batcher(work)
    gone, there = batches.submit("a"), batches.submit("b")
    await work.until(1)

    gone.cancel()
    work.gates[0].set()

    assert await there == "B"
    assert work.batches == [["a", "b"]]


async def test_drain_returns_when_all_is_done_and_at_once_when_idle() -> None:
    work = Work()
    batches = batcher(work, limit=1)
    await asyncio.wait_for(batches.drain(), 1)
    results = [batches.submit(item) for item in "ab"]

    draining = asyncio.create_task(batches.drain())
    for place in range(2):
        await work.until(place + 1)
        assert not draining.done()
        work.gates[place].set()
    await asyncio.wait_for(draining, 1)

    assert [result.result() for result in results] == ["A", "B"]


async def test_an_idle_batcher_starts_again() -> None:
    work = Work()
    batches = batcher(work)
    for place in range(3):
        result = batches.submit("a")
        await work.until(place + 1)
        work.gates[place].set()
        assert await result == "A"


@pytest.mark.parametrize("slots", [1, 2, 5])
async def test_many_items_of_few_keys_all_run_once_and_in_order(slots: int) -> None:
    done: list[str] = []

    async def run(items: Sequence[str]) -> Sequence[str]:
        await asyncio.sleep(0)
        done.extend(items)
        return items

    batches: Batcher[str, str] = Batcher(run, key=lambda item: item[0], limit=7, slots=slots)
    items = [f"{number % 3}-{number}" for number in range(200)]

    assert await asyncio.gather(*(batches.submit(item) for item in items)) == items
    assert sorted(done) == sorted(items)
    for key in "012":
        assert [item for item in done if item[0] == key] == [item for item in items if item[0] == key]
