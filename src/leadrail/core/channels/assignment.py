"""Who gets a channel's new leads: the plan, who is there at a moment, and whose turn it is. Pure."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property, lru_cache
from hashlib import blake2b
from math import gcd
from uuid import UUID

import msgspec

from leadrail.core.errors import Code, refuse

MOST_ASSIGNEES = 50
MOST_WEIGHT = 100
MOST_RULES = 50
MOST_ABSENCES = 500
NAME_LIMIT = 200


class Assignee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user by e-mail, or any name. Of every so many leads `weight` are theirs."""

    assignee: str
    weight: int = 1


class SourceRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets the leads of a source, in place of the others."""

    source: str
    assignees: tuple[Assignee, ...]


class Absence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """From when until before when somebody gets no leads."""

    assignee: str
    start: datetime
    end: datetime


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`rules` go before `assignees`, in their order."""

    assignees: tuple[Assignee, ...] = ()
    rules: tuple[SourceRule, ...] = ()
    absences: tuple[Absence, ...] = ()


class Turn(msgspec.Struct, frozen=True):
    """How many leads of a pool were given out since those who share it last changed; `who` stands for them."""

    who: str
    taken: int


Turns = dict[str, Turn]
"""By the pool: the case-folded source of a rule, "" for everybody else's."""

DEFAULT = ""

Giver = tuple[UUID, UUID]
"""A channel that gives its leads out: its company and its id."""


class Assignment(Plan, frozen=True, kw_only=True, dict=True):
    """A channel's plan; `disabled` are the addresses of the company's users who are switched off."""

    disabled: frozenset[str] = frozenset()

    @cached_property
    def _inactive(self) -> frozenset[str]:
        return frozenset(address.casefold() for address in self.disabled)

    @cached_property
    def _by_source(self) -> dict[str, tuple[Assignee, ...]]:
        return {rule.source.casefold(): rule.assignees for rule in self.rules}

    def next(self, source: str | None, turns: Turns, now: datetime) -> tuple[str, Turns] | None:
        """Whose turn it is, and the turns after it; None when there is nobody."""
        named = (source or "").strip().casefold()
        for pool, assignees in ((named, self._by_source.get(named, ())), (DEFAULT, self.assignees)):
            if present := self._present(assignees, now):
                who = _digest(present)
                turn = turns.get(pool)
                taken = turn.taken if turn is not None and turn.who == who else 0
                order = in_turn(tuple(one.weight for one in present))
                chosen = present[order[taken % len(order)]]
                return chosen.assignee, turns | {pool: Turn(who, taken + 1)}
        return None

    def is_inactive(self, assignee: str) -> bool:
        return assignee.casefold() in self._inactive

    def _present(self, assignees: tuple[Assignee, ...], now: datetime) -> tuple[Assignee, ...]:
        away = {one.assignee.casefold() for one in self.absences if one.start <= now < one.end} if assignees else ()
        return tuple(
            one for one in assignees if one.assignee.casefold() not in away and not self.is_inactive(one.assignee)
        )


def _digest(present: Iterable[Assignee]) -> str:
    return blake2b(msgspec.json.encode(tuple(present)), digest_size=8).hexdigest()


@lru_cache(maxsize=256)
def in_turn(weights: tuple[int, ...]) -> tuple[int, ...]:
    """The places of the weights in the order in which they come, again and again.

    After any number of leads everybody has what is due by weight, rounded down or up. Source: the quota method of
    Balinski and Young (1975): of those below their upper quota, whoever has least for his weight.
    """
    divisor = gcd(*weights)
    shares = [weight // divisor for weight in weights]
    whole = sum(shares)
    got = [0] * len(shares)
    order: list[int] = []
    for n in range(1, whole + 1):
        entitled = (place for place, share in enumerate(shares) if got[place] * whole < n * share)
        chosen = min(entitled, key=lambda place: ((got[place] + 1) / shares[place], place))
        got[chosen] += 1
        order.append(chosen)
    return tuple(order)


def checked(plan: Plan) -> Plan:
    """Raises Refused (`invalid`)."""
    _check_pool(plan.assignees, "/assignees")
    if len(plan.rules) > MOST_RULES:
        raise refuse(Code.INVALID, f"There are at most {MOST_RULES} rules", "/rules")
    for place, rule in enumerate(plan.rules):
        _check_text("source", rule.source, f"/rules/{place}/source")
        if not rule.assignees:
            raise refuse(Code.INVALID, "A rule names at least one assignee", f"/rules/{place}/assignees")
        _check_pool(rule.assignees, f"/rules/{place}/assignees")
    _check_distinct([rule.source for rule in plan.rules], "/rules", "source")
    _check_absences(plan)
    return plan


def _check_pool(assignees: tuple[Assignee, ...], pointer: str) -> None:
    if len(assignees) > MOST_ASSIGNEES:
        raise refuse(Code.INVALID, f"There are at most {MOST_ASSIGNEES} assignees", pointer)
    for place, one in enumerate(assignees):
        _check_text("assignee", one.assignee, f"{pointer}/{place}/assignee")
        if not 1 <= one.weight <= MOST_WEIGHT:
            message = f"weight is a number from 1 to {MOST_WEIGHT}"
            raise refuse(Code.INVALID, message, f"{pointer}/{place}/weight")
    _check_distinct([one.assignee for one in assignees], pointer, "assignee")


def _check_absences(plan: Plan) -> None:
    if len(plan.absences) > MOST_ABSENCES:
        raise refuse(Code.INVALID, f"There are at most {MOST_ABSENCES} absences", "/absences")
    pools = (plan.assignees, *(rule.assignees for rule in plan.rules))
    known = {one.assignee.casefold() for pool in pools for one in pool}
    for place, absence in enumerate(plan.absences):
        if absence.assignee.casefold() not in known:
            message = f'"{absence.assignee}" is not among the assignees'
            raise refuse(Code.INVALID, message, f"/absences/{place}/assignee")
        if absence.end <= absence.start:
            raise refuse(Code.INVALID, "An absence ends after it begins", f"/absences/{place}/to")


def _check_text(name: str, text: str, pointer: str) -> None:
    if not text.strip() or text != text.strip() or len(text) > NAME_LIMIT:
        raise refuse(Code.INVALID, f"{name} has 1 to {NAME_LIMIT} characters and no blank at its ends", pointer)


def _check_distinct(texts: list[str], pointer: str, name: str) -> None:
    seen: set[str] = set()
    for place, text in enumerate(texts):
        if text.casefold() in seen:
            raise refuse(Code.INVALID, f'"{text}" is named twice', f"{pointer}/{place}/{name}")
        seen.add(text.casefold())
