"""Whether the service lives and whether it can serve."""

from leadrail.core.core import Core
from leadrail.db.database import UNREACHABLE
from leadrail.kit.http import Request, Response, Route, json_response


def routes(core: Core) -> list[Route]:
    async def ready(_request: Request) -> Response:
        try:
            async with core.database.connection() as connection:
                await connection.fetchval("SELECT 1")
        except UNREACHABLE:
            return json_response(503, {"status": "the database cannot be reached"})
        return json_response(200, {"status": "ok"})

    async def healthy(_request: Request) -> Response:
        return json_response(200, {"status": "ok"})

    async def home(_request: Request) -> Response:
        return Response(307, headers=((b"location", b"/docs"),))

    return [Route("GET", "/healthz", healthy), Route("GET", "/readyz", ready), Route("GET", "/", home)]
