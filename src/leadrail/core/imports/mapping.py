"""Which column fills what: guessed by its name, corrected by the caller."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from leadrail.core.channels.model import Channel
from leadrail.core.errors import Code, refuse
from leadrail.core.imports.model import ERROR_COLUMN
from leadrail.core.leads.fields import TEXT_LIMITS

TIMES = ("created_at", "updated_at", "qualified_at", "closed_at", "status_changed_at")
TARGETS = (
    *TEXT_LIMITS,
    "value",
    "currency",
    "next_follow_up_at",
    "status",
    "sub_status",
    "reason",
    "attribution",
    *TIMES,
)
"""What a column may fill, beside `properties.<name>`, `attribution.<member>` and `external_ids.<system>`."""

_MEMBERS = ("properties.", "attribution.", "external_ids.")
_NOT_WORDS = re.compile(r"[^a-z0-9]+")
_IN_PARENTHESES = re.compile(r"\(.*?\)")
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def folded(name: str) -> str:
    """The name as words: without case, accents and signs."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", name).casefold().translate(_GERMAN))
    return _NOT_WORDS.sub(" ", "".join(sign for sign in plain if not unicodedata.combining(sign))).strip()


@cache
def _words() -> dict[str, tuple[str, int]]:
    """What a word fills, and its rank among the words for that."""
    table = tomllib.loads(Path(__file__).with_name("headers.toml").read_text("utf-8"))
    return {word: (target, rank) for target, words in table.items() for rank, word in enumerate(words)}


def guessed(columns: Sequence[str], channel: Channel) -> dict[str, str | None]:
    """What every column fills, as far as its name tells. A property of the channel wins over a field."""
    properties = {folded(definition.name): definition.name for definition in channel.current_properties}
    best: dict[str, tuple[int, str]] = {}
    for column in columns:
        if (found := _guess(column, properties)) is not None:
            target, rank = found
            if target not in best or rank < best[target][0]:
                best[target] = (rank, column)
    chosen = {column: target for target, (_, column) in best.items()}
    return {column: chosen.get(column) for column in columns}


def _guess(column: str, properties: Mapping[str, str]) -> tuple[str, int] | None:
    if column == ERROR_COLUMN:
        return None
    exact = column.strip()
    if exact in TARGETS or exact.startswith(_MEMBERS[1:]):
        return exact, -1
    word = folded(exact.removeprefix(_MEMBERS[0]))
    if word in properties:
        return f"properties.{properties[word]}", -1
    return _words().get(word) or _words().get(folded(_IN_PARENTHESES.sub("", exact)))


def checked(mapping: Mapping[str, str | None], columns: Sequence[str], channel: Channel) -> dict[str, str | None]:
    """The whole mapping, columns that are not named filling nothing.

    Raises Refused (`invalid`, `unknown_property`) for a column that the file lacks, or a target that there is not.
    """
    for column, target in mapping.items():
        if column not in columns:
            raise refuse(Code.INVALID, f'The file has no column "{column}"', f"/mapping/{_escape(column)}")
        if target is not None:
            _check(target, channel, f"/mapping/{_escape(column)}")
    given = [target for target in mapping.values() if target is not None]
    if twice := [target for target in given if given.count(target) > 1]:
        raise refuse(Code.INVALID, f'Two columns fill "{twice[0]}"', "/mapping")
    return {column: mapping.get(column) for column in columns}


def _check(target: str, channel: Channel, pointer: str) -> None:
    kind, _, member = target.partition(".")
    if kind == "properties" and member:
        if member.casefold() not in channel.property_by_key:
            names = ", ".join(known.name for known in channel.current_properties) or "none"
            message = f'The channel has no property "{member}"; it has: {names}'
            raise refuse(Code.UNKNOWN_PROPERTY, message, pointer)
    elif target not in TARGETS and not (kind in ("attribution", "external_ids") and member):
        known = ", ".join((*TARGETS, "properties.<name>", "attribution.<member>", "external_ids.<system>"))
        raise refuse(Code.INVALID, f'There is no field "{target}"; there are: {known}', pointer)


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
