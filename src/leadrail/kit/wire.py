"""Reading JSON bodies and query strings into types, with a pointer to what is wrong."""

import re
from collections.abc import Iterable
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T")

# The escape itself, not a text that speaks of it: an even number of backslashes before it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_PLACE = re.compile(r" - at `([^`]*)`$")
_NAMED = re.compile(r"(?:unknown field|required field) `([^`]*)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class BadInput(Exception):
    """What was sent cannot be read. `pointer` is the JSON pointer (RFC 6901) of the member at fault."""

    def __init__(self, message: str, pointer: str | None = None) -> None:
        super().__init__(message)
        self.message, self.pointer = message, pointer


def decode(decoder: msgspec.json.Decoder[T], body: bytes, at: str = "") -> T:
    """The body as the decoder's type. Raises BadInput; `at` is put before its pointer."""
    if _NUL.search(body):
        raise BadInput("Text must not contain the character U+0000", at or None)
    return decode_items(decoder, body, at)


def decode_items(decoder: msgspec.json.Decoder[T], body: bytes, at: str = "") -> T:
    """The same for a body whose items are left raw, to be decoded one by one: what is in them is not looked at."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _bad_input(error, at) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"The body is not valid JSON: {error}" if body else "The body is empty; send JSON") from None


def _bad_input(error: msgspec.ValidationError, at: str) -> BadInput:
    text = str(error)
    place = _PLACE.search(text)
    path = place.group(1) if place else "$"
    named = _NAMED.search(text)
    pointer = at + _pointer(path) + (f"/{named.group(1)}" if named else "")
    return BadInput(_PLACE.sub("", text).replace("`", '"'), pointer or None)


def _pointer(path: str) -> str:
    """`$.leads[3].email` as `/leads/3/email`."""
    return "".join(f"/{name or index}" for name, index in _STEP.findall(path))


class QueryReader(Generic[T]):
    """Reads query strings into one struct type; a name that takes many values may be repeated."""

    def __init__(self, type: type[T]) -> None:
        fields = msgspec.structs.fields(type)  # type: ignore[arg-type]  # T is a struct
        self._type = type
        self._takes_many = {field.encode_name: _takes_many(field.type) for field in fields}
        self._blank = None if any(field.required for field in fields) else type()

    def __call__(self, pairs: Iterable[tuple[str, str]]) -> T:
        """The struct. Raises BadInput with the name at fault."""
        if not pairs and self._blank is not None:
            return self._blank
        values: dict[str, Any] = {}
        for name, value in pairs:
            self._check(name, value)
            if self._takes_many[name]:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
        try:
            return msgspec.convert(values, self._type, strict=False)
        except msgspec.ValidationError as error:
            bad = _bad_input(error, "")
            raise BadInput(bad.message, f"?{(bad.pointer or '').strip('/')}") from None

    def _check(self, name: str, value: str) -> None:
        if name not in self._takes_many:
            known = ", ".join(self._takes_many) or "none"
            raise BadInput(f'Unknown query parameter "{name}"; known: {known}', f"?{name}")
        if "\x00" in value or "\ufffd" in value:
            raise BadInput(f'The query parameter "{name}" is not valid UTF-8 text', f"?{name}")


def _takes_many(type: Any) -> bool:
    return get_origin(type) in (tuple, list) or any(map(_takes_many, get_args(type)))
