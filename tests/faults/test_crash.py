"""Kill the real server and the real database at random moments: what was acknowledged is whole, nothing half done."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import asyncpg
import httpx

from leadrail.db.embedded import running_url
from tests.house import House, eventually
from tests.receivers import Receiver

WRITERS = 8
STATUSES = ("New", "Qualified", "Won")


@dataclass
class Acknowledged:
    """What the server said it had done."""

    leads: set[str] = field(default_factory=set)
    moves: list[tuple[str, int]] = field(default_factory=list)


async def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(house: House) -> None:
    said = Acknowledged()
    async with Receiver() as receiver:
        key = await asyncio.to_thread(house.bootstrap)
        channel_id = await _prepare(house, key["api_key"], receiver.url)
        for blow in (house.kill, _database_dies(house), house.kill):
            await _load_until_it_strikes(house, key["api_key"], channel_id, said, blow)
        await _check_rows(house, said)
        await _check_arrivals(house, receiver)
    assert len(said.leads) > WRITERS, "the load was too small to mean anything"
    assert len(said.moves) > WRITERS


def _database_dies(house: House) -> Callable[[], Awaitable[None]]:
    async def die() -> None:
        house.kill_database()

    return die


async def _prepare(house: House, key: str, receiver_url: str) -> str:
    async with _client(house, key) as client:
        channel = (await client.post("/v1/channels", json={"title": "Crash", "currency": "EUR"})).json()
        triggers = f"/v1/channels/{channel['id']}/reward-triggers"
        trigger = {"cause": "status_change", "status": "Won", "amount": "5"}
        assert (await client.post(triggers, json=trigger)).status_code == 201
        assert (await client.post("/v1/webhooks", json={"url": receiver_url})).status_code == 201
    return str(channel["id"])


async def _load_until_it_strikes(
    house: House, key: str, channel_id: str, said: Acknowledged, blow: Callable[[], Awaitable[None]]
) -> None:
    writers = [asyncio.create_task(_write(house, key, channel_id, said)) for _ in range(WRITERS)]
    before = len(said.moves)
    await eventually(lambda: _grown(said, before), "the load is under way")
    await asyncio.sleep(random.uniform(0, 0.5))  # the moment of the blow is what is random here
    await blow()
    assert house.process is not None
    if house.process.returncode is not None:
        await asyncio.gather(*writers)
        await house.start()
        return
    await eventually(house.is_ready, "the server has its database back", timeout_s=60)
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)


async def _grown(said: Acknowledged, before: int) -> bool:
    return len(said.moves) > before + 5 * WRITERS


async def _write(house: House, key: str, channel_id: str, said: Acknowledged) -> None:
    """Makes leads and walks each through its statuses, until the server is gone."""
    async with _client(house, key) as client:
        with suppress(httpx.TransportError):
            while True:
                answer = await client.post("/v1/leads", json={"channel_id": channel_id, "email": "x@example.com"})
                if answer.status_code != 201:
                    continue
                lead_id = answer.json()["id"]
                said.leads.add(lead_id)
                for status in (*STATUSES[1:], *STATUSES):
                    answer = await client.put(f"/v1/leads/{lead_id}/status", json={"status": status})
                    assert answer.status_code in (200, 503), answer.text
                    if answer.status_code == 200:
                        said.moves.append((lead_id, answer.json()["version"]))


async def _check_rows(house: House, said: Acknowledged) -> None:
    rows = await _rows(house, "SELECT lead_id, type, from_status_id, to_status_id, seq, id FROM events ORDER BY seq")
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1)), "the feed has a gap"
    history: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["type"] != "reward.created":
            history.setdefault(str(row["lead_id"]), []).append(row)
    leads = {str(row["id"]): row for row in await _rows(house, "SELECT id, status_id, version FROM leads")}
    assert said.leads <= set(leads)
    assert set(history) == set(leads), "a lead without a history, or a history without a lead"
    for lead_id, version in said.moves:
        assert leads[lead_id]["version"] >= version
    for lead_id, steps in history.items():
        _check_chain(steps, leads[lead_id])
    await _check_what_follows(house)


def _check_chain(steps: list[dict[str, Any]], lead: dict[str, Any]) -> None:
    assert steps[0]["type"] == "lead.created"
    for before, after in pairwise(steps):
        assert after["from_status_id"] == before["to_status_id"]
    assert steps[-1]["to_status_id"] == lead["status_id"]
    assert len(steps) == lead["version"]


async def _check_what_follows(house: House) -> None:
    lonely = await _rows(
        house,
        """SELECT e.id FROM events e LEFT JOIN deliveries d ON (d.company_id, d.event_seq) = (e.company_id, e.seq)
        GROUP BY e.company_id, e.id HAVING count(d.id) <> 1""",
    )
    assert lonely == [], "an event without its delivery"
    owed = """SELECT DISTINCT e.lead_id FROM events e JOIN statuses s ON s.id = e.to_status_id
        WHERE s.name = 'Won' AND e.type = 'lead.status_changed' ORDER BY e.lead_id"""
    assert await _rows(house, owed) == await _rows(house, "SELECT lead_id FROM rewards ORDER BY lead_id")


async def _check_arrivals(house: House, receiver: Receiver) -> None:
    due = {str(row["event_id"]) for row in await _rows(house, "SELECT event_id FROM deliveries")}

    async def all_arrived() -> bool:
        return due <= {request.headers["webhook-id"] for request in receiver.requests}

    # What the killed worker had claimed comes again when its lease has run out.
    await eventually(all_arrived, "every delivery arrives", timeout_s=120)


async def _rows(house: House, statement: str) -> list[dict[str, Any]]:
    url = await running_url(house.data_dir)
    assert url is not None
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def _client(house: House, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=house.url, headers={"X-API-Key": key}, timeout=30, trust_env=False, verify=False)
