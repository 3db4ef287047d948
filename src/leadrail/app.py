"""The web role: faces behind one ASGI application. Read it from top to bottom and you have seen the wiring."""

from leadrail import api
from leadrail.core.core import Core
from leadrail.dialects.registry import DIALECTS
from leadrail.kit.http import Face, Receive, Scope, Send


class App:
    """Sends a request to the face whose prefix its path has; every other path is the native API's."""

    def __init__(self, core: Core) -> None:
        self._native = api.face(core)
        self._dialects = {prefix: make(core) for prefix, make in DIALECTS.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        face, below = self._face(path)
        await face.answer(scope, receive, send, below)

    def _face(self, path: str) -> tuple[Face, str]:
        end = path.find("/", 1)
        prefix = path if end < 0 else path[:end]
        face = self._dialects.get(prefix)
        return (self._native, path) if face is None else (face, path[len(prefix) :])
