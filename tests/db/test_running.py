"""Finding the server that another process runs."""

from pathlib import Path

from leadrail.db.embedded import running_url


async def test_a_folder_where_nothing_runs_has_no_url(tmp_path: Path) -> None:
    assert await running_url(tmp_path) is None


async def test_a_running_server_is_found_by_its_folder(database_url: str, database_dir: Path) -> None:
    assert await running_url(database_dir) == database_url


async def test_a_mark_left_by_a_dead_server_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    mark = f"1\n{tmp_path}\n0\n5432\n{tmp_path}\n\n0\nready\n"
    (tmp_path / "postgres/postmaster.pid").write_text(mark)

    assert await running_url(tmp_path) is None
