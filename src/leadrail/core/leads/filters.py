"""Which leads a list shows and in which order, and the SQL that says so. Pure.

The text of a statement follows from the shape of its filter alone: values and the names of members are parameters. A
value of the right type that cannot be stored (a null character, a year out of range) is left to the database, whose
error `errors.refusal_of` knows.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.errors import Code, refuse
from leadrail.core.identity import KeyKind
from leadrail.db.filters import Parameters, containing
from leadrail.kit.ids import parse_id


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    IN = "in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    EXISTS = "exists"
    CONTAINS = "contains"


class Condition(msgspec.Struct, frozen=True):
    """What a field must be. A lead without the field fulfils `ne`, `eq` None, `in` with None, `exists` false only.

    `field` is a name of COLUMNS or READINGS, `attribution.<member>` or `properties.<id of the definition>`; members are
    compared as text. Of several definitions, their ids joined by commas, the first that
    the lead has a value for counts; `numbers.<ids>` is the same as numbers, a text among them as nothing. `value` is
    of the field's type; for `in` a list or tuple of such, for `exists` a bool. None is a value for `eq`, `ne` and in
    the list of `in`. `contains` is of texts, in any case.
    """

    field: str
    operator: Operator
    value: Any


class Joint(StrEnum):
    AND = "and"
    OR = "or"
    NOT = "not"


class Group(msgspec.Struct, frozen=True):
    """All of the terms, any of them, or (`not`) not all of them. Of no terms, all hold and any does not."""

    joint: Joint
    terms: tuple["Term", ...]


Term = Condition | Group


class Sort(msgspec.Struct, frozen=True):
    """By a name of COLUMNS or `attribution.<member>`; leads without it come last, whichever the direction."""

    field: str
    descending: bool = False


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed by, and which part of it is wanted.

    `text` is looked for in names, e-mail and phone. Without `sort` the newest come first, and ties go by that too.
    `below` is the cursor of that order: numbers under it.
    """

    channel_ids: tuple[UUID, ...]
    conditions: tuple[Term, ...] = ()
    text: str | None = None
    key: tuple[KeyKind, str] | None = None
    sort: tuple[Sort, ...] = ()
    below: int | None = None
    offset: int = 0
    limit: int = 50


COLUMNS: Mapping[str, str] = {
    "number": "bigint",
    "channel_id": "uuid",
    "status_id": "uuid",
    "sub_status_id": "uuid",
    "reason_id": "uuid",
    "email": "text",
    "phone": "text",
    "linkedin_url": "text",
    "first_name": "text",
    "last_name": "text",
    "name": "text",
    "title": "text",
    "company_name": "text",
    "source": "text",
    "assignee": "text",
    "notes": "text",
    "business_id": "text",
    "value": "numeric",
    "currency": "text",
    "next_follow_up_at": "timestamptz",
    "last_follow_up_at": "timestamptz",
    "qualified_at": "timestamptz",
    "closed_at": "timestamptz",
    "status_changed_at": "timestamptz",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
}
"""The PostgreSQL type of every column that may be filtered and sorted by."""

READINGS: Mapping[str, tuple[str, str]] = {
    "reason": ("l.reason", "text"),
    "sub_status": ("l.sub_status", "text"),
    "full_name": ("coalesce(l.name, nullif(concat_ws(' ', l.first_name, l.last_name), ''))", "text"),
}
"""What is read from several columns, with its type; nothing is sorted by it."""

_NEVER_NULL = frozenset({"number", "channel_id", "status_id", "status_changed_at", "created_at", "updated_at"})

# More terms than anybody means: each shape of a filter is a statement that a connection remembers.
TERM_LIMIT = 50
DEPTH_LIMIT = 8

