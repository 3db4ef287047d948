"""The schemas of every type that the operations name, under names that read well."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from types import UnionType
from typing import Any, get_args

import msgspec

from leadrail.api import examples
from leadrail.api.catalogue import CATALOGUE
from leadrail.api.leads.shapes import BatchedChange, BatchOutcome, NewLead
from leadrail.api.openapi.words import CODES, WORDS
from leadrail.api.operation import NoQuery, Operation
from leadrail.api.problems import Problem
from leadrail.core.engine import Arrival
from leadrail.core.events.model import Event, EventType
from leadrail.core.leads.model import LeadDocument

Json = dict[str, Any]

PREFIX = "#/components/schemas/"

# Lists that the types leave raw, because each item is read alone so that a bad one is refused alone.
BATCHES: dict[str, tuple[str, type]] = {"LeadBatch": ("leads", NewLead), "StatusBatch": ("changes", BatchedChange)}
_RAW_ITEMS = BATCHES | {"BatchAnswer": ("data", BatchOutcome)}

_OUTCOMES = (*Arrival, "changed", "refused")

# What operations carry without naming it: problems, and what events are made of.
_CARRIED = (Problem, Event, LeadDocument, *(kind.data for kind in CATALOGUE.values()))


class Schemas:
    """The schemas of these operations' bodies, queries and answers."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        types = tuple(dict.fromkeys(_types(operations)))
        schemas, components = msgspec.json.schema_components(types, ref_template=PREFIX + "{name}")
        self._of = {type: _tidy(schema) for type, schema in zip(types, schemas, strict=True)}
        self._every = {readable(name): _tidy(schema, readable(name)) for name, schema in components.items()}
        self._queries = {readable(row.query.__name__) for row in operations}
        self._mend()

    @property
    def components(self) -> Json:
        return {name: self._every[name] for name in sorted(self._every) if name not in self._queries}

    def of(self, type: Any) -> Json:
        found = [self._of[one] for one in alternatives(type)]
        return found[0] if len(found) == 1 else {"anyOf": found}

    def query(self, type: type) -> Json:
        """The query's members under `properties`; those that must be given under `required`."""
        nothing: Json = {"properties": {}, "required": []}
        return nothing if type is NoQuery else self._every[readable(type.__name__)]

    def _mend(self) -> None:
        """Says what the Python types leave open."""
        for name, (member, type) in _RAW_ITEMS.items():
            if name in self._every:
                self._every[name]["properties"][member]["items"] = {"$ref": PREFIX + readable(type.__name__)}
        self._every["Problem"]["properties"]["code"]["enum"] = list(CODES)
        self._every["Problem"]["examples"] = [examples.PROBLEM]
        self._every["BatchOutcome"]["properties"]["outcome"]["enum"] = list(_OUTCOMES)


def _types(operations: Sequence[Operation]) -> Iterable[Any]:
    for row in operations:
        for type in (row.body, row.answer, row.query):
            yield from alternatives(type)
    yield from _CARRIED
    yield from (type for _, type in _RAW_ITEMS.values())


def data_schema(event: EventType) -> str:
    """Where the schema of the event's `data` is."""
    return PREFIX + readable(CATALOGUE[event].data.__name__)


def alternatives(type: Any) -> tuple[Any, ...]:
    """What may be answered: `Lead | Preview` as both, None as nothing."""
    if type is None or type is NoQuery:
        return ()
    return get_args(type) if isinstance(type, UnionType) else (type,)


def name_of(type: Any) -> str:
    return getattr(type, "__name__", "")


def readable(name: str) -> str:
    """`Page_ShownChannel_` as ChannelPage, `KeyBody` as NewKey."""
    if (chosen := WORDS["schemas"].get(name)) is not None:
        return str(chosen)
    if page := re.fullmatch(r"Page_(\w+)_", name):
        return readable(page[1]) + "Page"
    if body := re.fullmatch(r"(\w+)Body", name):
        return "New" + body[1]
    return name.removeprefix("Shown")


def _tidy(schema: Any, owner: str = "") -> Any:
    """The schema without Python's names, every member of `owner` with its note."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(part) for key, part in schema.items() if key not in ("title", "properties")}
    if "$ref" in tidy:
        tidy["$ref"] = PREFIX + readable(tidy["$ref"].removeprefix(PREFIX))
    if "enum" in tidy:
        tidy |= {"type": "string", "enum": _in_order(tidy["enum"])}
    if "properties" in schema:
        tidy["properties"] = {name: _member(name, part, owner) for name, part in schema["properties"].items()}
    return tidy


def _in_order(words: list[str]) -> list[str]:
    """The words as their enumeration has them; msgspec sorts them."""
    every = ([member.value for member in words_of] for words_of in StrEnum.__subclasses__())
    return next((values for values in every if sorted(values) == sorted(words)), words)


def _member(name: str, schema: Json, owner: str) -> Json:
    member: Json = _tidy(schema)
    if name.endswith("_at"):
        # msgspec tells a time from a text only where the type demands an offset; each of ours has one.
        for part in member.get("anyOf", [member]):
            part |= {"format": "date-time"} if part["type"] == "string" else {}
    note = WORDS["members_of"].get(owner, {}).get(name) or WORDS["members"].get(name)
    return {"description": note} | member if note else member
