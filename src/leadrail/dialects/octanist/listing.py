"""The query of GET /api/leads: filters, sort, page and fields (contracts/octanist.md, section 5.1)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from leadrail.core.errors import Code, refuse
from leadrail.core.leads.filters import Condition, Filter, Operator, Sort
from leadrail.core.setup import Setup
from leadrail.dialects.octanist.days import span
from leadrail.dialects.octanist.errors import bad_filter
from leadrail.dialects.octanist.wire import CLICK_IDS, UTM, LeadView
from leadrail.dialects.words import OCTANIST
from leadrail.kit.wire import BadInput

DEFAULT_LIMIT, MOST, LAST_PAGE = 50, 100, 1_000_000
DEFAULT_SORT = "createdAt:desc"

FIELDS: tuple[str, ...] = LeadView.__struct_encode_fields__

_DATES = {"createdAt": "created_at", "updatedAt": "updated_at", "qualifiedAt": "qualified_at"}
_TEXTS = {name: f"attribution.{name}" for name in ("website", *CLICK_IDS, *UTM)} | {
    "labelId": "attribution.label_id",
    "source": "source",
}
_FILTERS = ("status", "value", *_DATES, *_TEXTS)
# By generation A's names too.
_SORTS = {name: name for name in ("name", "email", "phone", "value", "created_at", "updated_at")} | _DATES | _TEXTS
# What generation A calls a status, and the time after which a lead was changed.
_FIRST_GENERATION_STATUS = {"win": "won"}
_FIRST_GENERATION_TIME = "updated_after"

_PARAMETER = re.compile(r"(?P<field>[^\[\]]+)(?:\[(?P<operator>[^\[\]]*)\])?")
_OPERATORS = {
    operator.value: operator
    for operator in (Operator.EQ, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE, Operator.EXISTS)
}
_MOST_DIGITS = 18
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What the query asks for. `fields` None: all of them."""

    filter: Filter
    page: int
    fields: frozenset[str] | None


class _Asked(msgspec.Struct):
    """The query's parameters apart; the last of two that say the same counts, filters add up."""

    limit: str = str(DEFAULT_LIMIT)
    page: str = "1"
    sort: str = DEFAULT_SORT
    search: str = ""
    fields: str = ""


_PLAIN = frozenset(_Asked.__struct_fields__)


def listing(query: Iterable[tuple[str, str]], setups: Sequence[Setup], zone: ZoneInfo) -> Listing:
    """Raises Unusable (`INVALID_FILTER`, `INVALID_DATE`), Refused (`invalid`) and BadInput."""
    asked, conditions = _Asked(), []
    for name, value in query:
        if "\x00" in value or "\ufffd" in name + value:
            raise BadInput(f'The query parameter "{name}" is not valid UTF-8 text', name)
        if name in _PLAIN:
            setattr(asked, name, value.strip() or getattr(_Asked(), name))
        else:
            conditions += _conditions(name, value.strip(), setups, zone)
    limit = _whole("limit", asked.limit, MOST)
    page = _whole("page", asked.page, LAST_PAGE)
    chosen = Filter(
        channel_ids=tuple(setup.channel.id for setup in setups),
        conditions=tuple(conditions),
        text=asked.search or None,
        sort=tuple(_sort(part.strip()) for part in asked.sort.split(",")),
        offset=(page - 1) * limit,
        limit=limit,
    )
    return Listing(filter=chosen, page=page, fields=_fields(asked.fields))


def _whole(name: str, text: str, most: int) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if not 1 <= number <= most:
        raise refuse(Code.INVALID, f'"{name}" is a whole number from 1 to {most}, not "{text}"', f"/{name}")
    return number


def _fields(text: str) -> frozenset[str] | None:
    wanted = frozenset(part.strip() for part in text.split(",")) - {""}
    if unknown := sorted(wanted.difference(FIELDS)):
        message = f'A lead has no field "{unknown[0]}"; it has: {", ".join(FIELDS)}'
        raise refuse(Code.INVALID, message, "/fields")
    return wanted or None


