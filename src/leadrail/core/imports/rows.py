"""What a row of a file says of a lead. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from leadrail.core.channels.model import Category, Channel, Duplicates, PropertyType, StatusRef
from leadrail.core.errors import Refused
from leadrail.core.identity import KeyKind, keys_of
from leadrail.core.imports.mapping import TIMES
from leadrail.core.imports.model import Import, Layout, Options
from leadrail.core.imports.values import NotReadable, amount, moment, unguarded
from leadrail.core.leads.commands import CreateLead, Origin, Step
from leadrail.core.leads.fields import TEXT_LIMITS, checked_properties

Key = tuple[KeyKind, str]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it was understood; `times` are those of its lead's past, by their names.

    `has_no_currency`: it is of an export of ours, and of a lead without one, whatever its channel's is.
    """

    row: int
    cells: Sequence[str]
    fields: dict[str, Any]
    properties: dict[str, Any]
    status: StatusRef | None
    sub_status: str | None
    reason: str | None
    times: Mapping[str, datetime]
    keys: frozenset[Key]
    has_no_currency: bool = False


class BadRow(Exception):
    """The row cannot be understood; the message says why. `keys` are of whom it tells, as far as that is known."""

    def __init__(self, message: str, keys: frozenset[Key] = frozenset()) -> None:
        super().__init__(message)
        self.message, self.keys = message, keys


_Put = Callable[["_Parts", str], None]


class _Parts:
    """A row in the making."""

    __slots__ = ("fields", "properties", "times", "words")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.properties: dict[str, Any] = {}
        self.times: dict[str, datetime] = {}
        self.words: dict[str, str] = {}


class Understanding:
    """Reads rows of one file for one channel."""

    def __init__(self, channel: Channel, layout: Layout, options: Options) -> None:
        self._channel, self._layout, self._options = channel, layout, options
        self._zone = ZoneInfo(channel.time_zone)
        self._columns = [
            (place, column, self._put(target))
            for place, column in enumerate(layout.columns)
            if (target := options.mapping.get(column)) is not None
        ]
        self._statuses = {word.strip().casefold(): name for word, name in options.statuses.items()}

    def __call__(self, row: int, cells: Sequence[str]) -> Draft:
        """Raises BadRow."""
        parts, wrong = _Parts(), ""
        width = len(cells)
        exact = self._layout.is_ours
        for place, column, put in self._columns:
            if place >= width:
                break
            cell = cells[place]
            text = cell if exact else cell.strip()
            if not text:
                continue
            try:
                put(parts, unguarded(text) if text[0] == "'" else text)
            except (NotReadable, msgspec.DecodeError) as error:
                wrong = wrong or f'Column "{column}": {error}'
        keys = self._keys(parts.fields)
        if any(cell.strip() for cell in cells[len(self._layout.columns) :]):
            wrong = f"The row has {width} cells, the header has {len(self._layout.columns)}"
        if not wrong and not (parts.fields or parts.properties):
            wrong = "No column that fills something has a value"
        if wrong:
            raise BadRow(wrong, keys)
        if parts.properties:
            try:
                checked_properties(self._channel, parts.properties)
            except Refused as error:
                raise BadRow(error.refusal.message, keys) from None
        return Draft(
            row=row,
            cells=cells,
            fields=parts.fields,
            properties=parts.properties,
            status=self._status(parts.words.get("status")),
            sub_status=parts.words.get("sub_status"),
            reason=parts.words.get("reason"),
            times=parts.times,
            keys=keys,
            has_no_currency=exact and "currency" not in parts.fields and "currency" in self._options.mapping.values(),
        )

    def _keys(self, fields: Mapping[str, Any]) -> frozenset[Key]:
        return keys_of(
            fields.get("email"),
            fields.get("phone"),
            fields.get("linkedin_url"),
            fields.get("business_id"),
            fields.get("attribution") or {},
            self._channel.country,
        )

    def _status(self, word: str | None) -> StatusRef | None:
        """By the caller's own list of words, else by name, else by category."""
        if word is None:
            return None
        name = self._statuses.get(word.casefold(), word)
        folded = name.casefold().replace(" ", "_")
        return StatusRef(name=name, category=Category(folded) if folded in _CATEGORIES else None)

    def _put(self, target: str) -> _Put:
        kind, _, member = target.partition(".")
        if kind == "properties":
            return self._put_property(member)
        if member:
            path = ("external_ids", member) if kind == "external_ids" else (member,)
            return lambda parts, text: _put_deep(parts.fields.setdefault("attribution", {}), path, text)
        if target == "attribution":
            return lambda parts, text: parts.fields.__setitem__("attribution", _document(text))
        if target in TEXT_LIMITS:
            return lambda parts, text: parts.fields.__setitem__(target, text)
        if target == "currency":
            return lambda parts, text: parts.fields.__setitem__("currency", text.strip().upper())
        if target == "value":
            return lambda parts, text: parts.fields.__setitem__("value", self._amount(text))
        if target in TIMES:
            return lambda parts, text: parts.times.__setitem__(target, self._moment(text))
        if target == "next_follow_up_at":
            return lambda parts, text: parts.fields.__setitem__(target, self._moment(text))
        return lambda parts, text: parts.words.__setitem__(target, text)

    def _put_property(self, name: str) -> _Put:
        definition = self._channel.property_by_key.get(name.casefold())
        type = definition.type if definition is not None else PropertyType.TEXT
        if type is PropertyType.NUMBER:
            return lambda parts, text: parts.properties.__setitem__(name, str(self._amount(text)))
        if type is PropertyType.DATE:
            return lambda parts, text: parts.properties.__setitem__(name, self._day(text))
        if type is PropertyType.BOOLEAN:
            return lambda parts, text: parts.properties.__setitem__(name, _YES_OR_NO.get(text.casefold(), text))
        return lambda parts, text: parts.properties.__setitem__(name, text)

    def _amount(self, text: str) -> Decimal:
        return amount(text, self._options.decimal_mark)

    def _moment(self, text: str) -> datetime:
        return moment(text, self._options.date_order, self._zone)

    def _day(self, text: str) -> str:
        return self._moment(text).astimezone(self._zone).date().isoformat()


