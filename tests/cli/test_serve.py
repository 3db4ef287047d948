"""The command line as a person has it: it starts, says what is wrong, and leaves nothing running."""

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.house import House, eventually


@pytest.fixture(scope="module")
async def one_house(database_dir: Path) -> AsyncIterator[House]:
    """One data folder for all of these tests: to make its database takes longer than most of them."""
    house = House(database_dir.with_name("serve"))
    yield house
    await house.stop()


@pytest.fixture
async def house(one_house: House) -> House:
    """It serves, whatever the test before did to it."""
    if one_house.process is None or one_house.process.returncode is not None:
        await one_house.start()
    return one_house


async def test_bootstrap_beside_a_running_server_makes_a_key_that_works(house: House) -> None:
    made = await asyncio.to_thread(house.bootstrap)

    async with httpx.AsyncClient(base_url=house.url, trust_env=False, verify=False) as client:
        answer = await client.get("/v1/company", headers={"X-API-Key": made["api_key"]})

    assert answer.status_code == 200
    assert answer.json()["id"] == made["company_id"]


async def test_bootstrap_twice_finds_the_same_company_and_user(house: House) -> None:
    first = await asyncio.to_thread(house.bootstrap, "Twice")
    second = await asyncio.to_thread(house.bootstrap, "Twice")

    assert first["company_id"] == second["company_id"]
    assert first["user_id"] == second["user_id"]
    assert first["api_key"] != second["api_key"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_server_and_its_database(house: House, number: int) -> None:
    postmaster = house.postmaster()

    await house.kill(number)

    assert house.process is not None
    assert postmaster is not None
    assert house.process.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(postmaster, 0)
    assert not (house.data_dir / "postgres/postmaster.pid").exists()


async def test_no_database_survives_the_death_of_its_server(house: House) -> None:
    mark = house.data_dir / "postgres/postmaster.pid"

    await house.kill(signal.SIGKILL)

    async def ended() -> bool:
        return not mark.exists()

    await eventually(ended, "PostgreSQL shuts down by itself", timeout_s=45)


async def test_the_database_comes_back_when_it_is_killed(house: House) -> None:
    before = house.postmaster()
    house.kill_database()

    async def back() -> bool:
        return house.postmaster() not in (None, before)

    await eventually(back, "PostgreSQL was started again", timeout_s=45)
    await eventually(house.is_ready, "the server answers again", timeout_s=30)


async def test_the_data_folder_is_open_to_nobody_else(house: House) -> None:
    for folder in (house.data_dir, house.data_dir / "postgres", house.data_dir / "run"):
        assert not stat.S_IMODE(os.stat(folder).st_mode) & 0o007, folder


async def test_a_second_server_on_the_same_folder_is_told_so(house: House) -> None:
    done = await asyncio.to_thread(house.run, "serve", LEADRAIL_PORT="0")

    assert done.returncode == 1
    assert str(house.data_dir) in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_taken_port_is_said_before_anything_starts(house: House) -> None:
    done = await asyncio.to_thread(house.run, "serve")

    assert done.returncode == 1
    assert "LEADRAIL_PORT" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LEADRAIL_PORT", "ninety", "LEADRAIL_PORT"),
        ("LEADRAIL_PROT", "90", "LEADRAIL_PROT is no setting"),
        ("LEADRAIL_WEBHOOK_ALLOW", "everything", "LEADRAIL_WEBHOOK_ALLOW"),
        ("LEADRAIL_DATABASE_URL", "postgresql://127.0.0.1:1/x", "refused"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path, name: str, value: str, words: str) -> None:
    done = House(tmp_path).run("serve", **({"LEADRAIL_PORT": "0"} | {name: value}))

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_bootstrap_input_is_refused(passable_folder: Path) -> None:
    done = House(passable_folder / "data").run("bootstrap", "--company", "X", "--email", "nobody")

    assert done.returncode == 1
    assert "not an e-mail address" in done.stderr
