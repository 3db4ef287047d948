"""What is asked of the large set: calls whose times are taken, and more whose plans are looked at."""

from typing import Any

import httpx

from bench.dataset import id_of
from leadrail.api.page import cursor_of
from leadrail.core.automation import run_rules
from leadrail.core.core import Core
from leadrail.core.leads.orders import Place, Sorting
from leadrail.core.webhooks import queue
from leadrail.worker.planning import START
from leadrail.worker.reminding import remind

_CHANNEL, _LEAD, _ENDPOINT = id_of("channel", 0), id_of("lead", 28), id_of("endpoint", 0)
_OTHER = id_of("lead", 56)
_DEEP = cursor_of(str(Place(Sorting(), 5_000, 5_000, id_of("company", 0))))

READS = {
    "one lead": f"/v1/leads/{_LEAD}",
    "its history": f"/v1/leads/{_LEAD}/events",
    "list, first page": "/v1/leads",
    "list by channel and status": f"/v1/leads?channel={_CHANNEL}&status=Won",
    "list, a page deep inside": f"/v1/leads?channel={_CHANNEL}&cursor={_DEEP}",
    "list by category": f"/v1/leads?channel={_CHANNEL}&category=won",
    "list by e-mail": "/v1/leads?email=lead28@firm28.example",
    "list by phone": "/v1/leads?phone=%2B1%20415%200000%200028",
    "list by source": "/v1/leads?source=fair",
    "list by assignee": "/v1/leads?assignee=agent7@example.com",
    "list by time of creation": "/v1/leads?created_from=2026-10-01T00:00:00Z&created_before=2026-10-02T00:00:00Z",
    "list by time of change": "/v1/leads?updated_from=2026-11-03T12:00:00Z",
    "list by value": "/v1/leads?value_from=9000",
    "list sorted by value": "/v1/leads?sort=-value",
    "list of one status sorted by value": f"/v1/leads?channel={_CHANNEL}&status=Won&sort=-value",
    "text: a surname": "/v1/leads?q=last28",
    "text: a word of all": "/v1/leads?q=company",
    "text: two words": "/v1/leads?q=first28%20last28",
    "text: part of an e-mail": "/v1/leads?q=firm28.exam",
    "text: a phone number": "/v1/leads?q=%28415%29%2000%2000%2000%2028",
    "list with its count": "/v1/leads?count=true",
    "list with an estimate": "/v1/leads?source=fair&value_from=9000&count=true",
    "board counts": f"/v1/analytics/board?channel={_CHANNEL}",
    "funnel": f"/v1/analytics/funnel?channel={_CHANNEL}",
    "leads by source": f"/v1/analytics/sources?channel={_CHANNEL}",
    "time in status": f"/v1/analytics/velocity?channel={_CHANNEL}",
    "work list of planned contacts": "/v1/follow-ups",
    "notifications": "/v1/notifications",
    "feed, first page": "/v1/events?limit=200",
    "rewards": "/v1/rewards",
    "reward totals by month": "/v1/rewards/totals?group=month",
    "delivery log": f"/v1/webhooks/{_ENDPOINT}/deliveries",
}


def _field(name: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": name, operator: value}


SEARCHES: dict[str, Any] = {
    "search by a property": {"filter": _field("properties.Size", "eq", 28)},
    "search by a range of a property": {"filter": _field("properties.Size", "gt", 900)},
    "search nested": {
        "filter": {
            "and": [
                _field("category", "in", ["open", "qualified"]),
                {"or": [_field("value", "gte", 9_000), {"not": _field("source", "in", ["fair", "ads"])}]},
            ]
        }
    },
    "search for hardly any": {"filter": {"and": [_field("title", "exists", True), _field("category", "eq", "lost")]}},
    "search for part of a name": {"filter": _field("name", "contains", "rst28 ")},
    "search by e-mail": {"filter": _field("email", "eq", "lead28@firm28.example")},
}


def _get(path: str) -> Any:
    async def call(_core: Core, http: httpx.AsyncClient) -> None:
        (await http.get(path)).raise_for_status()

    return call


def _send(method: str, path: str, body: Any) -> Any:
    async def call(_core: Core, http: httpx.AsyncClient) -> None:
        (await http.request(method, path, json=body)).raise_for_status()

    return call


async def _lanes(core: Core, _http: httpx.AsyncClient) -> None:
    async with core.database.connection() as connection:
        await queue.lanes(connection, START, 500)


async def _reminders(core: Core, _http: httpx.AsyncClient) -> None:
    await remind(core)


async def _rules(core: Core, _http: httpx.AsyncClient) -> None:
    await run_rules(core)


CALLS = {name: _get(path) for name, path in READS.items()} | {
    **{name: _send("POST", "/v1/leads/search", body) for name, body in SEARCHES.items()},
    "feed, a type that hardly occurs": _get("/v1/events?type=reward.changed&limit=200"),
    "delivery log of one lead": _get(f"/v1/webhooks/{_ENDPOINT}/deliveries?lead={_LEAD}"),
    "delivery log, what is parked": _get(f"/v1/webhooks/{_ENDPOINT}/deliveries?state=parked"),
    "delivery log, before a time": _get(f"/v1/webhooks/{_ENDPOINT}/deliveries?until=2025-01-01T00:00:00Z"),
    "replay of what is parked": _send("POST", f"/v1/webhooks/{_ENDPOINT}/replay", {}),
    "status change": _send("PUT", f"/v1/leads/{_OTHER}/status", {"status": "Contacted", "note": "bench"}),
    "creation": _send("POST", "/v1/leads", {"channel_id": str(_CHANNEL), "email": "plan@example.com"}),
    "edit": _send("PATCH", f"/v1/leads/{_OTHER}", {"title": "Head of plans", "email": "plan@example.com"}),
    "note": _send("POST", f"/v1/leads/{_OTHER}/notes", {"text": "bench"}),
    "contact": _send("POST", f"/v1/leads/{_OTHER}/follow-ups", {"done_at": "2026-11-01T00:00:00Z"}),
    "purchase": _send("POST", f"/v1/leads/{_OTHER}/purchases", {"amount": "10"}),
    "worker: lanes with work": _lanes,
    "worker: reminders": _reminders,
    "worker: rules of channels": _rules,
}
