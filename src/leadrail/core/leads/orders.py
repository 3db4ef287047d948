"""The orders that lists of leads may have, and places in them. Pure.

Every order is whole: leads of one key go by their numbers (or ids), those of several companies with the same number by
the company. So a place in it lies between two leads for good, whatever is written meanwhile: nothing is shown twice or
passed over but a lead whose own key changed, which is where its new key puts it.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.errors import Code, refuse
from leadrail.kit.ids import parse_id


class Order(msgspec.Struct, frozen=True):
    """By a column of `table`, which has an index of company, key and tie. `has_all`: every lead has a key.

    A list by a key that some leads lack shows those that have it. `looks`: how many leads one page may look at.
    """

    key: str
    type: str
    table: str = "leads"
    tie: str = "number"
    has_all: bool = True
    looks: int = 2_000

    @property
    def is_by_number(self) -> bool:
        return self.key == self.tie


NUMBER = Order("number", "bigint", looks=3_000)

ORDERS: Mapping[str, Order] = {
    "number": NUMBER,
    "created_at": Order("created_at", "timestamptz", table="lead_finds"),
    "updated_at": Order("updated_at", "timestamptz"),
    "status_changed_at": Order("status_changed_at", "timestamptz"),
    "value": Order("value", "numeric", table="lead_values", has_all=False),
    "next_follow_up_at": Order("next_follow_up_at", "timestamptz", tie="id", has_all=False),
}


class Sorting(msgspec.Struct, frozen=True):
    order: Order = NUMBER
    descending: bool = True

    def __str__(self) -> str:
        return ("-" if self.descending else "") + self.order.key

    @property
    def direction(self) -> str:
        return "DESC" if self.descending else "ASC"


def sorting(text: str, pointer: str) -> Sorting:
    """The order that `value` or `-value` names. Raises Refused (`invalid`)."""
    if (order := ORDERS.get(text.removeprefix("-"))) is None:
        names = ", ".join(ORDERS)
        raise refuse(
            Code.INVALID, f'Leads are sorted by {names}, "-" before it for downwards; not by "{text}"', pointer
        )
    return Sorting(order, text.startswith("-"))


class Place(msgspec.Struct, frozen=True):
    """Behind a lead with this key, in this order."""

    sorting: Sorting
    key: Any
    tie: Any
    company_id: UUID

    def is_behind(self, other: "Place") -> bool:
        mine, others = (self.key, self.tie), (other.key, other.tie)
        if mine == others:
            return self.company_id > other.company_id
        return bool(mine < others) if self.sorting.descending else bool(mine > others)

    def __str__(self) -> str:
        key = self.key.isoformat() if isinstance(self.key, datetime) else self.key
        return f"{self.sorting} {key} {self.tie} {self.company_id}"


def place_at(text: str, sorting: Sorting) -> Place | None:
    """The place that a text names, None when it names none of this order."""
    parts = text.split(" ")
    if len(parts) != 4 or parts[0] != str(sorting):
        return None
    key = _read(parts[1], sorting.order.type)
    tie = _read(parts[2], "uuid" if sorting.order.tie == "id" else "bigint")
    company_id = parse_id(parts[3])
    if key is None or tie is None or company_id is None:
        return None
    return Place(sorting, key, tie, company_id)


def _read(text: str, type: str) -> Any:
    if type == "uuid":
        return parse_id(text)
    if type == "bigint":
        return int(text) if text.isdecimal() and text.isascii() and len(text) <= 18 else None
    try:
        if type == "numeric":
            number = Decimal(text)
            return number if number.is_finite() and abs(number.adjusted()) < 100 else None
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else None
    except (InvalidOperation, ValueError):
        return None
