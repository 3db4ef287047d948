"""Documents that fail the build: what they list is what there is."""

import re
from pathlib import Path

import msgspec
import pytest
import typer.main

from leadrail.api.catalogue import CATALOGUE
from leadrail.cli.commands import app
from leadrail.core.events.model import EventType
from leadrail.dialects.registry import DIALECTS
from leadrail.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text()


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Settings)])
def test_every_setting_is_described(name: str) -> None:
    assert f"`{PREFIX}{name.upper()}`" in OPERATIONS


def test_no_setting_is_described_that_there_is_not() -> None:
    known = {PREFIX + field.name.upper() for field in msgspec.structs.fields(Settings)}
    assert set(re.findall(r"LEADRAIL_[A-Z_]+", OPERATIONS)) <= known


@pytest.mark.parametrize("command", sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]
def test_every_command_is_described(command: str) -> None:
    assert f"`leadrail {command}" in OPERATIONS


@pytest.mark.parametrize("type", CATALOGUE)
def test_the_catalogue_of_events_is_in_the_guide(type: EventType) -> None:
    kind = CATALOGUE[type]
    always = [f"`{name}`" for name in kind.data.__annotations__ if name in kind.data.__required_keys__]
    at_times = [f"`{name}`" for name in kind.data.__annotations__ if name in kind.data.__optional_keys__]
    held = "; ".join(filter(None, (", ".join(always), f"at times {', '.join(at_times)}" if at_times else "")))
    assert f"| `{type}` | {kind.sentence} | {held} |" in (ROOT / "docs/webhooks.md").read_text()


@pytest.mark.parametrize("prefix", list(DIALECTS))
def test_every_dialect_has_its_page(prefix: str) -> None:
    assert prefix in (ROOT / f"docs/dialects{prefix}.md").read_text()


@pytest.mark.parametrize(
    "document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=lambda p: p.name
)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("named", re.findall(r"`((?:src|tests|core|api|kit|db|cli|worker|bench|docs)/[\w/.-]+)`",
                                             (ROOT / "ARCHITECTURE.md").read_text()))  # fmt: skip
def test_what_the_architecture_names_exists(named: str) -> None:
    assert any((base / named).exists() for base in (ROOT, ROOT / "src/leadrail")), named
