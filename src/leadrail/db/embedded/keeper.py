"""Runs one PostgreSQL program for its owner, and ends it when the owner is gone, however that came about.

A program of its own on the standard library alone: keeper.py LOG LOG_LIMIT TOKEN UID GID PATIENCE_S SCRATCH PROGRAM…
The end of standard input means stop. It answers the program's pid first, and the program's last words at the end.
"""

import ctypes
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

OWNER_CHECK_S = 2.0
KILLED_S = 5.0
ORPHANS_S = 1.0
LAST_WORDS = 4096
PR_SET_PDEATHSIG = 1
# The owner decides when to stop, not whoever signals a whole group of processes.
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    path, limit, token, uid, gid, patience_s, scratch, *command = sys.argv[1:]
    os.umask(0o077)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    log = Log(path, int(limit))
    keeper = Keeper(command, int(uid), int(gid), log)
    keeper.wait_for_reason_to_stop()
    status = keeper.stop(float(patience_s))
    sweep(token, int(uid), ORPHANS_S)
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    tell(log.last_words)
    return status if status >= 0 else 128 - status


class Log:
    """A file that is put aside when it is full, and the last words written to it."""

    def __init__(self, path: str, limit: int) -> None:
        self._path, self._limit, self.last_words = path, limit, b""

    def write(self, data: bytes) -> None:
        self.last_words = (self.last_words + data)[-LAST_WORDS:]
        # A full disk must not end the keeper; the last words reach the owner all the same.
        with suppress(OSError):
            self._append(data)

    def _append(self, data: bytes) -> None:
        with open(self._path, "ab") as file:
            file.write(data)
            size = file.tell()
        if size > self._limit:
            os.replace(self._path, f"{self._path}.1")


class Keeper:
    """The program while it runs, between its output and its owner."""

    def __init__(self, command: list[str], uid: int, gid: int, log: Log) -> None:
        self._log, self._owner = log, os.getppid()
        self._status: int | None = None
        self._output, output = os.pipe()
        os.set_blocking(self._output, False)
        self._sources = {0, self._output, _pipe_of_ended_children()}
        self._child = _spawn(command, uid, gid, output)
        os.close(output)
        tell(b"%d\n" % self._child)

    def wait_for_reason_to_stop(self) -> None:
        # The parent is asked for too: a process that the owner forked may hold our standard input open.
        while self._status is None and 0 in self._sources and os.getppid() == self._owner:
            self._wait(OWNER_CHECK_S)

    def stop(self, patience_s: float) -> int:
        """Asks, urges, kills; answers the exit status."""
        for number, share in ((signal.SIGINT, 1), (signal.SIGQUIT, 1 / 8), (signal.SIGKILL, 1 / 8)):
            deadline = time.monotonic() + patience_s * share
            if self._status is None:
                os.kill(self._child, number)
            while self._status is None and time.monotonic() < deadline:
                self._wait(deadline - time.monotonic())
        while self._read(self._output):
            pass
        return -signal.SIGKILL if self._status is None else self._status

    def _wait(self, seconds: float) -> None:
        for source in select.select(self._sources, (), (), max(seconds, 0))[0]:
            self._read(source)
        pid, status = os.waitpid(self._child, os.WNOHANG)
        if pid:
            self._status = os.waitstatus_to_exitcode(status)

    def _read(self, source: int) -> bool:
        try:
            data = os.read(source, 65536)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        if not data:
            self._sources.discard(source)
        elif source == self._output:
            self._log.write(data)
        return bool(data)


def tell(words: bytes) -> None:
    with suppress(OSError):
        os.write(1, words)


def sweep(token: str, uid: int, grace_s: float) -> None:
    """Waits for the processes that a dead postmaster left, then kills them: a long query does not notice by itself."""
    grace_ends = time.monotonic() + grace_s
    while time.monotonic() < grace_ends + KILLED_S and (left := processes_of(token, uid)):
        if time.monotonic() > grace_ends:
            kill(left, signal.SIGKILL)
        time.sleep(0.05)


def kill(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def processes_of(token: str, uid: int) -> dict[int, str]:
    """The command lines, by pid, of the PostgreSQL processes that run as this user under the cluster name `token`."""
    return {pid: line for pid, owner, line in command_lines() if owner == uid and _bears(token, line)}


def is_postmaster(line: str) -> bool:
    return not line.startswith("postgres: ")


def command_lines() -> Iterator[tuple[int, int, str]]:
    """The pid, the user id and the command line of every process that may be seen."""
    return _lines_of_proc() if sys.platform == "linux" else _lines_of_ps()


def _bears(token: str, line: str) -> bool:
    # Our own command line holds that of the postmaster.
    is_keeper = os.path.basename(__file__) in line
    return line.startswith(f"postgres: {token}: ") or (f"cluster_name={token}" in line and not is_keeper)


def _lines_of_proc() -> Iterator[tuple[int, int, str]]:
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
            line = file.read().replace(b"\0", b" ").decode(errors="replace")
            yield int(name), os.stat(f"/proc/{name}").st_uid, line


def _lines_of_ps() -> Iterator[tuple[int, int, str]]:
    with os.popen("ps -axww -o pid=,uid=,command=") as listing:  # noqa: S605, S607 - a constant
        for line in listing:
            pid, uid, command = line.split(None, 2)
            yield int(pid), int(uid), command


def _pipe_of_ended_children() -> int:
    ended, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing is written
    return ended


def _spawn(command: list[str], uid: int, gid: int, output: int) -> int:
    keeper = os.getpid()
    if child := os.fork():
        return child
    try:
        _become(uid, gid, output)
        _die_with(keeper)
        os.execv(command[0], command)  # noqa: S606 - without a shell on purpose
    except OSError as error:
        os.write(2, f"cannot run {command[0]}: {error}\n".encode())
    finally:
        os._exit(127)


def _become(uid: int, gid: int, output: int) -> None:
    for number in (*IGNORED, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir("/")
    if os.geteuid() != uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def _die_with(keeper: int) -> None:
    # For a keeper that is killed too. After the change of user, which clears it; then the race is checked.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