_CATEGORIES = frozenset(category.value for category in Category)
_YES_OR_NO: dict[str, bool] = dict.fromkeys(
    ("true", "yes", "y", "1", "x", "ja", "wahr", "oui", "si", "sí", "on"), True
) | (dict.fromkeys(("false", "no", "n", "0", "nein", "falsch", "non", "off"), False))


def _document(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise NotReadable("attribution is a JSON object") from None


def _put_deep(into: dict[str, Any], path: Sequence[str], text: str) -> None:
    for name in path[:-1]:
        inner = into.setdefault(name, {})
        if not isinstance(inner, dict):
            raise NotReadable(f"{name} is no object")
        into = inner
    into[path[-1]] = text


def new_lead(draft: Draft, channel: Channel, made: Import, origin: Origin) -> CreateLead:
    """The lead that a row makes, with the past that its times tell of; whose it is, the import has found out."""
    return CreateLead(
        actor=made.actor,
        channel_id=channel.id,
        lead_id=made.lead_id(draft.row),
        batch_id=made.id,
        on_duplicate=Duplicates.ALLOW,
        fields=draft.fields | ({"currency": None} if draft.has_no_currency else {}),
        properties=draft.properties,
        steps=_steps(draft, channel),
        at=min(draft.times.values(), default=None),
        updated_at=draft.times.get("updated_at"),
        origin=origin,
    )


def _steps(draft: Draft, channel: Channel) -> tuple[Step, ...]:
    """From the first status by way of the qualified one to the last, as far as the row tells when each was entered."""
    times, first = draft.times, channel.first_status
    last = draft.status or (StatusRef(id=first.id) if first is not None else None)
    if last is None:
        return ()
    status = channel.find_status(last)
    created_at, qualified_at = times.get("created_at"), times.get("qualified_at")
    category = status.category if status is not None else None
    entered_at = times.get("status_changed_at") or times.get("closed_at")
    if category is Category.QUALIFIED:
        entered_at = qualified_at or entered_at
    elif category in (Category.WON, Category.LOST):
        entered_at = times.get("closed_at") or entered_at
    final = Step(status=last, at=entered_at or created_at, sub_status=draft.sub_status, reason=draft.reason)
    steps = []
    qualified = channel.first_of(Category.QUALIFIED)
    if first is not None and (status is None or first.id != status.id) and entered_at is not None and created_at:
        steps.append(Step(status=StatusRef(id=first.id), at=created_at))
    if qualified_at is not None and qualified is not None and category is not Category.QUALIFIED:
        if not steps and first is not None and created_at is not None:
            steps.append(Step(status=StatusRef(id=first.id), at=created_at))
        steps.append(Step(status=StatusRef(id=qualified.id), at=qualified_at))
        if entered_at is None:
            final = msgspec.structs.replace(final, at=times.get("updated_at") or qualified_at)
    return (*steps, final)
