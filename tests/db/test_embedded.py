"""The embedded server over the real binaries: what it makes, who gets in, how it dies, and what it says."""
# Nothing else runs in the loop of these tests, so that blocking in it holds nobody up:
# ruff: noqa: ASYNC220, ASYNC221, ASYNC240

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from leadrail.db.embedded import (
    EmbeddedError,
    EmbeddedServer,
    account,
    binaries,
    configuration,
    default_data_dir,
    program,
)
from leadrail.db.embedded.account import server_account
from leadrail.db.embedded.folder import DataFolder
from leadrail.db.embedded.keeper import Log, processes_of

IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can do what this is about")
as_user = pytest.mark.skipif(IS_ROOT, reason="root is refused nothing")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux alone does this")

FAST = {"fsync": "off"}
KEEP = "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS answer"
ENDLESS = "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$"  # does not notice the death of its postmaster

# Says which processes are the server and its keeper; interrupted, it asks the server one more thing.
OWNER = f"""
import asyncio, os, sys, time, asyncpg, uvloop
from pathlib import Path
from leadrail.db.embedded import EmbeddedServer

async def main():
    server = await EmbeddedServer.start(Path(sys.argv[1]), settings={FAST})
    db = await asyncpg.connect(server.url)
    await db.execute("{KEEP}")
    busy = await asyncpg.connect(server.url)
    if "busy" in sys.argv:
        task = asyncio.create_task(busy.execute("{ENDLESS}"))
    if "fork" in sys.argv and not os.fork():
        time.sleep(60)
    print(server.pid, server._program._process.pid, flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        print(await db.fetchval("SELECT answer FROM kept"), flush=True)
        await server.stop()

uvloop.run(main())
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path that every user may pass through, which those of pytest are not."""
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as name:
        yield _opened(name)


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    """A stopped data folder, made once."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        asyncio.run(_make(_opened(name) / "data"))
        yield Path(name, "data")


@pytest.fixture
def data(place: Path, prepared: Path) -> Iterator[Path]:
    """The stopped data folder, lent: what a test leaves in it, the others find."""
    yield prepared.rename(place / "data")
    next(place.glob("*/lock")).parent.rename(prepared)


def _opened(name: str) -> Path:
    Path(name).chmod(0o755)
    return Path(name).resolve()


async def _make(data_dir: Path) -> None:
    server = await EmbeddedServer.start(data_dir, settings=FAST)
    await server.stop()


@asynccontextmanager
async def running(data_dir: Path, settings: Mapping[str, str] = FAST) -> AsyncIterator[EmbeddedServer]:
    server = await EmbeddedServer.start(data_dir, settings=settings)
    try:
        yield server
    finally:
        await server.stop()


@contextmanager
def owner(data_dir: Path, *how: str) -> Iterator["subprocess.Popen[str]"]:
    """Another Leadrail, in a session of its own, as in another terminal."""
    command = [sys.executable, "-c", OWNER, str(data_dir), *how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


async def ask(server: EmbeddedServer, sql: str) -> Any:
    db = await asyncpg.connect(server.url)
    try:
        return await db.fetchval(sql)
    finally:
        await db.close()


async def tell(server: EmbeddedServer, sql: str) -> None:
    db = await asyncpg.connect(server.url)
    await db.execute(sql)
    await db.close()


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)


async def refused(data_dir: Path, settings: Mapping[str, str] = FAST) -> str:
    with pytest.raises(EmbeddedError) as caught:
        await EmbeddedServer.start(data_dir, settings=settings)
    return str(caught.value)


def processes(data_dir: Path) -> dict[int, str]:
    folder = DataFolder(data_dir.resolve(), server_account(), -1)
    return processes_of(folder.token, folder.account.uid)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def words(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout
    return process.stdout.readline().split()


# What it makes


async def test_new_folder_becomes_a_database(place: Path) -> None:
    async with running(place / "new" / "data", settings={}) as server:
        assert await ask(server, "SELECT current_database() || upper('é') || version()") > "leadrailÉPostgreSQL 18"
        assert await ask(server, "SHOW fsync") == "on"
        assert await ask(server, "SHOW listen_addresses") == ""
        assert await ask(server, "SELECT usesuper FROM pg_user WHERE usename = current_user") is False


async def test_nobody_else_may_enter_and_parents_stay_as_they_are(place: Path, data: Path) -> None:
    place.chmod(0o751)
    data.chmod(0o755)
    async with running(data):
        assert mode(data) == (0o710 if IS_ROOT else 0o700)
        assert mode(data / "postgres") == mode(data / "run") == 0o700
        assert mode(place) == 0o751


@as_root
async def test_stranger_cannot_reach_the_socket(data: Path) -> None:
    async with running(data):
        for path in (data / "lock", data / "run" / ".s.PGSQL.5432", data / "postgres" / "PG_VERSION"):
            assert subprocess.run(["test", "-e", path], check=False).returncode == 0
            assert subprocess.run(["test", "-e", path], user="nobody", check=False).returncode == 1


async def test_existing_folder_is_ready_soon_and_has_its_data(data: Path) -> None:
    async with running(data, settings={}) as server:
        await tell(server, KEEP)
    begun = time.monotonic()
    async with running(data, settings={}) as server:
        assert time.monotonic() - begun < 3
        assert await ask(server, "SELECT answer FROM kept") == 42


async def test_two_folders_run_side_by_side(data: Path, place: Path) -> None:
    subprocess.run(["cp", "-a", data, place / "other"], check=True)
    async with running(data) as one, running(place / "other") as other:
        await tell(one, "CREATE TABLE mine ()")
        assert await ask(other, "SELECT to_regclass('mine')") is None


@pytest.mark.parametrize("name", ["d" * 100, "a, b"])
async def test_path_unfit_for_a_socket_gets_a_private_short_one(data: Path, name: str) -> None:
    async with running(data.rename(data.with_name(name))) as server:
        sockets = Path(parse_qs(urlsplit(server.url).query)["host"][0])
        assert sockets.parent == Path(tempfile.gettempdir())
        assert mode(sockets) == 0o700
    assert not sockets.exists()


async def test_odd_path_is_fine(data: Path) -> None:
    async with running(data.rename(data.with_name("ein Ordner %20 für Größe+mehr"))) as server:
        assert await ask(server, "SELECT 1") == 1


async def test_settings_are_passed_but_open_no_port(data: Path) -> None:
    async with running(data, settings=FAST | {"work_mem": "7MB", "listen_addresses": "*"}) as server:
        assert await ask(server, "SHOW work_mem") == "7MB"
        assert await ask(server, "SHOW listen_addresses") == ""


@pytest.mark.parametrize(("limit", "shared"), [("536870912\n", "64MB"), ("67108864\n", "32MB")])
async def test_memory_is_that_of_the_container(
    data: Path, place: Path, monkeypatch: pytest.MonkeyPatch, limit: str, shared: str
) -> None:
    unlimited, limited = place / "v2", place / "v1"
    unlimited.write_text("max\n")
    limited.write_text(limit)
    monkeypatch.setattr(configuration, "CONTAINER_LIMITS", (unlimited, place / "absent", limited))
    async with running(data) as server:
        assert await ask(server, "SHOW shared_buffers") == shared


def test_default_data_dir_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    own = "Library/Application Support/Leadrail" if sys.platform == "darwin" else "/somewhere/leadrail"
    assert default_data_dir() == (Path("/var/lib/leadrail") if IS_ROOT else Path.home() / own)


def test_log_is_bounded(place: Path) -> None:
    log = Log(str(place / "log"), limit=1000)
    for number in range(100):
        log.write(b"%099d\n" % number)
    assert sum(path.stat().st_size for path in place.iterdir()) <= 2200
    assert log.last_words.endswith(b"99\n")


# As root


@as_root
async def test_folder_behind_a_closed_one_is_refused_and_nothing_is_opened(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    text = await refused(closed / "deep" / "data")
    assert f"pass through {closed} " in text
    assert "LEADRAIL_DATA_DIR=/var/lib/leadrail" in text
    assert mode(closed) == 0o700
    assert not list(closed.iterdir())


@as_root
async def test_unreachable_binaries_are_copied(data: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = place / "closed"
    site.mkdir(mode=0o700)
    for part in (binaries.PACKAGE, f"{binaries.PACKAGE}.libs"):
        (site / part).symlink_to(binaries.site_folder() / part)
    monkeypatch.setattr(binaries, "site_folder", lambda: site)
    for _ in "first", "again":
        async with running(data) as server:
            assert processes(data)[server.pid].startswith(f"{data}/programs-")


@as_root
def test_missing_account_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "DEDICATED", "leadrail-trial")
    try:
        made = server_account()
        assert made.uid == pwd.getpwnam("leadrail-trial").pw_uid
        assert server_account() == made
    finally:
        subprocess.run(["userdel", "leadrail-trial"], check=True)


@as_root
def test_account_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "DEDICATED", "no such name")
    with pytest.raises(EmbeddedError, match=r"could not be made \(.*invalid user name.*ordinary user"):
        server_account()


# Whatever the death, no server is left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_server_ends_with_its_owner_and_the_next_start_waits_for_it(data: Path, number: int) -> None:
    with owner(data) as process:
        postmaster = int(words(process)[0])
        os.kill(process.pid, number)
        process.wait()
        async with running(data) as server:
            assert await ask(server, "SELECT answer FROM kept") == 42
            assert postmaster not in processes(data)
    assert not processes(data)


async def test_server_ends_although_a_fork_of_its_owner_lives(data: Path) -> None:
    with owner(data, "fork") as process:
        assert int(words(process)[0]) in processes(data)
        process.kill()
        await until(lambda: not processes(data))


async def test_ctrl_c_reaches_the_owner_alone(data: Path) -> None:
    with owner(data) as process:
        assert words(process)
        os.killpg(process.pid, signal.SIGINT)
        assert words(process) == ["42"]
        process.wait(20)
    assert not processes(data)


@on_linux
async def test_server_ends_when_owner_and_keeper_are_killed(data: Path) -> None:
    with owner(data) as process:
        keeper = int(words(process)[1])
        os.kill(process.pid, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
        await until(lambda: not processes(data))


async def test_killed_keeper_ends_the_server(data: Path) -> None:
    async with running(data) as server:
        os.kill(server._program._process.pid, signal.SIGKILL)
        assert await server.wait_gone() == 128 + signal.SIGKILL
        await until(lambda: not processes(data))


async def test_killed_server_is_noticed_and_recovers(data: Path) -> None:
    async with running(data) as server:
        busy = await asyncpg.connect(server.url)
        query = asyncio.create_task(busy.execute(ENDLESS))
        await tell(server, KEEP)
        os.kill(server.pid, signal.SIGKILL)
        assert await server.wait_gone() == 128 + signal.SIGKILL
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await query
    async with running(data) as server:
        assert await ask(server, "SELECT answer FROM kept") == 42


async def test_start_ends_orphans_whose_keeper_is_gone(data: Path) -> None:
    with owner(data, "busy") as process:
        postmaster, keeper = map(int, words(process))
        await until(lambda: any("DO" in line for line in processes(data).values()))
        for pid in (postmaster, keeper, process.pid):
            os.kill(pid, signal.SIGKILL)
        await until(lambda: len(processes(data)) == 1)
        async with running(data) as server:
            assert await ask(server, "SELECT answer FROM kept") == 42
    assert not processes(data)


async def test_start_waits_for_an_earlier_server_that_takes_long(data: Path) -> None:
    with owner(data) as process:
        postmaster = int(words(process)[0])
        os.kill(postmaster, signal.SIGSTOP)
        process.kill()
        process.wait()
        start = asyncio.create_task(EmbeddedServer.start(data, settings=FAST))
        assert await asyncio.wait({start}, timeout=0.5) == (set(), {start})
        os.kill(postmaster, signal.SIGCONT)
        await (await start).stop()


async def test_server_that_will_not_stop_is_killed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "STOP_S", 0.4)
    server = await EmbeddedServer.start(data, settings=FAST)
    os.kill(server.pid, signal.SIGSTOP)
    await server.stop()
    assert await server.wait_gone() == 128 + signal.SIGKILL
    assert not processes(data)


async def test_start_interrupted_in_initdb_does_not_block_the_next(place: Path) -> None:
    unfinished = place / "data" / "postgres.new"
    with owner(place / "data") as process:
        await until((unfinished / "PG_VERSION").exists)
        process.kill()
        process.wait()
        async with running(place / "data") as server:
            assert await ask(server, "SELECT to_regclass('kept')") is None
    assert not unfinished.exists()


async def test_cancelled_start_leaves_nothing(place: Path) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(EmbeddedServer.start(place / "data", settings=FAST), 0.2)
    async with running(place / "data") as server:
        assert await ask(server, "SELECT 1") == 1


async def test_mark_of_a_dead_server_with_the_pid_of_another_process_is_no_obstacle(data: Path) -> None:
    uid = server_account().uid if IS_ROOT else None
    with subprocess.Popen(["sleep", "60"], user=uid) as stranger:
        try:
            (data / "postgres/postmaster.pid").write_text(f"{stranger.pid}\n{data}/postgres\n1\n5432\n/\n\n1 1\n")
            async with running(data) as server:
                assert await ask(server, "SELECT 1") == 1
        finally:
            stranger.kill()


# What it says


async def test_folder_in_use_is_told_with_the_process(data: Path) -> None:
    async with running(data) as server:
        assert f"in use by another Leadrail (process {os.getpid()})" in await refused(data)
        assert await ask(server, "SELECT 1") == 1


async def test_other_major_version_is_told(data: Path) -> None:
    (data / "postgres" / "PG_VERSION").write_text("16\n")
    assert "made by PostgreSQL 16; this Leadrail brings PostgreSQL 18" in await refused(data)
    (data / "postgres" / "PG_VERSION").write_text("18\n")


async def test_folder_of_something_else_is_told_and_left_alone(place: Path) -> None:
    (place / "letter.txt").touch()
    assert "not a data folder of Leadrail (it holds letter.txt)" in await refused(place)
    assert [path.name for path in place.iterdir()] == ["letter.txt"]


@as_root
async def test_folder_of_another_user_is_told(data: Path) -> None:
    shutil.chown(data, "nobody")
    assert "belongs to nobody. Start Leadrail as nobody" in await refused(data)
    shutil.chown(data, "root")


async def test_file_in_place_of_the_folder_is_told(place: Path) -> None:
    (place / "data").touch()
    assert "this is a file, not a folder" in await refused(place / "data")


async def test_refusal_of_postgres_has_its_last_words(data: Path) -> None:
    text = await refused(data, settings={"shared_bufers": "1GB"})
    assert "a database setting has an unknown name" in text
    assert 'unrecognized configuration parameter "shared_bufers"' in text


@as_user
async def test_missing_permission_is_told(place: Path) -> None:
    place.chmod(0o555)
    assert "no permission" in await refused(place / "data")


def test_user_without_a_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 7)
    with pytest.raises(EmbeddedError, match="needs a user with a name"):
        server_account()


@as_root
async def test_disk_too_full_for_a_new_database_is_told(place: Path) -> None:
    with disk(place, "size=20m"):
        text = await refused(place / "data")
        assert "the disk is full; free some space" in text
        assert "No space left on device" in text
        assert not (place / "data" / "postgres").exists()


@as_root
async def test_full_disk_is_told_and_harmless(place: Path, prepared: Path) -> None:
    with disk(place, "size=80m"):
        subprocess.run(["cp", "-a", prepared, place / "data"], check=True)
        # An earlier test may have left a mark and a long log, whose removal by a start would make room again.
        async with running(place / "data"):
            pass
        fill(place / "filler")
        assert "the disk is full; free some space" in await refused(place / "data")
        (place / "filler").unlink()
        async with running(place / "data") as server:
            assert await ask(server, "SELECT 1") == 1


@as_root
async def test_read_only_disk_is_told(place: Path, prepared: Path) -> None:
    with disk(place, "size=80m"):
        subprocess.run(["cp", "-a", prepared, place / "data"], check=True)
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        assert "the disk is read-only" in await refused(place / "data")


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@contextmanager
def disk(place: Path, options: str) -> Iterator[None]:
    command = ["mount", "-t", "tmpfs", "-o", f"{options},mode=755", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        yield
    finally:
        # Lazily: the last process of a server may be a moment behind the test in leaving the disk.
        subprocess.run(["umount", "--lazy", place], check=True)
