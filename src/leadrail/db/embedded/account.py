"""The system account that PostgreSQL runs under: our own, or a dedicated one when we are root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from leadrail.db.embedded.errors import EmbeddedError

DEDICATED = "leadrail"


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def may_enter(self, folder: Path) -> bool:
        return self.is_ours or self._can("sh", "-c", 'test -x "$1"', "sh", str(folder))

    def may_run(self, program: Path) -> bool:
        return self.is_ours or self._can(str(program), "--version")

    def _can(self, *command: str) -> bool:
        # Asked of the kernel, as that account: modes alone know nothing of ACLs, noexec or SELinux.
        try:
            done = subprocess.run(  # noqa: S603 - our own constants and paths, no shell
                command, user=self.uid, group=self.gid, extra_groups=[], cwd="/", capture_output=True, check=False
            )
        except OSError:
            return False
        return done.returncode == 0


def server_account() -> Account:
    """PostgreSQL refuses to run as root, so root gets the dedicated account, made when it is missing."""
    if os.geteuid() == 0:
        return _find(DEDICATED) or _make(DEDICATED)
    try:
        return _account(pwd.getpwuid(os.geteuid()))
    except KeyError:
        raise EmbeddedError(
            f"PostgreSQL needs a user with a name, and user id {os.geteuid()} has none in /etc/passwd. "
            "Start Leadrail as a named user, or set LEADRAIL_DATABASE_URL to a PostgreSQL of your own."
        ) from None


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _find(name: str) -> Account | None:
    try:
        return _account(pwd.getpwnam(name))
    except KeyError:
        return None


def _make(name: str) -> Account:
    why = _useradd(name)
    # Looked up whatever useradd said: another Leadrail may have made the account at the same time.
    if made := _find(name):
        return made
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and the system user {name} for it could not be made ({why}). "
        f"Make it (useradd --system {name}), or start Leadrail as an ordinary user."
    )


def _useradd(name: str) -> str:
    shell = shutil.which("nologin") or "/bin/false"
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", shell]
    try:
        done = subprocess.run(  # noqa: S603 - our own constants, no shell
            ["useradd", *options, name],  # noqa: S607 - where it lies differs between systems
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return str(error)
    return done.stderr.strip()
