"""Programs that are measured, each a process of its own that ends with its block."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

PORT = 8490


@contextmanager
def running(command: list[str], answers_at: str | None = f"http://127.0.0.1:{PORT}/openapi.json") -> Iterator[None]:
    """Python with these words. Begins when the address answers, at once when there is none."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    try:
        if answers_at is not None:
            _wait_until_it_answers(process, answers_at)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).read()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not answer")
