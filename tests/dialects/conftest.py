"""What the suites over all dialects share: a client, and an ear for what the core refuses."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from leadrail.core.core import Core
from leadrail.core.errors import Code, Refusal, Refused
from leadrail.core.leads.commands import Command


@pytest.fixture
def refusals(core: Core, monkeypatch: pytest.MonkeyPatch) -> list[Code]:
    """What the core refuses from now on, whatever a face makes of it."""
    heard: list[Code] = []
    submit: Callable[[Command], Any] = core.engine._batcher.submit

    async def listening(command: Command) -> Any:
        try:
            outcome = await submit(command)
        except Refused as error:
            heard.append(error.refusal.code)
            raise
        if isinstance(outcome, Refusal):
            heard.append(outcome.code)
        return outcome

    monkeypatch.setattr(core.engine._batcher, "submit", listening)
    return heard


@pytest.fixture
async def client(server_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server_url, timeout=30, trust_env=False, verify=False) as client:
        yield client
