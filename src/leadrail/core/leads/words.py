"""The words by which a lead is found, and those that somebody looks for. Pure.

A word reaches from the beginning of a run of letters and digits to the next blank, so that `anna.schmidt@firm.de` is
found by how it begins, by `schmidt@firm` and by `firm.de`. Whoever asks for a word means all that begins with it.
A mark stands among the words for a value that a member has as a whole; nobody can ask for one as a word.
Migration 0013_finding stored the words of the leads that were there by the same rules.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

import msgspec

from leadrail.core.errors import Code, refuse
from leadrail.core.identity import phone_key
from leadrail.core.leads.model import Lead

MOST_ASKED = 8
"""As many words as one question may have."""

# Of the notes, and of names and address together; of each blank-free piece so many characters and beginnings.
_MOST_WORDS = 100
_LONGEST = 100
_MOST_BEGINNINGS = 6

_MARKS = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ς": "σ"})
_RUN = re.compile(r"[^\W_]+")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_ADDRESS = re.compile(r".+@.+")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_COUNTRY_CODE = re.compile(
    r"1|7|2[07]|3[0123469]|4[013456789]|5[12345678]|6[0123456]|8[1246]|9[0123458]|\d{3}"  # ITU-T E.164
)
# Digits as people write a telephone number; fewer than five may be a year or a house.
_PHONE = re.compile(r"(?<![\w@.-])(?:\+|\()?\d(?:[ ()/.-]*\d){4,}(?![\w@])")


def folded(text: str) -> str:
    """The text without case, accents and the ways to write an umlaut."""
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return text.lower().translate(_LETTERS).replace("ae", "a").replace("oe", "o").replace("ue", "u")


def _beginnings(text: str) -> Iterator[str]:
    for raw in folded(text).split()[:_MOST_WORDS]:
        if raw.isalnum():
            yield raw[:_LONGEST]
            continue
        piece = _EDGES.sub("", raw)[:_LONGEST]
        starts = [run.start() for run in _RUN.finditer(piece)]
        if _ADDRESS.fullmatch(piece):
            del starts[-1]  # by its top-level domain nobody looks for an address
        yield from (piece[start:] for start in starts[:_MOST_BEGINNINGS])


def _digits(phone: str, country: str | None) -> Iterator[str]:
    """The number with its country code and without."""
    if (key := phone_key(phone, country)) is None:
        yield _NOT_DIGITS.sub("", phone).lstrip("0")
        return
    yield key[1:]
    code = _COUNTRY_CODE.match(key[1:])
    yield key[1 + code.end() :] if code else ""


MARKED = ("utm_source", "utm_medium", "utm_campaign")
"""The members of the attribution whose values have marks; all properties have."""


def mark(member: str, value: str) -> str:
    """What stands for this value of a property, by its id, or of a member of the attribution."""
    return "=" + hashlib.md5(f"{member}={value}".encode(), usedforsecurity=False).hexdigest()[:16]


def marks_for(member: str, value: Any) -> list[str]:
    """The marks that a lead may have when the member is as this value, be it a number or a text that reads as one."""
    texts = (plain_number(value), str(value)) if isinstance(value, str) else (plain_number(str(value)),)
    return [mark(member, text) for text in dict.fromkeys(texts) if text is not None]


def plain_number(text: str) -> str | None:
    """A number as the database writes it without zeros that say nothing."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _MOST_PLACES or len(text) > _MOST_PLACES:
        return None
    whole = format(number, "f")
    return (whole.rstrip("0").rstrip(".") if "." in whole else whole).removeprefix("-" if number == 0 else "")


_MOST_PLACES = 100


def _marks(lead: Lead) -> Iterator[str]:
    for id, value in lead.properties.items():
        if isinstance(value, bool):
            yield mark(id, str(value).lower())
        elif isinstance(value, str):
            yield mark(id, value)
        elif (number := plain_number(str(value))) is not None:
            yield mark(id, number)
    for member in MARKED:
        if isinstance(value := lead.attribution.get(member), str):
            yield mark(member, value)


Searched = tuple[object, ...]


def searched(lead: Lead) -> Searched:
    """What a lead is found and listed by: while this stays, nothing is to be written anew."""
    texts = (lead.first_name, lead.last_name, lead.name, lead.company_name, lead.email, lead.phone, lead.notes)
    return (*texts, lead.assignee, lead.source, lead.channel_id, *_marks(lead))


def words_of(lead: Lead, country: str | None) -> tuple[str, ...]:
    """Every word of the lead that is not the beginning of another one, and its marks, in order."""
    called = (lead.email, lead.first_name, lead.last_name, lead.name, lead.company_name)
    words = {*_beginnings(" ".join(filter(None, called))), *_marks(lead)}
    if lead.phone:
        words.update(_digits(lead.phone, country))
    if lead.notes:
        words.update(_beginnings(lead.notes))
    words.discard("")
    ordered = sorted(words)
    return (*(word for word, following in pairwise(ordered) if not following.startswith(word)), *ordered[-1:])


def word_of_address(email: str) -> str | None:
    """What a lead with exactly this e-mail address has a word to begin with, if that is sure."""
    if len(email) > _LONGEST or email.split() != [email]:
        return None
    return next(_beginnings(email), None)


class Asked(msgspec.Struct, frozen=True):
    """A word that is looked for: a lead has it when one of its words begins with one of these."""

    beginnings: tuple[str, ...]


def asked_in(text: str, countries: Iterable[str | None], pointer: str) -> tuple[Asked, ...]:
    """What is looked for in a line of text; a phone number in it is read as of each of the countries.

    Raises Refused (`invalid`) when there is no word in it or too many.
    """
    text = text.replace("(0)", "")
    found = [Asked(tuple(_asked_digits(run.group(), countries))) for run in _PHONE.finditer(text)]
    for piece in folded(_PHONE.sub(" ", text)).split():
        found += [Asked((word[:_LONGEST],)) for word in _asked_words(piece)]
    asked = tuple(dict.fromkeys(found))
    if not 0 < len(asked) <= MOST_ASKED:
        raise refuse(Code.INVALID, f"q is 1 to {MOST_ASKED} words of letters or digits", pointer)
    return asked


def _asked_words(piece: str) -> list[str]:
    """An address or a domain as a whole, everything else by its parts."""
    piece = _EDGES.sub("", piece) if "@" not in piece.rstrip("@") else _EDGES.sub("", piece.lstrip("@"))
    return [piece] if "@" in piece or _is_dotted(piece) else _RUN.findall(piece)


def _is_dotted(piece: str) -> bool:
    return "." in piece and all(char.isalnum() or char in ".-" for char in piece)


def _asked_digits(written: str, countries: Iterable[str | None]) -> Iterator[str]:
    digits = _NOT_DIGITS.sub("", written)
    yield from dict.fromkeys(
        part
        for part in (
            digits.removeprefix("00"),
            digits.lstrip("0"),
            "" if " " in written else _EDGES.sub("", written),  # a date or a reference, not a number to call
            *((phone_key(written, country) or "")[1:] for country in countries),
        )
        if part
    )
