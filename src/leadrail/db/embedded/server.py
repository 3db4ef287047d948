"""The embedded server from start to end: data folder, leftovers, initdb, postgres, readiness."""

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg

from leadrail.db.embedded.binaries import programs_for
from leadrail.db.embedded.configuration import initdb_arguments, postgres_arguments, write_access_files
from leadrail.db.embedded.errors import EmbeddedError, plain_words, refusal
from leadrail.db.embedded.folder import DataFolder, open_folder
from leadrail.db.embedded.leftovers import claim
from leadrail.db.embedded.program import Program
from leadrail.db.embedded.waiting import true_within

READY_S = 600.0  # a crash recovery may replay all of max_wal_size from a slow disk
CONNECT_S = 10.0
NOT_YET = (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError)

logger = logging.getLogger(__name__)


class EmbeddedServer:
    """PostgreSQL 18 in a data folder, as our child."""

    def __init__(self, folder: DataFolder, program: Program, socket_folder: Path) -> None:
        self.pid = program.pid
        self.url = _url(socket_folder, "leadrail", database="leadrail")
        self._admin_url = _url(socket_folder, "postgres", database="postgres")
        self._folder, self._program, self._is_wanted = folder, program, False
        self._gone = asyncio.create_task(self._watch())

    @classmethod
    async def start(cls, data_dir: Path, *, settings: Mapping[str, str] = {}) -> "EmbeddedServer":
        """Makes the database when the folder is new; ready for connections when this returns."""
        # What blocks in here is short, and so early in a start there is nobody to hold up.
        folder = open_folder(data_dir)
        try:
            with plain_words(folder.path):
                server = cls(folder, *await _launch(folder, settings))
        except BaseException:
            folder.close()
            raise
        try:
            await server._become_ready()
        except BaseException:
            await server.stop()
            raise
        return server

    async def stop(self) -> None:
        """Shuts the server down, harder when it takes too long, and gives the data folder back."""
        self._is_wanted = False
        await self._program.stop()
        await self.wait_gone()

    async def wait_gone(self) -> int:
        """Returns when the server has ended, by itself or by `stop`: its exit status, or 128 + n after signal n."""
        return await asyncio.shield(self._gone)

    async def _watch(self) -> int:
        status = await self._program.ended()
        self._folder.close()
        if self._is_wanted:
            words = self._program.last_words or f"(see {self._folder.log})"
            logger.error("PostgreSQL ended by itself with status %d. Its last words:\n%s", status, words)
        return status

    async def _become_ready(self) -> None:
        doing = f"PostgreSQL is starting or recovering in {self._folder.path}"
        if not await true_within(READY_S, self._answers_or_ended, doing):
            raise EmbeddedError(f"PostgreSQL takes too long to become ready; see {self._folder.log}")
        if self._program.has_ended:
            raise refusal(self._folder.path, self._program.last_words)
        self._is_wanted = True

    async def _answers_or_ended(self) -> bool:
        # Asked first, because every connection that is turned away is a line in the log.
        if not _is_marked_ready(self._folder.mark):
            return self._program.has_ended
        try:
            await _visit(self._admin_url)
        except PermissionError as error:
            raise EmbeddedError(f"The socket of PostgreSQL in {self._folder.path} is closed to us: {error}") from error
        except NOT_YET:
            return self._program.has_ended
        except asyncpg.PostgresError as error:
            raise refusal(self._folder.path, str(error)) from error
        return True


async def running_url(data_dir: Path) -> str | None:
    """The URL of the server that another Leadrail runs on this folder now, or None when nothing answers there."""
    mark = data_dir / "postgres/postmaster.pid"
    if not _is_marked_ready(mark):
        return None
    url = _url(Path(_mark_lines(mark)[4]), "leadrail", database="leadrail")
    try:
        db = await asyncpg.connect(url, timeout=CONNECT_S)
    except (*NOT_YET, asyncpg.PostgresError):
        return None
    await db.close()
    return url


async def _launch(folder: DataFolder, settings: Mapping[str, str]) -> tuple[Program, Path]:
    programs = programs_for(folder.account, folder.path)
    server_lock = await claim(folder)
    try:
        if not folder.cluster.exists():
            await _make_cluster(programs / "initdb", folder, server_lock, settings)
        write_access_files(folder)
        sockets = folder.socket_folder()
        command = [str(programs / "postgres"), *postgres_arguments(folder, sockets, settings)]
        scratch = None if sockets.is_relative_to(folder.path) else sockets
        return await Program.start(command, folder, server_lock, scratch), sockets
    finally:
        os.close(server_lock)  # the server holds it from here on


async def _make_cluster(initdb: Path, folder: DataFolder, server_lock: int, settings: Mapping[str, str]) -> None:
    # Under another name until it is complete, so that an interrupted start leaves nothing behind that looks like data.
    unfinished = folder.private_folder("postgres.new")
    program = await Program.start([str(initdb), *initdb_arguments(unfinished, settings)], folder, server_lock)
    try:
        status = await program.ended()
    except BaseException:
        await program.stop()
        raise
    if status:
        raise refusal(folder.path, program.last_words)
    unfinished.rename(folder.cluster)
    _sync(folder.path)


def _is_marked_ready(mark: Path) -> bool:
    lines = _mark_lines(mark)
    return len(lines) > 7 and lines[7].strip() == "ready"


def _mark_lines(mark: Path) -> list[str]:
    try:
        return mark.read_text().splitlines()
    except OSError:
        return []


async def _visit(admin_url: str) -> None:
    """Connects, and makes what the application connects to where it is missing."""
    db = await asyncpg.connect(admin_url, timeout=CONNECT_S)
    try:
        # No superuser, as on any hosted PostgreSQL: whoever gets into our SQL cannot run programs or read files.
        if not await db.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'leadrail'"):
            await db.execute("CREATE ROLE leadrail LOGIN CREATEDB")
        if not await db.fetchval("SELECT 1 FROM pg_database WHERE datname = 'leadrail'"):
            await db.execute("CREATE DATABASE leadrail OWNER leadrail")
    finally:
        await db.close()


def _url(socket_folder: Path, role: str, *, database: str) -> str:
    # The port is part of the socket's name; unsaid, asyncpg would take it from PGPORT.
    return f"postgresql://{role}@/{database}?host={quote(str(socket_folder), safe='')}&port=5432"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
