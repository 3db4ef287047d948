"""What an export has in its columns, and each lead and event as a row of them. Pure."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core.channels.model import Channel
from leadrail.core.events.model import Event
from leadrail.core.imports.reading import OUR_COLUMN
from leadrail.core.leads.model import Lead, named_properties, reason_of, sub_status_of

Value = str | int | Decimal | datetime | None

_WOULD_RUN = re.compile(r"'*[=+\-@\t\r]")


class Kind(StrEnum):
    """What a column holds; a file of types keeps it apart, a file of texts does not."""

    TEXT = "text"
    WHOLE = "whole"
    AMOUNT = "amount"
    MOMENT = "moment"


class Column(msgspec.Struct, frozen=True):
    name: str
    kind: Kind = Kind.TEXT


_TEXTS = ("email", "phone", "linkedin_url", "first_name", "last_name", "name", "title", "company_name") + (
    "source",
    "assignee",
    "notes",
    "business_id",
)
_MOMENTS = ("next_follow_up_at", "qualified_at", "closed_at", "created_at", "updated_at", "erased_at")
_LEAD = (
    Column(OUR_COLUMN),
    Column("number", Kind.WHOLE),
    Column("channel"),
    Column("status"),
    Column("category"),
    Column("sub_status"),
    Column("reason"),
    *(Column(name) for name in _TEXTS),
    Column("value", Kind.AMOUNT),
    Column("currency"),
    *(Column(name, Kind.MOMENT) for name in _MOMENTS),
    Column("attribution"),
)

EVENT = (
    Column("event_id"),
    Column("type"),
    Column("lead_id"),
    Column("channel_id"),
    Column("occurred_at", Kind.MOMENT),
    Column("recorded_at", Kind.MOMENT),
    Column("actor_kind"),
    Column("actor_id"),
    Column("face"),
    Column("from_status"),
    Column("to_status"),
    Column("reason"),
    Column("note"),
    Column("data"),
)


class LeadColumns:
    """The columns of leads of these channels: the fields, then the properties that one of them has, by their names."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        names = dict.fromkeys(definition.name for channel in channels for definition in channel.current_properties)
        self._properties = tuple(names)
        self.all: tuple[Column, ...] = (*_LEAD, *(Column(f"properties.{name}") for name in names))

    def row(self, lead: Lead, channel: Channel) -> list[Value]:
        status = channel.status_by_id[lead.status_id]
        properties = named_properties(lead, channel) if lead.properties else {}
        return [
            str(lead.id),
            lead.number,
            channel.title,
            status.name,
            status.category.value,
            sub_status_of(lead, channel),
            reason_of(lead, channel),
            *(getattr(lead, name) for name in _TEXTS),
            lead.value,
            lead.currency,
            *(getattr(lead, name) for name in _MOMENTS),
            _json(lead.attribution) if lead.attribution else None,
            *(_plain(properties.get(name)) for name in self._properties),
        ]


def event_row(event: Event) -> list[Value]:
    data = event.data
    note = data.get("note")
    return [
        str(event.id),
        event.type.value,
        _id(event.lead_id),
        _id(event.channel_id),
        event.occurred_at,
        event.recorded_at,
        event.actor.kind.value,
        _id(event.actor.id),
        event.actor.face,
        _status_name(data.get("from")),
        _status_name(data.get("to")),
        _text(data.get("reason")),
        _text(note.get("text") if isinstance(note, dict) else note),
        _json(data),
    ]


def _id(id: UUID | None) -> str | None:
    return str(id) if id is not None else None


def _status_name(named: Any) -> str | None:
    return _text(named.get("name")) if isinstance(named, dict) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _plain(value: Any) -> str | None:
    """A property's value as a text that an import reads as the same."""
    if value is None or isinstance(value, str):
        return value
    return _json(value)


def cell(value: Value) -> str:
    """The value in a file of texts. Somebody's words that a spreadsheet would run get an apostrophe before them, which
    an import takes away again.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if _WOULD_RUN.match(value) else value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def cells(row: Sequence[Value]) -> list[str]:
    return [cell(value) for value in row]
