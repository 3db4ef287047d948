"""One Leadrail as its users have it: the command line in a process of its own, on a data folder of its own."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import httpx


class House:
    """One Leadrail on one data folder, started and killed as often as wanted."""

    def __init__(self, data_dir: Path) -> None:
        self.port = free_port()
        self.data_dir = data_dir
        self.environment = environment() | {
            "LEADRAIL_DATA_DIR": str(data_dir),
            "LEADRAIL_PORT": str(self.port),
            "LEADRAIL_WEBHOOK_ALLOW": "127.0.0.0/8",
        }
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "leadrail", "serve", env=self.environment, stdout=subprocess.DEVNULL
        )
        await eventually(self.is_ready, "the server answers", timeout_s=60)

    async def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, "the server ended by itself"
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(trust_env=False, verify=False) as client:
                return (await client.get(f"{self.url}/readyz")).status_code == 200
        return False

    async def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        await asyncio.wait_for(self.process.wait(), 30)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            await self.kill(signal.SIGTERM)

    def postmaster(self) -> int | None:
        """PostgreSQL's process, None while its file is not there or still empty."""
        with suppress(FileNotFoundError, IndexError):
            return int((self.data_dir / "postgres/postmaster.pid").read_text().splitlines()[0])
        return None

    def kill_database(self) -> None:
        postmaster = self.postmaster()
        assert postmaster is not None, "PostgreSQL is not running"
        os.kill(postmaster, signal.SIGKILL)

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`leadrail` with these words, to its end."""
        command = [sys.executable, "-m", "leadrail", *words]
        whole = self.environment | environment
        return subprocess.run(command, env=whole, capture_output=True, text=True, check=False, timeout=60)

    def bootstrap(self, company: str = "House") -> dict[str, str]:
        done = self.run("bootstrap", "--company", company, "--email", "owner@example.com", "--json")
        assert done.returncode == 0, done.stderr
        made: dict[str, str] = json.loads(done.stdout)
        return made


def environment() -> dict[str, str]:
    """Ours, for a process of its own: with its bytecode, as it is installed, for to compile it doubles each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(holds: Callable[[], Awaitable[bool]], what: str, *, timeout_s: float = 30) -> None:
    """Returns when the condition holds; fails with its name when the deadline has passed."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline, f"in {timeout_s} s it never came true: {what}"
        await asyncio.sleep(0.02)
