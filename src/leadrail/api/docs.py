"""The API's pages to read at `/docs`: the OpenAPI document and a guide, rendered once, without a script or a guest."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from leadrail.api import examples
from leadrail.kit.http import Request, Response, Route

Json = dict[str, Any]
Headers = tuple[tuple[bytes, bytes], ...]

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)

JSON = "application/json"

# Stands in the rendered page for the address by which the reader came.
ORIGIN = "http://origin.invalid"
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")

# Ids that the examples have, and the shell variables that stand for the reader's own.
_VARIABLES = {
    examples.CHANNEL_ID: "CHANNEL_ID",
    examples.OTHER_CHANNEL_ID: "OTHER_CHANNEL_ID",
    examples.WON_ID: "STATUS_ID",
    examples.LEAD_ID: "LEAD_ID",
    examples.PARTNER_ID: "COMPANY_ID",
    examples.REWARD_ID: "REWARD_ID",
    examples.EVENT_ID: "EVENT_ID",
}


def routes(document: Json) -> list[Route]:
    style = Path(__file__).with_name("templates").joinpath("style.css").read_bytes()
    return [_page("/docs", render(document)), published("/docs/style.css", style, b"text/css; charset=utf-8")]


def published(path: str, body: bytes, media_type: bytes) -> Route:
    """A route to bytes that stay the same as long as the server runs; browsers ask whether they still do."""
    whole = _stamped(body, media_type)

    async def handler(request: Request) -> Response:
        return _unless_known(request, whole)

    return Route("GET", path, handler)


def _page(path: str, text: str) -> Route:
    @lru_cache(maxsize=8)
    def as_seen_from(origin: str) -> Response:
        body = text.replace(ORIGIN, str(escape(origin))).encode()
        return _stamped(body, b"text/html; charset=utf-8", _HEADERS)

    async def handler(request: Request) -> Response:
        return _unless_known(request, as_seen_from(_origin(request)))

    return Route("GET", path, handler)


def _stamped(body: bytes, media_type: bytes, headers: Headers = ()) -> Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    return Response(200, body, media_type, (*headers, (b"etag", tag.encode()), (b"cache-control", b"no-cache")))


def _unless_known(request: Request, whole: Response) -> Response:
    """The answer, without its body for a browser that has it."""
    tag, known = dict(whole.headers)[b"etag"].decode(), request.header(b"if-none-match") or ""
    if tag not in (one.strip().removeprefix("W/") for one in known.split(",")):
        return whole
    return Response(304, b"", whole.media_type, whole.headers)


def _origin(request: Request) -> str:
    """The address by which the reader came, as far as it can be one."""
    host = request.header(b"host") or ""
    scheme = "https" if request.header(b"x-forwarded-proto") == "https" else "http"
    return f"{scheme}://{host if _HOST.fullmatch(host) else 'localhost'}"


# Rendering


def render(document: Json) -> str:
    """The whole page; `ORIGIN` stands for the server's address."""
    environment = Environment(
        loader=PackageLoader("leadrail.api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": prose, "pretty": pretty, "limits": limits, "bare": bare, "body_name": body_name}
    return environment.get_template("page.html").render(_view(document))


def _view(document: Json) -> Json:
    schemas, groups = document["components"]["schemas"], _groups(document)
    # A body is shown with the first operation that takes it, everything else among the objects.
    taking = [row for group in groups for row in group["operations"] if _takes_json(row)]
    bodies = {body_name(row): row["operationId"] for row in reversed(taking)}
    objects = {
        name: schema
        for name, schema in schemas.items()
        if "properties" in schema and name not in bodies and not name.endswith("Page")
    }
    return {
        "document": document,
        "schemas": schemas,
        "groups": groups,
        "bodies": bodies,
        "objects": objects,
        "origin": ORIGIN,
        "curl": curl,
    }


def _groups(document: Json) -> list[Json]:
    """Each tag with its operations, in the order of the tags."""
    rows = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return [tag | {"operations": [row for row in rows if tag["name"] in row["tags"]]} for tag in document["tags"]]


def _takes_json(operation: Json) -> bool:
    return JSON in operation.get("requestBody", {}).get("content", {})


def body_name(operation: Json) -> str:
    """The name of the schema of what the operation is sent; none for a file."""
    if not _takes_json(operation):
        return ""
    schema: Json = operation["requestBody"]["content"][JSON]["schema"]
    return str(schema["$ref"].rpartition("/")[2])


def prose(text: str) -> Markup:
    """Text with `code` in it and blank lines between paragraphs."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(marked.replace("\n\n", "</p><p>"))  # noqa: S704 - escaped above


_TOKEN = re.compile(r'("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\b\d+(?:\.\d+)?\b)')


def pretty(value: Any) -> Markup:
    """A JSON value on several lines, its parts marked for colour."""
    text, done, parts = json.dumps(value, indent=2, ensure_ascii=False), 0, []
    for token in _TOKEN.finditer(text):
        kind = "k" if token[2] else "s" if token[1] else "n"
        parts.append(f'{escape(text[done : token.start()])}<span class="{kind}">{escape(token[0])}</span>')
        done = token.end()
    return Markup("".join([*parts, escape(text[done:])]))  # noqa: S704 - escaped above


def bare(schema: Json) -> Json:
    """The schema without the null that it may be instead."""
    parts = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    return schema if len(parts) > 1 else parts[0]


def limits(schema: Json) -> str:
    """The bounds of a value, in words."""
    bounded, found = bare(schema), []
    for what, unit in (("imum", ""), ("Length", " characters"), ("Items", " items")):
        low, high = bounded.get(f"min{what}"), bounded.get(f"max{what}")
        if low is not None and high is not None:
            found.append(f"{low:,} to {high:,}{unit}.")
        elif high is not None:
            found.append(f"At most {high:,}{unit}.")
    return " ".join([*found, *([f"Matches `{bounded['pattern']}`."] if "pattern" in bounded else [])])


# The line to copy


def curl(operation: Json) -> str:
    """A line for a POSIX shell in which KEY and the ids are variables."""
    method, body = operation["method"], operation.get("requestBody")
    lines = [f'curl{"" if method == "GET" else f" -X {method}"} "{ORIGIN}{_path(operation)}"']
    if operation["security"]:
        lines.append('-H "X-API-Key: $KEY"')
    if body is not None:
        ((kind, content),) = body["content"].items()
        lines.append(f'-H "Content-Type: {kind}"')
        file = f"--data-binary '{content['example']}'"
        lines.append(f"-d '{_shell(content['example'])}'" if kind == JSON else file)
    return " \\\n  ".join(lines)


def _path(operation: Json) -> str:
    filled = filled_path(operation["path"], lambda name: f"${name}")
    given = [f"{one['name']}={one['example']}" for one in operation.get("parameters", ()) if "example" in one]
    if "text/event-stream" in operation["responses"].get("200", {}).get("content", {}):
        given.append("seconds=1")  # so that the reader's first try of a stream comes to its end
    return filled + (_with_variables("?" + "&".join(given)) if given else "")


_OWNERS = {"members": "company", "statuses": "status", "properties": "property", "deliveries": "delivery"} | {
    "sub-statuses": "sub_status"
}
# Only an approved reward is paid and only a paid one corrected, only a draft is started and only what is done undone,
# so the reader needs several.
_SEVERAL = {
    ("rewards", "pay"): "APPROVED_REWARD_ID",
    ("rewards", "corrections"): "PAID_REWARD_ID",
    ("imports", "start"): "NEW_IMPORT_ID",
    ("imports", "undo"): "DONE_IMPORT_ID",
}


def filled_path(path: str, fill: Callable[[str], str]) -> str:
    """The path with each of its ids as `fill` makes it of the name of its shell variable."""
    segments = path.split("/")
    return "/".join(
        fill(variable(before, after)) if segment.startswith("{") else segment
        for before, segment, after in zip(["", *segments], segments, [*segments[1:], ""], strict=False)
    )


def variable(segment: str, after: str = "") -> str:
    """The shell variable for an id below this segment: `statuses` as STATUS_ID."""
    if (segment, after) in _SEVERAL:
        return _SEVERAL[segment, after]
    owner = _OWNERS.get(segment)
    return f"{owner or segment.removesuffix('s')}_id".replace("-", "_").upper()


def _shell(value: Any) -> str:
    """JSON inside single quotes; ids step out of them as variables."""
    text = json.dumps(value, indent=2, ensure_ascii=False).replace("'", "'\\''").replace("\n", "\n  ")
    return _with_variables(text, "'")


def _with_variables(text: str, quote: str = "") -> str:
    for id, name in _VARIABLES.items():
        text = text.replace(id, f"{quote}${name}{quote}")
    return text
