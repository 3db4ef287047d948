"""How fast webhooks leave: a backlog, the way from change to arrival, one company beside another's dead end."""

import asyncio
import json
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from bench import load
from bench.dataset import COMPANIES, api_key, checkpoint, id_of, sql_id
from bench.running import PORT, running

BASE = f"http://127.0.0.1:{PORT}"
RECEIVER_PORT = 8491
RECEIVER = f"http://127.0.0.1:{RECEIVER_PORT}"
DEAD = "http://127.0.0.1:9/"
QUEUED = 20_000
BACKLOG = 100_000
CHANGES = 100
SERVE = ["-m", "leadrail", "serve"]
WORKER = ["-m", "leadrail", "worker"]


@dataclass(frozen=True)
class Delays:
    """How long after it was recorded a webhook arrived, in milliseconds."""

    count: int
    p50_ms: float
    p99_ms: float
    most_ms: float

    @classmethod
    def of(cls, sorted_ms: list[float]) -> "Delays":
        count = len(sorted_ms)
        return cls(count, sorted_ms[count // 2], sorted_ms[count * 99 // 100], sorted_ms[-1])

    def __str__(self) -> str:
        return f"p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms, most {self.most_ms:.1f} ms"


async def measure(url: str, folder: Path, seconds: int) -> str:
    """Every measurement in turn, as Markdown. Expects the data set with nothing due."""
    with running(["-m", "bench.receiver", str(RECEIVER_PORT)], f"{RECEIVER}/reset"):
        await _execute(url, "UPDATE endpoints SET url = $1", f"{RECEIVER}/")
        rate = await _drained(url)
        await checkpoint(url)
        fullest, half, on_the_way = await asyncio.to_thread(_under_load, folder, seconds)
        await checkpoint(url)
        alone = await asyncio.to_thread(_one_after_another, "Won")
        await _execute(url, "UPDATE endpoints SET url = $1 WHERE company_id = $2", DEAD, id_of("company", 0))
        await _queue(url, BACKLOG, companies=1)
        beside = await asyncio.to_thread(_one_after_another, "Lost")
        left = await _fetch(url, "SELECT count(*) FROM deliveries WHERE state = 'due' AND company_id = $1", _DEAD_ONE)
    return (
        "| measured | figure |\n| --- | --- |\n"
        f"| {QUEUED:,} due in {COMPANIES} companies, one `leadrail worker` | {rate:,.0f} deliveries a second |\n"
        f"| status changes at their most, 64 connections, each delivered too | {fullest:,.0f} a second |\n"
        f"| recorded to arrived, at {half:,.0f} changes a second, {on_the_way.count:,} of them | {on_the_way} |\n"
        f"| recorded to arrived, one change after another, nothing else due, {alone.count} of them | {alone} |\n"
        f"| the same beside {left:,} that stay due to another company's dead endpoint | {beside} |\n"
    )


_DEAD_ONE = id_of("company", 0)


async def _drained(url: str) -> float:
    """Deliveries a second of one worker alone, from the first arrival to the last."""
    await _queue(url, QUEUED, companies=COMPANIES)
    _ask("/reset")
    with running(WORKER, None):
        report = await asyncio.to_thread(_arrived, QUEUED)
    return (QUEUED - 1) / float(report["seconds"])


def _under_load(folder: Path, seconds: int) -> tuple[float, float, Delays]:
    """The most changes a second, about half of it, and how long the events of that half were on their way."""
    with running(SERVE):
        fullest = load.run(BASE, folder, "status change", "Leadrail", 64, seconds).per_second
        _until_quiet()
        _ask("/reset")
        half = load.run(BASE, folder, "status change", "Leadrail", 64, seconds, at_most=fullest / 2).per_second
        return fullest, half, Delays.of(_until_quiet())


def _one_after_another(status: str) -> Delays:
    """Changes of one company's leads, each waited for until its webhook is there."""
    with running(SERVE):
        _ask("/reset")
        for number in range(CHANGES):
            _change(id_of("lead", 1 + COMPANIES * number), status)
            _arrived(number + 1)
        return Delays.of(_ask("/report")["delays_ms"])


def _change(lead: UUID, status: str) -> None:
    body = json.dumps({"status": status, "note": "bench"}).encode()
    headers = {"X-API-Key": api_key(1), "Content-Type": "application/json"}
    request = urllib.request.Request(f"{BASE}/v1/leads/{lead}/status", body, headers, method="PUT")
    urllib.request.urlopen(request, timeout=30).read()


def _arrived(count: int) -> dict[str, Any]:
    """The receiver's report as soon as so many have come."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if _ask("/count")["count"] >= count:
            return _ask("/report")
        time.sleep(0.01)
    raise RuntimeError(f"{count} webhooks did not come")


def _until_quiet() -> list[float]:
    """All delays, when nothing more has come for two seconds."""
    before = -1
    while (count := _ask("/count")["count"]) != before:
        before = count
        time.sleep(2)
    delays: list[float] = _ask("/report")["delays_ms"]
    return delays


def _ask(path: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(urllib.request.urlopen(RECEIVER + path, timeout=10).read())
    return answer


_QUEUE = f"""
WITH counted AS (
    UPDATE event_counters SET last_seq = last_seq + $1::bigint / $2::bigint
    WHERE company_id IN (SELECT {sql_id("company", "n")} FROM generate_series(0, $2 - 1) AS n)
    RETURNING company_id, last_seq - $1::bigint / $2::bigint AS base
), recorded AS (
    INSERT INTO events (company_id, seq, id, type, occurred_at, recorded_at, actor_kind, face, notice, data)
    SELECT company_id, base + n, gen_random_uuid(), 'lead.status_changed', now(), now(), 'system', 'bench', true, '{{}}'
    FROM counted, generate_series(1, $1::bigint / $2::bigint) AS n
    RETURNING company_id, seq, id
)
INSERT INTO deliveries (company_id, event_seq, id, event_id, endpoint_company_id, endpoint_id, payload, due_at,
    created_at)
SELECT e.company_id, r.seq, uuidv7(), r.id, e.company_id, e.id, $3, now(), now()
FROM recorded r JOIN endpoints e ON e.company_id = r.company_id
"""
_PAYLOAD = json.dumps(
    {
        "type": "lead.status_changed",
        "occurred_at": "2026-01-01T00:00:00Z",
        "recorded_at": "2026-01-01T00:00:00Z",
        "data": {"pad": "x" * 1250},
    },
    separators=(",", ":"),
)


async def _queue(url: str, count: int, *, companies: int) -> None:
    """Makes deliveries due, as many to each of the first companies."""
    await _execute(url, _QUEUE, count, companies, _PAYLOAD)
    await _execute(url, "ANALYZE deliveries")
    await checkpoint(url)


async def _execute(url: str, statement: str, *parameters: Any) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *parameters)
    finally:
        await connection.close()


async def _fetch(url: str, statement: str, *parameters: Any) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement, *parameters)
    finally:
        await connection.close()
