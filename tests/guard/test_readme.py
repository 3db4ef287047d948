"""The minute of proof in the README, run as it stands there."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house import eventually, free_port

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"^```\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@dataclass
class Demo:
    """A running demo, and what it printed to try."""

    url: str
    key: str
    lead: str
    printed: str

    async def sh(self, block: str) -> str:
        """Runs a block of the README with the printed values put in; any failure of curl fails the test."""
        text = block.replace("http://127.0.0.1:8400", self.url).replace("<key>", self.key).replace("<lead>", self.lead)
        script = "set -e\ncurl() { command curl --noproxy '*' --fail-with-body -sS \"$@\"; echo; }\n" + text
        done = await asyncio.to_thread(
            subprocess.run, ["bash", "-c", script], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
async def demo(passable_folder: Path) -> AsyncIterator[Demo]:
    environment = os.environ | {"LEADRAIL_DATA_DIR": str(passable_folder / "data"), "LEADRAIL_PORT": str(free_port())}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "leadrail", "demo", env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    printed = ""
    while "Ctrl-C" not in printed:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line, "the demo ended before it served"
        printed += line.decode()
    url, lead, key = _found(r"curl -X PUT (http://[\w.:]+)/v1/leads/([\w-]+)/status -H 'X-API-Key: ([\w-]+)'", printed)
    yield Demo(url, key, lead, printed)
    process.terminate()
    await process.wait()


def _found(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text)
    assert match is not None, text
    return match.groups()


def _block(containing: str) -> str:
    return str(next(block for block in BLOCKS if containing in block))


async def test_the_line_that_the_demo_prints_changes_a_status_and_all_that_follows_is_there(demo: Demo) -> None:
    line = next(line for line in demo.printed.splitlines() if "curl -X PUT" in line)

    lead = json.loads(await demo.sh(line))
    history, rewards, notices = (json.loads(text) for text in (await demo.sh(_block("/events"))).splitlines())

    assert lead["status"]["name"] == "Won"
    assert [event["type"] for event in history["data"]][-2:] == ["lead.status_changed", "reward.created"]
    assert rewards["data"][0]["lead_id"] == notices["data"][0]["event"]["lead_id"] == lead["id"]


async def test_the_readme_s_own_calls_work_and_the_webhook_arrives(demo: Demo) -> None:
    port = str(free_port())
    script = README.partition("<<'RECEIVER'\n")[2].partition("\nRECEIVER")[0]
    command = [sys.executable, "-c", script.replace("9000", port)]
    receiver = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert receiver.stdout is not None
    await eventually(lambda: _listens(int(port)), "the receiver listens")

    await demo.sh(_block("curl -X PUT"))
    made = json.loads(await demo.sh(_block('"url": "http://127.0.0.1:9000/"').replace("9000", port)))
    moved = json.loads(await demo.sh(_block("octanist/api/leads")))
    arrived = (await asyncio.wait_for(receiver.stdout.readline(), 30)).decode()
    receiver.terminate()
    await receiver.wait()

    assert made["secret"].startswith("whsec_")
    assert moved["success"] is True
    assert json.loads(arrived.partition(" ")[2])["data"]["lead_id"] == demo.lead


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
