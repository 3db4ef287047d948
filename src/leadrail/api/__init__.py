"""The native REST API, served below `/v1`, with its own description at `/openapi.json` and `/docs`."""

from leadrail.api.face import face

__all__ = ["face"]
