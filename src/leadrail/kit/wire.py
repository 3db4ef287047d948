"""Reading JSON bodies and query strings into types, with a pointer to what is wrong."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

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
    if b"\\u0000" in body:
        raise BadInput("Text must not contain the character U+0000")
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


def read_query(pairs: Iterable[tuple[str, str]], type: type[T]) -> T:
    """A query string as a struct; a repeated name is a list. Raises BadInput with the name at fault."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(type)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name not in fields:
            raise BadInput(f'Unknown query parameter "{name}"; known: {", ".join(fields)}', f"?{name}")
        if "\x00" in value or "\ufffd" in value:
            raise BadInput(f'The query parameter "{name}" is not valid UTF-8 text', f"?{name}")
        values[name] = [*values[name], value] if isinstance(values.get(name), list) else value
        if _takes_many(fields[name].type) and not isinstance(values[name], list):
            values[name] = [value]
    try:
        return msgspec.convert(values, type, strict=False)
    except msgspec.ValidationError as error:
        bad = _bad_input(error, "")
        raise BadInput(bad.message, f"?{(bad.pointer or '').strip('/')}") from None


def _takes_many(type: Any) -> bool:
    return "tuple" in str(type) or "list" in str(type)
