"""What is served beside the operations and needs no key, described by hand."""

from leadrail.api.openapi.schemas import Json


def _row(id: str, summary: str, answers: Json) -> Json:
    row = {"tags": ["Service"], "operationId": id, "summary": summary, "security": [], "responses": answers}
    return {"get": row}


def _status(text: str, example: str) -> Json:
    schema = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    return {
        "description": text,
        "content": {"application/json": {"schema": schema, "example": {"status": example}}},
    }


_WELL = _status("OK", "ok")
_AWAY = _status("The database cannot be reached", "the database cannot be reached")
_ITSELF = {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}}

SERVICE: Json = {
    "/healthz": _row("read_health", "Ask whether the process lives", {"200": _WELL}),
    "/readyz": _row("read_readiness", "Ask whether the database can be reached", {"200": _WELL, "503": _AWAY}),
    "/openapi.json": _row("read_openapi", "Read this description", {"200": _ITSELF}),
}
