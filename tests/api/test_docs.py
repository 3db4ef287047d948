"""The pages to read, and the guides in docs: complete, without guests, and every line of them runs."""

import asyncio
import html
import json
import os
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leadrail.api import docs
from leadrail.api.face import OPERATIONS
from leadrail.api.openapi import describe
from leadrail.api.openapi.operations import operation_id
from leadrail.api.openapi.words import CODES
from leadrail.core.core import Core
from leadrail.core.events.model import EventType
from leadrail.dialects.registry import DIALECTS
from leadrail.kit import signing
from leadrail.worker.schedule import SCHEDULE
from tests.api.world import IN_TURN, World
from tests.people import People, three_people

PAGE = docs.render(describe(OPERATIONS))
TEXT = html.unescape(re.sub(r"<[^>]+>", "", PAGE))
STYLE = Path(docs.__file__).with_name("templates").joinpath("style.css").read_text()
PAGES = {path.name: path.read_text() for path in (Path(__file__).parents[2] / "docs").glob("*.md")}
GUIDES = {name: text for name, text in PAGES.items() if "\nURL=" in text}
"""Those of the pages that walk through the API: their lines run, in their order."""
GUIDE = "\n".join(GUIDES.values())


# What is on the page


def test_the_page_names_every_operation_code_event_and_dialect() -> None:
    ids = set(re.findall(r'\bid="([^"]+)"', PAGE))

    assert {operation_id(row) for row in OPERATIONS} <= ids
    assert {f"problem-{code}" for code in CODES} <= ids
    assert {f"event-{event}" for event in EventType} <= ids
    assert all(row.path in TEXT and row.summary in TEXT for row in OPERATIONS)
    assert all(f"{prefix}, described in docs/dialects{prefix}.md" in TEXT for prefix in DIALECTS)


def test_every_anchor_is_unique_and_every_link_finds_one() -> None:
    ids = re.findall(r'\bid="([^"]+)"', PAGE)

    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'href="#([^"]*)"', PAGE)) <= set(ids)


def test_nothing_comes_from_elsewhere_and_no_script_runs() -> None:
    fetched = re.findall(r'(?:src|href)="(?!#)([^"]+)"', PAGE)

    assert {address for address in fetched if not address.startswith(("/", "data:image/"))} == set()
    assert not re.search(r"<script|\bon\w+=|javascript:|\bstyle=", PAGE)
    assert not re.search(r"@import|url\(", STYLE)


