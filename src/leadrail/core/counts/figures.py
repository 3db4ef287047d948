"""What is worked out of sums: lengths of time out of their steps, ages out of days. Pure."""

from collections.abc import Mapping
from datetime import date

import msgspec

STEPS = 8
"""Steps in a doubling. A length is told by the middle of its step, which is less than 5 percent off."""

AGES = (1, 3, 7, 14, 30, 90)
"""The days at which the next bucket of ages begins."""


def length_at(share: float, lengths: Mapping[int, int]) -> int | None:
    """The length in seconds that this share of all do not exceed; `lengths` says how many there are of each step."""
    left = share * sum(lengths.values())
    for step in sorted(lengths):
        left -= lengths[step]
        if left <= 0:
            return round(2 ** ((step - 0.5) / STEPS)) if step else 0
    return None


class Age(msgspec.Struct, frozen=True):
    """Leads that are at least `from_days` old and younger than `to_days`; null where there is no end."""

    from_days: int
    to_days: int | None
    leads: int


def ages(since: Mapping[date, int], today: date) -> list[Age]:
    """Leads by how many days they have stood; `since` says how many do from which day on."""
    starts, ends = (0, *AGES), (*AGES, None)
    old = [(max((today - day).days, 0), leads) for day, leads in since.items()]
    return [
        Age(start, end, sum(leads for days, leads in old if start <= days and (end is None or days < end)))
        for start, end in zip(starts, ends, strict=True)
    ]
