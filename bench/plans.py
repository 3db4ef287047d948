"""The plans of what calls really ask, on the large set: no walk through a large table, no sort of one."""

import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from leadrail.app import App
from leadrail.core.core import Core
from leadrail.db.database import Connection, Database

MANY = 20_000
"""More rows than this read or sorted for one call, and the plan is said to walk or to sort."""


@dataclass(frozen=True)
class Statement:
    text: str
    values: tuple[Any, ...]
    seconds: float


@dataclass(frozen=True)
class Finding:
    """A call, what each of its statements took, and what is wrong with their plans."""

    call: str
    seconds: float
    statements: int
    rows: int
    faults: list[str] = field(default_factory=list)


class Watched(Database):
    """A database that writes down what it is asked."""

    asked: list[Statement]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with super().connection() as connection:
            with self._heard(connection):
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with super().transaction() as connection:
            with self._heard(connection):
                yield connection

    async def dedicated(self) -> Connection:
        connection = await super().dedicated()
        connection.add_query_logger(self._note)
        return connection

    def _heard(self, connection: Connection) -> Any:
        return connection.query_logger(self._note)

    def _note(self, record: Any) -> None:
        self.asked.append(Statement(record.query, tuple(record.args or ()), record.elapsed))


Calls = Mapping[str, Callable[[Core, httpx.AsyncClient], Awaitable[Any]]]


async def examine(url: str, key: str, calls: Calls) -> list[Finding]:
    """Makes each call, then asks for the plan of every statement that it made."""
    database = await Watched.open(url)
    assert isinstance(database, Watched)
    database.asked = []
    core, found = Core(database), []
    transport, headers = httpx.ASGITransport(App(core)), {"X-API-Key": key}
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", headers=headers, timeout=600) as http:
        for name, call in calls.items():
            await call(core, http)  # once for what is kept afterwards: the key, the channel's set-up
            database.asked = []
            began = time.perf_counter()
            await call(core, http)
            seconds, asked = time.perf_counter() - began, database.asked
            found.append(await _finding(url, name, seconds, asked))
    await core.close()
    return found


async def _finding(url: str, name: str, seconds: float, asked: Sequence[Statement]) -> Finding:
    connection = await asyncpg.connect(url, server_settings={"jit": "off"})
    try:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=str, format="text")
        faults, rows, count = [], 0, 0
        for one in asked:
            if not one.text.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "INSERT", "DELETE")):
                continue
            plan = await _plan(connection, one)
            count, rows = count + 1, rows + sum(_rows(node) for node in _nodes(plan))
            faults += [f"{fault} in: {' '.join(one.text.split())[:160]}" for fault in _faults(plan)]
    finally:
        await connection.close()
    return Finding(name, seconds, count, rows, faults)


async def _plan(connection: Connection, statement: Statement) -> Any:
    # What writes is not done a second time: its plan tells what is expected, not what was.
    writes = re.search(r"\b(INSERT|UPDATE|DELETE)\b", statement.text) is not None
    how = "FORMAT JSON" if writes else "ANALYZE, FORMAT JSON"
    text = await connection.fetchval(f"EXPLAIN ({how}) {statement.text}", *statement.values)
    return json.loads(text)[0]["Plan"]


def _nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _rows(node: Any) -> int:
    """The rows of tables that a node read, thrown away or not."""
    if "Scan" not in node["Node Type"] or "Relation Name" not in node:
        return 0
    if "Actual Rows" not in node:
        return int(node["Plan Rows"])
    read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(read * node["Actual Loops"])


def _faults(plan: Any) -> Iterator[str]:
    for node in _nodes(plan):
        if _rows(node) > MANY:
            yield f"{node['Node Type']} of {node['Relation Name']} reads {_rows(node):,} rows"
        elif node["Node Type"] == "Seq Scan" and node["Plan Rows"] > MANY:
            yield f"Seq Scan of {node['Relation Name']}"
        sorted_rows = node.get("Actual Rows", node["Plan Rows"]) * node.get("Actual Loops", 1)
        if node["Node Type"] in ("Sort", "Incremental Sort") and sorted_rows > MANY:
            yield f"{node['Node Type']} of {sorted_rows:,.0f} rows"


def table(found: Sequence[Finding]) -> str:
    lines = ["| call | whole | statements | rows read | plan |", "| --- | --- | --- | --- | --- |"]
    for one in found:
        verdict = "; ".join(one.faults) or "by index"
        lines.append(f"| {one.call} | {one.seconds * 1000:.1f} ms | {one.statements} | {one.rows:,} | {verdict} |")
    return "\n".join(lines) + "\n"
