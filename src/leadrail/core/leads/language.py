"""The filters that callers write as JSON, read into the terms of `filters` for the channels that they may see. Pure.

{"and": [{"field": "status", "in": ["Won"]}, {"or": [{"field": "value", "gte": 1000}, {"not": {...}}]}]}
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from leadrail.core.channels.model import Category, Channel, PropertyType, Status
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.leads.fields import checked_time
from leadrail.core.leads.filters import COLUMNS, DEPTH_LIMIT, TERM_LIMIT, Condition, Group, Joint, Operator, Term
from leadrail.kit.ids import parse_id

MOST_LISTED = 200
"""As many values as one `in` may list."""

Where = Mapping[str, Any]
Reading = Callable[[Any], Any]

_JOINTS = tuple(Joint)
_OPERATORS = (*(operator.value for operator in Operator), "not_in")
_CHOOSING = frozenset({"eq", "ne", "in", "not_in"})
_COMPARING = frozenset({"gt", "gte", "lt", "lte"})
_ANY_TEXT = _CHOOSING | _COMPARING | {"exists", "contains"}
_ANY_NUMBER = _CHOOSING | _COMPARING | {"exists"}

_PLAIN = tuple(name for name in COLUMNS if not name.endswith("_id") or name == "business_id")
_OF_CHANNELS = ("channel", "status", "category", "reason", "sub_status")
FIELDS = (*_OF_CHANNELS, *_PLAIN, "properties.<name>", "attribution.<member>")
"""What may stand under `field`."""


def terms_of(given: Any, channels: Sequence[Channel], pointer: str = "/filter") -> tuple[Term, ...]:
    """The terms of a filter; none for an empty object.

    Raises Refused (`invalid`, `channel_not_found`, `unknown_property`) with a pointer to what cannot be read.
    """
    return (_Reader(channels).term(given, pointer, 1),) if given != {} else ()


class _Reader:
    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = channels
        self._left = TERM_LIMIT

    def term(self, given: Any, pointer: str, depth: int) -> Term:
        self._left -= 1
        if depth > DEPTH_LIMIT or self._left < 0:
            message = f"A filter has at most {TERM_LIMIT} conditions and groups, nested {DEPTH_LIMIT} levels deep"
            raise refuse(Code.INVALID, message, pointer)
        if not isinstance(given, dict):
            raise refuse(Code.INVALID, f'A filter is an object with "field" or one of {_listed(_JOINTS)}', pointer)
        if "field" in given:
            return self._condition(given, pointer)
        if len(given) != 1 or next(iter(given)) not in _JOINTS:
            message = f'A filter has "field" and an operator, or one of {_listed(_JOINTS)} alone'
            raise refuse(Code.INVALID, message, pointer)
        joint = Joint(next(iter(given)))
        inner = given[joint]
        if joint is Joint.NOT:
            return Group(joint, (self.term(inner, f"{pointer}/not", depth + 1),))
        if not isinstance(inner, list) or not inner:
            raise refuse(Code.INVALID, f'"{joint}" takes a list of filters', f"{pointer}/{joint}")
        return Group(joint, tuple(self.term(one, f"{pointer}/{joint}/{n}", depth + 1) for n, one in enumerate(inner)))

    def _condition(self, given: Where, pointer: str) -> Term:
        """A field with its operators; of several, all must hold."""
        field = given["field"]
        wanted = {name: value for name, value in given.items() if name != "field"}
        if unknown := next((name for name in wanted if name not in _OPERATORS), None):
            message = f'There is no operator "{unknown}"; there are {_listed(_OPERATORS)}'
            raise refuse(Code.INVALID, message, f"{pointer}/{_escaped(unknown)}")
        if not wanted:
            raise refuse(Code.INVALID, f"A condition has one of the operators {_listed(_OPERATORS)}", pointer)
        read = self._readings(field, f"{pointer}/field")
        terms = tuple(self._applied(field, read, name, value, f"{pointer}/{name}") for name, value in wanted.items())
        return terms[0] if len(terms) == 1 else Group(Joint.AND, terms)

    def _applied(self, field: str, read: "_Field", operator: str, value: Any, pointer: str) -> Term:
        if operator not in read.operators:
            takes = _listed(name for name in _OPERATORS if name in read.operators)
            raise refuse(Code.INVALID, f'"{field}" takes the operators {takes}', pointer)
        if operator == "exists":
            if not isinstance(value, bool):
                raise refuse(Code.INVALID, '"exists" is true or false', pointer)
            return read.term(operator, value)
        if operator in ("in", "not_in"):
            if not isinstance(value, list) or not 0 < len(value) <= MOST_LISTED:
                raise refuse(Code.INVALID, f'"{operator}" takes a list of 1 to {MOST_LISTED} values', pointer)
            values = [self._value(field, read, one, f"{pointer}/{n}") for n, one in enumerate(value)]
            found = read.term("in", values)
            return found if operator == "in" else Group(Joint.NOT, (found,))
        if value is None and operator not in ("eq", "ne"):
            raise refuse(Code.INVALID, f'"{field}" {operator} takes {read.takes}', pointer)
        return read.term(operator, self._value(field, read, value, pointer))

    def _value(self, field: str, read: "_Field", value: Any, pointer: str) -> Any:
        if value is None and "exists" in read.operators:
            return None
        try:
            converted = read.value(value)
        except Refused as error:
            raise refuse(error.refusal.code, error.refusal.message, pointer) from None
        if converted is None:
            raise refuse(Code.INVALID, f'"{field}" takes {read.takes}', pointer)
        return converted

    # Fields

    def _readings(self, field: Any, pointer: str) -> "_Field":
        if isinstance(field, str):
            if field in _OF_CHANNELS:
                return self._of_channels(field)
            if field in _PLAIN:
                name = "full_name" if field == "name" else field
                return _OF_TYPE[COLUMNS[field]](lambda operator, value: Condition(name, Operator(operator), value))
            document, _, member = field.partition(".")
            if document == "properties" and member:
                return self._property(member, pointer)
            if document == "attribution" and member:
                return _text_field(lambda operator, value: Condition(field, Operator(operator), value))
        raise refuse(Code.INVALID, f'Leads have no field "{field}"; they have {", ".join(FIELDS)}', pointer)

    def _property(self, member: str, pointer: str) -> "_Field":
        """A property by its name in any case or by its id, in whichever channels have one of that name."""
        found = [
            definition
            for channel in self._channels
            if (definition := channel.property_by_key.get(member) or channel.property_by_key.get(member.casefold()))
        ]
        if not found:
            names = sorted({known.name for channel in self._channels for known in channel.current_properties})
            message = f'No channel has a property "{member}"; there are {", ".join(names) or "none"}'
            raise refuse(Code.UNKNOWN_PROPERTY, message, pointer)
        types = {definition.type for definition in found}
        ids = ",".join(str(definition.id) for definition in found)
        document = "numbers" if types == {PropertyType.NUMBER} else "properties"

        def term(operator: str, value: Any) -> Term:
            return Condition(f"{document}.{ids}", Operator(operator), value)

        if types == {PropertyType.NUMBER}:
            return _number_field(term)
        if types == {PropertyType.BOOLEAN}:
            return _Field(_CHOOSING | {"exists"}, "true or false", _truth, term)
        return _text_field(term)

    def _of_channels(self, field: str) -> "_Field":
        if field == "channel":
            return _Field(_CHOOSING, "the id of a channel", self._channel, _chosen("channel_id"))
        if field == "status":
            return _Field(_CHOOSING, "the name or the id of a status", self._statuses_called, _chosen("status_id"))
        if field == "category":
            takes = f"one of {', '.join(Category)}"
            return _Field(_CHOOSING, takes, self._statuses_of_category, _chosen("status_id"))
        return _Field(_CHOOSING | {"exists"}, "text", _text, self._worded(field))

    def _channel(self, value: Any) -> list[UUID]:
        id = parse_id(value) if isinstance(value, str) else None
        if id not in {channel.id for channel in self._channels} or id is None:
            raise refuse(Code.CHANNEL_NOT_FOUND, "Channel not found")
        return [id]

    def _statuses_called(self, value: Any) -> list[UUID] | None:
        if not isinstance(value, str):
            return None
        id, name = parse_id(value), value.casefold()
        if found := [status.id for status in self._statuses() if status.id == id or status.name.casefold() == name]:
            return found
        names = dict.fromkeys(status.name for status in self._statuses() if not status.archived)
        raise refuse(Code.INVALID, f'There is no status "{value}"; there are {", ".join(names) or "none"}')

    def _statuses_of_category(self, value: Any) -> list[UUID] | None:
        if value not in tuple(Category):
            return None
        return [status.id for status in self._statuses() if status.category == value]

    def _statuses(self) -> list[Status]:
        return [status for channel in self._channels for status in channel.statuses]

    def _worded(self, field: str) -> Callable[[str, Any], Term]:
        """By the word that a reason or a sub-status has now in any case, else by the text that was said."""
        id_field = f"{field}_id"

        def one(value: str | None) -> Term:
            if value is None:
                return Group(Joint.NOT, (present,))
            said = Group(Joint.AND, (Condition(id_field, Operator.EXISTS, False), Condition(field, Operator.EQ, value)))
            return Group(Joint.OR, (Condition(id_field, Operator.IN, self._ids_called(field, value)), said))

        present = Group(Joint.OR, (Condition(id_field, Operator.EXISTS, True), Condition(field, Operator.EXISTS, True)))

        def term(operator: str, value: Any) -> Term:
            if operator == "exists":
                return present if value else Group(Joint.NOT, (present,))
            if operator == "in":
                return Group(Joint.OR, tuple(one(each) for each in value))
            return one(value) if operator == "eq" else Group(Joint.NOT, (one(value),))

        return term

    def _ids_called(self, field: str, text: str) -> list[UUID]:
        wanted = text.strip().casefold()
        if field == "reason":
            known = {one.id for channel in self._channels for one in channel.reasons if one.text.casefold() == wanted}
        else:
            every = (one for channel in self._channels for one in channel.sub_statuses)
            known = {one.id for one in every if one.name.casefold() == wanted}
        return sorted(known)


class _Field:
    """How a field is asked about: its operators, what its values are, and the term that an operator makes of one."""

    def __init__(self, operators: frozenset[str], takes: str, value: Reading, term: Callable[[str, Any], Term]) -> None:
        self.operators, self.takes, self.value, self.term = operators, takes, value, term


def _chosen(column: str) -> Callable[[str, Any], Term]:
    """Of values that each stand for several ids."""

    def term(operator: str, value: Any) -> Term:
        ids = [id for some in value for id in some] if operator == "in" else value
        found = Condition(column, Operator.IN, ids)
        return Group(Joint.NOT, (found,)) if operator == "ne" else found

    return term


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _truth(value: Any) -> str | None:
    return str(value).lower() if isinstance(value, bool) else None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 30 and len(str(value)) < 60 else None


def _whole(value: Any) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
    return value if fits else None


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return checked_time("A time", moment) if moment is not None and moment.tzinfo is not None else None


def _text_field(term: Callable[[str, Any], Term]) -> _Field:
    return _Field(_ANY_TEXT, "text", _text, term)


def _number_field(term: Callable[[str, Any], Term]) -> _Field:
    return _Field(_ANY_NUMBER, "a number", _number, term)


_OF_TYPE: Mapping[str, Callable[[Callable[[str, Any], Term]], _Field]] = {
    "text": _text_field,
    "numeric": _number_field,
    "bigint": lambda term: _Field(_ANY_NUMBER, "a whole number", _whole, term),
    "timestamptz": lambda term: _Field(_ANY_NUMBER, "a time (RFC 3339) with its offset", _moment, term),
}


def _listed(names: Any) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
