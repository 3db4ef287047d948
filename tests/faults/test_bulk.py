"""Kill the server in the middle of a bulk change: the next one finishes it, and no lead is changed twice."""

import asyncio
from typing import Any

import asyncpg
import httpx

from leadrail.db.embedded import running_url
from tests.api.answers import good
from tests.house import House, eventually

LEADS = 2_000


async def test_a_bulk_change_goes_on_after_the_server_was_killed_with_nothing_twice(house: House) -> None:
    key = (await asyncio.to_thread(house.bootstrap))["api_key"]
    async with httpx.AsyncClient(
        base_url=house.url, headers={"X-API-Key": key}, timeout=30, trust_env=False, verify=False
    ) as http:
        channel = good(await http.post("/v1/channels", json={"title": "Kill"}), 201)
        for _ in range(LEADS // 1_000):
            batch = {"leads": [{"channel_id": channel["id"]}] * 1_000}
            good(await http.post("/v1/leads/batch", json=batch))
        # With a note: a lead that is moved once more, to where it is, would tell of it in an event of its own.
        action = {"type": "status", "status": "Qualified", "note": "All at once"}
        body = {"filter": {"channel": channel["id"]}, "action": action}
        path = f"/v1/bulk-changes/{good(await http.post('/v1/bulk-changes', json=body), 202)['id']}"

        async def is_under_way() -> bool:
            return bool(good(await http.get(path))["done"])

        async def is_done() -> bool:
            return bool(good(await http.get(path))["state"] == "done")

        await eventually(is_under_way, "the bulk change is under way")
        await house.kill()
        await house.start()
        assert good(await http.get(path))["done"] < LEADS, "it was killed too late to mean anything"
        await _run(house, "UPDATE bulk_changes SET lease_until = now()")  # as if its time had passed
        await eventually(is_done, "the bulk change is done", timeout_s=120)

        counts = good(await http.get(path))
    assert (counts["changed"], counts["refused"]) == (LEADS, 0)
    told = await _run(
        house, "SELECT count(*) AS n FROM events WHERE type <> 'lead.created' GROUP BY lead_id, company_id"
    )
    assert [row["n"] for row in told] == [1] * LEADS


async def _run(house: House, statement: str) -> list[dict[str, Any]]:
    url = await running_url(house.data_dir)
    assert url is not None
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()
