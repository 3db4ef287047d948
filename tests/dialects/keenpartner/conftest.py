"""A form without a key: every test has a server of its own for it, so that none uses up another's calls."""

from collections.abc import AsyncIterator

import httpx
import pytest

from leadrail.app import App
from leadrail.core.core import Core
from tests.conftest import serving


@pytest.fixture
async def form(core: Core) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(App(core)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, verify=False) as client,
    ):
        yield client
