"""Who gets the free places, and who is asked next."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from leadrail.core.webhooks.queue import Lane, LaneState
from leadrail.worker.planning import START, plan, share

NOW = datetime(2026, 3, 1, tzinfo=UTC)
COMPANIES, ENDPOINTS = range(1, 5), range(1, 7)


def lane(company: int, endpoint: int) -> Lane:
    return Lane(UUID(int=company), UUID(int=endpoint), NOW)


lanes = st.lists(st.builds(lane, st.sampled_from(COMPANIES), st.sampled_from(ENDPOINTS)), unique=True)
rooms = st.fixed_dictionaries({UUID(int=endpoint): st.integers(-1, 5) for endpoint in ENDPOINTS})
places = st.integers(0, 40)


def room_in(rooms: dict[UUID, int]) -> Callable[[Lane], int]:
    return lambda lane: rooms[lane.endpoint_id]


@given(lanes, places, rooms)
def test_no_more_is_shared_out_than_there_is(lanes: list[Lane], free: int, room: dict[UUID, int]) -> None:
    shares = share(lanes, free, room_in(room))

    by_endpoint = Counter[UUID]()
    for one, got in zip(lanes, shares, strict=True):
        by_endpoint[one.endpoint_id] += got
    assert sum(shares) <= free
    assert all(got <= max(room[endpoint], 0) for endpoint, got in by_endpoint.items())


@given(lanes, places, rooms)
def test_no_place_stays_free_while_an_endpoint_has_room(lanes: list[Lane], free: int, room: dict[UUID, int]) -> None:
    shares = share(lanes, free, room_in(room))

    most = sum(max(room[endpoint], 0) for endpoint in {one.endpoint_id for one in lanes})
    assert sum(shares) == min(free, most)


@given(lanes, places)
def test_companies_get_the_same_whatever_their_number_of_endpoints(lanes: list[Lane], free: int) -> None:
    shares = share(lanes, free, lambda _: 1000)

    by_company = Counter({one.company_id: 0 for one in lanes})
    for one, got in zip(lanes, shares, strict=True):
        by_company[one.company_id] += got
    assert max(by_company.values(), default=0) - min(by_company.values(), default=0) <= 1


def test_within_a_company_its_endpoints_take_turns() -> None:
    assert share([lane(1, 1), lane(1, 2), lane(2, 3)], 6, lambda _: 16) == [2, 1, 3]


in_order = lanes.map(lambda some: sorted(some, key=lambda one: (one.company_id, one.endpoint_id)))


@given(in_order, st.integers(1, 5), rooms, st.integers(1, 8))
def test_every_lane_has_its_turn_in_one_time_round(
    lanes: list[Lane], free: int, room: dict[UUID, int], window: int
) -> None:
    after, served = START, set[Lane]()
    for _ in range(2 * len(lanes) + 1):
        ahead = [one for one in lanes if (one.company_id, one.endpoint_id) > after]
        todo = plan(ahead[:window], NOW, free, room_in(room), is_last=len(ahead) < window)
        served |= {one for one, _ in todo.shares}
        after = todo.next_after
        if after == START:
            break

    assert after == START
    assert served == {one for one in lanes if room[one.endpoint_id] > 0}


def test_what_is_not_due_waits_and_what_is_closed_is_cleared() -> None:
    later = msgspec.structs.replace(lane(1, 1), due_at=NOW + timedelta(seconds=1))
    closed = msgspec.structs.replace(lane(1, 2), state=LaneState.CLOSED)

    todo = plan([later, closed], NOW, 10, lambda _: 16, is_last=True)

    assert (list(todo.shares), todo.closed, todo.leaves_work) == ([], [closed], False)
