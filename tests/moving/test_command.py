"""`leadrail migrate-from` as a person has it: beside a running server, its exit status, its words and its report."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.house import House, eventually
from tests.moving.test_mending import nested
from tests.moving.test_samples import keen
from tests.moving.vendor import Answer, Asked, playing

KEY = "5f0c7a3e-very-secret"


@pytest.fixture(scope="module")
async def house(database_dir: Path) -> AsyncIterator[House]:
    """One server for these tests; each has a company of its own."""
    house = House(database_dir.with_name("move"))
    await house.start()
    yield house
    await house.stop()


async def run(house: House, *words: str, given: str = "") -> tuple[int, str]:
    """`leadrail` with these words and this on its standard input: its exit status and all that it said."""
    process = await started(house, words)
    out, _ = await asyncio.wait_for(process.communicate(given.encode()), 60)
    assert process.returncode is not None
    return process.returncode, out.decode()


async def started(house: House, words: Sequence[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "leadrail",
        *words,
        env=house.environment | {"COLUMNS": "200"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


async def leads_of(house: House, key: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(
        base_url=house.url, headers={"X-API-Key": key}, trust_env=False, verify=False
    ) as client:
        data: list[dict[str, Any]] = (await client.get("/v1/leads", params={"limit": 100})).json()["data"]
        return data


async def test_the_command(house: House, tmp_path: Path) -> None:
    made = await asyncio.to_thread(house.bootstrap, "Acme")
    report = tmp_path / "report.jsonl"
    second = nested(id="88887766-5544-3322-1100-aabbccddeeff", email="x" * 400)
    vendor_leads = {"leads": [nested(email="jane@example.com")]}
    script = keen(vendor_leads, is_first_there=True)

    async with playing(script) as vendor:
        to_acme = ("migrate-from", "keenpartner", "--url", vendor.url, "--key", "-", "--company", "Acme")
        words = (*to_acme, "--report", str(report))

        status, said = await run(house, *words, given=f"{KEY}\n")
        assert status == 0, said
        assert [lead["email"] for lead in await leads_of(house, made["api_key"])] == ["jane@example.com"]
        assert {one.headers["x-api-key"] for one in vendor.asked} == {KEY}
        assert "1 leads read, 1 brought in" in said
        assert "Acme Corp Partnership" in said
        assert report.read_text() == ""

        vendor_leads["leads"].append(second)
        status, again = await run(house, *words, given=f"{KEY}\n")
        assert status == 3, again
        assert "Could not come as it was" in again
        (line,) = report.read_text().splitlines()
        assert json.loads(line)["id"] == second["id"]
        assert len(await leads_of(house, made["api_key"])) == 2
        assert KEY not in said + again

        vendor.script = lambda _: Answer(b"{[/oops] [red]", 400)
        status, said = await run(house, *words, given=KEY)
        assert (status, "HTTP 400: {[/oops] [red]" in said) == (1, True)

        status, said = await run(house, *to_acme[:-1], "Nobody", given=KEY)
        assert (status, 'leadrail bootstrap --company "Nobody"' in said) == (1, True)


@pytest.mark.parametrize(
    ("url", "key", "hint"),
    [("127.0.0.1", KEY, "--url takes one like"), ("http://127.0.0.1:1", "-", "--key is empty")],
)
def test_what_cannot_be_right_is_one_line(tmp_path: Path, url: str, key: str, hint: str) -> None:
    done = House(tmp_path).run("migrate-from", "sendpilot", "--url", url, "--key", key, "--company", "Acme")

    assert done.returncode == 1
    assert hint in done.stderr
    assert KEY not in done.stderr
    assert "Traceback" not in done.stderr


async def test_ctrl_c_leaves_what_came_and_the_next_run_goes_on(house: House) -> None:
    made = await asyncio.to_thread(house.bootstrap, "Broken Off")
    is_slow = True

    def script(asked: Asked) -> Answer:
        paging = {"total": 1_000, "page": 1, "limit": 100, "totalPages": 10}
        if asked.path == "/v1/campaigns":
            return Answer({"campaigns": [{"id": "c", "name": "C"}], "pagination": paging | {"totalPages": 1}})
        page = int(asked.query["page"])
        if page == 6 and is_slow:
            return Answer(status=429, headers={"Retry-After": "200"})
        return Answer({"leads": [{"id": f"lead_{page}_{n}"} for n in range(100)], "pagination": paging})

    async with playing(script) as vendor:
        words = ("migrate-from", "sendpilot", "--url", vendor.url, "--key", KEY, "--company", "Broken Off")
        process = await started(house, words)

        async def waits() -> bool:
            return any(one.query.get("page") == "6" for one in vendor.asked)

        await eventually(waits, "the sixth page is asked for")
        process.send_signal(signal.SIGINT)
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode not in (0, None)
        assert "it goes on where it stopped" in out.decode()
        assert "Traceback" not in out.decode()
        assert len(await leads_of(house, made["api_key"])) == 100

        is_slow = False
        before = len(vendor.asked)
        status, said = await run(house, *words)
        assert status == 0, said
        assert [one.query.get("page") for one in vendor.asked[before:]][:2] == ["1", "6"], (
            "campaigns, then where it was"
        )
        assert "500 of them by the run before" in said
        assert "1,000" in said
