"""What an earlier server may have left in a data folder: processes that still run, and marks of some that do not."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from leadrail.db.embedded.errors import EmbeddedError
from leadrail.db.embedded.folder import DataFolder, open_lock, try_lock
from leadrail.db.embedded.keeper import command_lines, is_postmaster, kill, processes_of
from leadrail.db.embedded.waiting import true_within

SHUTDOWN_S = 60.0
ORPHANS_S = 2.0
KILLED_S = 10.0


async def claim(folder: DataFolder) -> int:
    """Waits for the last process of an earlier server; the lock that is answered proves that there is none."""
    lock = open_lock(folder.path / "postgres.lock")
    try:
        await _outlast(lock, folder)
        _drop_stale_mark(folder.mark)
    except BaseException:
        os.close(lock)
        raise
    return lock


async def _outlast(lock: int, folder: DataFolder) -> None:
    if try_lock(lock) or await _locked_within(_ask_to_stop(folder), lock, folder):
        return
    kill(_left(folder), signal.SIGKILL)
    if not await _locked_within(KILLED_S, lock, folder):
        pids = ", ".join(map(str, _left(folder))) or "unknown"
        raise EmbeddedError(
            f"Processes of an earlier database server still run in {folder.path} and cannot be ended (pids: {pids})."
        )


def _left(folder: DataFolder) -> dict[int, str]:
    return processes_of(folder.token, folder.account.uid)


def _ask_to_stop(folder: DataFolder) -> float:
    """Asks a server whose owner died for a fast shutdown; answers how long to wait for it."""
    left = _left(folder)
    postmasters = [pid for pid, line in left.items() if is_postmaster(line)]
    kill(postmasters, signal.SIGINT)
    # Children without a postmaster end at once, or not at all while they run a long query.
    return ORPHANS_S if left and not postmasters else SHUTDOWN_S


async def _locked_within(seconds: float, lock: int, folder: DataFolder) -> bool:
    async def is_locked() -> bool:
        return try_lock(lock)

    return await true_within(seconds, is_locked, f"waiting for the earlier server in {folder.path} to end")


def _drop_stale_mark(mark: Path) -> None:
    # PostgreSQL takes the mark for valid when any process of its user has that pid, which in a container is soon so.
    with suppress(FileNotFoundError, ValueError):
        marked = int(mark.read_text().split("\n", 1)[0])
        if not any(pid == marked and "postgres" in line for pid, _, line in command_lines()):
            mark.unlink()
