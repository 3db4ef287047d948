"""What was measured, written down and shown: a file of bench/results under the day and the commit."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def publish(name: str, title: str, found: str) -> None:
    """Keeps what was found under this title, and prints it."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    text = f"# {title}, {today}, revision {_revision()}\n\n{found}"
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{today}-{name}.md"
    path.write_text(text)
    print(f"\n{text}\nwritten to {path}", flush=True)


def _revision() -> str:
    """The commit that is measured."""
    if not shutil.which("git"):
        return "unknown"
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
