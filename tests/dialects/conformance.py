"""What a dialect is to the suite in test_conformance: how it is entered, how it refuses, and a row for each call.

Each vendor's folder has a module `conformance` with its `DIALECT`; a fifth dialect is found by its line in the
registry. A further call is one more row.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import httpx

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Category, Status
from leadrail.dialects.registry import DIALECTS
from leadrail.kit.http import Request, Response
from tests.dialects.scene import Scene

Json = Any


# A call


@dataclass(frozen=True)
class Sent:
    """A request below the dialect's prefix. `body` None: none is sent."""

    method: str
    path: str
    body: Json = None
    query: Mapping[str, str] = field(default_factory=dict)


Told = tuple[int, str | None]
"""A status and the text that the vendor's envelope has with it; None where any text will do."""

Written = dict[str, list[Json]]
"""New rows by table, without what no two calls have in common."""


def as_it_is(written: Written) -> Written:
    return written


@dataclass(frozen=True, kw_only=True)
class Native:
    """The native call of the same meaning, on the same kind of lead.

    `here` turns the rows that it writes into those that the dialect is to write, where the contract's section `why`
    asks for a difference.
    """

    sent: Callable[[Scene], Sent]
    here: Callable[[Written], Written] = as_it_is
    why: str = ""


@dataclass(frozen=True, kw_only=True, repr=False)
class Row:
    """One call. `route` is its name in the dialect's own table, `case` tells rows of one route apart.

    Who may: a key of `scope` (None: of any), or everybody when `is_keyless`. `stranger` and `bound` are what another
    company's key, and a key that is bound to another channel, are told; with a status of success they are served from
    what is theirs.

    What follows: `again` are the types of the events that the very same write makes a second time; without any it is
    to write nothing whatever. `native` is the call to compare it with; `is_of_channel` says that it changes the
    channel itself.

    What it takes: `free` are the JSON pointers of members that may hold any value, `judged_alone` that of a list whose
    bad items do not harm the others; the body may be a list when `takes_list`. `queries` names the query's parameters.
    """

    route: str
    sent: Callable[[Scene], Sent]
    scope: Scope | None
    writes: bool
    stranger: Told
    bound: Told | None = None
    case: str = ""
    status: int = 200
    again: tuple[str, ...] = ()
    native: Native | None = None
    free: frozenset[str] = frozenset()
    judged_alone: str = ""
    takes_list: bool = False
    is_keyless: bool = False
    is_of_channel: bool = False
    queries: tuple[str, ...] = ()
    has_body: bool = True
    body_limit: int | None = None

    def __repr__(self) -> str:
        return f"{self.route} {self.case}".strip()

    @property
    def told_bound(self) -> Told:
        return self.bound or self.stranger

    def is_judged_alone(self, pointer: str) -> bool:
        return bool(self.judged_alone) and pointer.startswith(f"{self.judged_alone}/")


# A dialect


@dataclass(frozen=True, kw_only=True, repr=False)
class Dialect:
    """One vendor's face.

    `routes` names every route of the dialect's own table; `failure` checks an envelope whole and gives its text.
    `move` takes a lead to the first status of a category by the dialect's word, `read` asks for a lead, and `shown`
    is the word by which an answer to it is to call a status, found in the answer by `status_in`. `same_paths` are
    beginnings of paths under which all is as under another. `fixtures` are the files of each endpoint of the
    contract's table, none for one that its page says is not offered.
    """

    name: str
    routes: Callable[[], frozenset[str]]
    rows: tuple[Row, ...]
    headers: Callable[[str], dict[str, str]]
    failure: Callable[[int, Json], str]
    on_error: Callable[[Request, Exception], Response]
    unauthorized: str
    unknown_path: str
    move: Callable[[Scene, Category], Sent]
    shown: Callable[[Status], str]
    read: Callable[[Scene], Sent]
    status_in: Callable[[Json], str]
    template: str
    as_tills: bool = False
    same_paths: Mapping[str, str] = field(default_factory=dict)
    body_limit: int = 1 << 20
    fixtures: Mapping[str, Sequence[str]] = field(default_factory=dict)
    other_fixtures: Sequence[str] = ()

    def __repr__(self) -> str:
        return self.name

    @property
    def prefix(self) -> str:
        return f"/{self.name}"

    async def call(
        self, client: httpx.AsyncClient, sent: Sent, key: str | None, content: bytes | None = None
    ) -> httpx.Response:
        """Sends it as this vendor's client does; `content` instead of the body."""
        body = json.dumps(sent.body).encode() if content is None and sent.body is not None else content
        headers = {"content-type": "application/json"} if body is not None else {}
        headers |= self.headers(key) if key is not None else {}
        path = self.prefix + sent.path
        return await client.request(sent.method, path, params=sent.query or None, content=body, headers=headers)

    def refused(self, answer: httpx.Response) -> tuple[int, str]:
        """Status and text of a failure in the vendor's whole envelope, with nothing of our insides in it."""
        assert answer.status_code >= 400, f"{answer.status_code} {answer.text}"
        assert answer.headers["content-type"] == "application/json"
        assert not INSIDES.search(answer.text), answer.text
        text = self.failure(answer.status_code, answer.json())
        assert text
        return answer.status_code, text

    def served(self, row: Row, answer: httpx.Response) -> Json:
        """The answer to a call that is right: also that it is not offered, when that is what its row says."""
        assert answer.status_code == row.status, f"{answer.status_code} {answer.text}"
        if row.status == 204:
            assert answer.content == b""
            return None
        assert answer.headers["content-type"] == "application/json"
        if row.status >= 400:
            self.refused(answer)
        return answer.json()


INSIDES = re.compile(r'Traceback|File "|\.py\b|asyncpg|msgspec|leadrail\.|SELECT |INSERT ')


def dialects() -> list[Dialect]:
    """Those of the registry, each as its tests describe it."""
    return [import_module(f"tests.dialects.{prefix.strip('/')}.conformance").DIALECT for prefix in DIALECTS]
