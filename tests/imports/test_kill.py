"""`leadrail import`, killed in the middle and run again: every row once."""

import asyncio
import csv
import io
import signal
import sys
from pathlib import Path

import httpx

from tests.house import House, eventually

ROWS = 6_000


async def test_an_import_that_is_killed_goes_on_with_nothing_twice(house: House, tmp_path: Path) -> None:
    made = house.bootstrap()
    http = httpx.AsyncClient(base_url=house.url, headers={"X-API-Key": made["api_key"]}, trust_env=False, verify=False)
    (await http.post("/v1/channels", json={"title": "Inbound"})).raise_for_status()
    file = tmp_path / "leads.csv"
    file.write_text(
        "email,value\n" + "".join(f"n{n}@example.com,{'much' if n % 1000 == 7 else n}\n" for n in range(ROWS))
    )
    words = ("import", str(file), "--company", "House", "--channel", "Inbound")

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "leadrail", *words, env=house.environment, stdout=asyncio.subprocess.DEVNULL
    )

    async def is_in_the_middle() -> bool:
        found = (await http.get("/v1/imports")).json()["data"]
        return bool(found) and 0 < found[0]["done"]["rows"] < ROWS

    await eventually(is_in_the_middle, "some rows are in", timeout_s=60)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    broken = (await http.get("/v1/imports")).json()["data"][0]
    assert broken["state"] == "running"
    done = await asyncio.to_thread(house.run, *words, "--refused", str(tmp_path / "refused.csv"))

    assert done.returncode == 3, done.stderr
    assert "Going on behind row" in done.stdout
    (whole,) = (await http.get("/v1/imports")).json()["data"]
    assert (whole["state"], whole["done"]["created"], whole["done"]["refused"]) == ("done", ROWS - 6, 6)
    text = (await http.get("/v1/exports")).text
    emails = [row["email"] for row in csv.DictReader(io.StringIO(text))]
    assert sorted(emails) == sorted(f"n{n}@example.com" for n in range(ROWS) if n % 1000 != 7)
    events = (await http.get("/v1/exports", params={"history": "true"})).text
    assert len(list(csv.DictReader(io.StringIO(events)))) == ROWS - 6
    refused = list(csv.DictReader((tmp_path / "refused.csv").read_text("utf-8").splitlines()))
    assert [row["email"] for row in refused] == [f"n{n}@example.com" for n in range(ROWS) if n % 1000 == 7]

    again = await asyncio.to_thread(house.run, *words)
    assert again.returncode == 0
    assert "nothing was done" in again.stdout
    assert len((await http.get("/v1/imports")).json()["data"]) == 1
    await http.aclose()
