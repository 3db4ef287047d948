"""The dialect's page says what there is."""

import re
from pathlib import Path

import pytest

from leadrail.dialects.capillary.errors import TABLE, UNREAD_DETAILS
from leadrail.dialects.capillary.routes import OPEN_ROUTES, ROUTES

PAGE = (Path(__file__).parents[3] / "docs/dialects/capillary.md").read_text()


@pytest.mark.parametrize("route", [f"{method} {path}" for method, path, *_ in (*ROUTES, *OPEN_ROUTES)])
def test_every_call_is_on_the_page(route: str) -> None:
    assert f"`{route}`" in PAGE


def test_every_code_is_on_the_page_with_its_status_and_no_other() -> None:
    listed = set(re.findall(r"^\| (\d{3}) \| (\d{3,4}) \|", PAGE, re.MULTILINE))
    used = {(str(status), str(code)) for status, code in TABLE.values()} - {("429", "429")}
    general = {("400", "400"), ("404", "404"), ("405", "405"), ("413", "413"), ("500", "500")}
    assert listed == used | general
    assert str(UNREAD_DETAILS.code) in PAGE
