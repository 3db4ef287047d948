"""What this dialect itself finds wrong with a call, beside what the core refuses; `errors` has the code of each."""

from collections.abc import Iterable
from enum import Enum, auto


class Fault(Enum):
    MISSING_FIELD = auto()
    UNKNOWN_WORD = auto()
    BAD_IDENTIFIER = auto()
    HALF_AN_ENTITY = auto()
    LOOKUP_WITHOUT_TYPE = auto()
    UNSUPPORTED_MEDIA_TYPE = auto()


class Faulty(Exception):
    """A call with a fault, and what to say of it: one item of the answer for each message."""

    def __init__(self, fault: Fault, *messages: str) -> None:
        super().__init__(*messages)
        self.fault, self.messages = fault, messages


def missing(*names: str) -> Faulty:
    """Mandatory members that were not sent, by the vendor's names."""
    return Faulty(Fault.MISSING_FIELD, *(f'The mandatory field "{name}" is missing' for name in names))


def require(**given: object) -> None:
    """Raises Faulty when any of these members is null or an empty text."""
    if absent := [name for name, value in given.items() if is_blank(value)]:
        raise missing(*absent)


def is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def one_of(word: str, known: Iterable[str], name: str) -> str:
    """The word as the vendor writes it, whatever its case. Raises Faulty."""
    for one in known:
        if one.casefold() == word.strip().casefold():
            return one
    raise Faulty(Fault.UNKNOWN_WORD, f'{name}: "{word}" is none of {", ".join(known)}')
