"""The data folder: what lies where in it, who may enter it, and the lock that keeps a second Leadrail out.

    lock, postgres.lock          held by us; held by every process of the server
    postgres/                    PostgreSQL's own folder, made as postgres.new/ and renamed when complete
    run/                         the socket
    pg_hba.conf, pg_ident.conf   who may connect, written at every start
    postgres.log                 and the older postgres.log.1

As root the folder is ours and open to the server's account for passing through only: whoever takes the server over
can change nothing that root reads.
"""

import fcntl
import os
import pwd
import shutil
import sys
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from leadrail.db.embedded.account import Account, server_account
from leadrail.db.embedded.binaries import MAJOR
from leadrail.db.embedded.errors import EmbeddedError, plain_words

ROOT_DIR = Path("/var/lib/leadrail")
NOT_OURS_TO_MIND = {"lost+found", ".DS_Store"}
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107


def default_data_dir() -> Path:
    """Where the data lies when nobody said otherwise."""
    if os.geteuid() == 0:
        return ROOT_DIR
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/Leadrail"
    named = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local/share") / "leadrail"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A data folder that this process holds the lock of."""

    path: Path
    account: Account
    lock: int

    @property
    def cluster(self) -> Path:
        return self.path / "postgres"

    @property
    def mark(self) -> Path:
        """The file in which PostgreSQL says that it runs here, as which process and how far it is."""
        return self.cluster / "postmaster.pid"

    @property
    def log(self) -> Path:
        return self.path / "postgres.log"

    @property
    def token(self) -> str:
        """A word in the title of every process of this folder's server, and of no other."""
        info = self.path.stat()
        return "leadrail-" + sha256(f"{self.path}:{info.st_dev}:{info.st_ino}".encode()).hexdigest()[:12]

    def private_folder(self, name: str) -> Path:
        """A new, empty folder for the server's account alone, in place of an old one of that name."""
        path = self.path / name
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(mode=0o700)
        return self._hand_over(path)

    def socket_folder(self) -> Path:
        """`run`, or a private folder in the temporary one where the path of a socket would be too long."""
        usual = self.private_folder("run")
        if _fits(usual):
            return usual
        short = self._hand_over(Path(tempfile.mkdtemp(prefix="leadrail-")))
        if _fits(short) and self.account.may_enter(short):
            return short
        short.rmdir()
        raise EmbeddedError(
            f"The path {self.path} is too long for a socket, and the temporary folder {short.parent} is too long "
            f"or closed to the user {self.account.name}. Choose a shorter path (LEADRAIL_DATA_DIR)."
        )

    def _hand_over(self, path: Path) -> Path:
        if not self.account.is_ours:
            os.chown(path, self.account.uid, self.account.gid)
        return path

    def close(self) -> None:
        """Gives the lock back."""
        os.close(self.lock)


def open_folder(data_dir: Path) -> DataFolder:
    """Makes the folder if need be, checks it and locks it."""
    account = server_account()
    path = data_dir.expanduser().resolve()
    with plain_words(path):
        _refuse_unreachable(path, account)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_unreachable(path, account)  # again: our umask may have closed a parent that was just made
        _refuse_foreign(path)
        _make_private(path, account)
        folder = DataFolder(path, account, _lock(path / "lock"))
        try:
            _refuse_other_cluster(folder)
        except BaseException:
            folder.close()
            raise
    return folder


def open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def try_lock(lock: int) -> bool:
    """A lock of the open file, not of the process: whoever inherits the descriptor holds it too."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fits(folder: Path) -> bool:
    # PostgreSQL and asyncpg both read the folder as one of a list parted by commas.
    is_plain = not set(',"') & set(str(folder))
    return is_plain and len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT


def _refuse_unreachable(path: Path, account: Account) -> None:
    existing = [parent for parent in path.parents if parent.exists()]
    if account.may_enter(existing[0]):
        return
    closed = next(parent for parent in reversed(existing) if not account.may_enter(parent))
    raise EmbeddedError(
        f"PostgreSQL does not run as root but as the user {account.name}, who may not pass through {closed} "
        f"to the data folder {path}. Leadrail opens no folder to others; choose another data folder, "
        f"for example LEADRAIL_DATA_DIR={ROOT_DIR}."
    )


def _refuse_foreign(path: Path) -> None:
    info = path.stat()
    if info.st_uid != os.geteuid():
        owner = _name(info.st_uid)
        raise EmbeddedError(
            f"The data folder {path} belongs to {owner}. Start Leadrail as {owner}, "
            "or choose a folder that does not exist yet (LEADRAIL_DATA_DIR)."
        )
    names = {entry.name for entry in path.iterdir()} - NOT_OURS_TO_MIND
    if names and not names & {"lock", "postgres"}:
        raise EmbeddedError(
            f"The folder {path} is not empty and not a data folder of Leadrail (it holds {min(names)}). "
            "Choose an empty one, or one that does not exist yet (LEADRAIL_DATA_DIR)."
        )


def _make_private(path: Path, account: Account) -> None:
    mode = 0o700 if account.is_ours else 0o710
    if path.stat().st_mode & 0o7777 != mode:
        path.chmod(mode)
    if not account.is_ours and path.stat().st_gid != account.gid:
        os.chown(path, -1, account.gid)


def _lock(path: Path) -> int:
    lock = open_lock(path)
    if not try_lock(lock):
        holder = os.pread(lock, 20, 0).decode().strip() or "unknown"
        os.close(lock)
        raise EmbeddedError(
            f"The data folder {path.parent} is in use by another Leadrail (process {holder}). "
            "Stop that one first, or choose another folder (LEADRAIL_DATA_DIR)."
        )
    # One write of a fixed width, so that a reader never sees an empty file or half a number.
    os.pwrite(lock, f"{os.getpid():<19}\n".encode(), 0)
    return lock


def _refuse_other_cluster(folder: DataFolder) -> None:
    if not folder.cluster.exists():
        return
    found = (folder.cluster / "PG_VERSION").read_text().strip()
    if found != MAJOR:
        raise EmbeddedError(
            f"The data in {folder.path} was made by PostgreSQL {found}; this Leadrail brings PostgreSQL {MAJOR}. "
            "Move it over with pg_upgrade or with pg_dump, or start the Leadrail that made it."
        )
    owner = folder.cluster.stat().st_uid
    if owner != folder.account.uid:
        raise EmbeddedError(
            f"The data in {folder.cluster} belongs to {_name(owner)}, but PostgreSQL runs as {folder.account.name}. "
            f"If it was moved here, hand it over: chown -R {folder.account.name} {folder.cluster}"
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"
