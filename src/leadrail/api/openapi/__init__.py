"""The API's description of itself: OpenAPI 3.1 out of the operations, made once at start-up, and pages to read."""

from collections.abc import Sequence
from importlib.metadata import version

import msgspec

from leadrail.api import docs
from leadrail.api.openapi.operations import operation
from leadrail.api.openapi.schemas import Json, Schemas
from leadrail.api.openapi.service import SERVICE
from leadrail.api.openapi.webhooks import webhook
from leadrail.api.openapi.words import CODES, WORDS
from leadrail.api.operation import Operation
from leadrail.core.events.model import EventType
from leadrail.kit.http import JSON, Route

__all__ = ["describe", "routes"]


def routes(operations: Sequence[Operation]) -> list[Route]:
    document = describe(operations)
    itself = docs.published("/openapi.json", msgspec.json.encode(document), JSON)
    return [itself, *docs.routes(document)]


def describe(operations: Sequence[Operation]) -> Json:
    """The OpenAPI document of these operations."""
    schemas = Schemas(operations)
    paths: dict[str, Json] = {}
    for row in operations:
        paths.setdefault(row.path, {})[row.method.lower()] = operation(row, schemas)
    used = {*(row.tag for row in operations), "Service"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": WORDS["title"],
            "version": version("leadrail"),
            "description": WORDS["description"],
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "externalDocs": {"description": "The guide and every operation, to read", "url": "/docs"},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "tags": [{"name": tag, "description": text} for tag, text in WORDS["tags"].items() if tag in used],
        "paths": paths | SERVICE,
        "webhooks": {event.value: webhook(event) for event in EventType},
        "components": {"schemas": schemas.components, "securitySchemes": _SECURITY},
        "x-problems": {code: {"status": status, "description": WORDS["codes"][code]} for code, status in CODES.items()},
        "x-dialects": WORDS["dialects"],
    }


_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer <key>`"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key in another header."},
}
