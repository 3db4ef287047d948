"""Octanist as the suite over all dialects sees it (contracts/octanist.md)."""

import re
from datetime import UTC, datetime

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Category
from leadrail.dialects.octanist.errors import on_error
from leadrail.dialects.octanist.forms import PIXEL, WORDPRESS
from leadrail.dialects.octanist.routes import ROUTES
from leadrail.dialects.words import OCTANIST
from tests.dialects.conformance import Dialect, Json, Native, Row, Sent
from tests.dialects.scene import Scene

NO_LEAD = (404, "Lead not found")
CODES = {
    "UNAUTHORIZED",
    "VALIDATION_ERROR",
    "INVALID_DATE",
    "INVALID_FILTER",
    "FORBIDDEN",
    "NOT_FOUND",
    "CONFLICT",
    "INTERNAL_ERROR",
}


def failure(status: int, told: Json) -> str:
    assert list(told) == ["success", "message", "error", "meta"]
    assert told["success"] is False
    assert re.fullmatch(r"req_[0-9a-f]{12}", told["meta"]["requestId"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["meta"]["timestamp"])
    error = told["error"]
    if isinstance(error, str):  # generation A, which is documented for 401 alone
        assert (status, error) == (401, told["message"])
        return error
    assert list(error) == ["code", "message", "details"]
    assert (error["message"], error["code"] in CODES) == (told["message"], True)
    return str(error["message"])


def _patch(**members: Json) -> Sent:
    return Sent("PATCH", "/api/leads", members)


def _natively_moved(scene: Scene, **members: Json) -> Sent:
    return Sent("PUT", f"/v1/leads/{scene.lead.id}/status", members)


def _new_lead(scene: Scene) -> Json:
    return {
        "name": "John Doe",
        "email": f"new.q{scene.number}q@example.com",
        "phone": "+1234567890",
        "note": "Asked for a quote",
        "custom": {"company": "Acme Inc"},
        "website": "https://example.com",
        "gclid": "abc123",
        "utm_source": "google",
        "ad_storage": True,
    }


def _natively_new(scene: Scene) -> Sent:
    made = _new_lead(scene)
    contact = {name: made.pop(name) for name in ("name", "email", "phone")}
    attribution = {**made, "custom": '{"company":"Acme Inc"}'}
    body = {"channel_id": str(scene.channel.id), "source": "api", "notes": attribution.pop("note")}
    return Sent("POST", "/v1/leads", contact | body | {"attribution": attribution})


def _spend(scene: Scene) -> Json:
    row = {"date": "2026-01-31", "platform": "googleads", "campaignId": scene.text("camp"), "cost": 12.5, "clicks": 3}
    return {"rows": [row]}


def _web_form(scene: Scene) -> Json:
    contact = {"name": "John Doe", "email": f"new.q{scene.number}q@example.com"}
    return contact | {"domain": "example.com", "path": "/contact"}


def _natively_handed_in(scene: Scene) -> Sent:
    made = _web_form(scene)
    attribution = {"website": f"https://{made.pop('domain')}", "path": made.pop("path")}
    body = {"channel_id": str(scene.channel.id), "source": "wordpress", "attribution": attribution}
    return Sent("POST", "/v1/leads", body | made)


def _pixel_event(scene: Scene) -> Json:
    return {
        "type": "form_submit",
        "source": "gtm",
        "mid": f"OCT-{scene.channel.public_id}",
        "domain": "example.com",
        "path": "/contact",
        "timestamp": 1767225600000,
        "form_fields": {"name": "John Doe", "email": f"new.q{scene.number}q@example.com"},
    }


def _natively_seen(scene: Scene) -> Sent:
    sent = _natively_handed_in(scene)
    return Sent(sent.method, sent.path, sent.body | {"source": "gtm"})


ROWS = (
    Row(
        route="POST /api/check",
        sent=lambda _: Sent("POST", "/api/check"),
        scope=None,
        writes=False,
        stranger=(200, None),
        has_body=False,
    ),
    Row(
        route="POST /api/leads",
        sent=lambda scene: Sent("POST", "/api/leads", _new_lead(scene)),
        scope=Scope.WRITE,
        writes=True,
        stranger=(200, None),
        again=("lead.created", "reward.created"),
        native=Native(sent=_natively_new),
        free=frozenset({"/custom"}),
    ),
    Row(
        route="GET /api/leads",
        sent=lambda _: Sent("GET", "/api/leads"),
        scope=Scope.READ,
        writes=False,
        stranger=(200, None),
        has_body=False,
        queries=("limit", "page", "sort", "search", "fields", "status", "value[gte]", "createdAt[lt]", "gclid[exists]"),
    ),
    Row(
        route="GET /api/leads/{id}",
        sent=lambda scene: Sent("GET", f"/api/leads/{scene.lead.id}"),
        scope=Scope.READ,
        writes=False,
        stranger=NO_LEAD,
        has_body=False,
    ),
    Row(
        route="PATCH /api/leads",
        case="by id",
        sent=lambda scene: _patch(id=str(scene.lead.id), status="lost", lossReason="Too dear"),
        scope=Scope.WRITE,
        writes=True,
        stranger=NO_LEAD,
        native=Native(sent=lambda scene: _natively_moved(scene, status="lost", reason="Too dear")),
    ),
    Row(
        route="PATCH /api/leads",
        case="by email",
        sent=lambda scene: _patch(email=scene.lead.email, status="won", value=5000),
        scope=Scope.WRITE,
        writes=True,
        stranger=NO_LEAD,
        native=Native(sent=lambda scene: _natively_moved(scene, status="won", value=5000)),
    ),
    Row(
        route="PATCH /api/leads",
        case="by phone",
        sent=lambda scene: _patch(phone=scene.lead.phone, value=5000, note="Called"),
        scope=Scope.WRITE,
        writes=True,
        stranger=NO_LEAD,
        native=Native(
            sent=lambda scene: Sent("PATCH", f"/v1/leads/{scene.lead.id}", {"value": 5000, "notes": "Called"})
        ),
    ),
    Row(
        route="POST /api/stats",
        sent=lambda _: Sent(
            "POST", "/api/stats", {"period": "custom", "startDate": "2026-01-01", "endDate": "2026-12-31"}
        ),
        scope=Scope.READ,
        writes=False,
        stranger=(200, None),
    ),
    Row(
        route="POST /api/ad-spend",
        sent=lambda _: Sent("POST", "/api/ad-spend", {"startDate": "2026-01-01", "endDate": "2026-12-31", "limit": 5}),
        scope=Scope.READ,
        writes=False,
        stranger=(200, None),
    ),
    Row(
        route="PUT /api/ad-spend",
        sent=lambda scene: Sent("PUT", "/api/ad-spend", _spend(scene)),
        scope=Scope.WRITE,
        writes=True,
        stranger=(200, None),
        bound=(403, None),
        body_limit=8 << 20,
    ),
    Row(
        route="GET /api/settings",
        sent=lambda _: Sent("GET", "/api/settings"),
        scope=Scope.READ,
        writes=False,
        stranger=(200, None),
        has_body=False,
    ),
    Row(
        route="PUT /api/settings",
        sent=lambda _: Sent("PUT", "/api/settings", {"bulkUpdates": False}),
        scope=Scope.ADMIN,
        writes=True,
        stranger=(200, None),
        bound=(403, None),
    ),
    Row(
        route="POST /api/integrations/incoming/wp/{octanistId}",
        sent=lambda scene: Sent(
            "POST", f"/api/integrations/incoming/wp/OCT-{scene.channel.public_id}/", _web_form(scene)
        ),
        scope=None,
        is_keyless=True,
        writes=True,
        stranger=(200, None),
        again=("lead.created", "reward.created"),
        native=Native(sent=_natively_handed_in),
        free=frozenset({"/name", "/email", "/domain", "/path"}),
        body_limit=1 << 16,
    ),
    Row(
        route="POST /e",
        sent=lambda scene: Sent("POST", "/e", _pixel_event(scene)),
        scope=None,
        is_keyless=True,
        writes=True,
        stranger=(204, None),
        status=204,
        native=Native(sent=_natively_seen),
        free=frozenset(
            {"/type", "/source", "/domain", "/path", "/timestamp", "/form_fields/name", "/form_fields/email"}
        ),
        body_limit=1 << 16,
    ),
)

WORDS = {Category.WON: "won", Category.LOST: "lost"}

DIALECT = Dialect(
    name="octanist",
    template="octanist",
    routes=lambda: frozenset(
        [f"{method} {path}" for method, path, *_ in ROUTES] + [f"POST {path}" for path in (WORDPRESS, PIXEL)]
    ),
    rows=ROWS,
    headers=lambda key: {"X-API-KEY": key},
    failure=failure,
    on_error=lambda request, error: on_error(request, error, datetime(2026, 3, 10, 12, tzinfo=UTC)),
    unauthorized="Invalid or missing API key",
    unknown_path="/api/other",
    move=lambda scene, category: _patch(id=str(scene.lead.id), status=WORDS[category]),
    shown=OCTANIST.word,
    read=lambda scene: Sent("GET", f"/api/leads/{scene.lead.id}"),
    status_in=lambda told: str(told["data"]["status"]),
    fixtures={
        "POST /api/check": ("check", "a-check-unauthorized"),
        "POST /api/leads": ("c-create", "a-create"),
        "GET /api/leads": ("b-pagination",),
        "GET /api/leads/{id}": ("b-lead",),
        "PATCH /api/leads": (
            *("a-update-by-id", "a-example-by-id", "a-example-by-email", "a-won", "a-qualified", "a-lost"),
            *("a-not-found", "a-unauthorized", "b-won"),
        ),
        "POST /api/stats": ("b-stats",),
        "POST /api/ad-spend": (),
        "PUT /api/ad-spend": (),
        "GET /api/settings": (),
        "PUT /api/settings": (),
        "POST /api/integrations/incoming/wp/{octanistId}": (),
        "POST /e": ("pixel-form",),
    },
    other_fixtures=("b-success", "b-failure"),
)