def _sort(text: str) -> Sort:
    name, _, direction = text.partition(":")
    if (field := _SORTS.get(name)) is None:
        raise refuse(Code.INVALID, f'Leads cannot be sorted by "{name}", only by: {", ".join(_SORTS)}', "/sort")
    if direction.casefold() not in ("", "asc", "desc"):
        raise refuse(Code.INVALID, f'"sort" is like createdAt:desc or value:asc, not "{text}"', "/sort")
    return Sort(field, descending=direction.casefold() == "desc")


# Filters


def _conditions(parameter: str, value: str, setups: Sequence[Setup], zone: ZoneInfo) -> list[Condition]:
    if parameter == _FIRST_GENERATION_TIME:
        return _dated("updated_at", Operator.GT, value, parameter, zone) if value else []
    matched = _PARAMETER.fullmatch(parameter)
    name = matched["field"] if matched else parameter
    if matched is None or name not in _FILTERS:
        raise bad_filter(f'Leads cannot be filtered by "{name}", only by: {", ".join(_FILTERS)}', name)
    operator = _operator(name, matched["operator"])
    if not value:
        return []
    if name == "status":
        _equal(name, operator)
        return _of_status(value, setups)
    if name in _DATES and operator is not Operator.EXISTS:
        return _dated(_DATES[name], operator, value, name, zone)
    field = (_DATES | _TEXTS).get(name, name)
    if operator is Operator.EXISTS:
        return [Condition(field, operator, _truth(name, value))]
    if name == "value":
        return [Condition(field, operator, _number(value))]
    return [Condition(field, _equal(name, operator), value)]


def _operator(name: str, word: str | None) -> Operator:
    if (operator := _OPERATORS.get("eq" if word is None else word)) is None:
        known = ", ".join(f"[{word}]" for word in _OPERATORS)
        raise bad_filter(f'There is no operator "[{word}]"; there are {known}, and none for "equal"', name)
    return operator


def _equal(name: str, operator: Operator) -> Operator:
    if operator is not Operator.EQ:
        raise bad_filter(f'"{name}" does not take the operator "[{operator}]"', name)
    return operator


def _of_status(value: str, setups: Sequence[Setup]) -> list[Condition]:
    """The statuses of the caller's channels that are shown by this word."""
    folded = value.casefold()
    word = _FIRST_GENERATION_STATUS.get(folded, folded)
    if word not in OCTANIST.stands_for:
        raise bad_filter(f'"status" is one of {", ".join(OCTANIST.stands_for)}, not "{value}"', "status")
    ids: tuple[UUID, ...] = tuple(
        status.id for setup in setups for status in setup.channel.statuses if OCTANIST.word(status) == word
    )
    return [Condition("status_id", Operator.IN, ids)]


def _dated(field: str, operator: Operator, value: str, name: str, zone: ZoneInfo) -> list[Condition]:
    """After a day is after all of it, and up to a day is to its end; a moment is a millisecond long."""
    wanted = span(value, name, zone)
    after, before = Condition(field, Operator.GTE, wanted.start), Condition(field, Operator.LT, wanted.end)
    by_operator: Mapping[Operator, list[Condition]] = {
        Operator.EQ: [after, before],
        Operator.GT: [Condition(field, Operator.GTE, wanted.end)],
        Operator.GTE: [after],
        Operator.LT: [Condition(field, Operator.LT, wanted.start)],
        Operator.LTE: [before],
    }
    return by_operator[operator]


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise bad_filter(f'"value" is compared with a number like 100 or 99.95, not with "{text}"', "value")
    return number


def _truth(name: str, text: str) -> bool:
    if (truth := _TRUTHS.get(text.casefold())) is None:
        raise bad_filter(f'"{name}[exists]" is true or false, not "{text}"', name)
    return truth
