"""Bodies that are wrong in one place, made out of one that is right."""

import json

from tests.dialects.conformance import Json, Row


def wrong_types(row: Row, body: Json) -> list[tuple[str, bytes]]:
    """The body with each member in turn of a type that it cannot have, under the member's JSON pointer."""
    return [
        (pointer, json.dumps(put(body, pointer, wrong)).encode())
        for pointer, value in members(body)
        if not any(pointer == free or pointer.startswith(f"{free}/") for free in row.free)
        for wrong in _wrong(value)
    ]


def texts_replaced(body: Json, text: str) -> list[tuple[str, bytes]]:
    """The body with each text in turn replaced by a JSON text, as it is written."""
    marked = [(pointer, put(body, pointer, "@@@")) for pointer, value in members(body) if isinstance(value, str)]
    raw = text.encode("utf-8", "surrogateescape")
    return [(pointer, json.dumps(changed).encode().replace(b"@@@", raw)) for pointer, changed in marked]


def members(body: Json, at: str = "") -> list[tuple[str, Json]]:
    """Every member below the body's top, with its JSON pointer."""
    pairs = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    found = []
    for name, value in pairs:
        found += [(f"{at}/{name}", value), *members(value, f"{at}/{name}")]
    return found


def put(body: Json, pointer: str, value: Json) -> Json:
    """A copy of the body with this value at the pointer."""
    copy = json.loads(json.dumps(body))
    *above, last = pointer.strip("/").split("/")
    inner = copy
    for step in above:
        inner = inner[int(step) if isinstance(inner, list) else step]
    inner[int(last) if isinstance(inner, list) else last] = value
    return copy


def _wrong(value: Json) -> tuple[Json, ...]:
    if isinstance(value, list | dict):
        return ("x", 5, True)
    return ([[]], {"a": {"b": 1}})
