"""What the suites over all dialects share: a client, an ear for what the core refuses, and cheap passwords."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from leadrail.core.companies import commands, doors
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refusal, Refused
from leadrail.core.leads.commands import Command


@pytest.fixture(scope="package", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Passwords cost a third of a second each by design; the hash itself says how dear it is to verify."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "_hasher", cheap)
        patch.setattr(doors, "_DECOY", cheap.hash("no till has this password"))
        yield


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
