"""What the server is told at every start: who may connect, and settings for a small machine that forgets nothing."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from leadrail.db.embedded.folder import DataFolder

MIB = 2**20
CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
DEFAULTS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "60",
    "jit": "off",
    "huge_pages": "off",  # where they are scarce, as in a container, the server would die of them
    "wal_compression": "off",  # the build knows pglz alone, whose time costs a quarter of all changes (docs/scale.md)
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


def write_access_files(folder: DataFolder) -> None:
    """Root and the server's account may be any role, over the socket alone; the kernel says who is calling."""
    _write(folder, "pg_hba.conf", "local all all peer map=leadrail\nlocal replication all peer map=leadrail\n")
    names = dict.fromkeys((folder.account.name, "root"))
    _write(folder, "pg_ident.conf", "".join(f'leadrail "{name}" all\n' for name in names))


def initdb_arguments(cluster: Path, settings: Mapping[str, str]) -> list[str]:
    """A cluster that sorts and folds text the same on every machine, whatever locales that has."""
    is_throwaway = settings.get("fsync") == "off"
    options = ["--username=postgres", "--auth=peer", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    options += ["--builtin-locale=C.UTF-8", "--no-instructions", *(["--no-sync"] if is_throwaway else [])]
    return ["-D", str(cluster), *options]


def postgres_arguments(folder: DataFolder, socket_folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The last word on where and for whom the server listens is ours."""
    fixed = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_folder),
        "unix_socket_permissions": "0700",
        "port": "5432",
        "hba_file": str(folder.path / "pg_hba.conf"),
        "ident_file": str(folder.path / "pg_ident.conf"),
        "cluster_name": folder.token,
        "logging_collector": "off",
    }
    yield from ("-D", str(folder.cluster))
    for name, value in (DEFAULTS | _memory() | dict(settings) | fixed).items():
        yield from ("-c", f"{name}={value}")


def _memory() -> dict[str, str]:
    memory = min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_limits())
    shared = min(max(memory // 8, 32 * MIB), 2048 * MIB)
    return {"shared_buffers": f"{shared // MIB}MB", "effective_cache_size": f"{memory // 2 // MIB}MB"}


def _limits() -> Iterator[int]:
    """The bytes of memory that the container which we may be in has."""
    for path in CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # there is none, or it is "max"
            yield int(path.read_text())


def _write(folder: DataFolder, name: str, text: str) -> None:
    path = folder.path / name
    path.write_text(text)
    path.chmod(0o640)
    os.chown(path, -1, folder.account.gid)