_NOT_DIGITS = re.compile(r"[^0-9]+")
_FEWEST_DIGITS = 3
_MOST_PLACES = 1000
_COMPARISONS = {
    Operator.EQ: "=",
    Operator.NE: "IS DISTINCT FROM",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Whether it is a finite number, and none that the driver would wrap round to a small one (from 10^131072 on)."""
    number = Decimal(value) if _is_whole(value) else value
    return isinstance(number, Decimal) and number.is_finite() and abs(number.adjusted()) < _MOST_PLACES


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "bigint": _is_whole,
    "uuid": lambda value: isinstance(value, UUID),
    "text": lambda value: isinstance(value, str),
    "numeric": _is_number,
    "timestamptz": lambda value: isinstance(value, datetime) and value.tzinfo is not None,
}
_TAKES = {
    "bigint": "a whole number",
    "uuid": "a UUID",
    "text": "text",
    "numeric": "a whole or decimal number",
    "timestamptz": "a time with its offset",
}


def where(companies: Sequence[UUID], filter: Filter, parameters: Parameters) -> str:
    """What holds for the leads (as `l`) of these companies that the filter lets through; `below` is not looked at.

    Raises Refused (`invalid`) with a pointer to a field that is unknown or has a value that it cannot have.
    """
    return " AND ".join(_predicates(companies, filter, parameters))


def _predicates(companies: Sequence[UUID], filter: Filter, parameters: Parameters) -> Iterator[str]:
    check_size(filter.conditions)
    yield _among("l.company_id", companies, parameters)
    yield _among("l.channel_id", filter.channel_ids, parameters)
    yield from predicates(filter.conditions, parameters)
    if filter.text:
        yield _text_predicate(filter.text, parameters)
    if filter.key is not None:
        kind, key = (parameters.add(part, "text") for part in filter.key)
        yield (
            "EXISTS (SELECT 1 FROM lead_keys k WHERE k.company_id = l.company_id"
            f" AND k.kind = {kind} AND k.key = {key} AND k.lead_id = l.id)"
        )


def check_size(terms: Sequence[Term]) -> None:
    """Raises Refused (`invalid`) for more conditions, or deeper ones, than a filter may have."""
    if _count(terms) > TERM_LIMIT or _depth(terms) > DEPTH_LIMIT:
        raise refuse(Code.INVALID, f"A filter has at most {TERM_LIMIT} conditions, nested {DEPTH_LIMIT} levels deep")


def predicates(terms: Sequence[Term], parameters: Parameters) -> Iterator[str]:
    """What each of the terms says of a lead `l`. Raises Refused (`invalid`) as `where` does."""
    return (_term(term, parameters) for term in terms)


def _count(terms: Sequence[Term]) -> int:
    return sum(1 + _count(term.terms) if isinstance(term, Group) else 1 for term in terms)


def _depth(terms: Sequence[Term]) -> int:
    return max((1 + _depth(term.terms) for term in terms if isinstance(term, Group)), default=0)


def _term(term: Term, parameters: Parameters) -> str:
    if isinstance(term, Condition):
        return _predicate(term, parameters)
    parts = [_term(part, parameters) for part in term.terms]
    if term.joint is Joint.OR:
        return f"({' OR '.join(parts) or 'false'})"
    whole = f"({' AND '.join(parts) or 'true'})"
    # What a lead has no value for is not so, and its contrary is.
    return whole if term.joint is Joint.AND else f"({whole} IS NOT TRUE)"


def _among(column: str, ids: Sequence[UUID], parameters: Parameters) -> str:
    """One of the ids. A single one as an equality: only then does an index give its rows in order."""
    if len(ids) == 1:
        return f"{column} = {parameters.add(ids[0], 'uuid')}"
    return f"{column} = ANY({parameters.add(ids, 'uuid[]')})"


def page(filter: Filter, parameters: Parameters) -> str:
    """What follows `where` in a list: its order and the part of it that is wanted.

    Raises Refused (`invalid`) for an unknown field, or for a cursor in an order that is not its own.
    """
    _check_count(filter.sort)
    if filter.below is not None and filter.sort:
        raise refuse(Code.INVALID, "A cursor goes with the order by number only")
    below = f" AND l.number < {parameters.add(filter.below, 'bigint')}" if filter.below is not None else ""
    # A number is one company's: the id makes the order whole where a list is of several.
    order = ", ".join([*(_order(sort, parameters) for sort in filter.sort), "l.number DESC", "l.id"])
    limit, offset = parameters.add(filter.limit, "bigint"), parameters.add(filter.offset, "bigint")
    return f"{below} ORDER BY {order} LIMIT {limit} OFFSET {offset}"


def _check_count(sorts: Sequence[Sort]) -> None:
    if len(sorts) > TERM_LIMIT:
        raise refuse(Code.INVALID, f"A list is sorted by at most {TERM_LIMIT} fields")


def _order(sort: Sort, parameters: Parameters) -> str:
    if sort.field.startswith(("properties.", "numbers.")) or sort.field in READINGS:
        raise _unknown(sort.field)
    operand, _ = _operand(sort.field, parameters)
    direction = "DESC" if sort.descending else "ASC"
    # Where there are no nulls, saying where they go would keep an index from giving the order.
    return f"{operand} {direction}" if sort.field in _NEVER_NULL else f"{operand} {direction} NULLS LAST"


def _predicate(condition: Condition, parameters: Parameters) -> str:
    operand, type = _operand(condition.field, parameters)
    operator, value = condition.operator, condition.value
    if operator is Operator.EXISTS:
        _check(isinstance(value, bool), condition, "true or false")
        return f"{operand} IS {'NOT NULL' if value else 'NULL'}"
    if operator is Operator.IN:
        fits = isinstance(value, list | tuple) and all(one is None or _FITS[type](one) for one in value)
        _check(fits, condition, f"a list, each of them {_TAKES[type]}")
        found = f"{operand} = ANY({parameters.add(value, f'{type}[]')})"
        return f"({found} OR {operand} IS NULL)" if None in value else found
    if value is None and operator in (Operator.EQ, Operator.NE):
        return f"{operand} IS {'NULL' if operator is Operator.EQ else 'NOT NULL'}"
    _check(_FITS[type](value), condition, _TAKES[type])
    if operator is Operator.CONTAINS:
        _check(type == "text", condition, "a field of text")
        return f"{operand} ILIKE {parameters.add(containing(value), 'text')}"
    return f"{operand} {_COMPARISONS[operator]} {parameters.add(value, type)}"


def _operand(field: str, parameters: Parameters) -> tuple[str, str]:
    """The SQL of a field and its type."""
    if (type := COLUMNS.get(field)) is not None:
        return f"l.{field}", type
    if (reading := READINGS.get(field)) is not None:
        return reading
    document, _, member = field.partition(".")
    if document in ("properties", "numbers"):
        ids = [parse_id(part) for part in member.split(",")]
        if None in ids:
            raise _unknown(field)
        keys = [parameters.add(str(id), "text") for id in ids]
        if document == "numbers":
            return _number(keys), "numeric"
        texts = [f"l.properties ->> {key}" for key in keys]
        return f"(coalesce({', '.join(texts)}))", "text"
    if document == "attribution" and member:
        return f"(l.attribution ->> {parameters.add(member, 'text')})", "text"
    raise _unknown(field)


def _number(keys: Sequence[str]) -> str:
    value = f"coalesce({', '.join(f'l.properties -> {key}' for key in keys)})"
    return f"(CASE jsonb_typeof({value}) WHEN 'number' THEN ({value})::numeric END)"


def _unknown(field: str) -> Exception:
    return refuse(Code.INVALID, f'Leads have no field "{field}" to go by', _pointer(field))


def _check(fits: bool, condition: Condition, wanted: str) -> None:
    if not fits:
        message = f'"{condition.field}" {condition.operator} takes {wanted}'
        raise refuse(Code.INVALID, message, _pointer(condition.field))


def _pointer(field: str) -> str:
    """The JSON pointer (RFC 6901) of a member that is called as the field."""
    return "/" + field.replace("~", "~0").replace("/", "~1")


def _text_predicate(text: str, parameters: Parameters) -> str:
    pattern = parameters.add(containing(text), "text")
    fields = ("l.name", "concat_ws(' ', l.first_name, l.last_name)", "l.email", "l.phone")
    found = [f"{field} ILIKE {pattern}" for field in fields]
    digits = _NOT_DIGITS.sub("", text)
    if len(digits) >= _FEWEST_DIGITS and not any(map(str.isalpha, text)):
        found.append(f"regexp_replace(l.phone, '[^0-9]+', '', 'g') LIKE {parameters.add(containing(digits), 'text')}")
    return f"({' OR '.join(found)})"
