"""One PostgreSQL program under its keeper, seen from this side: start, last words, stop."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from typing import IO

from leadrail.db.embedded import keeper
from leadrail.db.embedded.errors import EmbeddedError
from leadrail.db.embedded.folder import DataFolder

LOG_LIMIT = 8 * 2**20
# A fast shutdown writes a checkpoint, which takes long on a slow disk; cut short, the next start recovers instead.
STOP_S = 40.0
# Nothing else in our environment is the business of a server that may run as another user.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Program:
    # A plain Popen: the subprocess of asyncio would kill the keeper when it is garbage, and not let it do its work.
    def __init__(self, process: "Popen[bytes]") -> None:
        self.pid, self.last_words = 0, ""
        self._process, self._has_begun = process, asyncio.Event()
        self._end = asyncio.create_task(self._hear_out())

    @classmethod
    async def start(
        cls, command: Sequence[str], folder: DataFolder, server_lock: int, scratch: Path | None = None
    ) -> "Program":
        """Every process of the program inherits the server lock; `scratch` is a folder to remove at the end."""
        program = cls(_spawn_keeper(command, folder, server_lock, scratch))
        try:
            await program._has_begun.wait()
        except BaseException:
            await program.stop()
            raise
        if not program.pid:
            await program.stop()
            raise EmbeddedError(f"The process that keeps PostgreSQL did not start:\n{program.last_words}")
        return program

    @property
    def has_ended(self) -> bool:
        return self._end.done()

    async def ended(self) -> int:
        """Waits for the end; the exit status, or 128 + n after signal n."""
        return await asyncio.shield(self._end)

    async def stop(self) -> int:
        """Shuts the program down; how hard and when, its keeper knows."""
        assert self._process.stdin
        self._process.stdin.close()
        return await self.ended()

    async def _hear_out(self) -> int:
        assert self._process.stdout
        answer = await _reader(self._process.stdout)
        first = await answer.readline()
        self.pid = int(first) if first.strip().isdigit() else 0
        self._has_begun.set()
        last = await answer.read()
        self.last_words = (last if self.pid else first + last).decode(errors="replace")
        return self._status()

    def _status(self) -> int:
        assert self._process.stdin
        self._process.stdin.close()
        status = self._process.wait()  # at once, for its output has ended
        if status < 0 and self.pid:
            # The keeper itself was killed and could end nothing; the next start waits for the end of this.
            keeper.kill([self.pid], signal.SIGINT)
        return status if status >= 0 else 128 - status


def _spawn_keeper(command: Sequence[str], folder: DataFolder, server_lock: int, scratch: Path | None) -> "Popen[bytes]":
    job = (folder.log, LOG_LIMIT, folder.token, folder.account.uid, folder.account.gid, STOP_S, scratch or "")
    return Popen(  # noqa: S603 - our own constants and paths, no shell
        [sys.executable, "-I", "-S", keeper.__file__, *map(str, job), *command],
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
        pass_fds=(server_lock,),
        start_new_session=True,  # Ctrl-C in our terminal is for us alone
        env={"LC_ALL": "C"} | {name: os.environ[name] for name in PASSED_ON if name in os.environ},
        cwd="/",
    )


async def _reader(pipe: IO[bytes]) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