def test_text_reads_well_in_light_and_in_dark() -> None:
    light, dark = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]+);", part)) for part in STYLE.split(":root {")[1:3]]
    inks = ("text", "muted", "accent", "key", "string", "number", "get", "post", "put", "delete")

    for colors in (light, dark):
        for ground in ("ground", "raised", "code"):
            for ink in inks:
                assert contrast(colors[ink], colors[ground]) >= 4.5, (ink, ground, colors)


def contrast(one: str, other: str) -> float:
    """The ratio by which WCAG 2 judges: 4.5 is enough for text."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    digits = color.lstrip("#") if len(color) == 7 else "".join(2 * digit for digit in color.lstrip("#"))
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_keyboard_and_a_phone_are_provided_for() -> None:
    assert ":focus-visible" in STYLE
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in PAGE
    assert 'class="skip" href="#main"' in PAGE


# How it is served


async def test_the_page_comes_with_a_strict_policy_and_is_asked_for_once(people: People) -> None:
    first = await people.stranger.http.get("/docs")
    again = await people.stranger.http.get("/docs", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; ")
    assert (again.status_code, again.content) == (304, b"")


async def test_its_style_is_served_beside_it(people: People) -> None:
    answer = await people.stranger.http.get("/docs/style.css")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert answer.text == STYLE


async def test_its_lines_name_the_address_by_which_the_reader_came(people: People) -> None:
    came = {"Host": "leads.example.com", "X-Forwarded-Proto": "https"}
    answer = await people.stranger.http.get("/docs", headers=came)

    assert "&#34;https://leads.example.com/v1/leads&#34;" in answer.text
    assert docs.ORIGIN not in answer.text


@pytest.mark.parametrize("host", ['"><script>', "$(touch x)", "a b", "example.com/path", "`id`"])
async def test_a_host_that_cannot_be_one_is_not_repeated(people: People, host: str) -> None:
    answer = await people.stranger.http.get("/docs", headers={"Host": host})

    assert "&#34;http://localhost/v1/leads&#34;" in answer.text
    assert not any(f"//{name}" in answer.text for name in (host, html.escape(host)))


# What runs


def shell_blocks() -> Iterator[tuple[str, str]]:
    for name, line in re.findall(r'<pre[^>]* class="shell" data-for="(\w+)"><code>(.*?)</code>', PAGE, re.DOTALL):
        yield name, html.unescape(line)


SHELL = dict(shell_blocks())


def test_every_operation_has_a_line_to_copy() -> None:
    assert {operation_id(row) for row in OPERATIONS} <= set(SHELL)


@pytest.fixture(scope="module")
async def runs(core: Core, server_url: str) -> dict[str, tuple[int | None, str]]:
    """How the lines of each operation ended and what they said; one world is enough for them all."""
    in_turn = [operation_id(row) for row in IN_TURN]
    async with three_people(core, server_url) as people:
        world, ended = await World.made(people), dict[str, tuple[int | None, str]]()
        for name in sorted(SHELL, key=lambda name: in_turn.index(name) if name in in_turn else -1):
            script, ids = SHELL[name].replace(docs.ORIGIN, server_url), dict(world.ids)
            apart = {"reverse_lead_event": "MOVED_LEAD_ID", "undo_lead_merge": "MERGED_LEAD_ID"}.get(name)
            ids |= {"LEAD_ID": ids[apart]} if apart is not None else {}
            status, _, error = await shell(script, ids | {"KEY": people.owner.key}, "--fail")
            ended[name] = (status, f"{script}\n{error}")
        return ended


@pytest.mark.parametrize("name", SHELL)
def test_every_line_on_the_page_runs(name: str, runs: dict[str, tuple[int | None, str]]) -> None:
    status, said = runs[name]

    assert status == 0, said


async def shell(script: str, variables: dict[str, str], flags: str) -> tuple[int | None, str, str]:
    """Runs the lines in a shell of their own: its status, and what they wrote and complained of."""
    quiet = f'set -eu; curl() {{ command curl --silent --show-error {flags} "$@"; }}\n'
    environment = {"PATH": os.environ["PATH"]} | variables
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", quiet + script, env=environment, stdout=pipe, stderr=pipe
    )
    out, error = await process.communicate()
    return process.returncode, out.decode(), error.decode()


def python_blocks() -> list[str]:
    blocks = re.findall(r'<pre[^>]* class="python"[^>]*><code>(.*?)</code>', PAGE, re.DOTALL)
    return [*map(html.unescape, blocks), *re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)]


@pytest.mark.parametrize("sample", python_blocks())
def test_the_sample_takes_what_we_sign_and_nothing_else(sample: str) -> None:
    secret, names = signing.new_secret(), dict[str, Any]()
    exec(sample.replace("whsec_…", secret), names)  # the sample of our own page
    body = b'{"type": "lead.created", "data": {"id": "1"}}'
    now = int(time.time())

    headers = signing.headers([secret], "1", now, body)

    assert names["receive"](headers, body) == 204
    assert names["receive"](headers, body.replace(b"created", b"erased!")) == 401
    assert names["receive"](signing.headers([secret], "1", now - 600, body), body) == 401


# The guide


@pytest.mark.parametrize("name", GUIDES)
async def test_the_guide_runs_and_answers_what_it_says(name: str, people: People, server_url: str) -> None:
    blocks: list[tuple[str, str]] = re.findall(r"```(sh|json|http)\n(.*?)```", GUIDES[name], re.DOTALL)
    known = {"URL": server_url, "KEY": people.owner.key, "PARTNER_ID": str(people.partner.company_id)}
    given, answer = set(known), ""
    for kind, text in blocks:
        if kind == "sh":
            for name in set(re.findall(r"^(\w+)=\S*…$", text, re.MULTILINE)) - given:
                known[name] = json.loads(answer)["id"]  # left to the reader: the id of the answer before
            calls = "\n".join(line for line in text.splitlines() if not re.match(r"\w+=", line))
            if calls:
                status, answer, error = await shell(calls, known, "")
                assert status == 0, f"{calls}\n{error}"
        elif kind == "json":
            matches(json.loads(text), json.loads(answer), text)
        else:
            assert all(line.lower() in answer.lower() for line in text.splitlines()), answer


def matches(said: Any, real: Any, at: str) -> None:
    """Whether the answer has what the guide shows; "…" stands for anything."""
    if isinstance(said, dict):
        for name, part in said.items():
            matches(part, real[name], f"{at}: {name}")
    elif isinstance(said, list):
        assert len(said) == len(real), at
        for part, item in zip(said, real, strict=True):
            matches(part, item, at)
    else:
        assert said in ("…", real), f"{at}: {real!r}"


def test_the_schedule_of_attempts_is_the_worker_s() -> None:
    words = [spoken(wait) for wait in SCHEDULE[1:]]
    schedule = f"{', '.join(words[:-1])} and {words[-1]}"

    assert all(schedule in re.sub(r"\s+", " ", text) for text in (TEXT, GUIDE))


def spoken(wait: timedelta) -> str:
    for unit, seconds in (("h", 3600), ("min", 60)):
        if wait.total_seconds() >= seconds:
            return f"{wait.total_seconds() / seconds:g} {unit}"
    return f"{wait.total_seconds():g} s"


def test_the_guide_names_every_event() -> None:
    assert all(f"`{event}`" in GUIDE for event in EventType)
