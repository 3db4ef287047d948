"""The shape of a dialect: a sealed folder that a fifth is a copy of, its page, and a fixture for each of its calls."""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadrail.core.webhooks.model import Format
from leadrail.dialects.registry import DIALECTS
from tests.dialects.conformance import Dialect, dialects

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/leadrail"
NAMES = [prefix.strip("/") for prefix in DIALECTS]
MODULES = {"__init__", "auth", "routes", "wire", "mapping", "errors"}

# What a dialect may know of the house: of the database only the connection that it hands on, and when it is away.
ALLOWED = ("leadrail.core", "leadrail.kit", "leadrail.dialects.words", "leadrail.dialects.custom")
ALLOWED_NAMES = {"leadrail.db.database": {"Connection", "UNREACHABLE"}}
PACKAGES = sys.stdlib_module_names | {"msgspec"}

each_dialect = pytest.mark.parametrize("dialect", dialects(), ids=repr)


def folder(name: str) -> Path:
    return SOURCE / "dialects" / name


def modules(name: str) -> dict[str, ast.Module]:
    return {path.stem: ast.parse(path.read_text()) for path in sorted(folder(name).glob("*.py"))}


def imports(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Each module that is imported, and the names that are taken out of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, set()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "say where it comes from in full"
            yield node.module or "", {alias.name for alias in node.names}


# The folder


def test_every_folder_is_in_the_registry() -> None:
    folders = {path.parent.name for path in (SOURCE / "dialects").glob("*/__init__.py")}
    assert folders == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_has_the_modules_of_every_other(name: str) -> None:
    assert set(modules(name)) >= MODULES


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_that_a_webhook_can_speak_says_its_bodies_in_outgoing(name: str) -> None:
    assert ("outgoing" in modules(name)) == (name in list(Format))


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_knows_the_core_and_itself_alone(name: str) -> None:
    own, strange = f"leadrail.dialects.{name}", []
    for module, tree in modules(name).items():
        for imported, taken in imports(tree):
            whole = {imported} | ({f"{imported}.{one}" for one in taken} if imported == "leadrail.dialects" else set())
            is_known = (
                imported.split(".")[0] in PACKAGES
                or all(one == own or one.startswith((f"{own}.", *ALLOWED)) for one in whole - {"leadrail.dialects"})
                or (taken and taken <= ALLOWED_NAMES.get(imported, set()))
            )
            strange += [] if is_known else [f"{module}: {imported} {sorted(taken)}"]
    assert strange == []


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_is_entered_by_its_face_its_outgoing_and_its_eraser_alone(name: str) -> None:
    inside, doors = f"leadrail.dialects.{name}", {"leadrail.dialects.registry", "leadrail.worker.formats"}
    strange = []
    for path in SOURCE.rglob("*.py"):
        module = "leadrail." + ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        if module.startswith(inside):
            continue
        for imported, taken in imports(ast.parse(path.read_text())):
            if imported.startswith(inside) and not taken <= {"face", "outgoing", "erase"}:
                strange.append(f"{module}: {imported} {sorted(taken)}")
            if imported == "leadrail.dialects" and name in taken and module not in doors:
                strange.append(f"{module}: {name}")
    assert strange == []


# SQL

SQL = re.compile(r"^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\s", re.MULTILINE)
TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+(?!SET\b)([a-z_]+)\b(?!\s*\()")
ASKED = {"fetch", "fetchrow", "fetchval", "execute", "executemany"}


def texts(tree: ast.Module) -> list[str]:
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def asks_the_database(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ASKED
        and isinstance(node.value, ast.Name)
        and node.value.id == "connection"
        for node in ast.walk(tree)
    )


@pytest.mark.parametrize("name", NAMES)
def test_sql_is_in_the_store_alone(name: str) -> None:
    others = {module: tree for module, tree in modules(name).items() if module != "store"}
    found = [module for module, tree in others.items() if asks_the_database(tree) or any(map(SQL.search, texts(tree)))]
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_a_store_knows_its_own_tables_alone(name: str) -> None:
    store = modules(name).get("store")
    if store is None:
        return
    tables = {table for text in texts(store) for table in TABLE.findall(text)} - {"unnest"}
    assert tables
    assert [table for table in tables if not table.startswith(f"{name}_")] == []


# Its page and its fixtures

DECISIONS = re.compile(r"open|differ|not offered|decision|deviation|form", re.IGNORECASE)
"""What the heading says of a section that settles what the vendor prints no example of."""


def page(dialect: Dialect) -> str:
    return _unnamed((ROOT / f"docs/dialects/{dialect.name}.md").read_text())


def decided(dialect: Dialect) -> str:
    """The page without its first sections: where to point a client, and the table of what is served."""
    sections = re.split(r"^## ", page(dialect), flags=re.MULTILINE)
    return "".join(section for section in sections if DECISIONS.search(section.partition("\n")[0]))


def called(route: str) -> str:
    """A route as a page calls it: by its path, or by its action."""
    return _unnamed(route.rpartition(" ")[2])


def _unnamed(text: str) -> str:
    """Parameters go by many names."""
    return re.sub(r"\{\w+\}", "{}", text)


@each_dialect
def test_the_page_names_every_call(dialect: Dialect) -> None:
    text = page(dialect)
    assert [route for route in dialect.fixtures if called(route) not in text] == []


@each_dialect
def test_every_call_has_a_fixture_or_stands_among_the_decisions(dialect: Dialect) -> None:
    assert dialect.routes() <= set(dialect.fixtures)
    text = decided(dialect)
    without = [route for route, fixtures in dialect.fixtures.items() if not fixtures]
    assert [route for route in without if called(route) not in text] == []


@each_dialect
def test_every_fixture_is_of_a_call_and_says_where_it_stands(dialect: Dialect) -> None:
    files = {path.stem: path for path in (ROOT / f"tests/dialects/{dialect.name}/fixtures").glob("*.json")}
    claimed = {fixture for fixtures in dialect.fixtures.values() for fixture in fixtures} | set(dialect.other_fixtures)
    assert set(files) == claimed
    for path in files.values():
        assert re.search(r"section|page", json.loads(path.read_text())["source"]), path.name
