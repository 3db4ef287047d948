"""One operation as OpenAPI has it: its name, its parameters, its body."""

from itertools import pairwise

from leadrail.api.openapi.answers import codes_of, has_version, is_kept, problems, success
from leadrail.api.openapi.schemas import Json, Schemas, name_of
from leadrail.api.openapi.words import WORDS
from leadrail.api.operation import Operation
from leadrail.core.idempotency import KEY_LIMIT


def operation(row: Operation, schemas: Schemas) -> Json:
    whole: Json = {
        "tags": [row.tag],
        "operationId": operation_id(row),
        "summary": row.summary,
        "description": f"{row.description} Needs the scope `{row.scope}`.".strip(),
        "security": [{"bearer": [row.scope]}, {"apiKey": [row.scope]}],
        "x-required-scope": row.scope,
        "parameters": [*_path_parameters(row.path), *_query_parameters(row, schemas), *_header_parameters(row)],
    }
    if row.body is not None:
        content = {"schema": schemas.of(row.body), "example": row.request_example}
        whole["requestBody"] = {"required": True, "content": {"application/json": content}}
    if row.upload:
        content = {"schema": {"type": "string"}, "example": row.request_example}
        whole["requestBody"] = {"required": True, "content": {row.upload: content}}
    statuses = [status for status in (row.other_status, row.status) if status is not None]
    successes = {str(status): success(row, schemas, status) for status in statuses}
    return whole | {"responses": successes | problems(codes_of(row, schemas))}


_VERBS = {"GET": "read", "POST": "create", "PATCH": "edit", "PUT": "change", "DELETE": "remove"}


def operation_id(row: Operation) -> str:
    """`PUT /v1/leads/{id}/status` as change_lead_status, `POST /v1/channels/{id}/archive` as archive_channel."""
    segments = row.path.split("/")[2:]
    verb, adds = _VERBS[row.method], row.method == "POST"
    if row.method == "GET" and name_of(row.answer).startswith("Page"):
        verb = "list"
    if adds and not segments[-1].endswith("s"):
        verb, adds = segments.pop(), False
    following = [*segments[1:], "{}" if adds else ""]
    named = [
        singular(segment) if after.startswith("{") else segment
        for segment, after in zip(segments, following, strict=True)
        if not segment.startswith("{")
    ]
    return "_".join((verb, *named)).replace("-", "_").replace(".", "_")


def singular(plural: str) -> str:
    if plural.endswith("ies"):
        return plural.removesuffix("ies") + "y"
    return plural.removesuffix("es") if plural.endswith("uses") else plural.removesuffix("s")


def _path_parameters(path: str) -> list[Json]:
    segments = path.split("/")
    return [
        _parameter("path", segment[1:-1], {"type": "string", "format": "uuid"}, f"Id of the {_noun(owner)}.")
        for owner, segment in pairwise(segments)
        if segment.startswith("{")
    ]


def _noun(segment: str) -> str:
    nouns = {"members": "company", "keys": "API key", "webhooks": "endpoint"}
    return nouns.get(segment) or singular(segment).replace("-", " ")


def _query_parameters(row: Operation, schemas: Schemas) -> list[Json]:
    query = schemas.query(row.query)
    return [_query_parameter(name, member, query["required"]) for name, member in query["properties"].items()]


def _query_parameter(name: str, member: Json, required: list[str]) -> Json:
    # A query has no null: what may be null in the type is what may be left out.
    schema = dict(member["anyOf"][0] if "anyOf" in member else member)
    text = schema.pop("description", None) or member.get("description")
    text = WORDS["parameters"].get(name) or text
    if name not in required:
        return _parameter("query", name, schema, text, required=False)
    return _parameter("query", name, schema, text) | {"example": WORDS["given"][name]}


def _header_parameters(row: Operation) -> list[Json]:
    found = []
    if is_kept(row):
        found.append(header("Idempotency-Key", {"minLength": 1, "maxLength": KEY_LIMIT}))
    if has_version(row):
        found.append(header("If-Match"))
    return found


def header(name: str, limits: Json | None = None, *, required: bool = False) -> Json:
    schema = {"type": "string"} | (limits or {})
    return _parameter("header", name, schema, WORDS["headers"][name], required=required)


def _parameter(place: str, name: str, schema: Json, text: str | None, *, required: bool = True) -> Json:
    whole: Json = {"name": name, "in": place, "required": required, "schema": schema}
    return whole | {"description": text} if text else whole
