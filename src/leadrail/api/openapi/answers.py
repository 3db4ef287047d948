"""What an operation answers: the success with its headers, and every problem that can happen."""

from http import HTTPStatus

from leadrail.api import examples
from leadrail.api.leads.shapes import ArrivedLead
from leadrail.api.openapi.schemas import BATCHES, PREFIX, Json, Schemas, alternatives, name_of, readable
from leadrail.api.openapi.words import CODES, WORDS
from leadrail.api.operation import Operation
from leadrail.core.leads.model import LeadDocument

# An operation's row has one example; these are of what else it may answer.
_OTHER_ANSWERS = {"Preview": examples.PREVIEW}

# Each item of these is kept under a key of its own, so the answer as a whole is no repeat.
_BY_ITEM = frozenset({*BATCHES, "RewardBatch"})

_LEADS = frozenset({LeadDocument, ArrivedLead})

_EVERYWHERE = frozenset({"unauthorized", "forbidden", "malformed", "unavailable", "internal_error"})


def success(row: Operation, schemas: Schemas, status: int) -> Json:
    whole: Json = {"description": HTTPStatus(status).phrase}
    if names := _header_names(row):
        whole["headers"] = {name: _header(name) for name in names}
    if row.media_type != "application/json":
        whole["content"] = {row.media_type: {"schema": {"type": "string"}, "example": row.answer_example}}
    elif row.answer is not None:
        whole["content"] = {"application/json": {"schema": schemas.of(row.answer)} | _examples(row)}
    return whole


def _examples(row: Operation) -> Json:
    first, *others = [name_of(type) for type in alternatives(row.answer)]
    if not others:
        return {"example": row.answer_example}
    shown = {first: row.answer_example} | {name: _OTHER_ANSWERS[name] for name in others}
    return {"examples": {readable(name): {"value": value} for name, value in shown.items()}}


def _header_names(row: Operation) -> list[str]:
    names = ["ETag"] if _LEADS.intersection(alternatives(row.answer)) else []
    if row.status == 201 and row.path in ("/v1/leads", "/v1/channels", "/v1/channels/{id}/clone"):
        names.append("Location")
    if is_kept(row) and name_of(row.body) not in _BY_ITEM:
        names.append("Idempotent-Replayed")
    return names


def _header(name: str) -> Json:
    return {"description": WORDS["headers"][name], "schema": {"type": "string"}}


def is_kept(row: Operation) -> bool:
    """Whether a repeat under the same Idempotency-Key gets the first answer."""
    return (row.method == "POST" and not row.only_asks) or has_version(row)


def has_version(row: Operation) -> bool:
    """Whether it changes one lead, so that If-Match may demand the version that it changes."""
    changes = row.method in ("POST", "PUT", "PATCH", "DELETE") and "{id}" in row.path
    return changes and not _LEADS.isdisjoint(alternatives(row.answer))


def codes_of(row: Operation, schemas: Schemas) -> set[str]:
    """Every code that the operation may answer."""
    codes = {*_EVERYWHERE, *_path_codes(row.path), *(code.value for code in row.refusals)}
    for type in (row.body, row.query):
        codes.update(WORDS["refusals"].get(name_of(type), ()))
    if row.body is not None or row.upload:
        codes |= {"invalid", "body_too_large"}
    if "cursor" in schemas.query(row.query)["properties"]:
        codes.add("invalid")
    if is_kept(row):
        codes |= {"invalid", "idempotency_mismatch"}
    if row.path.endswith("/replay") or (row.path.startswith("/v1/leads/{id}") and row.method != "GET"):
        codes.add("conflict")  # the endpoint is paused; the lead was erased
    if has_version(row):
        codes.add("version_conflict")
    return codes


def _path_codes(path: str) -> set[str]:
    codes = {"not_found"} if "{item}" in path else set()
    if "{id}" in path:
        codes.add({"leads": "lead_not_found", "channels": "channel_not_found"}.get(path.split("/")[2], "not_found"))
    return codes


def problems(codes: set[str]) -> Json:
    """The answers to what is refused, by HTTP status."""
    by_status: dict[str, list[str]] = {}
    for code, status in CODES.items():
        if code in codes:
            by_status.setdefault(str(status), []).append(code)
    return {status: _problem(by_status[status]) for status in sorted(by_status)}


def _problem(codes: list[str]) -> Json:
    narrowed = {"type": "object", "properties": {"code": {"enum": codes}}}
    schema = {"allOf": [{"$ref": f"{PREFIX}Problem"}, narrowed]}
    whole: Json = {
        "description": " ".join(f"`{code}`: {WORDS['codes'][code]}" for code in codes),
        "content": {"application/problem+json": {"schema": schema}},
    }
    return whole | {"headers": {"Retry-After": _header("Retry-After")}} if "unavailable" in codes else whole
